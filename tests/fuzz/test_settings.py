"""A setting may be a list, an array or a number of NumPy, which the caller changes after the call.

Every derivative is that with the plain setting at the time of the call.
"""

import copy
import inspect
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import layers as nn
import minigrad as mg
import optim

from .strategies import PARAMETERS, change, derivatives, eighths, examples, forms


class Call(NamedTuple):
    name: str
    function: Any
    x: Any
    """The array of the Tensor whose gradients are compared."""
    given: Any
    """The other arguments."""
    twice: bool = True
    """Whether there are second derivatives."""


# ---- gates, with their settings, and with constants for all inputs except one ----


def call_gate(cls, names, place, x, *given):
    inputs = list(given[len(names) :])
    inputs.insert(place, x)
    return cls(**dict(zip(names, given, strict=False)))(*inputs)


def gate_calls(name, cls, gate, arrays):
    names = inspect.signature(cls).parameters
    settings = {name: vars(gate)[name] for name in names if name in vars(gate)}
    for place, x in enumerate(arrays):
        if x.dtype == float and place not in gate.constant_inputs:
            function = partial(call_gate, cls, list(settings), place)
            others = [*arrays[:place], *arrays[place + 1 :]]
            given = [*settings.values(), *others]
            yield Call(name, function, x, given, gate.differentiable_twice)


GATES = [
    call
    for name, cls in sorted(mg.GATES.items())
    if cls.__module__.startswith("minigrad.gates.")
    and name[0] != "_"
    and name != "Slice"  # whose key means something else as a list
    for gate, arrays in cls.sample_inputs()
    for call in gate_calls(name, cls, gate, arrays)
]

# ---- functions and layers ----


def made(layer):
    """Return a layer with the same weights every time, in float64."""
    for number, tensor in enumerate(layer.named_parameters().values()):
        tensor.array = eighths(tensor.shape, number)
    return layer


def function_call(name, shape, function, *given):
    x = np.arange(np.prod(shape, dtype=int)) * 7 % 12 - 5.5  # all 12 are distinct
    return Call(name, function, x.reshape(shape) / 4, given, "fused" not in name)


IDS = np.array([[1, 0, 2], [2, 2, 1]])
REAL = np.array([[True, True, False], [True, True, True]])
FUNCTIONS = [
    function_call(*one)
    for one in (
        ("var", (3, 4), np.var, 0),
        ("std", (3, 4), np.std, (0,)),
        ("squeeze", (1, 4), mg.squeeze, 0),
        ("expand_dims", (3, 4), np.expand_dims, (0, 2)),
        ("swapaxes", (3, 4), np.swapaxes, 0, 1),
        ("concatenate", (3, 4), lambda x, axis: mg.concatenate([x, 2 * x], axis), 0),
        ("stack", (3, 4), lambda x, axis: mg.stack([x, 2 * x], axis), 0),
        ("split", (5, 2), lambda x, places: mg.split(x, places)[1], (1, 3)),
        ("pad both sides", (3, 4), mg.pad, (1, 2)),
        ("slice", (3, 4), lambda x, start, step: x[None, ..., start::step], 0, 1),
        ("slice to", (3, 4), lambda x, stop: x[:, :stop], 2),
        ("index", (3, 4), lambda x, i, j: x[i, j], *IDS),
        ("index by ids", (3, 4), lambda x, ids: x[ids], IDS),
        ("index by a mask", (2, 3), lambda x, mask: x[mask], REAL),
        ("conv", (2, 1, 4, 5), lambda x, k: mg.conv(x, x[..., :2, :2], k, k), 2),
        ("max_pool", (12,), mg.max_pool, 2),
        ("cross_entropy", (3, 3), mg.cross_entropy, IDS[0], (0.5, 1.0, 2.0)),
        (
            "Conv1d",
            (1, 1, 8),
            lambda x, size, stride: made(nn.Conv1d(1, 2, size, stride))(x),
            *(2, 2),
        ),
        (
            "Conv2d",
            (1, 1, 4, 5),
            lambda x, size, padding: made(nn.Conv2d(1, 2, size, 1, padding))(x),
            *((2, 2), (1, 0)),
        ),
        (
            "MaxPool2d",
            (1, 1, 4, 5),
            lambda x, size, stride: nn.MaxPool2d(size, stride)(x),
            *((2, 2), (1, 2)),
        ),
        (
            "AveragePool2d",
            (1, 1, 4, 5),
            lambda x, size, stride: nn.AveragePool2d(size, stride)(x),
            *((2, 2), (1, 2)),
        ),
        (
            "LayerNorm",
            (3, 4),
            lambda x, epsilon: made(nn.LayerNorm(4, epsilon=epsilon))(x),
            0.5,
        ),
        (
            "BatchNorm",
            (3, 4),
            lambda x, m, e: made(nn.BatchNorm(4, momentum=m, epsilon=e))(x),
            *(0.5, 0.5),
        ),
        (
            "RNN",
            (2, 3, 4),
            lambda x, steps, lengths: made(nn.RNN(4, 2, truncate=steps))(
                x, lengths=lengths
            ),
            *(1, np.array([2, 3])),
        ),
        (
            "GRU",
            (2, 3, 4),
            lambda x, mask: made(nn.GRU(4, 2, pooling="mean"))(x, mask=mask),
            REAL,
        ),
        (
            "GRU, fused",
            (2, 3, 4),
            lambda x, mask: made(nn.GRU(4, 2, fused=True))(x, mask=mask),
            REAL,
        ),
        (
            "LSTM, fused",
            (2, 3, 4),
            lambda x, k, mask: made(nn.LSTM(4, 2, fused=True, truncate=k))(
                x, mask=mask
            ),
            *(2, REAL),
        ),
        (
            "MultiHeadAttention",
            (2, 3, 4),
            lambda x, mask: made(nn.MultiHeadAttention(4, 2))(x, mask=mask),
            REAL,
        ),
        (
            "PositionalEncoding",
            (2, 3, 4),
            lambda x, start: nn.PositionalEncoding()(x, start),
            1,
        ),
        ("pool", (2, 3, 4), lambda x, mask: nn.pool(x, "mean", mask), REAL),
    )
]


