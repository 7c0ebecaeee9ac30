"""Functions and losses with all options, at extreme values, against formulas."""

from functools import partial
from typing import Any

import numpy as np
from hypothesis import assume

import layers
import minigrad as mg

from .draw import (
    agree,
    derivative,
    gradient,
    random_cases,
    same,
)
from .formulas import FORMULAS

sliding = np.lib.stride_tricks.sliding_window_view

# ---- functions ----

EXTREMES = [
    *(0.0, -0.0, 0.3, -1.0, 5.0, -12.0),
    *(20.0, -20.0, 40.0, 88.0, -88.0),
    *(100.0, -100.0, 700.0, -750.0),
    *(1e30, -1e4, 1e-8, -3e-5),
    *(np.inf, -np.inf),
]
SETTINGS: dict[str, list[tuple[Any, ...]]] = {
    "sigmoid": [()],
    "tanh": [()],
    "softplus": [()],
    "relu": [()],
    "exp": [()],
    "absolute": [()],
    "square": [()],
    "leaky_relu": [(0.25,)],
    "clip": [(-1.5, 30)],
    "softmax": [(0,), (-1,)],
    "log_softmax": [(0,), (-1,)],
    "logsumexp": [(0,), (-1,)],
}


@random_cases
def test_functions_at_extreme_values(draw):
    """Each number of the value and of the gradient is right up to rounding, in its dtype."""
    name = draw.pick(*SETTINGS)
    settings = draw.pick(*SETTINGS[name])
    shape = draw.sizes(2, 1, 4)
    extreme = draw.rng.random(shape) < 0.6
    numbers = draw.rng.choice(EXTREMES, shape)
    x = draw.tensor(
        np.where(
            extreme,
            numbers,
            10 * draw.normal(*shape),
        )
    )
    exact = x.array.astype(np.longdouble)

    def formula(x):
        return getattr(FORMULAS, name)(x, *settings)

    function = getattr(mg, name, None) or getattr(np, name)
    z = function(x, *settings)
    near(name, exact, z.array, formula(exact))
    dz = draw.normal(*z.shape).astype(draw.dtype)
    z.backward(dz)
    slopes = derivative(formula, {"x": exact}, "x", dz)
    near(
        name,
        exact,
        x.grad,
        slopes,
        of_gradient=True,
    )


def near(name, x, found, expected, of_gradient=False):
    """An AssertionError if numbers differ by more than rounding, where there is a limit."""
    kind = np.finfo(found.dtype)
    assert found.shape == expected.shape
    size = np.abs(x).max(where=np.isfinite(x), initial=1)
    if name != "logsumexp" and (of_gradient or name == "softmax"):
        size = min(size, 1e4)
    factor = 40
    if name in ("softmax", "logsumexp"):  # e^(a - b) is as wrong as a and b are rounded
        factor += 4 * size
    room = factor * kind.eps * np.abs(expected) + 4 * kind.tiny
    if name not in (
        "sigmoid",
        "tanh",
        "softplus",
        "softmax",
        "exp",
    ):
        room += 40 * kind.eps * size  # differences, precise to their terms
    elif of_gradient and name != "exp":
        room += 20 * kind.eps
    right = np.abs(found - expected) <= room
    right |= (np.abs(expected) > kind.max / 8) & np.isinf(found)
    right |= (found == expected) | np.isnan(expected)
    assert right.all(), f"{name} of {x}: {found} instead of {expected}"


REDUCTIONS = (
    "sum",
    "mean",
    "max",
    "min",
    "var",
    "std",
    "logsumexp",
)


@random_cases
def test_reductions_of_equal_numbers_along_any_axes(
    draw,
):
    draw.perhaps_float16()
    shape = draw.sizes(draw.between(1, 3))
    axes = len(shape)
    some = draw.rng.choice(axes, draw.between(1, axes), replace=False).tolist()
    axis = draw.pick(
        None,
        tuple(some),
        draw.between(-axes, axes - 1),
    )
    options = {
        "axis": axis,
        "keepdims": draw.yes(),
    }
    name = draw.pick(*REDUCTIONS)
    x = draw.normal(*shape)
    if draw.yes():
        x = np.rint(2 * x)
    if name in ("var", "std"):
        count = x.size // np.sum(x, axis=axis).size
        options["ddof"] = draw.between(0, min(1, count - 1))
    if name == "logsumexp":
        x[draw.rng.random(shape) < draw.pick(0, 0.4)] = -np.inf
        if draw.dtype != "float16":
            x += draw.pick(0, 1e8)  # where the sum itself is rounded
    t = draw.tensor(x)
    z = getattr(t, name)(**options)
    # a deviation near 0 is too steep for float32
    assume(name != "std" or draw.dtype == "float64" or (z.array > 0.1).all())
    agree(
        draw,
        z,
        lambda x: getattr(FORMULAS, name)(x, **options),
        x=t,
    )


