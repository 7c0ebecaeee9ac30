"""Implement each model's forward and backward passes by hand in NumPy, with an in-place Adam.

The time axis comes first: X has shape (T, B, D), and P and h have shape (T, B, ...). The blocks of H
columns are z, r, n in a GRU and i, f, g, o in an LSTM.
"""

import numpy as np


def unrolled(setting, xs, weights):
    U, W, b = weights.values()

    def call():
        h = np.zeros((len(xs[0]), len(W)), np.float32)
        hs = [h]
        for x in xs:
            h = np.tanh(x @ U + h @ W + b)
            hs.append(h)
        loss = h.sum()
        dh, dU, dW, db = (
            np.ones_like(h),
            np.zeros_like(U),
            np.zeros_like(W),
            np.zeros_like(b),
        )
        for t in reversed(range(len(xs))):
            da = dh * (1 - hs[t + 1] * hs[t + 1])
            dU += xs[t].T @ da
            dW += hs[t].T @ da
            db += da.sum(axis=0)
            dh = da @ W.T
        return loss, (dU, dW, db)

    return call


# The three cells. The forward pass takes P = X @ W_xh + b and returns h before each step and after the
# last step, and the values that the backward pass needs. The backward pass takes dh of the last state
# and returns dP. If the product with W_hh has a different gradient, it also returns this gradient, dF.


def sigmoid(x):
    return 0.5 * np.tanh(0.5 * x) + 0.5


def states(P, H):
    return np.zeros((len(P) + 1, P.shape[1], H), P.dtype)


def rnn_forward(P, w):
    h = states(P, P.shape[2])
    for t in range(len(P)):
        np.tanh(P[t] + h[t] @ w["W_hh"], out=h[t + 1])
    return h, None


def rnn_backward(dh, h, kept, w):
    dP = np.empty_like(h[1:])
    W = w["W_hh"].T.copy()
    for t in reversed(range(len(dP))):
        np.multiply(dh, 1 - h[t + 1] * h[t + 1], out=dP[t])
        dh = dP[t] @ W
    return dP, dP


def gru_forward(P, w):
    H = P.shape[2] // 3
    P_zr, P_n = np.split(P, [2 * H], axis=2)
    zr, n, from_h = np.empty_like(P_zr), np.empty_like(P_n), np.empty_like(P_n)
    z, r = np.split(zr, 2, axis=2)
    h = states(P, H)
    for t in range(len(P)):
        F = h[t] @ w["W_hh"] + w["b_hh"]
        zr[t] = sigmoid(P_zr[t] + F[:, : 2 * H])
        from_h[t] = F[:, 2 * H :]
        n[t] = np.tanh(P_n[t] + r[t] * from_h[t])
        h[t + 1] = n[t] + z[t] * (h[t] - n[t])
    return h, (zr, n, from_h)


def gru_backward(dh, h, kept, w):
    zr, n, from_h = kept
    z, r = np.split(zr, 2, axis=2)
    slope_z, slope_r = np.split(zr * (1 - zr), 2, axis=2)
    slope_n = 1 - n * n
    dP = np.concatenate(
        [zr, n], axis=2
    )  # allocates the array, whose values are overwritten
    dF = np.empty_like(dP)
    dz, dr, dn = np.split(dP, 3, axis=2)
    dF_n = np.split(dF, 3, axis=2)[2]
    W = w["W_hh"].T.copy()
    for t in reversed(range(len(n))):
        dn[t] = dh * (1 - z[t]) * slope_n[t]
        dz[t] = dh * (h[t] - n[t]) * slope_z[t]
        dr[t] = dn[t] * from_h[t] * slope_r[t]
        dF[t] = dP[t]
        dF_n[t] *= r[t]
        dh = dh * z[t] + dF[t] @ W
    return dP, dF


def lstm_forward(P, w):
    H = P.shape[2] // 4
    h, c, gates = states(P, H), states(P, H), np.empty_like(P)
    tanh_c = np.empty_like(c[1:])
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
    i, f, g, o = np.split(gates, 4, axis=2)
    slope = gates * (1 - gates)
    np.split(slope, 4, axis=2)[2][...] = 1 - g * g
    dtanh_c = 1 - tanh_c * tanh_c
    dP, dc = np.empty_like(gates), np.zeros_like(dh)
    di, df, dg, do = np.split(dP, 4, axis=2)
    W = w["W_hh"].T.copy()
    for t in reversed(range(len(dP))):
        dc += dh * o[t] * dtanh_c[t]
        di[t] = dc * g[t]
        df[t] = dc * c[t]
        dg[t] = dc * i[t]
        do[t] = dh * tanh_c[t]
        dP[t] *= slope[t]
        dc *= f[t]
        dh = dP[t] @ W
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
    P = (X.reshape(-1, X.shape[2]) @ w["W_xh"] + w["b"]).reshape(*X.shape[:2], -1)
    h, kept = RECURRENCES[kind][0](P, w)
    return h[-1] @ w["W"] + w["c"], (X, h, kept)


class Training:
    def __init__(self, kind, weights, setting, rule):
        self.kind, self.w = kind, weights
        self.adam = Adam(weights, **rule)

    def steps(self, batches):
        return [self.step(ids, labels) for ids, labels in batches]

    def step(self, ids, labels):
        w = self.w
        logits, (X, h, kept) = forward(self.kind, w, ids)
        loss = np.mean(
            np.maximum(logits, 0) - logits * labels + np.log1p(np.exp(-np.abs(logits)))
        )
        dlogits = (sigmoid(logits) - labels) / np.float32(len(labels))
        dP, dF = RECURRENCES[self.kind][1](dlogits @ w["W"].T, h, kept, w)
        dP, dF = (d.reshape(-1, d.shape[2]) for d in (dP, dF))
        gradients = {
            "table": add_rows(
                np.zeros_like(w["table"]), ids.T.ravel(), dP @ w["W_xh"].T
            ),
            "W_xh": X.reshape(len(dP), -1).T @ dP,
            "W_hh": h[:-1].reshape(len(dF), -1).T @ dF,
            "b": dP.sum(axis=0),
            "W": h[-1].T @ dlogits,
            "c": dlogits.sum(axis=0),
        }
        if self.kind == "gru":
            gradients["b_hh"] = dF.sum(axis=0)
        self.adam.step(gradients)
        return float(loss)


def add_rows(table, ids, rows):
    """Compute table[ids] += rows for ids that may repeat. Sorting the ids and summing the rows of
    each id is much faster than np.add.at.
    """
    order = np.argsort(ids, kind="stable")
    distinct, starts = np.unique(ids[order], return_index=True)
    table[distinct] += np.add.reduceat(rows[order], starts, axis=0)
    return table


class Adam:
    """Dense Adam, which updates all arrays in place and allocates no temporary arrays."""

    def __init__(self, weights, lr, betas, eps):
        self.w, self.lr, self.betas, self.eps, self.t = weights, lr, betas, eps, 0
        self.slots = {
            name: np.zeros((3, *array.shape), "f4") for name, array in weights.items()
        }

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
    before: list[int] = []

    def step(rows, gradients):
        nonlocal before
        g[before] = 0
        g[rows] = gradients
        before = rows
        optimizer.step({"table": g})

    return step, lambda: table


def chain(x, gates):
    def call():
        hs = [x]
        for _ in range(gates):
            hs.append(np.tanh(hs[-1]))
        dh = np.ones_like(x)
        for h in reversed(hs[1:]):
            dh = dh * (1 - h * h)
        return hs[-1], dh

    return call


def inference(kind, weights, setting):
    return lambda ids: forward(kind, weights, ids)[0]
