"""Random programs of the public operations: values and derivatives against the same program on
complex numbers (formulas.py).

A program is a list of lines of Python, such as `v3 = mg.tanh(v1)`, which run on minigrad's Tensors
and, with the formulas as `mg` and `np`, on plain arrays. A line is kept only where its function is
smooth (no kink within `MARGIN`) and its values stay small, so that second derivatives can be
compared with central differences, and float32 with float64.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import minigrad as mg

from . import layouts
from .formulas import FORMULAS, KINKS, STEP
from .fuzzer import Choices, Fuzzer, Generator
from .layouts import laid_out, relaid

MARGIN, LARGEST, MOST = 2e-3, 20.0, 48
Array = np.ndarray[Any, Any]
Arrays = dict[str, Array]
Tap = Callable[[str, Any], Any]
NAMES = re.compile(r"\b[vxi]\d+\b")
OURS = {"mg": mg, "np": np, "relaid": relaid}
PLAIN = {
    "mg": FORMULAS,
    "np": FORMULAS,
    "relaid": FORMULAS.relaid,
    "abs": FORMULAS.absolute,
}


@dataclass(frozen=True)
class Input:
    """An array, as nested lists, in a layout; `wanted` if its gradient is asked for."""

    numbers: Any
    dtype: str = "float64"
    layout: str = "C"
    wanted: bool = False

    def array(self) -> Array:
        return np.array(self.numbers, self.dtype)


@dataclass(frozen=True)
class Program:
    """Inputs by name (x for floats, i for integers, masks and targets), and lines (name, text).

    `taps` are lines for whose values `mg.grad` is asked too.
    """

    inputs: dict[str, Input]
    lines: tuple[tuple[str, str], ...]
    taps: tuple[str, ...] = ()

    def used(self) -> Program:
        """Without what the output does not need."""
        output = self.lines[-1][0]
        needed = {output}
        for name, text in reversed(self.lines):
            if name in needed:
                needed |= set(NAMES.findall(text))
        inputs = {name: one for name, one in self.inputs.items() if name in needed}
        lines = tuple(line for line in self.lines if line[0] in needed)
        taps = tuple(name for name in self.taps if name in needed - {output})
        return Program(inputs, lines, taps)

    def run(
        self, space: dict[str, Any], inputs: dict[str, Any], tap: Tap
    ) -> dict[str, Any]:
        """The values of all lines. Those of taps go through a function."""
        values: dict[str, Any] = {}
        for name, text in self.lines:
            value = eval(text, {**space, **inputs, **values})
            values[name] = tap(name, value) if name in self.taps else value
        return values

    def by_formulas(self, v: Arrays, at: Arrays | None = None) -> Arrays:
        """The values of all lines, with the derivatives along v times STEP as imaginary parts."""
        inputs: Arrays = {name: one.array() for name, one in self.inputs.items()}
        inputs |= at or {}

        def move(name: str, z: Array) -> Array:
            return z + 1j * STEP * v[name] if name in v else z

        moved = {name: move(name, array) for name, array in inputs.items()}
        return self.run(PLAIN, moved, move)


class Drawing(Choices):
    """A program in the making. `drawing["axis"]` draws what fits into a line: the method of that
    name, called once for each line.
    """

    def __init__(self, rng: Generator) -> None:
        self.rng = rng
        self.inputs: dict[str, Input] = {}
        self.values: Arrays = {}
        self.lines: list[tuple[str, str]] = []
        self.drawn: dict[str, Any] = {}

    def __getitem__(self, blank: str) -> Any:
        if blank not in self.drawn:
            self.drawn[blank] = getattr(self, blank)()
        return self.drawn[blank]

    def shape(self, axes: int) -> tuple[int, ...]:
        return tuple(self.pick(1, 2, 2, 3, 3, 4) for _ in range(axes))

    def input(self, shape: tuple[int, ...]) -> str:
        name = self.constant(self.rng.uniform(-2, 2, shape), "x", self.yes(0.85))
        self.values[name] = self.inputs[name].array()
        return name

    def constant(self, array: Any, letter: str = "i", wanted: bool = False) -> str:
        name, array = f"{letter}{len(self.inputs)}", np.asarray(array)
        layout = layouts.draw(self.rng)
        self.inputs[name] = Input(array.tolist(), str(array.dtype), layout, wanted)
        return name

    def ids(self, below: int, shape: tuple[int, ...], signed: bool = True) -> str:
        """Places from 0 on; of some that are `signed`, some count from the end."""
        dtype = self.pick("int64", "int32", "uint8")
        low = -below if signed and dtype != "uint8" else 0
        return self.constant(self.rng.integers(low, below, shape).astype(dtype))

    def among(self, fits: Callable[[Array], bool]) -> list[str]:
        return [
            name for name, array in self.values.items() if array.size and fits(array)
        ]

    # ---- what the blanks of a line stand for ----

    def a(self):
        """One of the values, the last ones more often; sometimes a new input."""
        fit = self.among(lambda array: array.ndim <= 4)
        if not fit or self.yes(0.1):
            return self.input(self.shape(self.number(4)))
        back = int(self.rng.exponential(1.5))
        return fit[-1 - min(back, len(fit) - 1)]

    @property
    def of(self) -> Array:
        """The value of `a`."""
        return self.values[self.drawn["a"]]

    def b(self):
        """A value that broadcasts with `a`."""
        fit = self.among(lambda other: broadcasts(self.of.shape, other.shape))
        if fit and self.yes(
            0.6
        ):  # the first again and again, as a network uses its parameters
            return self.pick(fit[0], *fit)
        shape = tuple(size if self.yes(0.7) else 1 for size in self.of.shape)
        return self.input(shape[self.number(len(shape) + 1) :])

    def same(self):
        """A value of the shape of `a`."""
        shape = self.of.shape
        if self.yes():
            return self.input(shape)
        return self.pick(*self.among(lambda other: other.shape == shape))

    def right(self):
        """What `a` can be multiplied by as a matrix."""
        *batch, inner = self.of.shape
        fit = self.among(lambda other: other.shape[-2:-1] == (inner,))
        if fit and self.yes():
            return self.pick(*fit)
        matrix = inner, 1 + self.number(3)
        return self.input(self.pick((inner,), matrix, (*batch[:-1], *matrix)))

    def axis(self):
        return int(self.rng.integers(-self.of.ndim, self.of.ndim))

    def new_axis(self):
        return int(self.rng.integers(-self.of.ndim - 1, self.of.ndim + 1))

    def axes(self):
        """An axis, several or all (None)."""
        axis = self["axis"]
        some = self["order"][: 1 + self.number(self.of.ndim)]
        return self.pick(None, axis, axis, some)

    def order(self):
        return tuple(self.rng.permutation(self.of.ndim).tolist())

    def to(self):
        """Another shape of the same size."""
        shape = self.of.shape
        return self.pick(
            (-1,), (1, *shape), (*shape, 1), shape[::-1], (-1, *shape[-1:]), (2, -1)
        )

    def wide(self):
        """A shape to which `a` broadcasts."""
        shape = [size if size > 1 else 1 + self.number(3) for size in self.of.shape]
        return (*self.shape(self.number(2)), *shape)

    def key(self):
        keys = []
        for size in self.of.shape[: 1 + self.number(self.of.ndim)]:
            start = self.number(size)
            keys.append(
                self.pick(
                    f"{start}:", f":{start + 1}", start, start - size, "::2", "::-1"
                )
            )
        if self.yes(0.2):
            keys.insert(self.number(len(keys) + 1), "None")
        elif self.yes(0.2):
            keys.append("...")
        return ", ".join(map(str, keys))

    def rows(self, signed=True):
        return self.ids(len(self.of), self.shape(1 + self.number(2)), signed)

    def row_ids(self):
        return self.rows(signed=False)

    def columns(self):
        rows = self.inputs[self["rows"]]
        return self.ids(self.of.shape[1], rows.array().shape)

    def places(self):
        shape = list(self.of.shape)
        below, shape[self["axis"]] = shape[self["axis"]], 1 + self.number(3)
        return self.ids(below, tuple(shape), signed=False)

    def mask(self):
        shape = self.of.shape[: 1 + self.number(self.of.ndim)]
        return self.constant(self.rng.random(shape) < 0.6)

    def wide_mask(self):
        shape = np.broadcast_shapes(self.of.shape, self.values[self["b"]].shape)
        return self.constant(self.rng.random(shape) < 0.6)

    def widths(self):
        return [(self.number(3), self.number(2)) for _ in self.of.shape]

    def at(self):
        return self.number(self.of.shape[self["axis"]])

    def labels(self):
        *shape, classes = self.of.shape
        return self.ids(classes, tuple(shape), signed=False)

    def targets(self):
        return self.constant(self.rng.uniform(0, 1, self.of.shape))

    def how(self):
        """The settings of a loss."""
        return f"reduction={self.pick('mean', 'sum', 'none')!r}"

    def weighted(self):
        """The settings of a loss of classes."""
        weights = (0.5 + np.arange(self.of.shape[-1]) % 4).tolist()
        return self.pick("", f"weights={weights}, ") + self["how"]

    def layout(self):
        return f"{layouts.draw(self.rng, 0.1)!r}, {layouts.draw(self.rng, 0.2)!r}"

    def einsum(self):
        terms, output = self.pick(
            ("ij,jk", "ik"), ("bi,ij,bj", "b"), ("ij", "ji"), ("ii", "i"), ("ij,ij", ""),
            ("bij", "i"), ("bid,bjd", "bij"), ("i,j", "ij"), ("ij,j", "i"),
        )  # fmt: skip
        sizes = {letter: 1 + self.number(3) for letter in "bijdk"}
        names = []
        for term in terms.split(","):
            shape = tuple(sizes[letter] for letter in term)
            fit = [name for name, array in self.values.items() if array.shape == shape]
            names.append(fit[0] if fit else self.input(shape))
        return f'"{terms}->{output}", {", ".join(names)}'

    def terms(self):
        """One value beside several of other shapes, as a bias or a gain is used."""
        terms = []
        for _ in range(2 + self.number(3)):
            shape = [size if size > 1 else 1 + self.number(2) for size in self.of.shape]
            fit = self.among(
                lambda x: x.size > self.of.size and broadcasts(x.shape, self.of.shape)
            )
            new = (*self.shape(self.number(2)), *shape)
            x = self.pick(*fit) if fit and self.yes() else self.input(new)
            terms.append(f"({x} {self.pick('+', '-', '*')} {self['a']}).reshape(-1)")
        return ", ".join(terms)

    @np.errstate(all="ignore")
    def add_line(self) -> None:
        """One more line, if the one that was drawn can be used."""
        self.drawn = {"a": self.a()}
        line = LINES[-1] if self.lines and self.yes(0.25) else self.pick(*LINES)
        KINKS.clear()
        try:
            text = line.format_map(self)
            arrays = {name: one.array() for name, one in self.inputs.items()}
            value = eval(text, {**PLAIN, **arrays, **self.values})
        except (LookupError, TypeError, ValueError, ZeroDivisionError):
            return  # what was drawn does not fit
        if (
            np.size(value) > MOST
            or np.ndim(value) > 5
            or min(KINKS, default=1) < MARGIN
        ):
            return
        if np.abs(value).max(initial=0) < LARGEST:
            names = [name for name in NAMES.findall(text) if name in self.values]
            if names and self.yes(0.3):
                relaid_one = f"relaid({names[0]}, {self['layout']})"
                text = re.sub(rf"\b{names[0]}\b", relaid_one, text, count=1)
            self.values[f"v{len(self.lines)}"] = np.asarray(value)
            self.lines.append((f"v{len(self.lines)}", text))


LINES = """
mg.tanh({a})
mg.sigmoid({a})
mg.softplus({a})
mg.sin({a})
mg.cos({a})
mg.exp(0.5 * {a})
mg.log({a} * {a} + 0.5)
mg.sqrt({a} * {a} + 0.3)
mg.relu({a})
mg.leaky_relu({a}, 0.1)
abs({a})
mg.clip({a}, -0.5, 0.8)
-{a}
2.0 - {a}
np.float64(0.5) * {a}
{a} - np.int64(2)
{a} + {a}
{a} ** 2
({a} * {a} + 0.5) ** 1.5
1.0 / ({a} * {a} + 1.0)
{a} * {a} * {a}
{a} + {b}
{a} - {b}
{a} * {b}
{b} - {a}
{a} / ({b} * {b} + 0.5)
{b} / ({a} * {a} + 0.5)
({a} * {a} + 0.5) ** {b}
mg.cut({a}) * {b}
mg.maximum({a}, {b})
mg.minimum({a}, {b})
mg.where({wide_mask}, {a}, {b})
{a} @ {right}
{a} @ {right}
mg.einsum({einsum})
np.sum({a}, axis={axes}, keepdims={yes})
np.mean({a}, axis={axes}, keepdims={yes})
np.var({a}, axis={axes}, ddof={yes:d}, keepdims={yes})
np.std({a}, axis={axes}, ddof={yes:d}, keepdims={yes})
np.max({a}, axis={axes}, keepdims={yes})
np.min({a}, axis={axes}, keepdims={yes})
mg.logsumexp({a}, axis={axes}, keepdims={yes})
mg.softmax({a}, axis={axis})
mg.log_softmax({a}, axis={axis})
mg.cumsum({a}, axis={axis})
{a}.reshape({to})
{a}.transpose({order})
{a}.swapaxes({axis}, {yes:d})
mg.expand_dims({a}, {new_axis})
mg.squeeze({a})
np.broadcast_to({a}, {wide})
{a}[{key}]
{a}[{key}]
{a}[{rows}]
{a}[{rows}, {columns}]
{a}[{mask}]
mg.lookup({a}, {row_ids})
mg.lookup({a}, {row_ids})
mg.take_along_axis({a}, {places}, axis={axis})
mg.pad({a}, {widths}, constant_values=-1.5)
mg.concatenate([{a}, {same}, {a}], axis={axis})
mg.stack([{same}, {a}], axis={new_axis})
mg.split({a}, [{at}], axis={axis})[1]
mg.softmax_cross_entropy(relaid({a}, {layout}), {labels}, {weighted})
mg.negative_log_likelihood(mg.log_softmax({a}, -1), {labels}, {weighted})
mg.mean_squared_error({a}, {same}, {how})
mg.mean_absolute_error({a}, {same}, {how})
mg.binary_cross_entropy(relaid({a}, {layout}), {targets}, {how})
mg.concatenate([{terms}])
mg.concatenate([{terms}])
mg.concatenate([{terms}])
relaid({a}, {layout})
""".strip().splitlines()
"""What a line may be. A name in braces is a blank, which a method of `Drawing` fills."""


def broadcasts(*shapes: tuple[int, ...]) -> bool:
    try:
        return int(np.prod(np.broadcast_shapes(*shapes))) <= MOST
    except ValueError:
        return False


def random_program(rng: Generator) -> Program:
    """3 to 12 lines, each on values that came before, whose output depends on an input that
    requires a gradient. A last line joins all values that no line has used.
    """
    while True:
        drawing = Drawing(rng)
        for _ in range(int(rng.integers(3, 13))):
            drawing.add_line()
        lines = drawing.lines
        read = {name for _, text in lines for name in NAMES.findall(text)}
        ends = [f"{name}.reshape(-1)" for name, _ in lines if name not in read]
        if ends:
            lines.append(("v", f"mg.concatenate([{', '.join(ends)}])"))
            taps = tuple(name for name, _ in lines if rng.random() < 0.2)
            program = Program(drawing.inputs, tuple(lines), taps).used()
            if any(one.wanted for one in program.inputs.values()):
                return program


def pattern(shape: tuple[int, ...], start: float = 1.0) -> Array:
    """Numbers without a pattern that a program could share."""
    places = np.arange(1.0, 1.0 + np.prod(shape, dtype=int))
    return np.sin(start + places**1.5).reshape(shape)


def directions(arrays: Arrays) -> Arrays:
    """For each array a direction."""
    return {
        name: pattern(array.shape, 1.0 + k)
        for k, (name, array) in enumerate(arrays.items())
    }


def forward(
    program: Program, dtype: str = "float64"
) -> tuple[mg.Tensor, dict[str, mg.Tensor]]:
    """The output, and the tensors whose gradients are wanted: inputs and taps.

    Index arrays change after the forward pass, which must change nothing.
    """
    inputs: dict[str, Any] = {}
    found: dict[str, mg.Tensor] = {}

    def tap(name: str, value: mg.Tensor) -> mg.Tensor:
        if value.requires_grad:
            found[name] = value
        return value

    for name, one in program.inputs.items():
        kind = dtype if one.dtype == "float64" else one.dtype
        array = laid_out(one.array().astype(kind), one.layout)
        if name[0] == "x":
            inputs[name] = mg.Tensor(array, requires_grad=one.wanted)
        else:
            inputs[name] = array.copy("K")
        if one.wanted:
            found[name] = inputs[name]
    *_, z = program.run(OURS, inputs, tap).values()
    for array in inputs.values():
        if isinstance(array, np.ndarray):
            array[...] = 0
    return z, found


def gradients(program: Program, dtype: str = "float64") -> tuple[Array, Arrays]:
    """The output, and minigrad's gradients: by `backward`, or with taps by `mg.grad`."""
    z, tensors = forward(program, dtype)
    found = {
        name: np.zeros(tensor.shape, tensor.dtype) for name, tensor in tensors.items()
    }
    if program.taps and z.requires_grad:
        gradients = mg.grad(z, list(tensors.values()), upstream=pattern(z.shape))
        found = {name: g.array for name, g in zip(tensors, gradients, strict=True)}
    elif z.requires_grad:
        z.backward(pattern(z.shape))
        for name, tensor in tensors.items():
            found[name] = (
                found[name] if tensor.grad is None else np.asarray(tensor.grad)
            )
    return z.array, found


