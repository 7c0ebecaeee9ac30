"""What all update rules share: groups, rows, state, checks before a step, and refusals."""

from functools import partial
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import CheckpointError, MinigradError, UnknownNameError
from minigrad.gates.table import make_table
from optim import SGD, Adagrad, Adam, AdamW, RMSprop
from tests.optim.torch_rules import parameters, reference


@pytest.mark.parametrize(
    ("rule", "moved"),
    [
        (SGD, 1e-2),
        (Adagrad, 1e-2),
        (RMSprop, 1e-3 / 0.1**0.5),
        (Adam, 1e-3),
        (AdamW, 1e-3 * (1 + 0.01)),
    ],
)
def test_the_defaults_are_those_of_the_docstring(rule, moved):
    p = mg.Tensor([1.0], requires_grad=True, dtype="float64")
    p.sum().backward()
    rule({"p": p}).step()
    assert p.item() == pytest.approx(1 - moved, abs=1e-8)


def test_state_that_does_not_fit_is_refused_whole():
    optimizer = Adam(parameters())
    state = optimizer.state_dict()
    assert list(state) == ["steps/W", "steps/b", "m/W", "v/W", "m/b", "v/b"]
    state |= {"m/W": np.zeros((3, 3)), "m/c": np.zeros(2), "m/b": np.ones(3)}
    state["pending table/b"] = np.zeros(3)  # b is not a table
    del state["steps/b"]
    with pytest.raises(CheckpointError, match="MG505") as error:
        optimizer.load_state_dict(state)
    for line in (
        "missing: steps/b",
        "unknown: m/c",
        "unknown: pending table/b",
        "wrong shape: m/W is (3, 3), but must be (4, 3)",
    ):
        assert line in str(error.value)
    # though that one would have fitted
    np.testing.assert_array_equal(optimizer.state_dict()["m/b"], np.zeros(3))


@pytest.mark.parametrize("make", [partial(SGD, momentum=0.9), Adam])
@pytest.mark.parametrize("part", ["table", "up_to", "sums"])
@pytest.mark.parametrize(
    "change", [None, lambda array: array[:, None], lambda array: array[1:]]
)
def test_pending_updates_that_do_not_fit_are_refused_whole(make, part, change):
    table, rng = make_table(np.ones((9, 2))), np.random.default_rng(0)
    optimizer, states = make({"table": table}, lr=0.1), []
    for _ in range(9):
        optimizer.zero_grad()
        (mg.lookup(table, rng.integers(0, 9, 3)) * 2.0).sum().backward()
        optimizer.step()
        states.append(optimizer.raw_state())
    state, now = states[4], optimizer.raw_state()
    name = f"pending {part}/table"
    array = state.pop(name)
    if change is not None:
        state[name] = change(array)
    with pytest.raises(CheckpointError, match=f"MG505(.|\n)*{name}"):
        optimizer.load_state_dict(state)
    assert repr(optimizer.raw_state()) == repr(now)


@pytest.mark.parametrize("make", [SGD, Adagrad, partial(SGD, momentum=0.9), Adam])
def test_a_rule_is_handed_the_touched_rows_alone_where_that_is_enough(
    make,
):
    table = make_table(np.ones((5, 2)))
    optimizer, shapes = make({"table": table}, lr=0.1), []
    optimizer.update_rule = lambda p, *rest: shapes.append(p.shape)
    mg.lookup(table, [3, 1, 3]).sum().backward()
    optimizer.step()
    assert shapes == [(2, 2)]


def test_groups_have_their_own_rate_and_decay_which_scale_multiplies():
    a, b = (mg.Tensor([1.0], requires_grad=True, dtype="float64") for _ in range(2))
    groups: Any = [
        {"parameters": {"a": a}, "lr": 0.4, "weight_decay": 1.0},
        {"parameters": {"b": b}},
    ]
    optimizer = AdamW(groups, lr=0.2, weight_decay=0.5, eps=0)
    optimizer.scale = 0.5
    (a + b).sum().backward()
    optimizer.step()  # p - s lr λ p - s lr, since Adam's first step is lr
    assert a.item() == pytest.approx(1 - 0.2 * 1.0 - 0.2, rel=1e-12)
    assert b.item() == pytest.approx(1 - 0.1 * 0.5 - 0.1, rel=1e-12)


def test_frozen_parameters_stay_and_their_steps_are_not_counted():
    ours = parameters()
    optimizer = Adam(ours)
    (ours["W"].sum() + ours["b"].sum()).backward()
    ours["b"].requires_grad = False  # its gradient is still there
    optimizer.step()
    np.testing.assert_array_equal(ours["b"].array, reference()["start/b"])
    assert optimizer.steps == {"W": 1, "b": 0}


def test_a_list_of_tensors_goes_by_their_names():
    dense = [
        mg.Tensor([2.0], requires_grad=True, name=name)
        for name in ("dense.W", "dense.b")
    ]
    assert list(SGD(dense).parameters()) == ["dense.W", "dense.b"]
    assert list(SGD([*dense, mg.Tensor([1.0], requires_grad=True)]).parameters()) == [
        "0",
        "1",
        "2",
    ]


