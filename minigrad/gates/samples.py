"""Random sample inputs of given shapes, for testing gates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

from ..graph import Array


def positive(rng: np.random.Generator, shape: Any) -> Any:
    """Return random numbers that are not close to 0."""
    return rng.uniform(0.5, 2.0, shape)


def normal(rng: np.random.Generator, shape: Any) -> Any:
    """Return random numbers around 0."""
    return rng.standard_normal(shape)


def random_samples(
    gates: Sequence[Any],
    *inputs: Any,
    draw: Any = normal,
) -> Iterator[tuple[Any, tuple[Array, ...]]]:
    """Yield each gate with each of `inputs`, as random arrays of these shapes.

    Each of `inputs` lists the shapes of a gate's inputs, such as "3x4 4x2 ()". If random values are
    unsuitable, it is a list of shapes and values. `draw(rng, shape)` returns the random values.
    """
    rng = np.random.default_rng(7)
    for gate, given in product(gates, inputs):
        arrays = []
        entries = given.split() if isinstance(given, str) else given
        for entry in entries:
            if isinstance(entry, str):
                sizes = [] if entry == "()" else entry.split("x")
                entry = draw(rng, tuple(map(int, sizes)))
            arrays.append(np.array(entry))
        yield gate, tuple(arrays)


def samples_on(
    *inputs: Any,
    settings: Sequence[Any] = ({},),
    **options: Any,
) -> Any:
    """Return a method `sample_inputs` for a gate, which yields `random_samples`.

    Each of `inputs` is combined with each item of `settings`: a single argument for the gate or a
    dict of keyword arguments.
    """

    @classmethod  # type: ignore[misc]
    def sample_inputs(cls: Any) -> Iterator[Any]:
        gates = [cls(**one) if isinstance(one, dict) else cls(one) for one in settings]
        return random_samples(gates, *inputs, **options)

    return sample_inputs
