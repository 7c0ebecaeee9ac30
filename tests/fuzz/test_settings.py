"""A setting may be a list, an array or a number of NumPy, which the caller changes after the call.

Every derivative is that with the plain setting at the time of the call.
"""

import copy
import inspect
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from hypothesis import example, given
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
    settings = zip(names, given, strict=False)
    inputs = list(given[len(names) :])
    inputs.insert(place, x)
    return cls(**dict(settings))(*inputs)


def gate_calls(name, cls):
    for gate, arrays in cls.sample_inputs():
        names = [one for one in inspect.signature(cls).parameters if one in vars(gate)]
        settings = [vars(gate)[one] for one in names]
        for place, x in enumerate(arrays):
            if x.dtype == float and place not in gate.constant_inputs:
                function = partial(call_gate, cls, names, place)
                given = [*settings, *arrays[:place], *arrays[place + 1 :]]
                yield Call(name, function, x, given, gate.differentiable_twice)


GATES = [
    call
    for name, cls in sorted(mg.GATES.items())
    if cls.__module__.startswith("minigrad.gates.") and name[0] != "_"
    if name != "Slice"  # whose key means something else as a list
    for call in gate_calls(name, cls)
]

# ---- index arrays and layers ----


def made(layer):
    """Return a layer with the same weights every time, in float64."""
    for number, tensor in enumerate(layer.named_parameters().values()):
        tensor.array = eighths(tensor.shape, number)
    return layer


def masked(make, *sizes, **options):
    return lambda x, mask: made(make(*sizes, **options))(x, mask=mask)


def rnn(x, truncate, lengths):
    return made(nn.RNN(4, 2, truncate=truncate))(x, lengths=lengths)


def lstm(x, truncate, mask):
    layer = nn.LSTM(4, 2, fused=True, truncate=truncate)
    return made(layer)(x, mask=mask)


def sequence(x, truncate, reverse):
    return mg.RNNSequence(truncate, reverse)(x, x[:, 0], x[0, :2])


def conv2d(x, size, stride, padding):
    return made(nn.Conv2d(1, 2, size, stride, padding))(x)


def layer_norm(x, epsilon):
    return made(nn.LayerNorm(4, epsilon=epsilon))(x)


def batch_norm(x, momentum, epsilon):
    return made(nn.BatchNorm(4, momentum=momentum, epsilon=epsilon))(x)


def distinct(*shape):
    """Distinct numbers, so that no maximum is shared."""
    numbers = np.arange(np.prod(shape, dtype=int)) * 7 % 12
    return (numbers.reshape(shape) - 5.5) / 4


IDS = np.array([[1, 0], [2, 2]])
REAL = np.array([[True, True, False], [True, True, True]])
SEQUENCE = distinct(2, 3, 4)
IMAGE = distinct(1, 1, 4, 5)
RNN_SEQUENCE = Call("sequence", sequence, distinct(2, 3, 2), [1, False], False)
LAYERS = [
    Call(
        "index",
        lambda x, i, j: x[i, j],
        distinct(3, 4),
        [*IDS],
    ),
    Call(
        "mask",
        lambda x, mask: x[mask],
        distinct(2, 3),
        [REAL],
    ),
    Call(
        "pool",
        lambda x, mask: nn.pool(x, "mean", mask),
        SEQUENCE,
        [REAL],
    ),
    Call(
        "Conv2d",
        conv2d,
        IMAGE,
        [(2, 2), (1, 2), (1, 0)],
    ),
    Call(
        "MaxPool2d",
        lambda x, *sizes: nn.MaxPool2d(*sizes)(x),
        IMAGE,
        [2, (1, 2)],
    ),
    Call(
        "AveragePool2d",
        lambda x, size: nn.AveragePool2d(size)(x),
        IMAGE,
        [(2, 2)],
    ),
    Call("LayerNorm", layer_norm, SEQUENCE, [0.5]),
    Call("BatchNorm", batch_norm, distinct(3, 4), [0.5, 0.5]),
    Call("RNN", rnn, SEQUENCE, [1, np.array([2, 3])]),
    Call("GRU", masked(nn.GRU, 4, 2, pooling="mean"), SEQUENCE, [REAL]),
    Call(
        "fused GRU",
        masked(nn.GRU, 4, 2, fused=True),
        SEQUENCE,
        [REAL],
        False,
    ),
    RNN_SEQUENCE,
    Call("fused LSTM", lstm, SEQUENCE, [2, REAL], False),
    Call("attention", masked(nn.MultiHeadAttention, 4, 2), SEQUENCE, [REAL]),
    Call(
        "positions",
        lambda x, at: nn.PositionalEncoding()(x, at),
        SEQUENCE,
        [1],
    ),
]


def run(call, given, unfuse, between=lambda: None):
    x = mg.Tensor(call.x, requires_grad=True)
    twice = unfuse or call.twice
    compute = partial(call.function, x, *given)
    return derivatives(compute, {"x": x}, twice, between, unfuse)


@st.composite
def calls(draw):
    call = draw(st.sampled_from(LAYERS) | st.sampled_from(GATES))
    return call, [draw(forms(setting)) for setting in call.given]


@examples(8)
@example((RNN_SEQUENCE, [1, np.array(False)]), False)
@given(calls(), st.booleans())
def test_settings_of_gates_and_layers_are_copied(call_and_forms, unfuse):
    call, before = call_and_forms
    given = copy.deepcopy(before)
    expected = run(call, call.given, unfuse)
    changed = []

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
        return
    for what, exact in expected.items():
        assert found[what].dtype == exact.dtype
        assert_allclose(found[what], exact, 1e-6, 1e-6, err_msg=f"{what}, {before}")


# ---- optimizers ----

OPTIMIZERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "SGD": (optim.SGD, {"weight_decay": 0.125}),
    "momentum": (optim.SGD, {"momentum": 0.5}),
    "Adam": (optim.Adam, {"betas": (0.5, 0.75), "eps": 0.125}),
    "AdamW": (optim.AdamW, {"weight_decay": 0.125}),
}


@examples(2)
@given(
    st.sampled_from([*OPTIMIZERS]),
    st.sampled_from(PARAMETERS),
    st.data(),
)
def test_settings_of_optimizers_are_copied(name, dtype, data):
    make, settings = OPTIMIZERS[name]
    plain = {"lr": 0.5, **settings}
    given = {key: data.draw(forms(value)) for key, value in plain.items()}
    bound = data.draw(forms(0.25))

    def trained(settings, bound, *changes):
        W = mg.Tensor(
            eighths((3, 2), 1).astype(dtype),
            requires_grad=True,
        )
        parameters = {"W": W}
        optimizer = make(parameters, **settings)
        if changes:
            parameters.clear()
        for setting in changes:
            change(setting)
        for number in range(3):
            optimizer.zero_grad()
            (W * W * eighths((3, 2), number)).sum().backward()
            optim.clip_gradients([W], bound)
            optimizer.step()
        gradient: Any = W.grad
        assert gradient.dtype == W.dtype == dtype
        return W.array

    expected = trained(plain, 0.25)
    try:
        found = trained(given, bound, *given.values())
    except mg.MinigradError:
        return  # another form may be refused
    assert_allclose(found, expected, 1e-5, 1e-6)