def spoil_shape(optimizer, b):
    assert b.grad is not None
    b.grad.shape = (1, 3)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (spoil_shape, "MG105"),
        (lambda optimizer, b: setattr(optimizer, "scale", np.nan), "MG305"),
        (lambda optimizer, b: setattr(optimizer, "lr", -1.0), "MG305"),
        (
            lambda optimizer, b: setattr(optimizer.groups[0], "weight_decay", np.nan),
            "MG305",
        ),
        (lambda optimizer, b: setattr(optimizer, "beta1", 1.0), "MG305"),
        (lambda optimizer, b: setattr(optimizer, "eps", np.nan), "MG305"),
    ],
)
def test_a_step_that_is_refused_changes_nothing(spoil, code):
    ours = {"table": make_table(np.ones((5, 2))), **parameters()}
    optimizer = Adam(ours)

    def backward():
        optimizer.zero_grad()
        squares = (ours["W"] ** 2).sum() + (ours["b"] ** 2).sum()
        (mg.lookup(ours["table"], [3, 1, 3]).sum() + squares).backward()

    def now():
        arrays = {path: tensor.array.copy() for path, tensor in ours.items()}
        return arrays | optimizer.state_dict()

    backward()
    optimizer.step()
    backward()
    loss = (ours["W"] ** 2).sum()
    spoil(optimizer, ours["b"])
    before = now()
    with pytest.raises(MinigradError, match=code):
        optimizer.step()
    for name, array in now().items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)
    loss.backward()  # W did not change, so the graph from before is still right


W: Any = mg.Tensor([1.0], requires_grad=True)


@pytest.mark.parametrize(
    ("build", "code", "what"),
    [
        (lambda: SGD([]), "MG301", "no parameters"),
        (lambda: SGD([W, W.item()]), "MG302", "got list"),
        (lambda: SGD(W), "MG302", "got Tensor"),
        (lambda: SGD({"W": W.array}), "MG302", "got dict: 'numpy.ndarray' object"),
        (
            lambda: SGD([{"parameters": {"W": W}, "momentum": 0.9}]),
            "MG302",
            "'momentum'",
        ),
        (lambda: SGD([W, W]), "MG303", "'1' is listed twice (also as '0')"),
        (lambda: SGD([{"parameters": {"a": W}}] * 2), "MG303", "'a' is listed twice"),
        (lambda: SGD({"W": W * 2}), "MG126", "cannot train"),
        (lambda: Adam({"W": W}, lr=float("inf")), "MG305", "lr of group 0 is inf"),
        (lambda: AdamW({"W": W}, betas=(0.9, -0.1)), "MG305", "beta2 is -0.1"),
        (lambda: AdamW({"W": W}, weight_decay=-0.1), "MG305", "weight_decay is -0.1"),
    ],
)  # the others are in docs/errors.md
def test_bad_input(build, code, what):
    with pytest.raises(MinigradError) as error:
        build()
    assert error.value.code == code and what in error.value.what


def test_the_representation_tells_the_settings():
    told = "SGD(lr=0.5, momentum=0.9, nesterov=False) of 1 parameters, after 0 steps"
    assert repr(SGD({"W": W}, lr=0.5, momentum=0.9)) == told


@pytest.mark.parametrize(
    ("make", "name", "remedy"),
    [
        (SGD, "momentun", "did you mean momentum"),
        (SGD, "learning_rate", "opt.lr = 0.01"),
        (Adam, "betas", "did you mean beta2 or beta1"),
        (Adam, "epsilon", "eps="),
        (RMSprop, "alpha", "use decay"),
        (AdamW, "wieght_decay", "did you mean weight_decay"),
    ],
)
def test_a_setting_that_an_optimizer_lacks_is_refused(make, name, remedy):
    def tune(optimizer):
        setattr(optimizer, name, 0.5)

    with pytest.raises(UnknownNameError, match=f"(?s)MG119.* {name}\n.*{remedy}"):
        tune(make(parameters()))


def test_a_rule_of_ones_own_defines_its_settings_in_its_methods():
    class Slow(SGD):
        def __init__(self, tensors, patience):
            super().__init__(tensors, 0.1)
            self.patience = patience
            self.wait()

        def wait(self):
            self.waited = 0

    slow = Slow(parameters(), 3)
    slow.patience, slow.waited = 4, 1
    assert slow.settings() == {
        "momentum": 0.0,
        "nesterov": False,
        "patience": 4,
        "waited": 1,
    }
    with pytest.raises(UnknownNameError, match="did you mean patience"):
        slow.patiense = 5


def test_weight_decay_is_set_for_all_groups_as_lr_is():
    a, b = mg.Tensor([1.0], requires_grad=True), mg.Tensor([2.0], requires_grad=True)
    groups: Any = [
        {"parameters": {"a": a}},
        {"parameters": {"b": b}, "weight_decay": 0.1},
    ]
    optimizer = SGD(groups, lr=0.5)
    optimizer.weight_decay = 0.2
    assert [group.weight_decay for group in optimizer.groups] == [0.2, 0.2]
    (a * b).sum().backward()
    optimizer.step()  # 1 - 0.5 (2 + 0.2), and 2 - 0.5 (1 + 0.4)
    np.testing.assert_allclose([a.item(), b.item()], [-0.1, 1.3], rtol=1e-6)
    with pytest.raises(AttributeError):
        optimizer.groups[0].learning_rate = 1.0  # type: ignore[attr-defined]
