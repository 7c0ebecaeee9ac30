"""Cells, and the recurrent layers around them, compute what PyTorch and Keras compute."""

from functools import partial
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from layers import (
    GRU,
    LSTM,
    RNN,
    Dense,
    LayerNorm,
    LSTMCell,
    Sequential,
    to_layout,
)
from layers.cells import parts

from .helpers import assert_close
from .parity import close, compare, load_weights, stored

PYTORCH = stored("pytorch")
KERAS = stored("keras")
PLAIN = PYTORCH.pop("plain")
KINDS = {"rnn": RNN, "gru": GRU, "lstm": LSTM}
OPTIONS: dict[str, dict[str, Any]] = {  # by a word in the name of a case
    "relu": {"activation": mg.relu},
    "before": {"reset_after": False},
    "stacked": {"layers": 2},
    "both_ways": {"bidirectional": True},
}


def build(case, **options):
    """The layer of a case, such as `lstm_stacked_both_ways`."""
    for word, more in OPTIONS.items():
        if word in case:
            options |= more
    kind = KINDS[case.partition("_")[0]]
    return kind(4, 5, return_sequences="last" not in case, **options)


def load(model, arrays, layout):
    """Load the weights, and compare those that come back."""
    load_weights(model, arrays, layout)
    for name, array in to_layout(model, layout).items():
        # PyTorch's two biases come back as their sum and 0
        if "bias_hh" not in name and "bias_ih" not in name:
            np.testing.assert_array_equal(array, arrays[f"weight/{name}"])


@pytest.mark.parametrize("case", PYTORCH)
def test_cells_equal_pytorch(case):
    layer = build(case, return_state=True)
    arrays = PYTORCH[case]
    load(layer, arrays, "pytorch")
    compare(layer, arrays)
    _, state = layer(arrays["x"])
    h = parts(state)[0].array
    # PyTorch has an axis of layers even for one
    close(h.reshape(-1, *h.shape[-2:]), arrays["final"])


def test_dense_and_layer_norm_equal_pytorch():
    model = Sequential(LayerNorm(4), Dense(4, 5))
    load(model, PLAIN, "pytorch")
    compare(model, PLAIN)


@pytest.mark.parametrize("case", KERAS)
def test_cells_equal_keras(case):
    layer = build(case)
    model = Sequential(layer)
    masked = case.endswith(("masked", "last"))
    lengths = [6, 2, 4] if masked else None
    load(model, KERAS[case], "keras")
    compare(model, KERAS[case], "keras", partial(layer, lengths=lengths))


def test_lstm_cell_starts_orthogonal_with_a_forget_bias():
    cell = LSTMCell(128, 32)
    W = cell.W_hh.array
    assert_close(W @ W.T, np.eye(32), atol=1e-5)
    assert_close(cell.b, np.repeat([0.0, 1.0, 0.0, 0.0], 32))
