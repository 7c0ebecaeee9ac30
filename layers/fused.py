"""The fast way through a sequence: one gate for all its steps, in place of a graph of each. Knows which cells have one.

Both ways compute the same, to rounding. Unrolled, every gate of every step can be drawn, stepped through and
differentiated twice; fused, a training step takes a fraction of the time.
"""

from __future__ import annotations

from minigrad import GRUSequence, LookupProduct, LSTMSequence, RNNSequence, Tensor, tanh
from minigrad.context import FUSED, RECORDING
from minigrad.errors import OptionError
from minigrad.gates.rows import looked_up

from .cells import Cell, GRUCell, LSTMCell, RNNCell, State
from .layer import ON_VALUE
from .mask import Mask


def can_fuse(cell: Cell) -> bool:
    """Whether there is one gate that runs this cell over a sequence.

    There is for RNN with tanh, for GRU with the reset after the product, and for LSTM.
    """
    if isinstance(cell, RNNCell):
        return cell.activation is tanh
    return isinstance(cell, LSTMCell) or (isinstance(cell, GRUCell) and cell.reset_after)


def shall_fuse(wish: bool | None, cells: list[Cell]) -> bool:
    """What `fused=wish` means for this call: None is fused where `mg.fused()` is on or nothing is being recorded.

    Whoever looks inside (`layers.outputs`, `gradient_flow`) gets the steps one by one.
    """
    if wish is not None:
        return wish
    fast = FUSED.get() or not RECORDING.get()
    return fast and ON_VALUE.get() is None and all(can_fuse(cell) for cell in cells)


def check_fused(wish: bool | None, cells: list[Cell]) -> None:
    """OptionError (MG226) for `fused=True` with a cell that has no such gate."""
    odd = [cell for cell in cells if not can_fuse(cell)]
    if wish and odd:
        raise OptionError(
            "MG226",
            f"fused=True, and there is no fused gate for {type(odd[0]).__name__}({odd[0].settings()})",
            cause="RNN with tanh, GRU with reset_after=True and LSTM have one; their variants are unrolled",
            remedy="leave fused out: such a layer is unrolled by itself",
        )


def run(
    cell: Cell, x: Tensor, state: State, *, mask: Mask | None, truncate: int | None, reverse: bool
) -> tuple[Tensor, State]:
    """As `unroll`, in one gate: the outputs h of all steps, time first, (T, B, H), and the state after the last step.

    >>> import numpy as np
    >>> cell = RNNCell(3, 2)
    >>> outputs, state = run(cell, Tensor(np.ones((1, 5, 3), "float32")), cell.initial_state(1), mask=None,
    ...                      truncate=None, reverse=False)
    >>> outputs.shape, state.shape
    ((5, 1, 2), (1, 2))
    """
    rows = () if mask is None else (mask,)
    last = 0 if reverse else -1
    if isinstance(cell, LSTMCell):
        z = LSTMSequence(truncate, reverse)(_inputs(x, cell.W_xh, cell.b), *state, cell.W_hh, *rows)
        return z[0], (z[0, last], z[1, last])
    if isinstance(cell, GRUCell):
        z = GRUSequence(truncate, reverse)(_inputs(x, cell.W_xh, cell.b_xh), state, cell.W_hh, cell.b_hh, *rows)
    else:
        assert isinstance(cell, RNNCell)
        z = RNNSequence(truncate, reverse)(_inputs(x, cell.W_xh, cell.b_h), state, cell.W_hh, *rows)
    return z, z[last]


def _inputs(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """x @ W + b for all steps at once; where x was just looked up, for each distinct word once."""
    if (rows := looked_up(x)) is not None:
        return LookupProduct()(*rows, W, b)
    return x @ W + b
