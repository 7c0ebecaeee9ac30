"""The inputs that a gate is tested on, from their shapes."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np


def samples_on(*inputs: Sequence[Any], settings: Sequence[Any] = ({},)) -> Any:
    """A gate's `sample_inputs`, with arrays of random numbers for the shapes.

    Each of `inputs` has one shape for each input, or the numbers themselves where random ones would
    not do. Each is tried with each of `settings`: the gate's one argument, or a dict of its
    arguments by name.
    """

    @classmethod  # type: ignore[misc]
    def sample_inputs(cls: Any) -> Iterator[Any]:
        rng = np.random.default_rng(7)
        gates = [cls(**one) if isinstance(one, dict) else cls(one) for one in settings]
        for gate, given in product(gates, inputs):
            yield (
                gate,
                tuple(
                    rng.standard_normal(one) if isinstance(one, tuple) else np.array(one)
                    for one in given
                ),
            )

    return sample_inputs
