"""Layers and functions with all their options, each against a formula in NumPy or a slow way that is
written out here.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import layers
import minigrad as mg
from layers import (
    GRU,
    LSTM,
    RNN,
    BatchNorm,
    Cell,
    Dense,
    Dropout,
    Embedding,
    Layer,
    LayerNorm,
    OneHot,
    Sequential,
    Stateful,
    TiedHead,
    TruncatedBPTT,
    pool,
    sample,
    unroll,
)
from minigrad.support import arrays as kernels

from . import layouts, wholes
from .draw import Array, Draw, agree, derivative, gradient, same
from .formulas import FORMULAS
from .fuzzer import Fuzzer, Generator
from .recurrent import SPECIAL, one_sequence


@dataclass(frozen=True)
class Part:
    """A check by its name; all else is drawn from the seed."""

    check: str
    seed: int
    dtype: str = "float64"
    layout: str = "C"


class Parts(Fuzzer):
    """One call of one part."""

    name = "layers"
    share = 3.0

    def case(self, rng: Generator) -> Part:
        dtype = "float64" if rng.random() < 0.6 else "float32"
        seed = int(rng.integers(10**6))
        check = str(rng.choice([*CHECKS, *3 * OFTEN]))
        return Part(check, seed, dtype, layouts.draw(rng))

    def fault(self, case: Part) -> str:
        with warnings.catch_warnings(action="ignore"):
            CHECKS[case.check](Draw(case.seed, case.dtype, case.layout))
        return ""


# ---- functions ----


def elements(draw: Draw) -> None:
    """Functions of single numbers with their settings."""
    draw.perhaps_half()
    settings = {
        "leaky_relu": [draw.pick(0.0, 0.01, 0.3)],
        "clip": [draw.pick(-np.inf, -0.25), draw.pick(0.5, 3.0, np.inf)],
    }
    name = draw.pick("sigmoid", "tanh", "softplus", "gelu", *settings)
    given = settings.get(name, [])
    shape = (draw.between(0, 3), 3)[: draw.between(0, 2)]
    t = draw.tensor(10.0 ** draw.between(-3, 4) * draw.normal(*shape))
    z = getattr(mg, name)(t, *given)
    agree(
        draw, f"{name}, {given}", z, lambda x: getattr(FORMULAS, name)(x, *given), x=t
    )


def along_axes(draw: Draw) -> None:
    """Functions that keep the shape, along any axis."""
    draw.perhaps_half()
    name = draw.pick("softmax", "log_softmax", "cumsum")
    axis = draw.between(-2, 1)
    t = draw.tensor(draw.normal(draw.between(1, 3), draw.between(1, 3)))
    z = getattr(mg, name)(t, axis=axis)
    agree(
        draw,
        f"{name} by {axis}",
        z,
        lambda x: getattr(FORMULAS, name)(x, axis=axis),
        x=t,
    )


def attends(draw: Draw) -> None:
    """Attention with masks that broadcast, rows without a key, and axes that are shared."""
    B = draw.between(1, 2)
    T = draw.between(1, 5)
    D = draw.between(1, 3)
    causal = draw.yes(0.5)
    S = T if causal else draw.between(1, 5)
    size = draw.pick(0.5, 20.0)
    shapes = {
        "q": (B, T, D),
        "k": draw.pick((B, S, D), (S, D)),
        "v": draw.pick((B, S, 2), (S, 2)),
    }
    leaves = {
        name: draw.tensor(size * draw.normal(*shape)) for name, shape in shapes.items()
    }
    mask = draw.rng.random(draw.pick((B, T, S), (T, 1), (B, 1, S), ())) < draw.pick(
        0.5, 1.0
    )
    allowed = np.broadcast_to(mask & (np.tri(T, S) > 0) if causal else mask, (B, T, S))

    def formula(q: Array, k: Array, v: Array) -> Array:
        scores = q @ k.swapaxes(-1, -2) / np.sqrt(D)
        scores = np.where(allowed, scores, -1e300)
        return np.where(allowed, FORMULAS.softmax(scores), 0) @ v

    z = mg.ScaledDotProductAttention(causal)(*leaves.values(), mask)
    agree(draw, f"attention by {allowed.tolist()}", z, formula, **leaves)


def normalizes(draw: Draw) -> None:
    """Layer normalization with and without a bias."""
    width = draw.between(1, 4)
    epsilon = draw.pick(1e-5, 0.1)
    shapes = {
        "x": (*(2, 3)[: draw.between(0, 2)], width),
        "gain": (width,),
        "bias": (width,),
    }
    leaves = {name: draw.tensor(draw.normal(*shape)) for name, shape in shapes.items()}
    if draw.yes(0.5):
        del leaves["bias"]

    def formula(x: Array, gain: Array, bias: Any = 0) -> Any:
        centred = x - x.mean(-1, keepdims=True)
        return (
            centred / np.sqrt((centred**2).mean(-1, keepdims=True) + epsilon) * gain
            + bias
        )

    z = mg.LayerNormalise(epsilon)(*leaves.values())
    agree(draw, f"layer norm of {shapes['x']}, {list(leaves)}", z, formula, **leaves)


def convolves(draw: Draw) -> None:
    """Convolution in one and two dimensions, with stride and padding, and its unfused form."""
    axes = draw.between(1, 2)
    N, C, F = draw.between(0, 3), draw.between(1, 3), draw.between(1, 3)
    size = tuple(draw.between(1, 3) for _ in range(axes))
    stride = draw.pick(1, 2, tuple(draw.between(1, 3) for _ in range(axes)))
    padding = draw.pick(0, 1, tuple(draw.between(0, 2) for _ in range(axes)))
    shape = tuple(k + draw.between(0, 4) for k in size)
    x, W = draw.tensor(draw.normal(N, C, *shape)), draw.tensor(draw.normal(F, C, *size))
    z = mg.conv(x, W, stride, padding)

    def formula(x: Array, W: Array) -> Array:
        around = padding if isinstance(padding, tuple) else (padding,) * axes
        windows = seen(
            np.pad(x, [(0, 0), (0, 0), *((n, n) for n in around)]), size, stride
        )
        p, i = "pq"[:axes], "ij"[:axes]
        return np.asarray(np.einsum(f"nc{p}{i},fc{i}->nf{p}", windows, W))

    what = f"convolution of {x.shape} by {W.shape}, {stride}, {padding}"
    agree(draw, what, mg.unfuse(z) if draw.yes(0.3) else z, formula, x=x, W=W)


def pools_windows(draw: Draw) -> None:
    """The maxima and means of windows, some of which have equal elements."""
    axes = draw.between(1, 2)
    size = tuple(draw.between(1, 3) for _ in range(axes))
    stride = draw.pick(None, 1, 2, tuple(draw.between(1, 3) for _ in range(axes)))
    numbers = draw.normal(2, 2, *(k + draw.between(0, 4) for k in size))
    x = draw.tensor(np.round(numbers) if draw.yes(0.5) else numbers)
    step: Any = size if stride is None else stride
    last = tuple(range(-axes, 0))

    def first(x: Array) -> Array:
        windows = seen(x, size, step)
        flat = windows.reshape(*windows.shape[:-axes], -1)
        best = flat.real.argmax(axis=-1)[..., None]
        return np.take_along_axis(flat, best, axis=-1)[..., 0]

    what = f"of windows {size}, {stride}"
    agree(draw, f"maxima {what}", mg.max_pool(x, size, stride), first, x=x)
    x.grad = None
    z = mg.windows(x, size, step).mean(axis=last)
    agree(draw, f"means {what}", z, lambda x: seen(x, size, step).mean(axis=last), x=x)


def seen(x: Array, size: tuple[int, ...], stride: Any) -> Array:
    """The windows of x, by NumPy."""
    axes = tuple(range(-len(size), 0))
    steps = stride if isinstance(stride, tuple) else (stride,) * len(size)
    key = (
        ...,
        *(slice(None, None, step) for step in steps),
        *[slice(None)] * len(size),
    )
    windows: Any = np.lib.stride_tricks.sliding_window_view(x, size, axes)
    return np.asarray(windows[key])


def normalizes_batches(draw: Draw) -> None:
    """Batch normalization in both modes."""
    width, training = draw.between(1, 3), draw.yes(0.5)
    layer = BatchNorm(width, momentum=draw.pick(0.1, 1.0), epsilon=draw.pick(1e-5, 0.1))
    leaves = draw.parameters(layer)
    shape = (draw.between(2, 3), width, *(2, 3)[: draw.between(0, 2)])
    axes = (0, *range(2, len(shape)))
    layer(draw.normal(*shape).astype(np.float32))
    layer.train(training)
    mean, variance = (
        one.reshape(-1, *[1] * (len(shape) - 2)) for one in (layer.mean, layer.variance)
    )
    x = draw.tensor(draw.normal(*shape))

    def formula(x: Array, gain: Array, bias: Array) -> Array:
        center = x.mean(axes, keepdims=True) if training else mean
        spread = ((x - center) ** 2).mean(axes, keepdims=True) if training else variance
        gain, bias = (one.reshape(mean.shape) for one in (gain, bias))
        return np.asarray((x - center) / np.sqrt(spread + layer.epsilon) * gain + bias)

    z = layer(x)
    agree(
        draw, f"batch norm of {shape}, training {training}", z, formula, x=x, **leaves
    )


def largest(x: Array, axis: Any = None, keepdims: bool = False) -> Any:
    """The maximum; of equal numbers the mean, so that they share the gradient."""
    equal = x.real == x.real.max(axis, keepdims=True)
    total = np.where(equal, x, 0).sum(axis, keepdims=keepdims)
    return total / equal.sum(axis, keepdims=keepdims)


REDUCTIONS: dict[str, Callable[..., Array]] = {
    "sum": np.sum,
    "mean": np.mean,
    "max": largest,
    "min": lambda x, **options: -largest(-x, **options),
    "var": FORMULAS.var,
    # its gradient is 0 where the deviation is
    "std": lambda x, **options: np.sqrt(FORMULAS.relu(FORMULAS.var(x, **options))),
    "logsumexp": FORMULAS.logsumexp,
}


def reductions(draw: Draw) -> None:
    """Reductions by any axes, with ties."""
    draw.perhaps_half()
    axes = draw.between(1, 3)
    shape = [draw.between(1, 3) for _ in range(axes)]
    x = draw.pick(draw.rng.integers(-2, 3, shape), draw.normal(*shape))
    some = draw.rng.choice(axes, draw.between(1, axes), replace=False).tolist()
    options = {
        "axis": draw.pick(None, tuple(some), draw.between(-axes, axes - 1)),
        "keepdims": draw.yes(),
    }
    name = draw.pick(*REDUCTIONS)
    if name in ("var", "std"):
        count = x.size // np.sum(x, axis=options["axis"]).size
        options["ddof"] = draw.between(0, min(1, count - 1))
    if name == "logsumexp":
        x = np.where(draw.rng.random(shape) < draw.pick(0, 0.4), -np.inf, x)
        if draw.dtype != "float16":
            x = x + draw.pick(0, 1e8)  # where the sum itself is rounded
    t = draw.tensor(x)
    z = getattr(t, name)(**options)
    if name == "std" and draw.dtype != "float64" and (z.array < 0.1).any():
        return  # too steep
    what = f"{name} of {x.tolist()}, {options}"
    agree(draw, what, z, lambda x: REDUCTIONS[name](x, **options), x=t)


# ---- losses, with all options, extremes and empty batches ----


def class_losses(draw: Draw) -> None:
    how, x = batch(draw)
    name = draw.pick("softmax_cross_entropy", "negative_log_likelihood")
    classes = draw.between(1, 4)
    labels = draw.rng.integers(0, classes, x.shape)
    x = np.expand_dims(x, -1) + draw.normal(*x.shape, classes)
    if name == "negative_log_likelihood":
        x = -np.abs(x)
    # classes that are ruled out, but not by their label
    others = np.arange(classes) != np.expand_dims(labels, -1)
    x[others & (draw.rng.random(x.shape) < draw.pick(0, 0.3))] = -np.inf
    weights = draw.rng.choice([0.0, 0.25, 0.5, 1.0, 3.0], classes)
    truth = draw.array(labels, draw.pick("int64", "int32", "uint8", "int8"))
    one_loss(draw, name, how, x, truth, weights)


def binary_losses(draw: Draw) -> None:
    how, x = batch(draw)
    dtype = draw.pick("float64", "float32", "int64", "bool", "uint8")
    choices = [0, 0.25, 0.5, 1] if dtype.startswith("float") else [0, 1]
    truth = draw.array(draw.rng.choice(choices, x.shape), dtype)
    one_loss(draw, "binary_cross_entropy", how, x, truth)


def errors(draw: Draw) -> None:
    how, x = batch(draw)
    truth = draw.tensor(x + draw.pick(0, 3, 10) * draw.normal(*x.shape))
    one_loss(
        draw, draw.pick("mean_squared_error", "mean_absolute_error"), how, x, truth
    )


def batch(draw: Draw) -> tuple[str, Array]:
    """A reduction, and numbers that it can reduce."""
    draw.perhaps_half()
    half = draw.dtype == "float16"
    how = draw.pick("mean", "sum", "none")
    shape = (draw.between(0, 3), 2, 1)[: draw.between(1, 3)]
    if half and how == "mean":
        shape = (400, 3)  # so many that their sum leaves the range
    return how, draw.pick(1.0, 10.0, 100.0 if half else 1e4) * draw.normal(*shape)


def one_loss(
    draw: Draw, name: str, how: str, x: Array, truth: Any, weights: Array | None = None
) -> None:
    options: dict[str, Any] = {"reduction": how}
    if weights is not None and draw.yes():
        options["weights"] = draw.pick(tuple, np.array)(weights)
    leaves = {"x": draw.tensor(x)}
    if isinstance(truth, mg.Tensor):
        leaves["t"] = truth

    plain = 1 * getattr(truth, "array", truth)  # numbers instead of booleans

    def formula(x: Array, t: Array = plain) -> Any:
        return getattr(FORMULAS, name)(x, t, **options)

    if np.isnan(formula(leaves["x"].array.astype(float))).any():
        return  # the mean of nothing, or all weights are 0
    z = getattr(mg, name)(leaves["x"], truth, **options)
    agree(draw, f"{name} of {x.shape}, {options}", z, formula, **leaves)


def integers(draw: Draw) -> None:
    """Integers and booleans of every width next to a Tensor, on either side of every operator."""
    name = draw.pick("add", "subtract", "multiply", "divide", "power")
    left = draw.yes()
    kind = draw.pick(
        "bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"
    )
    n = draw.rng.integers(1, 4 if name == "power" else 120, (2, 3))
    n = draw.array(n, kind)
    n = draw.pick(n, mg.Tensor(n), n[0, 0])  # NumPy's number is the last
    wide = np.asarray(getattr(n, "array", n), float)
    t = draw.tensor(draw.rng.uniform(0.5, 1.5, (2, 3)))

    def operate(n: Any, t: Any) -> Any:
        return getattr(np, name)(*(n, t) if left else (t, n))

    inner = t * 1.0
    (slope,) = mg.grad(inner.astype(draw.pick("float32", "float64")).sum(), [inner])
    assert slope.dtype == draw.dtype, f"the gradient of astype is {slope.dtype}"
    z = operate(n, t)
    draw.dtype = str(z.dtype)
    agree(draw, f"{name} of {n!r}, {left=}", z, partial(operate, wide), t=t)


def empties(draw: Draw) -> None:
    """Functions of arrays without elements, as NumPy has them; gradients have the inputs' shapes."""
    shape = [draw.between(1, 2) for _ in range(3)]
    axis = draw.between(0, 2)
    shape[axis] = 0
    pads = [(1, 0), (0, 1), (1, 1)]
    right = np.ones((shape[2], 2))
    functions = {
        "sum": lambda x: x.sum(axis=axis),
        "all": lambda x: x.sum(keepdims=True),
        "tanh": lambda x: np.tanh(x) * 2.0,
        "matmul": lambda x: x @ right.astype(draw.dtype),
        "bias": lambda x: x + right[:, 0].astype(draw.dtype),
        "transpose": lambda x: x.transpose(2, 0, 1),
        "reshape": lambda x: x.reshape(-1),
        "concatenate": lambda x: np.concatenate([x, x], axis=1),
        "stack": lambda x: np.stack([x, x]),
        "cumsum": lambda x: x.cumsum(axis=1),
        "index": lambda x: x[:, :1],
        "take": lambda x: x[np.zeros(0, int)],
        "pad": lambda x: np.pad(x, pads, constant_values=2.0),
        "einsum": lambda x: np.einsum("bij->bi", x),
    }
    name = draw.pick(*functions)
    t = mg.Tensor(np.zeros(shape, draw.dtype), requires_grad=True)
    agree(draw, f"{name} of {shape}", functions[name](t), functions[name], x=t)


