"""minigrad.optim is the package optim."""

from importlib import import_module

import minigrad as mg
import optim
from minigrad.optim import SGD


def test_minigrad_optim_is_optim():
    assert mg.optim is optim
    assert SGD is optim.SGD
    assert import_module("minigrad.optim.adam") is optim.adam
