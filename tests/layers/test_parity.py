"""Outputs and gradients equal those of PyTorch and Keras, whose arrays make_parity.py stored. All in float64."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from layers import GRU, LSTM, RNN, Dense, Layer, LayerNorm, Sequential, from_layout, to_layout

DATA = Path(os.environ.get("MINIGRAD_PARITY", Path(__file__).parent / "data"))
D, H = 4, 5
LENGTHS = [6, 2, 4]
ALL: dict[str, Any] = {"return_sequences": True}

PYTORCH = {
    "rnn": lambda: RNN(D, H, **ALL),
    "rnn_relu": lambda: RNN(D, H, activation=mg.relu, **ALL),
    "rnn_both_ways": lambda: RNN(D, H, bidirectional=True, **ALL),
    "gru": lambda: GRU(D, H, **ALL),
    "gru_stacked": lambda: GRU(D, H, layers=2, **ALL),
    "lstm": lambda: LSTM(D, H, **ALL),
    "lstm_stacked_both_ways": lambda: LSTM(D, H, layers=2, bidirectional=True, **ALL),
    "plain": lambda: Sequential(LayerNorm(D), Dense(D, H)),
}
KERAS = {
    "rnn": lambda: RNN(D, H, **ALL),
    "gru": lambda: GRU(D, H, **ALL),
    "gru_reset_before": lambda: GRU(D, H, reset_after=False, **ALL),
    "lstm": lambda: LSTM(D, H, **ALL),
    "lstm_stacked": lambda: LSTM(D, H, layers=2, **ALL),
    "gru_both_ways": lambda: GRU(D, H, bidirectional=True, **ALL),
    "rnn_last": lambda: RNN(D, H),
    "lstm_masked": lambda: LSTM(D, H, **ALL),
    "gru_both_ways_masked": lambda: GRU(D, H, bidirectional=True, **ALL),
    "lstm_both_ways_last": lambda: LSTM(D, H, bidirectional=True),
}
MASKED = ("rnn_last", "lstm_masked", "gru_both_ways_masked", "lstm_both_ways_last")


class Holder(Layer):
    """Holds a recurrent layer under the name of its kind, as a model would."""

    def __init__(self, layer: Layer) -> None:
        super().__init__()
        setattr(self, type(layer).__name__.lower(), layer)
        self._layer = layer

    def forward(self, *inputs: Any, **options: Any) -> Any:
        return self._layer(*inputs, **options)


def float64(model: Layer) -> Layer:
    for parameter in model.named_parameters().values():
        parameter.array = parameter.array.astype(np.float64)
    return model


def stored(framework: str, case: str) -> dict[str, Any]:
    with np.load(DATA / f"parity_{framework}.npz") as file:
        return {name.partition("/")[2]: file[name] for name in file.files if name.startswith(case + "/")}


def compare(model: Layer, layout: str, case: str, **options: Any) -> None:
    arrays = stored(layout, case)
    weights = {name[7:]: array for name, array in arrays.items() if name.startswith("weight/")}
    from_layout(model, weights, layout)
    for name, array in to_layout(model, layout).items():
        if "bias_hh" not in name and "bias_ih" not in name:  # those two come back as their sum and 0
            np.testing.assert_array_equal(array, weights[name])
    x = mg.Tensor(arrays["x"], requires_grad=True)
    output = model(x, **options)
    compared = arrays["seed"] != 0  # not at padding, where the conventions differ
    np.testing.assert_allclose(output.array * compared, arrays["output"] * compared, rtol=0, atol=1e-12)
    output.backward(arrays["seed"])
    assert x.grad is not None
    np.testing.assert_allclose(x.grad, arrays["grad_x"], rtol=0, atol=1e-12)
    # A gradient travels like its weight, but that one bias of ours stands for two equal gradients of PyTorch.
    for parameter in model.named_parameters().values():
        parameter.array = parameter.grad
    ours = to_layout(model, layout)
    for name, array in ours.items():
        if "bias_hh" in name and not case.startswith("gru"):
            array = ours[name.replace("bias_hh", "bias_ih")]
        np.testing.assert_allclose(array, arrays["grad/" + name], rtol=0, atol=1e-11, err_msg=name)


@pytest.mark.parametrize("case", PYTORCH)
def test_equals_pytorch(case: str) -> None:
    compare(float64(PYTORCH[case]()), "pytorch", case)


@pytest.mark.parametrize("case", KERAS)
def test_equals_keras(case: str) -> None:
    compare(float64(Holder(KERAS[case]())), "keras", case, **{"lengths": LENGTHS} if case in MASKED else {})


@pytest.mark.parametrize("case", [case for case in PYTORCH if case != "plain"])
def test_final_states_equal_pytorchs(case: str) -> None:
    arrays = stored("pytorch", case)
    layer = float64(PYTORCH[case]())
    layer.return_state = True
    from_layout(layer, {name[7:]: array for name, array in arrays.items() if name.startswith("weight/")}, "pytorch")
    _, state = layer(arrays["x"])
    states = state if isinstance(state, list) else [state]
    finals = [part[0] if isinstance(part, tuple) else part for part in states]
    np.testing.assert_allclose(np.stack([final.array for final in finals]), arrays["final"], rtol=0, atol=1e-12)
