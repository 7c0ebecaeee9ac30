"""Layer, the base class of all layers and models; Sequential; and the checks of arguments that
several layers share.

A layer has parameters, and a scope for its calls. What it assigns to its attributes becomes part of
the model: a Tensor that requires a gradient becomes a parameter, a Layer a child, each under the
name of its attribute and in the order of definition.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from minigrad import Tensor, scope
from minigrad.checkpoint import check_match
from minigrad.errors import MinigradError, OptionError, ShapeError
from minigrad.graph import Leaf
from minigrad.help.other_frameworks import check_call
from minigrad.support.notebook import table
from minigrad.support.text import printable

Array = NDArray[Any]
Activation = Callable[[Tensor], Tensor]


class LayerError(MinigradError, TypeError):
    """A subclass of Layer that is not written as Layer requires."""


ON_VALUE: ContextVar[Callable[[Layer, str, Any], None] | None] = ContextVar(
    "on_value", default=None
)
"""A hook, called with (layer, "", output) for each call of a layer and (layer, name, value) for
each value it notes."""


class Layer:
    """Base class of all layers and models: assign parameters and layers in `__init__`, compute in
    `forward`.

    Calling a layer runs `forward` in a scope with the layer's name: that of the attribute to which
    it was assigned. Attributes that begin with an underscore do not become part of the model, and
    may hold anything.

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

    Errors: LayerError where `super().__init__()` was forgotten (MG201) or there is no `forward`
    (MG202), for attributes that look like a part of the model but would not be trained (MG203,
    MG204), for a name with a dot in it (MG205) or that of a method (MG243), and for a call of
    layers that are nested too deeply (MG207).
    """

    training: bool = True
    """Whether dropout and the like are on. Set it with `train()` and `eval()`."""

    _name: str | None = None
    _child_name: str | None = None  # in a Sequential; None means the class's name in lower case
    _path: str = ""  # from the outermost layer
    _members: dict[str, Any] = {}  # parameters and children; empty until __init__ has run
    _memory: Any = None  # what it keeps from call to call, besides parameters: see Stateful

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
            try:
                output = self.forward(*inputs, **options)
            except RecursionError:
                raise _too_deep(self) from None
            except TypeError as error:
                check_call(self.forward, options, error)
                raise
        if (watch := ON_VALUE.get()) is not None:
            watch(self, "", output)
        return output

    def note(self, **values: Tensor) -> None:
        """Name inner values (`self.note(i=i, f=f)`), so that drawings show them and
        `layers.outputs` finds them.
        """
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
                self._members.pop(name, None)
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
        if not _trained(value):
            _refuse(self, name, value)
        if "." in name:
            raise LayerError(
                "MG205",
                f"a part of {type(self).__name__} cannot be called {name!r}",
                cause="dots separate the names in a path, and another parameter may have this one",
                remedy=f"choose a name without them: {name.replace('.', '_')!r}",
            )
        if hasattr(Layer, name):
            raise LayerError(
                "MG243",
                f"a part of {type(self).__name__} cannot be called {name!r}",
                cause=f"every layer has its own {name}, which this part would hide",
                remedy=f"choose another name, such as {name + '_layer'!r}; Sequential takes the "
                "class's or function's",
            )
        self._members[name] = value
        # The outermost layer is put together last, so that names end up as paths from there.
        if isinstance(value, Layer):
            value._name = value._name or name
        for path, part in _walk(value, join(self._path, name)):
            if not self._has(part, name):
                setattr(part, "name" if isinstance(part, Tensor) else "_path", path)

    def _has(self, part: Tensor | Layer, new: str) -> bool:
        """Whether a part is where its name or path says, in another child or parameter than the
        `new` one.
        """
        names = (
            ((part.name if isinstance(part, Tensor) else part._path) or "")
            .removeprefix(self._path)
            .lstrip(".")
        )
        if names.partition(".")[0] in (new, ""):
            return False
        found: Any = self
        for name in names.split("."):
            found = found._members.get(name) if isinstance(found, Layer) else None
        return _key(found) is _key(part)

    def named_parameters(self) -> dict[str, Tensor]:
        """{path: parameter} in the order of definition; a shared one appears once, under its first
        path.

        Frozen parameters (`requires_grad = False`, set after they were assigned) are included.
        LayerError (MG204) for layers or parameters in a list, tuple, set or dict, unless they are
        attributes as well.
        """
        found = dict(_walk(self))
        known = {_key(part) for part in found.values()}
        for layer in (part for part in found.values() if isinstance(part, Layer)):
            for name, value in vars(layer).items():
                if name.startswith("_"):
                    continue
                if any(_trained(part) and _key(part) not in known for part in _inside(value)):
                    raise _in_collection(layer, name, value)
        return {path: part for path, part in found.items() if isinstance(part, Tensor)}

    def named_layers(self) -> dict[str, Layer]:
        """{path: layer}, this layer itself first, under ""."""
        return {path: part for path, part in _walk(self) if isinstance(part, Layer)}

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters, as an optimizer's `zero_grad` does for its
        own.
        """
        for parameter in self.named_parameters().values():
            parameter.grad = None

    def train(self, on: bool = True) -> Self:
        """Training mode, here and in all layers below: dropout is on. Returns the layer."""
        for layer in self.named_layers().values():
            layer.training = on
        return self

    def eval(self) -> Self:
        """Evaluation mode, here and in all layers below: dropout is off. Returns the layer."""
        return self.train(False)

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Evaluation mode within this block. Afterwards every layer has its mode, and a Stateful
        its state, of before.

        >>> from layers import Dropout
        >>> model = Sequential(Dropout(0.5), Dropout(0.5).eval())
        >>> with model.evaluating():
        ...     print(model.dropout.training)
        False
        >>> model.dropout.training, model.dropout_2.training
        (True, False)
        """
        before = [(layer, layer.training, layer._memory) for layer in self.named_layers().values()]
        self.eval()
        try:
            yield
        finally:
            for layer, training, memory in before:
                # before the memory, because a Stateful forgets some of it here
                layer.training = training
                layer._memory = memory

    # ---- saving and loading ----

    def state_dict(self) -> dict[str, Array]:
        """{path: array} of all parameters, as copies."""
        return {path: parameter.array.copy() for path, parameter in self.named_parameters().items()}

    def load_state_dict(self, arrays: Mapping[str, Array]) -> None:
        """Load the arrays of a `state_dict()`: all of them or, on an error, none.

        Errors: CheckpointError (MG505) that names every missing, unknown and mismatched path at
        once.
        """
        parameters = self.named_parameters()
        check_match(
            arrays,
            {path: parameter.array for path, parameter in parameters.items()},
            type(self).__name__,
        )
        for path, parameter in parameters.items():
            parameter.array = arrays[path]

    def carried_state(self) -> dict[str, Array]:
        """{path: array} of what every `Stateful` in this model carries from batch to batch, for a
        snapshot.
        """
        layers = self.named_layers().items()
        return {
            join(path, name): array
            for path, layer in layers
            for name, array in layer._carried().items()
        }

    def load_carried_state(self, arrays: Mapping[str, Array]) -> None:
        """Continue from what `carried_state` returned. Without its arrays, a Stateful starts
        again.
        """
        for path, layer in self.named_layers().items():
            prefix = f"{path}." if path else ""
            layer._carry(
                {
                    name.removeprefix(prefix): arrays[name]
                    for name in arrays
                    if name.startswith(prefix)
                }
            )

    def _carried(self) -> dict[str, Array]:
        """{name: array} of what this layer itself carries."""
        return {}

    def _carry(self, arrays: Mapping[str, Array]) -> None:
        """Continue from what `_carried` returned."""

    # ---- display ----

    def settings(self) -> str:
        """The arguments that made this layer, as `repr` shows them in the parentheses."""
        return ""

    def __repr__(self) -> str:
        lines = [describe(self)]
        for path, part in _walk(self):
            if path:
                *above, name = path.split(".")
                lines.append(f"{'  ' * len(above)}  {name}: {describe(part)}")
        return "\n".join(map(printable, [*lines, f"{_size(self):,} parameters"]))

    def _repr_html_(self) -> str:
        rows = [(path, describe(part), _size(part)) for path, part in _walk(self) if path]
        title = f"{describe(self)}: {_size(self):,} parameters"
        return table(title, ["part", "layer, or shape of the parameter", "parameters"], rows)


def describe(part: Tensor | Layer) -> str:
    """A layer as the call that made it, `Dense(4, 3)`; a parameter as its shape, and whether it is
    frozen.
    """
    if isinstance(part, Layer):
        return f"{type(part).__name__}({part.settings()})"
    return f"{part.shape}{'' if part.requires_grad else ', frozen'}"


def _size(root: Tensor | Layer) -> int:
    return sum(part.size for _, part in _walk(root) if isinstance(part, Tensor))


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
    """Layers one after the other: each takes the output of the one before. A function such as
    mg.tanh is a layer too.

    Children are named after their class in lower case: `dense`, the second of that class `dense_2`,
    and so on. A function is called with the output before it; as a child it has the function's
    name. A child may be replaced (`model.dense_2 = Dense(3, 5)`) or deleted, and a layer that is
    assigned under a new name comes last.

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

    Errors: OptionError (MG206) for no layers, or for something that is neither a Layer nor a
    function.
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
        count: dict[str, int] = {}
        for number, layer in enumerate(layers):
            layer = _as_layer(layer, f"item {number}")
            kind = (
                layer.settings()
                if isinstance(layer, Function)
                else layer._child_name or type(layer).__name__.lower()
            )
            kind = kind if kind.isidentifier() else "function"  # a lambda has no name
            count[kind] = count.get(kind, 0) + 1
            setattr(self, kind if count[kind] == 1 else f"{kind}_{count[kind]}", layer)

    def __setattr__(self, name: str, value: Any) -> None:
        replaced = self._members.get(name)
        super().__setattr__(name, _as_layer(value, name) if isinstance(replaced, Layer) else value)

    def _in_order(self) -> list[Layer]:
        return [member for member in self._members.values() if isinstance(member, Layer)]

    def forward(self, x: Any) -> Any:
        for layer in self._in_order():
            x = layer(x)
        return x

    def __getitem__(self, number: int) -> Layer:
        return self._in_order()[number]

    def __len__(self) -> int:
        return len(self._in_order())


def check_size(layer: str, **sizes: int) -> None:
    """Raise OptionError (MG210) unless every size is an integer of 1 or more."""
    for name, size in sizes.items():
        if isinstance(size, bool) or not hasattr(size, "__index__") or size < 1:
            raise OptionError(
                "MG210",
                f"{layer} cannot be made with {name}={size!r}",
                cause="a size is a count: an integer of 1 or more",
                remedy=f"give {name} as an integer of at least 1",
            )


def drawn(init: Callable[[tuple[int, ...]], Array], shape: tuple[int, ...]) -> Array:
    """init(shape). Errors: ShapeError (MG213) if that has another shape."""
    array = np.asarray(init(shape))
    if array.shape != shape:
        raise ShapeError(
            "MG213",
            f"an initialiser made an array of shape {array.shape} for weights of shape {shape}",
            cause="the layer would compute with it, and give outputs of another size or stretched "
            "ones",
            remedy="return an array of the shape that it is called with",
        )
    return array


def parameter(init: Callable[[tuple[int, ...]], Array], shape: tuple[int, ...]) -> Tensor:
    """A trainable Tensor init(shape). Errors: as `drawn`."""
    return Tensor(drawn(init, shape), requires_grad=True)


def check_function(layer: str, activation: Any) -> None:
    """Raise OptionError (MG211) unless the activation can be called."""
    if not callable(activation):
        raise OptionError(
            "MG211",
            f"{layer} was given the activation {activation!r}",
            cause="an activation is a function from Tensor to Tensor, not its name",
            remedy="pass the function: activation=mg.relu",
        )


def function_name(function: Any) -> str:
    """The name of an activation, for `repr`: mg.softmax is a function with a name, mg.tanh an
    instance of Tanh.
    """
    return str(getattr(function, "__name__", None) or type(function).__name__.lower())


def _as_layer(value: Any, what: str) -> Layer:
    if not callable(value) or isinstance(value, type):
        raise OptionError(
            "MG206",
            f"{what} of Sequential is {' '.join(repr(value).split())}, neither a Layer nor a "
            "function",
            cause="lists must be unpacked, and classes called",
            remedy="give layers and functions: Sequential(Dense(4, 3), mg.tanh)",
        )
    return value if isinstance(value, Layer) else Function(value)


def _walk(root: Tensor | Layer, prefix: str = "") -> Iterator[tuple[str, Tensor | Layer]]:
    """(path, part) of the root and all its parts in the order of definition, each once, under its
    first path.
    """
    seen: set[Any] = set()
    ahead = [(prefix, root)]  # no recursion, so that layers may be nested to any depth
    while ahead:
        path, part = ahead.pop()
        if (key := _key(part)) in seen:
            continue
        seen.add(key)
        yield path, part
        if isinstance(part, Layer):
            ahead += [
                (join(path, name), member) for name, member in reversed(part._members.items())
            ]


def join(path: str, name: str) -> str:
    """The path of a part called `name` of the layer at `path`, which is "" for the outermost."""
    return ".".join(filter(None, (path, name)))


def _key(part: Any) -> Any:
    """What makes a part the same as another: a parameter's node, the layer itself."""
    return part.node if isinstance(part, Tensor) else part


_COLLECTIONS = (list, tuple, set, frozenset, dict, deque)


def _inside(value: Any) -> list[Tensor | Layer]:
    """The layers and tensors in a collection, or in the collections that it holds."""
    found: list[Tensor | Layer] = []
    ahead = [value] if isinstance(value, _COLLECTIONS) else []
    seen: set[int] = set()  # a collection may hold itself
    while ahead:
        collection = ahead.pop()
        if id(collection) not in seen:
            seen.add(id(collection))
            items = (
                [*collection, *collection.values()]
                if isinstance(collection, dict)
                else list(collection)
            )
            found += [item for item in items if isinstance(item, (Tensor, Layer))]
            ahead += [item for item in items if isinstance(item, _COLLECTIONS)]
    return found


def _trained(part: Tensor | Layer) -> bool:
    """Whether a part is to be trained: not so an activation, say, that a forward pass keeps in a
    list.
    """
    return isinstance(part, Layer) or (part.requires_grad and isinstance(part.node, Leaf))


def _in_collection(layer: Layer, name: str, value: Any) -> LayerError:
    return LayerError(
        "MG204",
        f"{type(layer).__name__}.{name} is a {type(value).__name__} that holds layers or tensors",
        cause="what is inside a collection has no path, and no optimizer would find it",
        remedy=f"Sequential(*layers), or one attribute for each: setattr(self, f'{name}_{{i}}', "
        "layer)",
    )


def _too_deep(layer: Layer) -> LayerError:
    return LayerError(
        "MG207",
        f"{type(layer).__name__} is nested too deeply, or calls itself",
        cause=f"Python allows {sys.getrecursionlimit():,} calls within calls, and each layer takes "
        "some of them",
        remedy="layers one after the other may be any number: Sequential(*layers); "
        "sys.setrecursionlimit allows more",
    )


def _refuse(layer: Layer, name: str, value: Any) -> None:
    """Raise LayerError for a value that looks like a part of the model but would silently not be
    trained.
    """
    remedy = f"for something that is never trained use a name with an underscore: self._{name}"
    if isinstance(value, Tensor) and value.node.gate is not None:
        what = f"the result of a computation ({value.node.gate.name}), not a parameter"
        cause = "a parameter is a leaf: a Tensor that was made, not computed"
        remedy = (
            f"to change a parameter's value assign to its array: self.{name}.array = ...; {remedy}"
        )
    elif isinstance(value, (np.ndarray, Tensor)):
        kind = "an array" if isinstance(value, np.ndarray) else "a Tensor without requires_grad"
        what = f"{kind} of shape {value.shape}, which no optimizer would find"
        cause = "only a Tensor with requires_grad=True becomes a parameter"
        remedy = f"Tensor(..., requires_grad=True); to freeze it, set requires_grad = False afterwards; {remedy}"
    elif _inside(value):
        raise _in_collection(layer, name, value)
    else:
        return
    raise LayerError(
        "MG203", f"{type(layer).__name__}.{name} was assigned {what}", cause=cause, remedy=remedy
    )
