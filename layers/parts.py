"""The parts of a model: its layers, parameters and buffers, and their paths. Checks of the values
that become parts.
"""

import sys
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from minigrad import Tensor
from minigrad.errors import MinigradError, ShapeError, UnsupportedError, shown
from minigrad.gates.unpacking import unpacks
from minigrad.graph import Array
from minigrad.numpy_api import check_real

Part = Any  # a Layer, a Tensor or a buffer


class Whole:
    """Base class of Layer: an object that has parts."""

    _members: dict[str, Part] = {}  # its own parameters, buffers and layers, once it has any


class LayerError(MinigradError, TypeError):
    """Raised if a subclass of Layer is defined incorrectly.

    Since: 0.1.
    """


def walk(root: Part, prefix: str = "") -> Iterator[tuple[str, Part]]:
    """Yield (path, part) for the root and all its parts, in the order of definition. Each part
    appears once, under its first path.
    """
    seen: set[int] = set()
    ahead = [(prefix, root)]  # not recursive, because models may be deeply nested
    while ahead:
        path, part = ahead.pop()
        if id(part) not in seen:
            seen.add(id(part))
            yield path, part
            members = part._members if isinstance(part, Whole) else {}
            ahead += [(join(path, name), member) for name, member in reversed(members.items())]


def join(path: str, name: str) -> str:
    """Return the path of the part `name` in the layer at `path`. The path of the outermost layer is
    "".
    """
    return f"{path}.{name}" if path and name else path or name


def describe(part: Part) -> str:
    """Describe a part of a model. A layer is shown as the call that made it, such as `Dense(4, 3)`.
    A parameter or buffer is shown as its shape, with a note if it is frozen or a buffer.
    """
    if isinstance(part, np.ndarray):
        return f"{part.shape}, buffer"
    if isinstance(part, Tensor):
        return f"{part.shape}{'' if part.requires_grad else ', frozen'}"
    return f"{type(part).__name__}({part.settings()})"


def size(root: Part) -> int:
    """Return the number of elements of all parameters."""
    return sum(part.size for _, part in walk(root) if isinstance(part, Tensor))


class Path(str):
    """A path. Unpacking it into (path, part), as you unpack the items of PyTorch's iterators,
    raises an error.
    """

    __slots__ = ()

    def __iter__(self) -> Iterator[str]:
        if unpacks(sys._getframe(1), 2):
            raise UnsupportedError(
                "MG253",
                f"cannot unpack the path {shown(self)} into 2 names",
                cause="named_parameters, named_buffers and named_layers return dicts, and a loop over a "
                "dict yields its keys",
                remedy="loop over the items: for path, part in model.named_parameters().items()",
            )
        return super().__iter__()


class Paths(dict[str, Any]):
    """A dict {path: part}. A loop over it yields each path as a Path."""

    __slots__ = ()

    def __iter__(self) -> Iterator[str]:
        return map(Path, super().__iter__())


def of_kind(kind: type, parts: Iterable[tuple[str, Part]]) -> Paths:
    """Return {path: part} for the parts that are instances of `kind`."""
    return Paths({path: part for path, part in parts if isinstance(part, kind)})


def new_buffer(name: str, buffer: Array, value: Any) -> Array:
    """Return a copy of the array that is assigned to a buffer, after checking it."""
    array = np.array(value)
    check_real(array.dtype, value)
    if array.shape != buffer.shape:
        raise ShapeError(
            "MG104",
            f"buffer {name!r} has shape {buffer.shape}, but the assigned array has shape {array.shape}",
            cause="the layer computes with the buffer, and a saved model contains an array of its shape",
            remedy="reshape the array first; to change the shape, call self.buffer again",
        )
    return array


def trained(value: Any) -> bool:
    """Return whether a value becomes a trained part of the layer that it is assigned to."""
    if isinstance(value, Tensor):
        return value.requires_grad and value.node.gate is None
    return isinstance(value, Whole)


def _inside(value: Any) -> Iterator[Any]:
    """Yield the items of a collection and, recursively, the items of any nested collections."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple, set, frozenset, deque)):
        for item in value:
            yield item
            yield from _inside(item)


def check_collections(layer: Any, values: dict[str, Any], known: Collection[int] = ()) -> None:
    """Raise LayerError (MG204) if a collection in these attributes contains trained parts that are
    not in `known`.
    """
    for name, value in values.items():
        if name.startswith("_"):
            continue
        if any(trained(part) and id(part) not in known for part in _inside(value)):
            raise LayerError(
                "MG204",
                f"{type(layer).__name__}.{name} is a {type(value).__name__} that contains layers "
                "or tensors",
                cause="layers and tensors inside a collection have no path, so an optimizer "
                "would not find them",
                remedy="use Sequential(*layers), or one attribute for each layer: setattr(self, "
                f"f'{name}_{{i}}', layer)",
            )


def check_untrained(layer: Any, name: str, value: Any) -> None:
    """Raise LayerError for a value that looks like part of the model but would not be trained."""
    check_collections(layer, {name: value})
    if isinstance(value, (np.ndarray, Tensor)):
        raise LayerError(
            "MG203",
            f"{type(layer).__name__}.{name} would not be trained, because its value "
            f"({type(value).__name__} of shape {value.shape}) is not a parameter",
            cause="an optimizer finds only leaf Tensors that were made with requires_grad=True",
            remedy="use Tensor(..., requires_grad=True); to freeze it, set requires_grad = False "
            f"afterwards; to change its value, assign to self.{name}.array; if it is neither "
            f"trained nor saved, start its name with an underscore: self._{name}; if it is saved, but "
            f"not trained, use self.buffer({name!r}, array)",
        )


def flattened(state: Any, path: str) -> Iterator[tuple[str, Array]]:
    """Yield (path, array) for each tensor in a state. The path of a tuple's item ends in the item's
    index.
    """
    if isinstance(state, Tensor):
        yield path, state.array.copy()
    elif state is None:
        yield path, np.empty((1, 0))
    else:
        for number, part in enumerate(state):
            yield from flattened(part, f"{path}.{number}")


def unflattened(
    arrays: Mapping[str, Array],
    path: str,
) -> Any:
    """Rebuild a state from the arrays of `flattened`. Returns None if there are no arrays for
    `path`.
    """
    if path in arrays:
        array = arrays[path]
        return None if array.shape[1:] == (0,) else Tensor(array)
    parts: list[Any] = []
    while any(f"{name}.".startswith(f"{path}.{len(parts)}.") for name in arrays):
        parts.append(unflattened(arrays, f"{path}.{len(parts)}"))
    return tuple(parts) or None
