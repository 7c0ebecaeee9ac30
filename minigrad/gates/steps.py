"""One time step of a GRU and of an LSTM, from small gates: the equations that `layers` and
`mg.unfuse` unroll.

recurrent.py has the same equations for a whole sequence at once, with the backward pass derived by
hand; tests make sure that both agree.
"""

from typing import Any

import numpy as np

from ..graph import Array
from ..tensor import Tensor, TensorLike, as_tensors
from .activation import sigmoid
from .basic import tanh
from .indexing import where


def gru_step(a: Tensor, h: Tensor, W_hh: Tensor, b_hh: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """(h', the gates z, r and n) of a gated recurrent unit whose reset gate r acts after the
    product h @ W_hh.

    a = x @ W_xh + b_xh (B, 3H) and s = h @ W_hh + b_hh (B, 3H) hold the blocks z, r, n side by
    side:
    z = σ(a_z + s_z), r = σ(a_r + s_r), n = tanh(a_n + r ⊙ s_n), h' = n + z ⊙ (h - n), all (B, H).
    """
    H = h.shape[1]
    s = h @ W_hh + b_hh
    zr = sigmoid(a[:, : 2 * H] + s[:, : 2 * H])
    z, r = zr[:, :H], zr[:, H:]
    n = tanh(a[:, 2 * H :] + r * s[:, 2 * H :])
    return n + z * (h - n), {"z": z, "r": r, "n": n}


def lstm_step(
    a: Tensor, h: Tensor, c: Tensor, W_hh: Tensor, real: Array | None = None
) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """(h', c', the gates i, f, g and o) of long short-term memory.

    a = x @ W_xh + b (B, 4H), and s = a + h @ W_hh, hold the blocks i, f, g, o side by side: i, f, o
    = σ(s),
    g = tanh(s), c' = f ⊙ c + i ⊙ g, h' = o ⊙ tanh(c'), all (B, H). At padded steps, where `real`
    (B, 1) is False,
    c' = c and h' = h. h' comes from this c', so that the gradient of c' is whole.
    """
    H = h.shape[1]
    s = a + h @ W_hh
    i, f, o = sigmoid(s[:, :H]), sigmoid(s[:, H : 2 * H]), sigmoid(s[:, 3 * H :])
    g = tanh(s[:, 2 * H : 3 * H])
    c = passed(real, f * c + i * g, c)
    return passed(real, o * tanh(c), h), c, {"i": i, "f": f, "g": g, "o": o}


def passed(real: Array | None, new: Tensor, old: Tensor) -> Tensor:
    """The new state in the sequences where this step is real, (B, 1), and the old one where it is
    padded.
    """
    return new if real is None else where(real, new, old)


def without_padding(x: TensorLike, mask: Array | None) -> Any:
    """x (B, T, ...) with 0 at the padded steps, where `mask` (B, T) is False, if NaN or ∞ is there;
    else x itself.

    The gradient of a padded step is 0, and so is its product with any input but NaN and ∞. x may be
    one step, (B, ...).
    """
    if mask is None:
        return x
    (x,) = as_tensors([x])
    flat: Any = x.array.ravel("K")
    with np.errstate(over="ignore", invalid="ignore"):
        # the first is fast, and usually enough
        if np.isfinite(flat.dot(flat)) or np.isfinite(x.array[~mask]).all():
            return x
    return where(mask.reshape(*mask.shape, *[1] * (x.ndim - mask.ndim)), x, 0.0)
