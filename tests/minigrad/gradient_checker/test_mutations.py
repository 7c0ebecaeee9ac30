"""Wrong backward rules, such as people write them: found, blamed on the right node and line, and recognised."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import CodeType
from typing import Any, NamedTuple

import numpy as np
import pytest

import minigrad as mg
from layers import GRU, LSTM, RNN, Dense, Sequential

rng = np.random.default_rng(5)
X = rng.uniform(0.3, 1.4, (5, 4))  # no axis has size 2, so that a factor of 2 means one thing
Y = rng.uniform(0.3, 1.4, (5, 4))
SQUARE = rng.normal(size=(4, 4))
ROW = rng.normal(size=4)
CUBE = rng.normal(size=(3, 5, 4))
LABELS = np.array([0, 3, 1, 2, 1])
REPEATED = np.array([0, 2, 0, 4, 2, 0])


# Small programs: the gate under test stands in the line marked "blamed", others before and after it.


def one(gate: Callable[..., Any]) -> Callable[..., Any]:
    def program(x):
        z = gate(x * 0.9)  # blamed
        return (z * z).sum()

    return program


def two(gate: Callable[..., Any]) -> Callable[..., Any]:
    def program(a, b):
        z = gate(mg.tanh(a), mg.sigmoid(b))  # blamed
        return mg.exp(z * 0.3).sum()

    return program


def many(gate: Callable[..., Any]) -> Callable[..., Any]:
    def program(a, b):
        z = gate([mg.tanh(a), b, mg.exp(b)])  # blamed
        return (z * z).mean()

    return program


def loss(gate: Callable[..., Any], target: Any) -> Callable[..., Any]:
    def program(x):
        return gate(mg.tanh(x) * 2.0, target)  # blamed

    return program


def scatter(shape: tuple[int, ...], key: Any, dz: Any, add: bool) -> Any:
    whole = np.zeros(shape)
    if add:
        np.add.at(whole, key, dz)
    else:
        whole[key] = dz
    return whole


def softmax_of(x: Any) -> Any:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def onehot(labels: Any, classes: int) -> Any:
    return np.eye(classes)[labels]


UPSTREAM, NO_SUM, ASSIGNED = "upstream gradient forgotten", "sum over the batch missing", "= where += belongs"


class Wrong(NamedTuple):
    gate: str
    program: Callable[..., Any]
    inputs: tuple[Any, ...]
    rule: Callable[..., Any]
    guess: str | None
    """What the checker should call the mistake; None where it may be at a loss."""


where = two(lambda a, b: mg.where(X > 0.8, a, b))
broadcast = one(lambda x: np.broadcast_to(x, (6, 5, 4)))

MUTATIONS = {
    "tanh without 1 - z²": Wrong("Tanh", one(mg.tanh), (X,), lambda g, dz, z, x: (dz,), "local derivative missing"),
    "tanh with 1 - x²": Wrong(
        "Tanh", one(mg.tanh), (X,), lambda g, dz, z, x: (dz * (1 - x * x),), "wrong local derivative"),
    "tanh with 1 + z²": Wrong(
        "Tanh", one(mg.tanh), (X,), lambda g, dz, z, x: (dz * (1 + z * z),), "wrong local derivative"
    ),
    "tanh negated": Wrong("Tanh", one(mg.tanh), (X,), lambda g, dz, z, x: (-dz * (1 - z * z),), "sign"),
    "tanh without dz": Wrong("Tanh", one(mg.tanh), (X,), lambda g, dz, z, x: (1 - z * z,), UPSTREAM),
    "tanh gives None": Wrong("Tanh", one(mg.tanh), (X,), lambda g, dz, z, x: (None,), "all zero"),
    "sigmoid without 1 - z": Wrong(
        "Sigmoid", one(mg.sigmoid), (X,), lambda g, dz, z, x: (dz * z,), "wrong local derivative"
    ),
    "sigmoid twice": Wrong("Sigmoid", one(mg.sigmoid), (X,), lambda g, dz, z, x: (2 * dz * z * (1 - z),), "factor 2"),
    "relu without mask": Wrong("ReLU", one(mg.relu), (X - 0.7,), lambda g, dz, z, x: (dz,), "local derivative missing"),
    "relu mask inverted": Wrong(
        "ReLU", one(mg.relu), (X - 0.7,), lambda g, dz, z, x: (dz * (x < 0),), "wrong local derivative"
    ),
    "softmax of zeros": Wrong("Softmax", one(mg.softmax), (X,), lambda g, dz, z, x: (0 * dz,), "all zero"),
    "softmax diagonal": Wrong("Softmax", one(mg.softmax), (X,), lambda g, dz, z, x: (dz * z * (1 - z),), None),
    "softmax without dz": Wrong(
        "Softmax", one(mg.softmax), (X,), lambda g, dz, z, x: (z * (1 - z.sum(-1, keepdims=True)) + z * (1 - z),), None
    ),
    "log softmax alone": Wrong(
        "LogSoftmax", one(mg.log_softmax), (X,), lambda g, dz, z, x: (dz - np.exp(z) * dz,), "coupling missing"
    ),
    "log softmax hands on": Wrong(
        "LogSoftmax", one(mg.log_softmax), (X,), lambda g, dz, z, x: (dz,), "local derivative missing"
    ),
    "exp without z": Wrong("Exp", one(mg.exp), (X,), lambda g, dz, z, x: (dz,), "local derivative missing"),
    "exp with x": Wrong("Exp", one(mg.exp), (X,), lambda g, dz, z, x: (dz * x,), "wrong local derivative"),
    "log times x": Wrong("Log", one(mg.log), (X,), lambda g, dz, z, x: (dz * x,), "wrong local derivative"),
    "sqrt without 1/2": Wrong("Sqrt", one(mg.sqrt), (X,), lambda g, dz, z, x: (dz / z,), "factor 2"),
    "negate without minus": Wrong("Negate", one(np.negative), (X,), lambda g, dz, z, x: (dz,), "sign"),
    "add forgets one": Wrong("AddGate", two(np.add), (X, Y), lambda g, dz, z, a, b: (dz, None), "all zero"),
    "add without sum": Wrong("AddGate", two(np.add), (X, ROW), lambda g, dz, z, a, b: (dz, dz[0]), NO_SUM),
    "add averages the bias": Wrong(
        "AddGate", two(np.add), (X, ROW), lambda g, dz, z, a, b: (dz, dz.mean(0)), "batch size"
    ),
    "subtract without minus": Wrong("Subtract", two(np.subtract), (X, Y), lambda g, dz, z, a, b: (dz, dz), "sign"),
    "hadamard exchanged": Wrong(
        "Hadamard", two(lambda a, b: mg.GATES["Hadamard"]()(a, b)), (X, Y),
        lambda g, dz, z, a, b: (dz * a, dz * b) if a.shape == b.shape == (5, 4) else (dz * b, dz * a),
        "swapped",
    ),
    "divide squares nothing": Wrong(
        "Divide", two(np.divide), (X, Y), lambda g, dz, z, a, b: (dz / b, -dz * z), "wrong local derivative"
    ),
    "divide without minus": Wrong(
        "Divide", two(np.divide), (X, Y), lambda g, dz, z, a, b: (dz / b, dz * z / b), "sign"
    ),
    "power without factor": Wrong(
        "Power", one(lambda x: x**2.5), (X,), lambda g, dz, z, a, b: (dz * a ** (b - 1), None), "wrong local derivative"
    ),
    "power as its own": Wrong(
        "Power", one(lambda x: x**2.5), (X,), lambda g, dz, z, a, b: (dz * z, None), "wrong local derivative"
    ),
    "multiply untransposed right": Wrong(
        "MultiplyGate", two(np.matmul), (X, SQUARE), lambda g, dz, z, a, b: (dz @ b, a.T @ dz), "transposed"
    ),
    "multiply untransposed left": Wrong(
        "MultiplyGate", two(np.matmul), (SQUARE, SQUARE + 1), lambda g, dz, z, a, b: (dz @ b.T, a @ dz), "transposed"
    ),
    "multiply gradient transposed": Wrong(
        "MultiplyGate", two(np.matmul), (X, SQUARE), lambda g, dz, z, a, b: (dz @ b.T, dz.T @ a), "transposed"
    ),
    "multiply without batch sum": Wrong(
        "MultiplyGate", two(np.matmul), (CUBE, SQUARE), lambda g, dz, z, a, b: (dz @ b.T, a[0].T @ dz[0]), NO_SUM
    ),
    "multiply averages": Wrong(
        "MultiplyGate", two(np.matmul), (X, SQUARE), lambda g, dz, z, a, b: (dz @ b.T, a.T @ dz / len(a)), "batch size"
    ),
    "multiply without dz": Wrong(
        "MultiplyGate", two(np.matmul), (X, SQUARE), lambda g, dz, z, a, b: (np.ones_like(dz) @ b.T, a.T @ dz),
        UPSTREAM,
    ),
    "sum averages": Wrong("Sum", one(lambda x: x.sum(axis=0)), (X,), lambda g, dz, z, x: (
        np.broadcast_to(dz.reshape(g.kept(x.shape)), x.shape) / (len(x) if z.ndim else 1),), "batch size"),
    "mean sums": Wrong("Mean", one(np.mean), (X,), lambda g, dz, z, x: (np.broadcast_to(dz, x.shape),), "batch size"),
    "max to all": Wrong(
        "Max", one(lambda x: x.max(axis=1)), (X,), lambda g, dz, z, x: (np.repeat(dz[:, None], 4, 1),), "mask missing"
    ),
    "reshape in another order": Wrong(
        "Reshape", one(lambda x: x.reshape(4, 5)), (X,), lambda g, dz, z, x: (dz.T,), "misplaced"
    ),
    "transpose not undone": Wrong("Transpose", one(np.transpose), (SQUARE,), lambda g, dz, z, x: (dz,), "transposed"),
    "transpose of three axes": Wrong(
        "Transpose", one(lambda x: x.transpose(1, 2, 0)), (rng.normal(size=(3, 3, 3)),),
        lambda g, dz, z, x: (dz.transpose(g.axes),), "misplaced",
    ),
    "broadcast takes one": Wrong("BroadcastTo", broadcast, (X,), lambda g, dz, z, x: (dz[-1],), NO_SUM),
    "slice assigns": Wrong(
        "Slice", one(lambda x: x[REPEATED]), (X,), lambda g, dz, z, x: (scatter(x.shape, g.key, dz, False),), ASSIGNED
    ),
    "slice one off": Wrong(
        "Slice", one(lambda x: x[1:4]), (X,),
        lambda g, dz, z, x: (scatter(x.shape, slice(2, 5), dz, True),), "misplaced",
    ),
    "look-up assigns": Wrong(
        "Lookup", one(lambda x: mg.lookup(x, REPEATED)), (X,),
        lambda g, dz, z, x, ids: (scatter(x.shape, ids, dz, False), None), ASSIGNED,
    ),
    "look-up averages": Wrong(
        "Lookup", one(lambda x: mg.lookup(x, REPEATED)), (X,),
        lambda g, dz, z, x, ids: (scatter(x.shape, ids, dz, True) / len(ids), None), "batch size",
    ),
    "concatenate reversed": Wrong("Concatenate", many(mg.concatenate), (X, Y), lambda g, dz, z, *a: [
        dz[10:], dz[5:10], dz[:5]], "swapped"),
    "stack reversed": Wrong("Stack", many(mg.stack), (X, Y), lambda g, dz, z, *a: list(dz)[::-1], "swapped"),
    "where to both": Wrong("Where", where, (X, Y), lambda g, dz, z, c, a, b: (None, dz, dz), "mask missing"),
    "where exchanged": Wrong("Where", where, (X, Y), lambda g, dz, z, c, a, b: (None, dz * ~c, dz * c), "swapped"),
    "cross entropy sums": Wrong(
        "SoftmaxCrossEntropy", loss(mg.softmax_cross_entropy, LABELS), (X,),
        lambda g, dz, z, x, y: ((softmax_of(x) - onehot(y, 4)) * dz, None), "batch size",
    ),
    "cross entropy negated": Wrong(
        "SoftmaxCrossEntropy", loss(mg.softmax_cross_entropy, LABELS), (X,),
        lambda g, dz, z, x, y: ((onehot(y, 4) - softmax_of(x)) * dz / 5, None), "sign",
    ),
    "cross entropy without labels": Wrong(
        "SoftmaxCrossEntropy", loss(mg.softmax_cross_entropy, LABELS), (X,),
        lambda g, dz, z, x, y: (softmax_of(x) * dz / 5, None), None,
    ),
    "binary cross entropy sums": Wrong(
        "BinaryCrossEntropy", loss(mg.binary_cross_entropy, (Y > 0.8) * 1.0), (X,),
        lambda g, dz, z, x, t: ((1 / (1 + np.exp(-x)) - t) * dz, None), "batch size",
    ),
    "squared error without 2": Wrong(
        "MeanSquaredError", loss(mg.mean_squared_error, Y), (X,),
        lambda g, dz, z, x, t: ((x - t) * dz / x.size, None), "factor 2",
    ),
    "squared error backwards": Wrong(
        "MeanSquaredError", loss(mg.mean_squared_error, Y), (X,),
        lambda g, dz, z, x, t: (2 * (t - x) * dz / x.size, None), "sign",
    ),
}  # fmt: skip


def blamed_line(program: Callable[..., Any]) -> int:
    """The line that calls the gate: the marked one, or that of the lambda that the marked one calls."""
    code = getattr(inspect.getclosurevars(program).nonlocals["gate"], "__code__", None)
    if isinstance(code, CodeType) and code.co_filename == __file__:
        return code.co_firstlineno
    lines, first = inspect.getsourcelines(program)
    return first + next(number for number, line in enumerate(lines) if "# blamed" in line)


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_wrong_rule_in_a_small_program(name, monkeypatch):
    gate, program, inputs, rule, expected = MUTATIONS[name]
    assert mg.gradcheck(program, *inputs), "the program itself is right"
    monkeypatch.setattr(mg.GATES[gate], "backward", rule)
    report = mg.gradcheck(program, *inputs)
    assert not report
    wrong = report.slip
    assert wrong is not None and wrong.node.gate.name == gate
    assert wrong.node.source is not None
    assert wrong.node.source.endswith(f"test_mutations.py:{blamed_line(program)}")
    assert wrong.rule_line.endswith(f"test_mutations.py:{rule.__code__.co_firstlineno}")
    assert wrong.numeric != pytest.approx(wrong.recorded, rel=1e-4)
    assert expected is None or report.kind == expected, f"{report.kind}: {wrong.sentence}"


RECURRENT = {
    "tanh": ("Tanh", lambda g, dz, z, x: (dz,), "local derivative missing"),
    "tanh squared wrongly": ("Tanh", lambda g, dz, z, x: (dz * (1 - z),), "wrong local derivative"),
    "multiply": (
        "MultiplyGate",
        lambda g, dz, z, a, b: (dz @ (b if b.shape[0] == b.shape[1] else b.T), a.T @ dz),
        "transposed",
    ),
    "multiply averages": ("MultiplyGate", lambda g, dz, z, a, b: (dz @ b.T, a.T @ dz / len(a)), "batch size"),
    "add": ("AddGate", lambda g, dz, z, a, b: (dz, -dz), "sign"),
    "add without sum": (
        "AddGate",
        lambda g, dz, z, a, b: (dz, dz if b.ndim > 1 else dz[0]),
        NO_SUM,
    ),
    "loss": ("SoftmaxCrossEntropy", lambda g, dz, z, x, y: ((softmax_of(x) - onehot(y, 3)) * dz, None), "batch size"),
    "sigmoid": ("Sigmoid", lambda g, dz, z, x: (-dz * z * (1 - z),), "sign"),
    "hadamard": ("Hadamard", lambda g, dz, z, a, b: (dz * b, None), "all zero"),
    "slice": ("Slice", lambda g, dz, z, x: (scatter(x.shape, g.key, dz, True) / len(x),), "batch size"),
    "subtract": ("Subtract", lambda g, dz, z, a, b: (dz, dz), "sign"),
}
USED = {
    RNN: {"tanh", "tanh squared wrongly", "multiply", "multiply averages", "add", "add without sum", "loss"},
    GRU: {"tanh", "multiply averages", "add without sum", "sigmoid", "hadamard", "slice", "subtract", "loss"},
    LSTM: {"tanh", "multiply averages", "add without sum", "sigmoid", "hadamard", "slice", "loss"},
}
CASES = [(kind, name) for kind, names in USED.items() for name in sorted(names)]


@pytest.mark.parametrize(("kind", "name"), CASES, ids=[f"{kind.__name__} {name}" for kind, name in CASES])
def test_a_wrong_rule_inside_twenty_time_steps(kind, name, monkeypatch):
    gate, rule, expected = RECURRENT[name]
    mg.seed(1)
    model = Sequential(kind(6, 5), Dense(5, 3))
    batch = (np.random.default_rng(0).normal(size=(4, 20, 6)), np.array([0, 2, 1, 1]))
    monkeypatch.setattr(mg.GATES[gate], "backward", rule)
    report = mg.gradcheck_model(model, mg.softmax_cross_entropy, batch, fast=True)
    assert not report
    wrong = report.slip
    assert wrong is not None
    assert {node.gate.name for node in [wrong.node, *wrong.others]} == {gate}
    assert wrong.rule_line.endswith(f"test_mutations.py:{rule.__code__.co_firstlineno}")
    newest = [node for node in [wrong.node, *wrong.others] if node.scope[1:2] == (kind.__name__.lower(),)]
    if newest:
        assert newest[0].scope[-1] == "t19"  # the way back meets the last step first
        source = newest[0].source or ""
        assert "layers/cells.py:" in source or "layers/unroll.py:" in source
    assert report.kind == expected, wrong.sentence


def test_most_mistakes_are_recognised():
    # Each test above holds the checker to the name of the mistake; those that name none are the ones it may miss.
    expected = [wrong.guess for wrong in MUTATIONS.values()] + [RECURRENT[name][2] for _, name in CASES]
    assert len(expected) >= 40
    assert sum(guess is not None for guess in expected) >= 0.75 * len(expected)


@pytest.mark.parametrize("step", [0, 7, 19])
def test_one_wrong_node_among_equal_ones(step, monkeypatch):
    # A single gate object with a wrong rule, at one step of twenty: that node is blamed, and no other.
    wrong_tanh = mg.GATES["Tanh"]()
    monkeypatch.setattr(wrong_tanh, "backward", lambda dz, z, x: (dz,))

    def recur(W):
        h = mg.Tensor(np.full((3, 4), 0.5))
        for t in range(20):
            with mg.scope(f"t{t:02d}"):
                h = (wrong_tanh if t == step else mg.tanh)(h @ W)
        return h

    report = mg.gradcheck(recur, SQUARE / 2)
    wrong = report.slip
    assert not report and wrong is not None and not wrong.others
    assert wrong.node.scope == (f"t{step:02d}",)
    assert f"Tanh in t{step:02d}" in str(report)


def test_a_rule_whose_effect_has_vanished_is_found_all_the_same(monkeypatch):
    # After twenty halvings and a sigmoid at -40 nothing of the first step reaches the output: only the rule can tell.
    wrong_tanh = mg.GATES["Tanh"]()
    monkeypatch.setattr(wrong_tanh, "backward", lambda dz, z, x: (2 * dz * (1 - z * z),))
    report = mg.gradcheck(lambda x: mg.sigmoid(wrong_tanh(x) * 1e-3 - 40.0), X)
    assert not any(row.wrong for row in report.inputs)
    assert not report and report.kind == "factor 2"


def test_softmax_with_a_backward_of_zeros_is_caught_under_a_plain_sum(monkeypatch):
    # The sum of a softmax is 1, its gradient 0: a check of the sum passes this rule.
    monkeypatch.setattr(mg.GATES["Softmax"], "backward", lambda self, dz, z, x: (0 * dz,))
    assert not mg.gradcheck(lambda x: mg.softmax(x).sum(), X)


def test_a_rule_that_fails_is_blamed_with_its_own_words(monkeypatch):
    monkeypatch.setattr(mg.GATES["Tanh"], "backward", lambda self, dz, z, x: (dz[:2],))
    report = mg.gradcheck(one(mg.tanh), X)
    wrong = report.slip
    assert not report and wrong is not None and wrong.node.gate.name == "Tanh"
    assert "(5, 4)" in wrong.failure and "(2, 4)" in wrong.failure
    assert "MG125" in report.failed


def test_a_large_input_is_judged_by_a_sample(monkeypatch):
    table = np.random.default_rng(0).normal(size=(3000, 16))
    ids = np.array([5, 7, 5, 2999])
    f = lambda table: mg.tanh(mg.lookup(table, ids))  # noqa: E731
    assert mg.gradcheck(f, table, fast=True)
    rule = lambda self, dz, z, table, ids: (scatter(table.shape, ids, dz, False), None)  # noqa: E731
    monkeypatch.setattr(mg.GATES["Lookup"], "backward", rule)
    report = mg.gradcheck(f, table, fast=True)
    assert not report and report.kind == ASSIGNED
    assert report.slip is not None and report.slip.index[0] == 5
