"""The cells compute what PyTorch and Keras compute, whose arrays make_parity.py stored. All in
float64.

With them run, and are compared, the layers around the cells, their masks, and the exchange of
weights.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from layers import (
    GRU,
    LSTM,
    RNN,
    Dense,
    GRUCell,
    Layer,
    LayerNorm,
    LSTMCell,
    RNNCell,
    Sequential,
    from_layout,
    to_layout,
)

DATA = Path(os.environ.get("MINIGRAD_PARITY", Path(__file__).parent / "data"))
D, H = 4, 5
LENGTHS = [6, 2, 4]
MASKED = ("rnn_last", "lstm_masked", "gru_both_ways_masked", "lstm_both_ways_last")

# A recurrent layer returns sequences unless the case is named "last".
PYTORCH: dict[str, tuple[Any, dict[str, Any]]] = {
    "rnn": (RNN, {}),
    "rnn_relu": (RNN, {"activation": mg.relu}),
    "rnn_both_ways": (RNN, {"bidirectional": True}),
    "gru": (GRU, {}),
    "gru_stacked": (GRU, {"layers": 2}),
    "lstm": (LSTM, {}),
    "lstm_stacked_both_ways": (LSTM, {"layers": 2, "bidirectional": True}),
}
KERAS: dict[str, tuple[Any, dict[str, Any]]] = {
    "rnn": (RNN, {}),
    "gru": (GRU, {}),
    "gru_reset_before": (GRU, {"reset_after": False}),
    "lstm": (LSTM, {}),
    "lstm_stacked": (LSTM, {"layers": 2}),
    "gru_both_ways": (GRU, {"bidirectional": True}),
    "rnn_last": (RNN, {}),
    "lstm_masked": (LSTM, {}),
    "gru_both_ways_masked": (GRU, {"bidirectional": True}),
    "lstm_both_ways_last": (LSTM, {"bidirectional": True}),
}


class Holder(Layer):
    """Holds a recurrent layer under the name of its kind, as a model would."""

    def __init__(self, layer):
        super().__init__()
        setattr(self, type(layer).__name__.lower(), layer)
        self._layer = layer

    def forward(self, *inputs, **options):
        return self._layer(*inputs, **options)


def build(cases, case, **more):
    kind, options = cases[case]
    return kind(D, H, return_sequences=not case.endswith("last"), **options, **more)


def load(model, framework, case):
    """Put the stored weights into the model, in float64, and return all arrays of the case."""
    with np.load(DATA / f"parity_{framework}.npz") as file:
        arrays = {
            name.removeprefix(case + "/"): file[name]
            for name in file.files
            if name.startswith(case + "/")
        }
    for parameter in model.named_parameters().values():
        parameter.array = parameter.array.astype(np.float64)
    weights = {
        name.removeprefix("weight/"): array
        for name, array in arrays.items()
        if name.startswith("weight/")
    }
    from_layout(model, weights, framework)
    for name, array in to_layout(model, framework).items():
        # those two come back as their sum and 0
        if "bias_hh" not in name and "bias_ih" not in name:
            np.testing.assert_array_equal(array, weights[name])
    return arrays


def compare(model, framework, case, **options):
    arrays = load(model, framework, case)
    x: Any = mg.Tensor(arrays["x"], requires_grad=True)
    output = model(x, **options)
    compared = arrays["seed"] != 0  # not at padding, where the conventions differ
    np.testing.assert_allclose(
        output.array * compared, arrays["output"] * compared, rtol=0, atol=1e-12
    )
    output.backward(arrays["seed"])
    np.testing.assert_allclose(x.grad, arrays["grad_x"], rtol=0, atol=1e-12)
    # A gradient travels like its weight, but that one bias of ours stands for two equal gradients
    # of PyTorch.
    for parameter in model.named_parameters().values():
        parameter.array = parameter.grad
    ours = to_layout(model, framework)
    for name, array in ours.items():
        if "bias_hh" in name and not case.startswith("gru"):
            array = ours[name.replace("bias_hh", "bias_ih")]
        np.testing.assert_allclose(array, arrays["grad/" + name], rtol=0, atol=1e-11, err_msg=name)


@pytest.mark.parametrize("case", PYTORCH)
def test_equals_pytorch(case):
    compare(build(PYTORCH, case), "pytorch", case)


def test_plain_layers_equal_pytorchs():
    compare(Sequential(LayerNorm(D), Dense(D, H)), "pytorch", "plain")


@pytest.mark.parametrize("case", KERAS)
def test_equals_keras(case):
    compare(Holder(build(KERAS, case)), "keras", case, lengths=LENGTHS if case in MASKED else None)


@pytest.mark.parametrize("case", PYTORCH)
def test_final_states_equal_pytorchs(case):
    layer = build(PYTORCH, case, return_state=True)
    arrays = load(layer, "pytorch", case)
    _, state = layer(arrays["x"])
    states = state if isinstance(state, list) else [state]
    finals = [part[0] if isinstance(part, tuple) else part for part in states]
    np.testing.assert_allclose(
        np.stack([final.array for final in finals]), arrays["final"], rtol=0, atol=1e-12
    )


def test_initial_weights_are_those_of_the_reference():
    mg.seed(0)
    cell = LSTMCell(128, 32)
    limit = np.sqrt(6 / (128 + 4 * 32))
    assert 0.98 * limit < np.abs(cell.W_xh.array).max() <= limit * (1 + 1e-6)
    np.testing.assert_allclose(cell.W_hh.array @ cell.W_hh.array.T, np.eye(32), atol=1e-5)
    np.testing.assert_array_equal(cell.b.array, np.repeat([0.0, 1.0, 0.0, 0.0], 32))
    assert not GRUCell(3, 2).b_xh.array.any() and not RNNCell(3, 2).b_h.array.any()