@random_cases
def test_functions_of_empty_arrays(draw):
    shape = [*draw.sizes(3, high=2)]
    axis = draw.between(0, 2)
    shape[axis] = 0
    right = np.ones((shape[2], 2), draw.dtype)
    functions = {
        "sum": lambda x: x.sum(axis=axis),
        "sum of all": lambda x: x.sum(keepdims=True),
        "matmul": lambda x: np.tanh(x @ right) + right[:, 0].sum(),
        "transpose": lambda x: x.transpose(2, 0, 1).reshape(-1),
        "concatenate": lambda x: np.concatenate([x, x], axis=1),
        "cumsum": lambda x: x.cumsum(axis=1),
        "index": lambda x: x[:, :1],
        "take": lambda x: x[np.zeros(0, int)],
        "pad": lambda x: np.pad(
            x,
            [(1, 0), (0, 1), (1, 1)],
            constant_values=2.0,
        ),
        "einsum": lambda x: np.einsum("bij->bi", x),
    }
    function = functions[draw.pick(*functions)]
    x = draw.tensor(np.zeros(shape))
    agree(draw, function(x), function, x=x)


# ---- fused functions ----


@random_cases
def test_attention_with_masks(draw):
    """Masks broadcast, some rows have no key, and examples may share keys and values."""
    B, T, D = (
        draw.between(1, 2),
        draw.between(1, 5),
        draw.between(1, 3),
    )
    causal = draw.yes()
    S = T if causal else draw.between(1, 5)
    size = draw.pick(0.5, 20.0)
    leaves = {
        "q": draw.tensor(size * draw.normal(B, T, D)),
        "k": draw.tensor(size * draw.normal(*draw.pick((B, S, D), (S, D)))),
        "v": draw.tensor(size * draw.normal(*draw.pick((B, S, 2), (S, 2)))),
    }
    shape = draw.pick((B, T, S), (T, 1), (B, 1, S), ())
    mask = draw.rng.random(shape) < draw.pick(0.5, 1.0)
    seen = mask & (np.tri(T, S) > 0) if causal else mask
    seen = np.broadcast_to(seen, (B, T, S))

    def formula(q, k, v):
        scores = q @ k.swapaxes(-1, -2) / np.sqrt(D)
        weights = FORMULAS.softmax(np.where(seen, scores, -1e300))
        return np.where(seen, weights, 0) @ v

    z = mg.ScaledDotProductAttention(causal)(*leaves.values(), mask)
    agree(draw, z, formula, **leaves)


def windows(x, size, stride):
    """The windows of x, by NumPy."""
    axes = tuple(range(-len(size), 0))
    steps = stride if isinstance(stride, tuple) else (stride,) * len(size)
    starts = [slice(None, None, step) for step in steps]
    key: Any = (..., *starts, *[slice(None)] * len(size))
    return sliding(x, size, axes)[key]


@random_cases
def test_conv_with_stride_and_padding(draw):
    axes = draw.between(1, 2)
    size = draw.sizes(axes)
    N, C, F = (
        draw.between(0, 3),
        draw.between(1, 3),
        draw.between(1, 3),
    )
    stride = draw.pick(1, 2, draw.sizes(axes))
    padding = draw.pick(0, 1, draw.sizes(axes, 0, 2))
    shape = [k + draw.between(0, 4) for k in size]
    x, W = (
        draw.tensor(draw.normal(N, C, *shape)),
        draw.tensor(draw.normal(F, C, *size)),
    )

    def formula(x, W):
        around = padding if isinstance(padding, tuple) else (padding,) * axes
        padded = np.pad(
            x,
            [
                (0, 0),
                (0, 0),
                *((n, n) for n in around),
            ],
        )
        p, i = "pq"[:axes], "ij"[:axes]
        return np.einsum(
            f"nc{p}{i},fc{i}->nf{p}",
            windows(padded, size, stride),
            W,
        )

    z = mg.conv(x, W, stride, padding)
    agree(
        draw,
        mg.unfuse(z) if draw.yes(30) else z,
        formula,
        x=x,
        W=W,
    )


# ---- losses ----


def batch(draw):
    """A reduction, and numbers that it can reduce."""
    draw.perhaps_float16()
    reduction = draw.pick("mean", "sum", "none")
    shape = (draw.between(0, 3), 2, 1)[: draw.between(1, 3)]
    if draw.dtype == "float16" and reduction == "mean":
        shape = (
            400,
            3,
        )  # so many that their sum leaves the range
    largest = 100.0 if draw.dtype == "float16" else 1e4
    return reduction, draw.pick(1.0, 10.0, largest) * draw.normal(*shape)


def check_loss(draw, name, numbers, labels, **options):
    x = draw.tensor(numbers)
    formula = partial(getattr(FORMULAS, name), **options)
    plain = 1 * getattr(labels, "array", labels)  # numbers instead of booleans
    # the mean of nothing, or all weights are 0
    assume(not np.isnan(formula(x.array.astype(float), plain)).any())
    z = getattr(mg, name)(x, labels, **options)
    if isinstance(labels, mg.Tensor):
        agree(
            draw,
            z,
            lambda x, t: formula(x, t),
            x=x,
            t=labels,
        )
    else:
        agree(
            draw,
            z,
            lambda x: formula(x, plain),
            x=x,
        )


