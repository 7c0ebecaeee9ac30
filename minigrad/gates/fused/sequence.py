"""The base class of the fused recurrent gates, which handles the order of steps, masks and cuts."""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from ...context import ON_CUT, RECORDING
from ...errors import OptionError, ShapeError
from ...gate import Gate, Shape
from ...graph import Array
from ...tensor import Tensor, TensorLike, as_tensors, constant
from ..basic import copied
from ..samples import random_samples


class _Sequence(Gate):
    """Base class of RNNSequence, GRUSequence and LSTMSequence, which add forward and backward.

    Errors: ShapeError if the inputs' shapes do not match (MG144), OptionError for truncate=0
    (MG143), GradientError for a second derivative (MG124).
    """

    differentiable_twice = False
    blocks = 1  # the weights have this many blocks of H columns, one for each gate of the cell
    states = 1
    parameters: tuple[str, ...] = ()  # the names of the inputs, without the mask

    def __init__(
        self,
        truncate: int | None = None,
        reverse: bool = False,
    ) -> None:
        cuts(0, truncate)  # raises an error if `truncate` is invalid
        self.truncate = copied(truncate)
        self.reverse = bool(reverse)

    def __call__(self, *inputs: TensorLike) -> Tensor:
        if len(inputs) > len(self.parameters):
            *others, mask = as_tensors(inputs)
            if mask.dtype != bool:
                mask = constant(mask.array != 0)
            inputs = (*others, mask)
        return super().__call__(*inputs)

    def shape(self, *shapes: Shape) -> Shape:
        a, *states = shapes[: 1 + self.states]
        W_hh = shapes[1 + self.states]
        masks = shapes[len(self.parameters) :]
        H = W_hh[0]
        columns = self.blocks * H
        if not (
            len(a) == 3
            and a[1] > 0
            and a[2] == columns
            and W_hh == (H, columns)
            and all(state == (a[0], H) for state in states)
            and all(mask == a[:2] for mask in masks)
        ):
            names = (*self.parameters, "mask")
            pairs = zip(names, shapes, strict=False)
            given = ", ".join(f"{name} {shape}" for name, shape in pairs)
            raise ShapeError(
                "MG144",
                f"{self.name} cannot run on inputs of these shapes: {given}",
                cause=f"with n = {self.blocks} and T >= 1, a must have shape (B, T, nH), each state "
                "(B, H), W_hh (H, nH), and the mask (B, T)",
                remedy="correct the sizes, or use the layers RNN, GRU and LSTM, which pass "
                "matching arrays",
            )
        return (a[1], a[0], H)

    def _checked(self, *arrays) -> list[Any]:
        """Check the shapes, and convert the arrays to a common dtype, except for the mask.

        A product that is written to a buffer cannot mix dtypes.
        """
        self.shape(*(array.shape for array in arrays))
        arrays = arrays[: len(self.parameters)]
        dtype = np.result_type(*arrays)
        if dtype.kind != "f":
            dtype = np.dtype(np.float64)
        return [array.astype(dtype, copy=False) for array in arrays]

    def flops(self, output: Shape, *shapes: Shape) -> int:
        hidden = output[-1]
        return math.prod(shapes[0]) * (2 * hidden + 8)

    def _in_order(self, array, axis: int = 0):
        """Return a view whose time `axis` is in the order in which the steps run."""
        return np.flip(array, axis) if self.reverse else array

    def _by_time(self, a):
        """View a (B, T, nH) as (T, B, nH), in the order in which the steps run."""
        return self._in_order(a.swapaxes(0, 1))

    def _by_batch(self, da):
        """View da (T, B, nH), in the order in which the steps run, as (B, T, nH)."""
        return self._in_order(da).swapaxes(0, 1)

    def _blocks(self, s):
        """View s (..., B, nH), with a row for each example, as its blocks (..., n, B, H)."""
        *others, columns = s.shape
        blocks = s.reshape(
            *others,
            self.blocks,
            columns // self.blocks,
        )
        return blocks.swapaxes(-2, -3)

    @staticmethod
    def _room(steps: int, shape: Shape, dtype) -> Array:
        """Return an array in which to save values of this shape for the backward pass.

        It has room for all steps or, if nothing is recorded, for a single step.
        """
        if not RECORDING.get():
            steps = 1
        return np.empty((steps, *shape), dtype)

    def _forwards(self, steps: int, mask=None) -> Iterator[tuple[int, Any]]:
        """Yield (t, padded) in the order in which the steps run.

        `padded` (B, 1) is True for the examples in which step t is padded. It is None if there are
        no such examples.
        """
        padded = [None] * steps
        if mask is not None:
            columns = ~self._in_order(mask.T)[:, :, None]
            padded = [column if column.any() else None for column in columns]
        return enumerate(padded)

    def _clear_padding(
        self,
        slopes,
        mask=None,
        *,
        steps=slice(None),
    ) -> None:
        """Set the slopes (T, ..., B, H) of padded steps to 0, in place.

        Before the call, the slopes of padded steps may be NaN. The slopes are in the order in which
        the steps run.
        """
        if mask is not None:
            padded = ~self._in_order(mask.T)[steps]
            slopes.swapaxes(1, -2)[padded] = 0

    def cuts(self, steps: int, mask=None) -> dict[int, Array | None]:
        """Return the result of `cuts` for this gate's order of steps."""
        if mask is not None:
            mask = self._in_order(mask, 1)
        return cuts(steps, self.truncate, mask)

    def _watched_cuts(self, steps: int, mask=None) -> dict[int, Callable[[Any], Any]]:
        """Return a function for each cut, which passes a state through the hook `context.ON_CUT`.

        Without the hook, the result is empty, because a cut does not change the forward pass.
        """
        watch = ON_CUT.get()
        if watch is None:
            return {}

        def watched(rows, state):
            replaced = watch(state.copy())
            return replaced if rows is None else np.where(rows, replaced, state)

        found = self.cuts(steps, mask)
        return {t: partial(watched, rows) for t, rows in found.items()}

    def _backwards(self, dz, mask=None) -> Iterator[tuple[int, Any, Any]]:
        """Yield (t, padded, keep) in reverse order, back to the first step that has a gradient.

        `keep` is None or, at a cut, False for the examples whose gradient stops there. Steps before
        a cut of the whole batch have a gradient only if their outputs were used.
        """
        steps = len(dz[0])
        cut_before = self.cuts(steps, mask)
        for t, padded in reversed([*self._forwards(steps, mask)]):
            if t not in cut_before:
                yield t, padded, None
                continue
            rows = cut_before[t]
            if rows is not None:
                yield t, padded, ~rows
                continue
            yield t, padded, False
            if not any(part[:t].any() for part in dz):
                return

    def _gradients(self, shape: Shape, dtype) -> Array:
        """Return an array for the gradients of all steps.

        If the gradient may not reach all steps, the array is filled with zeros.
        """
        make = np.empty if self.truncate is None else np.zeros
        return make(shape, dtype)

    @staticmethod
    def _from_states(da, first, h):
        """Return dW_hh, the sum of h_(t-1)ᵀ @ da_t over all steps."""
        before = h[:-1].reshape(-1, h.shape[2])
        later = da[1:].reshape(-1, da.shape[2])
        return first.T.dot(da[0]) + before.T.dot(later)

    @classmethod
    def sample_inputs(cls):
        columns = 2 * cls.blocks
        shapes = {
            "a": f"3x4x{columns}",
            "W_hh": f"2x{columns}",
            "b_hh": f"{columns}",
        }
        inputs = [shapes.get(name, "3x2") for name in cls.parameters]
        # whole, padded before and padded after the real steps
        mask = np.arange(12).reshape(3, 4) % 7 < 4
        gates = [cls(), cls(reverse=True)]
        return random_samples(gates, inputs, [*inputs, mask])


def cuts(
    steps: int,
    truncate: int | None,
    mask: Any = None,
) -> dict[int, Array | None]:
    """Return the steps before which the state is cut, and the rows that each cut affects.

    The steps are the keys of the result, numbered in the order in which they run. The values are
    masks (B, 1) of the rows, or None for all rows. Truncation counts steps from the end. With a
    mask, it counts each row's real steps.

    >>> cuts(40, 4)
    {36: None}
    """
    if truncate is None:
        return {}
    integer = hasattr(truncate, "__index__") and not isinstance(truncate, bool)
    if not integer or truncate < 1:
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
    found = np.flatnonzero(rows.any(axis=0)).tolist()
    return {step: rows[:, step : step + 1] for step in found}


def sum_rows(matrix: Array) -> Array:
    """Sum the rows of an (n, m) matrix as a product with ones, which is four times as fast as
    np.sum.
    """
    ones = np.ones(len(matrix), matrix.dtype)
    total: Array = ones.dot(matrix)
    return total


def aligned(array: Array) -> Array:
    """Return a copy that starts at a multiple of 64 bytes, the size of a cache line.

    OpenBLAS multiplies by a matrix (256, 1024) of float32 up to 1.4 times as fast if it is aligned.

    >>> aligned(np.ones(3)).__array_interface__["data"][0] % 64
    0
    """
    room = np.empty(array.nbytes + 64, np.uint8)
    start = -room.__array_interface__["data"][0] % 64
    room = room[start : start + array.nbytes]
    copy: Array = room.view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy
