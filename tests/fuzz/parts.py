"""Parts of the library with all their options, each against NumPy or a slow way that is written out
here.

Fused gates, `unroll` with other cells, layers, initialisers, weights in other frameworks' layouts,
texts that are written on, losses of all dtypes, reductions over all axes, pooling, and arrays
without elements.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

import layers
import minigrad as mg
import optim
from layers import (
    GRU,
    LSTM,
    RNN,
    Cell,
    Dense,
    Dropout,
    Embedding,
    Layer,
    LayerNorm,
    OneHot,
    Sequential,
    TiedHead,
    init,
    pool,
    sample,
    unroll,
)  # fmt: skip
from minigrad import context
from minigrad.fast import kernels as sums

from . import layouts
from .damage import replaced
from .fuzzer import Fuzzer, Generator
from .layouts import laid_out
from .recurrent import one_sequence

Array = np.ndarray[Any, Any]


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
    share = 2.0

    def case(self, rng: Generator) -> Part:
        dtype = "float64" if rng.random() < 0.6 else "float32"
        return Part(
            str(rng.choice([*CHECKS, "losses", "kernels", "stale"])),
            int(rng.integers(10**6)),
            dtype,
            layouts.draw(rng),
        )

    def fault(self, case: Part) -> str:
        return CHECKS[case.check](case.dtype, case.layout, np.random.default_rng(case.seed))

    def smaller(self, case: Part) -> Iterator[Part]:
        for simple in (replace(case, layout="C"), replace(case, dtype="float64")):
            if simple != case:
                yield simple
        yield from (replace(case, seed=seed) for seed in range(min(case.seed, 20)))

    def as_test(self, case: Part) -> str:
        return (
            "from tests.fuzz.parts import Part, Parts\n\n\ndef test_a_part():\n"
            f"    assert Parts().fault({case!r}) == ''\n"
        )


def unequal(what: str, found: Any, expected: Any, dtype: Any = "float64") -> str:
    """How two arrays differ by more than rounding in that dtype, or "". NaN and infinities must be
    the same.
    """
    found, expected = np.asarray(found), np.asarray(expected)
    tolerance = {"float64": 1e-9, "float32": 1e-4}.get(str(dtype), 1e-2)
    if found.shape == expected.shape and np.allclose(
        found.astype(float), expected.astype(float), tolerance, tolerance, equal_nan=True
    ):
        return ""
    return f"{what} is {found.shape} {found.tolist()}\n    expected: {expected.shape} {expected.tolist()}"


def some(rng: Generator, shape: tuple[int, ...], share: float = 0.5) -> Array:
    """1 and 0, along some of the axes all the same."""
    return (rng.random([n if rng.random() < 0.6 else 1 for n in shape]) < share) * np.ones(shape)


def real_steps(rng: Generator, batch: int, steps: int) -> Array:
    real = rng.random((batch, steps)) < 0.6
    real[np.arange(batch), rng.integers(0, steps, batch)] = True
    return real


def kernels(dtype: str, layout: str, rng: Generator) -> str:
    """Fused gates whose gradient arrives at any of their outputs, against the equations step by
    step.
    """
    kind = str(rng.choice(["RNN", "GRU", "LSTM"]))
    blocks = {"RNN": 1, "GRU": 3, "LSTM": 4}[kind]
    B, T, H = (int(rng.integers(1, n)) for n in (4, 7, 4))
    sizes = [
        (B, T, blocks * H),
        (B, H),
        *[(B, H)] * (kind == "LSTM"),
        (H, blocks * H),
        *[(3 * H,)] * (kind == "GRU"),
    ]
    real = real_steps(rng, B, T) if rng.random() < 0.5 else np.ones((B, T), bool)
    truncate = int(rng.integers(1, T + 2)) if rng.random() < 0.5 else None
    reverse, masked = bool(rng.random() < 0.5), not real.all() or rng.random() < 0.1
    arrays = [
        laid_out((0.1 if rng.random() < 0.2 else 1.0) * rng.normal(size=size), layout)
        for size in sizes
    ]
    given = [array.astype(dtype) if rng.random() < 0.7 else array for array in arrays]
    needed = [bool(rng.random() < 0.8) for _ in sizes]
    if masked and rng.random() < 0.5:  # what padded steps hold is of no account
        given[0] = given[0].copy()
        given[0][~real] = rng.choice([np.nan, np.inf, 1e4])
    gate: Any = {"RNN": mg.RNNSequence, "GRU": mg.GRUSequence, "LSTM": mg.LSTMSequence}[kind](
        truncate, reverse
    )
    ours = [mg.Tensor(one, requires_grad=need) for one, need in zip(given, needed, strict=True)]
    z = gate(*ours, *[real.astype(rng.choice(["bool", "int64"]))] * masked)
    weights = rng.normal(size=z.shape) * some(rng, z.shape)
    if kind == "LSTM" and rng.random() < 0.5:
        weights[int(rng.integers(2))] = 0
    theirs = [
        mg.Tensor(one.astype(float), requires_grad=need)
        for one, need in zip(given, needed, strict=True)
    ]
    a, *first = theirs[: 2 + (kind == "LSTM")]
    W = theirs[len(first) + 1]
    zero = mg.Tensor(np.zeros(blocks * H))
    cell = SimpleNamespace(
        hidden=H, W_xh=mg.Tensor(np.eye(blocks * H)), W_hh=W, b=zero, b_h=zero, b_xh=zero
    )
    cell.b_hh = theirs[-1]
    rows = [
        one_sequence(kind, cell, a[b], [part[b] for part in first], real[b], reverse, truncate)[0]
        for b in range(B)
    ]
    parts = [
        mg.stack([mg.stack([row[t][name] for row in rows]) for t in range(T)])
        for name in "hc"[: len(first)]
    ]
    expected = mg.stack(parts) if kind == "LSTM" else parts[0]
    what = f"{kind}, truncate={truncate}, reverse={reverse}, {masked=}: "
    if problem := unequal(what + "the output", z.array, expected.array, dtype):
        return problem
    if not z.requires_grad:
        return ""
    if rng.random() < 0.5:
        z.backward(weights.astype(z.dtype))
    else:  # by parts that are used one by one
        places = [tuple(place) for place in np.argwhere(weights.any(axis=(-2, -1)))]
        if not places:
            return ""
        total: Any = sum((z[place] * weights[place].astype(z.dtype)).sum() for place in places)
        (mg.unfuse(total) if rng.random() < 0.3 else total).backward()
    expected.backward(weights)
    for name, one, other in zip(("a", "h0", "c0 or W", "W or b", "b"), ours, theirs, strict=False):
        if one.requires_grad and (
            problem := unequal(f"{what}d{name}", one.grad, _grad(other), dtype)
        ):
            return problem
    return ""


def _grad(tensor: Any) -> Array:
    return np.zeros(tensor.shape) if tensor.grad is None else np.asarray(tensor.grad)


class Leaky(Cell):
    """A cell with other parts in its state: a sum that fades, and a number of steps."""

    state_names = ("h", "count")

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__(inputs, hidden)
        self.W = mg.Tensor(init.glorot_normal((inputs, hidden)), requires_grad=True)

    def forward(self, x: Any, state: Any) -> Any:
        h = 0.5 * state[0] + mg.tanh(x @ self.W) * (1.0 + 0.1 * state[1])
        return h, (h, 1.0 + state[1])


def custom(dtype: str, layout: str, rng: Generator) -> str:
    """`unroll` with a cell of the user's own: steps as a Tensor or a list, masked, cut and in
    reverse.
    """
    B, T = int(rng.integers(1, 4)), int(rng.integers(1, 6))
    cell = Leaky(2, 3)
    cell.W.array = laid_out(W := rng.normal(size=(2, 3)), layout)
    x, h0 = rng.normal(size=(B, T, 2)), rng.normal(size=(B, 3))
    real = real_steps(rng, B, T) if rng.random() < 0.6 else None
    truncate = int(rng.integers(1, T + 1)) if rng.random() < 0.5 else None
    reverse = bool(rng.random() < 0.5)
    real_x = x.copy()
    if real is not None:
        x[~real] = rng.choice([np.nan, np.inf, 3.0])
    given = mg.Tensor(laid_out(x, layout), requires_grad=True)
    start, zeros = mg.Tensor(h0, requires_grad=True), mg.Tensor(np.zeros((B, 3)))
    steps: Any = given if rng.random() < 0.5 else [given[:, t] for t in range(T)]
    found, (h, count) = unroll(
        cell, steps, (start, zeros), mask=real, truncate=truncate, reverse=reverse
    )
    weights, last = (
        rng.normal(size=(B, T, 3)) * some(rng, (B, T, 3)),
        rng.normal(size=(B, 3)) * some(rng, (B, 3)),
    )
    ((mg.stack(found, axis=1) * weights).sum() + (h * last).sum()).backward()
    expected, finals, counts = np.zeros((B, T, 3)), np.zeros((B, 3)), np.zeros((B, 3))
    dx, dW, dh0 = np.zeros(x.shape), np.zeros(W.shape), np.zeros(h0.shape)
    for b in range(B):
        order = [*range(T)][:: -1 if reverse else 1]
        state, seen, inner = h0[b], 0, {}
        for t in order:
            if real is None or real[b, t]:
                inner[t] = (np.tanh(real_x[b, t] @ W), 1 + 0.1 * seen)
                state, seen = 0.5 * state + inner[t][0] * inner[t][1], seen + 1
            expected[b, t] = state
        finals[b], counts[b], dh, left = state, seen, last[b].copy(), 0
        for t in reversed(order):
            dh = dh + weights[b, t]
            if t in inner:
                left += 1
                ds = dh * (1 - inner[t][0] ** 2) * inner[t][1]
                dx[b, t], dW = W @ ds, dW + np.outer(real_x[b, t], ds)
                dh = 0.5 * dh * (left != truncate or left == len(inner))
        dh0[b] = dh
    pairs = {"outputs": (np.stack([one.array for one in found], axis=1), expected), "h": (h.array, finals),
             "count": (count.array, counts), "dx": (_grad(given), dx), "dW": (_grad(cell.W), dW),
             "dh0": (_grad(start), dh0)}  # fmt: skip
    return next(
        filter(
            None,
            (unequal(f"{name}, {truncate=}, {reverse=}", *pair) for name, pair in pairs.items()),
        ),
        "",
    )


def onehot(dtype: str, layout: str, rng: Generator) -> str:
    """A recurrent layer that reads ids as one-hot vectors, fused or not, against one that reads the
    vectors.
    """
    kind: Any = (RNN, GRU, LSTM)[int(rng.integers(3))]
    ids, weights = rng.integers(0, 5, (3, 4)), rng.normal(size=(3, 2)).astype("f4")
    layer, found = kind(5, 2, bidirectional=False), []
    for tensor in layer.named_parameters().values():
        tensor.array = laid_out(rng.normal(size=tensor.shape).astype("f4"), layout)
    layer.fused = bool(rng.random() < 0.7)
    for x in (OneHot(5)(laid_out(ids, layout)), mg.Tensor(np.eye(5, dtype="f4")[ids])):
        output = layer(x, mask=np.ones(ids.shape))
        output.backward(weights)
        found.append(
            [output.array, *(np.array(one.grad) for one in layer.named_parameters().values())]
        )
        layer.zero_grad()
    return next(
        filter(
            None,
            (
                unequal("one-hot", ours, theirs, "float32")
                for ours, theirs in zip(*found, strict=True)
            ),
        ),
        "",
    )


def stale(dtype: str, layout: str, rng: Generator) -> str:
    """Vectors looked up before their table, or the ids, changed: what reads them afterwards reads
    the old ones.
    """
    kind: Any = (RNN, GRU, LSTM)[int(rng.integers(3))]
    layer, embedding = kind(3, 2), Embedding(5, 3)
    layer.fused = [None, True, True, False][int(rng.integers(4))]
    table, W = embedding.table, layer.cell.W_xh
    for tensor in (table, *layer.named_parameters().values()):
        tensor.array = laid_out(rng.normal(size=tensor.shape).astype(dtype), layout)
    table.requires_grad, numbers = bool(rng.random() < 0.7), rng.integers(1, 5, (2, 3))
    ids: Any = mg.Tensor(numbers) if rng.random() < 0.4 else laid_out(numbers, "C")
    optimizer = optim.SGD({"table": table}, lr=0.5, momentum=0.9) if table.requires_grad else None

    def step() -> None:
        if optimizer:
            mg.lookup(table, [1, 2]).sum().backward()
            optimizer.step()
            optimizer.zero_grad()

    def change(array: Array) -> None:
        array *= -2

    step()
    old = np.array(table.array)[numbers] if rng.random() < 0.5 else None
    with mg.no_grad() if (constant := rng.random() < 0.7) else mg.enable_grad():
        x = embedding(ids)
    old = x.array.copy() if old is None else old
    how = str(rng.choice(["step", "update", "assign", "ids", "again", "W", "frozen"]))
    if how == "step":
        step()
    elif how == "update":
        table.update(change)
    elif how == "assign":
        table.array = -2 * table.array
    elif how == "ids" and isinstance(ids, mg.Tensor):
        ids.array = (numbers + 1) % 5
    elif how == "ids":
        ids[...] = 0
    elif how == "again":
        embedding(np.array([[4, 0]]))
    elif how == "W":
        W.update(change)
    else:
        table.requires_grad = not table.requires_grad
    what, mask = f"{kind.__name__}, {layer.fused}, {how}, {constant=}", np.ones((2, 3))
    with mg.no_grad() if rng.random() < 0.5 else mg.enable_grad():
        found, plain = layer(x, mask=mask), x.sum()
        expected = layer(mg.Tensor(old), mask=mask)
    if problem := unequal(what, found.array, expected.array, dtype) or unequal(
        what, plain.array, old.sum(), dtype
    ):
        return problem
    if not found.requires_grad or not constant:
        return ""
    found.sum().backward()
    slope, W.grad = np.array(W.grad), None
    expected.sum().backward()
    if table.grad is not None and how != "frozen":
        return f"gradient: {what}: the table has one, of vectors that are constants"
    return unequal(f"gradient: {what}", slope, W.grad, dtype)


def written(dtype: str, layout: str, rng: Generator) -> str:
    """`sample` for models with and without a state, against a loop that reads the whole text each
    time.
    """
    table, W = rng.normal(size=(5, 3)).astype(dtype), 2 * rng.normal(size=(3, 5)).astype(dtype)
    form, shown = str(rng.choice(["none", "tensor", "tuple", "list"])), []

    class Next(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.dropout = Dropout(0.9)

        def forward(self, ids: Any, state: Any) -> Any:
            shown.append(ids.tolist())
            h = (
                np.zeros((1, 3), dtype)
                if state is None
                else (state if form == "tensor" else state[0]).array
            )
            rows = []
            for id in ids[0]:
                h = 0.7 * h + table[id]
                rows.append(h @ W)
            logits, after = (
                self.dropout(mg.Tensor(laid_out(np.stack(rows, axis=1), layout))),
                mg.Tensor(h),
            )
            return logits, {
                "none": None,
                "tensor": after,
                "tuple": (after, after),
                "list": [after, after],
            }[form]

    prompt = rng.integers(0, 5, int(rng.integers(1, 5)))
    count, seed, temperature = (
        int(rng.integers(0, 7)),
        int(rng.integers(100)),
        float(rng.choice([0, 0.3, 1.0, 5.0])),
    )
    given = prompt.tolist() if rng.random() < 0.5 else prompt
    model = Next().train(bool(rng.random() < 0.5))
    modes = [layer.training for layer in model.named_layers().values()]
    found = sample(model, given, count, temperature=temperature, seed=seed)
    noise, ids = np.random.default_rng(seed), prompt.tolist()
    views: list[Any] = []
    for _ in range(count):
        views.append([ids[-1:] if views and form != "none" else list(ids)])
        h = np.zeros(3)
        for id in ids:
            h = 0.7 * h + table[id]
        ids.append(int(np.argmax(h @ W + temperature * noise.gumbel(size=5))))
    what = f"of {prompt.tolist()}, {count}, {temperature=}, state {form}"
    if shown != views:
        return f"shown: {what}: {shown}, not {views}"
    if found != ids[len(prompt) :] or any(type(id) is not int for id in found):
        return f"sample: {what}: {found}, not {ids[len(prompt) :]}"
    return (
        ""
        if modes == [layer.training for layer in model.named_layers().values()]
        else f"modes: {what}"
    )


def converted(dtype: str, layout: str, rng: Generator) -> str:
    """Weights in PyTorch's and Keras's layouts, by these frameworks' own equations."""
    frame = str(rng.choice(["pytorch", "keras"]))
    kind = str(
        rng.choice(
            ["RNN", "RNN relu", "GRU", "LSTM", "others", *["GRU before"] * (frame == "keras")]
        )
    )
    depth, both, D, H = int(rng.integers(1, 3)), bool(rng.random() < 0.5), 3, 2
    special: dict[str, Any] = {
        "RNN relu": {"activation": mg.relu},
        "GRU before": {"reset_after": False},
    }
    options: dict[str, Any] = special.get(kind, {})
    inside, use_bias = rng.random() < 0.6, bool(rng.random() < 0.7)

    def make() -> Any:
        if kind == "others":
            return Sequential(
                Embedding(4, D), LayerNorm(D), Dense(D, H, bias=use_bias), Dense(H, H)
            )
        one = getattr(layers, kind.split()[0])(
            D, H, layers=depth, bidirectional=both, return_sequences=True, **options
        )
        return Sequential(Dense(D, D, bias=False), one) if inside else one

    ours, again = make(), make()
    for model in (ours, again):
        for tensor in model.named_parameters().values():
            tensor.array = laid_out(rng.normal(size=tensor.shape), layout)
    arrays = layers.to_layout(ours, frame)
    if rng.random() < 0.3:
        with tempfile.TemporaryDirectory() as folder:
            layers.export_weights(ours, file := Path(folder) / "weights.safetensors", frame)
            layers.import_weights(again, file, frame)
    else:  # others than ours: PyTorch's two biases are both of any size
        arrays = {name: array + rng.normal(size=array.shape) for name, array in arrays.items()}
        layers.from_layout(
            again, {name: laid_out(array, layout) for name, array in arrays.items()}, frame
        )
    back = layers.to_layout(again, frame)
    if set(back) != set(arrays):
        return f"names: {set(back)} instead of {set(arrays)}"
    for name, array in back.items():
        there = arrays[name]
        if "bias_hh" in name and kind != "GRU":  # we have one bias where PyTorch adds two
            name = name.replace("hh", "ih")
            array, there = array + back[name], there + arrays[name]
        if ("bias_ih" not in name or kind == "GRU" or "hh" in name) and (
            problem := unequal(name, array, there)
        ):
            return problem
    dot, turned = (".", "T") if frame == "pytorch" else ("/", "")

    def matrix(name: str) -> Array:
        return arrays[name].T if turned else arrays[name]

    if kind == "others":
        names = ("weight", "weight", "bias") if turned else ("embeddings", "gamma", "beta")
        ids = rng.integers(0, 4, (2, 3))
        x = arrays[f"embedding{dot}{names[0]}"][ids]
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        x = x * arrays[f"layernorm{dot}{names[1]}"] + arrays[f"layernorm{dot}{names[2]}"]
        for name in ("dense", "dense_2"):
            x = x @ matrix(f"{name}{dot}{'weight' if turned else 'kernel'}")
            x = x + arrays[f"{name}{dot}bias"] if use_bias or name != "dense" else x
        return unequal(f"{frame}: others", again(ids).array, x)
    given = x = rng.normal(size=(2, 4, D))
    path = kind.split()[0].lower() if inside else ""
    if inside:
        x = x @ matrix(f"dense{dot}{'weight' if turned else 'kernel'}")
    for level in range(depth):
        sides = []
        for side in range(1 + both):
            if turned:
                ending = f"_l{level}" + "_reverse" * side
                start = path + dot * inside
                W, U = matrix(f"{start}weight_ih{ending}"), matrix(f"{start}weight_hh{ending}")
                b, c = arrays[f"{start}bias_ih{ending}"], arrays[f"{start}bias_hh{ending}"]
            else:
                place = [*[path] * inside]
                if level:
                    place = [f"{path or kind.split()[0].lower()}_{level + 1}"]
                place += [("forward", "backward")[side]] * both
                W, U, b = (
                    arrays["/".join([*place, name])]
                    for name in ("kernel", "recurrent_kernel", "bias")
                )
                b, c = b if kind == "GRU" else (b, 0 * b)
            sides.append(_foreign(kind, frame, x, W, U, b, c, bool(side)))
        x = np.concatenate(sides, axis=2)
    return unequal(f"{frame}: {kind}, {depth} layers, {both=}, {inside=}", again(given).array, x)