def same(
    what: str, found: Array, expected: Array, rounding: float, dtype: str = "float64"
) -> None:
    form = str(found.dtype), found.shape
    assert form == (dtype, expected.shape), f"{what} is {form}"
    away, largest = np.abs(found - expected), np.abs(expected).max(initial=1)
    close = np.all(away <= rounding * largest)
    assert close, f"{what} is {found.tolist()}, and should be {expected.tolist()}"


def along(arrays: Arrays, v: Arrays) -> float:
    return sum(float((array * v[name]).sum()) for name, array in arrays.items())


class FirstOrder(Fuzzer):
    """Values and gradients of random programs."""

    name = "programs"
    share = 4.0

    def case(self, rng: Generator) -> Program:
        return random_program(rng)

    def fault(self, program: Program) -> str:
        z, found = gradients(program)
        v = directions(found)
        *_, exact = program.by_formulas(v).values()
        same("value: the output", z, exact.real, 1e-9)
        upstream = pattern(z.shape)
        slope = (exact.imag * upstream).sum() / STEP
        size = sum(np.abs(gradient).sum() for gradient in found.values())
        close = abs(along(found, v) - slope) <= 1e-9 * (1 + size)
        assert close, (
            f"gradient: along one direction {along(found, v)}, by the formulas {slope}"
        )
        narrow, gradient = gradients(program, "float32")
        same("float32: the output", narrow, z, 0.02, "float32")
        for name, g in found.items():
            if name in program.inputs:
                assert g.shape == program.inputs[name].array().shape, (
                    f"form: {name}'s gradient"
                )
            same(f"float32: the gradient of {name}", gradient[name], g, 0.02, "float32")
        return ""

    def smaller(self, program: Program) -> Iterator[Program]:
        """Fewer lines: those at the end left out, or a value given as an input; fewer gradients."""
        values, lines, inputs = program.by_formulas({}), program.lines, program.inputs
        smaller = [replace(program, lines=lines[:end]) for end in range(1, len(lines))]
        for place in reversed(range(len(lines) - 1)):
            name, new = lines[place][0], f"x{100 + place}"
            rest = tuple(
                (other, re.sub(rf"\b{name}\b", new, text))
                for other, text in lines
                if other != name
            )
            array = values[name].real
            if array.size:
                given = Input(array.tolist(), wanted=True)
                smaller.append(Program({**inputs, new: given}, rest, program.taps))
        if program.taps:
            smaller.append(replace(program, taps=program.taps[1:]))
        for name, one in inputs.items():
            for simpler in (replace(one, layout="C"), replace(one, wanted=False)):
                if simpler != one:
                    smaller.append(replace(program, inputs={**inputs, name: simpler}))
        for candidate in smaller:
            if any(one.wanted for one in candidate.used().inputs.values()):
                yield candidate.used()


class SecondOrder(FirstOrder):
    """Second derivatives along two directions, as the gradient of a gradient."""

    name = "second order"
    share = 1.5

    def case(self, rng: Generator) -> Program:
        """Without cuts, which are no constants by the formulas when an input moves."""
        program = random_program(rng)
        lines = tuple(
            (name, text.replace("mg.cut(", "(")) for name, text in program.lines
        )
        return Program(program.inputs, lines)

    def fault(self, program: Program) -> str:
        z, tensors = forward(program)
        if not z.requires_grad:
            return ""
        at = {name: tensor.array for name, tensor in tensors.items()}
        v = directions(at)
        u = {name: pattern(array.shape, 0.5) for name, array in at.items()}
        wanted = list(tensors.values())
        first = mg.grad(z, wanted, create_graph=True, upstream=pattern(z.shape))
        slope: Any = sum(
            (g * v[name]).sum() for g, name in zip(first, tensors, strict=True)
        )
        found: Arrays = {}
        if slope.requires_grad:
            second = mg.grad(slope, wanted)
            found = {name: g.array for name, g in zip(tensors, second, strict=True)}

        def moved(step: float) -> float:
            there = {name: array + step * u[name] for name, array in at.items()}
            *_, expected = program.by_formulas(v, there).values()
            return float((expected.imag * pattern(z.shape)).sum()) / STEP

        near, far = ((moved(step) - moved(-step)) / (2 * step) for step in (1e-5, 2e-5))
        rounding = 1e-6 * max(
            1.0, abs(near), *(np.abs(g).max() for g in found.values())
        )
        close = abs(along(found, u) - near) <= 10 * abs(near - far) + rounding
        assert close, (
            f"second derivative: {along(found, u)}, by central differences {near}"
        )
        return ""
