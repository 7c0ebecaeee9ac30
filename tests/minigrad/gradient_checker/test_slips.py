"""Wrong gates of a learner's own: each found, blamed on its node, line and input, and called by its right name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import minigrad as mg

rng = np.random.default_rng(11)
X = rng.uniform(0.3, 1.4, (5, 4))
Y = rng.uniform(0.3, 1.4, (5, 4))
N = rng.normal(size=(5, 6))
ROW, COLUMN = rng.normal(size=4), rng.normal(size=(5, 1))
SQUARE, OTHER = rng.normal(size=(4, 4)), rng.normal(size=(4, 4))
WIDE = rng.normal(size=(4, 3))
CUBE = rng.normal(size=(3, 5, 4))
LABELS = np.array([0, 3, 1, 2, 1])
IDS = np.array([0, 2, 0, 4, 2, 0])
ONES = np.ones((2, 3))
POINT = np.array(0.2)


class Slip(NamedTuple):
    forward: Callable[..., Any]
    rule: Callable[..., Any]
    inputs: tuple[Any, ...]
    kind: str  # "unrecognised" where the checker is at a loss
    input: int | None = 0


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def softmax(x: Any, axis: int = -1) -> Any:
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def log_softmax(x: Any) -> Any:
    return np.log(softmax(x))


def normalised(x: Any) -> Any:
    return (x - x.mean(-1, keepdims=True)) / deviation(x)


def deviation(x: Any) -> Any:
    return np.sqrt(x.var(-1, keepdims=True) + 1e-5)


def mean(a: Any) -> Any:
    return a.mean(-1, keepdims=True)


def onehot(labels: Any) -> Any:
    return np.eye(4)[labels]


def cross_entropy(x: Any, labels: Any) -> Any:
    return -np.log(softmax(x))[np.arange(len(x)), labels].mean()


def scatter(shape: tuple[int, ...], key: Any, dz: Any, add: bool = True) -> Any:
    whole = np.zeros(shape)
    if add:
        np.add.at(whole, key, dz)
    else:
        whole[key] = dz
    return whole


def failing(*_: Any) -> Any:
    raise RuntimeError("not written yet")


def in_place(g: Any, dz: Any, z: Any, x: Any) -> Any:
    dz *= 1 - z * z
    return (dz,)


def keep(g: Any, x: Any) -> Any:
    g.x = x
    return x * x


def push(g: Any, x: Any) -> Any:
    g.calls = [*getattr(g, "calls", []), x]
    return np.sin(x)


def tanh(g: Any, x: Any) -> Any:
    return np.tanh(x)


def add(g: Any, a: Any, b: Any) -> Any:
    return a + b


def times(g: Any, a: Any, b: Any) -> Any:
    return a * b


def matmul(g: Any, a: Any, b: Any) -> Any:
    return a @ b


def join(g: Any, *arrays: Any) -> Any:
    return np.concatenate(arrays)


LOCAL, WRONG, UPSTREAM = "local derivative missing", "wrong local derivative", "upstream gradient forgotten"
HALF, AXIS, COUPLING = "half of the product rule", "sum over the wrong axis", "coupling missing"

SLIPS = {
    # single numbers
    "tanh at a number, without 1 - z²": Slip(tanh, lambda g, dz, z, x: (dz,), (POINT,), LOCAL),
    "tanh at a number, with 1 - x²": Slip(tanh, lambda g, dz, z, x: (dz * (1 - x * x),), (POINT,), WRONG),
    "tanh at a number, negated": Slip(tanh, lambda g, dz, z, x: (-dz * (1 - z * z),), (POINT,), "sign"),
    "tanh at a number, without dz": Slip(tanh, lambda g, dz, z, x: (1 - z * z,), (POINT,), UPSTREAM),
    "tanh at a number, None": Slip(tanh, lambda g, dz, z, x: (None,), (POINT,), "all zero"),
    "tanh at a number, a third": Slip(tanh, lambda g, dz, z, x: (dz * (1 - z * z) / 3,), (POINT,), "factor"),
    "square at a number, 1 for the 2": Slip(
        lambda g, x: x * x, lambda g, dz, z, x: (dz * x,), (POINT,), "factor 2"),
    "x σ(x) at a number, one half": Slip(
        lambda g, x: x * sigmoid(x), lambda g, dz, z, x: (dz * sigmoid(x),), (POINT,), HALF),
    "a b at numbers, exchanged": Slip(
        times, lambda g, dz, z, a, b: (dz * a, dz * b), (POINT, np.array(1.7)), "swapped"),
    "a b at numbers, a for b": Slip(
        times, lambda g, dz, z, a, b: (dz * b, dz * b), (POINT, np.array(1.7)), WRONG, 1),
    "a + b at numbers, one forgotten": Slip(
        add, lambda g, dz, z, a, b: (dz, 0 * dz), (POINT, np.array(1.7)), "all zero", 1),
    "tanh with 1 - x² where that is 0": Slip(tanh, lambda g, dz, z, x: (dz * (1 - x * x),), (ONES,), WRONG),
    "tanh at 1, with 1 - x²": Slip(tanh, lambda g, dz, z, x: (dz * (1 - x * x),), (np.array(1.0),), WRONG),
    # elementwise
    "exp with x e^(x-1)": Slip(
        lambda g, x: np.exp(x), lambda g, dz, z, x: (dz * x * np.exp(x - 1),), (X,), WRONG),
    "sin with sin": Slip(lambda g, x: np.sin(x), lambda g, dz, z, x: (dz * np.sin(x),), (X,), WRONG),
    "cos without minus": Slip(lambda g, x: np.cos(x), lambda g, dz, z, x: (dz * np.sin(x),), (X,), "sign"),
    "1 / x with -1 / x": Slip(lambda g, x: 1 / x, lambda g, dz, z, x: (-dz / x,), (X,), WRONG),
    "ln x with x": Slip(lambda g, x: np.log(x), lambda g, dz, z, x: (dz * x,), (X,), WRONG),
    "√x without 1/2": Slip(lambda g, x: np.sqrt(x), lambda g, dz, z, x: (dz / z,), (X,), "factor 2"),
    "x³ with x²": Slip(lambda g, x: x**3, lambda g, dz, z, x: (dz * x * x,), (X,), "factor"),
    "softplus with its value": Slip(lambda g, x: np.log1p(np.exp(x)), lambda g, dz, z, x: (dz * z,), (X,), WRONG),
    "|x| without its sign": Slip(lambda g, x: np.abs(x), lambda g, dz, z, x: (dz,), (N,), LOCAL),
    "leaky relu as a relu": Slip(
        lambda g, x: np.where(x > 0, x, 0.1 * x), lambda g, dz, z, x: (dz * (x > 0),), (N,), WRONG),
    "clip without its mask": Slip(lambda g, x: np.clip(x, -0.5, 0.5), lambda g, dz, z, x: (dz,), (N,), LOCAL),
    "sin x² without 2x": Slip(
        lambda g, x: np.sin(x * x), lambda g, dz, z, x: (dz * np.cos(x * x),), (X,), "inner derivative missing"),
    "e^(x²) without 2x": Slip(
        lambda g, x: np.exp(x * x), lambda g, dz, z, x: (dz * z,), (X,), "inner derivative missing"),
    "tanh 3x without 3": Slip(
        lambda g, x: np.tanh(3 * x), lambda g, dz, z, x: (dz * (1 - z * z),), (X,), "factor"),
    "x + tanh x, only tanh": Slip(
        lambda g, x: x + np.tanh(x), lambda g, dz, z, x: (dz * (1 - np.tanh(x) ** 2),), (X,), "term missing"),
    "dz squared": Slip(tanh, lambda g, dz, z, x: (dz * dz * (1 - z * z),), (X,), "upstream gradient squared"),
    "dz added": Slip(tanh, lambda g, dz, z, x: (dz + 1 - z * z,), (X,), "upstream gradient added"),
    "an invented slope": Slip(tanh, lambda g, dz, z, x: (dz * np.cos(3 * x + 1),), (X,), WRONG),
    # products
    "x σ(x), first half": Slip(lambda g, x: x * sigmoid(x), lambda g, dz, z, x: (dz * sigmoid(x),), (N,), HALF),
    "x σ(x), second half": Slip(lambda g, x: x * sigmoid(x), lambda g, dz, z, x: (
        dz * x * sigmoid(x) * (1 - sigmoid(x)),), (N,), HALF),
    "x tanh x": Slip(lambda g, x: x * np.tanh(x), lambda g, dz, z, x: (dz * x * (1 - np.tanh(x) ** 2),), (N,), HALF),
    "x ln x": Slip(lambda g, x: x * np.log(x), lambda g, dz, z, x: (dz * np.log(x),), (X,), HALF),
    "x² e^x": Slip(lambda g, x: x * x * np.exp(x), lambda g, dz, z, x: (dz * 2 * x * np.exp(x),), (X,), HALF),
    "e^x sin x": Slip(
        lambda g, x: np.exp(x) * np.sin(x), lambda g, dz, z, x: (dz * np.exp(x) * np.cos(x),), (X,), HALF),
    "x softmax(x)": Slip(lambda g, x: x * softmax(x), lambda g, dz, z, x: (dz * softmax(x),), (X,), HALF),
    "x xᵀ": Slip(lambda g, x: x @ x.T, lambda g, dz, z, x: (dz @ x,), (N,), HALF),
    "x x": Slip(lambda g, x: x @ x, lambda g, dz, z, x: (x.T @ dz,), (SQUARE,), HALF),
    "f c + i g, g for c": Slip(
        lambda g, f, c, i, a: f * c + i * a, lambda g, dz, z, f, c, i, a: (dz * a, dz * f, dz * a, dz * i),
        (X, Y, X + 0.3, Y - 0.1), WRONG),
    "(1 - u) n + u h, without -n": Slip(
        lambda g, u, n, h: (1 - u) * n + u * h, lambda g, dz, z, u, n, h: (dz * h, dz * (1 - u), dz * u),
        (X, Y, X * Y), "term missing"),
    "(1 - u) n + u h, u for 1 - u": Slip(
        lambda g, u, n, h: (1 - u) * n + u * h, lambda g, dz, z, u, n, h: (dz * (h - n), dz * u, dz * u),
        (X, Y, X * Y), WRONG, 1),
    "a / b without the square": Slip(
        lambda g, a, b: a / b, lambda g, dz, z, a, b: (dz / b, -dz * a / b), (X, Y), WRONG, 1),
    "a / b without a": Slip(
        lambda g, a, b: a / b, lambda g, dz, z, a, b: (dz / b, -dz / (b * b)), (X, Y), WRONG, 1),
    "a - b, both dz": Slip(lambda g, a, b: a - b, lambda g, dz, z, a, b: (dz, dz), (X, Y), "sign", 1),
    # sums and broadcasting
    "bias (4,) of (4, 4), wrong axis": Slip(
        add, lambda g, dz, z, a, b: (dz, dz.sum(axis=1)), (SQUARE, ROW), AXIS, 1),
    "bias (4,) of (5, 4), wrong axis": Slip(add, lambda g, dz, z, a, b: (dz, dz.sum(axis=1)), (X, ROW), AXIS, 1),
    "bias (4,) of (5, 4), all axes": Slip(add, lambda g, dz, z, a, b: (dz, dz.sum()), (X, ROW), AXIS, 1),
    "bias (5, 1) of (5, 4), wrong axis": Slip(
        add, lambda g, dz, z, a, b: (dz, dz.sum(axis=0)[:, None]), (X, COLUMN), AXIS, 1),
    "bias averaged": Slip(add, lambda g, dz, z, a, b: (dz, dz.mean(0)), (X, ROW), "batch size", 1),
    "bias from the first": Slip(add, lambda g, dz, z, a, b: (dz, dz[0]), (X, ROW), "sum over the batch missing", 1),
    "bias in three axes, from the last": Slip(
        add, lambda g, dz, z, a, b: (dz, dz[-1, -1]), (CUBE, ROW), "sum over the batch missing", 1),
    "scale by a row, wrong axis": Slip(
        times, lambda g, dz, z, a, b: (dz * b, (dz * a).sum(1)), (SQUARE, ROW), AXIS, 1),
    "sum of squares without 2": Slip(
        lambda g, x: (x * x).sum(), lambda g, dz, z, x: (dz * x,), (X,), "factor 2"),
    "mean without N": Slip(
        lambda g, x: x.mean(), lambda g, dz, z, x: (dz * np.ones(x.shape),), (X,), "batch size"),
    "variance without the mean": Slip(
        lambda g, x: x.var(), lambda g, dz, z, x: (dz * 2 * x / x.size,), (N,), "mean term missing"),
    "cumsum the wrong way": Slip(
        lambda g, x: x.cumsum(0), lambda g, dz, z, x: (dz.cumsum(0),), (X,), "misplaced"),
    "logsumexp with e^x": Slip(
        lambda g, x: np.log(np.exp(x).sum()), lambda g, dz, z, x: (dz * np.exp(x),), (X,), WRONG),
    # softmax and its like
    "softmax over the wrong axis": Slip(lambda g, x: softmax(x), lambda g, dz, z, x: (
        z * (dz - (dz * z).sum(0, keepdims=True)),), (X,), AXIS),
    "softmax over the wrong axis of a square": Slip(lambda g, x: softmax(x), lambda g, dz, z, x: (
        z * (dz - (dz * z).sum(0, keepdims=True)),), (SQUARE,), AXIS),
    "softmax over all axes": Slip(lambda g, x: softmax(x), lambda g, dz, z, x: (
        z * (dz - (dz * z).sum()),), (X,), AXIS),
    "softmax over time, wrong axis": Slip(lambda g, x: softmax(x, 1), lambda g, dz, z, x: (
        z * (dz - (dz * z).sum(2, keepdims=True)),), (CUBE,), AXIS),
    "log softmax over the wrong axis": Slip(lambda g, x: log_softmax(x), lambda g, dz, z, x: (
        dz - np.exp(z) * dz.sum(0, keepdims=True),), (X,), AXIS),
    "softmax, diagonal": Slip(lambda g, x: softmax(x), lambda g, dz, z, x: (dz * z * (1 - z),), (X,), COUPLING),
    "softmax without the sum": Slip(lambda g, x: softmax(x), lambda g, dz, z, x: (dz * z,), (X,), COUPLING),
    "layer norm without the mean term": Slip(lambda g, x: normalised(x), lambda g, dz, z, x: (
        (dz - z * mean(dz * z)) / deviation(x),), (N,), "mean term missing"),
    "layer norm without the deviation term": Slip(lambda g, x: normalised(x), lambda g, dz, z, x: (
        (dz - mean(dz)) / deviation(x),), (N,), "deviation term missing"),
    "layer norm without both": Slip(lambda g, x: normalised(x), lambda g, dz, z, x: (
        dz / deviation(x),), (N,), "mean and deviation terms missing"),
    "layer norm with gain, without the mean term": Slip(
        lambda g, x, a, b: normalised(x) * a + b,
        lambda g, dz, z, x, a, b: (
            (dz * a - normalised(x) * mean(dz * a * normalised(x))) / deviation(x),
            (dz * normalised(x)).sum(0), dz.sum(0)),
        (N, rng.normal(size=6), rng.normal(size=6)), "mean term missing"),
    "layer norm's gain without x": Slip(
        lambda g, x, a: normalised(x) * a, lambda g, dz, z, x, a: (
            (dz * a - mean(dz * a) - normalised(x) * mean(dz * a * normalised(x))) / deviation(x), dz.sum(0)),
        (N, rng.normal(size=6)), LOCAL, 1),
    # losses
    "cross entropy without the label": Slip(lambda g, x, y: cross_entropy(x, y), lambda g, dz, z, x, y: (
        dz * softmax(x) / len(x), None), (X, LABELS), "label not subtracted"),
    "cross entropy with the label added": Slip(lambda g, x, y: cross_entropy(x, y), lambda g, dz, z, x, y: (
        dz * (softmax(x) + onehot(y)) / len(x), None), (X, LABELS), "label added"),
    "cross entropy not averaged": Slip(lambda g, x, y: cross_entropy(x, y), lambda g, dz, z, x, y: (
        dz * (softmax(x) - onehot(y)), None), (X, LABELS), "batch size"),
    "cross entropy without dz": Slip(lambda g, x, y: cross_entropy(x, y), lambda g, dz, z, x, y: (
        (softmax(x) - onehot(y)) / len(x), None), (X, LABELS), UPSTREAM),
    "squared error, target with the same sign": Slip(
        lambda g, x, t: ((x - t) ** 2).mean(),
        lambda g, dz, z, x, t: (dz * 2 * (x - t) / x.size, dz * 2 * (x - t) / x.size), (X, Y), "sign", 1),
    "squared error squared": Slip(
        lambda g, x, t: ((x - t) ** 2).sum(),
        lambda g, dz, z, x, t: (dz * (x - t) ** 2, None), (X, Y), WRONG),
    # matrices
    "a b, factors in the wrong order": Slip(
        matmul, lambda g, dz, z, a, b: (b.T @ dz, a.T @ dz), (SQUARE, OTHER), "factors in the wrong order"),
    "a b, not transposed, square": Slip(
        matmul, lambda g, dz, z, a, b: (dz @ b, a.T @ dz), (SQUARE, OTHER), "transposed"),
    "a b, not transposed, not square": Slip(
        matmul, lambda g, dz, z, a, b: (lambda: dz @ b, lambda: a.T @ dz), (X, WIDE), "transposed"),
    "a b, result transposed, not square": Slip(
        matmul, lambda g, dz, z, a, b: (dz @ b.T, dz.T @ a), (X, WIDE), "transposed", 1),
    "a b, the second not transposed, not square": Slip(
        matmul, lambda g, dz, z, a, b: (lambda: dz @ b.T, lambda: a @ dz), (X, WIDE), "transposed", 1),
    "a b averaged": Slip(
        matmul, lambda g, dz, z, a, b: (dz @ b.T, a.T @ dz / len(a)), (X, WIDE), "batch size", 1),
    "W x, outer product transposed": Slip(
        lambda g, W, x: W @ x, lambda g, dz, z, W, x: (np.outer(x, dz), W.T @ dz), (X, ROW), "transposed"),
    # places
    "concatenate swapped, unequal sizes": Slip(
        join, lambda g, dz, z, a, b: (dz[len(a):], dz[:len(a)]), (X[:2], Y), "swapped"),
    "concatenate cut the other way round": Slip(
        join, lambda g, dz, z, a, b: (dz[len(b):], dz[:len(b)]), (X[:2], Y), "swapped"),
    "concatenate of three, reversed": Slip(
        join, lambda g, dz, z, a, b, c: (dz[-len(a):], dz[len(c):-len(a)], dz[:len(c)]), (X[:2], Y, X[:3]), "swapped"),
    "flip not undone": Slip(lambda g, x: x[::-1], lambda g, dz, z, x: (dz,), (X,), "misplaced"),
    "roll the wrong way": Slip(
        lambda g, x: np.roll(x, 1, axis=0), lambda g, dz, z, x: (np.roll(dz, 1, axis=0),), (X,), "misplaced"),
    "pad one off": Slip(lambda g, x: np.pad(x, 1), lambda g, dz, z, x: (dz[:-2, 1:-1],), (X,), "misplaced"),
    "reshape by columns": Slip(
        lambda g, x: x.reshape(2, 10), lambda g, dz, z, x: (dz.reshape(x.shape, order="F"),), (X,), "misplaced"),
    "rows assigned": Slip(lambda g, x: x[IDS], lambda g, dz, z, x: (
        scatter(x.shape, IDS, dz, False),), (X,), "= where += belongs"),
    "rows of a table assigned": Slip(lambda g, x, ids: x[ids], lambda g, dz, z, x, ids: (
        scatter(x.shape, ids, dz, False), None), (X, IDS), "= where += belongs"),
    "one product of neighbours": Slip(
        lambda g, x: x[1:] * x[:-1],
        lambda g, dz, z, x: (scatter(x.shape, slice(1, None), dz * x[:-1]),), (ROW,), "unrecognised"),
    # extremes and ties
    "max gives all to each tie": Slip(lambda g, x: x.max(1), lambda g, dz, z, x: (
        dz[:, None] * (x == z[:, None]),), (X,), "ties not shared"),
    "max of all, at a tie": Slip(lambda g, x: x.max(), lambda g, dz, z, x: (
        dz * (x == z),), (ONES,), "ties not shared"),
    "min gives all to each tie": Slip(
        lambda g, x: x.min(), lambda g, dz, z, x: (dz * (x == z),), (X,), "ties not shared"),
    "maximum gives all to both": Slip(np.maximum, lambda g, dz, z, a, b: (
        dz * (a >= b), dz * (b >= a)), (X, Y), "ties not shared"),
    "max gives nothing to ties": Slip(lambda g, x: x.max(), lambda g, dz, z, x: (
        dz * (x == z) * ((x == z).sum() == 1),), (X,), "nothing for ties"),
    "max to all": Slip(lambda g, x: x.max(1), lambda g, dz, z, x: (
        np.repeat(dz[:, None], 4, 1),), (X,), "mask missing"),
    # what is no gradient at all
    "state on self": Slip(keep, lambda g, dz, z, x: (2 * g.x * dz,), (X,), "state kept between calls"),
    "state on self, at a number": Slip(keep, lambda g, dz, z, x: (2 * g.x * dz,), (POINT,), "state kept between calls"),
    "calls on a stack": Slip(push, lambda g, dz, z, x: (
        np.cos(g.calls.pop()) * dz,), (X,), "state kept between calls"),
    "dz in place": Slip(tanh, in_place, (X,), "dz changed in place", None),
    "too few gradients": Slip(add, lambda g, dz, z, a, b: (dz,), (X, Y), "wrong number of gradients", None),
    "not a tuple": Slip(tanh, lambda g, dz, z, x: dz * (1 - z * z), (X,), "wrong number of gradients", None),
    "wrong shape": Slip(tanh, lambda g, dz, z, x: (dz[:2],), (X,), "wrong shape"),
    "an error": Slip(tanh, failing, (X,), "error in the rule", None),
    "an error for the second": Slip(add, lambda g, dz, z, a, b: (dz, failing), (X, Y), "error in the rule", 1),
    "NaN": Slip(tanh, lambda g, dz, z, x: (dz * np.nan,), (X,), "not finite"),
}  # fmt: skip


def own(slip: Slip) -> Any:
    forward = (lambda self, *arrays: np.maximum(*arrays)) if slip.forward is np.maximum else slip.forward
    return type("_Own", (mg.Gate,), {"forward": forward, "backward": slip.rule})()


def program(gate: Any) -> Callable[..., Any]:
    def run(*inputs: Any) -> Any:
        z = gate(*inputs)  # blamed
        return mg.tanh(z * 0.3)

    return run


@pytest.mark.parametrize("name", SLIPS)
def test_a_wrong_gate_is_named(name):
    slip = SLIPS[name]
    report = mg.gradcheck(program(own(slip)), *slip.inputs)
    found = report.slip
    assert not report and found is not None and found.is_rule and found.node.gate.name == "_Own" and not found.others
    source, first = inspect.getsourcelines(program)
    line = first + next(number for number, text in enumerate(source) if "# blamed" in text)
    assert (found.node.source or "").endswith(f"test_slips.py:{line}")
    assert found.rule_line.endswith(f"test_slips.py:{slip.rule.__code__.co_firstlineno}")
    assert found.input == slip.input
    assert report.kind == slip.kind, found.sentence
    assert str(report).startswith("WRONG")


def test_nearly_all_have_a_name():
    kinds = [slip.kind for slip in SLIPS.values()]
    assert len(kinds) == 110 and kinds.count("unrecognised") == 1  # the numbers of docs/gradcheck.md


def test_a_scalar_output_is_compared_with_what_backward_gives():
    W = mg.Tensor(SQUARE, requires_grad=True, name="W", dtype=np.float64)
    loss = lambda W: mg.tanh(X @ W).mean()  # noqa: E731
    report = mg.gradcheck(loss, W)
    loss(W).backward()
    row = report.inputs[0]
    assert W.grad is not None and row.index is not None
    assert row.recorded == pytest.approx(W.grad[row.index], rel=1e-12)


def test_state_that_another_call_replaced_in_the_same_program():
    square = own(SLIPS["state on self"])
    report = mg.gradcheck(lambda x: square(x) + square(x * 2.0), X)
    assert report.kind == "state kept between calls" and any(row.wrong for row in report.inputs)


def test_extremes_that_share_or_choose_are_right():
    one = Slip(lambda g, x: x.max(), lambda g, dz, z, x: (scatter(x.shape, divmod(int(x.argmax()), 4), dz),), (X,), "")
    even = Slip(lambda g, x: x.max(), lambda g, dz, z, x: (dz * (x == z) / (x == z).sum(),), (X,), "")
    for slip in (one, even):
        assert mg.gradcheck(own(slip), X) and mg.gradcheck(own(slip), np.ones((5, 4)))


@pytest.mark.parametrize(
    ("forward", "rule", "sentence"),
    [
        (
            lambda g, x: x**2 + np.sin(x),
            lambda g, dz, z, x: (2 * x * dz,),
            "a term is missing: (cos(x)), times dz",
        ),
        (
            lambda g, x: np.sin(x) + x**3,
            lambda g, dz, z, x: ((3 * x**2 - np.cos(x)) * dz,),
            "a term is missing: 2 · (cos(x)), times dz",
        ),
        (
            lambda g, x: np.sin(x**3) / 3,
            lambda g, dz, z, x: (-np.cos(x**3) * dz,),
            "a factor -(x²) is missing, as when the chain rule's inner derivative is forgotten",
        ),
    ],
)
def test_what_is_missing_is_said_once(forward, rule, sentence):
    slip = mg.gradcheck(own(Slip(forward, rule, (X,), "")), X).slip
    assert slip is not None and slip.sentence == sentence
