"""What else a check can find: kinks, passes that differ, paths outside the graph, wrong sums, and cuts."""

from __future__ import annotations

import sys
from itertools import count

import numpy as np
import pytest

import minigrad as mg
import minigrad.gradient_checker.check  # for sys.modules
from layers import GRU, LSTM, RNN, Dense, Dropout, Embedding, Sequential
from minigrad.errors import DtypeError, GradientError, NonFiniteError, OptionError
from minigrad.graph import ancestors
from optim import Adam

check_module = sys.modules["minigrad.gradient_checker.check"]
rng = np.random.default_rng(3)
X = rng.normal(size=(3, 4))


# Kinks


def test_relu_at_zero_is_named_and_not_reported_as_wrong():
    x = X.copy()
    x[1, 2] = 0.0
    report = mg.gradcheck(lambda x: mg.relu(x).sum(), x)
    assert report and report.slope is None
    (kink,) = report.kinks
    assert kink.node.gate.name == "ReLU" and kink.index == (1, 2) and kink.inputs == [0.0]
    assert "ReLU" in str(report) and "[1, 2]" in str(report)
    assert report.inputs[0].kinks == 1 and report.inputs[0].compared == 11


def test_a_maximum_at_a_tie_is_named():
    x = np.array([[1.0, 3.0, 3.0, 3.0], [0.0, 1.0, 2.0, 3.0]])
    report = mg.gradcheck(lambda x: x.max(axis=1), x)
    assert report and [kink.node.gate.name for kink in report.kinks] == ["Max"]
    assert report.kinks[0].index == (0,)
    assert report.inputs[0].kinks == 3  # the three that tie; the other row is compared as ever


@pytest.mark.parametrize("fast", [False, True])
def test_close_to_a_kink_is_not_at_one(fast):
    report = mg.gradcheck(lambda x: mg.relu(x), np.array([1e-5, -1e-5, 1.0]), fast=fast)
    assert report and not report.kinks


def test_a_wrong_rule_is_found_beside_a_kink(monkeypatch):
    monkeypatch.setattr(mg.GATES["ReLU"], "backward", lambda self, dz, z, x: (2 * dz * (x > 0),))
    report = mg.gradcheck(lambda x: mg.relu(x), np.array([0.0, 1.0, 2.0, -1.0]))
    assert not report and report.kind == "factor 2"
    assert report.slip is not None and report.slip.index in [(1,), (2,)]


def test_the_edge_of_a_domain_is_a_kink():
    report = mg.gradcheck(mg.sqrt, np.array([0.0, 0.25, 1.0]))
    assert report and report.kinks[0].index == (0,) and report.inputs[0].kinks == 1


def test_a_report_without_a_fault_raises_nothing():
    mg.gradcheck(mg.tanh, X).raise_if_wrong()


# Two passes that differ


def test_dropout_left_on_is_named():
    model = Sequential(Dense(4, 8, mg.tanh), Dropout(0.5), Dense(8, 3))
    batch = (X, np.array([0, 2, 1]))
    report = mg.gradcheck_model(model, mg.softmax_cross_entropy, batch)
    assert not report and report.kind == "nondeterministic"
    assert "dropout is on" in str(report) and "sequential/dropout" in str(report)
    with pytest.raises(GradientError, match=r"MG702.*\n.*cause.*\n.*model.eval\(\)"):
        report.raise_if_wrong()
    with pytest.raises(GradientError, match="MG703"):
        report.step_curve()
    assert mg.gradcheck_model(model.eval(), mg.softmax_cross_entropy, batch)


def test_any_random_number_is_found():
    draws = np.random.default_rng(0)
    report = mg.gradcheck(lambda x: mg.tanh(x) * draws.normal(), X)
    assert not report and "random" in str(report) and "Hadamard" in str(report)


def test_other_gates_in_the_second_pass_are_found():
    passes = count()
    report = mg.gradcheck(lambda x: mg.tanh(x) if next(passes) % 2 else mg.sigmoid(x), X)
    assert report.kind == "nondeterministic" and "did not even call the same gates" in str(report)


# Paths outside the graph


