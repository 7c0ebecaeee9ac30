"""Each rule by itself: right ones in random programs over all gates are never blamed, wrong ones
are found there.
"""

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from layers import GRU, LSTM, RNN, Dense, Sequential
from minigrad.gates.indexing import Scatter
from minigrad.graph import ancestors, dense

X = np.random.default_rng(3).normal(size=(3, 4))
mg.seed(4)
# their parameters are constants here
CELLS = {kind.__name__: kind(4, 4, fused=True) for kind in (RNN, GRU, LSTM)}


def sequence(kind: str) -> Any:
    """Two sequences of two steps, as one gate."""
    return lambda x: x + mg.concatenate([CELLS[kind](x.reshape(2, 2, 4)).reshape(-1)] * 2)[:4]


INDEX = np.array([[3, 0, 2, 2]] * 4)
ONE: dict[str, Any] = {
    "Abs": np.abs,
    "BroadcastTo": lambda x: np.broadcast_to(x[:1], (4, 4)),
    "Cast": lambda x: x.astype("float64"),
    "Clip": lambda x: mg.clip(x, -0.5, 1.0),
    "Cos": mg.cos,
    "CumSum": lambda x: mg.cumsum(x, 1) * 0.3,
    "Einsum": lambda x: mg.einsum("ij,kj->ik", x, x) * 0.2,
    "Exp": lambda x: mg.exp(mg.tanh(x)),
    "ExpandDims": lambda x: mg.squeeze(mg.expand_dims(x, 1), 1),
    "GRUSequence": sequence("GRU"),
    "LSTMSequence": sequence("LSTM"),
    "LeakyReLU": mg.leaky_relu,
    "Log": lambda x: mg.log(x * x + 0.1),
    "LogSoftmax": lambda x: mg.log_softmax(x, axis=0),
    "LogSumExp": lambda x: x - mg.logsumexp(x, axis=1, keepdims=True),
    "Lookup": lambda x: mg.lookup(x, [2, 2, 0, 1]),
    "Max": lambda x: x - x.max(axis=1, keepdims=True),
    "Mean": lambda x: x - x.mean(axis=1, keepdims=True),
    "MeanAbsoluteError": lambda x: x * mg.mean_absolute_error(x, np.eye(4)),
    "Min": lambda x: x - x.min(axis=0),
    "Negate": lambda x: -x,
    "NegativeLogLikelihood": lambda x: (
        x * mg.negative_log_likelihood(mg.log_softmax(x), [0, 3, 3, 1])
    ),
    "Pad": lambda x: mg.pad(x, 1)[1:5, :4],
    "Power": lambda x: (x * x + 0.5) ** 1.5,
    "RNNSequence": sequence("RNN"),
    "ReLU": mg.relu,
    "Reshape": lambda x: x.reshape(-1).reshape(4, 4),
    "Scatter": lambda x: Scatter((4, 4), np.array([2, 0, 2, 1]))(x),
    "Sigmoid": mg.sigmoid,
    "Sin": mg.sin,
    "Slice": lambda x: x[np.array([3, 0, 3, 1])],
    "Softmax": mg.softmax,
    "SoftmaxCrossEntropy": lambda x: x + mg.softmax_cross_entropy(x, [0, 3, 3, 1]),
    "Softplus": mg.softplus,
    "Split": lambda x: mg.concatenate(mg.split(x, [1, 3])[::-1]),
    "Sqrt": lambda x: mg.sqrt(x * x + 0.01),
    "Std": lambda x: x + (x * x + np.arange(4.0)).std(axis=1, keepdims=True),
    "Sum": lambda x: x + x.sum(axis=0),
    "TakeAlongAxis": lambda x: mg.take_along_axis(x, INDEX, 0),
    "Tanh": mg.tanh,
    "Transpose": lambda x: x.T * 0.5,
    "Var": lambda x: x + x.var(axis=0),
}
TWO: dict[str, Any] = {
    "AddGate": lambda a, b: a + b[:1],
    "BinaryCrossEntropy": lambda a, b: b + mg.binary_cross_entropy(a, np.eye(4)),
    "Concatenate": lambda a, b: mg.concatenate([a[:1], b[1:]]),
    "Divide": lambda a, b: a / (b * b + 0.5),
    "Hadamard": lambda a, b: a * b,
    "LookupProduct": lambda a, b: mg.GATES["LookupProduct"]()(a, np.array([2, 0, 2, 1]), b, b[0]),
    "Maximum": mg.maximum,
    "MeanSquaredError": lambda a, b: a + mg.mean_squared_error(a, b),
    "Minimum": lambda a, b: mg.minimum(a, b[0]),
    "MultiplyGate": lambda a, b: a @ b,
    "Stack": lambda a, b: mg.stack([a, b], axis=1).sum(axis=1),
    "Subtract": lambda a, b: a - b[:, :1],
    "Where": lambda a, b: mg.where(np.eye(4) > 0, a, b),
}


