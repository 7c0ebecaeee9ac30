"""Schedules against their formulas at hand-picked steps, and clipping against norms computed apart from it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.errors import NonFiniteError, OptionError
from minigrad.fast import accumulator
from minigrad.fast.kernels import sum_by_place
from minigrad.graph import Leaf
from optim import SGD, CosineSchedule, StepSchedule, WarmUp, clip_gradients


@pytest.mark.parametrize(
    ("schedule", "steps", "factors"),
    [
        (StepSchedule(10), [0, 9, 10, 29], [1, 1, 0.1, 0.01]),
        (StepSchedule(3, factor=0.5), [2, 3, 8, 9], [1, 0.5, 0.25, 0.125]),
        (CosineSchedule(100), [0, 50, 100, 1000], [1, 0.5, 0, 0]),
        (CosineSchedule(6, floor=0.1), [0, 2, 3, 6], [1, 0.1 + 0.9 * 0.75, 0.55, 0.1]),  # (1 + cos 60°) / 2 = 3/4
        (WarmUp(5), [0, 3, 4, 5, 99], [0.2, 0.8, 1, 1, 1]),
        (WarmUp(2, StepSchedule(3)), [0, 1, 2, 4, 5], [0.5, 1, 1, 1, 0.1]),
    ],
)
def test_factors(schedule, steps, factors) -> None:
    assert [schedule(step) for step in steps] == pytest.approx(factors, abs=1e-12)


@given(st.integers(1, 500), st.integers(1, 500), st.floats(0, 1))
def test_warm_up_climbs_to_one_and_cosine_falls_to_its_floor(warm: int, steps: int, floor: float) -> None:
    factors = [WarmUp(warm, CosineSchedule(steps, floor))(step) for step in range(warm + steps + 3)]
    assert max(factors) == factors[warm - 1] == 1
    assert all(np.diff(factors[:warm]) > 0) and all(np.diff(factors[warm:]) <= 1e-15)
    assert factors[-1] == pytest.approx(floor, abs=1e-12)


@pytest.mark.parametrize(
    "build",
    [
        lambda: StepSchedule(0),
        lambda: StepSchedule(2.5),  # type: ignore[arg-type]
        lambda: StepSchedule(2, factor=-1),
        lambda: CosineSchedule(0),
        lambda: CosineSchedule(10, floor=-0.1),
        lambda: WarmUp(0),
        lambda: clip_gradients({}, -1.0),
        lambda: clip_gradients({}, float("nan")),
    ],
)
def test_numbers_out_of_range(build) -> None:
    with pytest.raises(OptionError) as error:
        build()
    assert error.value.code == "MG305" and "at least" in error.value.what and error.value.remedy


# ---- clipping ----


def with_gradients(*gradients: np.ndarray) -> dict[str, mg.Tensor]:
    found = {}
    for number, gradient in enumerate(gradients):
        found[f"p{number}"] = mg.Tensor(np.zeros(gradient.shape, gradient.dtype), requires_grad=True)
        found[f"p{number}"].grad = gradient
    return found


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 100))
def test_the_clipped_gradient_is_parallel_and_no_longer_than_asked(seed: int, max_norm: float) -> None:
    rng = np.random.default_rng(seed)
    gradients = [rng.normal(size=(3, 2)), rng.normal(size=4) * 10]
    whole = np.concatenate([g.ravel() for g in gradients])
    parameters = with_gradients(*gradients)
    again = list(with_gradients(*gradients).values())
    norm = clip_gradients(parameters, max_norm)
    assert norm == clip_gradients(again, max_norm)  # as a list, like an optimizer's
    assert norm == pytest.approx(np.linalg.norm(whole), rel=1e-12)
    clipped = np.concatenate([t.grad.ravel() for t in parameters.values() if t.grad is not None])
    np.testing.assert_allclose(clipped, whole * min(1, max_norm / np.linalg.norm(whole)), rtol=1e-12)


def test_a_gradient_of_rows_counts_each_row_once_and_stays_rows() -> None:
    table = mg.Tensor(np.zeros((6, 2)), requires_grad=True)
    mg.lookup(table, [1, 4, 1]).sum().backward()  # row 1: [2, 2], row 4: [1, 1]
    assert clip_gradients({"table": table}, 1.0) == pytest.approx(math.sqrt(10), rel=1e-12)
    assert isinstance(table.node, Leaf)
    ids, values = table.node.grad.rows()
    assert ids.tolist() == [1, 4]
    np.testing.assert_allclose(values, np.array([[2, 2], [1, 1]]) / math.sqrt(10), rtol=1e-12)


def test_gradients_of_any_kind_count() -> None:
    W = mg.Tensor(np.eye(2), requires_grad=True)
    x = np.array([[1.0, 2.0]])
    ((x @ W) + (x @ W)).sum().backward()  # products that wait: 2 xᵀ [1, 1]
    part = mg.Tensor(np.zeros(3), requires_grad=True)
    part[1:].sum().backward()  # pieces that are no rows
    absent = mg.Tensor([1.0], requires_grad=True)
    norm = clip_gradients({"W": W, "part": part, "absent": absent}, 100.0)
    assert norm == pytest.approx(math.sqrt(4 * (1 + 1 + 4 + 4) + 2), rel=1e-12)
    assert absent.grad is None


def test_squares_beyond_float32_are_clipped_all_the_same() -> None:
    parameters = with_gradients(np.array([3e30, 4e30], "float32"))
    assert clip_gradients(parameters, 1.0) == pytest.approx(5e30, rel=1e-6)
    clipped = parameters["p0"].grad
    assert clipped is not None
    np.testing.assert_allclose(clipped, [0.6, 0.8], rtol=1e-6)


@pytest.mark.parametrize(
    ("dtype", "size"),
    [("float32", 1e-40), ("float32", 1e-25), ("float32", 1e30), ("float64", 1e-300), ("float64", 1e-25),
     ("float64", 1e30), ("float64", 1e300)],
)  # fmt: skip
def test_gradients_of_any_size_are_clipped(dtype: str, size: float) -> None:
    parameters = with_gradients(np.array([3 * size], dtype), np.array([[0.0, -4 * size]], dtype), np.zeros(0, dtype))
    rtol = 1e-4 if size == 1e-40 else 1e-6  # a subnormal number has fewer digits

    def gradients() -> Any:
        return np.concatenate([t.grad.ravel() for t in parameters.values() if t.grad is not None]).tolist()

    assert clip_gradients(parameters, 10 * size) == pytest.approx(5 * size, rel=rtol)
    assert gradients() == pytest.approx([3 * size, 0, -4 * size], rel=rtol, abs=0)  # short enough
    assert clip_gradients(parameters, size) == pytest.approx(5 * size, rel=rtol)
    assert gradients() == pytest.approx([0.6 * size, 0, -0.8 * size], rel=rtol, abs=0)


def test_a_norm_beyond_float64_is_infinite_and_its_gradients_are_clipped() -> None:
    parameters = with_gradients(np.full(4, 1.5e308))
    assert clip_gradients(parameters, 1.0) == math.inf
    clipped = parameters["p0"].grad
    assert clipped is not None and clipped.tolist() == pytest.approx([0.5] * 4)


def test_no_gradient_and_gradients_of_0_have_the_norm_0() -> None:
    for parameters in ({}, with_gradients(np.zeros(2)), with_gradients(np.zeros((0, 2), "float32"))):
        assert clip_gradients(parameters, 0.0) == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_gradient_that_is_not_finite_is_named(bad: float) -> None:
    parameters = with_gradients(np.ones(2), np.array([1.0, bad]), np.ones(1))
    with pytest.raises(NonFiniteError) as error:
        clip_gradients(parameters, 1.0)
    assert error.value.code == "MG310"
    assert "p1 has NaN or infinity" in error.value.what and "1 of 3" in error.value.what
    assert error.value.cause and "learning rate" in error.value.remedy
    np.testing.assert_array_equal(parameters["p0"].grad, np.ones(2))


def test_clipping_leaves_rows_summed(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []

    def counting(*arguments: Any) -> Any:
        counted.append(1)
        return sum_by_place(*arguments)

    monkeypatch.setattr(accumulator, "sum_by_place", counting)
    table = mg.Tensor(np.zeros((6, 2)), requires_grad=True)
    mg.lookup(table, [1, 4, 1]).sum().backward()
    clip_gradients({"table": table}, 1.0)
    SGD({"table": table}, lr=1.0).step()
    assert len(counted) == 1
    np.testing.assert_allclose(table.array[[1, 4]], -np.array([[2, 2], [1, 1]]) / math.sqrt(10), rtol=1e-12)
