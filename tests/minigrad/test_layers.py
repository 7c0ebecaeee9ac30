from importlib import import_module

import layers
import minigrad as mg
from minigrad.layers import RNN


def test_minigrad_layers_are_the_same_objects():
    assert (
        mg.layers is layers
        and RNN is layers.RNN
        and import_module("minigrad.layers.recurrent") is layers.recurrent
    )