def _foreign(
    kind: str, frame: str, x: Array, W: Array, U: Array, b: Array, c: Array, reverse: bool
) -> Array:
    """A recurrent layer as PyTorch's and Keras's manuals write it, all steps: (B, T, H)."""

    def sigma(s: Array) -> Array:
        return np.asarray(1 / (1 + np.exp(-s)))

    H, outputs = len(U), np.zeros((*x.shape[:2], len(U)))
    h = memory = np.zeros((len(x), H))
    for t in range(x.shape[1])[:: -1 if reverse else 1]:
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
            n = np.tanh(an + ((r * h) @ U[:, 2 * H :] if kind == "GRU before" else r * sn))
            h = (1 - z) * n + z * h
        outputs[:, t] = h
    return outputs


def initialised(dtype: str, layout: str, rng: Generator) -> str:
    """The bounds and variances of what initialisers and new layers hold."""
    rows, columns = (int(n) for n in rng.integers(20, 90, 2))
    fans = {"glorot_uniform": 2 / (rows + columns), "glorot_normal": 2 / (rows + columns), "he_uniform": 2 / rows,
            "he_normal": 2 / rows}  # fmt: skip
    name = str(rng.choice([*fans, "orthogonal", "normal", "uniform", "layers"]))
    mg.seed(int(rng.integers(10**6)))
    if name == "layers":
        bias, H = float(rng.choice([0.0, 1.0, 2.5])), int(rng.integers(1, 4))
        b = (
            LSTM(3, H, forget_bias=bias, bidirectional=True)
            .named_parameters()["backward_cell.b"]
            .array
        )
        dense = Dense(2, H, init=init.ones)
        right = (
            b.tolist() == [0] * H + [bias] * H + [0] * 2 * H
            and (dense.W.array == 1).all()
            and not dense.b.array.any()
        )
        norm = LayerNorm(H)
        right &= (norm.gain.array == 1).all() and not norm.bias.array.any()
        right &= bool((Embedding(H, 2, init=init.ones).table.array == 1).all())
        return (
            ""
            if right
            else f"layers: {b.tolist()}, {dense.W.array.tolist()}, {dense.b.array.tolist()}"
        )
    if name == "orthogonal":
        W = init.orthogonal((rows, columns)).astype(float)
        product = W @ W.T if rows < columns else W.T @ W
        return unequal(f"orthogonal {rows, columns}", product, np.eye(len(product)), "float32")
    low, high = -0.5, float(rng.choice([0.0, 0.5, 2.0]))
    make: Any = {"normal": init.normal(0.3), "uniform": init.uniform(low, high)}.get(
        name
    ) or getattr(init, name)
    W = make((rows, columns))
    variance = {"normal": 0.09, "uniform": (high - low) ** 2 / 12}.get(name) or fans[name]
    centre = (low + high) / 2 if name == "uniform" else 0.0
    bound = (
        (high - low) / 2
        if name == "uniform"
        else np.sqrt(3 * variance)
        if "uniform" in name
        else np.inf
    )
    near = abs(W.astype(float).var() / variance - 1) < 8 / np.sqrt(W.size)
    near &= (
        abs(W.mean() - centre) < 6 * np.sqrt(variance / W.size)
        and abs(W - centre).max() <= 1.0001 * bound
    )
    return (
        ""
        if near and W.dtype == np.float32
        else f"{name}: {rows, columns}: {W.var()}, not {variance}; {W.mean()}"
    )