@pytest.mark.parametrize(
    ("leak", "word"),
    [
        (lambda x: x.detach(), "was detached"),
        (lambda x: mg.Tensor(x.array), "plain array"),
        (lambda x: x.array, "plain array"),
        (lambda x: mg.no_grad()(mg.tanh)(x), "no_grad"),
    ],
)
def test_a_value_that_follows_the_input_without_a_gradient(leak, word):
    report = mg.gradcheck(lambda x: mg.tanh(x) * leak(x), X)
    assert not report and report.slip is not None and not report.slip.is_rule and report.kind == "detached"
    assert word in str(report) and "Hadamard" in str(report)
    with pytest.raises(GradientError, match=r"MG701[\s\S]*cause:[\s\S]*remedy:"):
        report.raise_if_wrong()


def test_a_program_that_branches_on_a_value():
    report = mg.gradcheck(lambda x: mg.exp(x) if x.array[0] > 1 else mg.tanh(x), np.array([1.0]))
    assert report.kinks == [] and report.inputs[0].kinks == 1


def test_a_wrong_gradient_of_a_program_that_branches_where_it_is_checked():
    def product(x):  # of equal value on both branches
        return (mg.tanh(x) if x.array[0, 0] == X[0, 0] else mg.tanh(x) * 1.0) * x.array

    report = mg.gradcheck(product, X)
    assert not report and report.kind == "branch" and "every rule is right" in str(report)


def test_a_wrong_gradient_without_a_cause_that_could_be_named():
    class Scale(mg.Gate):
        def __init__(self, factor):
            self.factor = factor  # depends on the input, which no recording shows

        def forward(self, x):
            return x * self.factor

        def backward(self, dz, z, x):
            return (dz * self.factor,)

    try:
        report = mg.gradcheck(lambda x: Scale(x.array)(x), X)  # d x²/dx is 2x, of which the rule gives half
    finally:
        del mg.GATES["Scale"]
    assert not report and report.slip is None and report.inputs[0].error == pytest.approx(0.5)


def test_an_engine_that_assigns_where_it_should_add(monkeypatch):
    def assigning_sweep(root, seed, *, keep=(), lift=None):
        gradients, result = {root: seed}, {}
        for node in ancestors([root]):
            dz = gradients.get(node)
            if dz is None or not node.requires_grad:
                continue
            result[node] = dz
            if node.gate is not None:
                for parent, part in zip(node.inputs, node.gate.backward(dz, node.output, *node.arrays), strict=True):
                    gradients[parent] = part() if callable(part) else part  # = where += belongs
        return result

    assert mg.gradcheck(lambda x: mg.tanh(x) * mg.sigmoid(x), X)
    monkeypatch.setattr(check_module, "sweep", assigning_sweep)
    report = mg.gradcheck(lambda x: mg.tanh(x) * mg.sigmoid(x), X)
    assert not report and report.kind == "= where += belongs" and "used 2 times" in str(report)


# Truncation


@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
@pytest.mark.parametrize("mask", [None, np.arange(8) >= np.array([[0], [3], [5]])])
def test_a_truncated_gradient_passes_with_the_cut_states_held(kind, mask):
    mg.seed(0)
    layer = kind(4, 3, truncate=3)
    steps = rng.normal(size=(3, 8, 4))
    report = mg.gradcheck(lambda x: layer(x, mask=mask), steps, sample=40)
    assert report, report
    last = np.zeros((3, 8, 1), bool)
    last[:, 5:] = True
    gradient = mg.Tensor(steps, requires_grad=True)
    layer(gradient, mask=mask).sum().backward()
    assert gradient.grad is not None
    assert not gradient.grad[~last[..., 0]].any() and gradient.grad[last[..., 0]].any()


def test_a_truncated_layer_whose_cut_is_not_held_would_be_called_wrong():
    # The same model with detach instead of cut: the checker holds cuts alone, so this shows that it is the holding.
    def f(x):
        h = mg.tanh(x).detach()
        return h * x

    assert not mg.gradcheck(f, X)
    assert mg.gradcheck(lambda x: mg.cut(mg.tanh(x)) * x, X)


