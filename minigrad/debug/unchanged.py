"""`unchanged` restores the state of all layers that run inside it, because looking at a model must
not change it.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from ..context import ON_LAYER, setting
from ..random import generator


@contextmanager
def unchanged(*models: Any) -> Iterator[None]:
    """Run this block, and then restore minigrad's random generator, the attributes of `models`, and
    those of every layer that was called, even if an error ends the block.

    Arrays, lists, dicts, sets and random generators are restored in place. Parameters are not
    copied.

    >>> class Counter:
    ...     calls = 0
    ...     def __call__(self, x): self.calls += 1
    >>> counter = Counter()
    >>> with unchanged(counter):
    ...     counter(1.0)
    ...     print(counter.calls)
    1
    >>> counter.calls
    0
    """
    kept: dict[int, Any] = {}  # the objects, so that no id is used twice
    restores: list[Callable[[], object]] = []

    def keep(model: Any) -> None:
        if id(model) in kept:
            return
        for part in (model, *getattr(model, "named_layers", dict)().values()):
            values = getattr(part, "__dict__", None)
            if id(part) not in kept and isinstance(values, dict):
                kept[id(part)] = part
                restores.extend(map(_restorer, (values, *values.values())))

    restore_random = _restorer(generator())
    for model in models:
        keep(model)
    try:
        with setting(ON_LAYER, keep):
            yield
    finally:
        restore_random()
        for restore in restores:
            restore()


def _restorer(value: Any) -> Callable[[], object]:
    """Return a function that restores the present content of an array, a container or a random
    generator.
    """
    if isinstance(value, np.ndarray) and value.flags.writeable:
        return partial(value.__setitem__, ..., value.copy())
    if isinstance(value, dict):
        return partial(_restore_dict, value, value.copy())
    if isinstance(value, list | deque | set):
        return partial(_refill, value, value.copy())
    if isinstance(value, np.random.Generator):
        return partial(setattr, value.bit_generator, "state", value.bit_generator.state)
    return lambda: None


def _restore_dict(values: dict[Any, Any], before: dict[Any, Any]) -> None:
    # never empty, because other threads may use the model
    values.update(before)
    for name in values.keys() - before.keys():
        del values[name]


def _refill(container: Any, content: Any) -> None:
    container.clear()
    add = container.update if isinstance(container, set) else container.extend
    add(content)