def options(dtype: str, layout: str, rng: Generator) -> str:
    """Layers of any width with all their options, on inputs with any number of axes: values and
    gradients.
    """
    D, H, shape = (
        int(rng.integers(1, 5)),
        int(rng.integers(1, 4)),
        (2, 3, 1)[: int(rng.integers(0, 4))],
    )
    x = (
        rng.normal(size=(*shape, D)) * float(rng.choice([1.0, 1e-3, 30.0]))
        + float(rng.choice([0.0, 5.0]))
    ).astype(dtype)
    name = str(rng.choice(["dense", "norm", "tied", "dropout", "chain"]))
    t = mg.Tensor(laid_out(x, layout), requires_grad=True)
    wide = x.astype(float)
    if name == "dropout":
        layer: Any = Dropout(rate := float(rng.choice([0.0, 0.3, 0.9])))
        mg.seed(int(rng.integers(10**6)))
        z = layer(t)
        z.backward(weights := rng.normal(size=x.shape).astype(dtype))
        kept = z.array != 0
        problem = unequal(
            "dropout", z.array, np.where(kept, wide / (1 - rate), 0), dtype
        ) or unequal(
            "dropout's gradient", t.grad, np.where(kept | (x == 0), weights / (1 - rate), 0), dtype
        )
        many = layer(mg.Tensor(np.ones(3000))).array
        share = (many == 0).mean()
        return problem or (
            "" if abs(share - rate) < 0.06 and z.dtype == dtype else f"dropout: {share} at {rate}"
        )
    upstream = rng.normal(size=(*shape, D if name == "norm" else H)).astype(dtype)
    if name == "norm":
        epsilon = float(rng.choice([1e-5, 1e-3, 1.0]))
        layer = LayerNorm(D, epsilon=epsilon)
    elif name == "tied":
        layer = TiedHead(Embedding(H, D))
    else:
        choices: list[tuple[Any, Any, Any]] = [
            (None, lambda s: s, np.ones_like), (mg.tanh, np.tanh, lambda s: 1 - np.tanh(s) ** 2),
            (mg.relu, lambda s: np.maximum(s, 0), lambda s: 1.0 * (s > 0)),
            (mg.softplus, lambda s: np.logaddexp(0, s), lambda s: 0.5 + 0.5 * np.tanh(s / 2)),
        ]  # fmt: skip
        activation, function, slope = choices[int(rng.integers(4))]
        layer = Dense(D, H, activation, bias=bool(rng.random() < 0.6))
        model = Sequential(layer) if name == "chain" and activation else layer
        if name == "chain":
            layer = Dense(D, H, bias=True)
            model = Sequential(layer, activation) if activation else layer
    for tensor in layer.named_parameters().values():
        tensor.array = laid_out(rng.normal(size=tensor.shape).astype(dtype), layout)
    p = {
        key.split(".")[-1]: np.array(one.array, float)
        for key, one in layer.named_parameters().items()
    }
    mixed = name in ("dense", "chain") and rng.random() < 0.3
    given, flat, dz = (
        laid_out(x, layout),
        wide.reshape(-1, D),
        upstream.astype(float).reshape(len(wide.reshape(-1, D)), -1),
    )
    z = (model if name in ("dense", "chain") else layer)(given.astype(float) if mixed else t)
    z.backward(upstream)
    g = {key.split(".")[-1]: _grad(one) for key, one in layer.named_parameters().items()}
    if name == "norm":
        centred, root = (
            flat - flat.mean(1, keepdims=True),
            np.sqrt(flat.var(1, keepdims=True) + epsilon),
        )
        n, dn = centred / root, dz * p["gain"]
        value = n * p["gain"] + p["bias"]
        dx = (dn - dn.mean(1, keepdims=True) - n * (dn * n).mean(1, keepdims=True)) / root
        slopes = {"gain": (dz * n).sum(0), "bias": dz.sum(0)}
    elif name == "tied":
        value, dx = flat @ p["table"].T + p["b"], dz @ p["table"]
        slopes = {"table": dz.T @ flat, "b": dz.sum(0)}
    else:
        s = flat @ p["W"] + p.get("b", 0.0)
        value, ds = function(s), dz * slope(s)
        dx, slopes = ds @ p["W"].T, {"W": flat.T @ ds, "b": ds.sum(0)}
    if z.dtype != dtype or z.shape != upstream.shape:
        return f"form: {name} is {z.dtype} {z.shape}"
    if dtype == "float32":  # sums of numbers of other sizes
        scale = 1 + np.abs(flat).max() ** 2 + np.abs(dx).max()
    else:
        scale = 1.0
    pairs = {
        "value": (z.array.reshape(value.shape), value),
        **{key: (g[key], slopes[key]) for key in g},
    }
    if not mixed:
        pairs["dx"] = (_grad(t).reshape(dx.shape), dx)
    for key, (found, there) in pairs.items():
        if problem := unequal(
            f"{name}: {key} of {x.tolist()}", found / scale, there / scale, dtype
        ):
            return problem
    return ""