def random_program(seed: int) -> tuple[Any, list[Any]]:
    """A function of three inputs, with 4 to 14 steps, each of them on values that came before; and
    its inputs.
    """
    rng = np.random.default_rng(seed)
    steps = [
        (rng.choice([*ONE, *TWO]), rng.integers(0, 100, 2)) for _ in range(rng.integers(4, 15))
    ]
    dtype = rng.choice(["float32", "float64"])

    def program(*inputs: Any) -> Any:
        values = [inputs[0], inputs[1], inputs[0] * inputs[2]]
        for gate, (i, j) in steps:
            a, b = values[-1 - i % len(values)], values[-1 - j % len(values)]
            z = ONE[gate](a) if gate in ONE else TWO[gate](a, b)
            values.append(mg.tanh(z) * 2.0)  # keeps the numbers of a long program within reach
        return values[-1] + values[-2]

    # whole numbers tie, and some of them are 0
    scale, whole = rng.choice([0.1, 1.0, 3.0]), seed % 3 == 2
    arrays = [scale * rng.normal(size=shape) for shape in [(4, 4), (4, 4), (4,)]]
    return program, [(np.round(array) if whole else array).astype(dtype) for array in arrays]


@pytest.mark.parametrize("decade", range(50))
def test_right_programs_are_never_blamed(decade):
    crooked = 0
    for seed in range(10 * decade, 10 * decade + 10):
        program, inputs = random_program(seed)
        report = mg.gradcheck(program, *inputs, sample=2, seed=seed)
        assert report and report.slip is None, f"seed {seed}\n{report}"
        # a kink closer than the steps of the slope
        crooked += report.slope is not None and report.slope < 1.7
    assert crooked <= 1


def test_the_programs_use_every_gate():
    assert {*ONE, *TWO} >= {
        name for name, kind in mg.GATES.items() if kind.__module__.startswith("minigrad.gates.")
    }


MAY_BE_ZERO = {"ReLU", "LeakyReLU", "Max", "Min", "Maximum", "Minimum", "Clip", "Where", "Abs"}


def scaled(parts):
    """A rule's gradients, each times 1.3."""
    whole = [dense(part() if callable(part) else part) for part in parts]
    return [None if part is None else 1.3 * part for part in whole]


@pytest.mark.parametrize("decade", range(4))
def test_the_same_programs_with_a_wrong_rule_are(decade, monkeypatch):
    for seed in range(10 * decade, 10 * decade + 10):
        program, inputs = random_program(seed)
        nodes = ancestors(
            [program(*(mg.Tensor(array, requires_grad=True) for array in inputs)).node]
        )
        gates = sorted({node.gate.name for node in nodes if node.gate} - MAY_BE_ZERO)
        if not gates:  # neither input was used
            continue
        broken = mg.GATES[gates[seed % len(gates)]]
        right = broken.backward
        with monkeypatch.context() as patch:
            patch.setattr(
                broken, "backward", lambda self, *given, right=right: scaled(right(self, *given))
            )
            report: Any = mg.gradcheck(program, *inputs, sample=2, seed=seed)
        assert report.kind == "factor" and report.slip.node.gate.name == broken.__name__, (
            f"seed {seed}\n{report}"
        )


@pytest.mark.parametrize(
    ("layer", "gate", "rule", "kind"),
    [
        (RNN, "Tanh", lambda g, dz, z, x: (dz,), "local derivative missing"),
        (RNN, "MultiplyGate", lambda g, dz, z, a, b: (dz @ b.T, a.T @ dz / len(a)), "batch size"),
        (GRU, "Hadamard", lambda g, dz, z, a, b: (dz * b, None), "all zero"),
        (
            LSTM,
            "AddGate",
            lambda g, dz, z, a, b: (dz, dz[0] if b.ndim == 1 else dz),
            "sum over the batch missing",
        ),
    ],
)
def test_a_wrong_rule_inside_twenty_time_steps(layer, gate, rule, kind, monkeypatch):
    mg.seed(1)
    model = Sequential(layer(6, 5), Dense(5, 3))
    batch = (np.random.default_rng(0).normal(size=(4, 20, 6)), np.array([0, 2, 1, 1]))
    monkeypatch.setattr(mg.GATES[gate], "backward", rule)
    report: Any = mg.gradcheck_model(model, mg.softmax_cross_entropy, batch, fast=True)
    wrong = [report.slip.node, *report.slip.others]
    assert report.kind == kind and {node.gate.name for node in wrong} == {gate}
    first = next(node for node in wrong if node.scope[1:2] == (layer.__name__.lower(),))
    assert first.scope[-1] == "t19"  # the way back meets the last step first


