"""What all update rules share: groups, rows, state, checks before a step, and refusals."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import (
    CheckpointError,
    DtypeError,
    GradientError,
    MinigradError,
    OptionError,
    ShapeError,
)
from minigrad.fast.table import make_table
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
def test_the_defaults_are_those_of_the_docstring(rule: Any, moved: float) -> None:
    p = mg.Tensor([1.0], requires_grad=True, dtype="float64")
    p.sum().backward()
    rule({"p": p}).step()
    assert p.item() == pytest.approx(1 - moved, abs=1e-8)


def test_state_is_named_by_path() -> None:
    optimizer = Adam({"rnn.cell.W_hh": mg.Tensor(np.ones((2, 2)), requires_grad=True)})
    assert list(optimizer.state_dict()) == [
        "steps/rnn.cell.W_hh",
        "m/rnn.cell.W_hh",
        "v/rnn.cell.W_hh",
    ]


def test_state_that_does_not_fit_is_refused_whole() -> None:
    optimizer = Adam(parameters())
    state = optimizer.state_dict()
    state["m/W"] = np.zeros((3, 3))
    state["v/W"] = np.zeros((4, 3), "float32")
    del state["steps/b"]
    state["m/c"] = np.zeros(2)
    state["m/b"] = np.ones(3)
    with pytest.raises(CheckpointError) as error:
        optimizer.load_state_dict(state)
    assert error.value.code == "MG505"
    for line in (
        "missing: steps/b",
        "unknown: m/c",
        "another shape: m/W is (3, 3), and (4, 3)",
        "v/W is float32",
    ):
        assert line in str(error.value)
    # though that one would have fitted
    np.testing.assert_array_equal(optimizer.state_dict()["m/b"], np.zeros(3))


@pytest.mark.fast
@pytest.mark.parametrize("make", [SGD, Adagrad, partial(SGD, momentum=0.9), Adam])
def test_a_rule_is_handed_the_touched_rows_alone_where_that_is_enough(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = make_table(np.ones((5, 2)))
    optimizer, shapes = make({"table": table}, lr=0.1), []
    update_rule = optimizer.update_rule

    def watched(p: Any, *rest: Any) -> None:
        shapes.append(p.shape)
        update_rule(p, *rest)

    monkeypatch.setattr(optimizer, "update_rule", watched)
    mg.lookup(table, [3, 1, 3]).sum().backward()
    optimizer.step()
    assert shapes == [(2, 2)]
    assert (table.array != 1).any(axis=1).tolist() == [False, True, False, True, False]


def test_hyperparameters_are_loaded_where_they_belong() -> None:
    def make() -> tuple[Any, Any]:
        a, b = (mg.Tensor([1.0], requires_grad=True) for _ in range(2))
        return a, Adam([{"parameters": {"a": a}, "lr": 0.5}, {"parameters": {"b": b}}], lr=0.1)

    a, optimizer = make()
    a.requires_grad, optimizer.scale, optimizer.groups[1].lr, optimizer.beta1 = (
        False,
        0.5,
        np.float32(0.3),
        0.8,
    )
    other, loaded = make()
    before = loaded.parameters()["b"].array
    loaded.load_hyperparameters(optimizer.hyperparameters() | {"of another rule": 5})
    assert loaded.hyperparameters() == optimizer.hyperparameters() and not other.requires_grad
    assert type(loaded.groups[1].lr) is np.float32
    assert loaded.parameters()["b"].array is before  # what was equal was not assigned


def test_groups_have_their_own_rate_and_decay() -> None:
    a, b = (mg.Tensor([1.0], requires_grad=True, dtype="float64") for _ in range(2))
    optimizer = SGD(
        [{"parameters": {"a": a}, "lr": 1.0, "weight_decay": 0.5}, {"parameters": {"b": b}}],
        lr=0.25,
    )
    (a + b).sum().backward()
    optimizer.step()
    assert (a.item(), b.item()) == (1 - 1.0 * (1 + 0.5), 1 - 0.25)


def test_scale_multiplies_every_rate_and_the_decoupled_decay() -> None:
    a, b = (mg.Tensor([1.0], requires_grad=True, dtype="float64") for _ in range(2))
    optimizer = AdamW(
        [{"parameters": {"a": a}, "lr": 0.4}, {"parameters": {"b": b}}],
        lr=0.2,
        weight_decay=0.5,
        eps=0,
    )
    optimizer.scale = 0.5
    (a + b).sum().backward()
    optimizer.step()  # p - s lr λ p - s lr, since Adam's first step is lr
    assert a.item() == pytest.approx(1 - 0.2 * 0.5 - 0.2, rel=1e-12)
    assert b.item() == pytest.approx(1 - 0.1 * 0.5 - 0.1, rel=1e-12)


def test_frozen_parameters_stay_and_their_steps_are_not_counted() -> None:
    ours = parameters()
    optimizer = Adam(ours)
    (ours["W"].sum() + ours["b"].sum()).backward()
    ours["b"].requires_grad = False  # its gradient is still there
    optimizer.step()
    np.testing.assert_array_equal(ours["b"].array, reference()["start/b"])
    assert optimizer.steps == {"W": 1, "b": 0}


def test_a_list_of_tensors_goes_by_their_names() -> None:
    dense = [mg.Tensor([2.0], requires_grad=True, name=name) for name in ("dense.W", "dense.b")]
    assert list(SGD(dense).parameters()) == ["dense.W", "dense.b"]
    assert list(SGD([*dense, mg.Tensor([1.0], requires_grad=True)]).parameters()) == ["0", "1", "2"]
    optimizer = SGD(dense, lr=0.5)
    (dense[0] * dense[1]).sum().backward()
    optimizer.step()
    assert [one.item() for one in dense] == [1.0, 1.0]


def spoil_shape(optimizer: Any, b: mg.Tensor) -> None:
    assert b.grad is not None
    b.grad.shape = (1, 3)


@pytest.mark.parametrize(
    ("spoil", "kind", "code"),
    [
        (spoil_shape, ShapeError, "MG105"),
        (lambda optimizer, b: setattr(optimizer, "scale", np.nan), OptionError, "MG304"),
        (lambda optimizer, b: setattr(optimizer, "lr", -1.0), OptionError, "MG304"),
        (
            lambda optimizer, b: setattr(optimizer.groups[0], "weight_decay", np.nan),
            OptionError,
            "MG305",
        ),
        (lambda optimizer, b: setattr(optimizer, "beta1", 1.0), OptionError, "MG305"),
        (lambda optimizer, b: setattr(optimizer, "eps", np.nan), OptionError, "MG305"),
    ],
)
def test_a_step_that_is_refused_changes_nothing(
    spoil: Any, kind: type[Exception], code: str
) -> None:
    ours = {"table": make_table(np.ones((5, 2))), **parameters()}
    optimizer = Adam(ours)

    def backward() -> None:
        optimizer.zero_grad()
        (
            mg.lookup(ours["table"], [3, 1, 3]).sum()
            + (ours["W"] ** 2).sum()
            + (ours["b"] ** 2).sum()
        ).backward()

    def now() -> dict[str, Any]:
        return {
            **{path: tensor.array.copy() for path, tensor in ours.items()},
            **optimizer.state_dict(),
        }

    backward()
    optimizer.step()
    backward()
    loss = (ours["W"] ** 2).sum()
    spoil(optimizer, ours["b"])
    before = now()
    with pytest.raises(kind, match=code):
        optimizer.step()
    for name, array in now().items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)
    loss.backward()  # W did not change, so the graph from before is still right


W: Any = mg.Tensor([1.0], requires_grad=True)


@pytest.mark.parametrize(
    ("build", "kind", "code", "what"),
    [
        (lambda: SGD([]), OptionError, "MG301", "no parameters"),
        (lambda: SGD([{"parameters": {}}]), OptionError, "MG301", "no parameters"),
        (lambda: SGD([W, W.item()]), DtypeError, "MG302", "got list"),
        (lambda: SGD(W), DtypeError, "MG302", "got Tensor"),
        (lambda: SGD({"W": W.array}), DtypeError, "MG302", "got ndarray among them"),
        (lambda: SGD([{"lr": 0.1}]), DtypeError, "MG302", "got NoneType"),
        (lambda: SGD([W, W]), OptionError, "MG303", "'1' is given twice (also as '0')"),
        (lambda: SGD([{"parameters": {"a": W}}] * 2), OptionError, "MG303", "'a' is given twice"),
        (lambda: SGD({"W": W * 2}), GradientError, "MG126", "cannot train"),
        (lambda: Adam({"W": W}, lr=float("inf")), OptionError, "MG304", "inf"),
        (lambda: Adam({"W": W}, lr="fast"), OptionError, "MG304", "'fast'"),  # type: ignore[arg-type]
        (
            lambda: SGD([{"parameters": {}}, {"parameters": {"W": W}, "lr": -1}]),
            OptionError,
            "MG304",
            "group 1",
        ),
        (lambda: SGD({"W": W}, momentum=1.0), OptionError, "MG305", "momentum is 1.0"),
        (lambda: Adam({"W": W}, betas=(0.9, -0.1)), OptionError, "MG305", "beta2 is -0.1"),
        (lambda: Adam({"W": W}, eps=-1), OptionError, "MG305", "eps is -1"),
        (lambda: RMSprop({"W": W}, decay=2), OptionError, "MG305", "decay is 2"),
        (lambda: AdamW({"W": W}, weight_decay=-0.1), OptionError, "MG305", "weight_decay is -0.1"),
    ],
)  # the others are in docs/errors.md
def test_bad_input(build: Any, kind: type[MinigradError], code: str, what: str) -> None:
    with pytest.raises(kind) as error:
        build()
    assert error.value.code == code and what in error.value.what


def test_the_representation_tells_the_settings() -> None:
    optimizer = SGD({"W": W}, lr=0.5, momentum=0.9)
    assert (
        repr(optimizer)
        == "SGD(lr=0.5, momentum=0.9, nesterov=False) of 1 parameters with 1 numbers, after 0 steps"
    )
