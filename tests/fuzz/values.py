"""Functions and losses at extreme values in float32 and float64, and arithmetic of all dtypes,
against other formulas.

Extremes are compared with the textbooks' formulas in the widest float that NumPy has, arithmetic
with NumPy itself.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import minigrad as mg
import optim
from layers import Dense, Dropout, Embedding, LayerNorm, OneHot, TiedHead

from . import layouts, wholes
from .fuzzer import Fuzzer, Generator
from .layouts import laid_out

Array = np.ndarray[Any, Any]
wide = np.longdouble
EXTREMES = [0.0, -0.0, 0.3, -1.0, 5.0, -12.0, 20.0, -20.0, 40.0, 88.0, -88.0, 100.0, -100.0, 700.0, -750.0, 1e30, -1e4,
            1e-8, -3e-5, np.inf, -np.inf]  # fmt: skip


def sigma(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def softened(x: Array) -> Array:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def lse(x: Array) -> Array:
    """ln Σ e^x over the last axis; infinite as soon as one number is."""
    top = x.max(axis=-1, keepdims=True)
    base = np.where(np.isfinite(top), top, 0)
    return np.asarray(
        np.where(np.isinf(top), top, base + np.log(np.exp(x - base).sum(axis=-1, keepdims=True)))
    )


def soft(x: Array) -> Array:
    e: Array = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


# By name: the function of minigrad, the value and the derivative by x, as formulas. The derivative
# is of the sum.
ELEMENTWISE: dict[str, tuple[Callable[[Any], Any], Callable[[Array], Array], Callable[[Array], Array]]] = {
    "sigmoid": (mg.sigmoid, sigma, lambda x: sigma(x) * sigma(-x)),
    "tanh": (mg.tanh, np.tanh, lambda x: (1 / np.cosh(np.clip(x, -1e4, 1e4))) ** 2),
    "softplus": (mg.softplus, softened, sigma),
    "relu": (mg.relu, lambda x: np.maximum(x, 0), lambda x: wide(1) * (x > 0)),
    "leaky_relu": (
        lambda x: mg.leaky_relu(x, 0.25), lambda x: np.where(x > 0, x, x / 4), lambda x: np.where(x > 0, 1, wide(0.25)),
    ),
    "exp": (mg.exp, np.exp, np.exp),
    "abs": (abs, np.abs, np.sign),
    "clip": (
        lambda x: mg.clip(x, -1.5, 30), lambda x: np.clip(x, -1.5, 30), lambda x: wide(1) * ((x >= -1.5) & (x <= 30)),
    ),
    "square": (lambda x: x**2, lambda x: x * x, lambda x: 2 * x),
}  # fmt: skip
ALONG = {
    "softmax": (mg.softmax, soft),
    "log_softmax": (mg.log_softmax, lambda x: x - lse(x)),
    "logsumexp": (lambda x: mg.logsumexp(x, axis=-1, keepdims=True), lse),
}
OPERATORS = ["add", "sub", "mul", "truediv", "pow", "lt", "ge", "eq", "ne", "neg", "abs"]
METHODS = ["sum", "mean", "max", "min", "var", "std", "cumsum", "argmax"]
DTYPES = ["bool", "int8", "int32", "int64", "uint8", "float16", "float32", "float64"]


@dataclass(frozen=True)
class Value:
    """A function by name, its numbers, and their dtypes; a number beside them for an operator."""

    name: str
    numbers: tuple[tuple[float, ...], ...]
    dtype: str = "float64"
    layout: str = "C"
    other: Any = None  # for operators: a Python number, or a dtype for an array of the same numbers
    left: bool = False
    choice: int = 0  # of settings: the reduction, weights, label


class Values(Fuzzer):
    """One call of one function."""

    name = "values"
    share = 2.5

    def case(self, rng: Generator) -> Value:
        def pick(*values: Any) -> Any:
            return values[int(rng.integers(len(values)))]

        kind = pick(
            "elementwise",
            "along",
            "loss",
            "loss",
            "numbers",
            "numbers",
            "whole",
            "whole",
            "mixed",
            "mixed",
        )
        if kind in ("whole", "mixed"):
            return Value(
                pick(*WHOLE) if kind == "whole" else kind,
                (),
                pick("float32", "float64"),
                layouts.draw(rng),
                choice=int(rng.integers(10**6)),
            )
        shape = (int(rng.integers(1, 4)), int(rng.integers(1, 5)))
        drawn = [
            pick(*EXTREMES) if rng.random() < 0.6 else float(rng.normal() * 10)
            for _ in range(shape[0] * shape[1])
        ]
        dtype, layout, choice = (
            pick("float32", "float64"),
            layouts.draw(rng),
            int(rng.integers(0, 1000)),
        )
        if kind == "numbers":
            dtype, name = pick(*DTYPES), pick(*OPERATORS, *OPERATORS, *METHODS)
            high = 2 if dtype == "bool" else 6
            drawn = rng.integers(
                0 if dtype in ("bool", "uint8") else -5, high, shape[0] * shape[1]
            ).tolist()
            other = pick(
                True,
                False,
                0,
                1,
                2,
                -1,
                3,
                300,
                0.5,
                -1.5,
                2.0,
                *DTYPES,
                np.float64(0.25),
                np.int64(2),
            )
            rows = tuple(
                tuple(map(float, drawn[k * shape[1] : (k + 1) * shape[1]])) for k in range(shape[0])
            )
            return Value(name, rows, dtype, layout, other, bool(rng.random() < 0.4))
        # an infinite logit is a loss without a limit, except for -inf of a class that is ruled out
        if kind == "loss":
            drawn = [
                n if abs(n) < np.inf or n < 0 and k % shape[1] else 100.0
                for k, n in enumerate(drawn)
            ]
        rows = tuple(tuple(drawn[k * shape[1] : (k + 1) * shape[1]]) for k in range(shape[0]))
        name = {
            "elementwise": pick(*ELEMENTWISE),
            "along": pick(*ALONG),
            "loss": pick("softmax CE", "NLL", "binary CE"),
        }
        if name[kind] == "binary CE":
            rows = tuple(tuple(max(n, -1e4) for n in row) for row in rows)
        return Value(name[kind], rows, dtype, layout, choice=choice)

    def fault(self, case: Value) -> str:
        if case.name in OPERATORS or case.name in METHODS:
            return numbers(case)
        if case.name in WHOLE:
            return WHOLE[case.name](case, np.random.default_rng(case.choice))
        x = laid_out(np.array(case.numbers, case.dtype), case.layout)
        exact = np.array(x, wide)
        with np.errstate(all="ignore"):
            if case.name in ELEMENTWISE:
                run, value, slope = ELEMENTWISE[case.name]
                weight = np.cos(np.arange(1.0, 1.0 + x.size)).reshape(x.shape).astype(case.dtype)
                expected, gradient = value(exact), slope(exact) * weight
            elif case.name in ALONG:
                return along(case, x, exact)
            else:
                run, expected, gradient = loss(case, exact)
                weight = None
            t = mg.Tensor(x, requires_grad=True)
            z = run(t)
            if problem := unlike(case, "the value", z.array, expected):
                return problem
            if not np.isfinite(z.array).all() and weight is None:
                return ""  # `backward` refuses it
            z.backward(weight)
            return unlike(case, "the gradient", t.grad, gradient)

    def smaller(self, case: Value) -> Iterator[Value]:
        for rows in (case.numbers[:1], case.numbers[1:]):
            if 0 < len(rows) < len(case.numbers):
                yield replace(case, numbers=rows)
        for k in range(len(case.numbers[0]) if case.numbers else 0):
            if len(case.numbers[0]) > 1:
                yield replace(case, numbers=tuple(row[:k] + row[k + 1 :] for row in case.numbers))
        if case.layout != "C":
            yield replace(case, layout="C")

    def as_test(self, case: Value) -> str:
        return (
            "from numpy import float64, inf, int64, nan\n\nimport numpy as np\n"
            "from tests.fuzz.values import Value, Values\n\n\ndef test_a_value():\n"
            f"    assert Values().fault({case!r}) == ''\n"
        )


def along(case: Value, x: Array, exact: Array) -> str:
    """Softmax and its logarithms along the last axis, with their gradients."""
    t = mg.Tensor(x, requires_grad=True)
    if case.choice % 2:  # along the first axis instead
        z = {"softmax": mg.softmax, "log_softmax": mg.log_softmax}.get(case.name, mg.logsumexp)(
            t.T, axis=0
        )
        z = z.T if z.ndim == 2 else z.reshape(-1, 1)
    else:
        z = ALONG[case.name][0](t)
    expected = ALONG[case.name][1](exact)
    # without a limit, except that of a sum
    if np.isposinf(x).any() or np.isneginf(x).all(axis=-1).any():
        if case.name != "logsumexp":
            return ""
        z.backward(np.ones_like(z.array))
        nan = np.isnan(np.asarray(t.grad)).any()
        return (
            "NaN: the gradient of logsumexp"
            if nan
            else unlike(case, "the value", z.array, expected)
        )
    if problem := unlike(case, "the value", z.array, expected):
        return problem
    weight = np.cos(np.arange(1.0, 1.0 + z.size)).reshape(z.shape).astype(case.dtype)
    p, w = soft(exact), np.array(weight, wide)
    gradient = {
        "softmax": p * (w - (p * w).sum(axis=-1, keepdims=True)),
        "log_softmax": w - p * w.sum(axis=-1, keepdims=True),
        "logsumexp": p * w,
    }[case.name]
    z.backward(weight)
    return unlike(case, "the gradient", t.grad, gradient)


def loss(case: Value, exact: Array) -> tuple[Callable[[Any], Any], Array, Array]:
    """A loss of these logits with settings that `choice` decides: minigrad's, the value and the
    gradient.
    """
    how = ("mean", "sum", "none")[case.choice % 3]
    weighted = bool(case.choice // 3 % 2)
    if case.name == "binary CE":
        t = np.array(
            [(0.0, 1.0, 0.5, 1.0)[(case.choice + k) % 4] for k in range(exact.size)]
        ).reshape(exact.shape)
        w0, w1 = (0.5, 2.0) if weighted else (1.0, 1.0)

        def term(w: Any, share: Array, value: Array) -> Array:
            return np.where(share == 0, wide(0), w * share * value)

        each = term(w1, t, softened(-exact)) + term(w0, 1 - t, softened(exact))
        slope = w0 * (1 - t) * sigma(exact) - w1 * t * sigma(-exact)
        count = (w1 * t + w0 * (1 - t)).sum()
        options: Any = {"weights": (w0, w1)} if weighted else {}
        targets = laid_out(t, case.layout)
        options |= {"reduction": how}

        def run(x: Any) -> Any:
            return mg.binary_cross_entropy(x, targets, **options).sum()

    else:
        rows, classes = exact.shape
        labels = np.array([(case.choice // 7 + 3 * k) % classes for k in range(rows)])
        weights = np.array([0.5, 1.0, 2.0, 0.25][:classes]) if weighted else np.ones(classes)
        w = weights[labels]
        logp = exact - lse(exact)
        each = -logp[np.arange(rows), labels] * w
        onehot = np.eye(classes)[labels]
        slope = (soft(exact) - onehot) * w[:, None]
        count = w.sum()
        options = {"weights": weights.tolist()} if weighted else {}
        given = laid_out(labels.astype(("i8", "i4", "u1")[case.choice % 3]), case.layout)

        def run(x: Any) -> Any:
            if case.name == "NLL":
                return mg.negative_log_likelihood(
                    mg.log_softmax(x), given, reduction=how, **options
                ).sum()
            return mg.softmax_cross_entropy(x, given, reduction=how, **options).sum()

    total = each.sum() / (count if how == "mean" else 1)
    return run, total, slope / (count if how == "mean" else 1)


def unlike(case: Value, what: str, found: Any, expected: Array) -> str:
    """How a result differs from the formula by more than rounding; "" if it does not, or has no
    limit.
    """
    if found is None or found.dtype != case.dtype or found.shape != np.shape(expected):
        return f"form: {what} of {case.name} is {getattr(found, 'dtype', None)} {np.shape(found)}"
    kind = np.finfo(case.dtype)
    with np.errstate(all="ignore"):
        there = np.array(expected, wide)
        sure = ~np.isnan(there)
        over = np.abs(there) > kind.max / 8
        size = max([1.0, *(abs(n) for row in case.numbers for n in row if np.isfinite(n))])
        if case.name != "logsumexp" and (what == "the gradient" or case.name == "softmax"):
            size = min(size, 1e4)
        # e^(a - b) is as wrong as a and b are rounded
        relative = case.name in ("softmax", "logsumexp")
        factor = 40 + 4 * size * relative
        near = np.abs(found - there) <= factor * kind.eps * np.abs(there) + 4 * kind.tiny
        # differences, precise to their terms
        if case.name not in ("sigmoid", "tanh", "softplus", "softmax", "exp"):
            near |= np.abs(found - there) <= 40 * kind.eps * size
        elif what == "the gradient" and case.name != "exp":
            near |= np.abs(found - there) <= 4 * kind.eps
        right = near | (found == there) | (over & np.isinf(found)) | ~sure
    if right.all():
        return ""
    return f"{what} of {case.name} is {np.asarray(found).tolist()}\n    by the formula {there.astype(float).tolist()}"


def rows(case: Value, rng: Generator) -> str:
    """The gradient of many looked-up rows, summed by row, against np.add.at."""
    size, count = int(rng.choice([3, 20, 400, 2000])), int(rng.choice([1, 10, 10, 500, 3000]))
    ids = (size * rng.random(count) ** int(rng.choice([1, 4]))).astype(
        rng.choice(["i8", "i4", "u2"])
    )
    dz = rng.normal(size=(count, 2)).astype(case.dtype)
    expected = np.zeros((size, 2))
    np.add.at(expected, ids, dz)
    table = mg.Tensor(np.zeros((size, 2), case.dtype), requires_grad=True)
    mg.lookup(table, laid_out(ids, case.layout)).backward(laid_out(dz, case.layout))
    product = mg.Tensor(np.zeros((size, 2), case.dtype), requires_grad=True)
    mg.LookupProduct()(product, ids, np.eye(2, dtype=case.dtype), np.zeros(2, case.dtype)).backward(
        dz
    )
    picked = mg.Tensor(np.zeros((size, 2), case.dtype), requires_grad=True)
    # the same rows, of which some count from the end
    signed = ids.astype("i4") - size * (rng.random(count) < 0.5)
    picked[laid_out(signed, case.layout)].backward(dz)
    tolerance = 1e-3 if case.dtype == "float32" else 1e-9
    right = [
        np.allclose(np.array(one.grad), expected, tolerance, tolerance)
        for one in (table, product, picked)
    ]
    return (
        ""
        if all(right)
        else f"rows: {count} of {size}, in a look-up, its product or an index {right}"
    )


def norms(case: Value, rng: Generator) -> str:
    """Clipping gradients of all sizes, against the norm in the widest float."""
    scale = 10.0 ** rng.integers(-30, 31) * (
        1 if case.dtype == "float32" else 10.0 ** rng.integers(-200, 201)
    )
    gradients = [
        rng.normal(size=shape) * scale * (rng.random() < 0.8) for shape in ((2, 3), (4,), ())
    ]
    tensors = {
        str(k): mg.Tensor(np.zeros(g.shape, case.dtype), requires_grad=True)
        for k, g in enumerate(gradients)
    }
    for tensor, gradient in zip(tensors.values(), gradients, strict=True):
        tensor.grad = gradient
    exact: list[Any] = [np.array(tensor.grad, wide) for tensor in tensors.values()]
    norm, bound = (
        np.sqrt(sum((g * g).sum() for g in exact)),
        float(scale * rng.choice([0.0, 0.1, 1.0, 100.0])),
    )
    found = optim.clip_gradients(tensors, bound)
    eps = np.finfo(case.dtype).eps
    if not abs(found - norm) <= 40 * eps * norm:
        return f"norm: it is {found}, and should be {norm}"
    for tensor, slope in zip(tensors.values(), exact, strict=True):
        there = slope * (bound / norm if norm > bound else 1)
        if not (
            np.abs(tensor.grad - there) <= 100 * eps * np.abs(there) + np.finfo(case.dtype).tiny
        ).all():
            return f"clipped: to norm {bound} it is {np.array(tensor.grad).tolist()}, and should be {there.tolist()}"
    return ""


def layer(case: Value, rng: Generator) -> str:
    """Layers with random parameters against NumPy, in training too."""
    x = laid_out(rng.normal(size=(2, int(rng.integers(1, 4)), 3)).astype(case.dtype), case.layout)
    ids = laid_out(rng.integers(0, 5, (2, 3)), case.layout)
    embedding, centred = Embedding(5, 3), x - x.mean(-1, keepdims=True)
    made: dict[str, Any] = {"dense": Dense(3, 2, mg.tanh), "bare": Dense(3, 2, bias=False), "norm": LayerNorm(3),
                            "tied": TiedHead(embedding), "embedding": embedding, "one": OneHot(5),
                            "dropout": Dropout(0.25)}  # fmt: skip
    name = str(rng.choice(list(made)))
    parameters = made[name].named_parameters()
    for tensor in parameters.values():
        tensor.array = laid_out(rng.normal(size=tensor.shape).astype(case.dtype), case.layout)
    p = {name.split(".")[-1]: np.array(tensor.array, float) for name, tensor in parameters.items()}
    given = mg.Tensor(x) if name not in ("embedding", "one") else ids
    found = made[name](given).array
    if name == "dropout":
        with mg.no_grad():
            same = np.array_equal(made[name].eval()(given).array, x)
        right = same and bool((np.isclose(found, x / 0.75, 1e-5) | (found == 0)).all())
        return "" if right else f"dropout: {found.tolist()} of {x.tolist()}"
    expected = {
        "dense": lambda: np.tanh(x @ p["W"] + p["b"]), "bare": lambda: x @ p["W"], "one": lambda: np.eye(5)[ids],
        "norm": lambda: centred / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * p["gain"] + p["bias"],
        "tied": lambda: x @ p["table"].T + p["b"], "embedding": lambda: p["table"][ids],
    }[name]()  # fmt: skip
    if case.dtype == "float64" and name != "one":
        weights = rng.normal(size=found.shape)
        given = mg.Tensor(x, requires_grad=True) if name != "embedding" else ids
        wanted = {**parameters, "x": given} if name != "embedding" else dict(parameters)
        v = {key: rng.normal(size=tensor.shape) for key, tensor in wanted.items()}
        (made[name](given) * weights).sum().backward()
        ours, values = (
            sum(float((np.asarray(t.grad) * v[key]).sum()) for key, t in wanted.items()),
            [],
        )
        start = {key: tensor.array for key, tensor in wanted.items()}
        for step in (1e-6, -1e-6):
            for key, tensor in wanted.items():
                tensor.array = start[key] + step * v[key]
            values.append(float((made[name](given).array * weights).sum()))
        for key, tensor in wanted.items():
            tensor.array = start[key]
        along = (values[0] - values[1]) / 2e-6
        if not np.isclose(ours, along, 1e-5, 1e-5):
            return f"gradient: {name}'s along a direction is {ours}, by central differences {along}"
    tolerance = 1e-4 if case.dtype == "float32" or name == "one" else 1e-9
    kind = "float32" if name == "one" else case.dtype
    right = (
        found.dtype == kind
        and found.shape == expected.shape
        and np.allclose(found, expected, tolerance, tolerance)
    )
    return (
        ""
        if right
        else f"layer: {name} gives {found.dtype} {found.tolist()}\n    NumPy: {expected.tolist()}"
    )


def _by_choice(check: Callable[[str, str, Generator], str]) -> Callable[[Value, Generator], str]:
    return lambda case, rng: check(case.dtype, case.layout, rng)


WHOLE: dict[str, Callable[[Value, Generator], str]] = {"rows": rows, "norms": norms, "layer": layer} | {
    one.__name__: _by_choice(one)
    for one in (
        wholes.mixed, wholes.reduced, wholes.pooled, wholes.schedules, wholes.batches, wholes.streams, wholes.texts,
        wholes.derived, wholes.measured, wholes.sampled, wholes.walked,
    )
}  # fmt: skip


def numbers(case: Value) -> str:
    """An operator or method on Tensors of any dtype: NumPy's value, and no narrower than its
    operands.
    """
    x = laid_out(np.array(case.numbers, case.dtype), case.layout)
    other = case.other
    if isinstance(other, str):
        other = laid_out(
            np.abs(case.numbers).clip(0, 1 if other == "bool" else None).astype(other), "F"
        )
    if case.name in METHODS:
        options: dict[str, Any] = {"axis": 0} if case.left else {}

        def run(a: Any) -> Any:
            return (
                np.cumsum(a, **options)
                if case.name == "cumsum"
                else getattr(a, case.name)(**options)
            )

        args: list[Any] = [x]
    elif case.name in ("neg", "abs"):
        args, run = [x], getattr(operator, case.name)
    else:
        args, run = [other, x] if case.left else [x, other], getattr(operator, case.name)
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
        try:
            expected = np.asarray(run(*args))
        except (TypeError, ValueError, OverflowError):
            expected = None
        wrapped = [
            mg.Tensor(a) if a is x or (isinstance(a, np.ndarray) and len(case.numbers) > 1) else a
            for a in args
        ]
        try:
            found = np.asarray(getattr(result := run(*wrapped), "array", result))
        except mg.MinigradError:
            return ""  # refusing is allowed, in words
        # what NumPy refuses may have a sense here, if it is the mathematical one
        if expected is None:
            expected = np.asarray(run(*(np.asarray(a, "f8") for a in args)))
    if found.shape != expected.shape:
        return f"form: the shape is {found.shape}, and NumPy's is {expected.shape}"
    kinds = "b" if found.dtype.kind == "b" else "biu" if found.dtype.kind in "iu" else "biuf"
    narrow = expected.dtype.kind not in kinds
    plain = x.dtype.kind == "f" and not isinstance(other, np.ndarray) and expected.dtype.kind == "f"
    if narrow or plain and found.dtype != x.dtype:
        return f"dtype: of {x.dtype} it is {found.dtype}, and NumPy's is {expected.dtype}"
    with np.errstate(all="ignore"):
        there = expected.astype(float)
        eps = max(np.finfo(d).eps if d.kind == "f" else 0.0 for d in (found.dtype, expected.dtype))
        right = np.isclose(found.astype(float), there, 60 * eps, 4 * eps, equal_nan=True) | (
            np.abs(there) > 6e4
        )
    return (
        ""
        if right.all()
        else f"number: it is {found.dtype} {found.tolist()}, by NumPy {expected.dtype} "
        f"{expected.tolist()}"
    )
