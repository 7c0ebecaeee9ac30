"""Lesson 13: backpropagation through time, in NumPy.

Write the three functions that raise NotImplementedError, then run:
minigrad course check 13

Step t (1 to T) reads xs[t - 1] and computes hs[t] from hs[t - 1]. g[t] and
dh[t] are gradients at hs[t].
"""

import numpy as np


def rnn_forward(xs, h0, W_xh, W_hh, b_h):
    """Run the forward pass (already written).

    xs is (T, B, D), and h0 is (B, H). Returns hs (T + 1, B, H): h0 and the
    state after each step.
    """
    hs = [h0]
    for x in xs:
        hs.append(np.tanh(x @ W_xh + hs[-1] @ W_hh + b_h))
    return np.array(hs)


def tanh_backward(dh, h):
    """Go back through h = tanh(a): compute dL/da from dL/dh.

    dh is (B, H), and so is h, the output of the tanh. Returns dL/da (B, H).
    """
    raise NotImplementedError("not written yet")


def state_gradients(g, hs, W_hh):
    """Return dL/dh_t for every t, from the last state back to hs[0].

    g (T + 1, B, H) is the gradient that the loss sends directly to each state;
    do not change it. g[0], which may be nonzero, is part of the gradient of
    hs[0]. hs is (T + 1, B, H), and W_hh is (H, H). Returns dh (T + 1, B, H):
    the whole gradient at each state.
    """
    raise NotImplementedError("not written yet")


def rnn_backward(g, xs, hs, W_xh, W_hh):
    """Return the gradients of all arguments of `rnn_forward`, without changing
    the inputs.

    g and hs are (T + 1, B, H), xs is (T, B, D), W_xh is (D, H), and W_hh is
    (H, H). Returns {"xs": (T, B, D), "h0": (B, H), "W_xh": (D, H),
    "W_hh": (H, H), "b_h": (H,)}.
    """
    raise NotImplementedError("not written yet")


def strip(g, hs, W_hh):
    """Print the norm of dL/dh_t for each step, with a bar."""
    for t, dh in list(enumerate(state_gradients(g, hs, W_hh)))[1:]:
        norm = np.sqrt((dh**2).sum())
        print(f"h{t:<3} {norm:6.3f} {'#' * round(20 * norm)}")


if __name__ == "__main__":
    T, B, D, H = 12, 1, 3, 8
    rng = np.random.default_rng(1)
    W_xh = rng.normal(size=(D, H)) * 0.3
    W_hh = np.linalg.qr(rng.normal(size=(H, H)))[0]
    xs, h0 = rng.normal(size=(T, B, D)), np.zeros((B, H))
    hs = rnn_forward(xs, h0, W_xh, W_hh, np.zeros(H))
    direct = rng.normal(size=(T + 1, B, H))
    direct /= np.linalg.norm(direct, axis=2, keepdims=True)
    direct[0] = 0
    print("a loss at every step:")
    strip(direct, hs, W_hh)
    direct[:-1] = 0
    print("one loss, at the end:")
    strip(direct, hs, W_hh)
