"""Settings that are lists, arrays and numbers of NumPy, which the caller changes after the call and
before the backward pass: every derivative is the one with the plain setting of the time of the call.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import layers as nn
import minigrad as mg
import optim

from .strategies import PARAMETERS, Array, Results, change, derivatives, eighths, forms

Shape = tuple[int, ...]
IDS = np.array([[1, 0, 2], [2, 2, 1]])
REAL = np.array([[True, True, False], [True, True, True]])
LABELS = np.array([0, 2, 1])
CALLS: dict[str, tuple[Callable[..., Any], Shape, tuple[Any, ...]]] = {
    "sum": (lambda x, axis: x.sum(axis=axis), (3, 4), ((0,),)),
    "mean": (lambda x, axis: x.mean(axis=axis, keepdims=True), (3, 4), (0,)),
    "max": (lambda x, axis: x.max(axis=axis), (3, 4), (0,)),
    "min": (lambda x, axis: x.min(axis=axis), (3, 4), ((0,),)),
    "var": (lambda x, axis, ddof: x.var(axis=axis, ddof=ddof), (3, 4), (0, 1)),
    "std": (lambda x, axis, ddof: x.std(axis=axis, ddof=ddof), (3, 4), ((0,), 1)),
    "logsumexp": (lambda x, axis: mg.logsumexp(x, axis=axis), (3, 4), (0,)),
    "cumsum": (lambda x, axis: mg.cumsum(x, axis), (3, 4), (0,)),
    "softmax": (lambda x, axis: mg.softmax(x, axis), (3, 4), (0,)),
    "log_softmax": (lambda x, axis: mg.log_softmax(x, axis), (3, 4), (0,)),
    "reshape": (lambda x, shape: x.reshape(shape), (3, 4), ((4, 3),)),
    "transpose": (lambda x, axes: x.transpose(axes), (2, 3, 2), ((1, 0, 2),)),
    "squeeze": (lambda x, axis: mg.squeeze(x, axis), (1, 4), (0,)),
    "expand_dims": (lambda x, axis: mg.expand_dims(x, axis), (3, 4), ((0, 2),)),
    "broadcast_to": (lambda x, shape: np.broadcast_to(x, shape), (3, 1), ((2, 3, 4),)),
    "swapaxes": (lambda x, a, b: x.swapaxes(a, b), (3, 4), (0, 1)),
    "concatenate": (lambda x, axis: mg.concatenate([x, 2 * x], axis), (3, 4), (0,)),
    "stack": (lambda x, axis: mg.stack([x, 2 * x], axis), (3, 4), (0,)),
    "split": (lambda x, places: mg.split(x, places)[1] * 2, (5, 2), ((1, 3),)),
    "pad": (lambda x, widths, fill: mg.pad(x, widths, constant_values=fill), (3, 4), (((0, 1), (1, 1)), 2.0)),
    "pad both sides": (lambda x, width: mg.pad(x, width), (3, 4), ((1, 2),)),
    "index": (lambda x, key: x[key], (3, 4), (np.array([0, 1, 0]),)),
    "index by two": (lambda x, i, j: x[i, j], (3, 4), (np.array([0, 1]), np.array([2, 0]))),
    "slice from": (lambda x, start: x[start:], (3, 4), (1,)),
    "slice to": (lambda x, stop: x[:, :stop], (3, 4), (2,)),
    "slice by steps": (lambda x, start, step: x[None, ..., start::step], (3, 4), (0, 1)),
    "index by a mask": (lambda x, key: x[key], (3,), (np.array([True, False, True]),)),
    "take_along_axis": (lambda x, i: mg.take_along_axis(x, i, 1), (2, 4), (IDS[:, :2],)),
    "where": (lambda x, condition: mg.where(condition, x, 2 * x), (2, 3), (REAL,)),
    "lookup": (lambda x, ids: mg.lookup(x, ids), (4, 2), (IDS,)),
    "clip": (lambda x, low, high: mg.clip(x, low, high), (3, 4), (-1.0, 1.0)),
    "leaky_relu": (lambda x, slope: mg.leaky_relu(x, slope), (3, 4), (0.25,)),
    "power": (lambda x, exponent: abs(x) ** exponent, (3, 4), (2.0,)),
    "factor": (lambda x, factor: x * factor, (3, 4), (np.array([0.5, 1.0, -2.0, 0.25]),)),
    "quotient": (lambda x, divisor: x / divisor, (3, 4), (np.array([0.5, 1.0, -2.0, 0.25]),)),
    "factor on the left": (lambda x, factor: factor * x, (3, 4), (np.array([0.5, 1.0, -2.0, 0.25]),)),
    "product": (lambda x, W: x @ W, (3, 4), (np.array([[1.0], [2.0], [0.5], [-1.0]]),)),
    "maximum": (lambda x, other: mg.maximum(x, other), (3, 4), (np.array([0.5, 1.0, -2.0, 0.25]),)),
    "einsum": (lambda x, y: mg.einsum("ij,j->i", x, y), (3, 4), (np.array([0.5, 1.0, -2.0, 0.25]),)),
    "cross_entropy": (
        lambda x, labels, weights: mg.softmax_cross_entropy(x, labels, weights=weights),
        (3, 3), (LABELS, (0.5, 1.0, 2.0)),
    ),
    "cross_entropy of PyTorch": (
        lambda x, labels, weights: mg.cross_entropy(x, labels, weights), (3, 3), (LABELS, (0.5, 1.0, 2.0)),
    ),
    "negative_log_likelihood": (
        lambda x, labels, weights: mg.negative_log_likelihood(mg.log_softmax(x), labels, weights=weights),
        (3, 3), (LABELS, (0.5, 1.0, 2.0)),
    ),
    "binary_cross_entropy": (
        lambda x, targets: mg.binary_cross_entropy(x, targets), (3,), (np.array([0.0, 1.0, 0.5]),),
    ),
    "mean_squared_error": (
        lambda x, truth: mg.mean_squared_error(x, truth), (3,), (np.array([0.0, 1.0, 0.5]),),
    ),
    "mean_absolute_error": (
        lambda x, truth: mg.mean_absolute_error(x, truth), (3,), (np.array([0.0, 1.0, 0.5]),),
    ),
    "conv": (
        lambda x, stride, padding: mg.conv(x, eighths((2, 1, 2, 2), 5), stride, padding),
        (1, 1, 4, 5), ((1, 2), (1, 0)),
    ),
    "conv's filters": (
        lambda x, stride, padding: mg.conv(eighths((2, 1, 4, 5), 5), x, stride, padding),
        (2, 1, 2, 2), ((1, 2), (1, 0)),
    ),
    "conv by one number": (
        lambda x, stride, padding: mg.conv(x, eighths((2, 1, 2, 2), 5), stride, padding),
        (1, 1, 4, 5), (2, 1),
    ),
    "max_pool": (lambda x, size, stride: mg.max_pool(x, size, stride), (4, 5), ((2, 2), (1, 2))),
    "max_pool by one number": (lambda x, size: mg.max_pool(x, size), (12,), (2,)),
    "windows": (lambda x, size, stride: mg.windows(x, size, stride), (4, 5), ((2, 2), (1, 2))),
    "layer_norm": (
        lambda x, gain, epsilon: mg.layer_norm(x, gain, epsilon=epsilon),
        (3, 4), (np.array([0.5, 1.0, -2.0, 0.25]), 0.5),
    ),
    "attention": (
        lambda x, mask, scale: mg.scaled_dot_product_attention(x, 2 * x, x, mask, scale=scale),
        (3, 4), (np.array([[True, False, True]] * 3), 0.5),
    ),
    "causal attention": (
        lambda x, causal, scale: mg.scaled_dot_product_attention(x, 2 * x, x, causal=causal, scale=scale),
        (3, 4), (True, 0.5),
    ),
    "Conv2d": (
        lambda x, size, stride, padding: made(nn.Conv2d(1, 2, size, stride, padding))(x),
        (1, 1, 4, 5), ((2, 2), (1, 2), (1, 0)),
    ),
    "Conv1d": (lambda x, size, stride: made(nn.Conv1d(1, 2, size, stride))(x), (1, 1, 8), (2, 2)),
    "MaxPool2d": (lambda x, size, stride: nn.MaxPool2d(size, stride)(x), (1, 1, 4, 5), ((2, 2), (1, 2))),
    "AveragePool2d": (
        lambda x, size, stride: nn.AveragePool2d(size, stride)(x), (1, 1, 4, 5), ((2, 2), (1, 2)),
    ),
    "LayerNorm": (lambda x, epsilon: made(nn.LayerNorm(4, epsilon=epsilon))(x), (3, 4), (0.5,)),
    "BatchNorm": (
        lambda x, momentum, epsilon: made(nn.BatchNorm(4, momentum=momentum, epsilon=epsilon))(x),
        (3, 4), (0.5, 0.5),
    ),
    "RNN": (lambda x, lengths: made(nn.RNN(4, 2))(x, lengths=lengths), (2, 3, 4), (np.array([2, 3]),)),
    "GRU": (lambda x, mask: made(nn.GRU(4, 2, pooling="mean"))(x, mask=mask), (2, 3, 4), (REAL,)),
    "GRU, fused": (
        lambda x, mask: made(nn.GRU(4, 2, fused=True))(x, mask=mask), (2, 3, 4), (REAL,),
    ),
    "LSTM, fused": (
        lambda x, truncate, mask: made(nn.LSTM(4, 2, fused=True, truncate=truncate))(x, mask=mask),
        (2, 3, 4), (2, REAL),
    ),
    "RNNSequence, fused": (
        lambda x, truncate: mg.RNNSequence(truncate)(x, *weights(2, 2)), (2, 3, 2), (1,),
    ),
    "GRUSequence, fused": (
        lambda x, truncate: mg.GRUSequence(truncate)(x, *weights(2, 6), eighths((6,), 9)), (2, 3, 6), (1,),
    ),
    "LSTMSequence, fused": (
        lambda x, truncate: mg.LSTMSequence(truncate)(x, *weights(2, 8, 2)), (2, 3, 8), (1,),
    ),
    "RNN, cut": (lambda x, truncate: made(nn.RNN(4, 2, truncate=truncate))(x), (2, 3, 4), (1,)),
    "MultiHeadAttention": (
        lambda x, mask: made(nn.MultiHeadAttention(4, 2))(x, mask=mask), (2, 3, 4), (REAL,),
    ),
    "PositionalEncoding": (lambda x, start: nn.PositionalEncoding()(x, start), (2, 3, 4), (1,)),
    "pool": (lambda x, mask: nn.pool(x, "mean", mask), (2, 3, 4), (REAL,)),
}  # fmt: skip


def weights(hidden: int, columns: int, states: int = 1) -> list[Array]:
    """The initial states of two examples, and the recurrent weights, of a fused recurrent gate."""
    return [eighths((2, hidden), 7)] * states + [eighths((hidden, columns), 8) / 2]


def made(layer: Any) -> Any:
    """The layer with the same weights in every call, in float64."""
    for number, tensor in enumerate(layer.named_parameters().values()):
        tensor.array = eighths(tensor.shape, number)
    return layer


@dataclass
class Call:
    name: str
    given: list[Any]
    """The settings as the caller writes them."""
    unfuse: bool = False


@st.composite
def calls(draw: Any) -> Call:
    name = draw(st.sampled_from(list(CALLS)))
    return Call(
        name, [draw(forms(setting)) for setting in CALLS[name][2]], draw(st.booleans())
    )


def run(
    call: Call, given: Any, between: Callable[[], object] = lambda: None
) -> Results:
    function, shape, _ = CALLS[call.name]
    # 12 distinct numbers, so that no maximum is shared
    numbers = np.arange(np.prod(shape, dtype=int)) * 7 % 12 - 5.5
    x = mg.Tensor(numbers.reshape(shape) / 4, requires_grad=True)
    twice = call.unfuse or not call.name.endswith("fused")
    return derivatives(
        lambda: function(x, *given), {"x": x}, twice, between, call.unfuse
    )


@settings(max_examples=300)
@given(calls())
def test_settings_are_those_of_the_call(call):
    plain = CALLS[call.name][2]
    expected, before = run(call, plain), copy.deepcopy(call.given)
    changed: list[Any] = []

    def between() -> None:
        for setting in call.given:
            change(setting)
            changed.append(setting)

    try:
        found = run(call, call.given, between)
    except mg.MinigradError as error:
        assert not changed, (
            f"a change of {before} to {changed} breaks the backward pass: {error}"
        )
        # a form other than the documented one may be refused
        assert [*map(type, before)] != [*map(type, plain)], error
        assert error.code and error.cause and error.remedy
        return
    for what, result in found.items():
        exact = expected[what]
        form = (
            f"{what} is {result.dtype} {result.shape}, not {exact.dtype} {exact.shape}"
        )
        assert (result.dtype, result.shape) == (exact.dtype, exact.shape), form
        near = np.allclose(result, exact, 1e-6, 1e-6)
        assert near, f"{what} with {before}: {result!r}\n    instead of {exact!r}"


# ---- optimizers ----

OPTIMIZERS: dict[str, tuple[Callable[..., optim.Optimizer], tuple[Any, ...]]] = {
    "SGD": (lambda p, lr, decay: optim.SGD(p, lr, weight_decay=decay), (0.5, 0.125)),
    "momentum": (lambda p, lr, momentum: optim.SGD(p, lr, momentum=momentum), (0.5, 0.5)),
    "nesterov": (lambda p, lr, momentum: optim.SGD(p, lr, momentum=momentum, nesterov=True), (0.5, 0.5)),
    "Adam": (lambda p, lr, betas, eps: optim.Adam(p, lr, betas=betas, eps=eps), (0.5, (0.5, 0.75), 0.125)),
    "AdamW": (lambda p, lr, decay: optim.AdamW(p, lr, weight_decay=decay), (0.5, 0.125)),
    "RMSprop": (lambda p, lr: optim.RMSprop(p, lr), (0.5,)),
    "Adagrad": (lambda p, lr: optim.Adagrad(p, lr), (0.5,)),
}  # fmt: skip


@st.composite
def optimizers(draw: Any) -> tuple[str, str, list[Any], Any]:
    """An optimizer's name, its parameter's dtype, its settings and a bound for the gradient."""
    name = draw(st.sampled_from(list(OPTIMIZERS)))
    given = [draw(forms(setting)) for setting in OPTIMIZERS[name][1]]
    return name, draw(st.sampled_from(PARAMETERS)), given, draw(forms(0.25))


@given(optimizers())
def test_optimizers_keep_their_settings_and_the_parameters_dtype(case):
    name, dtype, given, bound = case
    make, plain = OPTIMIZERS[name]

    def trained(given: Any, bound: Any, changes: bool) -> Array:
        W = mg.Tensor(eighths((3, 2), 1).astype(dtype), requires_grad=True)
        parameters = {"W": W}
        optimizer = make(parameters, *given)
        if changes:
            parameters["other"] = mg.Tensor(np.zeros(2), requires_grad=True)
            for setting in given:
                change(setting)
        for number in range(3):
            optimizer.zero_grad()
            (W * W * eighths((3, 2), number)).sum().backward()
            optim.clip_gradients({"W": W}, bound)
            optimizer.step()
        assert W.grad is not None and W.grad.dtype == W.dtype
        return W.array

    expected = trained(plain, 0.25, False)
    try:
        found = trained(given, bound, True)
    except mg.MinigradError as error:
        assert error.code and error.cause and error.remedy  # refused
        return
    assert found.dtype == expected.dtype == dtype
    np.testing.assert_allclose(found, expected, 1e-5, 1e-6)
