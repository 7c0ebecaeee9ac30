"""Compute numeric derivatives: take central differences of a function, and detect kinks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..context import ON_CUT, setting
from ..graph import Array, Leaf
from ..tensor import Tensor, as_tensors

EPSILON = float(np.finfo(np.float64).eps)

STEP = EPSILON ** (1 / 3)
"""About 6e-6. At this step, the two errors of a central difference have about the same size: the
truncation error, about h², and the rounding error, about ε / h."""

Line = Callable[[float], Array]
"""A function of t that returns the output at x + t·u, for a fixed point x and direction u."""


class Cuts:
    """The arrays at a function's cuts.

    The first forward pass stores them, and all later passes use them as constants. A truncated
    gradient treats the state before the cut as a constant, so the finite differences must do the
    same.
    """

    def __init__(self) -> None:
        self.values: list[Array] | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Run one forward pass inside this block.

        The first pass stores the arrays at its cuts. All later passes use these arrays instead of
        their own.
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
    """A function of several float64 arrays, which are stored in `arrays` by name or number."""

    arrays: Any

    def output_at(self, moved: dict[Any, Array]) -> Array:
        """Return the output, with each array in `moved` replacing the array of the same name."""
        raise NotImplementedError

    def line(self, direction: dict[Any, Array]) -> Line:
        """Return the output as a function of t, with t · u added to each array in `direction`."""
        return lambda t: self.output_at(
            {name: self.arrays[name] + t * u for name, u in direction.items()}
        )

    def element(self, name: Any, index: tuple[int, ...]) -> Line:
        """Return the output as a function of the change in one element."""
        direction = np.zeros(self.arrays[name].shape)
        direction[index] = 1.0
        return self.line({name: direction})


class Problem(Function):
    """The function under test, evaluated with float64 arrays in its leaves.

    `run()` computes the output from `leaves`. After each call, the leaves' own arrays are restored.
    """

    def __init__(self, run: Callable[[], Tensor], leaves: dict[str, Leaf]) -> None:
        self.run = run
        self.leaves = leaves
        self.arrays = {name: leaf.output.astype(np.float64) for name, leaf in leaves.items()}
        self._cuts = Cuts()

    def forward(self, moved: dict[str, Array] | None = None) -> Tensor:
        """Return the recorded output, with each array in `moved` in the leaf of the same name.

        The other leaves use their arrays in `arrays`.
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
    """Return d/dt Σ cotangent ⊙ line(t) at t = 0, as (line(h) - line(-h)) / 2h."""
    # Subtract before summing, so that large outputs do not swamp the difference. Skip outputs whose
    # cotangent is 0, because they may be infinite.
    with np.errstate(invalid="ignore"):
        change = np.where(cotangent == 0, 0.0, cotangent * (line(step) - line(-step)))
    return float(np.sum(change)) / (2 * step)


def careful(line: Line, cotangent: Array) -> tuple[float, float]:
    """Return the same derivative as `central`, and its possible error, using many step sizes.

    Pairs of central differences at steps from 1e-3 to 1e-9 are extrapolated to step 0 (Richardson
    extrapolation). The result is the extrapolated value that agrees best with its neighbor, because
    rounding, curvature and nearby kinks affect it the least.
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
    """Return True for each output element whose left and right slopes differ at every small step.

    At a smooth point, the two slopes differ by h·f'', which shrinks by a factor of 64 if h does. At
    a kink, the difference remains the same. At a jump, it grows as the step shrinks. At the edge of
    the domain, one of the slopes is not finite.
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
    """Return random numbers of either sign, with absolute values from 0.5 to 1.5.

    None of them is small, so every element has an effect.
    """
    uniform = 2 * rng.random(shape) - 1
    return np.asarray(uniform + np.copysign(0.5, uniform))


def index_of(number: int | np.integer[Any], shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the index of an element, given its position in row-major order."""
    return tuple(map(int, np.unravel_index(number, shape)))


def relative_error(recorded: float, numeric: float) -> float:
    """|recorded - numeric| / max(1, |recorded|, |numeric|)."""
    return abs(recorded - numeric) / max(1.0, abs(recorded), abs(numeric))
