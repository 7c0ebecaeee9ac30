"""The base class of the fused recurrent gates, which handles the order of steps, masks and cuts."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ...context import ON_CUT, RECORDING
from ...errors import OptionError, ShapeError
from ...gate import Gate, Shape
from ...graph import Array
from ...support.arrays import BLOCK
from ...tensor import Tensor, TensorLike, as_tensors, constant
from ..basic import copied


class _Sequence(Gate):
    """Base class of RNNSequence, GRUSequence and LSTMSequence, which add forward and backward.

    Errors: ShapeError if the inputs' shapes do not match (MG144), OptionError for truncate=0
    (MG143), GradientError for a second derivative (MG124).
    """

    differentiable_twice = False
    blocks = 1  # the weights have this many blocks of H columns, one for each gate of the cell
    states = 1
    parameters: tuple[str, ...] = ()  # the names of the inputs, without the mask

    def __init__(self, truncate: int | None = None, reverse: bool = False) -> None:
        cuts(0, truncate)  # raises an error if `truncate` is invalid
        self.truncate, self.reverse = copied(truncate), reverse

    def __call__(self, *inputs: TensorLike) -> Tensor:
        if len(inputs) > len(self.parameters):
            *others, mask = as_tensors(inputs)
            inputs = (*others, mask if mask.dtype == bool else constant(mask.array != 0))
        return super().__call__(*inputs)

    def shape(self, *shapes: Shape) -> Shape:
        a, first, W_hh = shapes[0], shapes[1 : 1 + self.states], shapes[1 + self.states]
        masks = shapes[len(self.parameters) :]
        columns = self.blocks * W_hh[0]
        if not (
            len(a) == 3
            and a[1] > 0
            and a[2] == columns
            and W_hh == (W_hh[0], columns)
            and all(state == (a[0], W_hh[0]) for state in first)
            and all(mask == a[:2] for mask in masks)
        ):
            names = (*self.parameters, "mask")
            given = ", ".join(f"{name} {shape}" for name, shape in zip(names, shapes, strict=False))
            raise ShapeError(
                "MG144",
                f"{self.name} cannot run on inputs of these shapes: {given}",
                cause=f"with n = {self.blocks} and T >= 1, a must have shape (B, T, nH), each state "
                "(B, H), W_hh (H, nH), and the mask (B, T)",
                remedy="correct the sizes, or use the layers RNN, GRU and LSTM, which pass "
                "matching arrays",
            )
        return (a[1], a[0], W_hh[0])

    def _checked(self, *arrays, mask) -> list[Any]:
        """Check the shapes, and convert the arrays to a common dtype.

        A product that is written to a buffer cannot mix dtypes.
        """
        self.shape(*(array.shape for array in (*arrays, mask) if array is not None))
        dtype = np.result_type(*arrays)
        dtype = dtype if dtype.kind == "f" else np.dtype(np.float64)
        return [array.astype(dtype, copy=False) for array in arrays]

    def flops(self, output: Shape, *shapes: Shape) -> int:
        (batch, steps, columns), hidden = shapes[0], output[-1]
        return batch * steps * columns * (2 * hidden + 8)

    def _in_order(self, array, axis: int = 0):
        """Return a view whose time `axis` is in the order in which the steps run."""
        return np.flip(array, axis) if self.reverse else array

    def _steps(self, a, factors=None):
        """Return a (B, T, nH) as (T, B, nH), in the order in which the steps run.

        The result is a view. With `factors`, it is a new array whose columns are multiplied by the
        factors.
        """
        by_time = self._in_order(a, 1).transpose(1, 0, 2)
        return (
            by_time
            if factors is None
            else np.multiply(by_time, factors, out=np.empty(by_time.shape, a.dtype))
        )

    @staticmethod
    def _places(a: Array, hidden: int) -> Array:
        """Return a (..., B, nH) or (..., n, B, H) as an array (..., n, B) whose elements hold H numbers.

        NumPy copies these elements several times as fast as the numbers one by one. The result is a
        view, unless the last axis of `a` is not contiguous.
        """
        if a.strides[-1] != a.itemsize:
            a = a.copy()
        elements = a.view(np.dtype((np.void, hidden * a.itemsize)))
        return elements[..., 0] if a.shape[-1] == hidden else elements.swapaxes(-1, -2)

    @staticmethod
    def _step_blocks(steps: int, like: Array) -> list[slice]:
        """Split the steps into blocks that fit into the cache. `like` has the size of a step."""
        count = max(1, BLOCK // max(1, like.size))
        return [slice(start, min(start + count, steps)) for start in range(0, steps, count)]

    @staticmethod
    def _room(count: int, z: Array) -> Array:
        """Return an array (T, count, B, H) in which to save values for backward.

        If nothing is recorded, all steps share one buffer.
        """
        steps, *shape = z.shape
        if RECORDING.get():
            return np.empty((steps, count, *shape), z.dtype)
        once = np.empty((count, *shape), z.dtype)
        return as_strided(once, (steps, count, *shape), (0, *once.strides))

    def _forwards(self, steps: int, mask) -> Iterator[tuple[int, Any]]:
        """Return an iterator over (t, rows) in the order in which the steps run.

        `rows` (B, 1) is True for the examples in which step t is real. It is None if step t is real
        in all examples.
        """
        if mask is None:
            return ((t, None) for t in range(steps))
        columns = self._in_order(mask.T)[:, :, None]
        return ((t, None if column.all() else column) for t, column in enumerate(columns))

    def _without_padding(self, slopes: Array, mask, steps: slice = slice(None)) -> Array:
        """Set the slopes (T, ..., B, H) of padded steps to 0, and return all slopes.

        Before the call, the slopes of padded steps may be NaN. The slopes are in the order in which
        the steps run.
        """
        if mask is not None:
            padded = ~self._in_order(mask.T)[steps]
            np.copyto(slopes, 0, where=padded.reshape(len(slopes), *[1] * (slopes.ndim - 3), -1, 1))
        return slopes

    def _watched_cuts(self, steps: int, mask) -> dict[int, Array | None]:
        """Return the cuts if the hook `context.ON_CUT` is set, else {}.

        Without the hook, a cut does not change the forward pass.
        """
        truncate = None if ON_CUT.get() is None else self.truncate
        return cuts(steps, truncate, None if mask is None else self._in_order(mask, 1))

    @staticmethod
    def _watched_cut(rows, part):
        """Pass a state through the hook `context.ON_CUT`, for `rows` (B, 1) or all rows (None)."""
        watch = ON_CUT.get()
        assert watch is not None
        replaced = watch(part.copy())
        return replaced if rows is None else np.where(rows, replaced, part)

    def _backwards(self, mask, *dz) -> Iterator[tuple[int, Any, Any]]:
        """Yield (t, rows, keep) in reverse order, back to the first step that has a gradient.

        `keep` is None or, at a cut, False for the examples whose gradient stops there. Steps before
        a cut of the whole batch have a gradient only if their outputs were used.
        """
        steps = len(dz[0])
        where = cuts(steps, self.truncate, None if mask is None else self._in_order(mask, 1))
        for t, rows in reversed(list(self._forwards(steps, mask))):
            if t not in where:
                yield t, rows, None
            elif (cut := where[t]) is not None:
                yield t, rows, ~cut
            else:
                yield t, rows, np.zeros((1, 1), bool)
                if not any(part[:t].any() for part in dz):
                    return

    def _gradients(self, shape: Shape, dtype) -> Array:
        """Return an array for the gradients of all steps.

        If the gradient may not reach all steps, the array is filled with zeros.
        """
        return np.empty(shape, dtype) if self.truncate is None else np.zeros(shape, dtype)

    def _as_inputs(self, da: Array):
        """Convert da (T, B, nH), in the order in which the steps run, to the layout of a (B, T,
        nH).
        """
        return self._in_order(da).transpose(1, 0, 2)

    @staticmethod
    def _from_states(da: Array, first, h):
        """Return dW_hh, the sum of h_(t-1)ᵀ @ da_t over all steps."""
        later = h[:-1].reshape(-1, h.shape[2]).T.dot(da[1:].reshape(-1, da.shape[2]))
        return first.T.dot(da[0]) + later

    @classmethod
    def sample_inputs(cls):
        rng = np.random.default_rng(25)
        batch, steps, hidden = 3, 4, 2
        columns = cls.blocks * hidden
        sizes = {"a": (batch, steps, columns), "W_hh": (hidden, columns), "b_hh": (columns,)}
        sizes |= dict.fromkeys(("h0", "c0"), (batch, hidden))
        arrays = tuple(rng.normal(size=sizes[name]) for name in cls.parameters)
        padded = np.array(
            [[True, True, True, True], [False, False, True, True], [True, True, False, False]]
        )
        yield cls(), arrays
        yield cls(reverse=True), arrays
        yield cls(), (*arrays, padded)
        yield cls(reverse=True), (*arrays, padded)


def cuts(steps: int, truncate: int | None, mask: Any = None) -> dict[int, Array | None]:
    """Return the steps before which the state is cut, and the rows that each cut affects.

    The steps are the keys of the result, numbered in the order in which they run. The values are
    masks (B, 1) of the rows, or None for all rows. Truncation counts steps from the end. With a
    mask, it counts each row's real steps.

    >>> cuts(40, 4)
    {36: None}
    """
    if truncate is None:
        return {}
    if isinstance(truncate, bool) or not hasattr(truncate, "__index__") or truncate < 1:
        raise OptionError(
            "MG143",
            f"a sequence cannot be truncated to {truncate} steps",
            cause="truncate is the number of final steps that carry a gradient",
            remedy="use an integer of 1 or more, or None for all steps",
        )
    if mask is None:
        return {steps - truncate: None} if truncate < steps else {}
    # the number of steps that each row has left, including this one
    left = mask[:, ::-1].cumsum(axis=1)[:, ::-1]
    rows = mask & (left == truncate) & (left[:, :1] > truncate)
    return {int(step): rows[:, step : step + 1] for step in np.flatnonzero(rows.any(axis=0))}


def sum_rows(matrix: Array) -> Array:
    """Sum the rows of an (n, m) matrix as a product with ones, which is four times as fast as
    np.sum.
    """
    total: Array = np.ones(len(matrix), matrix.dtype).dot(matrix)
    return total


def aligned(array: Array) -> Array:
    """Return a copy that starts at a multiple of 64 bytes, the size of a cache line.

    OpenBLAS multiplies by a matrix (256, 1024) of float32 up to 1.4 times as fast if it is aligned.

    >>> aligned(np.ones(3)).__array_interface__["data"][0] % 64
    0
    """
    room = np.empty(array.nbytes + 64, np.uint8)
    start = -room.__array_interface__["data"][0] % 64
    copy: Array = room[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy
