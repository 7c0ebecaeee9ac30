"""Functions and losses at extreme values in float32 and float64 against the formulas in the widest
float; and gradients of many rows and of any size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import minigrad as mg
import optim

from . import layouts
from .formulas import FORMULAS, STEP
from .fuzzer import Fuzzer, Generator
from .layouts import laid_out

Array = np.ndarray[Any, Any]
EXTREMES = [0.0, -0.0, 0.3, -1.0, 5.0, -12.0, 20.0, -20.0, 40.0, 88.0, -88.0, 100.0, -100.0, 700.0, -750.0, 1e30, -1e4,
            1e-8, -3e-5, np.inf, -np.inf]  # fmt: skip
CALLS = """
mg.sigmoid(x)
mg.tanh(x)
mg.softplus(x)
mg.relu(x)
mg.leaky_relu(x, 0.25)
mg.exp(x)
abs(x)
mg.clip(x, -1.5, 30)
x**2
mg.softmax(x, axis=0)
mg.softmax(x, axis=-1)
mg.log_softmax(x, axis=0)
mg.log_softmax(x, axis=-1)
mg.logsumexp(x, axis=0)
mg.logsumexp(x, axis=-1)
mg.softmax_cross_entropy(x, labels, reduction='mean')
mg.softmax_cross_entropy(x, labels, reduction='none')
mg.softmax_cross_entropy(x, labels, reduction='sum', weights=weights)
mg.softmax_cross_entropy(x, labels, reduction='mean', weights=weights)
mg.negative_log_likelihood(mg.log_softmax(x), labels, reduction='none')
mg.negative_log_likelihood(mg.log_softmax(x), labels, reduction='mean', weights=weights)
mg.binary_cross_entropy(x, targets, reduction='none')
mg.binary_cross_entropy(x, targets, reduction='mean')
mg.binary_cross_entropy(x, targets, reduction='sum')
""".strip().splitlines()


@dataclass(frozen=True)
class Value:
    """One call, as a text or the name of a check, of the numbers x in a dtype."""

    call: str
    numbers: Any = ()
    dtype: str = "float64"
    layout: str = "C"
    seed: int = 0


class Values(Fuzzer):
    """One call of one function."""

    name = "values"
    share = 2.5

    def case(self, rng: Generator) -> Value:
        call = str(rng.choice([*CALLS, *CHECKS, *CHECKS]))
        dtype = str(rng.choice(["float32", "float64"]))
        layout = layouts.draw(rng)
        seed = int(rng.integers(10**6))
        shape = rng.integers(1, 5, 2)
        extreme = rng.random(shape) < 0.6
        numbers = np.where(
            extreme, rng.choice(EXTREMES, shape), rng.normal(0, 10, shape)
        )
        if (
            "reduction" in call
        ):  # an infinite logit is a loss without a limit, except for -inf ...
            numbers = np.minimum(numbers, 1e30)
            numbers[:, 0] = np.maximum(
                numbers[:, 0], -1e4
            )  # ... of a class that is ruled out
        if "binary" in call:
            numbers = np.maximum(numbers, -1e4)
        return Value(call, numbers.tolist(), dtype, layout, seed)

    def fault(self, case: Value) -> str:
        rng = np.random.default_rng(case.seed)
        if case.call in CHECKS:
            CHECKS[case.call](case.dtype, case.layout, rng)
        else:
            extremes(case, rng)
        return ""


def extremes(case: Value, rng: Generator) -> None:
    """The value, and the gradient by each number, against the formulas."""
    x = laid_out(np.array(case.numbers, case.dtype), case.layout)
    labels = rng.integers(0, x.shape[1], len(x)).astype(rng.choice(["i8", "i4", "u1"]))
    given = {
        "labels": laid_out(labels, case.layout),
        "targets": laid_out(rng.choice([0.0, 0.5, 1.0], x.shape), case.layout),
        "weights": [0.5, 1.0, 2.0, 0.25][: x.shape[1]],
    }
    plain = {**given, "mg": FORMULAS, "abs": FORMULAS.absolute}
    exact = x.astype(np.longdouble)
    t = mg.Tensor(x, requires_grad=True)
    z = eval(case.call, {**given, "mg": mg, "x": t})
    expected = eval(case.call, {**plain, "x": exact})
    compare(case, "value", z.array, expected)
    if "reduction" in case.call and not np.isfinite(z.array).all():
        return  # `backward` refuses it
    upstream = rng.normal(size=z.shape).astype(case.dtype)
    z.backward(upstream)
    gradient = np.zeros(x.shape, np.longdouble)
    for place in np.ndindex(x.shape):
        moved = exact.astype(np.clongdouble)
        moved.imag[place] = STEP
        slopes = eval(case.call, {**plain, "x": moved}).imag / STEP
        gradient[place] = (slopes * upstream).sum()
    compare(case, "gradient", np.asarray(t.grad), gradient)


def compare(case: Value, what: str, found: Array, expected: Array) -> None:
    """An AssertionError if a result differs from the formula by more than rounding, where there is a
    limit.
    """
    kind = np.finfo(case.dtype)
    name = case.call.split("(")[0]
    form = found.dtype, found.shape
    assert form == (case.dtype, np.shape(expected)), (
        f"form: the {what} of {case.call} is {form}"
    )
    x = np.abs(case.numbers)
    size = max(1.0, x[np.isfinite(x)].max(initial=0))
    if name != "mg.logsumexp" and (what == "gradient" or name == "mg.softmax"):
        size = min(size, 1e4)
    # e^(a - b) is as wrong as a and b are rounded
    factor = 40 + 4 * size * (name in ("mg.softmax", "mg.logsumexp"))
    tolerance = factor * kind.eps * np.abs(expected) + 4 * kind.tiny
    if name not in ("mg.sigmoid", "mg.tanh", "mg.softplus", "mg.softmax", "mg.exp"):
        tolerance += 40 * kind.eps * size  # differences, precise to their terms
    elif what == "gradient" and name != "mg.exp":
        tolerance += 20 * kind.eps
    near = np.abs(found - expected) <= tolerance
    overflow = (np.abs(expected) > kind.max / 8) & np.isinf(found)
    right = near | overflow | (found == expected) | np.isnan(expected)
    wide = np.asarray(expected, float)
    assert np.all(right), (
        f"{what}: that of {case.call} is {found}, by the formula {wide}"
    )


def rows(dtype: str, layout: str, rng: Generator) -> None:
    """The gradient of many looked-up rows, summed by row, against np.add.at."""
    size = int(rng.choice([3, 20, 400, 2000]))
    count = int(rng.choice([1, 10, 10, 500, 3000]))
    even = rng.random(count)
    ids = (size * rng.choice([even, even**4])).astype(rng.choice(["i8", "i4", "u2"]))
    signed = ids.astype("i4") - size * (
        rng.random(count) < 0.5
    )  # some count from the end
    dz = rng.normal(size=(count, 2)).astype(dtype)
    expected = np.zeros((size, 2))
    np.add.at(expected, ids, dz)
    ways: dict[str, Callable[[Any], Any]] = {
        "look-up": lambda table: mg.lookup(table, laid_out(ids, layout)),
        "product": lambda table: mg.LookupProduct()(
            mg.lookup(table, ids), ids, np.eye(2, dtype=dtype), np.zeros(2, dtype)
        ),
        "index": lambda table: table[laid_out(signed, layout)],
    }
    tolerance = 1e-3 if dtype == "float32" else 1e-9
    for name, read in ways.items():
        table = mg.Tensor(np.zeros((size, 2), dtype), requires_grad=True)
        read(table).backward(laid_out(dz, layout))
        close = np.allclose(np.array(table.grad), expected, tolerance, tolerance)
        assert close, f"rows: {count} of {size}, by {name}"


def norms(dtype: str, layout: str, rng: Generator) -> None:
    """Clipping gradients of all sizes, against the norm in the widest float."""
    scale = 10.0 ** rng.integers(-30, 31)
    if dtype == "float64":
        scale *= 10.0 ** rng.integers(-200, 201)
    tensors = {}
    for shape in ((2, 3), (4,), ()):
        tensor = tensors[str(shape)] = mg.Tensor(
            np.zeros(shape, dtype), requires_grad=True
        )
        tensor.grad = rng.normal(size=shape) * scale * (rng.random() < 0.8)
    exact = {
        name: np.array(tensor.grad, np.longdouble) for name, tensor in tensors.items()
    }
    norm = np.sqrt(sum((g * g).sum() for g in exact.values()))
    bound = float(scale * rng.choice([0.0, 0.1, 1.0, 100.0]))
    found = optim.clip_gradients(tensors, bound)
    kind = np.finfo(dtype)
    assert abs(found - norm) <= 40 * kind.eps * norm, (
        f"norm: it is {found}, and should be {norm}"
    )
    for name, g in exact.items():
        expected = g * (bound / norm if norm > bound else 1)
        near = (
            np.abs(tensors[name].grad - expected)
            <= 100 * kind.eps * np.abs(expected) + kind.tiny
        )
        assert near.all(), (
            f"clipped: to norm {bound} it is {tensors[name].grad}, not {expected}"
        )


CHECKS = {"rows": rows, "norms": norms}
