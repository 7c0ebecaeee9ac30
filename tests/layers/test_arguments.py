"""Arguments that several layers take."""

import numpy as np
import pytest

from layers import RNN, Dense, Embedding

from .helpers import raises


@pytest.mark.parametrize(
    "sizes",
    [
        (0, 2),
        (2, -1),
        (2.0, 2),
        ("2", 2),
        (None, 2),
    ],
)
def test_sizes_are_positive_integers(sizes):
    with raises("MG210"):
        Dense(*sizes)


@pytest.mark.parametrize("kind", [Dense, Embedding])
@pytest.mark.parametrize("shape", [(3, 1), (3,)])
def test_init_returns_the_shape_it_gets(kind, shape):
    with raises("MG213", r"\(3, 2\)"):
        kind(3, 2, init=lambda _: np.zeros(shape))


@pytest.mark.parametrize("activation", ["relu", 1.0])
def test_activation_is_a_function(activation):
    with raises("MG211"):
        Dense(2, 3, activation)


@pytest.mark.parametrize(
    "shape",
    [
        (3,),
        (2, 3),
        (2, 0, 3),
        (2, 4, 5),
        (1, 2, 4, 3),
    ],
)
def test_sequences_have_a_batch_steps_and_a_width(shape):
    x = np.zeros(shape)
    with raises("MG221", r"\(batch, time, 3\), not \(\d"):
        RNN(3, 2)(x)
