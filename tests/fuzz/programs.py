"""Random programs of the public operations: their gradients against central differences and, if it
is there, PyTorch.

A program is a list of lines of Python, such as `v3 = mg.tanh(v1)`, so that one which fails can be
read and pasted. Beside each line stands what PyTorch calls the same. A line is kept only where its
function is smooth (no tie, no kink within `MARGIN`) and its values stay small, so that a central
difference is a sharp answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.context import ON_CUT, setting

from . import layouts
from .fuzzer import Fuzzer, Generator
from .layouts import laid_out, relaid
from .thresholds import using

try:
    import torch as torch
except ImportError:
    torch = None

STEP, MARGIN, LARGEST, MOST = 1e-6, 2e-3, 20.0, 48
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Program:
    """Inputs by name, those of them that require a gradient, and (name, minigrad, PyTorch) for each
    line.

    Inputs have layouts in memory. `taps` are lines for whose values `mg.grad` is asked too.
    """

    inputs: dict[str, Array]
    wanted: tuple[str, ...]
    lines: tuple[tuple[str, str, str], ...] = ()
    taps: tuple[str, ...] = ()
    layouts: tuple[tuple[str, str], ...] = ()

    @property
    def output(self) -> str:
        return self.lines[-1][0]

    def used(self) -> Program:
        """Without what the output does not need."""
        needed, lines = {self.output}, []
        for line in reversed(self.lines):
            if line[0] in needed:
                lines.append(line)
                needed |= set(_NAME.findall(line[1]))
        inputs = {name: array for name, array in self.inputs.items() if name in needed}
        names = {n for n, *_ in lines} - {self.output}
        return replace(
            self,
            inputs=inputs,
            wanted=tuple(n for n in self.wanted if n in needed),
            lines=tuple(lines[::-1]),
            taps=tuple(n for n in self.taps if n in names),
            layouts=tuple(one for one in self.layouts if one[0] in inputs),
        )

    def function(self, torch_too: bool = False) -> Callable[..., Any]:
        """The program as a function of its inputs, and of a function through which the taps' values
        pass.
        """
        body = "".join(
            f"  {name} = {texts[torch_too]}\n"
            + f"  {name} = tap({name!r}, {name})\n" * (name in self.taps)
            for name, *texts in self.lines
        )
        space: dict[str, Any] = {
            "mg": mg,
            "np": np,
            "torch": torch,
            "relaid": relaid,
            "same": lambda _, value: value,
        }
        exec(
            f"def program({', '.join(self.inputs)}, tap=same):\n{body}  return {self.output}\n",
            space,
        )
        return space["program"]  # type: ignore[no-any-return]

    def arrays(self) -> dict[str, Array]:
        """The inputs in their layouts."""
        layout = dict(self.layouts)
        return {name: laid_out(array, layout.get(name, "C")) for name, array in self.inputs.items()}

    def __str__(self) -> str:
        return "".join(f"    {name} = {text}\n" for name, text, _ in self.lines)


_NAME = re.compile(r"\b[vxi]\d+\b")


class Drawing:
    """A program in the making: its values so far, and random choices among them."""

    def __init__(self, rng: Generator) -> None:
        self.rng = rng
        self.values: dict[str, Array] = {}
        self.inputs: dict[str, Array] = {}
        self.lines: list[tuple[str, str, str]] = []

    def input(self, shape: tuple[int, ...]) -> str:
        return self._named("x", np.asarray(self.rng.uniform(-2.0, 2.0, shape)))

    def integers(self, below: int, shape: tuple[int, ...], signed: bool = False) -> str:
        """Places from 0 on; of some that are `signed`, some count from the end."""
        # PyTorch takes uint8 for a mask: see `as_torch`
        dtype = self.rng.choice(["int64", "int32", "uint8"])
        signed = signed and dtype != "uint8"
        return self._named(
            "i", self.rng.integers(-below if signed else 0, below, shape).astype(dtype)
        )

    def mask(self, shape: tuple[int, ...]) -> str:
        return self._named("i", self.rng.random(shape) < 0.6)

    def targets(self, shape: tuple[int, ...]) -> str:
        return self._named("i", np.asarray(self.rng.uniform(0, 1, shape)))

    def _named(self, letter: str, array: Array) -> str:
        name = f"{letter}{len(self.inputs)}"
        self.inputs[name] = array
        if letter == "x":
            self.values[name] = array
        return name

    def shape(self, axes: int | None = None) -> tuple[int, ...]:
        axes = int(self.rng.integers(0, 4)) if axes is None else axes
        return tuple(self.rng.choice([1, 2, 3, 4], axes, p=[0.2, 0.3, 0.3, 0.2]).tolist())

    def value(self, least: int = 0, most: int = 4) -> str:
        """One of the values, the last ones more often, with so many axes; a new input if there is
        none.
        """
        fit = [
            name
            for name, array in self.values.items()
            if least <= array.ndim <= most and array.size
        ]
        if not fit or self.rng.random() < 0.1:
            return self.input(self.shape(int(self.rng.integers(least, min(most, 3) + 1))))
        return fit[-1 - min(int(self.rng.exponential(1.5)), len(fit) - 1)]

    def beside(self, a: str) -> str:
        """A value that broadcasts with `a`."""
        array = self.values[a]
        fit = [name for name, other in self.values.items() if _broadcast(array.shape, other.shape)]
        if fit and self.rng.random() < 0.25:
            return fit[0]  # the same one again and again, as a network uses its parameters
        if fit and self.rng.random() < 0.5:
            return str(self.rng.choice(fit))
        shape = [size if self.rng.random() < 0.7 else 1 for size in array.shape]
        return self.input(tuple(shape[int(self.rng.integers(0, len(shape) + 1)) :]))

    def axis(self, a: str, new: int = 0) -> int:
        axes = self.values[a].ndim + new
        return int(self.rng.integers(-axes, axes))

    def axes(self, a: str) -> Any:
        """An axis, several or all (None)."""
        n = self.values[a].ndim
        if n == 0 or self.rng.random() < 0.2:
            return None
        if self.rng.random() < 0.6:
            return self.axis(a)
        return tuple(
            sorted(self.rng.choice(n, int(self.rng.integers(1, n + 1)), replace=False).tolist())
        )

    def yes(self) -> bool:
        return bool(self.rng.random() < 0.5)

    def number(self, below: int) -> int:
        return int(self.rng.integers(0, below))


def _broadcast(*shapes: tuple[int, ...]) -> bool:
    try:
        return int(np.prod(np.broadcast_shapes(*shapes))) <= MOST
    except ValueError:
        return False


Texts = tuple[str, str] | tuple[str, str, Array] | None
"""A line for minigrad and one for PyTorch and, where the function has kinks, numbers that must not
be near 0."""


def kinky(d: Drawing) -> Texts:
    a = d.value()
    x = d.values[a]
    return [
        (f"mg.relu({a})", f"torch.relu({a})", x),
        (f"mg.leaky_relu({a}, 0.1)", f"torch.nn.functional.leaky_relu({a}, 0.1)", x),
        (f"abs({a})", f"{a} * torch.sign({a}).detach()", x),
        (
            f"mg.clip({a}, -0.5, 0.8)",
            f"torch.clamp({a}, -0.5, 0.8)",
            np.concatenate([(x + 0.5).ravel(), (x - 0.8).ravel()]),
        ),
    ][d.number(4)]


def smooth(d: Drawing) -> Texts:
    a = d.value()
    text = [
        "mg.tanh({a})", "mg.sigmoid({a})", "mg.sin({a})", "mg.cos({a})", "mg.exp(0.5 * {a})", "mg.log({a} * {a} + 0.5)",
        "mg.sqrt({a} * {a} + 0.3)", "-{a}", "{a} ** 2", "({a} * {a} + 0.5) ** 1.5", "1.0 / ({a} * {a} + 1.0)",
        "{a} * {a} * {a}", "2.0 - {a}", "{a} + {a}",
    ][d.number(14)].format(a=a)  # fmt: skip
    return text, text.replace("mg.", "torch.")


def softplus(d: Drawing) -> Texts:
    a = d.value()
    return f"mg.softplus({a})", f"torch.nn.functional.softplus({a})"


def arithmetic(d: Drawing) -> Texts:
    a = d.value()
    b = d.beside(a)
    a, b = (a, b) if d.yes() else (b, a)
    text = [
        "{a} + {b}",
        "{a} - {b}",
        "{a} * {b}",
        "{a} / ({b} * {b} + 0.5)",
        "({a} * {a} + 0.5) ** {b}",
    ][d.number(5)]
    return text.format(a=a, b=b), text.format(a=a, b=b)


def extreme_of_two(d: Drawing) -> Texts:
    a = d.value()
    b = d.beside(a)
    text = f"mg.{'maximum' if d.yes() else 'minimum'}({a}, {b})"
    return text, text.replace("mg.", "torch."), d.values[a] - d.values[b]


def product(d: Drawing) -> Texts:
    a = d.value(1, 3)
    left = d.values[a].shape
    fit = [
        n
        for n, x in d.values.items()
        if x.ndim and x.shape[-2:][0] == left[-1] and _broadcast(left[:-2], x.shape[:-2])
    ]
    if fit and d.yes():
        b = str(d.rng.choice(fit))
    else:
        batch = left[:-2] if d.yes() else ()
        b = d.input([(left[-1],), (*batch, left[-1], 1 + d.number(3))][d.number(3) > 0])
    return f"{a} @ {b}", f"{a} @ {b}"


def einsum(d: Drawing) -> Texts:
    terms, output = [
        (["ij", "jk"], "ik"), (["bi", "ij", "bj"], "b"), (["ij"], "ji"), (["ii"], "i"), (["ij", "ij"], ""),
        (["bij"], "i"), (["bid", "bjd"], "bij"), (["i", "j"], "ij"), (["ij", "j"], "i"),
    ][d.number(9)]  # fmt: skip
    sizes = {letter: int(d.rng.integers(1, 4)) for letter in "bijdk"}
    shapes = [tuple(sizes[letter] for letter in term) for term in terms]
    names = [
        next((n for n, x in d.values.items() if x.shape == shape), "") or d.input(shape)
        for shape in shapes
    ]
    text = f'mg.einsum("{",".join(terms)}->{output}", {", ".join(names)})'
    return text, text.replace("mg.", "torch.")


def reduction(d: Drawing) -> Texts:
    a, keep = d.value(), d.yes()
    axis, kind = d.axes(a), ["sum", "mean", "var", "std", "logsumexp"][d.number(5)]
    x = d.values[a]
    dims = tuple(range(x.ndim)) if axis is None else axis
    if kind in ("var", "std"):
        count = int(np.prod([x.shape[i] for i in np.atleast_1d(np.array(dims, int))]))
        ddof = d.number(2)
        if count < 2:
            return None
        # near 0 a root is too steep
        away = x.std(axis=axis) - 0.05 if kind == "std" else np.ones(1)
        text = f"{a}.{kind}(axis={axis}, ddof={ddof}, keepdims={keep})"
        return (
            text,
            f"{a}.{kind}(dim={dims}, correction={ddof}, keepdim={keep})",
            np.maximum(away, 0),
        )
    if x.ndim == 0:
        return None
    return f"{a}.{kind}(axis={axis}, keepdims={keep})", f"{a}.{kind}(dim={dims}, keepdim={keep})"


def extreme(d: Drawing) -> Texts:
    a, keep, kind = d.value(1), d.yes(), "max" if d.yes() else "min"
    axis = d.axes(a)
    x = d.values[a]
    dims = tuple(range(x.ndim)) if axis is None else axis
    rest = np.moveaxis(x, dims, tuple(range(len(np.atleast_1d(np.array(dims)))))).reshape(
        -1, *_without(x.shape, dims)
    )
    ranked = np.sort(rest, axis=0)
    gaps = np.diff(ranked, axis=0)[-1 if kind == "max" else 0] if len(ranked) > 1 else np.ones(1)
    return (
        f"{a}.{kind}(axis={axis}, keepdims={keep})",
        f"torch.a{kind}({a}, dim={dims}, keepdim={keep})",
        gaps,
    )


def _without(shape: tuple[int, ...], axes: Any) -> tuple[int, ...]:
    gone = {axis % len(shape) for axis in np.atleast_1d(np.array(axes)).tolist()}
    return tuple(size for axis, size in enumerate(shape) if axis not in gone)


def along(d: Drawing) -> Texts:
    a, kind = d.value(1), ["softmax", "log_softmax", "cumsum"][d.number(3)]
    axis = d.axis(a)
    return f"mg.{kind}({a}, axis={axis})", f"torch.{kind}({a}, dim={axis})"


def reshape(d: Drawing) -> Texts:
    a = d.value()
    shape = d.values[a].shape
    size = int(np.prod(shape))
    to = [
        (size,),
        (1, *shape),
        (*shape, 1),
        shape[::-1],
        (-1, shape[-1]) if shape else (1,),
        (2, -1) if size % 2 == 0 else (-1,),
    ][d.number(6)]
    return f"{a}.reshape({to})", f"{a}.reshape({to})"


def axes_moved(d: Drawing) -> Texts:
    a = d.value(1)
    n = d.values[a].ndim
    order = tuple(d.rng.permutation(n).tolist())
    i, j = d.axis(a), d.axis(a)
    new = d.axis(a, 1)
    return [
        (f"{a}.transpose({order})", f"{a}.permute({order})"),
        (f"{a}.swapaxes({i}, {j})", f"{a}.swapaxes({i}, {j})"),
        (f"mg.expand_dims({a}, {new})", f"torch.unsqueeze({a}, {new})"),
        (f"mg.squeeze({a})", f"torch.squeeze({a})"),
    ][d.number(4)]


def repeated(d: Drawing) -> Texts:
    a = d.value(0, 3)
    shape = d.values[a].shape
    to = (*d.shape(d.number(2)), *(size if size > 1 else 1 + d.number(3) for size in shape))
    return f"np.broadcast_to({a}, {to})", f"torch.broadcast_to({a}, {to})"


def part(d: Drawing) -> Texts:
    a = d.value(1)
    keys = []
    for size in d.values[a].shape[: 1 + d.number(d.values[a].ndim)]:
        start = d.number(size)
        keys.append(
            [f"{start}:", f":{start + 1}", str(start), str(start - size), "::2", ":"][d.number(6)]
        )
    if d.rng.random() < 0.2:
        keys.insert(d.number(len(keys) + 1), "None")
    elif d.rng.random() < 0.2:
        keys.append("...")
    return f"{a}[{', '.join(keys)}]", f"{a}[{', '.join(keys)}]"


def backwards(d: Drawing) -> Texts:
    a = d.value(1)
    return f"{a}[::-1]", f"torch.flip({a}, (0,))"


def picked(d: Drawing) -> Texts:
    """Places by arrays of integers and masks, of which some come several times."""
    a = d.value(1, 3)
    shape = d.values[a].shape
    choice = d.number(4)
    looked = choice == 0 and len(shape) == 2
    i = d.integers(shape[0], d.shape(1 + d.number(2)), signed=not looked)
    if looked:
        return f"mg.lookup({a}, {i})", f"{a}[{i}]"
    if choice == 1 and len(shape) > 1:
        j = d.integers(shape[1], d.inputs[i].shape, signed=True)
        return f"{a}[{i}, {j}]", f"{a}[{i}, {j}]"
    if choice == 2:
        m = d.mask(shape[: 1 + d.number(len(shape))])
        return f"{a}[{m}]", f"{a}[{m}]"
    return f"{a}[{i}]", f"{a}[{i}]"


def along_axis(d: Drawing) -> Texts:
    a = d.value(1, 3)
    axis = d.axis(a)
    shape = list(d.values[a].shape)
    below, shape[axis] = shape[axis], 1 + d.number(3)
    i = d.integers(below, tuple(shape))
    return (
        f"mg.take_along_axis({a}, {i}, axis={axis})",
        f"torch.take_along_dim({a}, {i}, dim={axis})",
    )


def padded(d: Drawing) -> Texts:
    a = d.value(1, 3)
    widths = [(d.number(3), d.number(2)) for _ in d.values[a].shape]
    flat = [n for pair in reversed(widths) for n in pair]
    return (
        f"mg.pad({a}, {widths}, constant_values=-1.5)",
        f"torch.nn.functional.pad({a}, {flat}, value=-1.5)",
    )


def joined(d: Drawing) -> Texts:
    a = d.value(1)
    axis = d.axis(a)
    b = next(
        (n for n in reversed(d.values) if n != a and d.values[n].shape == d.values[a].shape), a
    )
    names = f"[{a}, {b}, {a}]" if d.yes() else f"[{b}, {a}]"
    if d.yes():
        return f"mg.concatenate({names}, axis={axis})", f"torch.cat({names}, dim={axis})"
    axis = d.axis(a, 1)
    return f"mg.stack({names}, axis={axis})", f"torch.stack({names}, dim={axis})"


def chosen(d: Drawing) -> Texts:
    a = d.value()
    b = d.beside(a)
    m = d.mask(np.broadcast_shapes(d.values[a].shape, d.values[b].shape))
    return f"mg.where({m}, {a}, {b})", f"torch.where({m}, {a}, {b})"


def split(d: Drawing) -> Texts:
    a = d.value(1)
    axis = d.axis(a)
    at = d.number(d.values[a].shape[axis])
    return (
        f"mg.split({a}, [{at}], axis={axis})[1]",
        f"torch.tensor_split({a}, [{at}], dim={axis})[1]",
    )


def cut(d: Drawing) -> Texts:
    a, b = d.value(), d.value()
    if not _broadcast(d.values[a].shape, d.values[b].shape):
        return None
    return f"mg.cut({a}) * {b}", f"{a}.detach() * {b}"


def copied(d: Drawing, a: str) -> str:
    """`a` in some layout, computed by a gate: a loss refuses probabilities that come from a softmax
    directly.
    """
    return f"relaid({a}, {layouts.draw(d.rng, 0.2)!r}, 'C')"


def label_loss(d: Drawing) -> Texts:
    a = d.value(2, 4)
    *rows, classes = d.values[a].shape
    i = d.integers(classes, tuple(rows))
    how, weights = (
        ["mean", "sum", "none"][d.number(3)],
        [0.5, 1.0, 2.0, 0.25, 1.5, 3.0, 0.75, 1.25, 1.0][:classes],
    )
    if len(weights) < classes:
        return None
    ours, theirs = f"reduction='{how}'", f"reduction='{how}'"
    if d.yes():
        ours, theirs = (
            f"weights={weights}, {ours}",
            f"weight=torch.tensor({weights}, dtype=torch.float64), {theirs}",
        )
    if d.yes():
        return (
            f"mg.softmax_cross_entropy({copied(d, a)}, {i}, {ours})",
            f"torch.nn.functional.cross_entropy({a}.movedim(-1, 1), {i}, {theirs})",
        )
    a = f"log_softmax({a}, -1)"
    b = f"torch.nn.functional.nll_loss(torch.{a}.movedim(-1, 1).contiguous(), {i}, {theirs})"
    return f"mg.negative_log_likelihood(mg.{a}, {i}, {ours})", b


def pair_loss(d: Drawing) -> Texts:
    a = d.value()
    b = next(
        (n for n in reversed(d.values) if n != a and d.values[n].shape == d.values[a].shape), None
    )
    b = b if b and d.yes() else d.input(d.values[a].shape)
    reduction, kind = ["mean", "sum", "none"][d.number(3)], d.number(3)
    how = f"reduction={reduction!r}"
    if kind == 0:
        return (
            f"mg.mean_squared_error({a}, {b}, {how})",
            f"torch.nn.functional.mse_loss({a}, {b}, {how})",
        )
    if kind == 1:
        away = d.values[a] - d.values[b]
        # Second derivatives of l1_loss and abs may crash PyTorch 2.15.
        theirs = f"(({a} - {b}) * torch.sign({a} - {b}).detach())" + f".{reduction}()" * (
            reduction != "none"
        )
        return f"mg.mean_absolute_error({a}, {b}, {how})", theirs, away
    t = d.targets(d.values[a].shape)
    return (
        f"mg.binary_cross_entropy({copied(d, a)}, {t}, {how})",
        f"torch.nn.functional.binary_cross_entropy_with_logits({a}, {t}, {how})",
    )


def bias(d: Drawing) -> Texts:
    """One value beside several of other shapes, as a bias or a gain is used."""
    b = d.value(0, 2)
    fit = [
        n
        for n, x in d.values.items()
        if x.size > d.values[b].size and _broadcast(x.shape, d.values[b].shape)
    ]
    terms = []
    for _ in range(2 + d.number(3)):
        shape = [size if size > 1 else 1 + d.number(2) for size in d.values[b].shape]
        a = (
            str(d.rng.choice(fit))
            if fit and d.yes()
            else d.input((1 + d.number(2), *shape)[d.number(2) :])
        )
        terms.append(f"({a} {'*+-'[d.number(3)]} {b}).reshape(-1)")
    return f"mg.concatenate([{', '.join(terms)}])", f"torch.cat([{', '.join(terms)}])"


def layout(d: Drawing) -> Texts:
    a = d.value()
    return f"relaid({a}, {layouts.draw(d.rng, 0.1)!r}, {layouts.draw(d.rng, 0.2)!r})", f"1.0 * {a}"


LINES: list[Callable[[Drawing], Texts]] = [
    smooth, smooth, softplus, kinky, arithmetic, arithmetic, arithmetic, extreme_of_two, product, product, einsum,
    reduction, reduction, extreme, along, reshape, axes_moved, repeated, part, part, backwards, picked, picked,
    along_axis, padded, joined, chosen, split, cut, label_loss, pair_loss, bias, bias,
]  # fmt: skip


def random_program(rng: Generator) -> Program:
    """3 to 12 lines, each on values that came before, whose output depends on an input that
    requires a gradient.
    """
    while True:
        d = Drawing(rng)
        for _ in range(1 + d.number(3)):
            d.input(d.shape())
        for _ in range(int(rng.integers(3, 13))):
            add_line(d)
        wanted = tuple(n for n in d.inputs if n[0] == "x" and rng.random() < 0.85)
        if d.lines:
            join_ends(d)
            taps = tuple(name for name, *_ in d.lines if rng.random() < 0.2)
            laid = tuple(
                (name, layout) for name in d.inputs if (layout := layouts.draw(rng)) != "C"
            )
            program = Program(d.inputs, wanted, tuple(d.lines), taps, laid).used()
            if program.wanted:
                return program


def join_ends(d: Drawing) -> None:
    """A last line on all values that no line has used."""
    used = {name for _, text, _ in d.lines for name in _NAME.findall(text)}
    ends = [f"{name}.reshape(-1)" for name, *_ in d.lines if name not in used]
    if len(ends) > 1:
        joined = f"([{', '.join(ends)}])"
        d.lines.append((f"v{len(d.lines)}", f"mg.concatenate{joined}", f"torch.cat{joined}"))


def add_line(d: Drawing) -> None:
    """One more line, if the one that was drawn can be used."""
    inputs, values = dict(d.inputs), dict(d.values)
    if d.lines and d.rng.random() < 0.25:
        texts: Texts = layout(d)
    else:
        texts = LINES[d.number(len(LINES))](d)
    if texts is not None and (len(texts) == 2 or np.abs(texts[2]).min(initial=1.0) > MARGIN):
        space = {name: mg.Tensor(array) for name, array in d.values.items()}
        names = _NAME.findall(texts[0])
        if d.rng.random() < 0.3 and (tensors := [name for name in names if name in d.values]):
            name = str(d.rng.choice(tensors))
            relaid_one = f"relaid({name}, {layouts.draw(d.rng, 0.1)!r}, {layouts.draw(d.rng)!r})"
            texts = (re.sub(rf"\b{name}\b", relaid_one, texts[0], count=1), texts[1])
        if all(d.values[n].size for n in names if n in d.values):
            with np.errstate(all="ignore"):
                value = eval(
                    texts[0], {"mg": mg, "np": np, "relaid": relaid, **d.inputs, **space}
                ).array
            if (
                value.size <= MOST
                and value.ndim <= 5
                and np.isfinite(value).all()
                and np.abs(value).max(initial=0) < LARGEST
            ):
                name = f"v{len(d.lines)}"
                d.lines.append((name, texts[0], texts[1]))
                d.values[name] = value
                return
    d.inputs, d.values = inputs, values


# ---- what a program gives, in three ways ----


def upstream(shape: tuple[int, ...]) -> Array:
    """An upstream gradient without a pattern that a program could share."""
    return np.cos(np.arange(1.0, 1.0 + np.prod(shape, dtype=int))).reshape(shape)


def tensors(program: Program, inputs: dict[str, Array]) -> list[Any]:
    """The arguments of `program.function()`: integers, masks and targets stay arrays, copied, to be
    changed.
    """
    return [
        mg.Tensor(array, requires_grad=name in program.wanted)
        if name[0] == "x"
        else array.copy("K")
        for name, array in inputs.items()
    ]


def gradients(
    program: Program, run: Callable[..., Any], inputs: dict[str, Array]
) -> tuple[Any, dict[str, Array]]:
    """The output, and minigrad's gradients, those of taps included: by `backward`, or with taps by
    `mg.grad`.

    Index arrays change after the forward pass, which must change nothing.
    """
    given, tapped = tensors(program, inputs), {}

    def tap(name: str, value: mg.Tensor) -> mg.Tensor:
        if value.requires_grad:
            tapped[name] = value
        return value

    z = run(*given, tap)
    for argument in given:
        if isinstance(argument, np.ndarray):
            argument[...] = 0
    found = {n: t for n, t in zip(inputs, given, strict=True) if n in program.wanted} | tapped
    zeros = {name: np.zeros(tensor.shape, tensor.dtype) for name, tensor in found.items()}
    if not z.requires_grad:
        return z, zeros
    if tapped:
        gradients = mg.grad(z, list(found.values()), upstream=upstream(z.shape))
        return z, zeros | {name: g.array for name, g in zip(found, gradients, strict=True)}
    z.backward(upstream(z.shape))
    leaves = dict(zip(inputs, given, strict=True))
    return z, {
        name: zero if (g := leaves[name].grad) is None else g for name, zero in zeros.items()
    }


class Cuts:
    """Keeps what went through cuts in a first run, and puts it there in later ones: a cut gives a
    constant.
    """

    def __init__(self) -> None:
        self.kept: list[Array] = []
        self.place: int | None = None

    def __call__(self, array: Array) -> Array:
        if self.place is None:
            self.kept.append(array)
            return array
        self.place += 1
        return self.kept[self.place - 1]

    def replay(self) -> None:
        self.place = 0


def difference(f: Callable[[float], Any]) -> tuple[Any, Any]:
    """The derivative of f at 0 by central differences, and how far off it may be."""
    near = (f(STEP) - f(-STEP)) / (2 * STEP)
    far = (f(2 * STEP) - f(-2 * STEP)) / (4 * STEP)
    return near, 10 * np.abs(near - far) + 1e-6 * max(1.0, float(np.abs(near).max(initial=0)))


def moved(x: dict[str, Array], v: dict[str, Array], step: float) -> dict[str, Array]:
    return {name: a + step * v[name] if name in v else a for name, a in x.items()}


def as_torch(program: Program) -> list[Any]:
    return [
        torch.tensor(a, requires_grad=name in program.wanted)
        if name[0] == "x"
        else torch.tensor(a.astype("int64") if a.dtype.kind in "iu" else a)
        for name, a in program.inputs.items()
    ]


def by_torch(program: Program) -> tuple[Array, dict[str, Array]]:
    """PyTorch's output and gradients, those of taps included."""
    given, tapped = as_torch(program), {}

    def tap(name: str, value: Any) -> Any:
        if value.requires_grad:
            tapped[name] = value
        return value

    z = program.function(torch_too=True)(*given, tap)
    found = {
        n: t for n, t in zip(program.inputs, given, strict=True) if n in program.wanted
    } | tapped
    expected = {name: np.zeros(tuple(tensor.shape)) for name, tensor in found.items()}
    if z.requires_grad:
        options = {"allow_unused": True, "materialize_grads": True}
        gradients = torch.autograd.grad(
            z, list(found.values()), torch.tensor(upstream(tuple(z.shape))), **options
        )
        expected |= {name: g.numpy(force=True) for name, g in zip(found, gradients, strict=True)}
    return z.numpy(force=True), expected


