"""Run a cell over a whole sequence as one fused gate, instead of unrolling it.

Both methods give the same results up to rounding. In an unrolled sequence, you can draw every gate
of every time step, step through the gates, and differentiate twice. With a fused gate, a training
step takes a fraction of the time.
"""

from minigrad import GRUSequence, LookupProduct, LSTMSequence, RNNSequence, Tensor
from minigrad.context import FUSED, RECORDING, SEAMS
from minigrad.errors import OptionError
from minigrad.gates.basic import Tanh
from minigrad.gates.rows import table_and_ids

from .cells import Cell, GRUCell, LSTMCell, RNNCell, State, parts
from .layer import ON_VALUE, Array, describe

GATES = {
    RNNCell: RNNSequence,
    GRUCell: GRUSequence,
    LSTMCell: LSTMSequence,
}


def can_fuse(cell: Cell) -> bool:
    """Return whether this cell has a fused gate. RNN cells with tanh, GRU cells with
    reset_after=True, and LSTM cells have one.
    """
    if isinstance(cell, RNNCell) and type(cell.activation) is not Tanh:
        return False
    if isinstance(cell, GRUCell) and not cell.reset_after:
        return False
    return type(cell) in GATES  # excludes subclasses, which may override forward


def shall_fuse(wish: bool | None, cells: list[Cell]) -> bool:
    """Return whether to fuse this call. If `wish` is None, fuse when all cells have a fused gate
    and either `mg.fused()` is on or nothing is recorded.

    `layers.outputs` and `gradient_flow` need the individual time steps. If `wish` is None, calls
    inside these functions are therefore unrolled.

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
    fast = SEAMS.fuse_layers and (FUSED.get() or not RECORDING.get())
    return fast and ON_VALUE.get() is None and not others


def run_fused(
    cell: Cell, x: Tensor, state: State, *, mask: Array | None, truncate: int | None, reverse: bool
) -> tuple[Tensor, State]:
    """Compute the same result as `unroll`, but with a single gate. Returns the outputs h of all steps, (T, B,
    H), and the state after the last step that ran.

    >>> import numpy as np
    >>> cell = RNNCell(3, 2)
    >>> outputs, state = run_fused(cell, Tensor(np.ones((1, 5, 3), "float32")), cell.initial_state(1), mask=None,
    ...                            truncate=None, reverse=False)
    >>> outputs.shape, state.shape
    ((5, 1, 2), (1, 2))
    """
    W_xh, W_hh, b, *b_hh = cell._members.values()
    look_up = table_and_ids(x)
    if look_up is not None and look_up[0].ndim == 2:
        product = LookupProduct()  # multiplies the row of each distinct id only once
        product.in_place_of = x.node.gate
        a = product(*look_up, W_xh, b)
    else:
        a = x @ W_xh + b
    masks = [] if mask is None else [mask]
    z: Tensor = GATES[type(cell)](truncate, reverse)(a, *parts(state), W_hh, *b_hh, *masks)
    last = 0 if reverse else -1
    if isinstance(cell, LSTMCell):
        return z[0], (z[0, last], z[1, last])
    return z, z[last]