def pools(draw: Draw) -> None:
    """Pooling with masks of any kind, ties, equal numbers, and anything at padded steps."""
    draw.perhaps_half()
    B = draw.between(1, 3)
    T = draw.between(1, 5)
    D = draw.between(1, 3)
    how = draw.pick("mean", "max")
    masked = draw.yes(0.8)
    real = draw.real_steps(B, T) | (not masked)
    x = draw.rng.integers(-2, 3, (B, T, D)).astype(float)
    x[draw.rng.random(x.shape) < draw.pick(0, 0.3)] = -1e4
    x[~real] = draw.pick(0.0, np.nan, np.inf, -np.inf, 6e4)

    def formula(x: Array) -> Array:
        rows = [x[b, real[b]] for b in range(B)]
        return np.array(
            [row.mean(0) if how == "mean" else largest(row, 0) for row in rows]
        )

    t = draw.tensor(x)
    mask = draw.array(real, draw.pick("bool", "int64", "float32", "uint8"))
    z = pool(t, how, mask=mask if masked else None)
    agree(draw, f"{how} of {x.tolist()}, {real.tolist()}", z, formula, x=t)


# functions of a table, ids and a matrix, of Tensors and of arrays, but for those in the second dict
USES: dict[str, Callable[..., Any]] = {
    "lookup": lambda table, ids, W: mg.lookup(table, ids),
    "product": lambda table, ids, W: mg.LookupProduct()(
        mg.lookup(table, ids), ids, W, W[0] * 0
    ),
    "index": lambda table, ids, W: table[ids - len(table)],
    "head": lambda table, ids, W: (W.T @ table.T).T,
    "whole": lambda table, ids, W: table * 2.0,
    "part": lambda table, ids, W: table[1:],
    "row": lambda table, ids, W: table[int(ids.flat[0]) - len(table)],
}
IN_NUMPY: dict[str, Callable[..., Any]] = {
    "lookup": lambda table, ids, W: table[ids],
    "product": lambda table, ids, W: table[ids] @ W,
}