def apart(found: dict[str, Array], expected: dict[str, Array], what: str) -> str:
    """Which of our arrays is not PyTorch's, if one is not."""
    for name, theirs in expected.items():
        ours = found[name]
        if ours.shape != theirs.shape or not np.abs(ours - theirs).max(initial=0) <= 1e-8 * (
            1 + np.abs(theirs).max(initial=0)
        ):
            return f"{what} of {name} is not PyTorch's: {ours.tolist()}\n    PyTorch: {theirs.tolist()}"
    return ""


class FirstOrder(Fuzzer):
    """Values and gradients of random programs."""

    name = "programs"
    share = 4.0

    def case(self, rng: Generator) -> Program:
        return random_program(rng)

    def fault(self, program: Program) -> str:
        run = program.function()
        inputs, cuts = program.arrays(), Cuts()
        with setting(ON_CUT, cuts):
            z, found = gradients(program, run, inputs)
        shapes = {name: array.shape for name, array in program.inputs.items()}
        for name, gradient in found.items():
            if gradient.shape != shapes.get(name, gradient.shape) or gradient.dtype != np.float64:
                return f"form: the gradient of {name} is {gradient.dtype} {gradient.shape}"
        if torch is not None:
            theirs, expected = by_torch(program)
            if problem := apart(
                {"the output": z.array}, {"the output": theirs}, "value: the value"
            ):
                return problem
            if problem := apart(found, expected, "gradient: that"):
                return problem
        weights = upstream(z.shape)
        v = directions({name: program.inputs.get(name, array) for name, array in found.items()})

        def value(step: float) -> float:
            cuts.replay()
            with setting(ON_CUT, cuts), using({}), mg.no_grad():
                output = run(
                    *tensors(program, moved(program.inputs, v, step)),
                    lambda n, t: t + step * v[n] if n in v else t,
                )
            return float((output.array * weights).sum())

        plain = value(0.0)
        if not abs(plain - (z.array * weights).sum()) <= 1e-9 * (1 + np.abs(z.array).sum()):
            return f"value: {z.array.tolist()} differs from what plain layouts and thresholds give"
        along, tolerance = difference(value)
        ours = sum(float((found[name] * v[name]).sum()) for name in found)
        if not abs(along - ours) <= tolerance:
            return f"gradient: along one direction it is {ours!r}, and by central differences {along!r}"
        return self.single(program, z, found)

    def single(self, program: Program, z: mg.Tensor, found: dict[str, Array]) -> str:
        """What is wrong in float32: another dtype, or a value or gradient far from those in
        float64.
        """
        inputs = {
            n: a.astype("f4") if a.dtype.kind == "f" else a for n, a in program.arrays().items()
        }
        cuts = Cuts()
        with setting(ON_CUT, cuts):
            narrow, gradient = gradients(program, program.function(), inputs)
        pairs = {"the output": (narrow.array, z.array)} | {
            n: (gradient[n], found[n]) for n in found
        }
        for name, (here, there) in pairs.items():
            if here.dtype != np.float32 or here.shape != there.shape:
                return f"float32: of {name} there is {here.dtype} {here.shape}"
            if not np.abs(here - there).max(initial=0) <= 0.02 * (1 + np.abs(there).max(initial=0)):
                return (
                    f"float32: of {name} there is {here.tolist()}, and in float64 {there.tolist()}"
                )
        return ""

    def smaller(self, program: Program) -> Iterator[Program]:
        """Fewer lines: those at the end left out, or a value given as an input; fewer gradients;
        rounder numbers.
        """
        values = _values(program)
        for end in range(1, len(program.lines)):
            yield from _valid(replace(program, lines=program.lines[:end]))
        for place in reversed(range(len(program.lines) - 1)):
            name = program.lines[place][0]
            new = f"x{100 + int(name[1:])}"
            rename = re.compile(rf"\b{name}\b")
            lines = tuple(
                (n, rename.sub(new, ours), rename.sub(new, theirs))
                for k, (n, ours, theirs) in enumerate(program.lines)
                if k != place
            )
            for wanted in ((*program.wanted, new), program.wanted):
                yield from _valid(
                    replace(
                        program,
                        inputs={**program.inputs, new: values[name]},
                        wanted=wanted,
                        lines=lines,
                    )
                )
        if program.taps:
            yield replace(program, taps=program.taps[1:])
        if program.layouts:
            yield replace(program, layouts=program.layouts[1:])
        for name in program.wanted if len(program.wanted) > 1 else ():
            yield replace(program, wanted=tuple(other for other in program.wanted if other != name))
        for digits in (1, 2):
            rounded = {
                n: np.round(a, digits) if n[0] == "x" else a for n, a in program.inputs.items()
            }
            sizes = [
                abs(number)
                for n, a in rounded.items()
                if n[0] == "x"
                for number in a.ravel().tolist()
            ]
            changed = any((rounded[n] != a).any() for n, a in program.inputs.items())
            if changed and len({0.0, *sizes}) == 1 + len(sizes):  # ties, and zeros, may be kinks
                yield replace(program, inputs=rounded)

    def as_test(self, program: Program) -> str:
        z, _ = gradients(program, program.function(), program.inputs)
        wanted = (*program.wanted, *program.taps)
        first = f"    {program.output}.backward({_text(upstream(z.shape))})\n"
        if program.taps:
            found = "".join(f"g_{name}, " for name in wanted)
            first = (
                f"    {found}= mg.grad({program.output}, [{', '.join(wanted)}], "
                f"upstream={_text(upstream(z.shape))})\n"
            )
        texts = [f"g_{name}.array" if program.taps else f"{name}.grad" for name in wanted]
        checks = "".join(
            _check(t, by_differences(program, name)) for t, name in zip(texts, wanted, strict=True)
        )
        return (
            f"{_imports(program)}def test_a_program():\n{_inputs(program)}{program}{first}"
            f"    # what central differences give:\n{checks}"
        )


class SecondOrder(FirstOrder):
    """Second derivatives along a direction, as the gradient of a gradient."""

    name = "second order"
    share = 1.5

    def fault(self, program: Program) -> str:
        run = program.function()
        v = directions({name: program.inputs[name] for name in program.wanted})
        inputs, cuts = program.arrays(), Cuts()
        with setting(ON_CUT, cuts):
            found = second(program, run, inputs, v)
        if torch is not None and (
            problem := apart(found, second_by_torch(program, v), "second derivative: that")
        ):
            return problem

        def gradient(step: float) -> Array:
            cuts.replay()
            with setting(ON_CUT, cuts), using({}):
                return _flat(gradients(plain, run, moved(program.inputs, v, step))[1])

        plain = replace(program, taps=())
        run = plain.function()
        expected, tolerance = difference(gradient)
        ours = _flat(found)
        if not (np.abs(ours - expected) <= tolerance).all():
            return f"second derivative: it is {ours.tolist()}, and by central differences {expected.tolist()}"
        return ""

    def as_test(self, program: Program) -> str:
        program = replace(program, taps=())
        v, run = (
            directions({name: program.inputs[name] for name in program.wanted}),
            program.function(),
        )
        found = second(program, run, program.inputs, v)

        def gradient(step: float) -> Array:
            return _flat(gradients(program, run, moved(program.inputs, v, step))[1])

        expected, _ = difference(gradient)
        names = ", ".join(program.wanted)
        z = run(*tensors(program, program.inputs))
        along = " + ".join(
            f"(g{k} * {_text(v[name])}).sum()" for k, name in enumerate(program.wanted)
        )
        parts = np.split(expected, np.cumsum([found[name].size for name in program.wanted])[:-1])
        checks = "".join(
            _check(f"h{k}.array", part.reshape(found[name].shape))
            for k, (name, part) in enumerate(zip(program.wanted, parts, strict=True))
        )
        firsts, seconds = (
            ", ".join(f"{letter}{k}" for k in range(len(program.wanted))) + "," for letter in "gh"
        )
        return (
            f"{_imports(program)}def test_a_second_derivative():\n{_inputs(program)}{program}    "
            f"upstream = {_text(upstream(z.shape))}\n    {firsts} = mg.grad({program.output}, "
            f"[{names}], create_graph=True, upstream=upstream)\n    {seconds} = mg.grad({along}, "
            f"[{names}])\n    # what central differences of gradients give:\n{checks}"
        )