@random_cases
def test_cross_entropy(draw):
    """Weights, labels of any dtype, and classes of other labels that are ruled out."""
    reduction, x = batch(draw)
    options: dict[str, Any] = {"reduction": reduction}
    name = draw.pick(
        "softmax_cross_entropy",
        "negative_log_likelihood",
    )
    classes = draw.between(1, 4)
    labels = draw.rng.integers(0, classes, x.shape)
    x = x[..., None] + draw.normal(*x.shape, classes)
    if name == "negative_log_likelihood":
        x = -np.abs(x)
    others = np.arange(classes) != labels[..., None]
    x[others & (draw.rng.random(x.shape) < draw.pick(0, 0.3))] = -np.inf
    labels = draw.array(
        labels,
        draw.pick("int64", "int32", "uint8", "int8"),
    )
    if draw.yes():
        options["weights"] = draw.rng.choice([0.0, 0.25, 0.5, 1.0, 3.0], classes)
    check_loss(draw, name, x, labels, **options)


@random_cases
def test_binary_cross_entropy(draw):
    reduction, x = batch(draw)
    dtype = draw.pick(
        "float64",
        "float32",
        "int64",
        "bool",
        "uint8",
    )
    values = [0, 0.25, 0.5, 1] if dtype.startswith("float") else [0, 1]
    targets = draw.array(draw.rng.choice(values, x.shape), dtype)
    check_loss(
        draw,
        "binary_cross_entropy",
        x,
        targets,
        reduction=reduction,
    )


@random_cases
def test_mean_squared_and_absolute_error(draw):
    reduction, x = batch(draw)
    name = draw.pick(
        "mean_squared_error",
        "mean_absolute_error",
    )
    targets = draw.tensor(x + draw.pick(0, 3, 10) * draw.normal(*x.shape))
    check_loss(
        draw,
        name,
        x,
        targets,
        reduction=reduction,
    )


# ---- rows of a table ----


def look_up(table, ids, W):
    return mg.lookup(table, ids)


def multiply_looked_up(table, ids, W):
    return mg.LookupProduct()(mg.lookup(table, ids), ids, W, W[0] * 0)


def index_from_the_end(table, ids, W):
    return table[ids - len(table)]


def as_head(table, ids, W):
    return (W.T @ table.T).T


def index_rows(table, ids, W):
    return table[1:] * table[int(ids.flat[0]) - len(table)]


USES: dict[Any, Any] = {
    # (the formula on arrays)
    look_up: lambda table, ids, W: table[ids],
    multiply_looked_up: lambda table, ids, W: table[ids] @ W,
    index_from_the_end: index_from_the_end,
    as_head: as_head,
    index_rows: index_rows,
}


@random_cases
def test_lookup_and_other_uses_of_one_table(draw):
    """The gradients of several uses, in one graph or in several, are added."""
    V, D = draw.between(2, 6), draw.between(1, 3)
    plain = mg.Tensor(np.zeros((V, D)), requires_grad=True)
    table = draw.pick(layers.Embedding(V, D).table, plain)
    table.array = draw.array(draw.normal(V, D))
    start = {"table": table.array.astype(float)}
    expected = np.zeros((V, D))
    whole = draw.yes()  # by `mg.grad`, as one graph
    total = mg.Tensor(np.zeros((), draw.dtype)) + 0.0 * table.sum()
    for _ in range(draw.between(1, 4)):
        ids = draw.ids(V, draw.sizes(draw.between(1, 2)))
        W = draw.normal(D, 2).astype(draw.dtype)
        use = draw.pick(*USES)
        formula = partial(USES[use], ids=ids, W=W)
        z = use(table, ids, W)
        same(z.array, formula(**start))
        dz = draw.upstream(z.shape)
        expected += derivative(formula, start, "table", dz)
        term = (z * dz.astype(draw.dtype)).sum()
        if whole or draw.yes():
            total = total + term
        else:
            term.backward()
    if whole:
        found = mg.grad(total, table)[0].array
    else:
        total.backward()
        found = gradient(table)
    same(found, expected, "gradient")


@random_cases
def test_lookup_gradients_of_many_rows(draw):
    size = draw.pick(3, 20, 400, 2000, 140_000)
    count = draw.pick(1, 10, 500, 3000)
    count = 80_000 if size > 65_000 and draw.yes() else count
    even = draw.rng.random(count)
    ids = (size * draw.pick(even, even**4)).astype(draw.pick("int64", "int32"))
    table = draw.tensor(np.zeros((size, 2)))
    dz = draw.normal(count, 2)
    expected = np.zeros((size, 2))
    np.add.at(expected, ids, dz)
    ids = draw.array(ids, ids.dtype)
    z = table[ids - size] if draw.yes() else mg.lookup(table, ids)
    z.backward(draw.array(dz))
    same(table.grad, expected)
