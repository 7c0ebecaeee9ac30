"""gradcheck on each rule: right ones in random programs are not blamed, wrong ones are found."""

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.gradients import dense
from minigrad.graph import ancestors

X = np.random.default_rng(3).normal(size=(3, 4))
ONE: list[Any] = [
    np.abs,
    mg.cos,
    mg.gelu,
    mg.leaky_relu,
    mg.relu,
    mg.sigmoid,
    mg.softmax,
    mg.softplus,
    mg.tanh,
    lambda x: mg.clip(x, -0.5, 1.0),
    lambda x: mg.cumsum(x, 1) * 0.3,
    lambda x: mg.exp(mg.tanh(x)),
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


def convolve(a, b):
    images = mg.conv(
        a[:, None],
        b[:1, None, :3],
        padding=2,
    )
    return mg.max_pool(images, 3, 1)[:, 0]


TWO: list[Any] = [
    mg.maximum,
    convolve,
    lambda a, b: mg.scaled_dot_product_attention(a, b, a, causal=True),
    lambda a, b: mg.layer_norm(
        a,
        b[0],
        b[1],
        0.1,
    ),
    lambda a, b: a + b[:1],
    lambda a, b: a / (b * b + 0.5),
    lambda a, b: a @ b,
    lambda a, b: a * b,
    lambda a, b: mg.minimum(a, b[0]),
    lambda a, b: mg.where(
        np.eye(4) > 0,
        a,
        b,
    ),
]


def random_program(seed: int) -> tuple[Any, list[Any]]:
    """Return a function of 4 to 14 steps on earlier values, and its three inputs."""
    rng = np.random.default_rng(seed)
    steps = rng.integers(
        0,
        [len(ONE) + len(TWO), 100, 100],
        (rng.integers(4, 15), 3),
    )
    dtype = rng.choice(["float32", "float64"])

    def program(*inputs: Any) -> Any:
        values = [
            inputs[0],
            inputs[1],
            inputs[0] * inputs[2],
        ]
        for number, i, j in steps:
            a, b = values[-1 - i % len(values)], values[-1 - j % len(values)]
            z = (
                ONE[number](a)
                if number < len(ONE)
                else TWO[number - len(ONE)](
                    a,
                    b,
                )
            )
            values.append(mg.tanh(z) * 2.0)  # limits the numbers of a long program
        return values[-1] + values[-2]

    scale = rng.choice([0.1, 1.0, 3.0])
    arrays = [scale * rng.normal(size=shape) for shape in [(4, 4), (4, 4), (4,)]]
    if seed % 3 == 2:  # whole numbers tie, and some of them are 0
        arrays = [np.round(array) for array in arrays]
    return program, [array.astype(dtype) for array in arrays]


@pytest.mark.parametrize("decade", range(40))
def test_right_rules_are_not_blamed(decade):
    crooked = 0
    for seed in range(10 * decade, 10 * decade + 10):
        program, inputs = random_program(seed)
        report = mg.gradcheck(program, *inputs, sample=2, seed=seed)
        assert report, f"seed {seed}\n{report}"
        assert report.slip is None
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


# without whole numbers, whose slopes may be 0
@pytest.mark.parametrize("seed", range(0, 75, 3))
def test_wrong_rule_is_blamed(seed, monkeypatch):
    program, inputs = random_program(seed)
    tensors = [mg.Tensor(array, requires_grad=True) for array in inputs]
    nodes = ancestors([program(*tensors).node])
    gates = sorted({node.gate.name for node in nodes if node.gate} - MAY_BE_ZERO)
    broken = mg.GATES[gates[seed % len(gates)]]
    right = broken.backward

    def scaled(self, *arrays):
        for part in right(self, *arrays):
            part = dense(part() if callable(part) else part)
            yield None if part is None else 1.3 * part

    monkeypatch.setattr(broken, "backward", lambda *arrays: [*scaled(*arrays)])
    report: Any = mg.gradcheck(program, *inputs, sample=2, seed=seed)
    assert report.kind == "factor", report
    assert report.slip.node.gate.name == broken.__name__


@pytest.fixture
def wrong_tanh(monkeypatch):
    """A single gate object with a wrong rule."""
    gate = mg.Tanh()
    monkeypatch.setattr(
        gate,
        "backward",
        lambda dz, z, x: (2 * dz * (1 - z * z),),
    )
    return gate


def test_wrong_rule_of_one_node_among_equal_ones_is_blamed(wrong_tanh):
    def recur(W):
        h = mg.Tensor(np.full((3, 4), 0.5))
        for t in range(20):
            with mg.scope(f"t{t:02d}"):
                h = (wrong_tanh if t == 7 else mg.tanh)(h @ W)
        return h

    report: Any = mg.gradcheck(
        recur,
        np.random.default_rng(5).normal(size=(4, 4)) / 2,
    )
    assert report.slip.node.scope == ("t07",)
    assert not report.slip.others
    assert "Tanh in t07" in str(report)


def test_wrong_rule_without_effect_on_the_output_is_blamed(wrong_tanh):
    # after a sigmoid at -40, nothing of the first step reaches the output
    report = mg.gradcheck(
        lambda x: mg.sigmoid(wrong_tanh(x) * 1e-3 - 40.0),
        X,
    )
    assert not any(row.wrong for row in report.inputs)
    assert report.kind == "factor 2"


def test_wrong_rule_of_zeros_is_blamed_under_a_plain_sum(monkeypatch):
    # the sum of a softmax is 1, and its gradient 0
    monkeypatch.setattr(
        mg.Softmax,
        "backward",
        lambda self, dz, z, x: (0 * dz,),
    )
    assert not mg.gradcheck(lambda x: mg.softmax(x).sum(), X)


def test_rule_that_chooses_one_of_several_equal_maxima_is_right():
    class First(mg.Gate):
        def forward(self, x):
            return x.max()

        def backward(self, dz, z, x):
            return (dz * (np.arange(x.size) == x.argmax()),)

    assert mg.gradcheck(First(), X[0])
    assert mg.gradcheck(First(), np.ones(4))


# Kinks


def test_kink_of_relu_is_named_and_not_blamed():
    x = np.array([[1.0, -2.0], [0.0, 0.5]])
    report = mg.gradcheck(
        lambda x: mg.relu(x).sum(),
        x,
    )
    assert report
    assert report.slope is None
    (kink,) = report.kinks
    assert kink.index == (1, 0)
    assert kink.inputs == [0.0]
    assert "ReLU at the top level" in str(kink)
    assert report.inputs[0].kinks == 1
    assert report.inputs[0].compared == 3


def test_kink_of_max_at_a_tie_is_named():
    x = np.array([[1.0, 3.0, 3.0, 3.0], [0.0, 1.0, 2.0, 3.0]])
    report = mg.gradcheck(lambda x: x.max(axis=1), x)
    assert report
    assert report.kinks[0].node.gate.name == "Max"
    assert report.kinks[0].index == (0,)
    assert report.inputs[0].kinks == 3  # the other row is compared as ever


def test_wrong_rule_is_blamed_beside_a_kink(monkeypatch):
    monkeypatch.setattr(
        mg.ReLU,
        "backward",
        lambda self, dz, z, x: (2 * dz * (x > 0),),
    )
    report: Any = mg.gradcheck(
        mg.relu,
        np.array([0.0, 1.0, 2.0, -1.0]),
    )
    assert report.kind == "factor 2"
    assert report.slip.index in [(1,), (2,)]


@pytest.mark.parametrize(
    "never",
    [-np.inf, np.finfo(np.float64).min],
)
def test_mask_of_minus_infinity_is_checked(never, monkeypatch):
    def masked(x):
        return mg.softmax(
            mg.where(
                np.eye(3, 4) > 0,
                never,
                x,
            )
        )

    def doubled(self, dz, z, c, a, b):
        return None, dz * c, 2 * dz * ~c

    assert mg.gradcheck(masked, X)
    monkeypatch.setattr(mg.Where, "backward", doubled)
    assert mg.gradcheck(masked, X).kind == "factor 2"