def losses(dtype: str, layout: str, rng: Generator) -> str:
    """Losses with all options, of all dtypes and any number of axes, extremes and empty batches:
    values, gradients.
    """
    dtype = "float16" if rng.random() < 0.2 else dtype
    name = str(rng.choice(["CE", "NLL", "BCE", "MSE", "MAE"]))
    how, C = str(rng.choice(["mean", "sum", "none"])), int(rng.integers(1, 5))
    shape = (int(rng.integers(0 if how != "mean" else 1, 4)), 2, 1)[: int(rng.integers(1, 4))]
    # so many that their sum leaves the range, and their mean does not
    if dtype == "float16" and rng.random() < 0.5:
        shape = (400, 3)
    size = float(rng.choice([1.0, 10.0, 100.0 if dtype == "float16" else 1e4]))
    x = np.asarray(size * rng.normal(size=(*shape, C) if name in ("CE", "NLL") else shape)).astype(
        dtype
    )
    weighted, scale = bool(rng.random() < 0.5), 1.5
    loss_options: dict[str, Any] = {"reduction": how}
    e: Array = x.astype(float)
    if name in ("CE", "NLL"):
        labels = rng.integers(0, C, shape)
        # classes that are ruled out, but not by their label
        if name == "CE" and rng.random() < 0.2:
            e = np.where(
                (rng.random(e.shape) < 0.3) & (np.arange(C) != labels[..., None]), -np.inf, e
            )
        if name == "NLL":
            e = (-np.abs(e)).astype(dtype).astype(float)
        x = e.astype(dtype)
        weights = rng.choice([0.0, 0.25, 0.5, 1.0, 3.0], C) if weighted else np.ones(C)
        if how == "mean" and not weights[labels].sum():
            return ""
        w, onehot = weights[labels], np.eye(C)[labels]
        top = e.max(axis=-1, keepdims=True) if e.size else np.zeros((*shape, 1))
        share = np.exp(e - top)
        total = share.sum(axis=-1, keepdims=True)
        log = e - top - np.log(total) if name == "CE" else e
        each = -np.take_along_axis(log, labels[..., None], -1)[..., 0] * w
        slope = ((share / total if name == "CE" else 0.0) - onehot) * w[..., None]
        count = w.sum()
        truth: Any = labels.astype(str(rng.choice(["int64", "int32", "uint8", "int8"])))
        truth = truth.tolist() if rng.random() < 0.1 and truth.size else laid_out(truth, layout)
        loss_options |= (
            {"weights": weights.tolist() if rng.random() < 0.5 else weights} if weighted else {}
        )
        function: Any = mg.softmax_cross_entropy if name == "CE" else mg.negative_log_likelihood
    elif name == "BCE":
        t = (
            rng.integers(0, 2, shape).astype(float)
            if rng.random() < 0.5
            else rng.choice([0, 0.25, 0.5, 1], shape)
        )
        w0, w1 = map(float, rng.choice([0.0, 0.5, 1.0, 3.0], 2)) if weighted else (1.0, 1.0)
        soft, half = np.log1p(np.exp(-np.abs(e))), np.exp(-np.logaddexp(0, -e))
        each = w1 * t * (np.maximum(-e, 0) + soft) + w0 * (1 - t) * (np.maximum(e, 0) + soft)
        slope = w0 * (1 - t) * half - w1 * t * np.exp(-np.logaddexp(0, e))
        count = (w1 * t + w0 * (1 - t)).sum()
        if how == "mean" and not count:
            return ""
        kinds = ["float64", "float32", *["int64", "bool", "uint8"] * (not (t % 1).any())]
        truth = laid_out(t.astype(str(rng.choice(kinds))), layout)
        loss_options |= {"weights": (w0, w1)} if weighted else {}
        function = mg.binary_cross_entropy
    else:
        t = (size * rng.normal(size=shape)).astype(dtype)
        if rng.random() < 0.2:
            t = x.copy()
        away = e - t.astype(float)
        each, slope = (away**2, 2 * away) if name == "MSE" else (np.abs(away), np.sign(away))
        count, truth = max(1, each.size), laid_out(t, layout)
        function = mg.mean_squared_error if name == "MSE" else mg.mean_absolute_error
    differentiable = dtype != "float16"
    given = mg.Tensor(laid_out(x, layout), requires_grad=differentiable)
    both = name in ("MSE", "MAE") and rng.random() < 0.5
    truth = mg.Tensor(truth, requires_grad=differentiable) if both else truth
    with np.errstate(all="ignore"):
        z = function(given, truth, **loss_options)
    value: Any = each if how == "none" else each.sum() / (count if how == "mean" else 1)
    factors = rng.normal(size=shape) * some(rng, shape) if how == "none" else np.array(scale)
    slope = slope * (factors.reshape(factors.shape + (1,) * (slope.ndim - factors.ndim)))
    slope = slope / count if how == "mean" else slope
    largest = np.finfo(dtype).max
    if max(np.abs(one).max(initial=0) for one in (each, value, slope)) > largest / 4:
        return ""
    shown = np.asarray(getattr(truth, "array", truth))
    what = f"{name}, {loss_options}, of {dtype} {x.tolist()} and {shown.dtype} {shown.tolist()}"
    if z.dtype != dtype or z.shape != np.shape(value):
        return f"form: {what} is {z.dtype} {z.shape}"
    bound = (
        max(1.0, np.abs(e[np.isfinite(e)]).max(initial=0))
        if name not in ("MSE", "MAE")
        else 1 + np.abs(each).max(initial=0)
    )
    if (problem := unequal(what, z.array / bound, value / bound, dtype)) or not differentiable:
        return problem
    z.backward(factors.astype(dtype))
    bound = 1 + np.abs(slope).max(initial=0)
    if problem := unequal(f"gradient: {what}", given.grad / bound, slope / bound, dtype):
        return problem
    return (
        unequal(f"gradient of the truth: {what}", truth.grad / bound, -slope / bound, dtype)
        if both
        else ""
    )


