"""gradcheck names the mistake of each wrong gate."""

import re
from pathlib import Path
from typing import Any

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
POINT = np.array(0.2)
MASK = X > 0.8
CALLS: list[Any] = []


def own_gate(forward, rule):
    """A gate of a learner's own with this rule, which may return a single gradient."""

    def backward(self, *arrays):
        gradients = rule(*arrays)
        return gradients if isinstance(gradients, tuple) else (gradients,)

    methods = {"forward": lambda self, *arrays: forward(*arrays), "backward": backward}
    return type("_Own", (mg.Gate,), methods)()


def wrong(kind, forward, rule, *inputs: Any, at: int | None = 0, says=""):
    """A wrong rule: its kind, which input's gradient is wrong, and how its sentence ends."""
    return pytest.param(kind, own_gate(forward, rule), inputs, at, says, id=kind)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    return np.exp(x) / np.exp(x).sum(-1, keepdims=True)


def log_softmax(x):
    return np.log(softmax(x))


def mean(a):
    return a.mean(-1, keepdims=True)


def deviation(x):
    return np.sqrt(x.var(-1, keepdims=True) + 1e-5)


def normalised(x):
    return (x - mean(x)) / deviation(x)


def cross_entropy(x, labels):
    return -log_softmax(x)[np.arange(len(x)), labels].mean()


def assigned(shape, key, dz):
    whole = np.zeros(shape)
    whole[key] = dz
    return whole


def failing(*_):
    raise RuntimeError("not written yet")


def in_place(dz, z, x):
    dz *= 1 - z * z
    return dz


def remember(x):
    CALLS.append(x)
    return x * x


LOCAL, WRONG = "local derivative missing", "wrong local derivative"
INNER, TERM = "inner derivative missing", "term missing"
HALF, AXIS, COUPLING = (
    "half of the product rule",
    "sum over the wrong axis",
    "coupling missing",
)

