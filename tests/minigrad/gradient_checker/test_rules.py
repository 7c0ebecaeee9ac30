"""Each rule by itself: right ones in random programs over all gates are never blamed, wrong ones
are found there.
"""

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.gradients import dense
from minigrad.graph import ancestors

X = np.random.default_rng(3).normal(size=(3, 4))
ONE: list[Any] = [
    *(
        mg.cos,
        mg.leaky_relu,
        mg.relu,
        mg.sigmoid,
        mg.softmax,
        mg.softplus,
        mg.tanh,
        np.abs,
    ),
    lambda x: mg.clip(x, -0.5, 1.0),
    lambda x: mg.cumsum(x, 1) * 0.3,
    lambda x: mg.exp(mg.tanh(x)),
    lambda x: mg.gelu(x),
    lambda x: mg.log(x * x + 0.1),
    lambda x: mg.log_softmax(x, axis=0),
    lambda x: mg.lookup(x, [2, 2, 0, 1]),
    lambda x: mg.softmax_cross_entropy(x, [0, 3, 3, 1]) + x,
    lambda x: mg.sqrt(x * x + 0.01),
    lambda x: x - mg.logsumexp(x, axis=1, keepdims=True),
    lambda x: x - x.max(axis=1, keepdims=True),
    lambda x: x - x.min(axis=0),
    lambda x: x + x.var(axis=0),
    lambda x: x[np.array([3, 0, 3, 1])],
    lambda x: (x * x + 0.5) ** 1.5,
]
TWO: list[Any] = [
    mg.maximum,
    lambda a, b: mg.scaled_dot_product_attention(a, b, a, causal=True),
    lambda a, b: mg.layer_norm(a, b[0], b[1], 0.1),
    lambda a, b: mg.max_pool(mg.conv(a[:, None], b[:1, None, :3], padding=2), 3, 1)[
        :, 0
    ],
    lambda a, b: a + b[:1],
    lambda a, b: a / (b * b + 0.5),
    lambda a, b: a @ b,
    lambda a, b: a * b,
    lambda a, b: mg.minimum(a, b[0]),
    lambda a, b: mg.where(np.eye(4) > 0, a, b),
]


def random_program(seed: int) -> tuple[Any, list[Any]]:
    """A function of three inputs, with 4 to 14 steps, each of them on values that came before; and
    its inputs.
    """
    rng = np.random.default_rng(seed)
    steps = rng.integers(0, [len(ONE) + len(TWO), 100, 100], (rng.integers(4, 15), 3))
    dtype = rng.choice(["float32", "float64"])

    def program(*inputs: Any) -> Any:
        values = [inputs[0], inputs[1], inputs[0] * inputs[2]]
        for number, i, j in steps:
            a, b = values[-1 - i % len(values)], values[-1 - j % len(values)]
            z = ONE[number](a) if number < len(ONE) else TWO[number - len(ONE)](a, b)
            values.append(
                mg.tanh(z) * 2.0
            )  # keeps the numbers of a long program within reach
        return values[-1] + values[-2]

    # whole numbers tie, and some of them are 0
    scale, whole = rng.choice([0.1, 1.0, 3.0]), seed % 3 == 2
    arrays = [scale * rng.normal(size=shape) for shape in [(4, 4), (4, 4), (4,)]]
    return program, [
        (np.round(array) if whole else array).astype(dtype) for array in arrays
    ]


@pytest.mark.parametrize("decade", range(40))
def test_right_programs_are_never_blamed(decade):
    crooked = 0
    for seed in range(10 * decade, 10 * decade + 10):
        program, inputs = random_program(seed)
        report = mg.gradcheck(program, *inputs, sample=2, seed=seed)
        assert report and report.slip is None, f"seed {seed}\n{report}"
        # a kink closer than the steps of the slope
        crooked += report.slope is not None and report.slope < 1.7
    assert crooked <= 1


MAY_BE_ZERO = {
    "ReLU",
    "LeakyReLU",
    "Max",
    "Min",
    "Maximum",
    "Minimum",
    "Clip",
    "Where",
    "Abs",
    "MaxPool",
}


