"""The operations that a check tries, and the inputs on which it tries them."""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ...graph import Array
from ...tensor import Tensor

SHAPES = ((2, 3), (), (3,), (2, 1), (1,), (1, 1), (2, 2))
PAIRS = (
    ((2, 3), (2, 3)),
    ((2, 3), (3,)),
    ((3,), (2, 3)),
    ((2, 1), (2, 3)),
    ((1, 3), (2, 1)),
    ((), (2, 3)),
    ((2, 3), ()),
    ((), ()),
    ((1,), (1, 1)),
    ((1, 1), (1,)),
    ((2, 3), (3, 4)),
    ((4, 2), (2, 2)),
)
"""Equal shapes, shapes of which one or both are broadcast, and matrices to multiply."""
LARGE = 800.0
"""A number of which the exponential function is infinite in float64."""
PERIODIC = "{0}.sin()", "{0}.cos()"
"""Operations whose result at a large number depends on how many digits of pi are used."""


def nice(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return different short numbers of either sign, none of which is near 0.

    They are exact in float32, too.
    """
    count = int(np.prod(shape))
    sizes = rng.permutation(np.arange(4, 24))[:count] / 8
    signs = rng.choice([-1.0, 1.0], count)
    return np.asarray((sizes * signs).reshape(shape))


def positive(x: Array, *_: Array) -> bool:
    """Return whether every number is positive, as a logarithm requires."""
    return bool((x > 0.1).all())


def clear(*arrays: Array) -> bool:
    """Return whether no number is near 0, where relu has a kink and a quotient a pole."""
    return all(bool((np.abs(x) > 0.1).all()) for x in arrays)


def distinct(x: Array) -> bool:
    """Return whether all numbers differ, so that there is one maximum."""
    gaps = np.diff(np.sort(x, axis=None))
    return bool((gaps > 0.1).all())


def matrices(*arrays: Array) -> bool:
    """Return whether all inputs are matrices, because an engine need not multiply vectors."""
    return all(x.ndim == 2 for x in arrays)


SIGNS = {
    "+": "add",
    "*": "mul",
    "-": "sub",
    "/": "truediv",
    "**": "pow",
    "@": "matmul",
}


@dataclass(frozen=True)
class Operation:
    """An expression such as `{0} * {1}`.

    `domain` returns whether the operation can be compared at its inputs.
    """

    text: str
    domain: Callable[..., bool] = clear

    @cached_property
    def method(self) -> str:
        """The method that Python calls."""
        if name := re.match(r"\{0\}\.(\w+)", self.text):
            return name[1]
        if sign := re.search(r" ([-+*/@]+) ", self.text):
            reflected = "" if self.text.startswith("{0}") else "r"
            return f"__{reflected}{SIGNS[sign[1]]}__"
        return "__neg__" if self.text == "-{0}" else "__getitem__"

    @property
    def count(self) -> int:
        """The number of inputs."""
        return 2 if "{1}" in self.text else 1

    @property
    def array(self) -> bool:
        """True if only engines of arrays have the operation."""
        return bool(
            re.search(
                r"@|\[|\.(sum|mean|max|min|reshape|T|transpose)\b",
                self.text,
            )
        )

    @property
    def own(self) -> bool:
        """True for an operator whose result the class determines, and not an array on the left."""
        return not re.match(r"np\.array|\{0\}[.\[]", self.text)

    def __str__(self) -> str:
        return self.text.format("a", "b")

    def __call__(self, *inputs: Any) -> Any:
        """Apply the operation to minigrad's Tensors."""
        return self._function(*inputs)

    @cached_property
    def _function(self) -> Callable[..., Any]:
        return function(self.text, {})

    def accepts(self, *arrays: Array) -> bool:
        """Return whether minigrad can compute the operation at these inputs."""
        with suppress(Exception):  # shapes that do not fit
            self(*map(Tensor, arrays))
            return self.domain(*arrays)
        return False

    def candidates(self) -> list[str]:
        """Return the texts that may call the operation: a method, or a function."""
        texts = [self.text]
        if call := re.fullmatch(r"\{0\}\.(\w+)\((.*)\)", self.text):
            name, arguments = call.groups()
            texts.append(f"{name}({{0}}, {arguments})".replace(", )", ")"))
        return texts

    def samples(self, rng: np.random.Generator, scalar: bool) -> list[tuple[Array, ...]]:
        """Return inputs in the domain: six sets of numbers for an engine of scalars, otherwise
        arrays of several shapes.

        For scalars, the first set is positive and the second negative. The last inputs are zeros
        and large numbers, where a formula may be undefined although the function is not.
        """
        shapes: Any = PAIRS if self.count == 2 else [(shape,) for shape in SHAPES]
        if scalar:
            shapes = [((),) * self.count] * 6
        found = []
        for number, shape in enumerate(shapes):
            arrays = tuple(nice(rng, one) for one in shape)
            sizes = tuple(map(np.abs, arrays))
            if scalar and number < 2:
                arrays = tuple((-1) ** number * size for size in sizes)
            for inputs in (arrays, sizes):
                if self.accepts(*inputs):
                    found.append(inputs)
                    break
        if not self.array:
            large = () if self.text in PERIODIC else (LARGE, -LARGE)
            for value in (0.0, *large):
                inputs = tuple(np.full(x.shape, value) for x in found[0])
                if self._is_smooth(*inputs):
                    found.append(inputs)
        return found

    def _is_smooth(self, *inputs: Array) -> bool:
        """Return whether the operation is defined at these inputs and has no kink there."""
        h = 1e-4
        with suppress(Exception):
            before, here, after = (
                self(*(Tensor(x + step) for x in inputs)).array for step in (-h, 0.0, h)
            )
            bend = np.abs(before + after - 2 * here) / h
            return bool((bend < 0.1 * np.maximum(1.0, np.abs(here))).all())
        return False


def function(text: str, names: dict[str, Any]) -> Callable[..., Any]:
    """Return the function of a text such as `{0} * {1}`, which may use `names`."""
    code = text.format("x", "y")
    result: Callable[..., Any] = eval(f"lambda x, y=None: {code}", {**names, "np": np})
    return result


MATRIX = "np.array([[2.5, -1.25, 0.75], [-0.5, 3.0, 1.5]])"
SQUARE = "np.array([[2.0, -1.0], [0.5, 3.0]])"
CONSTANTS = (
    "2",
    "-0.71828",
    "1.30103",
    MATRIX,
    "np.array([2.5, -1.25, 0.75])",
)

TABLE = (
    (clear, [f"{{0}} {sign} {{1}}" for sign in "+*-/"]),
    (clear, ["-{0}", "{0} ** 3", "{0} ** 2", "{0} ** -1", "{0} ** -2.0"]),
    (positive, ["{0} ** 0.5", "{0} ** 2.7", "{0} ** {1}"]),
    (
        clear,
        [
            text
            for sign in "+*-/"
            for one in CONSTANTS
            for text in (f"{{0}} {sign} {one}", f"{one} {sign} {{0}}")
        ],
    ),
    (
        clear,
        [
            "2 ** {0}",
            "0.71828 ** {0}",
            "{0}.relu()",
            "{0}.tanh()",
            "{0}.exp()",
            "{0}.sigmoid()",
            "{0}.sin()",
            "{0}.cos()",
            "{0}.abs()",
        ],
    ),
    (positive, ["{0}.log()", "{0}.sqrt()"]),
    (matrices, ["{0} @ {1}", "{0} @ " + MATRIX, SQUARE + " @ {0}"]),
    (
        distinct,
        [
            "{0}.sum()",
            "{0}.sum(axis=0)",
            "{0}.sum(axis=1)",
            "{0}.sum(axis=1, keepdims=True)",
            "{0}.mean()",
            "{0}.mean(axis=0)",
            "{0}.max()",
            "{0}.max(axis=1)",
            "{0}.min()",
        ],
    ),
    (matrices, ["{0}.reshape(3, 2)", "{0}.transpose()", "{0}.T"]),
    (clear, ["{0}[1]", "{0}[:, 1]", "{0}[0, 1:]", "{0}[[0, 0]]"]),
)

OPERATIONS = [Operation(text, domain) for domain, texts in TABLE for text in texts]
