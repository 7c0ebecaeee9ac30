"""Programs of random operations: values and derivatives against formulas on complex numbers."""

import operator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import assume, note
from hypothesis.errors import UnsatisfiedAssumption

import minigrad as mg

from .draw import (
    NATIVE,
    gradient,
    laid_out,
    random_cases,
    relaid,
    same,
)
from .formulas import FORMULAS, KINKS, STEP

LARGEST = 20.0
MOST = 48  # elements of a value
MARGIN = 2e-3  # the least distance from a kink


@dataclass
class Line:
    """An operation on earlier values, by their numbers, and its other arguments."""

    name: str
    operands: list[int]
    args: tuple[Any, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    tap: bool = False
    """Whether the gradient of its value is asked for, if there is one."""

    def run(self, space, values):
        operands = [values[number] for number in self.operands]
        function = space[self.name]
        if self.name in ("concatenate", "stack"):
            operands = [operands]
        if self.name in ("einsum", "where"):
            return function(*self.args, *operands)
        return function(*operands, *self.args, **self.options)


def positive(x):
    return x * x + 0.5


def beside_numbers(x):
    return 2.0 - np.float64(0.5) * (x - np.int64(2))


def second_part(x, at, axis):
    return np.split(x, [at], axis=axis)[1]


def as_is(x, *settings):
    return x


SHARED = {
    **vars(operator),
    "positive": positive,
    "beside_numbers": beside_numbers,
    "second_part": second_part,
}
"""Operations that are written alike for Tensors and for arrays."""

PLAIN = {
    **vars(FORMULAS),
    **SHARED,
    "leaf": as_is,
    "relaid": as_is,
}


def run(program, space, change):
    """The values of all lines, each as `change` of its number and value returns it."""
    values: list[Any] = []
    for number, line in enumerate(program):
        values.append(change(number, line.run(space, values)))
    return values


class Drawing:
    """A program in the making, and its values by the formulas."""

    def __init__(self, draw):
        self.draw = draw
        self.pick, self.yes = draw.pick, draw.yes
        self.between, self.sizes = (
            draw.between,
            draw.sizes,
        )
        self.lines: list[Line] = []
        self.values: list[Any] = []

    def add(self, name, *operands, args=(), **options):
        """Add a line and return its number, unless its values are large or near a kink."""
        line = Line(name, [*operands], args, options)
        KINKS.clear()
        value = np.asarray(line.run(PLAIN, self.values))
        assume(value.size <= MOST and value.ndim <= 5)
        assume(min(KINKS, default=1) >= MARGIN)
        assume(np.abs(value).max(initial=0) < LARGEST)
        line.tap = self.draw.rng.random() < 0.2
        self.lines.append(line)
        self.values.append(value)
        return len(self.lines) - 1

    # ---- operands and other arguments ----

    def leaf(self, *shape):
        array = self.draw.rng.uniform(-2, 2, shape)
        layout = self.pick("C", *NATIVE)
        return self.add(
            "leaf",
            args=(array, layout, not self.yes(15)),
        )

    def among(self, fits):
        values = enumerate(self.values)
        return [number for number, one in values if one.size and fits(one.shape)]

    def operand(self):
        """One of the values, the last ones more often; sometimes a new leaf."""
        fit = self.among(lambda shape: len(shape) <= 4)
        if not fit or self.yes(10):
            return self.leaf(*self.sizes(self.pick(2, 1, 0, 3), high=4))
        number = self.pick(*fit[:-4:-1], self.pick(*fit))
        if self.yes(20):
            layouts = (
                self.pick(*NATIVE),
                self.pick(*NATIVE),
            )
            number = self.add("relaid", number, args=layouts)
        return number

    def beside(self, shape):
        """A value that broadcasts, the first ones more often, as a parameter is used."""
        fit = self.among(lambda other: broadcasts(other, shape))
        if self.yes():
            return self.pick(*fit[:2], self.pick(*fit))
        sizes = [size if self.yes(70) else 1 for size in shape]
        return self.leaf(*sizes[self.between(0, len(sizes)) :])

    def fitting(self, shape):
        """A value of a shape."""
        fit = self.among(lambda other: other == shape)
        return self.pick(*fit) if fit and self.yes() else self.leaf(*shape)

    def ids(self, below, shape, low=0):
        numbers = self.draw.rng.integers(low, below, shape)
        return numbers.astype(self.pick("int64", "int32", "int8"))

    def mask(self, shape):
        return self.draw.rng.random(shape) < 0.6

    def part(self, size):
        start = self.between(0, size - 1)
        stop = slice(None, start + 1)
        steps = slice(None, None, self.pick(2, -1))
        return self.pick(
            slice(start, None),
            stop,
            steps,
            start,
            start - size,
        )

    def axis(self, shape):
        assume(shape)
        return self.between(-len(shape), len(shape) - 1)


class Operations(Drawing):
    """Operations on a value `a`, of a shape, each of which adds some lines."""

    def elementwise(self, a, shape):
        name = self.pick(*ELEMENTWISE)
        self.add(name, a, args=ELEMENTWISE[name])

    def of_positive(self, a, shape):
        a = self.add("positive", a)
        name = self.pick("log", "sqrt", "pow", "truediv")
        if name in ("log", "sqrt"):
            self.add(name, a)
        else:
            operands = [a, self.beside(shape)]
            self.add(
                name,
                *operands[:: 1 if name == "pow" else -1],
            )

    def two(self, a, shape):
        operands = [
            a,
            a if self.yes(20) else self.beside(shape),
        ]
        name = self.pick(
            "add",
            "sub",
            "mul",
            "maximum",
            "minimum",
            "where",
        )
        args: tuple[Any, ...] = ()
        if name == "where":
            shapes = [self.values[one].shape for one in operands]
            args = (self.mask(np.broadcast_shapes(*shapes)),)
        self.add(
            name,
            *operands[:: self.pick(1, -1)],
            args=args,
        )

    def bias(self, a, shape):
        """One value beside several larger ones."""
        for _ in range(self.between(2, 4)):
            larger = [size if size > 1 else self.between(1, 2) for size in shape]
            leaf = self.leaf(*self.sizes(self.between(0, 1)), *larger)
            self.add(self.pick("add", "sub", "mul"), leaf, a)

    def matmul(self, a, shape):
        assume(shape)
        *batch, inner = shape
        matrix = (inner, self.between(1, 3))
        right = self.pick(matrix, (inner,), (*batch[:-1], *matrix))
        self.add("matmul", a, self.fitting(right))

    def einsum(self, a, shape):
        subscripts = self.pick(*EINSUMS)
        sizes = dict(zip("bijdk", self.sizes(5), strict=True))
        terms = subscripts.split("->")[0].split(",")
        shapes = [tuple(sizes[letter] for letter in term) for term in terms]
        operands = [self.fitting(one) for one in shapes]
        self.add("einsum", *operands, args=(subscripts,))

    def reduce(self, a, shape):
        name = self.pick(
            "sum",
            "mean",
            "var",
            "std",
            "max",
            "min",
            "logsumexp",
        )
        axis = self.axis(shape)
        several = tuple(range(axis % len(shape) + 1))
        options = {
            "axis": self.pick(None, axis, several),
            "keepdims": self.yes(),
        }
        if name in ("var", "std"):
            options["ddof"] = self.pick(0, 1)
        self.add(name, a, **options)

    def along(self, a, shape):
        name = self.pick("softmax", "log_softmax", "cumsum")
        self.add(name, a, axis=self.axis(shape))

    def reshape(self, a, shape):
        order = tuple(self.draw.rng.permutation(len(shape)).tolist())
        moved = tuple(shape[axis] for axis in order)
        args = {
            "reshape": (
                self.pick(
                    (-1,),
                    moved,
                    (1, *shape),
                    (*shape[:1], -1),
                ),
            ),
            "transpose": (order,),
            "expand_dims": (self.between(0, len(shape)),),
            "squeeze": (),
            "broadcast_to": (
                (
                    *self.sizes(self.between(0, 1)),
                    *shape,
                ),
            ),
        }
        name = self.pick(*args)
        self.add(name, a, args=args[name])

    def pad(self, a, shape):
        assume(shape)
        widths = [(self.between(0, 2), 1) for _ in shape]
        self.add(
            "pad",
            a,
            args=(widths,),
            constant_values=-1.5,
        )

    def index(self, a, shape):
        assume(shape)
        some = self.sizes(self.between(1, 2))
        rows = self.ids(shape[0], some, -shape[0])
        axes = self.between(1, len(shape))
        keys = {
            "slices": tuple(self.part(size) for size in shape[:axes]),
            "new axis": (
                ...,
                None,
                self.part(shape[-1]),
            ),
            "mask": self.mask(shape[:axes]),
            "rows": rows,
            "places": tuple(self.ids(size, some, -size) for size in shape[:axes]),
        }
        self.add("getitem", a, args=(keys[self.pick(*keys)],))

    def lookup(self, a, shape):
        assume(shape)
        ids = self.ids(shape[0], self.sizes(self.between(1, 2)))
        self.add("lookup", a, args=(ids,))

    def take_along_axis(self, a, shape):
        axis = self.axis(shape)
        sizes = list(shape)
        sizes[axis] = self.between(1, 3)
        self.add(
            "take_along_axis",
            a,
            args=(self.ids(shape[axis], sizes),),
            axis=axis,
        )

    def join(self, a, shape):
        name = self.pick("concatenate", "stack")
        self.add(
            name,
            a,
            self.fitting(shape),
            a,
            axis=self.axis(shape),
        )

    def split(self, a, shape):
        axis = self.axis(shape)
        at = self.between(0, shape[axis] - 1)
        self.add("second_part", a, args=(at,), axis=axis)

    def cut(self, a, shape):
        self.add(
            "mul",
            self.add("cut", a),
            self.beside(shape),
        )


OPERATIONS = [name for name in vars(Operations) if name[0] != "_"]
ELEMENTWISE = {
    "tanh": (),
    "sigmoid": (),
    "softplus": (),
    "gelu": (),
    "sin": (),
    "cos": (),
    "exp": (),
    "relu": (),
    "leaky_relu": (0.1,),
    "clip": (-0.5, 0.8),
    "absolute": (),
    "neg": (),
    "pow": (2,),
    "positive": (),
    "beside_numbers": (),
}
EINSUMS = (
    "ij,jk->ik",
    "bi,ij,bj->b",
    "ij->ji",
    "ii->i",
    "ij,ij->",
    "bij->i",
    "bid,bjd->bij",
    "i,j->ij",
    "ij,j->i",
)


def broadcasts(*shapes):
    try:
        return np.prod(np.broadcast_shapes(*shapes)) <= MOST
    except ValueError:
        return False


def random_program(draw, operations):
    """Some lines, of which the last joins all values that no line has used."""
    drawing = Operations(draw)
    for _ in range(draw.between(1, 9)):
        with suppress(UnsatisfiedAssumption):  # which would leave out the whole case
            operation = getattr(drawing, draw.pick(*operations))
            a = drawing.operand()
            operation(a, drawing.values[a].shape)
    assume(drawing.lines)
    used = {number for line in drawing.lines for number in line.operands}
    unused = {*range(len(drawing.lines))} - used
    flat = [drawing.add("reshape", number, args=((-1,),)) for number in unused]
    drawing.lines.append(Line("concatenate", flat, options={"axis": 0}))
    for number, line in enumerate(drawing.lines):
        note(f"{number} = {line}")
    return drawing.lines


def pattern(shape, start=1.0):
    """Numbers without a pattern that a program could share."""
    places = np.arange(1.0, 1.0 + np.prod(shape, dtype=int))
    return np.sin(start + places**1.5).reshape(shape)


def forward(program, dtype="float64", taps=False):
    """The output, and the tensors whose gradients are asked for, by their lines.

    Arguments that are arrays change after the forward pass, which must change nothing.
    """
    given: list[Any] = []

    def fresh(argument):
        if isinstance(argument, tuple):
            return tuple(fresh(one) for one in argument)
        if not isinstance(argument, np.ndarray):
            return argument
        kind = dtype if argument.dtype.kind == "f" else argument.dtype
        given.append(argument.astype(kind))
        return given[-1]

    def leaf(array, layout, wanted):
        return mg.Tensor(
            laid_out(array, layout),
            requires_grad=wanted,
        )

    def change(number, value):
        line = program[number]
        if value.requires_grad and (line.name == "leaf" or taps and line.tap):
            wanted[number] = value
        return value

    space = {
        **vars(np),
        **vars(mg),
        **SHARED,
        "leaf": leaf,
        "relaid": relaid,
    }
    wanted: dict[int, Any] = {}
    lines = [Line(x.name, x.operands, fresh(x.args), x.options) for x in program]
    *_, z = run(lines, space, change)
    for array in given:
        array[...] = 0
    return z, wanted


def by_formulas(program, along, start=None):
    """The output, with the derivative along some directions times STEP as imaginary parts."""
    start = start or {}

    def change(number, value):
        value = start.get(number, value)
        if number in along:
            value = value + 1j * STEP * along[number]
        return value

    return run(program, PLAIN, change)[-1]


def directions(tensors, start=1.0):
    numbers = enumerate(tensors.items())
    return {number: pattern(t.shape, start + k) for k, (number, t) in numbers}


def along(gradients, directions):
    pairs = zip(gradients, directions, strict=True)
    return sum((g * v).sum() for g, v in pairs)


@random_cases
def test_programs(draw):
    program = random_program(draw, OPERATIONS)
    taps = draw.yes()

    def gradients(dtype):
        """The output, the tensors and their gradients, by `mg.grad` if there are taps."""
        z, tensors = forward(program, dtype, taps)
        assert z.dtype == dtype
        assume(z.requires_grad)
        upstream = pattern(z.shape)
        if taps:
            leaves = list(tensors.values())
            slopes = mg.grad(z, leaves, upstream=upstream)
            return z, tensors, [one.array for one in slopes]
        z.backward(upstream)
        found = [gradient(one) for one in tensors.values()]
        return z, tensors, found

    z, tensors, found = gradients("float64")
    v = directions(tensors)
    exact = by_formulas(program, v)
    same(z.array, exact.real)
    slope = (exact.imag * pattern(z.shape)).sum() / STEP
    size = sum(np.abs(g).sum() for g in found)
    assert abs(along(found, v.values()) - slope) <= 1e-9 * (1 + size)
    narrow, _, others = gradients("float32")
    for one, other in zip(
        [narrow.array, *others],
        [z.array, *found],
        strict=True,
    ):
        assert one.dtype == "float32" and one.shape == other.shape
        room = 0.02 * np.abs(other).max(initial=1)
        np.testing.assert_allclose(one, other, 0, room)


@random_cases
def test_second_derivatives_of_programs(draw):
    """Along two directions, as the gradient of a gradient, against central differences."""
    program = random_program(
        draw,
        [one for one in OPERATIONS if one != "cut"],
    )
    z, tensors = forward(program)
    assume(z.requires_grad)
    u, v = directions(tensors, 0.5), directions(tensors)
    upstream = pattern(z.shape)
    leaves = list(tensors.values())
    first = mg.grad(z, leaves, create_graph=True, upstream=upstream)
    slope: Any = along(first, v.values())
    found: list[Any] = [np.zeros(())]
    if slope.requires_grad:
        found = [one.array for one in mg.grad(slope, leaves)]

    def moved(step):
        start = {k: t.array + step * u[k] for k, t in tensors.items()}
        return (by_formulas(program, v, start).imag * upstream).sum() / STEP

    near, far = ((moved(step) - moved(-step)) / (2 * step) for step in (1e-5, 2e-5))
    second = along(found, u.values()) if slope.requires_grad else 0
    largest = max(
        1,
        abs(near),
        *(np.abs(g).max(initial=0) for g in found),
    )
    assert abs(second - near) <= 10 * abs(near - far) + 1e-6 * largest