def axes(dtype: str, layout: str, rng: Generator) -> str:
    """Reductions and softmax along any axes, keepdims, with ties, in all floats: values and
    gradients.
    """
    dtype = "float16" if rng.random() < 0.15 else dtype
    shape = tuple(int(n) for n in rng.integers(1, 4, int(rng.integers(1, 4))))
    x = np.asarray(
        rng.integers(-2, 3, shape) if rng.random() < 0.5 else rng.normal(size=shape)
    ).astype(dtype)
    name = str(rng.choice(["sum", "mean", "max", "min", "var", "std", "logsumexp", "argmax", "argmin", "softmax",
                           "log_softmax", "cumsum"]))  # fmt: skip
    n = len(shape)
    axis: Any = int(rng.integers(-n, n))
    keep = bool(rng.random() < 0.5)
    if name in ("logsumexp", "softmax", "log_softmax") and rng.random() < 0.3:
        x[rng.random(shape) < 0.4] = -np.inf
    if name == "logsumexp" and dtype != "float16" and rng.random() < 0.3:
        x += np.array(1e8, dtype)  # where the sum itself is rounded
    t, wide, what = (
        mg.Tensor(laid_out(x, layout), requires_grad=dtype != "float16"),
        x.astype(float),
        f"{name} of {x.tolist()} by {axis}",
    )
    if name in ("argmax", "argmin"):
        axis = axis if rng.random() < 0.7 else None
        found = getattr(np, name)(t, axis=axis)
        return unequal(what, getattr(found, "array", found), getattr(x, name)(axis=axis))
    if name in ("softmax", "log_softmax", "cumsum"):
        z = getattr(mg, name)(t, axis=axis)
        top = wide.max(axis=axis, keepdims=True)
        if np.isinf(top).any():
            return ""
        share = np.exp(wide - top)
        total = share.sum(axis=axis, keepdims=True)
        value = {
            "softmax": share / total,
            "log_softmax": wide - top - np.log(total),
            "cumsum": wide.cumsum(axis),
        }[name]
        dz = rng.normal(size=shape) * some(rng, shape)
        p = share / total
        slope = {
            "softmax": p * (dz - (dz * p).sum(axis=axis, keepdims=True)),
            "log_softmax": dz - p * dz.sum(axis=axis, keepdims=True),
            "cumsum": np.flip(np.flip(dz, axis).cumsum(axis), axis),
        }[name]
    else:
        if rng.random() < 0.5:
            axis = tuple(sorted(rng.choice(n, int(rng.integers(1, n + 1)), replace=False).tolist()))
            axis = None if rng.random() < 0.3 else axis
        count = x.size // max(1, np.asarray(wide.sum(axis=axis)).size)
        ddof = int(rng.integers(0, min(2, count))) if name in ("var", "std") else 0
        extra: Any = {"ddof": ddof} if name in ("var", "std") else {}
        what = f"{name} of {x.tolist()} by {axis}, {keep=}, {extra}"
        z = getattr(t, name)(axis=axis, keepdims=keep, **extra)
        if name == "logsumexp":
            top = wide.max(axis=axis, keepdims=True)
            top = np.where(np.isfinite(top), top, 0)
            value = np.log(np.exp(wide - top).sum(axis=axis, keepdims=True)) + top
        else:
            value = getattr(wide, name)(axis=axis, keepdims=True, **extra)
        dz = rng.normal(size=value.shape)
        centred = wide - wide.mean(axis=axis, keepdims=True)
        equal = 1.0 * (wide == value)
        root = np.where(value > 0, value, np.inf)
        slope = {
            "sum": lambda: dz + 0 * wide, "mean": lambda: (dz + 0 * wide) / count,
            "var": lambda: 2 * centred * dz / (count - ddof), "std": lambda: centred * dz / (count - ddof) / root,
            "logsumexp": lambda: dz * shares(wide, axis),
        }.get(name, lambda: dz * equal / equal.sum(axis=axis, keepdims=True))()  # fmt: skip
        value = value.reshape(np.shape(wide.sum(axis=axis, keepdims=keep)))
    if z.dtype != dtype:
        return f"form: {what} is {z.dtype}"
    if name == "std" and dtype != "float64" and (value < 0.1).any():
        return ""  # too steep
    if (problem := unequal(what, z.array, value, dtype)) or not z.requires_grad:
        return problem
    z.backward(dz.reshape(z.shape).astype(dtype))
    return unequal(f"gradient: {what}", t.grad, slope, dtype)


def shares(x: Array, axis: Any) -> Array:
    """softmax by any axes; 0 where all of x is -inf."""
    top = x.max(axis=axis, keepdims=True)
    e = np.exp(x - np.where(np.isfinite(top), top, 0))
    parts: Array = e / np.maximum(e.sum(axis=axis, keepdims=True), 1e-300)
    return parts


