"""The inputs that a gate is tested on, from their shapes: `samples_on` for those it takes,
`errors_on` for the others.

Each goes by several lists, with one shape for each input, or the numbers themselves where random
ones would not do. Each list is tried with each of `settings`: the gate's one argument, or a dict of
its arguments by name.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

from ..errors import MinigradError, ShapeError
from ..gate import Gate
from ..graph import Array


def samples_on(*inputs: Sequence[Any], settings: Sequence[Any] = ({},)) -> Any:
    """A gate's `sample_inputs`, with arrays of random numbers for the shapes."""

    @classmethod  # type: ignore[misc]
    def sample_inputs(cls: type[Gate]) -> Iterator[Any]:
        rng = np.random.default_rng(7)
        for gate, given in product(_gates(cls, settings), inputs):
            yield gate, _arrays(rng.standard_normal, given)

    return sample_inputs


def errors_on(
    *inputs: Sequence[Any], settings: Sequence[Any] = ({},), error: type[MinigradError] = ShapeError
) -> Any:
    """A gate's `error_inputs`, with arrays of ones."""

    @classmethod  # type: ignore[misc]
    def error_inputs(cls: type[Gate]) -> Iterator[Any]:
        for gate, given in product(_gates(cls, settings), inputs):
            yield gate, _arrays(np.ones, given), error

    return error_inputs


def _arrays(make: Callable[..., Array], given: Sequence[Any]) -> tuple[Array, ...]:
    return tuple(make(one) if isinstance(one, tuple) else np.array(one) for one in given)


def _gates(cls, settings: Sequence[Any]) -> list[Gate]:
    return [cls(**one) if isinstance(one, dict) else cls(one) for one in settings]
