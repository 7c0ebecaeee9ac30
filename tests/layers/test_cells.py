"""The cells compute what PyTorch and Keras compute, whose arrays make_parity.py stored. All in
float64.

With them run, and are compared, the layers around the cells, their masks, and the exchange of
weights.
"""

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
    LayerNorm,
    LSTMCell,
    Sequential,
    from_layout,
    to_layout,
)
from layers.cells import parts

DATA = Path(__file__).parent / "data"
D, H = 4, 5
LENGTHS = [6, 2, 4]
KINDS = {"rnn": RNN, "gru": GRU, "lstm": LSTM}
OPTIONS: dict[str, Any] = {  # by a word in the name of a case
    "relu": {"activation": mg.relu},
    "before": {"reset_after": False},
    "stacked": {"layers": 2},
    "both_ways": {"bidirectional": True},
}


def cases(framework):
    """The cases of the stored arrays: `lstm_stacked_both_ways` and the like."""
    with np.load(DATA / f"parity_{framework}.npz") as file:
        return sorted({name.partition("/")[0] for name in file.files} - {"plain"})


def build(case):
    kind = KINDS[case.partition("_")[0]]
    options = {"return_sequences": not case.endswith("last"), "return_state": True}
    for word, more in OPTIONS.items():
        options |= more if word in case else {}
    return kind(D, H, **options)


def load(model, framework, case):
    """Put the stored weights into the model, in float64, and return all arrays of the case."""
    with np.load(DATA / f"parity_{framework}.npz") as file:
        names = [name for name in file.files if name.startswith(f"{case}/")]
        arrays = {name.removeprefix(f"{case}/"): file[name] for name in names}
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


def compare(model, framework, case, forward):
    """Compare output and gradients, and return the arrays of the case and the final states."""
    arrays = load(model, framework, case)
    x: Any = mg.Tensor(arrays["x"], requires_grad=True)
    output, *state = forward(x)
    compared = arrays["seed"] != 0  # not at padding, where the conventions differ
    expected = arrays["output"] * compared
    np.testing.assert_allclose(output.array * compared, expected, rtol=0, atol=1e-12)
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
        np.testing.assert_allclose(
            array, arrays["grad/" + name], rtol=0, atol=1e-11, err_msg=name
        )
    return arrays, *state


@pytest.mark.parametrize("case", cases("pytorch"))
def test_equals_pytorch(case):
    layer = build(case)
    arrays, state = compare(layer, "pytorch", case, layer)
    h = parts(state)[0].array
    # PyTorch has an axis of layers even for one
    np.testing.assert_allclose(
        h if h.ndim == 3 else h[None], arrays["final"], rtol=0, atol=1e-12
    )


def test_plain_layers_equal_pytorchs():
    model = Sequential(LayerNorm(D), Dense(D, H))
    compare(model, "pytorch", "plain", lambda x: [model(x)])


@pytest.mark.parametrize("case", cases("keras"))
def test_equals_keras(case):
    layer = build(case)
    lengths = LENGTHS if case.endswith(("masked", "last")) else None
    compare(Sequential(layer), "keras", case, lambda x: layer(x, lengths=lengths))


def test_initial_weights_are_those_of_the_reference():
    cell = LSTMCell(128, 32)
    np.testing.assert_allclose(
        cell.W_hh.array @ cell.W_hh.array.T, np.eye(32), atol=1e-5
    )
    np.testing.assert_array_equal(cell.b.array, np.repeat([0.0, 1.0, 0.0, 0.0], 32))
