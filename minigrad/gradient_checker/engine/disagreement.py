"""A program on which an engine and minigrad differ."""

from dataclasses import dataclass

import numpy as np

from .programs import Program


@dataclass
class Disagreement:
    """A program on which the engine and minigrad differ.

    - `what`: "the value", "the gradient of a", or how the engine fails.
    - `yours`, `right`: the two numbers, at `index`.
    - `failure`: the reason why there are no numbers to compare.
    - `kind`, `sentence`: the probable mistake, if it is known.
    """

    program: Program
    what: str
    yours: float = np.nan
    right: float = np.nan
    index: tuple[int, ...] = ()
    failure: str = ""
    kind: str = "unrecognised"
    sentence: str = ""
    in_backward: bool = False

    @property
    def numbers(self) -> str:
        if self.failure or np.isnan(self.right):
            return self.failure or self.what
        at = f" at {list(self.index)}" if self.index else ""
        return f"{self.what}{at} is {self.yours:.6g}; it should be {self.right:.6g}"
