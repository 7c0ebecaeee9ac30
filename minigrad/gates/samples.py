"""Random sample inputs of given shapes, for testing gates."""

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

from ..graph import Array


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return random numbers around 0."""
    return np.array(rng.standard_normal(shape))


def positive(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return random numbers that are not close to 0."""
    return np.array(rng.uniform(0.5, 2.0, shape))


def samples_on(
    *inputs: Sequence[Any],
    settings: Sequence[Any] = ({},),
    draw: Callable[[np.random.Generator, tuple[int, ...]], Array] = normal,
) -> Any:
    """Return a method `sample_inputs` for a gate, which yields random arrays of the given shapes.

    Each of `inputs` is a list with an entry for each input of the gate: its shape, or its values if
    random values are unsuitable. Each list is combined with each item of `settings`. An item is a
    single argument for the gate or a dict of keyword arguments. `draw` returns the random arrays.
    """

    @classmethod  # type: ignore[misc]
    def sample_inputs(cls: Any) -> Iterator[Any]:
        rng = np.random.default_rng(7)
        gates = [cls(**one) if isinstance(one, dict) else cls(one) for one in settings]
        for gate, given in product(gates, inputs):
            arrays = [draw(rng, one) if isinstance(one, tuple) else np.array(one) for one in given]
            yield gate, tuple(arrays)

    return sample_inputs