def shared(draw: Draw) -> None:
    """One table that is looked up, indexed, multiplied and added, several times in one graph or in
    several.
    """
    V = draw.between(2, 6)
    D = draw.between(1, 3)
    table = draw.pick(
        Embedding(V, D).table, mg.Tensor(np.zeros((V, D)), requires_grad=True)
    )
    table.array = draw.array(draw.normal(V, D))
    start = {"table": table.array.astype(float)}
    expected = np.zeros((V, D))
    whole = draw.yes(0.4)  # by `mg.grad`, as one graph
    total = mg.Tensor(np.zeros((), draw.dtype))
    names = []
    for _ in range(draw.between(1, 4)):
        ids = draw.array(draw.rng.integers(0, V, (2, 3)[: draw.between(1, 2)]), "int64")
        W = draw.normal(D, 2).astype(draw.dtype)
        name = draw.pick(*USES)
        names.append(name)
        formula = partial(IN_NUMPY.get(name, USES[name]), ids=ids, W=W)
        z = USES[name](table, ids, W)
        same(f"{name} of {ids.tolist()}", z.array, formula(**start))
        dz = draw.upstream(z.shape)
        expected += derivative(formula, start, "table", dz)
        term = (z * dz.astype(draw.dtype)).sum()
        if whole or draw.yes():
            total = total + term
        else:
            term.backward()
    if whole:
        found = mg.grad(total, [table])[0].array
    else:
        (total + 0.0 * table.sum()).backward()
        found = table.grad
    same(f"the gradient of the table, by {names}, {whole=}", found, expected)


