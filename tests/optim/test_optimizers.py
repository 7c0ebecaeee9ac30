"""Update rules against torch.optim's stored results, closed forms, and sums by hand."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.errors import CheckpointError, DtypeError, GradientError, MinigradError, OptionError, ShapeError
from minigrad.fast.table import make_table
from optim import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop

REFERENCE = np.load(Path(__file__).parent / "data" / "torch_rules.npz")
STEPS = 12
CASES: dict[str, tuple[type[Optimizer], dict[str, Any]]] = {
    "sgd": (SGD, {"lr": 0.1}),
    "sgd_decay": (SGD, {"lr": 0.1, "weight_decay": 0.02}),
    "sgd_momentum": (SGD, {"lr": 0.1, "momentum": 0.9}),
    "sgd_nesterov": (SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.02}),
    "adagrad": (Adagrad, {"lr": 0.1}),
    "adagrad_decay": (Adagrad, {"lr": 0.1, "weight_decay": 0.02}),
    "rmsprop": (RMSprop, {"lr": 0.01}),
    "rmsprop_decay": (RMSprop, {"lr": 0.01, "decay": 0.95, "eps": 1e-3, "weight_decay": 0.02}),
    "adam": (Adam, {"lr": 0.01}),
    "adam_decay": (Adam, {"lr": 0.01, "betas": (0.8, 0.99), "eps": 1e-3, "weight_decay": 0.02}),
    "adamw": (AdamW, {"lr": 0.01, "weight_decay": 0.1}),
}


def parameters(dtype: Any = "float64") -> dict[str, mg.Tensor]:
    return {path: mg.Tensor(REFERENCE[f"start/{path}"].astype(dtype), requires_grad=True) for path in ("W", "b")}


def walk(optimizer: Optimizer, first: int = 0, last: int = STEPS) -> None:
    """Steps with the gradients that the reference run had, one of which is missing in some steps."""
    for step in range(first, last):
        for path, tensor in optimizer.parameters().items():
            tensor.grad = None if path == "b" and step % 4 == 2 else REFERENCE[f"gradients/{path}"][step]
        optimizer.step()


@pytest.mark.parametrize("name", CASES)
def test_every_step_is_that_of_torch(name: str) -> None:
    rule, options = CASES[name]
    ours = parameters()
    optimizer = rule(ours, **options)
    for step in range(STEPS):
        walk(optimizer, step, step + 1)
        for path, tensor in ours.items():
            np.testing.assert_allclose(tensor.array, REFERENCE[f"{name}/{path}"][step], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("rule", "moved"),
    [(SGD, 1e-2), (Adagrad, 1e-2), (RMSprop, 1e-3 / 0.1**0.5), (Adam, 1e-3), (AdamW, 1e-3 * (1 + 0.01))],
)
def test_the_defaults_are_those_of_the_docstring(rule: Any, moved: float) -> None:
    p = mg.Tensor([1.0], requires_grad=True, dtype="float64")
    p.sum().backward()
    rule({"p": p}).step()
    assert p.item() == pytest.approx(1 - moved, abs=1e-8)


@pytest.mark.parametrize("sparse", [False, True])
def test_a_small_gradient_after_a_large_one_is_not_lost(sparse: bool) -> None:
    p = make_table([[0.0]]) if sparse else mg.Tensor([[0.0]], requires_grad=True)
    optimizer = Adam({"p": p}, lr=0.1, betas=(0.0, 0.0), eps=0.0)
    for step, g in enumerate([1.0, 1e-5, 1e-10], start=1):  # without memory each step is lr times the gradient's sign
        optimizer.zero_grad()
        (g * p[[0]]).sum().backward()
        optimizer.step()
        assert p.item() == pytest.approx(-0.1 * step)


def test_adamw_without_decay_is_adam() -> None:
    options: dict[str, Any] = {"lr": 0.02, "betas": (0.7, 0.9), "eps": 1e-3}
    one, other = parameters(), parameters()
    walk(Adam(one, **options))
    walk(AdamW(other, weight_decay=0.0, **options))
    for path, tensor in one.items():
        np.testing.assert_array_equal(tensor.array, other[path].array)


@pytest.mark.parametrize("name", CASES)
def test_float32_stays_float32(name: str) -> None:
    rule, options = CASES[name]
    ours = parameters("float32")
    optimizer = rule(ours, **options)
    walk(optimizer)
    for path, tensor in ours.items():
        assert tensor.dtype == np.float32
        np.testing.assert_allclose(tensor.array, REFERENCE[f"{name}/{path}"][-1], rtol=2e-5, atol=2e-6)
    assert {a.dtype for key, a in optimizer.state_dict().items() if not key.startswith("steps/")} <= {
        np.dtype("float32")
    }


@pytest.mark.parametrize("name", CASES)
def test_a_column_major_parameter_is_changed_like_any_other(name: str) -> None:
    rule, options = CASES[name]
    start = np.asfortranarray(REFERENCE["start/W"])
    tensor = mg.Tensor(start, requires_grad=True)
    assert not tensor.array.flags.c_contiguous
    optimizer = rule({"W": tensor}, **options)
    tensor.grad = REFERENCE["gradients/W"][0]
    optimizer.step()
    np.testing.assert_allclose(tensor.array, REFERENCE[f"{name}/W"][0], rtol=1e-12)
    assert not tensor.array.flags.c_contiguous


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("broken_at", [1, 5])
def test_state_goes_on_where_it_was_saved(name: str, broken_at: int) -> None:
    rule, options = CASES[name]
    whole, before = rule(parameters(), **options), rule(parameters(), **options)
    walk(whole)
    walk(before, 0, broken_at)
    after = rule({path: mg.Tensor(t.array, requires_grad=True) for path, t in before.parameters().items()}, **options)
    after.load_state_dict(before.state_dict())
    walk(after, broken_at)
    for path, tensor in after.parameters().items():
        np.testing.assert_array_equal(tensor.array, whole.parameters()[path].array)


def test_state_is_named_by_path() -> None:
    optimizer = Adam({"rnn.cell.W_hh": mg.Tensor(np.ones((2, 2)), requires_grad=True)})
    assert list(optimizer.state_dict()) == ["steps/rnn.cell.W_hh", "m/rnn.cell.W_hh", "v/rnn.cell.W_hh"]
    assert list(SGD({"W": W}, momentum=0.5).state_dict()) == ["steps/W", "velocity/W"]
    assert list(SGD({"W": W}).state_dict()) == ["steps/W"]


def test_saved_state_is_a_copy() -> None:
    optimizer = Adam(parameters())
    walk(optimizer, 0, 1)
    saved = optimizer.state_dict()
    kept = {name: array.copy() for name, array in saved.items()}
    walk(optimizer, 1, 2)
    for name, array in saved.items():
        np.testing.assert_array_equal(array, kept[name])


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
    for line in ("missing: steps/b", "unknown: m/c", "another shape: m/W is (3, 3), and (4, 3)", "v/W is float32"):
        assert line in str(error.value)
    np.testing.assert_array_equal(optimizer.state_dict()["m/b"], np.zeros(3))  # though that one would have fitted


def test_the_gradient_is_left_as_it_is() -> None:
    for rule, options in CASES.values():
        ours = parameters()
        optimizer = rule(ours, **options)
        for path, tensor in ours.items():
            tensor.grad = REFERENCE[f"gradients/{path}"][0]
        optimizer.step()
        for path, tensor in ours.items():
            np.testing.assert_array_equal(tensor.grad, REFERENCE[f"gradients/{path}"][0])


def test_zero_grad_forgets() -> None:
    ours = parameters()
    optimizer = SGD(ours, lr=0.1)
    (ours["W"].sum() + ours["b"].sum()).backward()
    optimizer.zero_grad()
    assert ours["W"].grad is None and ours["b"].grad is None


# ---- rows ----

ROW_RULES = {"sgd": lambda p: SGD(p, 0.1), "adagrad": lambda p: Adagrad(p, 0.1)}
OTHER_RULES = {
    "momentum": lambda p: SGD(p, 0.1, momentum=0.9),
    "decay": lambda p: Adagrad(p, 0.1, weight_decay=0.1),
    "rmsprop": lambda p: RMSprop(p),
    "adam": lambda p: Adam(p),
    "adamw": lambda p: AdamW(p),
}


@pytest.mark.parametrize("name", [*ROW_RULES, *OTHER_RULES])
@given(ids=st.lists(st.lists(st.integers(0, 6), max_size=8), min_size=1, max_size=4))
def test_looked_up_rows_change_as_the_whole_table_would(name: str, ids: list[list[int]]) -> None:
    make = {**ROW_RULES, **OTHER_RULES}[name]
    start = np.random.default_rng(0).normal(size=(7, 3))
    table, whole = mg.Tensor(start, requires_grad=True), mg.Tensor(start, requires_grad=True)
    by_rows, by_table = make({"table": table}), make({"table": whole})
    for batch in ids:
        picked = np.array(batch, int)
        by_rows.zero_grad()
        (mg.lookup(table, picked) ** 2).sum().backward()
        by_rows.step()
        gradient = np.zeros((7, 3))
        np.add.at(gradient, picked, 2 * whole.array[picked])
        whole.grad = gradient
        by_table.step()
    np.testing.assert_allclose(table.array, whole.array, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("name", "handed"), [("sgd", (2, 2)), ("adagrad", (2, 2)), ("momentum", (2, 2)), ("adam", (2, 2))]
)
def test_a_rule_is_handed_the_touched_rows_alone_where_that_is_enough(
    name: str, handed: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = make_table(np.ones((5, 2)))
    optimizer = {**ROW_RULES, **OTHER_RULES}[name]({"table": table})
    shapes = []
    rule = optimizer.rule

    def watched(p: Any, *rest: Any) -> None:
        shapes.append(p.shape)
        rule(p, *rest)

    monkeypatch.setattr(optimizer, "rule", watched)
    mg.lookup(table, [3, 1, 3]).sum().backward()
    optimizer.step()
    assert shapes == [handed]
    assert (table.array != 1).any(axis=1).tolist() == [False, True, False, True, False]


# ---- steps that fail ----


def of_read_only_memory(array: Any) -> mg.Tensor:
    """As unpickling made parameters of more than 1,000 bytes: their memory cannot be made writable."""
    tensor = mg.Tensor(array, requires_grad=True)
    tensor.node.output = np.frombuffer(tensor.array.tobytes(), tensor.dtype).reshape(tensor.shape)
    return tensor


@pytest.mark.parametrize("make", [SGD, Adam, lambda p: SGD(p, momentum=0.9), Adagrad])
def test_a_parameter_in_read_only_memory_is_trained_as_any_other(make: Any) -> None:
    arrays = {"a": np.ones((2, 2)), "b": np.full(3, 2.0)}
    ours = {"a": mg.Tensor(arrays["a"], requires_grad=True), "b": of_read_only_memory(arrays["b"])}
    plain = {path: mg.Tensor(array, requires_grad=True) for path, array in arrays.items()}
    for tensors in (ours, plain):
        optimizer = make(tensors)
        for _ in range(3):
            optimizer.zero_grad()
            ((tensors["a"] ** 2).sum() + (tensors["b"] ** 3).sum()).backward()
            optimizer.step()
    for path, tensor in ours.items():
        np.testing.assert_array_equal(tensor.array, plain[path].array)


def test_a_step_without_memory_for_its_rule_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = {"a": mg.Tensor(np.ones(2), requires_grad=True), "b": mg.Tensor(np.ones(10), requires_grad=True)}
    optimizer = Adam(ours)
    (ours["a"].sum() + ours["b"].sum()).backward()

    def small_only(use: str, like: Any) -> Any:
        if like.size > 2:
            raise MemoryError
        return np.empty_like(like)

    with monkeypatch.context() as patch, pytest.raises(MemoryError), warnings.catch_warnings():
        warnings.resetwarnings()  # where warnings are errors, a step keeps copies to go back to
        patch.setattr(optimizer, "_scratch", small_only)
        optimizer.step()
    assert (ours["a"].array == 1).all() and optimizer.steps == {"a": 0, "b": 0}
    assert not any(array.any() for array in optimizer.state_dict().values())
    optimizer.step()
    assert (ours["b"].array < 1).all()


def test_hyperparameters_are_loaded_where_they_belong() -> None:
    def make() -> tuple[Any, Any]:
        a, b = (mg.Tensor([1.0], requires_grad=True) for _ in range(2))
        return a, Adam([{"parameters": {"a": a}, "lr": 0.5}, {"parameters": {"b": b}}], lr=0.1)

    a, optimizer = make()
    a.requires_grad, optimizer.scale, optimizer.groups[1].lr, optimizer.beta1 = False, 0.5, np.float32(0.3), 0.8
    other, loaded = make()
    before = loaded.parameters()["b"].array
    loaded.load_hyperparameters(optimizer.hyperparameters() | {"of another rule": 5})
    assert loaded.hyperparameters() == optimizer.hyperparameters() and not other.requires_grad
    assert type(loaded.groups[1].lr) is np.float32
    assert loaded.parameters()["b"].array is before  # what was equal was not assigned


# ---- groups, frozen parameters, scale ----


def test_groups_have_their_own_rate_and_decay() -> None:
    a, b = (mg.Tensor([1.0], requires_grad=True, dtype="float64") for _ in range(2))
    optimizer = SGD([{"parameters": {"a": a}, "lr": 1.0, "weight_decay": 0.5}, {"parameters": {"b": b}}], lr=0.25)
    (a + b).sum().backward()
    optimizer.step()
    assert (a.item(), b.item()) == (1 - 1.0 * (1 + 0.5), 1 - 0.25)


def test_scale_multiplies_every_rate_and_the_decoupled_decay() -> None:
    a, b = (mg.Tensor([1.0], requires_grad=True, dtype="float64") for _ in range(2))
    optimizer = AdamW([{"parameters": {"a": a}, "lr": 0.4}, {"parameters": {"b": b}}], lr=0.2, weight_decay=0.5, eps=0)
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
    np.testing.assert_array_equal(ours["b"].array, REFERENCE["start/b"])
    assert optimizer.steps == {"W": 1, "b": 0}


def test_an_update_before_backward_is_an_error_and_not_a_wrong_gradient() -> None:
    w = mg.Tensor([2.0], requires_grad=True)
    optimizer = SGD({"w": w}, lr=0.1)
    early, late = (w * w).sum(), (w * w * w).sum()
    early.backward()
    optimizer.step()
    with pytest.raises(GradientError) as error:
        late.backward()
    assert error.value.code == "MG123"


def test_a_list_of_tensors_goes_by_their_names() -> None:
    dense = [mg.Tensor([2.0], requires_grad=True, name=name) for name in ("dense.W", "dense.b")]
    assert list(SGD(dense).parameters()) == ["dense.W", "dense.b"]
    assert list(SGD([*dense, mg.Tensor([1.0], requires_grad=True)]).parameters()) == ["0", "1", "2"]
    optimizer = SGD(dense, lr=0.5)
    (dense[0] * dense[1]).sum().backward()
    optimizer.step()
    assert [one.item() for one in dense] == [1.0, 1.0]


# ---- a step that fails ----


class Breaks(Adam):
    """Adam, but the rule fails for vectors, when it has changed them already."""

    def rule(self, p: Any, g: Any, slots: Any, scratch: Any, lr: float, t: int) -> None:
        super().rule(p, g, slots, scratch, lr, t)
        if p.ndim == 1:
            raise RuntimeError("broken")


def spoil_shape(optimizer: Optimizer, ours: dict[str, mg.Tensor]) -> None:
    assert ours["b"].grad is not None
    ours["b"].grad.shape = (1, 3)


def spoil_floats(optimizer: Optimizer, ours: dict[str, mg.Tensor]) -> None:
    ours["b"].grad = [0.0, 1e200, 0.0]  # its square overflows, which is an error where warnings are


@pytest.mark.parametrize(
    ("rule", "spoil", "kind", "told"),
    [
        (Adam, spoil_shape, ShapeError, "MG105"),
        (Adam, spoil_floats, Exception, "overflow"),
        (AdamW, spoil_floats, Exception, "overflow"),
        (Breaks, lambda optimizer, ours: None, RuntimeError, "broken"),
        (Adam, lambda optimizer, ours: setattr(optimizer, "scale", np.nan), OptionError, "MG304"),
        (Adam, lambda optimizer, ours: setattr(optimizer.groups[0], "lr", np.inf), OptionError, "MG304"),
        (Adam, lambda optimizer, ours: setattr(optimizer.groups[0], "weight_decay", np.nan), OptionError, "MG305"),
        (Adam, lambda optimizer, ours: setattr(optimizer, "beta1", np.nan), OptionError, "MG305"),
    ],
)
@pytest.mark.parametrize("strict", ["raise", "warn"])
def test_a_step_that_fails_leaves_everything_as_it_was(
    rule: Any, spoil: Any, kind: type[Exception], told: str, strict: Any
) -> None:
    ours = {"table": make_table(np.ones((5, 2))), **parameters(), "c": mg.Tensor([1.0, 2.0], requires_grad=True)}
    optimizer = rule(ours)

    def backward() -> None:
        optimizer.zero_grad()
        squares = sum((ours[path] ** 2).sum() for path in ("W", "b", "c"))
        (mg.lookup(ours["table"], [3, 1, 3]).sum() + squares).backward()

    def now() -> dict[str, Any]:
        return {**{path: tensor.array.copy() for path, tensor in ours.items()}, **optimizer.state_dict()}

    backward()
    if rule is not Breaks:
        optimizer.step()
        backward()
    loss = (ours["W"] ** 2).sum()
    spoil(optimizer, ours)
    before = now()
    with pytest.raises(kind, match=told), np.errstate(over=strict):
        optimizer.step()
    for name, array in now().items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)
    assert all(not tensor.array.flags.writeable for tensor in ours.values())
    loss.backward()  # W did not change, so the graph from before is still right


def test_a_step_after_one_that_failed_is_the_one_that_would_have_been() -> None:
    runs = []
    for fails in (False, True):
        table, b = make_table(np.ones((40, 2))), mg.Tensor([1.0, 2.0], requires_grad=True)
        optimizer = Adam({"table": table, "b": b}, lr=0.1)
        for t in range(80):
            optimizer.zero_grad()
            (mg.lookup(table, [t % 7, 3 * t % 40]).sum() * t + (b * b).sum()).backward()
            if fails and t % 5 == 2:
                good = b.grad
                b.grad = [1e30, 1e30]  # whose squares overflow
                with pytest.raises(FloatingPointError), np.errstate(all="raise"):
                    optimizer.step()
                b.grad = good
            optimizer.step()
        runs.append({**optimizer.exact_state(), **optimizer.state_dict(), "table": table.array, "b": b.array})
    for name, array in runs[0].items():
        np.testing.assert_array_equal(array, runs[1][name], err_msg=name)


@pytest.mark.parametrize(
    ("rule", "filters", "floats", "copies"),
    [
        (Adam, "default", "warn", 0),
        (Adam, "error", "warn", 2),
        (Adam, "default", "raise", 2),
        (type("Own", (Adam,), {}), "default", "warn", 2),
    ],
)
def test_parameters_are_copied_only_where_a_rule_can_fail(
    rule: Any, filters: Any, floats: Any, copies: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[Any] = []
    monkeypatch.setattr("optim.optimizer._put_back", lambda leaf, arrays: copied.append(leaf))
    ours = parameters()
    (ours["W"].sum() + ours["b"].sum()).backward()
    with warnings.catch_warnings(), np.errstate(over=floats):
        warnings.resetwarnings()
        warnings.simplefilter(filters)
        rule(ours).step()
    assert len(copied) == copies


# ---- bad input ----

W = mg.Tensor([1.0], requires_grad=True)


@pytest.mark.parametrize(
    ("build", "kind", "code", "told", "remedy"),
    [
        (lambda: SGD({}), OptionError, "MG301", "no parameters", "named_parameters"),
        (lambda: SGD([]), OptionError, "MG301", "no parameters", "named_parameters"),
        (lambda: SGD([{"parameters": {}}]), OptionError, "MG301", "no parameters", "attributes"),
        (lambda: SGD([W, 1.0]), DtypeError, "MG302", "list", "named_parameters"),  # type: ignore[list-item]
        (lambda: SGD([W, W]), OptionError, "MG303", "'1' is given twice (also as '0')", "once"),
        (lambda: SGD(W), DtypeError, "MG302", "Tensor", "named_parameters"),  # type: ignore[arg-type]
        (lambda: SGD({"W": W * 2}), GradientError, "MG126", "cannot train", "detach"),
        (lambda: SGD({"W": np.ones(3)}), DtypeError, "MG302", "ndarray", "named_parameters"),  # type: ignore[dict-item]
        (lambda: SGD([{"lr": 0.1}]), DtypeError, "MG302", "NoneType", "named_parameters"),
        (lambda: SGD({"a": W, "b": W}), OptionError, "MG303", "'b' is given twice (also as 'a')", "once"),
        (lambda: SGD([{"parameters": {"a": W}}] * 2), OptionError, "MG303", "'a' is given twice", "one group"),
        (lambda: SGD({"W": W}, lr=-0.1), OptionError, "MG304", "-0.1", "usual values"),
        (lambda: Adam({"W": W}, lr=float("nan")), OptionError, "MG304", "nan", "usual values"),
        (lambda: Adam({"W": W}, lr=float("inf")), OptionError, "MG304", "inf", "usual values"),
        (lambda: Adam({"W": W}, lr="fast"), OptionError, "MG304", "'fast'", "usual values"),  # type: ignore[arg-type]
        (lambda: SGD([{"parameters": {}}, {"parameters": {"W": W}, "lr": -1}]), OptionError, "MG304", "group 1", ""),
        (lambda: SGD({"W": W}, momentum=1.0), OptionError, "MG305", "momentum is 1.0", "range"),
        (lambda: Adam({"W": W}, betas=(0.9, -0.1)), OptionError, "MG305", "betas[1] is -0.1", "range"),
        (lambda: Adam({"W": W}, betas=(0.9, 1.0)), OptionError, "MG305", "betas[1] is 1.0", "range"),
        (lambda: Adam({"W": W}, eps=-1), OptionError, "MG305", "eps is -1", "range"),
        (lambda: RMSprop({"W": W}, decay=2), OptionError, "MG305", "decay is 2", "range"),
        (lambda: AdamW({"W": W}, weight_decay=-0.1), OptionError, "MG305", "weight_decay is -0.1", "range"),
        (lambda: SGD([{"parameters": {"W": W}, "momentum": 0.9}]), OptionError, "MG306", "momentum", "weight_decay"),
        (lambda: SGD({"W": W}, nesterov=True), OptionError, "MG308", "momentum 0", "0.9"),
        (
            lambda: SGD({"W": mg.Tensor([1.0], requires_grad=True)}).step(),
            GradientError,
            "MG307",
            "1 param",
            "backward",
        ),
    ],
)
def test_bad_input(build: Any, kind: type[MinigradError], code: str, told: str, remedy: str) -> None:
    with pytest.raises(kind) as error:
        build()
    assert error.value.code == code
    assert told in error.value.what
    assert remedy in error.value.remedy


def test_the_learning_rate_can_be_read_and_set():
    W = mg.Tensor(np.array([1.0]), requires_grad=True)
    optimizer = SGD({"W": W}, lr=0.5)
    assert optimizer.lr == 0.5
    optimizer.lr = 0.25
    (3.0 * W).sum().backward()
    optimizer.step()
    assert W.item() == 1 - 0.25 * 3
    optimizer.lr = -1.0
    with pytest.raises(OptionError, match="MG304"):
        optimizer.step()