def pools(dtype: str, layout: str, rng: Generator) -> str:
    """Pooling with masks of any kind, ties, equal numbers and infinities."""
    B, T, D = (int(rng.integers(1, n)) for n in (4, 6, 4))
    dtype = "float16" if rng.random() < 0.15 else dtype
    x = rng.integers(-2, 3, (B, T, D)).astype(dtype)
    how, real = str(rng.choice(["mean", "max"])), real_steps(rng, B, T)
    if how == "max" and rng.random() < 0.3:
        x[rng.random(x.shape) < 0.3] = -1e4
    masked = bool(rng.random() < 0.8)
    real = real if masked else np.ones((B, T), bool)
    y = x.copy()
    x[~real] = rng.choice([0.0, np.nan, np.inf, -np.inf, 6e4])
    given = real.astype(str(rng.choice(["bool", "int64", "float32", "uint8"])))
    t = mg.Tensor(laid_out(x, layout), requires_grad=dtype != "float16")
    z = pool(t, how, *[laid_out(given, layout)] * masked)
    dz = rng.normal(size=(B, D)) * some(rng, (B, D))
    if z.requires_grad:
        z.backward(dz.astype(dtype))
    value, slope = np.zeros((B, D)), np.zeros(x.shape)
    for b in range(B):
        own = y[b, real[b]].astype(float)
        value[b] = own.mean(axis=0) if how == "mean" else own.max(axis=0)
        share = np.ones(own.shape) if how == "mean" else 1.0 * (own == value[b])
        slope[b, real[b]] = dz[b] * share / share.sum(axis=0)
    what = f"pool: {how} of {x.tolist()}, {given.tolist()}"
    if z.dtype != dtype:
        return f"form: {what} is {z.dtype}"
    if (problem := unequal(what, z.array, value, dtype)) or not z.requires_grad:
        return problem
    return unequal(f"gradient: {what}", t.grad, slope, dtype)


def shared(dtype: str, layout: str, rng: Generator) -> str:
    """One table that is looked up, indexed, multiplied and added, several times in one graph or in
    several.
    """
    V, D = int(rng.integers(2, 7)), int(rng.integers(1, 4))
    start = rng.normal(size=(V, D)).astype(dtype)
    table = Embedding(V, D).table if rng.random() < 0.7 else mg.Tensor(start, requires_grad=True)
    table.array = laid_out(start, layout)
    wide, slope = start.astype(float), np.zeros((V, D))
    names: list[str] = []
    whole = rng.random() < 0.4  # by `mg.grad`, as one graph
    total: Any = 0.0
    for _ in range(int(rng.integers(1, 5))):
        name = str(rng.choice(["lookup", "index", "product", "head", "whole", "part", "row"]))
        ids = rng.integers(0, V, (2, 3)[: int(rng.integers(1, 3))])
        if name == "lookup":
            z: Any = mg.lookup(table, laid_out(ids, layout))
            reads = np.eye(V)[ids.ravel()]
        elif name == "index":
            z = table[laid_out(ids - V * (rng.random(ids.shape) < 0.4), layout)]
            reads = np.eye(V)[ids.ravel()]
        elif name == "whole":
            z, reads = table * 2.0, 2 * np.eye(V)
        elif name == "part":
            z, reads = table[1:], np.eye(V)[1:]
        elif name == "row":
            z, reads = table[int(ids.ravel()[0]) - V], np.eye(V)[ids.ravel()[:1]]
        elif name == "head":
            z, reads = table, np.eye(V)
        else:
            z, reads = None, np.eye(V)[ids.ravel()]
        right = rng.normal(size=(D, 2)) if name in ("head", "product") else np.eye(D)
        if name == "head":
            z = mg.Tensor(right.T.astype(dtype)) @ table.T
            z = z.T
        elif z is None:
            z = mg.LookupProduct()(
                table, laid_out(ids, layout), right.astype(dtype), np.zeros(2, dtype)
            )
        expected = reads @ wide @ right
        dz = rng.normal(size=expected.shape) * some(rng, expected.shape)
        if problem := unequal(
            f"{name} of {ids.tolist()}", z.array.reshape(expected.shape), expected, dtype
        ):
            return problem
        slope, names = slope + reads.T @ dz @ right.T, [*names, name]
        one = (z * dz.reshape(z.shape).astype(dtype)).sum()
        if whole or rng.random() < 0.5:
            total = total + one
        else:
            one.backward()
    if isinstance(total, mg.Tensor) and not whole:
        total.backward()
    found = mg.grad(total, [table])[0].array if whole else np.asarray(table.grad)
    return unequal(f"gradient of the table, by {names}, {whole=}", found, slope, dtype)


def elements(dtype: str, layout: str, rng: Generator) -> str:
    """Functions of single numbers with their settings, of all floats: values and gradients at
    numbers of any size.
    """
    dtype = "float16" if rng.random() < 0.25 else dtype
    shape = (int(rng.integers(0, 4)), 3)[: int(rng.integers(0, 3))]
    x = np.asarray(rng.normal(size=shape) * 10.0 ** rng.integers(-3, 5)).astype(dtype)
    wide, slope, high = (
        x.astype(float),
        float(rng.choice([0.0, 0.01, 0.3])),
        float(rng.choice([0.5, 3.0])),
    )
    low: Any = -0.25 if rng.random() < 0.6 else None
    top: Any = high if low is None or rng.random() < 0.6 else None
    bottom, ceiling = -np.inf if low is None else low, np.inf if top is None else top
    half = np.exp(-np.logaddexp(0, -wide))
    functions: dict[str, tuple[Any, Any, Any]] = {
        "sigmoid": (mg.sigmoid, half, half * np.exp(-np.logaddexp(0, wide))),
        "tanh": (
            mg.tanh,
            np.tanh(wide),
            4 * np.exp(-2 * np.abs(wide)) / (1 + np.exp(-2 * np.abs(wide))) ** 2,
        ),
        "softplus": (mg.softplus, np.logaddexp(0, wide), half),
        "relu": (mg.relu, np.maximum(wide, 0), 1.0 * (wide > 0)),
        "leaky": (
            lambda t: mg.leaky_relu(t, slope),
            np.where(wide > 0, wide, slope * wide),
            np.where(wide > 0, 1, slope),
        ),
        "clip": (
            lambda t: mg.clip(t, low, top),
            np.clip(wide, bottom, ceiling),
            1.0 * ((wide > bottom) & (wide < ceiling)),
        ),
        "exp": (mg.exp, np.exp(wide), np.exp(wide)),
        "log": (lambda t: mg.log(abs(t)), np.log(np.abs(wide)), 1 / wide),
        "sqrt": (
            lambda t: mg.sqrt(abs(t)),
            np.sqrt(np.abs(wide)),
            np.sign(wide) / 2 / np.sqrt(np.abs(wide)),
        ),
        "cube": (lambda t: t**3, wide**3, 3 * wide**2),
        "inverse": (lambda t: 2.0 / t, 2 / wide, -2 / wide**2),
    }
    name = str(rng.choice(list(functions)))
    function, value, slopes = functions[name]
    t = mg.Tensor(laid_out(x, layout), requires_grad=dtype != "float16")
    z, what = function(t), f"{name} {slope, low, top} of {dtype} {x.tolist()}"
    if z.dtype != dtype:
        return f"form: {what} is {z.dtype}"
    if problem := apart(what, z.array, value, dtype):
        return problem
    if dtype == "float16":
        return ""
    dz = rng.normal(size=shape)
    z.backward(dz.astype(dtype))
    return apart(f"gradient: {what}", t.grad, dz * slopes, dtype)


def apart(what: str, found: Any, expected: Any, dtype: str) -> str:
    """`unequal` of numbers of all sizes: each to the precision of its own size, or of the smallest
    of the dtype.
    """
    expected = np.asarray(expected).astype(dtype).astype(float)
    kind = np.finfo(dtype)
    # a product with a difference from 1
    flat = what.startswith(("gradient: tanh", "gradient: sigmoid"))
    least = float(kind.eps if flat else kind.tiny)
    near = np.isclose(np.asarray(found).astype(float), expected, 40 * float(kind.eps), 4 * least)
    near |= np.abs(expected) > kind.max / 2
    if np.shape(found) == expected.shape and near.all():
        return ""
    return f"{what} is {np.asarray(found).tolist()}\n    expected: {expected.tolist()}"