def large(draw: Draw) -> None:
    """More ids and logits than the thresholds have by default."""
    if kernels.BLOCK < 1000:
        return  # one of the small values, with which this would take seconds
    V = draw.between(65_000, 140_000)
    ids = draw.rng.permutation(V)[: draw.between(65_000, V)]
    ids = np.concatenate([ids, draw.rng.integers(0, V, 50)])
    table = draw.tensor(np.zeros((V, 1)))
    dz = draw.normal(ids.size, 1)
    mg.lookup(table, draw.array(ids, "int64")).backward(dz.astype(draw.dtype))
    same("rows", table.grad, np.bincount(ids, dz[:, 0], V)[:, None])
    rows = draw.between(2, 400)
    classes = draw.between(200, 700)
    t = draw.tensor(3 * draw.normal(rows, classes))
    labels = draw.rng.integers(0, classes, rows)
    mg.softmax_cross_entropy(t, labels, reduction="sum").backward()
    expected = FORMULAS.softmax(t.array.astype(float)) - np.eye(classes)[labels]
    same("slope", t.grad, expected)


# ---- layers ----


ACTIVATIONS: dict[Any, Any] = {
    getattr(mg, name): getattr(FORMULAS, name)
    for name in ("tanh", "relu", "sigmoid", "softplus")
}


