"""Arguments that several layers take, and what is refused."""

import numpy as np
import pytest

import minigrad as mg
from layers import RNN, Dense, PositionalEncoding
from layers.arguments import function_name
from minigrad.errors import OptionError, ShapeError


@pytest.mark.parametrize("sizes", [(0, 2), (2, -1), (2.0, 2), ("2", 2), (None, 2)])
def test_sizes_are_integers_of_1_or_more(sizes):
    with pytest.raises(OptionError, match="MG210"):
        Dense(*sizes)


def test_an_initialiser_returns_an_array_of_the_shape_that_it_gets():
    with pytest.raises(ShapeError, match=r"MG213.*\(3,\).*\(2, 3\)"):
        Dense(2, 3, init=lambda shape: np.zeros(shape[1:]))


@pytest.mark.parametrize("activation", ["relu", 1.0])
def test_an_activation_is_a_function(activation):
    with pytest.raises(OptionError, match="MG211"):
        Dense(2, 3, activation)


def test_functions_and_gates_are_called_by_their_names():
    assert [function_name(one) for one in (mg.tanh, mg.softmax, abs)] == [
        "tanh",
        "softmax",
        "abs",
    ]


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 0, 3), (2, 4, 5), (1, 2, 4, 3)])
def test_a_sequence_has_a_batch_steps_and_the_layer_s_width(shape):
    with pytest.raises(ShapeError, match="MG221"):
        RNN(3, 2)(np.zeros(shape))


def test_a_sequence_of_any_width_has_three_axes():
    assert PositionalEncoding()(np.zeros((2, 4, 5))).shape == (2, 4, 5)
    with pytest.raises(ShapeError, match=r"MG221.*\(batch, time, width\)"):
        PositionalEncoding()(np.zeros((4, 5)))