GATES = [
    # several kinds fit a single number, and the right one is found all the same
    wrong("upstream gradient forgotten", np.tanh, lambda dz, z, x: 1 - z * z, POINT),
    wrong("factor", np.tanh, lambda dz, z, x: dz * (1 - z * z) / 3, POINT),
    # this rule gives zeros here, but not elsewhere
    # elementwise gates
    wrong(
        "sign",
        np.subtract,
        lambda dz, z, a, b: (dz, dz),
        X,
        Y,
        at=1,
    ),
    wrong("factor 2", np.sqrt, lambda dz, z, x: dz / z, X),
    wrong("upstream gradient squared", np.tanh, lambda dz, z, x: dz * dz * (1 - z * z), X),
    wrong("upstream gradient added", np.tanh, lambda dz, z, x: dz + 1 - z * z, X),
    wrong(
        LOCAL,
        np.tanh,
        lambda dz, z, x: dz,
        X,
        says="dz on unchanged; it should be 1 - z²",
    ),
    wrong(WRONG, np.tanh, lambda dz, z, x: dz * np.cos(3 * x + 1), X),  # an invented slope
    wrong(
        INNER,
        lambda x: np.sin(x**3) / 3,
        lambda dz, z, x: -np.cos(x**3) * dz,
        X,
        says="a factor -(x²) is missing, as when the chain rule's inner derivative is forgotten",
    ),
    wrong(
        TERM,
        lambda u, n, h: (1 - u) * n + u * h,
        lambda dz, z, u, n, h: (dz * h, dz * (1 - u), dz * u),
        X,
        Y,
        X * Y,
    ),
    wrong("partly zero", np.tanh, lambda dz, z, x: dz * (1 - z * z) * MASK, X),
    wrong(
        "ties not shared",
        np.maximum,
        lambda dz, z, a, b: (dz * (a >= b), dz * (b >= a)),
        X,
        Y,
    ),
    wrong(
        "all zero",
        np.add,
        lambda dz, z, a, b: (dz, None),
        X,
        Y,
        at=1,
    ),
    wrong("not finite", np.tanh, lambda dz, z, x: dz * np.nan, X),
    wrong(
        WRONG,
        np.tanh,
        lambda dz, z, x: dz * (1 - x * x),
        X,
        says="dz by 1 - x²; it should be 1 - z²",
    ),
    wrong(
        WRONG,
        np.divide,
        lambda dz, z, a, b: (dz / b, dz * z),
        X,
        Y,
        at=1,
        says="dz by z; it should be -(z / b)",
    ),
    wrong(
        TERM,
        lambda x: np.sin(x) + x**3,
        lambda dz, z, x: (3 * x**2 - np.cos(x)) * dz,
        X,
        says="the term 2 · (cos(x)) · dz is missing",
    ),
    wrong(HALF, lambda x: x * sigmoid(x), lambda dz, z, x: dz * sigmoid(x), N),
    # sums
    wrong(
        AXIS,
        np.add,
        lambda dz, z, a, b: (dz, dz.sum(axis=1)),
        X,
        ROW,
        at=1,
    ),
    wrong(
        "batch size",
        np.add,
        lambda dz, z, a, b: (dz, dz.mean(0)),
        X,
        ROW,
        at=1,
    ),
    wrong(
        "sum missing",
        np.add,
        lambda dz, z, a, b: (dz, dz[:, :1]),
        X,
        COLUMN,
        at=1,
    ),
    wrong(
        "nothing for ties",
        np.max,
        lambda dz, z, x: dz * (x == z) * ((x == z).sum() == 1),
        X,
    ),
    wrong(
        "mask missing",
        lambda x: x.max(1),
        lambda dz, z, x: np.repeat(dz[:, None], 4, 1),
        X,
    ),
    wrong(AXIS, log_softmax, lambda dz, z, x: dz - np.exp(z) * dz.sum(0, keepdims=True), X),
    wrong(COUPLING, softmax, lambda dz, z, x: dz * z, X),
    wrong(
        "mean term missing",
        normalised,
        lambda dz, z, x: (dz - z * mean(dz * z)) / deviation(x),
        N,
    ),
    wrong(
        "deviation term missing",
        normalised,
        lambda dz, z, x: (dz - mean(dz)) / deviation(x),
        N,
    ),
    wrong(
        "mean and deviation terms missing",
        normalised,
        lambda dz, z, x: dz / deviation(x),
        N,
    ),
    wrong(
        "label not subtracted",
        cross_entropy,
        lambda dz, z, x, y: (dz * softmax(x) / 5, None),
        X,
        LABELS,
    ),
    wrong(
        "label added",
        cross_entropy,
        lambda dz, z, x, y: (dz * (softmax(x) + np.eye(4)[y]) / 5, None),
        X,
        LABELS,
    ),
    # matrix products
    wrong(HALF, lambda x: x @ x.T, lambda dz, z, x: dz @ x, N),
    wrong(
        "factors in the wrong order",
        np.matmul,
        lambda dz, z, a, b: (b.T @ dz, a.T @ dz),
        SQUARE,
        OTHER,
    ),
    wrong(
        "transposed",
        np.matmul,
        lambda dz, z, a, b: (lambda: dz @ b, lambda: a.T @ dz),
        X,
        WIDE,
    ),
    wrong(
        "sum over the batch missing",
        np.matmul,
        lambda dz, z, a, b: (dz @ b.T, a[0].T @ dz[0]),
        CUBE,
        SQUARE,
        at=1,
    ),
    # parts and places
    wrong(
        "misplaced",
        lambda x: x.transpose(1, 2, 0),
        lambda dz, z, x: dz.transpose(1, 2, 0),
        CUBE[:, :3, :3],
    ),
    wrong(
        "swapped",
        lambda *parts: np.concatenate(parts),
        lambda dz, z, a, b, c: (dz[-2:], dz[3:-2], dz[:3]),
        X[:2],
        Y,
        X[:3],
    ),
    wrong(
        "= where += belongs",
        lambda x, ids: x[ids],
        lambda dz, z, x, ids: (assigned(x.shape, ids, dz), None),
        X,
        IDS,
    ),
    wrong(
        "unrecognised",
        lambda x: x[1:] * x[:-1],
        lambda dz, z, x: assigned(x.shape, slice(1, None), dz * x[:-1]),
        ROW,
    ),
    # what a rule should not do
    wrong("state kept between calls", remember, lambda dz, z, x: 2 * CALLS[-1] * dz, X),
    wrong("dz changed in place", np.tanh, in_place, X, at=None),
    wrong("wrong number of gradients", np.add, lambda dz, z, a, b: (dz,), X, Y, at=None),
    wrong("wrong shape", np.tanh, lambda dz, z, x: dz[:2], X),
    wrong(
        "error in the rule",
        np.add,
        lambda dz, z, a, b: (dz, failing),
        X,
        Y,
        at=1,
    ),
]


@pytest.mark.parametrize(("kind", "gate", "inputs", "at", "says"), GATES)
def test_guess_names_the_mistake(kind, gate, inputs, at, says):
    report: Any = mg.gradcheck(lambda *inputs: mg.tanh(gate(*inputs) * 0.3), *inputs)
    slip = report.slip
    assert str(report).startswith("WRONG")
    assert slip.is_rule
    assert slip.node.gate.name == "_Own"
    assert not slip.others
    assert slip.input == at
    assert report.kind == kind, slip.sentence
    assert slip.sentence.endswith(says), slip.sentence


def test_guess_names_the_kinds_in_the_page_s_table():
    kinds = [gate.id for gate in GATES]
    assert kinds.count("unrecognised") == 1
    _, *listed = re.findall(r"^\| `([^`]+)` \|", PAGE.read_text(), re.M)
    assert sorted(listed) == sorted({*kinds} - {"unrecognised"})


def test_guess_samples_a_large_input():
    table, ids = rng.normal(size=(3000, 16)), np.array([5, 7, 5, 2999])
    gate = own_gate(lambda x: x[ids], lambda dz, z, x: assigned(x.shape, ids, dz))
    report: Any = mg.gradcheck(gate, table, fast=True)
    assert report.kind == "= where += belongs"
    assert report.slip.index[0] == 5
