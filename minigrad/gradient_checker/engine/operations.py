"""The operations that a check tries, and the inputs on which it tries them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...graph import Array

Shapes = tuple[tuple[int, ...], ...]

ONE: tuple[Shapes, ...] = (((2, 3),),)
PAIRS: tuple[Shapes, ...] = (
    ((2, 3), (2, 3)),
    ((2, 3), (3,)),
    ((2, 1), (2, 3)),
    ((1, 3), (2, 1)),
    ((), (2, 3)),
)
"""Equal shapes, and shapes of which one or both are broadcast."""


def nice(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return different short numbers of either sign, none of which is near 0.

    They are exact in float32, too.
    """
    sizes = rng.permutation(np.arange(4, 24))[: int(np.prod(shape))] / 8
    return np.asarray((sizes * rng.choice([-1.0, 1.0], sizes.shape)).reshape(shape))


def positive(x: Array, *_: Array) -> bool:
    """Return whether every number is positive, as a logarithm requires."""
    return bool((x > 0.1).all())


def clear(*arrays: Array) -> bool:
    """Return whether no number is near 0, where relu has a kink and a quotient a pole."""
    return all((np.abs(x) > 0.1).all() for x in arrays)


def distinct(x: Array) -> bool:
    """Return whether all numbers differ, so that there is one maximum."""
    return x.size < 2 or bool(np.diff(np.sort(x, axis=None)).min() > 0.1)


def matrices(*arrays: Array) -> bool:
    """Return whether all arrays are matrices: an engine may not know products with vectors."""
    return all(x.ndim == 2 for x in arrays)


@dataclass(frozen=True)
class Operation:
    """An expression such as `{0} * {1}`, and the method that Python calls for it.

    `domain` returns whether the operation can be tried on its inputs.
    """

    text: str
    method: str
    shapes: tuple[Shapes, ...] = ONE
    domain: Callable[..., bool] = lambda *arrays: True

    @property
    def count(self) -> int:
        """The number of inputs."""
        return len(self.shapes[0])

    def __str__(self) -> str:
        return self.text.format("a", "b")

    def candidates(self) -> list[str]:
        """Return the texts that may call the operation: a method, or a function of that name."""
        texts = [self.text]
        if call := re.fullmatch(r"\{0\}\.(\w+)\((.*)\)", self.text):
            texts.append(f"{call[1]}({{0}}, {call[2]})".replace(", )", ")"))
        if self.method == "__matmul__":
            texts += ["{0}.matmul({1})", "{0}.dot({1})", "matmul({0}, {1})"]
        if self.text == "{0}.reshape(3, 2)":
            texts += ["{0}.reshape((3, 2))", "reshape({0}, (3, 2))"]
        return texts

    def samples(self, rng: np.random.Generator, scalar: bool) -> list[list[Array]]:
        """Return inputs inside the domain: for a scalar engine, numbers of all signs."""
        shapes: Sequence[Shapes] = self.shapes
        if scalar:
            shapes = [((),) * self.count] * 6
        elif self.count == 2 and self.shapes is PAIRS:
            shapes = [*shapes, *(pair[::-1] for pair in shapes[1:])]
        found = []
        for shape in shapes:
            arrays = [nice(rng, one) for one in shape]
            if not self.domain(*arrays):
                arrays = [np.abs(array) for array in arrays]
            found.append(arrays)
        return found

    def __call__(self, *inputs: Any) -> Any:
        """Apply the operation, as written, to minigrad's Tensors."""
        return function(self.text, {})(*inputs)


def function(text: str, names: dict[str, Any]) -> Callable[..., Any]:
    """Return the function of a text such as `{0} * {1}`. It may use the names, and np."""
    code = f"lambda x, y=None: {text.format('x', 'y')}"
    result: Callable[..., Any] = eval(code, {"np": np, **names})
    return result


def of_one(*names: str, domain: Callable[..., bool] = clear) -> list[Operation]:
    return [Operation(f"{{0}}.{name}()", name, domain=domain) for name in names]


def whole(*texts: str, domain: Callable[..., bool] = distinct) -> list[Operation]:
    found = []
    for text in texts:
        name = re.match(r"\.?(\w+)", text)
        found.append(Operation("{0}" + text, name[1] if name else "__getitem__", domain=domain))
    return found


NUMBERS = [
    Operation("{0} + {1}", "__add__", PAIRS),
    Operation("{0} * {1}", "__mul__", PAIRS),
    Operation("{0} - {1}", "__sub__", PAIRS),
    Operation("{0} / {1}", "__truediv__", PAIRS, clear),
    Operation("{0} ** 3", "__pow__", domain=clear),
    Operation("-{0}", "__neg__"),
    Operation("{0} + 2", "__add__"),
    Operation("{0} * -1.5", "__mul__"),
    Operation("{0} - 0.5", "__sub__"),
    Operation("{0} / 4", "__truediv__"),
    Operation("3 + {0}", "__radd__"),
    Operation("3 * {0}", "__rmul__"),
    Operation("3 - {0}", "__rsub__"),
    Operation("3 / {0}", "__rtruediv__", domain=clear),
    Operation("{0} ** 2", "__pow__"),
    Operation("{0} ** -1", "__pow__", domain=clear),
    Operation("{0} ** -2.0", "__pow__", domain=clear),
    Operation("{0} ** 0.5", "__pow__", domain=positive),
    Operation("{0} ** {1}", "__pow__", PAIRS, positive),
    Operation("2 ** {0}", "__rpow__"),
    *of_one("relu", "tanh", "exp", "sigmoid", "sin", "cos", "abs"),
    *of_one("log", "sqrt", domain=positive),
]

ARRAYS = [
    Operation("{0} @ {1}", "__matmul__", (((2, 3), (3, 4)), ((4, 2), (2, 2))), matrices),
    *whole(".sum()", ".sum(axis=0)", ".sum(axis=1)", ".sum(axis=1, keepdims=True)"),
    *whole(".mean()", ".mean(axis=0)", ".max()", ".max(axis=1)", ".min()"),
    *whole(".reshape(3, 2)", ".transpose()", ".T"),
    *whole("[1]", "[:, 1]", "[0, 1:]", "[[0, 0]]"),
    Operation("{0} * np.array([2.0, -1.0, 0.5])", "__mul__"),
    Operation("np.array([2.0, -1.0, 0.5]) * {0}", "__rmul__"),
    Operation("np.array([2.0, -1.0, 0.5]) + {0}", "__radd__"),
    Operation("np.array([[2.0, -1.0], [0.5, 3.0]]) @ {0}", "__rmatmul__", domain=matrices),
]