def test_truncation_report_against_hand_made_sums():
    # h_t = w h_(t-1) + 1 from 0: h_t = 2 (1 - 2^-t) at w = 1/2, and dh_8/dw = Σ_j w^j h_(7-j).
    class Decay:
        truncate = None
        w = mg.Tensor([0.5], requires_grad=True)

        def named_parameters(self):
            return {"w": self.w}

        def named_layers(self):
            return {"": self}

        def __call__(self, x):
            h = mg.Tensor([0.0])
            for t in range(len(x)):
                h = (mg.cut(h) if self.truncate == len(x) - t else h) * self.w + x[t]
            return h

    model = Decay()
    report = mg.truncation_report(model, (np.ones(8), [0.0]), ks=[1, 3, 8], loss=mg.mean_squared_error)
    terms = [0.5**j * 2 * (1 - 0.5 ** (7 - j)) for j in range(8)]
    for k in (1, 3, 8):
        assert report.norm_ratio[k]["w"] == pytest.approx(sum(terms[:k]) / sum(terms), rel=1e-6)
        assert report.cosine[k]["w"] == pytest.approx(1)
    assert model.truncate is None and model.w.grad is None


@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
def test_truncation_report_of_a_model(kind):
    mg.seed(0)
    model = Sequential(Embedding(20, 6), kind(6, 5, truncate=2), Dropout(0.3), Dense(5, 2))
    batch = (rng.integers(0, 20, (4, 10)), np.array([0, 1, 1, 0]))
    report = mg.truncation_report(model, batch, ks=[1, 4, 10])
    assert [layer.truncate for layer in model.named_layers().values() if hasattr(layer, "truncate")] == [2]
    assert all(value == pytest.approx(1) for value in report.cosine[10].values())
    assert all(value == pytest.approx(1) for value in report.norm_ratio[10].values())
    assert report.cosine[1]["embedding.table"] < report.cosine[4]["embedding.table"] < 1
    assert report.cosine[1]["dense.W"] == pytest.approx(1)  # the head is above every cut
    assert str(report).count("\n") == 3 and "dense.W" in str(report)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: mg.truncation_report(Sequential(RNN(2, 2)), (np.ones((1, 2, 2)), [0]), ks=[0]), "MG720"),
        (lambda: mg.truncation_report(Sequential(Dense(2, 2)), (np.ones((1, 2)), [0])), "MG721"),
        (lambda: mg.gradcheck(mg.tanh, X, order=3), "MG700"),
        (lambda: mg.gradcheck(mg.tanh, X, sample=0), "MG700"),
        (lambda: mg.gradcheck(mg.lookup, np.array([1, 2])), "MG707"),
    ],
)
def test_options_that_are_refused(call, code):
    with pytest.raises(OptionError, match=code):
        call()


def test_where_the_function_is_not_finite():
    with np.errstate(divide="ignore"), pytest.raises(NonFiniteError, match=r"MG708.*Log.*-inf at \[1\]"):
        mg.gradcheck(mg.log, np.array([1.0, 0.0]))


@pytest.mark.parametrize("never", [-np.inf, np.finfo(np.float64).min])
def test_masks_of_minus_infinity_are_no_obstacle(never, monkeypatch):
    f = lambda x: mg.softmax(mg.where(np.eye(3, 4) > 0, never, x))  # noqa: E731
    assert mg.gradcheck(f, X)
    monkeypatch.setattr(mg.GATES["Where"], "backward", lambda self, dz, z, c, a, b: (None, dz * c, 2 * dz * ~c))
    report = mg.gradcheck(f, X)
    assert not report and report.kind == "factor 2"


def test_a_gate_that_computes_in_float32():
    class Narrow(mg.Gate):
        def forward(self, x):
            return (x * 2).astype(np.float32)

        def backward(self, dz, z, x):
            return (dz * 2,)

    try:
        with pytest.raises(DtypeError, match=r"MG704.*Narrow"):
            mg.gradcheck(Narrow(), X)
    finally:
        del mg.GATES["Narrow"]


# The curve and the slope


