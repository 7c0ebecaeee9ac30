"""Wrong gates of a learner's own: each found, and called by its right name."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import minigrad as mg

PAGE = Path(__file__).parents[3] / "docs" / "gradcheck.md"
rng = np.random.default_rng(11)
X = rng.uniform(0.3, 1.4, (5, 4))  # no axis has size 2, so that a factor of 2 means one thing
Y = rng.uniform(0.3, 1.4, (5, 4))
N = rng.normal(size=(5, 6))
ROW, COLUMN = rng.normal(size=4), rng.normal(size=(5, 1))
SQUARE, OTHER = rng.normal(size=(2, 4, 4))
WIDE = rng.normal(size=(4, 3))
CUBE = rng.normal(size=(3, 5, 4))
LABELS = np.array([0, 3, 1, 2, 1])
IDS = np.array([0, 2, 0, 4, 2, 0])
ONES = np.ones((2, 3))
POINT = np.array(0.2)
MASK = X > 0.8
CALLS: list[Any] = []


class Wrong(NamedTuple):
    forward: Callable[..., Any]
    rule: Callable[..., Any]
    inputs: Any
    kind: str = "unrecognised"
    input: int | None = 0

    def gate(self) -> Any:
        def backward(self_: Any, *arrays: Any) -> Any:
            gradients = self.rule(*arrays)
            return gradients if isinstance(gradients, tuple) else (gradients,)

        methods = {"forward": lambda self_, *arrays: self.forward(*arrays), "backward": backward}
        return type("_Own", (mg.Gate,), methods)()

    def report(self) -> Any:
        gate = self.gate()
        inputs = self.inputs if isinstance(self.inputs, tuple) else (self.inputs,)
        return mg.gradcheck(lambda *inputs: mg.tanh(gate(*inputs) * 0.3), *inputs)


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def softmax(x: Any, axis: int = -1) -> Any:
    return np.exp(x) / np.exp(x).sum(axis, keepdims=True)


def log_softmax(x: Any) -> Any:
    return np.log(softmax(x))


def mean(a: Any) -> Any:
    return a.mean(-1, keepdims=True)


def deviation(x: Any) -> Any:
    return np.sqrt(x.var(-1, keepdims=True) + 1e-5)


def normalised(x: Any) -> Any:
    return (x - mean(x)) / deviation(x)


def onehot(labels: Any) -> Any:
    return np.eye(4)[labels]


def cross_entropy(x: Any, labels: Any) -> Any:
    return -log_softmax(x)[np.arange(len(x)), labels].mean()


def assigned(shape: tuple[int, ...], key: Any, dz: Any) -> Any:
    whole = np.zeros(shape)
    whole[key] = dz
    return whole


def join(*arrays: Any) -> Any:
    return np.concatenate(arrays)


def failing(*_: Any) -> Any:
    raise RuntimeError("not written yet")


def in_place(dz: Any, z: Any, x: Any) -> Any:
    dz *= 1 - z * z
    return dz


def remember(x: Any) -> Any:
    CALLS.append(x)
    return x * x


LOCAL, WRONG, UPSTREAM = (
    "local derivative missing",
    "wrong local derivative",
    "upstream gradient forgotten",
)
HALF, AXIS, COUPLING = "half of the product rule", "sum over the wrong axis", "coupling missing"
STATE = "state kept between calls"

GATES = {
    "a - b, both dz": Wrong(np.subtract, lambda dz, z, a, b: (dz, dz), (X, Y), "sign", 1),
    "tanh at a number, without 1 - z²": Wrong(np.tanh, lambda dz, z, x: dz, POINT, LOCAL),
    "tanh at a number, without dz": Wrong(np.tanh, lambda dz, z, x: 1 - z * z, POINT, UPSTREAM),
    "tanh at a number, a third": Wrong(
        np.tanh, lambda dz, z, x: dz * (1 - z * z) / 3, POINT, "factor"
    ),
    "a b at numbers, exchanged": Wrong(
        np.multiply, lambda dz, z, a, b: (dz * a, dz * b), (POINT, np.array(1.7)), "swapped"
    ),
    "tanh with 1 - x² where that is 0": Wrong(
        np.tanh, lambda dz, z, x: dz * (1 - x * x), ONES, WRONG
    ),
    "√x without 1/2": Wrong(np.sqrt, lambda dz, z, x: dz / z, X, "factor 2"),
    "x³ with x²": Wrong(lambda x: x**3, lambda dz, z, x: dz * x * x, X, "factor"),
    "leaky relu as a relu": Wrong(
        lambda x: np.where(x > 0, x, 0.1 * x), lambda dz, z, x: dz * (x > 0), N, WRONG
    ),
    "sin x² without 2x": Wrong(
        lambda x: np.sin(x * x), lambda dz, z, x: dz * np.cos(x * x), X, "inner derivative missing"
    ),
    "x + tanh x, only tanh": Wrong(
        lambda x: x + np.tanh(x), lambda dz, z, x: dz * (1 - np.tanh(x) ** 2), X, "term missing"
    ),
    "dz squared": Wrong(
        np.tanh, lambda dz, z, x: dz * dz * (1 - z * z), X, "upstream gradient squared"
    ),
    "dz added": Wrong(np.tanh, lambda dz, z, x: dz + 1 - z * z, X, "upstream gradient added"),
    "an invented slope": Wrong(np.tanh, lambda dz, z, x: dz * np.cos(3 * x + 1), X, WRONG),
    "x σ(x), first half": Wrong(
        lambda x: x * sigmoid(x), lambda dz, z, x: dz * sigmoid(x), N, HALF
    ),
    "x σ(x), second half": Wrong(
        lambda x: x * sigmoid(x), lambda dz, z, x: dz * x * sigmoid(x) * (1 - sigmoid(x)), N, HALF
    ),
    "e^x sin x": Wrong(
        lambda x: np.exp(x) * np.sin(x), lambda dz, z, x: dz * np.exp(x) * np.cos(x), X, HALF
    ),
    "x xᵀ": Wrong(lambda x: x @ x.T, lambda dz, z, x: dz @ x, N, HALF),
    "x x": Wrong(lambda x: x @ x, lambda dz, z, x: x.T @ dz, SQUARE, HALF),
    "(1 - u) n + u h, without -n": Wrong(
        lambda u, n, h: (1 - u) * n + u * h,
        lambda dz, z, u, n, h: (dz * h, dz * (1 - u), dz * u),
        (X, Y, X * Y),
        "term missing",
    ),
    "bias (4,) of (5, 4), wrong axis": Wrong(
        np.add, lambda dz, z, a, b: (dz, dz.sum(axis=1)), (X, ROW), AXIS, 1
    ),
    "bias averaged": Wrong(np.add, lambda dz, z, a, b: (dz, dz.mean(0)), (X, ROW), "batch size", 1),
    "cumsum the wrong way": Wrong(
        lambda x: x.cumsum(0), lambda dz, z, x: dz.cumsum(0), X, "misplaced"
    ),
    "logsumexp with e^x": Wrong(
        lambda x: np.log(np.exp(x).sum()), lambda dz, z, x: dz * np.exp(x), X, WRONG
    ),
    "softmax over the wrong axis of a square": Wrong(
        softmax, lambda dz, z, x: z * (dz - (dz * z).sum(0, keepdims=True)), SQUARE, AXIS
    ),
    "log softmax over the wrong axis": Wrong(
        log_softmax, lambda dz, z, x: dz - np.exp(z) * dz.sum(0, keepdims=True), X, AXIS
    ),
    "softmax, diagonal": Wrong(softmax, lambda dz, z, x: dz * z * (1 - z), X, COUPLING),
    "softmax without the sum": Wrong(softmax, lambda dz, z, x: dz * z, X, COUPLING),
    "layer norm without the mean term": Wrong(
        normalised, lambda dz, z, x: (dz - z * mean(dz * z)) / deviation(x), N, "mean term missing"
    ),
    "layer norm without the deviation term": Wrong(
        normalised, lambda dz, z, x: (dz - mean(dz)) / deviation(x), N, "deviation term missing"
    ),
    "layer norm without both": Wrong(
        normalised, lambda dz, z, x: dz / deviation(x), N, "mean and deviation terms missing"
    ),
    "cross entropy without the label": Wrong(
        cross_entropy,
        lambda dz, z, x, y: (dz * softmax(x) / len(x), None),
        (X, LABELS),
        "label not subtracted",
    ),
    "cross entropy with the label added": Wrong(
        cross_entropy,
        lambda dz, z, x, y: (dz * (softmax(x) + onehot(y)) / len(x), None),
        (X, LABELS),
        "label added",
    ),
    "a b, factors in the wrong order": Wrong(
        np.matmul,
        lambda dz, z, a, b: (b.T @ dz, a.T @ dz),
        (SQUARE, OTHER),
        "factors in the wrong order",
    ),
    "a b, not transposed, square": Wrong(
        np.matmul, lambda dz, z, a, b: (dz @ b, a.T @ dz), (SQUARE, OTHER), "transposed"
    ),
    "a b, not transposed, not square": Wrong(
        np.matmul, lambda dz, z, a, b: (lambda: dz @ b, lambda: a.T @ dz), (X, WIDE), "transposed"
    ),
    "a b, result transposed, not square": Wrong(
        np.matmul, lambda dz, z, a, b: (dz @ b.T, dz.T @ a), (X, WIDE), "transposed", 1
    ),
    "concatenate cut the other way round": Wrong(
        join, lambda dz, z, a, b: (dz[len(b) :], dz[: len(b)]), (X[:2], Y), "swapped"
    ),
    "concatenate of three, reversed": Wrong(
        join,
        lambda dz, z, a, b, c: (dz[-len(a) :], dz[len(c) : -len(a)], dz[: len(c)]),
        (X[:2], Y, X[:3]),
        "swapped",
    ),
    "rows of a table assigned": Wrong(
        lambda x, ids: x[ids],
        lambda dz, z, x, ids: (assigned(x.shape, ids, dz), None),
        (X, IDS),
        "= where += belongs",
    ),
    "one product of neighbours": Wrong(
        lambda x: x[1:] * x[:-1],
        lambda dz, z, x: assigned(x.shape, slice(1, None), dz * x[:-1]),
        ROW,
    ),
    "maximum gives all to both": Wrong(
        np.maximum, lambda dz, z, a, b: (dz * (a >= b), dz * (b >= a)), (X, Y), "ties not shared"
    ),
    "max gives nothing to ties": Wrong(
        lambda x: x.max(),
        lambda dz, z, x: dz * (x == z) * ((x == z).sum() == 1),
        X,
        "nothing for ties",
    ),
    "max to all": Wrong(
        lambda x: x.max(1), lambda dz, z, x: np.repeat(dz[:, None], 4, 1), X, "mask missing"
    ),
    "NaN": Wrong(np.tanh, lambda dz, z, x: dz * np.nan, X, "not finite"),
    "add forgets one": Wrong(np.add, lambda dz, z, a, b: (dz, None), (X, Y), "all zero", 1),
    "log softmax without the sum": Wrong(
        log_softmax, lambda dz, z, x: dz - np.exp(z) * dz, X, COUPLING
    ),
    "power without its factor": Wrong(
        np.power, lambda dz, z, a, b: (dz * z / a, None), (X, np.array(2.5)), WRONG
    ),
    "a b of a batch, without the sum": Wrong(
        np.matmul,
        lambda dz, z, a, b: (dz @ b.T, a[0].T @ dz[0]),
        (CUBE, SQUARE),
        "sum over the batch missing",
        1,
    ),
    "bias (5, 1) of (5, 4), from the first": Wrong(
        np.add, lambda dz, z, a, b: (dz, dz[:, :1]), (X, COLUMN), "sum missing", 1
    ),
    "where exchanged": Wrong(
        lambda a, b: np.where(MASK, a, b),
        lambda dz, z, a, b: (dz * ~MASK, dz * MASK),
        (X, Y),
        "swapped",
    ),
    "tanh with a mask": Wrong(np.tanh, lambda dz, z, x: dz * (1 - z * z) * MASK, X, "partly zero"),
    "transpose not undone": Wrong(
        lambda x: x.transpose(1, 2, 0),
        lambda dz, z, x: dz.transpose(1, 2, 0),
        CUBE[:, :3, :3],
        "misplaced",
    ),
    "state between calls": Wrong(remember, lambda dz, z, x: 2 * CALLS[-1] * dz, X, STATE),
    "state on a stack": Wrong(remember, lambda dz, z, x: 2 * CALLS.pop() * dz, X, STATE),
    "dz in place": Wrong(np.tanh, in_place, X, "dz changed in place", None),
    "too few gradients": Wrong(
        np.add, lambda dz, z, a, b: (dz,), (X, Y), "wrong number of gradients", None
    ),
    "too many gradients": Wrong(
        np.tanh, lambda dz, z, x: tuple(dz * (1 - z * z)), X, "wrong number of gradients", None
    ),
    "wrong shape": Wrong(np.tanh, lambda dz, z, x: dz[:2], X, "wrong shape"),
    "an error": Wrong(np.tanh, failing, X, "error in the rule", None),
    "an error for the second": Wrong(
        np.add, lambda dz, z, a, b: (dz, failing), (X, Y), "error in the rule", 1
    ),
}


@pytest.mark.parametrize("name", GATES)
def test_a_wrong_gate_is_named(name):
    wrong = GATES[name]
    report = wrong.report()
    slip = report.slip
    assert not report and str(report).startswith("WRONG")
    assert slip.is_rule and slip.node.gate.name == "_Own" and not slip.others
    assert slip.input == wrong.input
    assert report.kind == wrong.kind, slip.sentence


def test_the_page_lists_these_kinds_and_how_many_gates_there_are():
    page = PAGE.read_text()
    kinds = [wrong.kind for wrong in GATES.values()]
    assert kinds.count("unrecognised") == 1 and f"Of the {len(kinds)} wrong gates" in page
    listed = re.findall(r"^\| `([^`]+)` \|", page, re.M)
    assert sorted(listed[1:]) == sorted({*kinds} - {"unrecognised"})


@pytest.mark.parametrize(
    ("forward", "rule", "inputs", "sentence"),
    [
        (np.tanh, lambda dz, z, x: dz, X, "passes dz on unchanged; it should be 1 - z²"),
        (
            np.tanh,
            lambda dz, z, x: dz * (1 - x * x),
            X,
            "the rule multiplies dz by 1 - x²; it should be 1 - z²",
        ),
        (
            np.divide,
            lambda dz, z, a, b: (dz / b, dz * z),
            (X, Y),
            "multiplies dz by z; it should be -(z / b)",
        ),
        (
            lambda x: x**2 + np.sin(x),
            lambda dz, z, x: 2 * x * dz,
            X,
            "a term is missing: (cos(x)), times dz",
        ),
        (
            lambda x: np.sin(x) + x**3,
            lambda dz, z, x: (3 * x**2 - np.cos(x)) * dz,
            X,
            "a term is missing: 2 · (cos(x)), times dz",
        ),
        (
            lambda x: np.sin(x**3) / 3,
            lambda dz, z, x: -np.cos(x**3) * dz,
            X,
            "a factor -(x²) is missing, as when the chain rule's inner derivative is forgotten",
        ),
    ],
)
def test_what_is_missing_and_what_is_right_is_said(forward, rule, inputs, sentence):
    assert Wrong(forward, rule, inputs).report().slip.sentence.endswith(sentence)


def test_a_large_input_is_judged_by_a_sample():
    table, ids = rng.normal(size=(3000, 16)), np.array([5, 7, 5, 2999])
    wrong = Wrong(
        lambda table: table[ids], lambda dz, z, table: assigned(table.shape, ids, dz), table
    )
    report: Any = mg.gradcheck(wrong.gate(), table, fast=True)
    assert report.kind == "= where += belongs" and report.slip.index[0] == 5
