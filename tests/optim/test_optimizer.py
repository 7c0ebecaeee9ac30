"""Optimizer, the base of all update rules: groups, rows of tables, state, settings and errors."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import minigrad as mg
from minigrad.errors import CheckpointError, MinigradError, UnknownNameError
from minigrad.gates.table import make_table
from optim import SGD, Adagrad, Adam, AdamW, RMSprop
from tests.optim.torch_rules import parameters, reference

momentum = partial(SGD, momentum=0.9)


def one(value: Any = 1.0, **options):
    return mg.Tensor([value], requires_grad=True, **options)


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
def test_defaults_are_those_of_the_docstring(rule, moved):
    p = one(dtype="float64")
    p.sum().backward()
    rule({"p": p}).step()
    assert p.item() == pytest.approx(1 - moved, abs=1e-8)


# ---- parameters and groups ----


def test_parameters_of_a_list_go_by_their_names():
    W, b = one(name="dense.W"), one(name="dense.b")
    assert list(SGD([W, b]).parameters()) == ["dense.W", "dense.b"]
    assert list(SGD([W, b, one()]).parameters()) == ["0", "1", "2"]


def test_groups_have_their_own_rate_and_decay_times_scale():
    a, b = one(dtype="float64"), one(dtype="float64")
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


def test_weight_decay_is_set_for_all_groups_as_lr_is():
    groups: Any = [
        {"parameters": {"a": one()}},
        {"parameters": {"b": one()}},
    ]
    optimizer = SGD(groups, lr=0.5)
    optimizer.weight_decay, optimizer.lr = 0.2, 0.1
    for group in optimizer.groups:
        assert (group.weight_decay, group.lr) == (0.2, 0.1)
    with pytest.raises(AttributeError):
        setattr(optimizer.groups[0], "learning_rate", 1.0)  # noqa: B010


def test_frozen_parameters_stay_and_their_steps_are_not_counted():
    ours = parameters()
    optimizer = Adam(ours)
    (ours["W"].sum() + ours["b"].sum()).backward()
    ours["b"].requires_grad = False  # its gradient is still there
    optimizer.step()
    assert_array_equal(ours["b"].array, reference()["start/b"])
    assert optimizer.steps == {"W": 1, "b": 0}


@pytest.mark.parametrize("rule", [SGD, Adagrad, momentum, Adam])
def test_update_rule_gets_the_rows_of_a_sparse_gradient_only(rule):
    table = make_table(np.ones((5, 2)))
    optimizer, shapes = rule({"table": table}, lr=0.1), []
    optimizer.update_rule = lambda p, *rest: shapes.append(p.shape)
    mg.lookup(table, [3, 1, 3]).sum().backward()
    optimizer.step()
    assert shapes == [(2, 2)]


# ---- state ----


def test_load_state_dict_refuses_state_that_does_not_fit():
    optimizer = Adam(parameters())
    state = optimizer.state_dict()
    assert list(state) == ["steps/W", "steps/b", "m/W", "v/W", "m/b", "v/b"]
    state |= {
        "m/W": np.zeros((3, 3)),
        "m/c": np.zeros(2),
        "m/b": np.ones(3),
    }
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
    assert_array_equal(optimizer.state_dict()["m/b"], np.zeros(3))


@pytest.mark.parametrize("part", ["table", "up_to", "sums"])
@pytest.mark.parametrize("change", ["missing", np.s_[:, None], np.s_[1:]])
def test_load_state_dict_refuses_sparse_updates_that_do_not_fit(part, change):
    table = make_table(np.ones((9, 2)))
    optimizer = Adam({"table": table}, lr=0.1)
    for ids in [0, 1], [2], [3], [4], [5]:
        optimizer.zero_grad()
        mg.lookup(table, ids).sum().backward()
        optimizer.step()
    state, now = optimizer.raw_state(), optimizer.raw_state()
    name = f"pending {part}/table"
    array = state.pop(name)
    if change != "missing":
        state[name] = array[change]
    with pytest.raises(CheckpointError, match=f"MG505(.|\n)*{name}"):
        optimizer.load_state_dict(state)
    assert repr(optimizer.raw_state()) == repr(now)


# ---- settings ----


def test_repr_shows_the_settings():
    optimizer = SGD({"W": one()}, lr=0.5, momentum=0.9)
    shown = "SGD(lr=0.5, momentum=0.9, nesterov=False) of 1 parameters, after 0 steps"
    assert repr(optimizer) == shown


@pytest.mark.parametrize(
    ("rule", "name", "remedy"),
    [
        (SGD, "momentun", "did you mean momentum"),
        (SGD, "learning_rate", "opt.lr = 0.01"),
        (Adam, "epsilon", "eps="),
        (RMSprop, "alpha", "use decay"),
        (AdamW, "wieght_decay", "did you mean weight_decay"),
    ],
)
def test_settings_that_an_optimizer_lacks_are_refused(rule, name, remedy):
    optimizer = rule(parameters())
    with pytest.raises(UnknownNameError, match=f"(?s)MG119.* {name}\n.*{remedy}"):
        setattr(optimizer, name, 0.5)


def test_settings_of_a_new_rule_are_defined_in_its_methods():
    class Slow(SGD):
        def __init__(self, tensors, patience):
            super().__init__(tensors, 0.1)
            self.patience = patience
            self.wait()

        def wait(self):
            self.waited = 0

    slow: Any = Slow(parameters(), 3)
    slow.patience, slow.waited = 4, 1
    assert slow.settings() == {
        "momentum": 0.0,
        "nesterov": False,
        "patience": 4,
        "waited": 1,
    }
    with pytest.raises(UnknownNameError, match="did you mean patience"):
        slow.patiense = 5


# ---- errors ----


@pytest.mark.parametrize(
    ("owner", "name", "value", "code"),
    [
        ("gradient", "shape", (2,), "MG105"),
        ("optimizer", "scale", np.nan, "MG305"),
        ("optimizer", "lr", -1.0, "MG305"),
        ("group", "weight_decay", np.nan, "MG305"),
        ("optimizer", "beta1", 1.0, "MG305"),
        ("optimizer", "eps", np.nan, "MG305"),
    ],
)
def test_step_that_is_refused_changes_nothing(owner, name, value, code):
    W, b, table = one(), one([1.0, 2.0]), make_table(np.ones((5, 2)))
    optimizer = Adam({"table": table, "W": W, "b": b})

    def backward():
        optimizer.zero_grad()
        rows = mg.lookup(table, [3, 1, 3])
        (rows.sum() + (W * W).sum() + b.sum()).backward()

    def now():
        tensors = {
            "table": table.array,
            "W": W.array.copy(),
            "b": b.array.copy(),
        }
        return optimizer.state_dict() | tensors

    backward()
    optimizer.step()
    backward()
    loss, before = (W * W).sum(), now()
    owners = {"gradient": b.grad, "optimizer": optimizer, "group": optimizer.groups[0]}
    setattr(owners[owner], name, value)
    with pytest.raises(MinigradError, match=code):
        optimizer.step()
    for path, array in now().items():
        assert_array_equal(array, before[path], err_msg=path)
    loss.backward()  # W did not change, so the graph from before is still right


W = one()


@pytest.mark.parametrize(
    ("rule", "argument", "options", "message"),
    [
        (SGD, [W, 1.0], {}, "MG302.* got list"),
        (SGD, W, {}, "MG302.* got Tensor"),
        (SGD, [], {}, "MG301. the optimizer got no parameters"),
        (SGD, {"W": W.array}, {}, "MG302.* got dict: 'numpy.ndarray' object"),
        (
            SGD,
            [{"parameters": {"W": W}, "momentum": 0.9}],
            {},
            "MG302.* 'momentum'",
        ),
        (
            SGD,
            [{"parameters": {"a": W}}] * 2,
            {},
            "MG303.* 'a' is listed twice",
        ),
        (SGD, {"W": W * 2}, {}, "MG126.* cannot train"),
        (Adam, {"W": W}, {"lr": np.inf}, "MG305. lr of group 0 is inf"),
        (
            AdamW,
            {"W": W},
            {"betas": (0.9, -0.1)},
            "MG305. beta2 is -0.1",
        ),
        (AdamW, {"W": W}, {"weight_decay": -0.1}, "MG305. weight_decay is -0.1"),
    ],
)  # the others are in docs/errors.md
def test_arguments_that_are_refused(rule, argument, options, message):
    with pytest.raises(MinigradError, match=message):
        rule(argument, **options)
