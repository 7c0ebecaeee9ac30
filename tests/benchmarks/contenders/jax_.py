"""JAX with one compiled function per step, which uses lax.scan over time, or without compilation
(setting "eager").
"""

import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.example_libraries.optimizers import adam


def unrolled(setting, xs, weights):
    parameters = tuple(map(jnp.asarray, weights.values()))
    h0 = jnp.zeros(
        (
            len(xs[0]),
            len(weights["b"]),
        )
    )

    def step(parameters, h, x):
        U, W, b = parameters
        return jnp.tanh(x @ U + h @ W + b)

    def eager_loss(parameters, inputs):
        h = h0
        for x in inputs:
            h = step(parameters, h, x)
        return h.sum()

    def scanned_loss(parameters, inputs):
        h, _ = jax.lax.scan(
            lambda h, x: (step(parameters, h, x), None),
            h0,
            inputs,
        )
        return h.sum()

    if setting == "eager":
        inputs = [jnp.asarray(x) for x in xs]
        function = jax.value_and_grad(eager_loss)
    else:
        inputs = jnp.stack(xs)
        function = jax.jit(jax.value_and_grad(scanned_loss))
    return lambda: jax.block_until_ready(function(parameters, inputs))


# One time step of each cell: (h, c) and x @ W_xh + b -> (h, c). Only the LSTM uses c.


def rnn(w, h, c, from_x):
    return jnp.tanh(from_x + h @ w["W_hh"]), c


def gru(w, h, c, from_x):
    H = h.shape[1]
    from_h = h @ w["W_hh"] + w["b_hh"]
    zr = jax.nn.sigmoid(from_x[:, : 2 * H] + from_h[:, : 2 * H])
    z, r = jnp.split(zr, 2, axis=1)
    n = jnp.tanh(from_x[:, 2 * H :] + r * from_h[:, 2 * H :])
    return n + z * (h - n), c


def lstm(w, h, c, from_x):
    i, f, g, o = jnp.split(
        from_x + h @ w["W_hh"],
        4,
        axis=1,
    )
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


CELLS = {
    "rnn": rnn,
    "gru": gru,
    "lstm": lstm,
}


def logits(kind, w, ids):
    def step(state, from_x):
        h, c = state
        return CELLS[kind](w, h, c, from_x), None

    h0 = jnp.zeros(
        (
            len(ids),
            len(w["W_hh"]),
        )
    )
    from_x = w["table"][ids.T] @ w["W_xh"] + w["b"]
    (h, _), _ = jax.lax.scan(step, (h0, h0), from_x)
    return h @ w["W"] + w["c"]


class Training:
    def __init__(self, kind, weights, setting, rule):
        init, update, get_weights = adam(
            rule["lr"],
            *rule["betas"],
            rule["eps"],
        )
        self.state = init(jax.tree.map(jnp.array, weights))
        self.count = itertools.count()

        def loss_of(w, ids, labels):
            z = logits(kind, w, ids)
            softplus = jnp.log1p(jnp.exp(-jnp.abs(z)))
            return jnp.mean(jnp.maximum(z, 0) - z * labels + softplus)

        @partial(jax.jit, donate_argnums=0)
        def step(state, i, batch):
            loss, gradients = jax.value_and_grad(loss_of)(get_weights(state), *batch)
            return update(i, gradients, state), loss

        self.step = step

    def steps(self, batches):
        losses = []
        for batch in batches:
            self.state, loss = self.step(
                self.state,
                next(self.count),
                batch,
            )
            losses.append(loss)
        return [float(loss) for loss in losses]


def inference(kind, weights, setting):
    w = jax.tree.map(jnp.array, weights)
    function = jax.jit(partial(logits, kind))
    return lambda ids: np.asarray(function(w, ids))