@pytest.fixture
def wrong_tanh(monkeypatch):
    """A single gate object with a wrong rule."""
    gate = mg.GATES["Tanh"]()
    monkeypatch.setattr(gate, "backward", lambda dz, z, x: (2 * dz * (1 - z * z),))
    return gate


@pytest.mark.parametrize("step", [0, 7, 19])
def test_one_wrong_node_among_equal_ones(step, wrong_tanh):
    def recur(W):
        h = mg.Tensor(np.full((3, 4), 0.5))
        for t in range(20):
            with mg.scope(f"t{t:02d}"):
                h = (wrong_tanh if t == step else mg.tanh)(h @ W)
        return h

    report: Any = mg.gradcheck(recur, np.random.default_rng(5).normal(size=(4, 4)) / 2)
    assert report.slip.node.scope == (f"t{step:02d}",) and not report.slip.others
    assert f"Tanh in t{step:02d}" in str(report)


def test_a_rule_whose_effect_has_vanished_is_found_all_the_same(wrong_tanh):
    # After a sigmoid at -40 nothing of the first step reaches the output: only the rule can tell.
    report = mg.gradcheck(lambda x: mg.sigmoid(wrong_tanh(x) * 1e-3 - 40.0), X)
    assert not any(row.wrong for row in report.inputs)
    assert not report and report.kind == "factor 2"


def test_softmax_with_a_backward_of_zeros_is_caught_under_a_plain_sum(monkeypatch):
    # The sum of a softmax is 1, its gradient 0: a check of the sum passes this rule.
    monkeypatch.setattr(mg.GATES["Softmax"], "backward", lambda self, dz, z, x: (0 * dz,))
    assert not mg.gradcheck(lambda x: mg.softmax(x).sum(), X)


def test_a_maximum_that_chooses_one_of_several_equal_elements_is_right():
    class First(mg.Gate):
        def forward(self, x):
            return x.max()

        def backward(self, dz, z, x):
            return (dz * (np.arange(x.size) == x.argmax()),)

    assert mg.gradcheck(First(), X[0]) and mg.gradcheck(First(), np.ones(4))


# Kinks


def test_relu_at_zero_is_named_and_not_reported_as_wrong():
    report = mg.gradcheck(lambda x: mg.relu(x).sum(), np.array([[1.0, -2.0], [0.0, 0.5]]))
    assert report and report.slope is None
    (kink,) = report.kinks
    assert kink.index == (1, 0) and kink.inputs == [0.0] and "ReLU at the top level" in str(kink)
    assert report.inputs[0].kinks == 1 and report.inputs[0].compared == 3


def test_a_maximum_at_a_tie_is_named():
    report = mg.gradcheck(
        lambda x: x.max(axis=1), np.array([[1.0, 3.0, 3.0, 3.0], [0.0, 1.0, 2.0, 3.0]])
    )
    assert report and report.kinks[0].node.gate.name == "Max" and report.kinks[0].index == (0,)
    assert report.inputs[0].kinks == 3  # the three that tie; the other row is compared as ever


def test_a_wrong_rule_is_found_beside_a_kink(monkeypatch):
    monkeypatch.setattr(mg.GATES["ReLU"], "backward", lambda self, dz, z, x: (2 * dz * (x > 0),))
    report: Any = mg.gradcheck(mg.relu, np.array([0.0, 1.0, 2.0, -1.0]))
    assert report.kind == "factor 2" and report.slip.index in [(1,), (2,)]


@pytest.mark.parametrize("never", [-np.inf, np.finfo(np.float64).min])
def test_masks_of_minus_infinity_are_no_obstacle(never, monkeypatch):
    f = lambda x: mg.softmax(mg.where(np.eye(3, 4) > 0, never, x))  # noqa: E731
    assert mg.gradcheck(f, X)
    monkeypatch.setattr(
        mg.GATES["Where"], "backward", lambda self, dz, z, c, a, b: (None, dz * c, 2 * dz * ~c)
    )
    assert mg.gradcheck(f, X).kind == "factor 2"
