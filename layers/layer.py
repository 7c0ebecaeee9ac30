"""Layer, the base class of all layers and models, and Sequential. A layer has parameters, and a scope for its calls.

What a layer assigns to its attributes becomes part of the model: a Tensor that requires a gradient becomes a parameter,
a Layer a child, each under the name of its attribute and in the order of definition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from minigrad import Tensor, scope
from minigrad.checkpoint import check_match
from minigrad.errors import MinigradError, OptionError
from minigrad.graph import Leaf
from minigrad.notebook import table
from minigrad.printing import printable

from .checks import function_name

Array = NDArray[Any]


class LayerError(MinigradError, TypeError):
    """A subclass of Layer that is not written as Layer requires."""


ON_VALUE: ContextVar[Callable[[Layer, str, Any], None] | None] = ContextVar("on_value", default=None)
"""A hook, called with (layer, "", output) for each call of a layer and (layer, name, value) for each value it notes."""


class Layer:
    """Base class of all layers and models: assign parameters and layers in `__init__`, compute in `forward`.

    Calling a layer runs `forward` in a scope with the layer's name: that of the attribute to which it was assigned.
    Attributes that begin with an underscore do not become part of the model, and may hold anything.

    >>> import minigrad as mg
    >>> class Scale(Layer):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.factor = mg.Tensor([2.0], requires_grad=True)
    ...     def forward(self, x):
    ...         return self.factor * x
    >>> class Model(Layer):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.scale = Scale()
    ...     def forward(self, x):
    ...         return self.scale(x)
    >>> Model()([1.0, 2.0]).array
    array([2., 4.], dtype=float32)
    >>> list(Model().named_parameters())
    ['scale.factor']

    Errors: LayerError where `super().__init__()` was forgotten (MG201) or there is no `forward` (MG202), and for
    attributes that look like a part of the model but would not be trained (MG203, MG204).
    """

    training: bool = True
    """Whether dropout and the like are on. Set it with `train()` and `eval()`."""

    _name: str | None = None
    _members: dict[str, Any]

    def __init__(self) -> None:
        self._members = {}

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """What the layer computes. Every subclass defines its own."""
        raise LayerError(
            "MG202",
            f"{type(self).__name__} has no forward",
            cause="calling a layer runs its method `forward`, which this class does not define",
            remedy="write `def forward(self, x): ...` (the name is forward, not call or __call__)",
        )

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        with scope(self._name or type(self).__name__.lower()):
            output = self.forward(*inputs, **options)
        if (watch := ON_VALUE.get()) is not None:
            watch(self, "", output)
        return output

    def note(self, **values: Tensor) -> None:
        """Name inner values (`self.note(i=i, f=f)`), so that drawings show them and `layers.outputs` finds them."""
        watch = ON_VALUE.get()
        for name, value in values.items():
            value.node.name = name
            if watch is not None:
                watch(self, name, value)

    # ---- parameters and children ----

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            if isinstance(value, (Tensor, Layer)):
                self._register(name, value)
            else:
                _refuse(self, name, value)
                self.__dict__.get("_members", {}).pop(name, None)
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        self._members.pop(name, None)
        object.__delattr__(self, name)

    def _register(self, name: str, value: Tensor | Layer) -> None:
        if "_members" not in self.__dict__:
            raise LayerError(
                "MG201",
                f"{type(self).__name__} assigns {name!r} before Layer.__init__ has run",
                cause=f"{type(self).__name__}.__init__ does not begin with super().__init__()",
                remedy="write super().__init__() as the first line of __init__",
            )
        if isinstance(value, Tensor) and not (value.requires_grad and isinstance(value.node, Leaf)):
            _refuse(self, name, value)
        self._members[name] = value
        if isinstance(value, Layer):
            value._name = value._name or name
        for path, parameter in self.named_parameters().items():
            parameter.name = path  # the outermost layer does this last, so that names end up as paths from there

    def _walk(self, prefix: str, seen: set[Any]) -> Iterator[tuple[str, Any]]:
        """(path, Layer or parameter) in the order of definition, each once, under its first path."""
        yield prefix, self
        for name, member in self.__dict__.get("_members", {}).items():
            key = member.node if isinstance(member, Tensor) else member
            if key in seen:
                continue
            seen.add(key)
            path = f"{prefix}.{name}" if prefix else name
            if isinstance(member, Layer):
                yield from member._walk(path, seen)
            else:
                yield path, member

    def named_parameters(self) -> dict[str, Tensor]:
        """{path: parameter} in the order of definition; a shared one appears once, under its first path.

        Frozen parameters (`requires_grad = False`, set after they were assigned) are included.
        """
        return {path: member for path, member in self._walk("", {self}) if isinstance(member, Tensor)}

    def named_layers(self) -> dict[str, Layer]:
        """{path: layer}, this layer itself first, under ""."""
        return {path: member for path, member in self._walk("", {self}) if isinstance(member, Layer)}

    def train(self) -> Self:
        """Training mode, here and in all layers below: dropout is on. Returns the layer."""
        return self._set_training(True)

    def eval(self) -> Self:
        """Evaluation mode, here and in all layers below: dropout is off. Returns the layer."""
        return self._set_training(False)

    def _set_training(self, on: bool) -> Self:
        for layer in self.named_layers().values():
            layer.training = on
        return self

    # ---- saving and loading ----

    def state_dict(self) -> dict[str, Array]:
        """{path: array} of all parameters, as copies."""
        return {path: parameter.array.copy() for path, parameter in self.named_parameters().items()}

    def load_state_dict(self, arrays: Mapping[str, Array]) -> None:
        """Load the arrays of a `state_dict()`: all of them or, on an error, none.

        Errors: CheckpointError (MG505) that names every missing, unknown and mismatched path at once.
        """
        parameters = self.named_parameters()
        check_match(arrays, {path: parameter.array for path, parameter in parameters.items()}, type(self).__name__)
        for path, parameter in parameters.items():
            parameter.array = arrays[path]

    # ---- display ----

    def settings(self) -> str:
        """The arguments that made this layer, as `repr` shows them in the parentheses."""
        return ""

    def __repr__(self) -> str:
        lines = []
        for path, member in self._walk("", {self}):
            *above, name = path.split(".")
            indent = "  " * (len(above) + 1) if path else ""
            title = f"{name}: " if path else ""
            if isinstance(member, Layer):
                lines.append(f"{indent}{title}{type(member).__name__}({member.settings()})")
            else:
                frozen = "" if member.requires_grad else ", frozen"
                lines.append(f"{indent}{title}{member.shape}{frozen}")
        return "\n".join(map(printable, [*lines, f"{self._size():,} parameters"]))

    def _repr_html_(self) -> str:
        rows = [
            (path, type(m).__name__ + f"({m.settings()})", m._size()) if isinstance(m, Layer)
            else (path, f"{m.shape}{'' if m.requires_grad else ', frozen'}", m.size)
            for path, m in self._walk("", {self}) if path
        ]  # fmt: skip
        title = f"{type(self).__name__}({self.settings()}): {self._size():,} parameters"
        return table(title, ["part", "layer, or shape of the parameter", "parameters"], rows)

    def _size(self) -> int:
        return sum(parameter.size for parameter in self.named_parameters().values())


class Function(Layer):
    """A function of one Tensor as a layer without parameters: what Sequential makes of mg.tanh."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__()
        self._function = function

    def forward(self, x: Any) -> Any:
        return self._function(x)

    def settings(self) -> str:
        return function_name(self._function)


