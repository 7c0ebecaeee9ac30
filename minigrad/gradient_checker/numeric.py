"""Numeric derivatives: central differences of a function of arrays, and the kinks where there is no
derivative.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..context import ON_CUT, setting
from ..graph import Array, Leaf
from ..tensor import Tensor, as_tensors

EPSILON = float(np.finfo(np.float64).eps)

STEP = EPSILON ** (1 / 3)
"""6e-6, where the two errors of a central difference balance: truncation, about h², and rounding,
about eps/h."""

Line = Callable[[float], Array]
"""The output at x + t·u, for a fixed point x and direction u."""


class Cuts:
    """The arrays that cuts let through: noted in the first forward pass, and held constant in all
    later ones.

    A truncated gradient treats the state before the cut as a constant, so differences must do the
    same.
    """

    def __init__(self) -> None:
        self.values: list[Array] | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Run exactly one forward pass in this block: the first is noted, later ones get the noted
        arrays.
        """
        noted: list[Array] = []
        held = iter(self.values or ())

        def on_cut(array: Array) -> Array:
            noted.append(next(held, array))
            return noted[-1]

        with setting(ON_CUT, on_cut):
            yield
        self.values = self.values or noted


class Function:
    """A function of several float64 arrays, `arrays`, each under its name or number."""

    arrays: Any

    def output_at(self, moved: dict[Any, Array]) -> Array:
        """The output with `moved` in place of the arrays of these names."""
        raise NotImplementedError

    def line(self, direction: dict[Any, Array]) -> Line:
        """The output along a direction, which has an array for each array that it moves."""
        return lambda t: self.output_at(
            {name: self.arrays[name] + t * u for name, u in direction.items()}
        )

    def element(self, name: Any, index: tuple[int, ...]) -> Line:
        """The output as one element of one array moves."""
        direction = np.zeros(self.arrays[name].shape)
        direction[index] = 1.0
        return self.line({name: direction})


class Problem(Function):
    """The function under test, evaluated with float64 arrays in its leaves; after each call they
    hold their own again.

    `run()` computes the output from `leaves`.
    """

    def __init__(self, run: Callable[[], Tensor], leaves: dict[str, Leaf]) -> None:
        self.run = run
        self.leaves = leaves
        self.arrays = {name: leaf.output.astype(np.float64) for name, leaf in leaves.items()}
        self._cuts = Cuts()

    def forward(self, moved: dict[str, Array] | None = None) -> Tensor:
        """The recorded output, with `moved` in the leaves that they name, and `arrays` in the
        others.
        """
        before = {leaf: leaf.output for leaf in self.leaves.values()}
        arrays = self.arrays | (moved or {})
        try:
            for name, leaf in self.leaves.items():
                leaf.output = arrays[name]
            with self._cuts.held():
                return as_tensors([self.run()])[0]
        finally:
            for leaf, output in before.items():
                leaf.output = output

    def output_at(self, moved: dict[Any, Array]) -> Array:
        return self.forward(moved).array


def central(line: Line, cotangent: Array, step: float = STEP) -> float:
    """d/dt Σ cotangent ⊙ line(t) at t = 0, by (line(h) - line(-h)) / 2h."""
    # Subtract before summing, so that large outputs do not swamp the difference. Where the
    # cotangent is 0, an output may even be infinite.
    with np.errstate(invalid="ignore"):
        change = np.where(cotangent == 0, 0.0, cotangent * (line(step) - line(-step)))
    return float(np.sum(change)) / (2 * step)


def careful(line: Line, cotangent: Array) -> tuple[float, float]:
    """The same derivative from many steps, because one may mislead: (value, how far off it may be).

    Central differences at steps from 1e-3 to 1e-9, each pair extrapolated to step 0 (Richardson).
    Where neighbours agree best, rounding, curvature and kinks nearby do the least harm.
    """
    with np.errstate(all="ignore"):
        estimates = [central(line, cotangent, 1e-3 * 4.0**-k) for k in range(11)]
    pairs = zip(estimates, estimates[1:], strict=False)
    better = [(16 * fine - coarse) / 15 for coarse, fine in pairs]
    gaps = np.abs(np.diff(better))
    if not np.isfinite(gaps).any():
        return float("nan"), float("inf")
    best = int(np.nanargmin(gaps))
    return better[best + 1], float(gaps[best])


def kinks(line: Line, base: Array, step: float = STEP) -> Array:
    """True at each output element whose slope to the left differs from that to the right, however
    small the step.

    At a smooth point the two differ by h·f'', 64 times less at a 64th of the step; at a kink they
    stay apart, at a jump they grow as the step shrinks, and at the edge of the domain one of them
    is not finite.
    """
    gaps, slopes = [], []
    with np.errstate(all="ignore"):
        for h in (step, step / 64):
            right, left = (line(h) - base) / h, (base - line(-h)) / h
            gaps.append(np.abs(right - left))
            slopes.append(np.abs(right + left) / 2)
        rounding = EPSILON * np.maximum(1.0, np.abs(base)) / h
        noise = 1e-4 * np.maximum(1.0, np.abs(right)) + 100 * rounding
        kink = (gaps[1] > gaps[0] / 4) & (gaps[1] > noise)
        jump = (slopes[1] > 16 * slopes[0]) & (slopes[1] > noise)
    return np.asarray(kink | jump | ~np.isfinite(gaps[1]))


def signs(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Random numbers of either sign and size 0.5 to 1.5: no element is too small to count."""
    uniform = 2 * rng.random(shape) - 1
    return np.asarray(uniform + np.copysign(0.5, uniform))


def index_of(number: int | np.integer[Any], shape: tuple[int, ...]) -> tuple[int, ...]:
    """The index of an element, given its number in the order in which arrays are stored."""
    return tuple(map(int, np.unravel_index(number, shape)))


def relative_error(recorded: float, numeric: float) -> float:
    """|recorded - numeric| / max(1, |recorded|, |numeric|)."""
    return abs(recorded - numeric) / max(1.0, abs(recorded), abs(numeric))