def directions(arrays: dict[str, Array]) -> dict[str, Array]:
    """For each array a direction without a pattern."""
    return {
        name: np.sin(1.0 + k + np.arange(1.0, 1.0 + a.size) ** 1.5).reshape(a.shape)
        for k, (name, a) in enumerate(arrays.items())
    }


def second(
    program: Program, run: Callable[..., Any], inputs: dict[str, Array], v: dict[str, Array]
) -> dict[str, Array]:
    """The second derivative of the output along v, times the upstream gradient, by each input."""
    given = dict(zip(inputs, tensors(program, inputs), strict=True))
    wanted = [given[name] for name in program.wanted]
    z = run(*given.values())
    zero = {name: np.zeros_like(inputs[name]) for name in program.wanted}
    if not z.requires_grad:
        return zero
    first = mg.grad(z, wanted, create_graph=True, upstream=upstream(z.shape))
    along: Any = sum((g * v[name]).sum() for g, name in zip(first, program.wanted, strict=True))
    if not along.requires_grad:
        return zero
    return {name: g.array for name, g in zip(program.wanted, mg.grad(along, wanted), strict=True)}


def second_by_torch(program: Program, v: dict[str, Array]) -> dict[str, Array]:
    given = dict(zip(program.inputs, as_torch(program), strict=True))
    wanted = [given[name] for name in program.wanted]
    z = program.function(torch_too=True)(*given.values())
    options = {"allow_unused": True, "materialize_grads": True}
    zero = {name: np.zeros_like(program.inputs[name]) for name in program.wanted}
    if not z.requires_grad:
        return zero
    first = torch.autograd.grad(
        z, wanted, torch.tensor(upstream(tuple(z.shape))), create_graph=True, **options
    )
    along = sum(
        (g * torch.tensor(v[name])).sum() for g, name in zip(first, program.wanted, strict=True)
    )
    if not along.requires_grad:
        return zero
    return {
        n: g.numpy(force=True)
        for n, g in zip(program.wanted, torch.autograd.grad(along, wanted, **options), strict=True)
    }


