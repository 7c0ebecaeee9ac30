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
FUNCTIONS = [
    "mg.sigmoid(x)", "mg.tanh(x)", "mg.softplus(x)", "mg.relu(x)", "mg.leaky_relu(x, 0.25)",
    "mg.exp(x)", "abs(x)", "mg.clip(x, -1.5, 30)", "x**2", *(
        f"mg.{name}(x, axis={axis})" for name in ("softmax", "log_softmax", "logsumexp") for axis in (0, -1)
    ),
]  # fmt: skip
LOSSES = [
    "mg.softmax_cross_entropy(x, labels, reduction={how!r}, weights={weights})",
    "mg.negative_log_likelihood(mg.log_softmax(x), labels, reduction={how!r}, weights={weights})",
    "mg.binary_cross_entropy(x, targets, reduction={how!r})",
    "mg.binary_cross_entropy(x, targets, reduction={how!r}, weights=(0.5, 2.0))",
]


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
        def pick(*values: Any) -> Any:
            return values[int(rng.integers(len(values)))]

        seed, layout = int(rng.integers(10**6)), layouts.draw(rng)
        dtype, shape = pick("float32", "float64"), rng.integers(1, 5, 2)
        numbers = np.where(
            rng.random(shape) < 0.6, rng.choice(EXTREMES, shape), rng.normal(0, 10, shape)
        )
        kind = pick("function", "function", "loss", "loss", "check")
        if kind == "check":
            return Value(pick(*CHECKS), (), dtype, layout, seed=seed)
        if kind == "function":
            return Value(pick(*FUNCTIONS), numbers.tolist(), dtype, layout)
        # an infinite logit is a loss without a limit, except for -inf of a class that is ruled out
        numbers[:, 0] = np.where(np.isinf(numbers[:, 0]), 100.0, numbers[:, 0])
        numbers = np.minimum(numbers, 1e30)
        weights = pick(None, [0.5, 1.0, 2.0, 0.25][: shape[1]])
        call = pick(*LOSSES).format(how=pick("mean", "sum", "none"), weights=weights)
        numbers = np.maximum(numbers, -1e4) if "binary" in call else numbers
        return Value(call, numbers.tolist(), dtype, layout, seed=seed)

    def fault(self, case: Value) -> str:
        if case.call in CHECKS:
            return CHECKS[case.call](case.dtype, case.layout, np.random.default_rng(case.seed))
        return extremes(case)


def extremes(case: Value) -> str:
    """The value, and the gradient by each number, against the formulas."""
    x = laid_out(np.array(case.numbers, case.dtype), case.layout)
    rng = np.random.default_rng(case.seed)
    labels = rng.integers(0, x.shape[1], len(x)).astype(rng.choice(["i8", "i4", "u1"]))
    given = {
        "labels": laid_out(labels, case.layout),
        "targets": laid_out(rng.choice([0.0, 0.5, 1.0], x.shape), case.layout),
    }
    plain = {**given, "mg": FORMULAS, "abs": FORMULAS.absolute}
    exact = x.astype(np.longdouble)
    expected = eval(case.call, {**plain, "x": exact})
    t = mg.Tensor(x, requires_grad=True)
    z = eval(case.call, {**given, "mg": mg, "x": t})
    if problem := unlike(case, "the value", z.array, expected):
        return problem
    if "reduction" in case.call and not np.isfinite(z.array).all():
        return ""  # `backward` refuses it
    weights = np.cos(np.arange(1.0, 1.0 + z.size)).reshape(z.shape).astype(case.dtype)
    gradient = np.zeros(x.shape, np.longdouble)
    for place in np.ndindex(x.shape):
        moved = exact.astype(np.clongdouble)
        moved.imag[place] = STEP
        slopes = eval(case.call, {**plain, "x": moved}).imag / STEP
        gradient[place] = (slopes * weights).sum()
    z.backward(weights)
    return unlike(case, "the gradient", t.grad, gradient)