def test_the_step_curve_is_a_v_and_says_where_a_wrong_one_stays(tmp_path, monkeypatch):
    f = lambda x: mg.exp(mg.tanh(x))  # noqa: E731
    curve = mg.gradcheck(f, X).step_curve()
    best = int(np.argmin(curve.errors))
    assert curve.steps[best] in (1e-5, 1e-6, 1e-7) and curve.errors[best] < 1e-8
    assert curve.errors[0] > 1e-4 and curve.errors[-1] > 1e-6
    assert curve.errors[1] / curve.errors[2] == pytest.approx(100, rel=0.1)  # truncation: order h²
    assert str(curve).count("\n") == 12
    path = tmp_path / "curve.png"
    curve.save(path)
    assert path.read_bytes()[:4] == b"\x89PNG" and [p.name for p in tmp_path.iterdir()] == ["curve.png"]
    with pytest.raises(OptionError, match="MG705"):
        curve.save(tmp_path / "curve.jpeg")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(OptionError, match=r"MG706[\s\S]*pip install matplotlib"):
        curve.save(path)
    monkeypatch.setattr(mg.GATES["Tanh"], "backward", lambda self, dz, z, x: (dz,))
    assert min(mg.gradcheck(f, X).step_curve().errors) > 1e-2


def test_the_taylor_remainder_needs_no_tolerance(monkeypatch):
    f = lambda x: mg.exp(mg.tanh(x))  # noqa: E731
    assert mg.gradcheck(f, X).slope == pytest.approx(2, abs=0.05)
    assert mg.gradcheck(lambda x: 3 * x, X).slope is None  # straight: there is no remainder at all
    monkeypatch.setattr(mg.GATES["Tanh"], "backward", lambda self, dz, z, x: (dz * (1 - z * z) * 1.01,))
    assert mg.gradcheck(f, X).slope == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
@pytest.mark.parametrize("mask", [None, np.arange(8) >= np.array([[0], [3], [5]])])
def test_one_gate_for_the_whole_sequence_truncated(kind, mask, reverse):
    mg.seed(0)
    layer = kind(4, 3, truncate=3, fused=True, bidirectional=reverse)
    report = mg.gradcheck(lambda x: layer(x, mask=mask), rng.normal(size=(3, 8, 4)), sample=20)
    assert report, report
    assert report.rules < 12  # sequences, not steps


@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
def test_a_wrong_rule_of_a_whole_sequence(kind, monkeypatch):
    mg.seed(0)
    layer = kind(4, 3, fused=True)
    gate = getattr(mg, f"{kind.__name__}Sequence")
    right = gate.backward

    def forgets_the_states(self, *given):
        parts = zip((*gate.parameters, "mask"), right(self, *given), strict=False)
        return [None if name == "W_hh" else part for name, part in parts]

    monkeypatch.setattr(gate, "backward", forgets_the_states)
    report = mg.gradcheck_model(
        Sequential(layer, Dense(3, 2)), mg.softmax_cross_entropy, (rng.normal(size=(3, 8, 4)), [0, 1, 1])
    )
    assert not report and report.kind == "all zero"
    assert report.slip is not None and report.slip.node.gate.name == gate.__name__


def test_rows_that_an_optimizer_has_put_off_are_settled_and_nothing_else_changes():
    # Adam leaves rows that no batch touched as they lie until they are read: a check reads them, and goes on as before.
    def train(check):
        mg.seed(0)
        model = Sequential(Embedding(50, 4), Dense(4, 2))
        optimizer = Adam(model.named_parameters(), lr=0.01)
        for step in range(6):
            ids = np.arange(4) + 3 * step
            if check and step == 3:
                assert mg.gradcheck_model(model, mg.softmax_cross_entropy, (ids, [0, 1, 1, 0]))
            optimizer.zero_grad()
            mg.softmax_cross_entropy(model(ids), [0, 1, 1, 0]).backward()
            optimizer.step()
        return model.state_dict()

    checked, alone = train(True), train(False)
    for path in alone:
        assert checked[path].dtype == np.float32
        np.testing.assert_allclose(checked[path], alone[path], rtol=1e-5, atol=1e-7)
