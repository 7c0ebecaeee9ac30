from importlib import import_module

import minigrad as mg
import optim
from minigrad.optim import SGD


def test_minigrad_optim_are_the_same_objects():
    assert (
        mg.optim is optim
        and SGD is optim.SGD
        and import_module("minigrad.optim.adam") is optim.adam
    )
