"""Random sample inputs of given shapes, for testing gates."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np


def samples_on(*inputs: Sequence[Any], settings: Sequence[Any] = ({},)) -> Any:
    """Return a method `sample_inputs` for a gate, which yields random arrays of the given shapes.

    Each of `inputs` is a list with an entry for each input of the gate: its shape, or its values if
    random values are unsuitable. Each list is combined with each item of `settings`. An item is a
    single argument for the gate or a dict of keyword arguments.
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
