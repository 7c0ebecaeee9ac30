"""The operations that a check tries, and the inputs on which it tries them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...graph import Array

Shapes = tuple[tuple[int, ...], ...]
"""The shapes of an operation's inputs."""

MATRIX: tuple[Shapes, ...] = (((2, 3),),)
PAIRS: tuple[Shapes, ...] = (
    ((2, 3), (2, 3)),
    ((2, 3), (3,)),
    ((3,), (2, 3)),
    ((2, 1), (2, 3)),
    ((1, 3), (2, 1)),
    ((), (2, 3)),
)
"""Equal shapes, and shapes of which one or both are broadcast."""
PRODUCTS: tuple[Shapes, ...] = (((2, 3), (3, 4)), ((4, 2), (2, 2)))


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
    """Return whether all inputs are matrices: an engine need not know products with vectors."""
    return all(x.ndim == 2 for x in arrays)


def anywhere(*arrays: Array) -> bool:
    """Return True: the operation can be compared at any inputs."""
    return True


@dataclass(frozen=True)
class Operation:
    """An expression such as `{0} * {1}`, and the method that Python calls for it.

    `domain` returns whether the operation can be compared at its inputs.
    """

    text: str
    method: str
    domain: Callable[..., bool] = anywhere
    shapes: tuple[Shapes, ...] = MATRIX

    @property
    def count(self) -> int:
        """The number of inputs."""
        return len(self.shapes[0])

    @property
    def constant(self) -> bool:
        """True for an arithmetic operation with a constant, such as `{0} + 2`."""
        return self.count == 1 and bool(re.search(r" [-+*/@] |^-?\d|^np", self.text))

    def __str__(self) -> str:
        return self.text.format("a", "b")

    def __call__(self, *inputs: Any) -> Any:
        """Apply the operation to minigrad's Tensors."""
        return function(self.text, {})(*inputs)

    def candidates(self) -> list[str]:
        """Return the texts that may call the operation: a method, or a function of that name."""
        texts = [self.text]
        if call := re.fullmatch(r"\{0\}\.(\w+)\((.*)\)", self.text):
            name, arguments = call.groups()
            texts.append(f"{name}({{0}}, {arguments})".replace(", )", ")"))
        if self.method == "__matmul__":
            texts += ["{0}.matmul({1})", "{0}.dot({1})", "matmul({0}, {1})"]
        if self.method == "reshape":
            texts += ["{0}.reshape((3, 2))", "reshape({0}, (3, 2))"]
        return texts

    def samples(self, rng: np.random.Generator, scalar: bool) -> list[list[Array]]:
        """Return inputs in the domain: six times for a scalar engine, and of all shapes otherwise.

        The first numbers for a scalar engine are positive, and the second ones are negative.
        """
        shapes: Sequence[Shapes] = self.shapes
        if scalar:
            shapes = [((),) * self.count] * 6
        found = []
        for number, shape in enumerate(shapes):
            arrays = [nice(rng, one) for one in shape]
            if scalar and number < 2:
                arrays = [
                    np.asarray((-1) ** number * np.abs(array)) for array in arrays
                ]
            if not self.domain(*arrays):
                arrays = [np.abs(array) for array in arrays]
            found.append(arrays)
        return found


def function(text: str, names: dict[str, Any]) -> Callable[..., Any]:
    """Return the function of a text such as `{0} * {1}`, which may use `names` and np."""
    code = text.format("x", "y")
    result: Callable[..., Any] = eval(f"lambda x, y=None: {code}", {**names, "np": np})
    return result


def two(text: str, method: str, domain: Callable[..., bool] = anywhere) -> Operation:
    """Return an operation of two inputs, which may be broadcast."""
    return Operation(text, method, domain, PAIRS)


def calls(*texts: str, domain: Callable[..., bool]) -> list[Operation]:
    """Return operations from their texts, such as `.sum(axis=0)`."""
    found = []
    for text in texts:
        name = re.match(r"\.(\w+)", text)
        method = name[1] if name else "__getitem__"
        found.append(Operation("{0}" + text, method, domain))
    return found


NUMBERS = [
    two("{0} + {1}", "__add__"),
    two("{0} * {1}", "__mul__"),
    two("{0} - {1}", "__sub__"),
    two("{0} / {1}", "__truediv__", clear),
    Operation("{0} ** 3", "__pow__", clear),
    Operation("-{0}", "__neg__"),
    Operation("{0} + 2", "__add__"),
    Operation("{0} * -1.5", "__mul__"),
    Operation("{0} - 0.5", "__sub__"),
    Operation("{0} / 4", "__truediv__"),
    Operation("3 + {0}", "__radd__"),
    Operation("3 * {0}", "__rmul__"),
    Operation("3 - {0}", "__rsub__"),
    Operation("3 / {0}", "__rtruediv__", clear),
    Operation("{0} ** 2", "__pow__"),
    Operation("{0} ** -1", "__pow__", clear),
    Operation("{0} ** -2.0", "__pow__", clear),
    Operation("{0} ** 0.5", "__pow__", positive),
    two("{0} ** {1}", "__pow__", positive),
    Operation("2 ** {0}", "__rpow__"),
    *calls(".relu()", ".tanh()", ".exp()", ".sigmoid()", domain=clear),
    *calls(".sin()", ".cos()", ".abs()", domain=clear),
    *calls(".log()", ".sqrt()", domain=positive),
]

ARRAYS = [
    Operation("{0} @ {1}", "__matmul__", matrices, PRODUCTS),
    *calls(".sum()", ".sum(axis=0)", ".sum(axis=1)", domain=distinct),
    *calls(".sum(axis=1, keepdims=True)", ".mean()", ".mean(axis=0)", domain=distinct),
    *calls(".max()", ".max(axis=1)", ".min()", domain=distinct),
    *calls(".reshape(3, 2)", ".transpose()", ".T", domain=matrices),
    *calls("[1]", "[:, 1]", "[0, 1:]", "[[0, 0]]", domain=anywhere),
    Operation("{0} * np.array([2.0, -1.0, 0.5])", "__mul__"),
    Operation("np.array([2.0, -1.0, 0.5]) * {0}", "__rmul__"),
    Operation("np.array([2.0, -1.0, 0.5]) + {0}", "__radd__"),
    Operation("np.array([[2.0, -1.0], [0.5, 3.0]]) @ {0}", "__rmatmul__", matrices),
]
