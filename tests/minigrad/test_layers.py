"""minigrad.layers is the package layers."""

from importlib import import_module

import layers
import minigrad as mg
from minigrad.layers import RNN


def test_minigrad_layers_is_layers():
    assert mg.layers is layers
    assert RNN is layers.RNN
    assert import_module("minigrad.layers.recurrent") is layers.recurrent