def run(call, given, unfuse, between=lambda: None):
    x = mg.Tensor(call.x, requires_grad=True)
    twice = unfuse or call.twice
    return derivatives(
        lambda: call.function(x, *given), {"x": x}, twice, between, unfuse
    )


@examples(8)
@given(st.data(), st.booleans())
def test_settings_of_gates_and_layers_are_copied(data, unfuse):
    call = data.draw(st.sampled_from(FUNCTIONS) | st.sampled_from(GATES))
    given = [data.draw(forms(setting)) for setting in call.given]
    expected, before = run(call, call.given, unfuse), copy.deepcopy(given)
    changed: list[Any] = []

    def between():
        for setting in given:
            change(setting)
            changed.append(setting)

    try:
        found = run(call, given, unfuse, between)
    except mg.MinigradError as error:
        assert not changed, f"a change of {before} breaks the backward pass: {error}"
        # a form other than the documented one may be refused
        assert [*map(type, before)] != [*map(type, call.given)], error
        assert error.code and error.cause and error.remedy
        return
    for what, exact in expected.items():
        assert found[what].dtype == exact.dtype
        assert_allclose(found[what], exact, 1e-6, 1e-6, err_msg=f"{what}, {before}")


# ---- optimizers ----

OPTIMIZERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "SGD": (optim.SGD, {"weight_decay": 0.125}),
    "momentum": (optim.SGD, {"momentum": 0.5}),
    "nesterov": (partial(optim.SGD, nesterov=True), {"momentum": 0.5}),
    "Adam": (optim.Adam, {"betas": (0.5, 0.75), "eps": 0.125}),
    "AdamW": (optim.AdamW, {"weight_decay": 0.125}),
    "RMSprop": (optim.RMSprop, {}),
    "Adagrad": (optim.Adagrad, {}),
}


@examples(2)
@given(st.sampled_from([*OPTIMIZERS]), st.sampled_from(PARAMETERS), st.data())
def test_settings_of_optimizers_are_copied(name, dtype, data):
    make, settings = OPTIMIZERS[name]
    plain = {"lr": 0.5, **settings}
    given = {key: data.draw(forms(value)) for key, value in plain.items()}
    bound = data.draw(forms(0.25))

    def trained(given, bound, changes):
        W = mg.Tensor(eighths((3, 2), 1).astype(dtype), requires_grad=True)
        parameters = {"W": W}
        optimizer = make(parameters, **given)
        if changes:
            parameters["other"] = mg.Tensor(np.zeros(2), requires_grad=True)
            for setting in given.values():
                change(setting)
        for number in range(3):
            optimizer.zero_grad()
            (W * W * eighths((3, 2), number)).sum().backward()
            optim.clip_gradients({"W": W}, bound)
            optimizer.step()
        assert W.grad.dtype == W.dtype
        return W.array

    expected = trained(plain, 0.25, False)
    try:
        found = trained(given, bound, True)
    except mg.MinigradError as error:
        assert error.code and error.cause and error.remedy  # refused
        return
    assert found.dtype == expected.dtype == dtype
    assert_allclose(found, expected, 1e-5, 1e-6)
