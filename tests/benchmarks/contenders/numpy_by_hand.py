"""What a patient person would write in NumPy alone: each model's forward and backward by hand, and
Adam in place.

Time-major: X (T, B, D), P and h (T, B, ...). Blocks of H columns are in the order z, r, n (GRU), i,
f, g, o (LSTM).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any
Weights = dict[str, Any]


def versions() -> dict[str, str]:
    return {"NumPy": np.__version__}


def unrolled(setting: str, xs: list[Array], weights: Weights) -> Callable[[], Any]:
    U, W, b = weights.values()

    def call() -> Any:
        h = np.zeros((len(xs[0]), len(W)), np.float32)
        hs = [h]
        for x in xs:
            h = np.tanh(x @ U + h @ W + b)
            hs.append(h)
        loss = h.sum()
        dh, dU, dW, db = np.ones_like(h), np.zeros_like(U), np.zeros_like(W), np.zeros_like(b)
        for t in reversed(range(len(xs))):
            da = dh * (1 - hs[t + 1] * hs[t + 1])
            dU += xs[t].T @ da
            dW += hs[t].T @ da
            db += da.sum(axis=0)
            dh = da @ W.T
        return loss, (dU, dW, db)

    return call


# ---- the three recurrences: P = X @ W_xh + b -> (h before each step and after the last, what
# backward needs), and
# (dh of the last state) -> dP, and dF where the part that came through W_hh has another gradient
# than P ----


def sigmoid(x: Array) -> Array:
    return 0.5 * np.tanh(0.5 * x) + 0.5


def rnn_forward(P: Array, w: Weights) -> tuple[Array, Any]:
    h = np.zeros((len(P) + 1, *P.shape[1:]), P.dtype)
    for t in range(len(P)):
        np.tanh(P[t] + h[t] @ w["W_hh"], out=h[t + 1])
    return h, None


def rnn_backward(dh: Array, h: Array, kept: Any, w: Weights) -> tuple[Array, Array]:
    dP = np.empty_like(h[1:])
    W = w["W_hh"].T.copy()
    for t in reversed(range(len(dP))):
        np.multiply(dh, 1 - h[t + 1] * h[t + 1], out=dP[t])
        dh = dP[t] @ W
    return dP, dP


def gru_forward(P: Array, w: Weights) -> tuple[Array, Any]:
    T, B, H = P.shape[0], P.shape[1], P.shape[2] // 3
    h, zr = np.zeros((T + 1, B, H), P.dtype), np.empty((T, B, 2 * H), P.dtype)
    n, from_h = np.empty((T, B, H), P.dtype), np.empty((T, B, H), P.dtype)
    for t in range(T):
        F = h[t] @ w["W_hh"] + w["b_hh"]
        zr[t] = sigmoid(P[t, :, : 2 * H] + F[:, : 2 * H])
        from_h[t] = F[:, 2 * H :]
        n[t] = np.tanh(P[t, :, 2 * H :] + zr[t, :, H:] * from_h[t])
        h[t + 1] = n[t] + zr[t, :, :H] * (h[t] - n[t])
    return h, (zr, n, from_h)


def gru_backward(dh: Array, h: Array, kept: Any, w: Weights) -> tuple[Array, Array]:
    zr, n, from_h = kept
    H = n.shape[2]
    z, r = zr[:, :, :H], zr[:, :, H:]
    dP, dF = np.empty((*n.shape[:2], 3 * H), n.dtype), np.empty((*n.shape[:2], 3 * H), n.dtype)
    W = w["W_hh"].T.copy()
    slope, dn_da = zr * (1 - zr), 1 - n * n
    for t in reversed(range(len(n))):
        dan = dh * (1 - z[t]) * dn_da[t]
        dP[t, :, :H] = dh * (h[t] - n[t]) * slope[t, :, :H]
        dP[t, :, H : 2 * H] = dan * from_h[t] * slope[t, :, H:]
        dP[t, :, 2 * H :] = dan
        dF[t, :, : 2 * H] = dP[t, :, : 2 * H]
        dF[t, :, 2 * H :] = dan * r[t]
        dh = dh * z[t] + dF[t] @ W
    return dP, dF


def lstm_forward(P: Array, w: Weights) -> tuple[Array, Any]:
    T, B, H = P.shape[0], P.shape[1], P.shape[2] // 4
    h, c = np.zeros((T + 1, B, H), P.dtype), np.zeros((T + 1, B, H), P.dtype)
    gates, tanh_c = np.empty_like(P), np.empty((T, B, H), P.dtype)
    for t in range(T):
        a = P[t] + h[t] @ w["W_hh"]
        gates[t] = sigmoid(a)
        g = gates[t, :, 2 * H : 3 * H] = np.tanh(a[:, 2 * H : 3 * H])
        c[t + 1] = gates[t, :, H : 2 * H] * c[t] + gates[t, :, :H] * g
        tanh_c[t] = np.tanh(c[t + 1])
        h[t + 1] = gates[t, :, 3 * H :] * tanh_c[t]
    return h, (c, gates, tanh_c)


def lstm_backward(dh: Array, h: Array, kept: Any, w: Weights) -> tuple[Array, Array]:
    c, gates, tanh_c = kept
    H = tanh_c.shape[2]
    slope = gates * (1 - gates)
    g = gates[:, :, 2 * H : 3 * H]
    slope[:, :, 2 * H : 3 * H] = 1 - g * g
    dtanh_c = 1 - tanh_c * tanh_c
    dP, dc = np.empty_like(gates), np.zeros_like(dh)
    W = w["W_hh"].T.copy()
    for t in reversed(range(len(dP))):
        i, f, o = gates[t, :, :H], gates[t, :, H : 2 * H], gates[t, :, 3 * H :]
        dc += dh * o * dtanh_c[t]
        dP[t, :, :H] = dc * g[t]
        dP[t, :, H : 2 * H] = dc * c[t]
        dP[t, :, 2 * H : 3 * H] = dc * i
        dP[t, :, 3 * H :] = dh * tanh_c[t]
        dP[t] *= slope[t]
        dc *= f
        dh = dP[t] @ W
    return dP, dP


RECURRENCES = {
    "rnn": (rnn_forward, rnn_backward),
    "gru": (gru_forward, gru_backward),
    "lstm": (lstm_forward, lstm_backward),
}


# ---- the model around them: table[ids] -> recurrence -> h_T @ W + c, binary cross entropy ----


def forward(kind: str, w: Weights, ids: Array) -> tuple[Array, Any]:
    """Logits (B, 1), and what backward needs."""
    X = w["table"][ids.T]
    P = (X.reshape(-1, X.shape[2]) @ w["W_xh"] + w["b"]).reshape(*X.shape[:2], -1)
    h, kept = RECURRENCES[kind][0](P, w)
    return h[-1] @ w["W"] + w["c"], (X, h, kept)


class Training:
    def __init__(self, kind: str, weights: Weights, setting: str, rule: dict[str, Any]) -> None:
        self.kind, self.w = kind, weights
        self.adam = Adam(weights, **rule)

    def steps(self, batches: list[tuple[Array, Array]]) -> list[float]:
        return [self.step(ids, labels) for ids, labels in batches]

    def step(self, ids: Array, labels: Array) -> float:
        w = self.w
        logits, (X, h, kept) = forward(self.kind, w, ids)
        loss = np.mean(np.maximum(logits, 0) - logits * labels + np.log1p(np.exp(-np.abs(logits))))
        dlogits = (sigmoid(logits) - labels) / np.float32(len(labels))
        dP, dF = RECURRENCES[self.kind][1](dlogits @ w["W"].T, h, kept, w)
        dP, dF = (d.reshape(-1, d.shape[2]) for d in (dP, dF))
        gradients = {
            "table": add_rows(np.zeros_like(w["table"]), ids.T.ravel(), dP @ w["W_xh"].T),
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


def add_rows(table: Array, ids: Array, rows: Array) -> Array:
    """table[ids] += rows, where ids repeat: sorted and summed run by run, far faster than
    np.add.at.
    """
    order = np.argsort(ids, kind="stable")
    ids = ids[order]
    starts = np.flatnonzero(np.concatenate([[True], ids[1:] != ids[:-1]]))
    table[ids[starts]] += np.add.reduceat(rows[order], starts, axis=0)
    return table


class Adam:
    """The plain dense rule, every array in place, no array made on the way."""

    def __init__(self, weights: Weights, lr: float, betas: tuple[float, float], eps: float) -> None:
        self.w, self.lr, self.betas, self.eps, self.t = weights, lr, betas, eps, 0
        self.slots = {
            name: [np.zeros_like(array) for _ in range(3)] for name, array in weights.items()
        }

    def step(self, gradients: Weights) -> None:
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


def adam(
    table: Array, setting: str, rule: dict[str, Any]
) -> tuple[Callable[[Any], None], Callable[[], Array]]:
    """A step of Adam over a table, given (rows, their gradients); and the table."""
    optimizer, g, before = (
        Adam({"table": table}, **rule),
        np.zeros_like(table),
        [np.zeros(0, np.int64)],
    )

    def step(gradient: tuple[Array, Array]) -> None:
        g[before[0]] = 0
        before[0], g[gradient[0]] = gradient
        optimizer.step({"table": g})

    return step, lambda: table


def chain(x: Array, gates: int) -> Callable[[], Any]:
    def call() -> Any:
        hs = [x]
        for _ in range(gates):
            hs.append(np.tanh(hs[-1]))
        dh = np.ones_like(x)
        for h in reversed(hs[1:]):
            dh = dh * (1 - h * h)
        return hs[-1], dh

    return call


def inference(kind: str, weights: Weights, setting: str) -> Callable[[Array], Array]:
    return lambda ids: forward(kind, weights, ids)[0]