class Sequential(Layer):
    """Layers one after the other: each takes the output of the one before. A function such as mg.tanh is a layer too.

    Children are named after their class in lower case: `dense`, the second of that class `dense_2`, and so on. A
    function is called with the output before it; as a child it has the function's name.

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

    Errors: OptionError (MG206) for no layers, or for something that is neither a Layer nor a function.
    """

    if TYPE_CHECKING:  # for mypy: the names of its children depend on its arguments

        def __getattr__(self, name: str) -> Any: ...

    def __init__(self, *layers: Any) -> None:
        super().__init__()
        if not layers:
            raise OptionError(
                "MG206",
                "Sequential was given no layers",
                cause="a model without layers computes nothing",
                remedy="give one or more: Sequential(Dense(4, 2))",
            )
        self._order: list[Layer] = []
        count: dict[str, int] = {}
        for number, layer in enumerate(layers):
            if not callable(layer) or isinstance(layer, type):
                raise OptionError(
                    "MG206",
                    f"item {number} of Sequential is {' '.join(repr(layer).split())}, neither a Layer nor a function",
                    cause="lists must be unpacked, and classes called",
                    remedy="give layers and functions: Sequential(Dense(4, 3), mg.tanh)",
                )
            if not isinstance(layer, Layer):
                layer = Function(layer)
            kind = layer.settings() if isinstance(layer, Function) else type(layer).__name__.lower()
            kind = kind if kind.isidentifier() else "function"  # a lambda has no name
            count[kind] = count.get(kind, 0) + 1
            setattr(self, kind if count[kind] == 1 else f"{kind}_{count[kind]}", layer)
            self._order.append(layer)

    def forward(self, x: Any) -> Any:
        for layer in self._order:
            x = layer(x)
        return x


def _refuse(layer: Layer, name: str, value: Any) -> None:
    """Raise LayerError for a value that looks like a part of the model but would silently not be trained."""
    title = f"{type(layer).__name__}.{name}"
    private = f"for something that is never trained use a name with an underscore: self._{name}"
    if isinstance(value, Tensor) and value.node.gate is not None:
        raise LayerError(
            "MG203",
            f"{title} was assigned the result of a computation ({value.node.gate.name}), not a parameter",
            cause="a parameter is a leaf: a Tensor that was made, not computed",
            remedy=f"to change a parameter's value assign to its array: self.{name}.array = ...; {private}",
        )
    if isinstance(value, (np.ndarray, Tensor)):
        kind = "an array" if isinstance(value, np.ndarray) else "a Tensor without requires_grad"
        raise LayerError(
            "MG203",
            f"{title} was assigned {kind} of shape {value.shape}, which no optimizer would find",
            cause="only a Tensor with requires_grad=True becomes a parameter",
            remedy="Tensor(..., requires_grad=True); to freeze it, set requires_grad = False afterwards; " + private,
        )
    if isinstance(value, (list, tuple, dict)):
        items = list(value.values() if isinstance(value, dict) else value)
        if any(isinstance(item, (Tensor, Layer)) for item in items):
            raise LayerError(
                "MG204",
                f"{title} was assigned a {type(value).__name__} that holds layers or tensors",
                cause="what is inside a collection has no path, and no optimizer would find it",
                remedy=f"Sequential(*layers), or one attribute for each: setattr(self, f'{name}_{{i}}', layer)",
            )