# ---- writing a program down ----


def by_differences(program: Program, name: str) -> Array:
    """The whole gradient by one input or tap, element by element."""
    run, cuts = program.function(), Cuts()
    at = (program.inputs | _values(program))[name]
    with setting(ON_CUT, cuts):
        weights = upstream(run(*tensors(program, program.inputs)).shape)

    def value(step: float, unit: Array) -> float:
        cuts.replay()
        inputs = tensors(program, moved(program.inputs, {name: unit}, step))
        with setting(ON_CUT, cuts), using({}), mg.no_grad():
            output = run(*inputs, lambda tap, t: t + step * unit if tap == name else t)
        return float((output.array * weights).sum())

    units = np.eye(at.size).reshape(-1, *at.shape)
    return np.array([difference(partial(value, unit=unit))[0] for unit in units]).reshape(at.shape)


def _values(program: Program) -> dict[str, Array]:
    space: dict[str, Any] = {
        "mg": mg,
        "np": np,
        "relaid": relaid,
        **dict(zip(program.inputs, tensors(program, program.inputs), strict=True)),
    }
    for name, text, _ in program.lines:
        space[name] = eval(text, space)
    return {name: space[name].array for name, *_ in program.lines}


def _valid(program: Program) -> Iterator[Program]:
    program = program.used()
    if program.wanted:
        yield program