@pytest.mark.parametrize(
    "seed", range(0, 75, 3)
)  # without whole numbers, whose slopes may be 0
def test_the_same_programs_with_a_wrong_rule_are(seed, monkeypatch):
    program, inputs = random_program(seed)
    tensors = [mg.Tensor(array, requires_grad=True) for array in inputs]
    nodes = ancestors([program(*tensors).node])
    gates = sorted({node.gate.name for node in nodes if node.gate} - MAY_BE_ZERO)
    broken = mg.GATES[gates[seed % len(gates)]]
    right = broken.backward

    def scaled(self, *arrays):
        parts = [
            dense(part() if callable(part) else part) for part in right(self, *arrays)
        ]
        return [None if part is None else 1.3 * part for part in parts]

    monkeypatch.setattr(broken, "backward", scaled)
    report: Any = mg.gradcheck(program, *inputs, sample=2, seed=seed)
    assert report.kind == "factor" and report.slip.node.gate.name == broken.__name__, (
        report
    )


@pytest.fixture
def wrong_tanh(monkeypatch):
    """A single gate object with a wrong rule."""
    gate = mg.GATES["Tanh"]()
    monkeypatch.setattr(gate, "backward", lambda dz, z, x: (2 * dz * (1 - z * z),))
    return gate


def test_one_wrong_node_among_equal_ones(wrong_tanh):
    def recur(W):
        h = mg.Tensor(np.full((3, 4), 0.5))
        for t in range(20):
            with mg.scope(f"t{t:02d}"):
                h = (wrong_tanh if t == 7 else mg.tanh)(h @ W)
        return h

    report: Any = mg.gradcheck(recur, np.random.default_rng(5).normal(size=(4, 4)) / 2)
    assert report.slip.node.scope == ("t07",) and not report.slip.others
    assert "Tanh in t07" in str(report)


def test_a_rule_whose_effect_has_vanished_is_found_all_the_same(wrong_tanh):
    # After a sigmoid at -40 nothing of the first step reaches the output: only the rule can tell.
    report = mg.gradcheck(lambda x: mg.sigmoid(wrong_tanh(x) * 1e-3 - 40.0), X)
    assert not any(row.wrong for row in report.inputs)
    assert not report and report.kind == "factor 2"


def test_softmax_with_a_backward_of_zeros_is_caught_under_a_plain_sum(monkeypatch):
    # The sum of a softmax is 1, its gradient 0: a check of the sum passes this rule.
    monkeypatch.setattr(
        mg.GATES["Softmax"], "backward", lambda self, dz, z, x: (0 * dz,)
    )
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
    report = mg.gradcheck(
        lambda x: mg.relu(x).sum(), np.array([[1.0, -2.0], [0.0, 0.5]])
    )
    assert report and report.slope is None
    (kink,) = report.kinks
    assert (
        kink.index == (1, 0)
        and kink.inputs == [0.0]
        and "ReLU at the top level" in str(kink)
    )
    assert report.inputs[0].kinks == 1 and report.inputs[0].compared == 3


def test_a_maximum_at_a_tie_is_named():
    x = np.array([[1.0, 3.0, 3.0, 3.0], [0.0, 1.0, 2.0, 3.0]])
    report = mg.gradcheck(lambda x: x.max(axis=1), x)
    assert (
        report
        and report.kinks[0].node.gate.name == "Max"
        and report.kinks[0].index == (0,)
    )
    assert (
        report.inputs[0].kinks == 3
    )  # the three that tie; the other row is compared as ever


def test_a_wrong_rule_is_found_beside_a_kink(monkeypatch):
    monkeypatch.setattr(
        mg.GATES["ReLU"], "backward", lambda self, dz, z, x: (2 * dz * (x > 0),)
    )
    report: Any = mg.gradcheck(mg.relu, np.array([0.0, 1.0, 2.0, -1.0]))
    assert report.kind == "factor 2" and report.slip.index in [(1,), (2,)]


@pytest.mark.parametrize("never", [-np.inf, np.finfo(np.float64).min])
def test_masks_of_minus_infinity_are_no_obstacle(never, monkeypatch):
    def masked(x):
        return mg.softmax(mg.where(np.eye(3, 4) > 0, never, x))

    assert mg.gradcheck(masked, X)

    def doubled(self, dz, z, c, a, b):
        return None, dz * c, 2 * dz * ~c

    monkeypatch.setattr(mg.GATES["Where"], "backward", doubled)
    assert mg.gradcheck(masked, X).kind == "factor 2"
