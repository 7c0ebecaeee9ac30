"""Layer, the base class of all layers and models, and Sequential.

A layer registers the values assigned to its attributes. A Tensor that requires a gradient becomes a
parameter, and a Layer becomes a child. Parameters and children are named after their attributes and
keep the order of definition. Each call to a layer runs in a scope with the layer's name.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from minigrad import Tensor, scope
from minigrad.checkpoint import check_match
from minigrad.context import ON_EVENT, ON_LAYER, tell
from minigrad.errors import OptionError
from minigrad.graph import Array
from minigrad.help.other_frameworks import KnownNames, answering, check_assignment, own_keywords
from minigrad.numpy_api import check_real
from minigrad.support.notebook import table
from minigrad.support.text import printable

from .arguments import function_name
from .parts import (
    LayerError,
    Part,
    Whole,
    check_collections,
    check_untrained,
    describe,
    flattened,
    join,
    new_buffer,
    of_kind,
    size,
    trained,
    unflattened,
    walk,
)

ON_VALUE: ContextVar[Any] = ContextVar("on_value", default=None)
"""A hook that is called with (layer, "", output) after each call to a layer, and with (layer, name,
value) for each value that a layer passes to `note`.
"""


class Layer(Whole, KnownNames):
    """Base class of all layers and models. Assign parameters and layers in `__init__`, and compute
    the output in `forward`.

    Calling a layer runs `forward` in a scope with the layer's name, which is the name of the
    attribute it was assigned to. Attributes whose names begin with an underscore are not part of
    the model and may store any value.

    >>> from layers import Dense
    >>> class Model(Layer):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.dense = Dense(2, 3)
    ...         self.factor = Tensor([2.0], requires_grad=True)
    ...     def forward(self, x):
    ...         return self.factor * self.dense(x)
    >>> Model()([[1.0, 2.0]]).shape, list(Model().named_parameters())
    ((1, 3), ['dense.W', 'dense.b', 'factor'])

    Errors: LayerError for a class without `forward` (MG202), for attributes that look like part of
    the model but would not be trained (MG203, MG204), and for an attribute that has the name of a
    method (MG243); UnknownNameError (MG119) for assigning to one of minigrad's layers an attribute
    that it does not have, or to any layer `trainable` or `requires_grad`. A class's own methods may
    assign any attribute.

    Since: 0.1.
    """

    training: bool = True
    """True if the layer is in training mode, where dropout is on. Set it with `train()` and
    `eval()`.
    """

    _name: str | None = None
    _child_name: str | None = None  # in a Sequential; None means the class's name in lower case
    _memory: dict[str, Any] = {}  # the state that a Stateful keeps between calls

    def __new__(cls, *inputs: Any, **options: Any) -> Self:
        layer = super().__new__(cls)
        tell("made", layer)
        return layer

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """Compute the layer's output. Every subclass must define this method."""
        raise LayerError(
            "MG202",
            f"{type(self).__name__} has no forward method",
            cause="calling a layer runs its `forward` method, which this class does not define",
            remedy="define `def forward(self, x): ...`; name the method forward, not call or "
            "__call__",
        )

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        if (keep := ON_LAYER.get()) is not None:
            keep(self)
        if options:
            options = own_keywords(type(self).forward, options)
        name = self._name or type(self).__name__.lower()
        with scope(name):
            output = self.forward(*inputs, **options)
            if ON_EVENT.get() is not None:
                tell("called", self, inputs, options, output)
        if (watch := ON_VALUE.get()) is not None:
            watch(self, "", output)
        return output

    def note(self, **values: Tensor) -> None:
        """Name intermediate values, as in `self.note(i=i, f=f)`. Drawings and `layers.outputs` use
        the names.
        """
        watch = ON_VALUE.get()
        for name, value in values.items():
            value.node.name = name
            if watch is not None:
                watch(self, name, value)

    # ---- parameters and children ----

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            if trained(value):
                self._register(name, value)
            elif isinstance(buffer := self._members.get(name), np.ndarray):
                self._members[name] = value = new_buffer(name, buffer, value)
            else:
                if name in ("trainable", "requires_grad") or self._is_closed():
                    check_assignment(self, name)
                check_untrained(self, name, value)
                self._members.pop(name, None)
        object.__setattr__(self, name, value)

    def _is_closed(self) -> bool:
        """Return whether assigning an unknown setting is a mistake, as it is in minigrad's layers."""
        kind = type(self)
        return kind is not Sequential and kind.__module__.rpartition(".")[0] == __package__

    def __delattr__(self, name: str) -> None:
        self._members.pop(name, None)
        object.__delattr__(self, name)

    def buffer(self, name: str, array: Any) -> None:
        """Store an array that is saved with the model, but not trained, as `self.name`.

        To replace the array later, assign one of the same shape to `self.name`.

        >>> class Counter(Layer):
        ...     def __init__(self): self.buffer("calls", np.zeros(()))
        ...     def forward(self, x): self.calls = self.calls + 1; return x
        >>> counter = Counter()
        >>> counter(1.0), counter.state_dict()
        (1.0, {'calls': array(1.)})

        Errors: LayerError if every layer already has an attribute called `name` (MG243); DtypeError
        for anything but numbers (MG110); ShapeError if a later array has a different shape (MG104).
        """
        array = np.array(array)
        check_real(array.dtype, array)
        self._register(name, array)
        object.__setattr__(self, name, self._members[name])

    def _register(self, name: str, value: Part) -> None:
        if hasattr(Layer, name):
            raise LayerError(
                "MG243",
                f"a part of {type(self).__name__} cannot be called {name!r}",
                cause="every layer already has an attribute or method with this name, and the part "
                "would hide it",
                remedy=f"choose another name, such as {name + '_layer'!r}",
            )
        vars(self).setdefault("_members", {})[name] = value
        if isinstance(value, Layer):
            value._name = value._name or name
        # The outermost layer is assembled last, so the final names are paths that start there.
        for path, part in walk(value, name):
            if isinstance(part, Tensor) and not self._keeps_name(part, path):
                part.name = path

    def _keeps_name(self, parameter: Tensor, path: str) -> bool:
        """Return whether a shared parameter already has a name from an earlier part of this or an
        enclosing layer.
        """
        name = parameter.name or ""
        part: Any = self
        for step in name.split("."):
            members = part._members if isinstance(part, Layer) else {}
            part = members.get(step)
        return part is parameter or name.endswith(f".{path}")

    def named_parameters(self) -> dict[str, Tensor]:
        """Return {path: parameter}, in the order of definition. A shared parameter appears once,
        under its first path.

        The result includes frozen parameters, whose `requires_grad` was set to False after they
        were assigned. Raises LayerError (MG204) if a list, tuple, set or dict contains layers or
        parameters that are not also attributes.
        """
        parts = dict(walk(self))
        known = set(map(id, parts.values()))
        for layer in parts.values():
            if isinstance(layer, Layer):
                check_collections(layer, vars(layer), known)
        return of_kind(Tensor, parts.items())

    def named_buffers(self) -> dict[str, Array]:
        """Return {path: array} for all buffers, such as the running means of a BatchNorm.

        Writing to these arrays changes the buffers.
        """
        return of_kind(np.ndarray, walk(self))

    def named_layers(self) -> dict[str, "Layer"]:
        """Return {path: layer} for all layers. The first entry is this layer, under the path ""."""
        return of_kind(Layer, walk(self))

    def parameters(self) -> list[Tensor]:
        """Return all parameters, as PyTorch's modules do. `named_parameters` adds their paths."""
        return list(self.named_parameters().values())

    @answering
    def zero_grad(self) -> None:
        """Set the gradients of all parameters to None, as an optimizer's `zero_grad` does."""
        for parameter in self.parameters():
            parameter.grad = None

    def train(self, on: bool = True) -> Self:
        """Switch this layer and all layers in it to training mode, where dropout is on. Returns the
        layer.
        """
        for layer in self.named_layers().values():
            layer.training = on
            if layer._memory:
                layer._memory = layer._memory | {"evaluated": None}
        return self

    def eval(self) -> Self:
        """Switch this layer and all layers in it to evaluation mode, where dropout is off. Returns
        the layer.
        """
        return self.train(False)

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Use evaluation mode within this block. Afterwards, every layer returns to its previous
        mode, and every Stateful to its previous state.

        >>> from layers import Dropout, Sequential
        >>> model = Sequential(Dropout(0.5), Dropout(0.5).eval())
        >>> with model.evaluating():
        ...     print(model.dropout.training)
        False
        >>> model.dropout.training, model.dropout_2.training
        (True, False)
        """
        layers = self.named_layers().values()
        before = [(layer, layer.training, layer._memory) for layer in layers]
        self.eval()
        try:
            yield
        finally:
            for layer, training, memory in before:
                layer.training = training
                layer._memory = memory

    # ---- saving and loading ----

    def state_dict(self) -> dict[str, Array]:
        """Return {path: array} with a copy of each parameter's array and of each buffer."""
        arrays = {path: parameter.array for path, parameter in self.named_parameters().items()}
        arrays |= self.named_buffers()
        return {path: array.copy() for path, array in arrays.items()}

    @answering
    def load_state_dict(self, arrays: Mapping[str, Array]) -> None:
        """Load the arrays from a `state_dict()`. If an error occurs, nothing is loaded.

        Errors: CheckpointError (MG505), which lists all missing, unknown and mismatched paths.
        """
        check_match(arrays, self.state_dict(), type(self).__name__)
        for path, parameter in self.named_parameters().items():
            parameter.array = arrays[path]
        for path, array in self.named_buffers().items():
            array[...] = arrays[path]

    def carried_state(self) -> dict[str, Array]:
        """Return {path: array} with the state that every `Stateful` in this model carries from
        batch to batch. Snapshots store this state.
        """
        arrays: dict[str, Array] = {}
        for path, layer in self.named_layers().items():
            for name, state in layer._memory.items():
                if state is not None:
                    arrays |= flattened(state, join(path, name))
        return arrays

    def load_carried_state(self, arrays: Mapping[str, Array]) -> None:
        """Restore the result of `carried_state`. A Stateful whose arrays are missing starts without
        a state.
        """
        for path, layer in self.named_layers().items():
            memory = {}
            for name in layer._memory:
                memory[name] = unflattened(arrays, join(path, name))
            layer._memory = memory

    # ---- display ----

    def settings(self) -> str:
        """Return this layer's arguments, as shown in the parentheses of its `repr`."""
        return ""

    def __repr__(self) -> str:
        lines = [describe(self)]
        for path, part in walk(self):
            if path:
                *above, name = path.split(".")
                lines.append(f"{'  ' * len(above)}  {name}: {describe(part)}")
        lines.append(f"{size(self):,} parameters")
        return "\n".join(map(printable, lines))

    def _repr_html_(self) -> str:
        rows = []
        for path, part in walk(self):
            if path:
                rows.append((path, describe(part), size(part)))
        title = f"{describe(self)}: {size(self):,} parameters"
        return table(title, ["part", "layer, or shape of the parameter", "parameters"], rows)


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

    Since: 0.1.
    """

    if TYPE_CHECKING:  # for mypy, because the children's names depend on the arguments

        def __getattr__(self, name: str) -> Any: ...

    def __init__(self, *layers: Any) -> None:
        count: Counter[str] = Counter()
        for number, layer in enumerate(layers):
            layer = _as_layer(layer, f"item {number}")
            kind = layer._child_name or type(layer).__name__.lower()
            count[kind] += 1
            name = kind if count[kind] == 1 else f"{kind}_{count[kind]}"
            setattr(self, name, layer)

    def __setattr__(self, name: str, value: Any) -> None:
        if name.isdecimal():
            raise LayerError(
                "MG249",
                f"a part of Sequential cannot be called {name!r}",
                cause="it would be added at the end; PyTorch's Sequential calls its parts '0', '1', ...",
                remedy=f"replace a part with model[{name}] = layer, or add one with model.last = layer",
            )
        if name in self._members:
            value = _as_layer(value, name)
        super().__setattr__(name, value)

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


def as_tensor(x: Any, dtype: Any = None) -> Tensor:
    """Return x if it is a Tensor, else Tensor(x)."""
    return x if isinstance(x, Tensor) else Tensor(x, dtype=dtype)
