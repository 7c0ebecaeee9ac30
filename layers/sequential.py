"""Sequential, a model that runs layers in sequence."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from minigrad.errors import OptionError

from .arguments import function_name
from .layer import Layer
from .parts import LayerError


class Function(Layer):
    """A layer without parameters that calls a function of one Tensor. Sequential wraps functions
    such as mg.tanh in this class.
    """

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self._function = function
        name = function_name(function)
        # the name of a lambda is not an identifier
        self._child_name = name if name.isidentifier() else "function"

    def forward(self, x: Any) -> Any:
        return self._function(x)

    def settings(self) -> str:
        return function_name(self._function)


class Sequential(Layer):
    """Run layers in sequence: each layer receives the previous layer's output. A function such as
    mg.tanh counts as a layer.

    Each child is named after its class in lower case: the first Dense is `dense`, the second is
    `dense_2`, and so on. A function is named after itself, such as `tanh`. You may replace a child
    (`model.dense_2 = Dense(3, 5)` or `model[2] = Dense(3, 5)`) or delete it. A layer assigned to a
    new name is added at the end.

    >>> import minigrad as mg
    >>> from layers import Dense
    >>> model = Sequential(Dense(4, 3), mg.tanh, Dense(3, 2))
    >>> model
    Sequential()
      dense: Dense(4, 3)
        W: (4, 3)
        b: (3,)
      tanh: Function(tanh)
      dense_2: Dense(3, 2)
        W: (3, 2)
        b: (2,)
    23 parameters

    Errors: OptionError (MG206) for an argument that is neither a Layer nor a function; LayerError
    (MG249) for a part with a number as its name.
    """

    if TYPE_CHECKING:  # for mypy, because the children's names depend on the arguments

        def __getattr__(self, name: str) -> Any: ...

    def __init__(self, *layers: Any) -> None:
        count: Counter[str] = Counter()
        for number, layer in enumerate(layers):
            layer = _as_layer(layer, f"item {number}")
            kind = layer._child_name or type(layer).__name__.lower()
            count[kind] += 1
            setattr(self, kind if count[kind] == 1 else f"{kind}_{count[kind]}", layer)

    def __setattr__(self, name: str, value: Any) -> None:
        if name.isdecimal():
            raise LayerError(
                "MG249",
                f"a part of Sequential cannot be called {name!r}",
                cause="it would be added at the end; PyTorch's Sequential calls its parts '0', '1', ...",
                remedy=f"replace a part with model[{name}] = layer, or add one with model.last = layer",
            )
        super().__setattr__(name, _as_layer(value, name) if name in self._members else value)

    def _is_closed(self) -> bool:
        return False

    def forward(self, x: Any) -> Any:
        for layer in self._members.values():
            x = layer(x)
        return x

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._members.values()))

    def __getitem__(self, number: int) -> Any:
        return list(self)[number]

    def __setitem__(self, number: int, layer: Any) -> None:
        setattr(self, list(self._members)[number], layer)

    def __delitem__(self, number: int) -> None:
        delattr(self, list(self._members)[number])

    def __len__(self) -> int:
        return len(self._members)


def _as_layer(value: Any, what: str) -> Layer:
    if not callable(value) or isinstance(value, type):
        raise OptionError(
            "MG206",
            f"{what} of Sequential is {value!r}, which is neither a Layer nor a function",
            cause="lists must be unpacked, and classes must be called to make a layer",
            remedy="pass layers and functions, as in Sequential(Dense(4, 3), mg.tanh)",
        )
    return value if isinstance(value, Layer) else Function(value)