def _flat(arrays: dict[str, Array]) -> Array:
    return np.concatenate([array.ravel() for array in arrays.values()])


def _text(array: Array) -> str:
    dtype = "" if array.dtype in (np.float64, np.int64, np.bool_) else f", '{array.dtype}'"
    return f"np.array({array.tolist()}{dtype})"


def _check(what: str, expected: Array) -> str:
    text = _text(np.round(expected, 7) + 0.0)
    return f"    np.testing.assert_allclose({what}, {text}, rtol=1e-5, atol=1e-6)\n"


def _imports(program: Program) -> str:
    text = f"{program}{_inputs(program)}"
    names = [name for name in ("laid_out", "relaid") if f"{name}(" in text]
    return f"from tests.fuzz.layouts import {', '.join(names)}\n\n\n" if names else ""


def _inputs(program: Program) -> str:
    texts = {name: _text(array) for name, array in program.inputs.items()}
    texts |= {name: f"laid_out({texts[name]}, {layout!r})" for name, layout in program.layouts}
    return "".join(
        f"    {name} = "
        f"mg.Tensor({text}{', requires_grad=True' if name in program.wanted else ''})\n"
        if name[0] == "x"
        else f"    {name} = {text}\n"
        for name, text in texts.items()
    )


def reference() -> str:
    """What the answers come from, in words."""
    return "programs are compared with central differences" + (
        f" and PyTorch {torch.__version__}" if torch else ""
    )