def normalised(x: Array, epsilon: float = 1e-5) -> Any:
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(
        FORMULAS.var(x, -1, keepdims=True) + epsilon
    )


def layer(draw: Draw) -> None:
    """Layers of any width with all their options, on inputs with any number of axes."""
    D = draw.between(1, 4)
    H = draw.between(1, 3)
    shape = (2, 3, 1)[: draw.between(0, 3)]
    x = draw.pick(1.0, 1e-3, 30.0) * draw.normal(*shape, D) + draw.pick(0.0, 1.0)
    ids = draw.rng.integers(0, H, shape)
    epsilon = draw.pick(1e-5, 1e-3, 1.0)
    activation = draw.pick(*ACTIVATIONS)
    curve = ACTIVATIONS[activation]
    made: dict[str, tuple[Layer, Any]] = {
        "linear": (Dense(D, H, bias=draw.yes()), lambda x, W, b=0.0: x @ W + b),
        "dense": (Dense(D, H, activation), lambda x, W, b: curve(x @ W + b)),
        "apart": (
            Sequential(Dense(D, H), activation),
            lambda x, W, b: curve(x @ W + b),
        ),
        "norm": (
            LayerNorm(D, epsilon=epsilon),
            lambda x, gain, bias: normalised(x, epsilon) * gain + bias,
        ),
        "tied": (TiedHead(Embedding(H, D)), lambda x, table, b: x @ table.T + b),
        "embedding": (Embedding(H, D), lambda table: table[ids]),
        "one-hot": (OneHot(H), lambda: np.eye(H)[ids]),
    }
    name = draw.pick(*made)
    model, formula = made[name]
    leaves = draw.parameters(model)
    if name in ("embedding", "one-hot"):
        given: Any = draw.array(ids, "int64")
        draw.dtype = "float32" if name == "one-hot" else draw.dtype
    elif name in ("linear", "dense", "apart") and draw.yes(
        0.3
    ):  # plain numbers of another dtype
        given = x
        formula = partial(formula, x)
    else:
        given = leaves["x"] = draw.tensor(x)
    agree(draw, f"{name} of {x.tolist()}", model(given), formula, **leaves)


