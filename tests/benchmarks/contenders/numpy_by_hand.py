"""Implement each model's forward and backward passes by hand in NumPy, with an in-place Adam.

The time axis comes first: X has shape (T, B, D), and P and h have shape (T, B, ...). The blocks of H
columns are z, r, n in a GRU and i, f, g, o in an LSTM.
"""

import numpy as np
from contenders import shared


def backward_through(*arrays):
    """Return the arrays' steps, from the last to the first."""
    return zip(
        *(array[::-1] for array in arrays),
        strict=True,
    )


def unrolled(setting, xs, weights):
    U, W, b = weights.values()

    def call():
        h = np.zeros_like(xs[0] @ U)
        hs = [h]
        for x in xs:
            h = np.tanh(x @ U + h @ W + b)
            hs.append(h)
        dh = np.ones_like(h)
        dU, dW, db = (np.zeros_like(array) for array in weights.values())
        for x, before, after in backward_through(
            xs,
            hs[:-1],
            hs[1:],
        ):
            da = dh * (1 - after * after)
            dU += x.T @ da
            dW += before.T @ da
            db += da.sum(axis=0)
            dh = da @ W.T
        return h.sum(), (dU, dW, db)

    return call


# The three cells. The forward pass takes P = X @ W_xh + b and returns h before each step and after the
# last step, and the values that the backward pass needs. The backward pass takes dh of the last state
# and returns dP. If the product with W_hh has a different gradient, it also returns this gradient, dF.


def sigmoid(x):
    return 0.5 * np.tanh(0.5 * x) + 0.5


def states(P, H):
    T, B, _ = P.shape
    return np.zeros(
        (T + 1, B, H),
        P.dtype,
    )


def rnn_forward(P, w):
    h = states(P, P.shape[2])
    for t in range(len(P)):
        np.tanh(
            P[t] + h[t] @ w["W_hh"],
            out=h[t + 1],
        )
    return h, None


def rnn_backward(dh, h, kept, w):
    dP = np.empty_like(h[1:])
    W = w["W_hh"].T.copy()
    for da, after in backward_through(dP, h[1:]):
        np.multiply(
            dh,
            1 - after * after,
            out=da,
        )
        dh = da @ W
    return dP, dP


def gru_forward(P, w):
    H = P.shape[2] // 3
    P_zr, P_n = np.split(
        P,
        [2 * H],
        axis=2,
    )
    gates, from_h = np.empty_like(P), np.empty_like(P_n)
    zr, n = np.split(
        gates,
        [2 * H],
        axis=2,
    )
    z, r = np.split(zr, 2, axis=2)
    h = states(P, H)
    for t in range(len(P)):
        F = h[t] @ w["W_hh"] + w["b_hh"]
        zr[t] = sigmoid(P_zr[t] + F[:, : 2 * H])
        from_h[t] = F[:, 2 * H :]
        n[t] = np.tanh(P_n[t] + r[t] * from_h[t])
        h[t + 1] = n[t] + z[t] * (h[t] - n[t])
    return h, (gates, from_h)


def gru_backward(dh, h, kept, w):
    gates, from_hs = kept
    slopes = gates * (1 - gates)
    dP, dF = np.empty_like(gates), np.empty_like(gates)
    W = w["W_hh"].T.copy()
    steps = backward_through(
        h[:-1],
        from_hs,
        dP,
        dF,
        *np.split(gates, 3, axis=2),
        *np.split(slopes, 3, axis=2)[:2],
        *np.split(dP, 3, axis=2),
        np.split(dF, 3, axis=2)[2],
    )
    for before, from_h, da, df, z, r, n, slope_z, slope_r, dz, dr, dn, df_n in steps:
        dn[...] = dh * (1 - z)
        dn *= 1 - n * n
        dz[...] = dh * (before - n)
        dz *= slope_z
        dr[...] = dn * from_h
        dr *= slope_r
        df[...] = da
        df_n *= r
        dh = dh * z + df @ W
    return dP, dF


def lstm_forward(P, w):
    H = P.shape[2] // 4
    h, c = states(P, H), states(P, H)
    gates, tanh_c = np.empty_like(P), np.empty_like(c[1:])
    i, f, g, o = np.split(gates, 4, axis=2)
    for t in range(len(P)):
        a = P[t] + h[t] @ w["W_hh"]
        gates[t] = sigmoid(a)
        g[t] = np.tanh(a[:, 2 * H : 3 * H])
        c[t + 1] = f[t] * c[t] + i[t] * g[t]
        tanh_c[t] = np.tanh(c[t + 1])
        h[t + 1] = o[t] * tanh_c[t]
    return h, (c, gates, tanh_c)


def lstm_backward(dh, h, kept, w):
    c, gates, tanh_c = kept
    slopes = gates * (1 - gates)
    g = np.split(gates, 4, axis=2)[2]
    np.split(slopes, 4, axis=2)[2][...] = 1 - g * g
    dP, dc = np.empty_like(gates), np.zeros_like(dh)
    W = w["W_hh"].T.copy()
    steps = backward_through(
        c[:-1],
        tanh_c,
        1 - tanh_c * tanh_c,
        dP,
        slopes,
        *np.split(gates, 4, axis=2),
        *np.split(dP, 4, axis=2),
    )
    for before, tanh, slope_c, da, slope, i, f, g, o, di, df, dg, do in steps:
        dc += dh * o * slope_c
        np.multiply(dc, g, out=di)
        np.multiply(dc, before, out=df)
        np.multiply(dc, i, out=dg)
        np.multiply(dh, tanh, out=do)
        da *= slope
        dc *= f
        dh = da @ W
    return dP, dP


RECURRENCES = {
    "rnn": (rnn_forward, rnn_backward),
    "gru": (gru_forward, gru_backward),
    "lstm": (lstm_forward, lstm_backward),
}


# The rest of the model: table[ids] -> recurrent layer -> h_T @ W + c -> binary cross entropy.


def forward(kind, w, ids):
    """Return logits (B, 1) and the values that the backward pass needs."""
    X = w["table"][ids.T]
    P = (
        X.reshape(
            -1,
            X.shape[2],
        )
        @ w["W_xh"]
    )
    P += w["b"]
    h, kept = RECURRENCES[kind][0](
        P.reshape(
            *X.shape[:2],
            -1,
        ),
        w,
    )
    return h[-1] @ w["W"] + w["c"], (X, h, kept)


def inference(kind, weights, setting):
    return lambda ids: forward(kind, weights, ids)[0]


class Training:
    def __init__(
        self,
        kind,
        weights,
        setting,
        rule,
    ):
        self.kind, self.w = kind, weights
        self.adam = Adam(weights, **rule)

    def steps(self, batches):
        return [self.step(ids, labels) for ids, labels in batches]

    def step(self, ids, labels):
        w = self.w
        z, (X, h, kept) = forward(self.kind, w, ids)
        softplus = np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))
        dz = (sigmoid(z) - labels) / np.float32(len(labels))
        dP, dF = RECURRENCES[self.kind][1](
            dz @ w["W"].T,
            h,
            kept,
            w,
        )
        dP, dF = (d.reshape(-1, d.shape[2]) for d in (dP, dF))
        table = np.zeros_like(w["table"])
        gradients = {
            "table": add_rows(
                table,
                ids.T.ravel(),
                dP @ w["W_xh"].T,
            ),
            "W_xh": X.reshape(len(dP), -1).T @ dP,
            "W_hh": h[:-1].reshape(len(dF), -1).T @ dF,
            "b": dP.sum(axis=0),
            "b_hh": dF.sum(axis=0),
            "W": h[-1].T @ dz,
            "c": dz.sum(axis=0),
        }
        self.adam.step({name: gradients[name] for name in w})
        return float(np.mean(softplus - z * labels))


def add_rows(table, ids, rows):
    """Compute table[ids] += rows for ids that may repeat. Sorting the ids and summing the rows of
    each id is much faster than np.add.at.
    """
    order = np.argsort(ids, kind="stable")
    distinct, starts = np.unique(ids[order], return_index=True)
    table[distinct] += np.add.reduceat(
        rows[order],
        starts,
        axis=0,
    )
    return table


class Adam:
    """Dense Adam, which updates all arrays in place and allocates no temporary arrays."""

    def __init__(self, weights, lr, betas, eps):
        self.w, self.lr, self.betas, self.eps, self.t = weights, lr, betas, eps, 0
        self.slots = {}
        for name, array in weights.items():
            self.slots[name] = np.zeros(
                (3, *array.shape),
                "f4",
            )

    def step(self, gradients):
        self.t += 1
        b1, b2 = self.betas
        for name, g in gradients.items():
            m, v, scratch = self.slots[name]
            m *= b1
            m += np.multiply(g, 1 - b1, out=scratch)
            v *= b2
            np.multiply(g, g, out=scratch)
            scratch *= 1 - b2
            v += scratch
            np.sqrt(v, out=scratch)
            scratch *= 1 / np.sqrt(1 - b2**self.t).item()
            scratch += self.eps
            np.divide(m, scratch, out=scratch)
            scratch *= self.lr / (1 - b1**self.t)
            self.w[name] -= scratch


def adam(table, setting, rule):
    """Return a function that runs a step of Adam, given distinct rows and their gradients, and a
    function that returns the table.
    """
    optimizer, g = Adam({"table": table}, **rule), np.zeros_like(table)
    step = shared.dense_steps(
        g,
        lambda: optimizer.step({"table": g}),
    )
    return step, lambda: table


def chain(x, gates):
    def call():
        hs = [x]
        for _ in range(gates):
            hs.append(np.tanh(hs[-1]))
        dh = np.ones_like(x)
        for h in reversed(hs[1:]):
            dh = dh * (1 - h * h)
        return hs[-1], [dh]

    return call
