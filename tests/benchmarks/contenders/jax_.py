"""JAX: one jitted function per step, lax.scan over time; or (setting "eager") operation by
operation.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def versions() -> dict[str, str]:
    return {"JAX": jax.__version__}


def unrolled(setting: str, xs: list[Any], weights: dict[str, Any]) -> Callable[[], Any]:
    parameters = tuple(jnp.asarray(array) for array in weights.values())
    h0 = jnp.zeros((len(xs[0]), len(weights["b"])))

    def eager_loss(parameters: Any, inputs: Any) -> Any:
        U, W, b = parameters
        h = h0
        for x in inputs:
            h = jnp.tanh(x @ U + h @ W + b)
        return h.sum()

    def scanned_loss(parameters: Any, inputs: Any) -> Any:
        U, W, b = parameters
        h, _ = jax.lax.scan(lambda h, x: (jnp.tanh(x @ U + h @ W + b), None), h0, inputs)
        return h.sum()

    if setting == "eager":
        function, inputs = jax.value_and_grad(eager_loss), [jnp.asarray(x) for x in xs]
    else:
        function, inputs = jax.jit(jax.value_and_grad(scanned_loss)), jnp.stack(xs)
    return lambda: jax.block_until_ready(function(parameters, inputs))


def rnn(w: Any, h: Any, from_x: Any) -> Any:
    return jnp.tanh(from_x + h @ w["W_hh"])


def gru(w: Any, h: Any, from_x: Any) -> Any:
    H = h.shape[1]
    from_h = h @ w["W_hh"] + w["b_hh"]
    zr = jax.nn.sigmoid(from_x[:, : 2 * H] + from_h[:, : 2 * H])
    z, r = zr[:, :H], zr[:, H:]
    n = jnp.tanh(from_x[:, 2 * H :] + r * from_h[:, 2 * H :])
    return n + z * (h - n)


def lstm(w: Any, state: Any, from_x: Any) -> Any:
    h, c = state
    H = h.shape[1]
    a = from_x + h @ w["W_hh"]
    i, f, o = (jax.nn.sigmoid(a[:, k * H : (k + 1) * H]) for k in (0, 1, 3))
    c = f * c + i * jnp.tanh(a[:, 2 * H : 3 * H])
    return o * jnp.tanh(c), c


def logits(kind: str, w: Any, ids: Any) -> Any:
    cell = {"rnn": rnn, "gru": gru, "lstm": lstm}[kind]
    h0 = jnp.zeros((ids.shape[0], w["W_hh"].shape[0]))
    from_x = w["table"][ids.T] @ w["W_xh"] + w["b"]
    state, _ = jax.lax.scan(
        lambda state, p: (cell(w, state, p), None), (h0, h0) if kind == "lstm" else h0, from_x
    )
    return (state[0] if kind == "lstm" else state) @ w["W"] + w["c"]


class Training:
    def __init__(
        self, kind: str, weights: dict[str, Any], setting: str, rule: dict[str, Any]
    ) -> None:
        lr, (b1, b2), eps = rule["lr"], rule["betas"], rule["eps"]
        self.w = {name: jnp.array(array) for name, array in weights.items()}
        self.m = {name: jnp.zeros_like(array) for name, array in self.w.items()}
        self.v = {name: jnp.zeros_like(array) for name, array in self.w.items()}
        self.t = jnp.zeros(())

        def loss_of(w: Any, ids: Any, labels: Any) -> Any:
            z = logits(kind, w, ids)
            return jnp.mean(jnp.maximum(z, 0) - z * labels + jnp.log1p(jnp.exp(-jnp.abs(z))))

        @partial(jax.jit, donate_argnums=(0, 1, 2, 3))
        def step(w: Any, m: Any, v: Any, t: Any, ids: Any, labels: Any) -> Any:
            loss, g = jax.value_and_grad(loss_of)(w, ids, labels)
            t = t + 1
            m = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, m, g)
            v = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, v, g)
            rate, root = lr / (1 - b1**t), jnp.sqrt(1 - b2**t)
            w = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) / root + eps), w, m, v)
            return w, m, v, t, loss

        self.step = step

    def steps(self, batches: list[tuple[Any, Any]]) -> list[float]:
        losses = []
        for ids, labels in batches:
            self.w, self.m, self.v, self.t, loss = self.step(
                self.w, self.m, self.v, self.t, ids, labels
            )
            losses.append(loss)
        return [float(loss) for loss in losses]


def inference(kind: str, weights: dict[str, Any], setting: str) -> Callable[[Any], Any]:
    w = {name: jnp.array(array) for name, array in weights.items()}
    function = jax.jit(partial(logits, kind))
    return lambda ids: np.asarray(function(w, ids))
