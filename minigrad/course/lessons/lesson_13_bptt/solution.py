"""Lesson 13, solved with loops from the last step to the first."""

import numpy as np


def rnn_forward(xs, h0, W_xh, W_hh, b_h):
    hs = [h0]
    for x in xs:
        hs.append(np.tanh(x @ W_xh + hs[-1] @ W_hh + b_h))
    return np.array(hs)


def tanh_backward(dh, h):
    slope = 1 - h * h
    return dh * slope


def state_gradients(g, hs, W_hh):
    dh = g.copy()  # the loss's gradients; the loop adds the gradients from later steps
    for t in range(len(g) - 1, 0, -1):
        da = tanh_backward(dh[t], hs[t])
        dh[t - 1] += da @ W_hh.T
    return dh


def rnn_backward(g, xs, hs, W_xh, W_hh):
    dh = state_gradients(g, hs, W_hh)
    dxs, dW_xh, dW_hh = np.zeros_like(xs), np.zeros_like(W_xh), np.zeros_like(W_hh)
    db_h = np.zeros(len(W_hh))
    for t in range(len(xs), 0, -1):
        da = tanh_backward(dh[t], hs[t])
        dxs[t - 1] = da @ W_xh.T
        dW_xh += xs[t - 1].T @ da
        dW_hh += hs[t - 1].T @ da
        db_h += da.sum(axis=0)
    return {"xs": dxs, "h0": dh[0], "W_xh": dW_xh, "W_hh": dW_hh, "b_h": db_h}


def nudged_gradient(g, xs, h0, W_xh, W_hh, b_h):
    found = np.zeros_like(W_hh)
    for place in np.ndindex(W_hh.shape):
        nudge = np.zeros_like(W_hh)
        nudge[place] = 1e-5
        above = rnn_forward(xs, h0, W_xh, W_hh + nudge, b_h)
        below = rnn_forward(xs, h0, W_xh, W_hh - nudge, b_h)
        found[place] = (g * (above - below)).sum() / 2e-5
    return found


def blame(g, xs, hs, W_xh, W_hh):
    dxs = rnn_backward(g, xs, hs, W_xh, W_hh)["xs"]
    return (xs * dxs).sum(axis=2)


def strip(g, hs, W_hh):
    for t, dh in list(enumerate(state_gradients(g, hs, W_hh)))[1:]:
        norm = np.sqrt((dh**2).sum())
        print(f"h{t:<3} {norm:6.3f} {'#' * round(20 * norm)}")


if __name__ == "__main__":
    T, B, D, H = 12, 1, 3, 8
    rng = np.random.default_rng(1)
    W_xh, W_hh = rng.normal(size=(D, H)) * 0.3, np.linalg.qr(rng.normal(size=(H, H)))[0]
    hs = rnn_forward(rng.normal(size=(T, B, D)), np.zeros((B, H)), W_xh, W_hh, np.zeros(H))
    direct = rng.normal(size=(T + 1, B, H))
    direct /= np.linalg.norm(direct, axis=2, keepdims=True)
    direct[0] = 0
    print("a loss at every step:")
    strip(direct, hs, W_hh)
    direct[:-1] = 0
    print("one loss, at the end:")
    strip(direct, hs, W_hh)