def dropout(draw: Draw) -> None:
    rate = draw.pick(0.0, 0.3, 0.9)
    x = draw.tensor(draw.normal(400))
    mg.seed(draw.between(0, 10**6))
    z = Dropout(rate)(x)
    z.backward(dz := draw.array(draw.normal(400)))
    kept = (z.array != 0) / (1 - rate)
    same("dropout", z.array, x.array * kept)
    same("its gradient", x.grad, dz * kept)
    assert z.dtype == draw.dtype and abs((kept == 0).mean() - rate) < 0.15, (rate, kept)


class Leaky(Cell):
    """A cell with other parts in its state: a sum that fades, and a number of steps."""

    state_names = ("h", "count")

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__(inputs, hidden)
        self.W = mg.Tensor(np.zeros((inputs, hidden)), requires_grad=True)

    def forward(self, x: Any, state: Any) -> Any:
        h = 0.5 * state[0] + mg.tanh(x @ self.W) * (1.0 + 0.1 * state[1])
        return h, (h, 1.0 + state[1])


def custom(draw: Draw) -> None:
    """`unroll` with a cell of the user's own: steps as a Tensor or a list, masked, cut and in
    reverse.
    """
    draw.dtype = "float64"
    B = draw.between(1, 3)
    T = draw.between(1, 5)
    cell = Leaky(2, 3)
    truncate = draw.pick(None, draw.between(1, T))
    reverse = draw.yes()
    masked = draw.yes()
    real = draw.real_steps(B, T) | (not masked)
    x = draw.normal(B, T, 2)
    x[~real] = draw.pick(np.nan, np.inf, 3.0)
    leaves = {
        "x": draw.tensor(x),
        "h0": draw.tensor(draw.normal(B, 3)),
        **draw.parameters(cell),
    }
    start = [leaves["h0"], mg.Tensor(np.zeros((B, 3)))]
    steps: Any = leaves["x"] if draw.yes() else [leaves["x"][:, t] for t in range(T)]
    found, final = unroll(
        cell,
        steps,
        tuple(start),
        mask=real if masked else None,
        truncate=truncate,
        reverse=reverse,
    )

    def step(x: mg.Tensor, state: Any) -> Any:
        return list(cell.forward(x, state)[1]), {}

    rows = []
    lasts = []
    for b in range(B):
        parts = [part[b] for part in start]
        by_step, last = one_sequence(
            step, leaves["x"][b], parts, real[b], reverse, truncate
        )
        rows.append(mg.stack([by_step[t]["h"] for t in range(T)]))
        lasts.append(last)
    pairs = {
        "outputs": (mg.stack(found, axis=1), mg.stack(rows)),
        "h": (final[0], mg.stack([h for h, _ in lasts])),
        "count": (final[1], mg.stack([count for _, count in lasts])),
    }
    ours = theirs = mg.Tensor(0.0)
    for name, (one, other) in pairs.items():
        same(f"{name}, {truncate=}, {reverse=}", one.array, other.array)
        weights = draw.upstream(one.shape)
        ours = ours + (one * weights).sum()
        theirs = theirs + (other * weights).sum()
    wanted = list(leaves.values())
    slopes = zip(leaves, mg.grad(ours, wanted), mg.grad(theirs, wanted), strict=True)
    for name, slope, expected in slopes:
        same(
            f"the gradient of {name}, {truncate=}, {reverse=}",
            slope.array,
            expected.array,
        )


