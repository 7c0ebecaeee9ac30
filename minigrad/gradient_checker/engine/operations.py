"""The operations that a check tries, and the inputs on which it tries them."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...graph import Array
from ...tensor import Tensor

SHAPES = ((2, 3), (), (3,), (2, 1), (1,), (1, 1))
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
    """Return whether all inputs are matrices: an engine need not multiply vectors."""
    return all(x.ndim == 2 for x in arrays)


@dataclass(frozen=True)
class Operation:
    """An expression such as `{0} * {1}`, and the method that Python calls for it.

    `domain` returns whether the operation can be compared at its inputs.
    """

    text: str
    method: str
    domain: Callable[..., bool] = clear

    @property
    def count(self) -> int:
        """The number of inputs."""
        return 2 if "{1}" in self.text else 1

    @property
    def constant(self) -> bool:
        """True for an arithmetic operation with a constant, such as `{0} + 2`."""
        return self.count == 1 and bool(re.search(r" [-+*/@] |^-?\d", self.text))

    def __str__(self) -> str:
        return self.text.format("a", "b")

    def __call__(self, *inputs: Any) -> Any:
        """Apply the operation to minigrad's Tensors."""
        return function(self.text, {})(*inputs)

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
        if self.text == "{0} @ {1}":
            texts += ["{0}.matmul({1})", "{0}.dot({1})", "matmul({0}, {1})"]
        if self.method == "reshape":
            texts += ["{0}.reshape((3, 2))", "reshape({0}, (3, 2))"]
        return texts

    def samples(
        self, rng: np.random.Generator, scalar: bool
    ) -> list[tuple[Array, ...]]:
        """Return inputs in the domain: six times numbers, or arrays of several shapes.

        The first numbers are positive, and the second ones are negative.
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
        return found


def function(text: str, names: dict[str, Any]) -> Callable[..., Any]:
    """Return the function of a text such as `{0} * {1}`, which may use `names`."""
    code = text.format("x", "y")
    result: Callable[..., Any] = eval(f"lambda x, y=None: {code}", {**names, "np": np})
    return result


SIGNS = {"+": "add", "*": "mul", "-": "sub", "/": "truediv"}


def constants(*texts: str) -> Iterator[Operation]:
    """Yield arithmetic operations with constants, on the right and on the left."""
    for sign, name in SIGNS.items():
        for text in texts:
            yield Operation(f"{{0}} {sign} {text}", f"__{name}__")
            yield Operation(f"{text} {sign} {{0}}", f"__r{name}__")


def calls(*texts: str, domain: Callable[..., bool]) -> list[Operation]:
    """Return operations from their texts, such as `.sum(axis=0)`."""
    found = []
    for text in texts:
        name = re.match(r"\.(\w+)", text)
        method = name[1] if name else "__getitem__"
        found.append(Operation("{0}" + text, method, domain))
    return found


NUMBERS = [
    *(Operation(f"{{0}} {sign} {{1}}", f"__{SIGNS[sign]}__") for sign in SIGNS),
    *(Operation(f"{{0}} ** {n}", "__pow__") for n in (3, 2, -1, -2.0)),
    *(Operation(f"{{0}} ** {n}", "__pow__", positive) for n in (0.5, 2.7, "{1}")),
    Operation("-{0}", "__neg__"),
    *constants("2", "-0.71828", "1.30103"),
    Operation("2 ** {0}", "__rpow__"),
    Operation("0.71828 ** {0}", "__rpow__"),
    *calls(".relu()", ".tanh()", ".exp()", ".sigmoid()", domain=clear),
    *calls(".sin()", ".cos()", ".abs()", domain=clear),
    *calls(".log()", ".sqrt()", domain=positive),
]

ARRAYS = [
    Operation("{0} @ {1}", "__matmul__", matrices),
    *calls(".sum()", ".sum(axis=0)", ".sum(axis=1)", domain=distinct),
    *calls(".sum(axis=1, keepdims=True)", ".mean()", ".mean(axis=0)", domain=distinct),
    *calls(".max()", ".max(axis=1)", ".min()", domain=distinct),
    *calls(".reshape(3, 2)", ".transpose()", ".T", domain=matrices),
    *calls("[1]", "[:, 1]", "[0, 1:]", "[[0, 0]]", domain=clear),
    *constants("np.array([[2.5, -1.25, 0.75], [-0.5, 3.0, 1.5]])"),
    *constants("np.array([2.5, -1.25, 0.75])"),
    Operation("{0} @ np.array([[2.0], [-1.0], [0.5]])", "__matmul__", matrices),
    Operation("np.array([[2.0, -1.0], [0.5, 3.0]]) @ {0}", "__rmatmul__", matrices),
]
