"""Fuzzer: what all generators have in common, and how a case that fails is made smaller."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import MISSING, fields, is_dataclass, replace
from typing import Any, ClassVar

import numpy as np

Generator = np.random.Generator


class Choices:
    """Random choices of one case."""

    rng: Generator

    def yes(self, probability: float = 0.5) -> bool:
        return bool(self.rng.random() < probability)

    def number(self, below: int) -> int:
        return int(self.rng.integers(below))

    def pick(self, *values: Any) -> Any:
        return values[self.number(len(values))]


class Fuzzer:
    """A generator of random cases. `case` makes one, and `fault` says what is wrong with it.

    A case that is a dataclass with a repr that can be evaluated needs no more than these two.
    """

    name: ClassVar[str]
    share: ClassVar[float] = 1.0
    """How much of the time it gets, in proportion to the others."""

    thresholds: ClassVar[bool] = True
    """Whether its cases depend on thresholds, which are then set to small values."""

    def missing(self) -> str:
        """What it needs and does not find here; "" if it can run."""
        return ""

    def case(self, rng: Generator) -> Any:
        raise NotImplementedError

    def fault(self, case: Any) -> str:
        """What is wrong, as "kind: details", or an AssertionError that says it; "" if nothing is."""
        raise NotImplementedError

    def smaller(self, case: Any) -> Iterable[Any]:
        """Cases that are a little smaller: a tuple without some of its parts, or a field with its
        default.
        """
        for one in fields(case) if is_dataclass(case) else ():
            value = getattr(case, one.name)
            changed = [] if one.default in (MISSING, value) else [one.default]
            if isinstance(value, tuple):
                for size in (8, 4, 2, 1):
                    starts = range(0, len(value), size) if size < len(value) else ()
                    changed += [
                        value[:start] + value[start + size :] for start in starts
                    ]
            yield from (replace(case, **{one.name: smaller}) for smaller in changed)

    def as_test(self, case: Any) -> str:
        """A test that fails as this case does, ready to paste into a file of tests."""
        kind = type(self)
        return (
            f"from numpy import inf, nan\n\nfrom {kind.__module__} import *\n\n\n"
            f"def test_a_case():\n    fault = {kind.__name__}().fault({case!r})\n"
            "    assert not fault, fault\n"
        )

    def tried(self, case: Any) -> str:
        """`fault`, for which an exception that nobody expected is one too."""
        try:
            with np.errstate(all="ignore"):
                return self.fault(case)
        except AssertionError as error:
            return str(error) or "AssertionError"
        except Exception as error:
            return f"{type(error).__name__}: {error}"

    def shrunk(self, case: Any, seconds: float = 60) -> Any:
        """The smallest case that is found in so many seconds and has a fault of the same kind."""
        kind = self.tried(case).split(":")[0]
        if (
            not kind
        ):  # a matter of time, as a kill may be: nothing that could be found again
            return case
        end = time.monotonic() + seconds
        candidates = iter(self.smaller(case))
        while (
            time.monotonic() < end and (candidate := next(candidates, None)) is not None
        ):
            if self.tried(candidate).split(":")[0] == kind:
                case, candidates = candidate, iter(self.smaller(candidate))
        return case