def carried(draw: Draw) -> None:
    """Windows of a sequence, walked over or given to a `Stateful`, which may be stored, against a
    layer that reads all of it and is cut k2 steps before the end.
    """
    kind = draw.pick(RNN, GRU, LSTM)
    k1 = draw.between(1, 4)
    k2 = draw.between(1, 5)
    options = {
        "return_sequences": True,
        "return_state": True,
        "layers": draw.between(1, 2),
    }
    layer = kind(2, 2, **options)
    whole = kind(2, 2, truncate=k2, **options)
    layer.fused = draw.pick(None, True)
    draw.parameters(layer)
    pairs = list(zip(layer.parameters(), whole.parameters(), strict=True))
    for parameter, other in pairs:
        other.array = parameter.array

    def check(output: mg.Tensor, seen: Array) -> None:
        expected = whole(seen)[0][:, -output.shape[1] :]
        what = f"after {seen.shape[1]} steps, {k1=}, {k2=}"
        same(f"outputs {what}", output.array, expected.array)
        dz = draw.upstream(output.shape).astype(draw.dtype)
        output.backward(dz)
        expected.backward(dz)
        for parameter, other in pairs:
            same(f"gradients {what}", gradient(parameter), gradient(other))
            parameter.grad = other.grad = None

    bptt = TruncatedBPTT(k1, k2)
    if draw.yes(0.3):
        x = draw.array(draw.normal(2, draw.between(1, 8), 2))
        for steps, output in bptt.walk(layer, x):
            check(output, x[:, : steps.stop])
        return
    model = Sequential(Stateful(layer, bptt))
    trained: list[Array] = []
    evaluated: list[Array] = []
    for _ in range(6):
        x = draw.array(draw.normal(2, k1, 2))
        action = draw.pick("train", "train", "evaluate", "store")
        if action == "evaluate":
            if not evaluated:
                model.eval()
            evaluated.append(x)
            expected = layer(np.concatenate(evaluated, axis=1))[0].array[:, -k1:]
            same(f"in evaluation, {k1=}, {k2=}", model(x).array, expected)
            continue
        evaluated = []
        model.train()
        if action == "train":
            trained.append(x)
            check(model(x), np.concatenate(trained, axis=1))
        else:
            state = model.carried_state()
            model = Sequential(Stateful(layer, bptt))
            model.load_carried_state(state)


