"""Run a cell over a whole sequence as one fused gate, instead of unrolling it.

Both methods give the same results up to rounding. In an unrolled sequence, you can draw every gate
of every time step, step through the gates, and differentiate twice. With a fused gate, a training
step takes a fraction of the time.
"""

from typing import NamedTuple

from minigrad import GRUSequence, LookupProduct, LSTMSequence, RNNSequence, Tensor
from minigrad.context import FUSED, RECORDING
from minigrad.errors import OptionError
from minigrad.gates.basic import Tanh
from minigrad.gates.rows import ids_of
from minigrad.graph import Array

from .cells import Cell, GRUCell, LSTMCell, RNNCell, State, parts
from .parts import describe


class Fused(NamedTuple):
    """The gate that runs a kind of cell over a sequence, and the names of the weights it needs."""

    gate: type[RNNSequence | GRUSequence | LSTMSequence]
    bias: str  # added to x @ W_xh
    recurrent: tuple[str, ...]  # passed to the gate


FUSED_CELLS = {
    RNNCell: Fused(RNNSequence, "b_h", ("W_hh",)),
    GRUCell: Fused(GRUSequence, "b_xh", ("W_hh", "b_hh")),
    LSTMCell: Fused(LSTMSequence, "b", ("W_hh",)),
}


def can_fuse(cell: Cell) -> bool:
    """Return whether this cell has a fused gate. RNN cells with tanh, GRU cells with
    reset_after=True, and LSTM cells have one.
    """
    if isinstance(cell, RNNCell) and type(cell.activation) is not Tanh:
        return False
    if isinstance(cell, GRUCell) and not cell.reset_after:
        return False
    return type(cell) in FUSED_CELLS  # excludes subclasses, which may override forward


def shall_fuse(wish: bool | None, cells: list[Cell]) -> bool:
    """Return whether to fuse this call. The layer's option `fused` decides, or if it is None, the
    innermost block `mg.fused()`. Without either, a call is fused if nothing is recorded. Unless the
    option is True, a call is fused only if all cells have a fused gate.

    Errors: OptionError (MG226) if `wish` is True and a cell has no fused gate.
    """
    others = [cell for cell in cells if not can_fuse(cell)]
    if wish and others:
        raise OptionError(
            "MG226",
            f"fused=True, but there is no fused gate for {describe(others[0])}",
            cause="only RNN with tanh, GRU with reset_after=True, and LSTM have a fused gate",
            remedy="leave out fused=True; the layer is then unrolled",
        )
    if wish is not None:
        return wish
    block = FUSED.get()
    return not others and (not RECORDING.get() if block is None else block)


def run_fused(
    cell: Cell,
    x: Tensor,
    state: State,
    *,
    mask: Array | None,
    truncate: int | None,
    reverse: bool,
) -> tuple[Tensor, State]:
    """Compute the same values as `unroll`, with one gate for the recurrence. Before it, other gates
    compute x @ W_xh + b; after it, they select the states. Returns the outputs h of all steps, (T,
    B, H), and the state after the last step that ran.

    >>> import numpy as np
    >>> cell = RNNCell(3, 2)
    >>> outputs, state = run_fused(cell, Tensor(np.ones((1, 5, 3), "float32")), cell.initial_state(1), mask=None,
    ...                            truncate=None, reverse=False)
    >>> outputs.shape, state.shape
    ((5, 1, 2), (1, 2))
    """
    fused = FUSED_CELLS[type(cell)]
    W_xh = cell.W_xh
    b = getattr(cell, fused.bias)
    weights = [getattr(cell, name) for name in fused.recurrent]
    ids = ids_of(x)  # if x was looked up, the row of each distinct id is multiplied only once
    a = x @ W_xh + b if ids is None else LookupProduct()(x, ids, W_xh, b)
    masks = [] if mask is None else [mask]
    z: Tensor = fused.gate(truncate, reverse)(a, *parts(state), *weights, *masks)
    last = 0 if reverse else -1
    if isinstance(cell, LSTMCell):
        return z[0], (z[0, last], z[1, last])
    return z, z[last]
