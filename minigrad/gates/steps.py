"""A single time step of a GRU or an LSTM, built from small gates.

`layers` and `mg.unfuse` unroll these steps. fused/recurrent.py applies the same equations to a
whole sequence, with a hand-written backward pass. Tests check that the results agree.
"""

from typing import Any

import numpy as np

from ..graph import Array
from ..tensor import Tensor, TensorLike, as_tensors
from .activation import sigmoid
from .basic import tanh
from .indexing import where

Gates = dict[str, Tensor]


def gru_step(
    a: Tensor,
    h: Tensor,
    W_hh: Tensor,
    b_hh: Tensor,
) -> tuple[Tensor, Gates]:
    """Return h' and the gates z, r and n for one step of a gated recurrent unit.

    a = x @ W_xh + b_xh and s = h @ W_hh + b_hh have shape (B, 3H) and consist of blocks for z, r
    and n. The step computes, in arrays of shape (B, H):

        z = σ(a_z + s_z)
        r = σ(a_r + s_r)
        n = tanh(a_n + r ⊙ s_n)
        h' = n + z ⊙ (h - n)

    The reset gate r is applied after the product h @ W_hh.
    """
    H = h.shape[1]
    s = h @ W_hh + b_hh
    zr = sigmoid(a[:, : 2 * H] + s[:, : 2 * H])
    z = zr[:, :H]
    r = zr[:, H:]
    a_n = a[:, 2 * H :]
    n = tanh(a_n + r * s[:, 2 * H :])
    h = n + z * (h - n)
    return h, {"z": z, "r": r, "n": n}


def lstm_step(
    a: Tensor,
    h: Tensor,
    c: Tensor,
    W_hh: Tensor,
    real: Array | None = None,
) -> tuple[Tensor, Tensor, Gates]:
    """Return h', c' and the gates i, f, g and o for one LSTM step.

    a = x @ W_xh + b and s = a + h @ W_hh have shape (B, 4H) and consist of blocks for i, f, g and
    o. The step computes, in arrays of shape (B, H):

        i, f, o = σ(s_i), σ(s_f), σ(s_o)
        g = tanh(s_g)
        c' = f ⊙ c + i ⊙ g
        h' = o ⊙ tanh(c')

    At padded steps, where `real` (B, 1) is False, c' = c and h' = h. h' is computed from the
    updated c', because the gradient of c' must include the part that comes through h'.
    """
    H = h.shape[1]
    s = a + h @ W_hh
    i = sigmoid(s[:, :H])
    f = sigmoid(s[:, H : 2 * H])
    o = sigmoid(s[:, 3 * H :])
    g = tanh(s[:, 2 * H : 3 * H])
    c = passed(real, f * c + i * g, c)
    h = passed(real, o * tanh(c), h)
    return h, c, {"i": i, "f": f, "g": g, "o": o}


def passed(
    real: Array | None,
    new: Tensor,
    old: Tensor,
) -> Tensor:
    """Return the new state where `real` (B, 1) is True, and the old state at padded steps."""
    return new if real is None else where(real, new, old)


def without_padding(x: TensorLike, mask: Array | None) -> Any:
    """Return x (B, T, ...), with all padded steps set to 0 if any of them contains NaN or ∞.

    A step is padded where `mask` (B, T) is False. The gradient of a padded step is 0. Multiplying
    it by a finite input yields 0, but multiplying it by NaN or ∞ yields NaN. x may also be a single
    step, (B, ...).
    """
    if mask is None:
        return x
    (x,) = as_tensors([x])
    flat: Any = x.array.ravel("K")
    with np.errstate(over="ignore", invalid="ignore"):
        # this test is fast, and usually sufficient
        if np.isfinite(flat.dot(flat)):
            return x
    if np.isfinite(x.array[~mask]).all():
        return x
    missing = [1] * (x.ndim - mask.ndim)
    mask = mask.reshape(*mask.shape, *missing)
    return where(mask, x, 0.0)
