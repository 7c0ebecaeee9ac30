"""The state that a model carries from batch to batch, as named arrays."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from minigrad import Tensor
from minigrad.graph import Array


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
