"""Compute recorded and numeric derivatives of a function, and detect kinks."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..backward import sweep
from ..context import ON_CUT, setting
from ..gradients import dense
from ..graph import Array, Leaf, Node
from ..tensor import Tensor, as_tensors

EPSILON = float(np.finfo(np.float64).eps)

STEP = EPSILON ** (1 / 3)
"""About 6e-6. At this step, the two errors of a central difference have about the same size: the
truncation error, about h², and the rounding error, about ε / h."""

Index = tuple[int, ...]
"""The index of an element, or a shape."""

Line = Callable[[float], Array]
"""A function of t that returns the output at x + t·u, for a fixed point x and direction u."""


class Function:
    """A function of several float64 arrays, which are stored in `arrays` by name or number.

    The first forward pass stores the arrays at the function's cuts in `cuts`, and all later passes
    use them as constants. A truncated gradient treats the state before the cut as a constant, so
    the finite differences must do the same.
    """

    arrays: Any
    cuts: list[Array] | None = None

    def output_at(self, moved: dict[Any, Array]) -> Array:
        """Return the output, with each array in `moved` replacing the array of the same name."""
        raise NotImplementedError

    def line(self, direction: dict[Any, Array]) -> Line:
        """Return the output as a function of t, with t · u added to each array in `direction`."""

        def output(t: float) -> Array:
            moved = {}
            for name, u in direction.items():
                moved[name] = self.arrays[name] + t * u
            return self.output_at(moved)

        return output

    def element(self, name: Any, index: Index) -> Line:
        """Return the output as a function of the change in one element."""
        direction = np.zeros(self.arrays[name].shape)
        direction[index] = 1.0
        return self.line({name: direction})

    @contextmanager
    def held_cuts(self) -> Iterator[None]:
        """Run one forward pass inside this block, with the arrays in `cuts` at its cuts."""
        noted: list[Array] = []
        held = iter(self.cuts or ())

        def on_cut(array: Array) -> Array:
            noted.append(next(held, array))
            return noted[-1]

        with setting(ON_CUT, on_cut):
            yield
        self.cuts = self.cuts or noted


class Problem(Function):
    """The function under test, evaluated with float64 arrays in its leaves.

    `run()` computes the output from `leaves`. After each call, the leaves' own arrays are restored.
    """

    def __init__(
        self,
        run: Callable[[], Tensor],
        leaves: dict[str, Leaf],
    ) -> None:
        self.run = run
        self.leaves = leaves
        self.arrays = {}
        for name, leaf in leaves.items():
            self.arrays[name] = leaf.output.astype(np.float64)

    def forward(
        self,
        moved: dict[str, Array] | None = None,
    ) -> Tensor:
        """Return the recorded output, with each array in `moved` in the leaf of the same name.

        The other leaves use their arrays in `arrays`.
        """
        before = {leaf: leaf.output for leaf in self.leaves.values()}
        arrays = self.arrays | (moved or {})
        try:
            for name, leaf in self.leaves.items():
                leaf.output = arrays[name]
            with self.held_cuts():
                return as_tensors([self.run()])[0]
        finally:
            for leaf, output in before.items():
                leaf.output = output

    def output_at(self, moved: dict[Any, Array]) -> Array:
        return self.forward(moved).array


def recorded_gradients(
    root: Node,
    dz: Array,
    leaves: Mapping[str, Node],
) -> dict[str, Array]:
    """Return {name: gradient} for the leaves, as the backward pass from `root` computes it."""
    found = sweep(root, dz)
    gradients = {}
    for name, leaf in leaves.items():
        gradient = found.get(leaf, np.zeros(leaf.shape))
        gradients[name] = np.asarray(dense(gradient), np.float64)
    return gradients


def central(
    line: Line,
    cotangent: Array,
    step: float = STEP,
) -> float:
    """Return d/dt Σ cotangent ⊙ line(t) at t = 0, as (line(h) - line(-h)) / 2h."""
    # Subtract before summing, so that large outputs do not swamp the difference. Skip outputs whose
    # cotangent is 0, because they may be infinite.
    with np.errstate(invalid="ignore"):
        change = cotangent * (line(step) - line(-step))
    counted = np.where(cotangent == 0, 0.0, change)
    return float(np.sum(counted)) / (2 * step)


def careful(
    line: Line,
    cotangent: Array,
) -> tuple[float, float]:
    """Return the same derivative as `central`, and its possible error, using many step sizes.

    Pairs of central differences at steps from 1e-3 to 1e-9 are extrapolated to step 0 (Richardson
    extrapolation). The result is the extrapolated value that agrees best with its neighbor, because
    rounding, curvature and nearby kinks affect it the least.
    """
    steps = 1e-3 * 4.0 ** -np.arange(11)
    with np.errstate(all="ignore"):
        estimates = np.array([central(line, cotangent, step) for step in steps])
        coarse, fine = estimates[:-1], estimates[1:]
        better = (16 * fine - coarse) / 15
        gaps = np.abs(np.diff(better))
    if not np.isfinite(gaps).any():
        return np.nan, np.inf
    best = np.nanargmin(gaps)
    margin = float(gaps[best])
    return float(better[best + 1]), margin


def one_sided(
    line: Line,
    base: Array,
    step: float,
) -> tuple[Array, Array]:
    """Return the slopes (line(0) - line(-h)) / h and (line(h) - line(0)) / h, for line(0) = base."""
    left = base - line(-step)
    right = line(step) - base
    return left / step, right / step


def kinks(line: Line, base: Array) -> Array:
    """Return True for each output element whose left and right slopes differ at every small step.

    At a smooth point, the two slopes differ by h·f'', which shrinks by a factor of 64 when h does.
    At a kink, the difference remains the same. At a jump, it grows as the step shrinks. At the edge
    of the domain, one of the slopes is not finite.
    """
    short = STEP / 64
    with np.errstate(all="ignore"):
        left, right = one_sided(line, base, STEP)
        long_gap = np.abs(right - left)
        long_slope = np.abs(right + left) / 2
        left, right = one_sided(line, base, short)
        gap = np.abs(right - left)
        slope = np.abs(right + left) / 2
        size = np.maximum(1.0, np.abs(base))
        rounding = EPSILON * size / short
        noise = 1e-4 * np.maximum(1.0, np.abs(right)) + 100 * rounding
        kink = (gap > long_gap / 4) & (gap > noise)
        jump = (slope > 16 * long_slope) & (slope > noise)
    return np.asarray(kink | jump | ~np.isfinite(gap))


def signs(
    rng: np.random.Generator,
    shape: Index,
) -> Array:
    """Return random numbers of either sign, with absolute values from 0.5 to 1.5.

    None of them is small, so every element has an effect.
    """
    uniform = 2 * rng.random(shape) - 1
    return np.asarray(uniform + np.copysign(0.5, uniform))


def index_of(
    number: int | np.integer[Any],
    shape: Index,
) -> Index:
    """Return the index of an element, given its position in row-major order."""
    return tuple(map(int, np.unravel_index(number, shape)))


def relative_error(recorded: float, numeric: float) -> float:
    """|recorded - numeric| / max(1, |recorded|, |numeric|)."""
    size = max(1.0, abs(recorded), abs(numeric))
    return abs(recorded - numeric) / size