def carried(dtype: str, layout: str, rng: Generator) -> str:
    """A `Stateful` over windows in training and evaluation, stored and loaded, against the layer
    over all of them.
    """
    kind: Any = (RNN, GRU, LSTM)[int(rng.integers(3))]
    k1, k2, B = (int(rng.integers(1, n)) for n in (4, 5, 3))
    layer = kind(2, 2, return_sequences=True, return_state=True, layers=int(rng.integers(1, 3)))
    layer.fused = True if rng.random() < 0.3 else None

    def make() -> Any:
        return Sequential(layers.Stateful(layer, layers.TruncatedBPTT(k1, k2)))

    model = make()
    seen: list[Array] = []
    evaluated: list[Array] = []
    for _ in range(6):
        action = str(rng.choice(["train", "train", "evaluate", "end", "store"]))
        x = laid_out(rng.normal(size=(B, k1, 2)).astype("f4"), layout)
        if action == "train":
            model.train()
            seen, evaluated = [*seen, x], []
            found, expected = model(x).array, layer(np.concatenate(seen, axis=1))[0].array
            expected = expected[:, -min(k1, k2) :]
        elif action == "evaluate":
            if not evaluated:
                model.eval()
            evaluated.append(x)
            with mg.no_grad():
                found, expected = (
                    model(x).array,
                    layer(np.concatenate(evaluated, axis=1))[0].array[:, -k1:],
                )
        else:
            evaluated = []
            if action == "store":
                state = {path: array.copy() for path, array in model.carried_state().items()}
                model = make()
                model.load_carried_state(state)
            model.train()
            continue
        if problem := unequal(
            f"carried: {action} after {len(seen)} and {len(evaluated)}", found, expected, "float32"
        ):
            return problem
    return ""


def empties(dtype: str, layout: str, rng: Generator) -> str:
    """Functions of arrays without elements, as NumPy has them; their gradients have the inputs'
    shapes.
    """
    shape = [int(n) for n in rng.integers(1, 3, 3)]
    shape[where := int(rng.integers(3))] = 0
    x = np.zeros(shape, dtype)
    a, b, c = shape
    cases: dict[str, tuple[Any, Any]] = {
        "sum": (lambda t: t.sum(axis=where), lambda n: n.sum(axis=where)),
        "all": (lambda t: t.sum(keepdims=True), lambda n: n.sum(keepdims=True)),
        "tanh": (lambda t: mg.tanh(t) * 2.0, lambda n: np.tanh(n) * 2),
        "matmul": (lambda t: t @ np.ones((c, 2), dtype), lambda n: n @ np.ones((c, 2), dtype)),
        "bias": (lambda t: t + np.ones(c, dtype), lambda n: n + np.ones(c, dtype)),
        "transpose": (lambda t: t.transpose(2, 0, 1), lambda n: n.transpose(2, 0, 1)),
        "reshape": (lambda t: t.reshape(-1), lambda n: n.reshape(-1)),
        "concatenate": (lambda t: mg.concatenate([t, t], axis=1), lambda n: np.concatenate([n, n], axis=1)),
        "stack": (lambda t: mg.stack([t, t]), lambda n: np.stack([n, n])),
        "cumsum": (lambda t: mg.cumsum(t, axis=1), lambda n: n.cumsum(axis=1)),
        "index": (lambda t: t[:, :1], lambda n: n[:, :1]),
        "where": (lambda t: mg.where(x == 0, t, 1.0), lambda n: n),
        "pad": (
            lambda t: mg.pad(t, [(1, 0), (0, 1), (1, 1)], constant_values=2.0),
            lambda n: np.pad(n, [(1, 0), (0, 1), (1, 1)], constant_values=2.0),
        ),
        "einsum": (lambda t: mg.einsum("bij->bi", t), lambda n: np.einsum("bij->bi", n)),
        "softmax": (lambda t: mg.softmax(t, axis=(where + 1) % 3), lambda n: n),
        "log_softmax": (lambda t: mg.log_softmax(t, axis=(where + 1) % 3), lambda n: n),
        "take": (lambda t: t[np.zeros(0, int)], lambda n: n[np.zeros(0, int)]),
        "dense": (lambda t: _ones(Dense(c, 2), dtype)(t) if c else t, lambda n: n @ np.ones((c, 2)) if c else n),
        "norm": (lambda t: LayerNorm(c)(t) if c else t, lambda n: n),
        "lookup": (
            lambda t: mg.lookup(t.reshape(-1, 2) if t.ndim else t, np.zeros((0, 3), int)),
            lambda n: n.reshape(-1, 2)[np.zeros((0, 3), int)],
        ),
    }  # fmt: skip
    name = str(rng.choice(list(cases)))
    ours, numpy = cases[name]
    t = mg.Tensor(laid_out(x, layout if layout != "broadcast" else "C"), requires_grad=True)
    z = ours(t)
    if problem := unequal(f"{name} of {shape}", z.array, numpy(x)):
        return problem
    if z.dtype != dtype and name != "norm":
        return f"form: {name} of {shape} is {z.dtype}"
    z.backward(np.ones(z.shape, z.dtype)) if z.node.gate else None
    return unequal(f"gradient: {name} of {shape}", t.grad, x) if t.grad is not None else ""


INTEGERS = ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")

MIXED: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    "n + t": (lambda n, t: n + t, lambda n, t: np.ones_like(t)),
    "n - t": (lambda n, t: n - t, lambda n, t: -np.ones_like(t)),
    "t - n": (lambda n, t: t - n, lambda n, t: np.ones_like(t)),
    "n * t": (lambda n, t: n * t, lambda n, t: n * np.ones_like(t)),
    "n / t": (lambda n, t: n / t, lambda n, t: -n / t**2),
    "t / n": (lambda n, t: t / n, lambda n, t: np.ones_like(t) / n),
    "n ** t": (lambda n, t: n**t, lambda n, t: n**t * np.log(n)),
    "t ** n": (lambda n, t: t**n, lambda n, t: n * t ** (n - 1)),
}
"""Operations on integers n and a Tensor t, each with dz/dt."""


def mixed(dtype: str, layout: str, rng: Generator) -> str:
    """Integers and booleans of every width beside a Tensor of floats, on either side of every
    operator.
    """
    name, kind, shape = (
        str(rng.choice([*MIXED])),
        str(rng.choice(INTEGERS)),
        (2, int(rng.integers(1, 4))),
    )
    n = laid_out(rng.integers(1, 120 if name[2] in "+-*/" else 4, shape), layout).astype(kind)
    n = n if rng.random() < 0.7 else n[0, 0]  # an array, or a number of NumPy
    x = rng.uniform(0.5, 1.5, shape)
    t = mg.Tensor(x, requires_grad=True, dtype=dtype)
    compute, slope = MIXED[name]
    z = compute(n if rng.random() < 0.5 else mg.Tensor(n), t)
    dz = rng.normal(size=shape)
    z.backward(dz.astype(z.dtype))
    wide = np.asarray(n, np.float64)
    what = f"{name} with n {n!r}, t {x.tolist()}:"
    inner, final = t * 1.0, str(rng.choice(["float32", "float64"]))
    (gradient,) = mg.grad((inner.astype(final) * dz.astype(final)).sum(), [inner])
    if gradient.dtype != dtype or (
        problem := unequal("gradient of astype", gradient.array, dz, "float32")
    ):
        return (
            problem
            if gradient.dtype == dtype
            else f"dtype: astype({final}) gives {dtype} a {gradient.dtype}"
        )
    return unequal(f"value: {what}", z.array, compute(wide, x), dtype) or unequal(
        f"gradient: {what}", t.grad, dz * slope(wide, x), dtype
    )


def fits(dtype: str, layout: str, rng: Generator) -> str:
    """Several calls of `fit` without a seed: they see the orders that as many epochs in one loop
    see.
    """
    rows, size, seed = int(rng.integers(2, 7)), int(rng.integers(1, 4)), int(rng.integers(100))
    numbers, epochs = (
        np.arange(rows),
        [int(rng.integers(1, 4)) for _ in range(int(rng.integers(1, 4)))],
    )
    ours, book = (
        mg.data.Batches(np.ones((rows, 2), dtype), numbers, batch_size=size, seed=seed)
        for _ in range(2)
    )
    seen: list[int] = []

    def loss(output: mg.Tensor, labels: Any) -> mg.Tensor:
        seen.extend(labels)
        return output.sum()

    model = layers.Dense(2, 1)
    trainer = optim.Trainer(
        model, loss, optim.SGD(model.named_parameters(), lr=0.1), metrics={}, callbacks=[]
    )
    for count in epochs:
        trainer.fit(ours, epochs=count)
    expected = [int(number) for _ in range(sum(epochs)) for _, labels in book for number in labels]
    return "" if seen == expected else f"{epochs} epochs: {seen} and not {expected}"