def unlike(case: Value, what: str, found: Any, expected: Array) -> str:
    """How a result differs from the formula by more than rounding; "" if it does not, or has no
    limit.
    """
    if found is None or found.dtype != case.dtype or found.shape != np.shape(expected):
        return f"form: {what} of {case.call} is {getattr(found, 'dtype', None)} {np.shape(found)}"
    kind, name = np.finfo(case.dtype), case.call.split("(")[0]
    x = np.abs(case.numbers)
    size = max(1.0, x[np.isfinite(x)].max(initial=0))
    if name != "mg.logsumexp" and (what == "the gradient" or name == "mg.softmax"):
        size = min(size, 1e4)
    # e^(a - b) is as wrong as a and b are rounded
    factor = 40 + 4 * size * (name in ("mg.softmax", "mg.logsumexp"))
    tolerance = factor * kind.eps * np.abs(expected) + 4 * kind.tiny
    if name not in ("mg.sigmoid", "mg.tanh", "mg.softplus", "mg.softmax", "mg.exp"):
        tolerance += 40 * kind.eps * size  # differences, precise to their terms
    elif what == "the gradient" and name != "mg.exp":
        tolerance += 4 * kind.eps
    near = (np.abs(found - expected) <= tolerance) | (found == expected) | np.isnan(expected)
    near |= (np.abs(expected) > kind.max / 8) & np.isinf(found)
    if np.all(near):
        return ""
    return f"{what} of {case.call} is {found}, by the formula {expected.astype(float)}"


def rows(dtype: str, layout: str, rng: Generator) -> str:
    """The gradient of many looked-up rows, summed by row, against np.add.at."""
    size, count = int(rng.choice([3, 20, 400, 2000])), int(rng.choice([1, 10, 10, 500, 3000]))
    ids = (size * rng.random(count) ** int(rng.choice([1, 4]))).astype(
        rng.choice(["i8", "i4", "u2"])
    )
    signed = ids.astype("i4") - size * (rng.random(count) < 0.5)  # some count from the end
    dz = rng.normal(size=(count, 2)).astype(dtype)
    expected = np.zeros((size, 2))
    np.add.at(expected, ids, dz)
    ways: dict[str, Callable[[Any], Any]] = {
        "look-up": lambda table: mg.lookup(table, laid_out(ids, layout)),
        "product": lambda table: mg.LookupProduct()(
            table, ids, np.eye(2, dtype=dtype), np.zeros(2, dtype)
        ),
        "index": lambda table: table[laid_out(signed, layout)],
    }
    tolerance = 1e-3 if dtype == "float32" else 1e-9
    for name, read in ways.items():
        table = mg.Tensor(np.zeros((size, 2), dtype), requires_grad=True)
        read(table).backward(laid_out(dz, layout))
        if not np.allclose(np.array(table.grad), expected, tolerance, tolerance):
            return f"rows: {count} of {size}, by {name}"
    return ""


def norms(dtype: str, layout: str, rng: Generator) -> str:
    """Clipping gradients of all sizes, against the norm in the widest float."""
    scale = 10.0 ** rng.integers(-30, 31)
    if dtype == "float64":
        scale *= 10.0 ** rng.integers(-200, 201)
    tensors = {}
    for shape in ((2, 3), (4,), ()):
        tensor = tensors[str(shape)] = mg.Tensor(np.zeros(shape, dtype), requires_grad=True)
        tensor.grad = rng.normal(size=shape) * scale * (rng.random() < 0.8)
    exact = {name: np.array(tensor.grad, np.longdouble) for name, tensor in tensors.items()}
    norm = np.sqrt(sum((g * g).sum() for g in exact.values()))
    bound = float(scale * rng.choice([0.0, 0.1, 1.0, 100.0]))
    found = optim.clip_gradients(tensors, bound)
    kind = np.finfo(dtype)
    if not abs(found - norm) <= 40 * kind.eps * norm:
        return f"norm: it is {found}, and should be {norm}"
    for name, g in exact.items():
        expected = g * (bound / norm if norm > bound else 1)
        away = np.abs(tensors[name].grad - expected)
        if not (away <= 100 * kind.eps * np.abs(expected) + kind.tiny).all():
            return f"clipped: to norm {bound} it is {tensors[name].grad}, and should be {expected}"
    return ""


CHECKS = {"rows": rows, "norms": norms}