def written(draw: Draw) -> None:
    """`sample` for models with and without a state, against a loop that reads the whole text each
    time.
    """
    table = draw.normal(5, 3)
    W = 2 * draw.normal(3, 5)
    form = draw.pick("none", "tensor", "tuple", "list")
    shown = []

    def read(h: Array, ids: list[int]) -> list[Array]:
        return [h := 0.7 * h + table[id] for id in ids]

    class Next(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.dropout = Dropout(0.9)

        def forward(self, ids: Any, state: Any) -> Any:
            shown.append(ids.tolist())
            if form in ("tuple", "list") and state is not None:
                state = state[0]
            states = read(np.zeros(3) if state is None else state.array[0], ids[0])
            logits = self.dropout(draw.tensor([[h @ W for h in states]]))
            after = mg.Tensor(states[-1:])
            kept = {
                "none": None,
                "tensor": after,
                "tuple": (after, after),
                "list": [after, after],
            }
            return logits, kept[form]

    draw.dtype = "float64"
    prompt = draw.rng.integers(0, 5, draw.between(1, 4)).tolist()
    count = draw.between(0, 6)
    seed = draw.between(0, 100)
    temperature = draw.pick(0, 0.3, 1.0, 5.0)
    model = Next().train(draw.yes())
    mode = model.training
    given = draw.pick(prompt, np.array(prompt))
    found = sample(model, given, count, temperature=temperature, seed=seed)
    noise = np.random.default_rng(seed)
    ids = list(prompt)
    views: list[list[list[int]]] = []
    for _ in range(count):
        views.append([ids[-1:] if views and form != "none" else list(ids)])
        logits = read(np.zeros(3), ids)[-1] @ W
        ids.append(int(np.argmax(logits + temperature * noise.gumbel(size=5))))
    what = f"of {prompt}, {temperature=}, state {form}"
    assert shown == views, f"shown: {what}: {shown}, not {views}"
    assert found == ids[len(prompt) :], f"{what}: {found}, not {ids[len(prompt) :]}"
    assert model.training == model.dropout.training == mode and set(
        map(type, found)
    ) <= {int}


def converted(draw: Draw) -> None:
    """Weights in PyTorch's and Keras's layouts, by these frameworks' own equations."""
    frame = draw.pick("pytorch", "keras")
    draw.dtype = "float64"
    kind = draw.pick(
        "RNN", "RNN relu", "GRU", "LSTM", *["GRU before"] * (frame == "keras")
    )
    depth = draw.between(1, 2)
    sides = draw.between(1, 2)
    options = {"layers": depth, "bidirectional": sides == 2, "return_sequences": True}

    def make() -> Any:
        make_recurrent = getattr(layers, kind.split()[0])
        recurrent = make_recurrent(3, 2, **options, **SPECIAL.get(kind, {}))
        model = Sequential(
            Embedding(4, 3), LayerNorm(3), recurrent, Dense(sides * 2, 2)
        )
        draw.parameters(model)
        return model

    ours = make()
    model = make()
    arrays = layers.to_layout(ours, frame)
    if draw.yes(0.3):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "weights.safetensors"
            layers.export_weights(ours, file, frame)
            layers.import_weights(model, file, frame)
    else:  # others than ours: PyTorch's two biases are both of any size
        arrays = {
            path: draw.array(draw.normal(*array.shape))
            for path, array in arrays.items()
        }
        layers.from_layout(model, arrays, frame)
    ids = draw.rng.integers(0, 4, (2, 4))
    for weights in (arrays, layers.to_layout(model, frame)):
        embedding, gain, bias, W, b = (weights[name] for name in NAMES[frame])
        x = normalised(embedding[ids]) * gain + bias
        for level in range(depth):
            outputs = []
            for side in range(sides):
                cell = keras if frame == "keras" else pytorch
                parts = cell(weights, kind, level, side, sides)
                outputs.append(foreign(frame, kind, x, parts, side))
            x = np.concatenate(outputs, axis=2)
        expected = x @ (W if frame == "keras" else W.T) + b
        same(
            f"{frame}: {kind}, {depth} layers, {sides} sides",
            model(ids).array,
            expected,
        )


NAMES = {
    "pytorch": (
        "embedding.weight",
        "layernorm.weight",
        "layernorm.bias",
        "dense.weight",
        "dense.bias",
    ),
    "keras": (
        "embedding/embeddings",
        "layernorm/gamma",
        "layernorm/beta",
        "dense/kernel",
        "dense/bias",
    ),
}


def pytorch(
    weights: dict[str, Array], kind: str, level: int, side: int, sides: int
) -> list[Array]:
    """W_xh, W_hh, b_xh and b_hh of one cell, as all its weights in a row."""
    path = kind.split()[0].lower()
    ending = f"l{level}" + "_reverse" * side
    parts = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    return [weights[f"{path}.{part}_{ending}"].T for part in parts]


def keras(
    weights: dict[str, Array], kind: str, level: int, side: int, sides: int
) -> list[Array]:
    path = kind.split()[0].lower() + f"_{level + 1}" * (level > 0)
    if sides == 2:
        path += ("/forward", "/backward")[side]
    W, U, b = (
        weights[f"{path}/{part}"] for part in ("kernel", "recurrent_kernel", "bias")
    )
    return [W, U, *b] if kind == "GRU" else [W, U, b, 0 * b]


def foreign(frame: str, kind: str, x: Array, parts: list[Array], side: int) -> Array:
    """A recurrent layer as the frameworks' manuals write it, all steps: (B, T, H)."""
    W, U, b, c = parts
    sigma = FORMULAS.sigmoid
    H, outputs = len(U), np.zeros((*x.shape[:2], len(U)))
    h = memory = np.zeros((len(x), H))
    for t in range(x.shape[1])[:: -1 if side else 1]:
        a, s = x[:, t] @ W + b, h @ U + c
        if kind.startswith("RNN"):
            h = np.maximum(a + s, 0) if "relu" in kind else np.tanh(a + s)
        elif kind == "LSTM":
            i, f, g, o = np.split(a + s, 4, axis=1)
            memory = sigma(f) * memory + sigma(i) * np.tanh(g)
            h = sigma(o) * np.tanh(memory)
        else:
            (a1, a2, an), (s1, s2, sn) = np.split(a, 3, axis=1), np.split(s, 3, axis=1)
            one, two = sigma(a1 + s1), sigma(a2 + s2)
            r, z = (one, two) if frame == "pytorch" else (two, one)
            n = np.tanh(
                an + ((r * h) @ U[:, 2 * H :] if kind == "GRU before" else r * sn)
            )
            h = (1 - z) * n + z * h
        outputs[:, t] = h
    return outputs


OFTEN = ("mixed", "class_losses")  # as they have more options than the others
CHECKS = {
    check.__name__: check
    for check in (
        elements,
        along_axes,
        attends,
        normalizes,
        normalizes_batches,
        convolves,
        pools_windows,
        reductions,
        class_losses,
        binary_losses,
        errors,
        integers,
        empties,
        pools,
        shared,
        large,
        layer,
        dropout,
        custom,
        carried,
        written,
        converted,
        *wholes.CHECKS,
    )
}