def listed(dtype: str, layout: str, rng: Generator) -> str:
    """A list of tensors, some of one name or of none: all are trained and clipped."""
    names = [(None, "w", "b")[int(rng.integers(3))] for _ in range(int(rng.integers(1, 5)))]
    tensors = [mg.Tensor(np.ones(2), requires_grad=True, dtype=dtype, name=name) for name in names]
    rule, norm = optim.SGD(tensors, lr=0.5), 10 * (2 * len(tensors)) ** 0.5
    total: Any = sum((10.0 * one).sum() for one in tensors)
    total.backward()
    if rng.random() < 0.5:
        given = tensors if rng.random() < 0.5 else rule.parameters()
        if problem := unequal(
            f"norm of {names}", optim.clip_gradients(given, norm / 10), norm, dtype
        ):
            return problem
        norm /= 10
    rule.step()
    slope = norm / (2 * len(tensors)) ** 0.5
    return unequal(
        f"tensors {names}",
        [one.array for one in tensors],
        [[1 - 0.5 * slope] * 2] * len(tensors),
        dtype,
    )


class OwnBatches:
    """Batches of a user's own, with or without a position of their own to go on from."""

    def __init__(self, numbers: list[int]) -> None:
        self.numbers, self.at = numbers, 0

    def __iter__(self) -> Iterator[tuple[Array, Array]]:
        start, self.at = self.at, 0
        for place in range(start, len(self.numbers)):
            self.at = place + 1
            yield np.ones((1, 2), np.float32), np.array([self.numbers[place]])
        self.at = 0


class Resumable(OwnBatches):
    def state_dict(self) -> dict[str, int]:
        return {"at": self.at}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.at = state["at"]


def goes_on(dtype: str, layout: str, rng: Generator) -> str:
    """A run over a user's own batches that fails and is resumed: together they see each batch
    once.
    """
    kind, count, epochs = (OwnBatches, Resumable)[int(rng.integers(2))], int(rng.integers(1, 6)), 2
    fails = int(rng.integers(1, count * epochs))
    seen: list[int] = []

    def fit(folder: Path, resume: Path | None) -> None:
        def loss(output: mg.Tensor, labels: Any) -> mg.Tensor:
            if resume is None and len(seen) == fails:
                raise KeyboardInterrupt
            seen.extend(labels.tolist())
            return output.sum()

        model = layers.Dense(2, 1)
        rule, callbacks = (
            optim.SGD(model.named_parameters(), lr=0.1),
            [optim.Snapshots(folder, every_steps=1)],
        )
        trainer = optim.Trainer(model, loss, rule, metrics={}, callbacks=callbacks)
        with contextlib.suppress(KeyboardInterrupt):
            trainer.fit(kind(list(range(count))), epochs=epochs, resume=resume)

    quiet, unsynced = (
        contextlib.redirect_stdout(io.StringIO()),
        replaced(os, "fsync", lambda file: None),
    )
    with tempfile.TemporaryDirectory() as name, quiet, unsynced:
        fit(Path(name), None)
        fit(Path(name), optim.Snapshots.latest(name))
    expected = [*range(count)] * epochs
    return "" if seen == expected else f"{kind.__name__}: {seen} and not {expected}"


def contexts(dtype: str, layout: str, rng: Generator) -> str:
    """A block, or a decorated function, generator or coroutine: what holds inside it, at a yield
    and after it.
    """
    kinds: dict[str, tuple[Any, Any, Any]] = {
        "no_grad": (context.RECORDING, mg.no_grad, False),
        "enable_grad": (context.RECORDING, mg.enable_grad, True),
        "fused": (context.FUSED, mg.fused, True),
        "scope": (context.SCOPE, lambda: mg.scope("s"), (*context.SCOPE.get(), "s")),
    }
    variable, make, inside = kinds[str(rng.choice([*kinds]))]
    form = str(rng.choice(["block", "function", "generator", "coroutine", "generators"]))
    seen: list[Any] = []
    between: list[Any] = []

    def function() -> None:
        seen.append(variable.get())

    def generator() -> Iterator[None]:
        for _ in range(2):
            seen.append(variable.get())
            yield

    def held() -> Iterator[None]:
        with make():
            yield

    async def coroutine() -> None:
        seen.append(variable.get())

    with mg.no_grad() if rng.random() < 0.5 else mg.fused(False):
        before = variable.get()
        try:
            decorated: Any = make()(
                {"generator": generator, "coroutine": coroutine}.get(form, function)
            )
        except mg.MinigradError as error:
            return (
                ""
                if error.code == "MG131" and form not in ("block", "function")
                else f"refused: {error}"
            )
        if form == "block":
            with make():
                function()
        elif form == "generators":  # that take turns, and end in the order in which they began
            for _ in zip(held(), held(), strict=True):
                pass
            return (
                ""
                if variable.get() == before
                else f"generators: {variable.get()} stays, not {before}"
            )
        elif form == "function":
            decorated()
        elif form == "generator":
            between = [variable.get() for _ in decorated()]
        else:
            with contextlib.suppress(StopIteration):
                decorated().send(None)
        found = {*seen}, {*between, variable.get()}
    return (
        ""
        if found == ({inside}, {before})
        else f"{form}: {found} and not {inside} inside, {before} outside"
    )


def large(dtype: str, layout: str, rng: Generator) -> str:
    """More ids and classes than the thresholds have by default: their own values, not those that a
    case gives them.
    """
    if sums.BLOCK < 1000:
        return ""  # one of the small values, with which this would take seconds
    V = int(rng.integers(65_000, 140_000))
    ids = rng.permutation(V)[: int(rng.integers(65_000, V))]
    ids = laid_out(np.concatenate([ids, rng.integers(0, V, 50)]), layout)
    table = mg.Tensor(np.zeros((V, 1)), requires_grad=True, dtype=dtype)
    dz = rng.normal(size=(ids.size, 1))
    mg.lookup(table, ids).backward(dz.astype(dtype))
    expected = np.bincount(ids, dz[:, 0], V)[:, None]
    if problem := _first_difference("rows", table.grad, expected, dtype):
        return problem
    shape = (int(rng.integers(2, 400)), int(rng.integers(200, 700)))
    logits, labels = (
        laid_out(3 * rng.normal(size=shape), layout),
        rng.integers(0, shape[1], shape[0]),
    )
    t = mg.Tensor(logits, requires_grad=True, dtype=dtype)
    mg.softmax_cross_entropy(t, labels).backward()
    e = np.exp(logits)
    slope = (e / e.sum(axis=1, keepdims=True) - np.eye(shape[1])[labels]) / shape[0]
    return _first_difference("slope", t.grad, slope, dtype)


def _first_difference(what: str, found: Any, expected: Array, dtype: str) -> str:
    wrong = np.flatnonzero(~np.isclose(found.ravel(), expected.ravel(), 1e-3, 1e-5))
    return (
        unequal(f"{what} from {wrong[0]}", found.flat[wrong[0]], expected.flat[wrong[0]], dtype)
        if wrong.size
        else ""
    )


def _ones(layer: Any, dtype: str) -> Any:
    for name, tensor in layer.named_parameters().items():
        tensor.array = np.full(tensor.shape, 0.0 if name == "b" else 1.0, dtype)
    return layer


def _quietly(check: Callable[[str, str, Generator], str]) -> Callable[[str, str, Generator], str]:
    def quiet(dtype: str, layout: str, rng: Generator) -> str:
        with warnings.catch_warnings(action="ignore"):
            return check(dtype, layout, rng)

    return quiet


CHECKS: dict[str, Callable[[str, str, Generator], str]] = {
    one.__name__: _quietly(one)
    for one in (
        kernels, custom, onehot, stale, written, converted, initialised, options, losses, axes, pools, elements,
        carried, shared, empties, large, mixed, contexts, fits, goes_on, listed,
    )
}  # fmt: skip
