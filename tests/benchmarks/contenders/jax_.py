"""JAX with one compiled function per step, which uses lax.scan over time, or without compilation
(setting "eager"). The function computes the loss and its gradients, clips them and runs the
optimizer, and it reuses the memory of the weights.
"""

import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from contenders import shared
from jax.example_libraries import stax
from jax.example_libraries.optimizers import clip_grads, optimizer, sgd


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


def recurrent(
    cell,
    w,
    from_x,
    state=None,
    reverse=False,
):
    """Run a cell over time. Return the final state and the outputs (T, B, H)."""

    def step(state, from_x):
        h, c = cell(w, *state, from_x)
        return (h, c), h

    shape = (
        from_x.shape[1],
        len(w["W_hh"]),
    )
    h0 = jnp.zeros(shape)
    return jax.lax.scan(
        step,
        state or (h0, h0),
        from_x,
        reverse=reverse,
    )


def logits(kind, w, ids):
    from_x = w["table"][ids.T] @ w["W_xh"] + w["b"]
    (h, _), _ = recurrent(CELLS[kind], w, from_x)
    return h @ w["W"] + w["c"]


@optimizer
def adam(lr, betas, eps, decay=0.0):
    """AdamW. Only matrices decay."""
    first, second = betas

    def init(x):
        return x, jnp.zeros_like(x), jnp.zeros_like(x)

    def update(i, g, state):
        x, m, v = state
        m = first * m + (1 - first) * g
        v = second * v + (1 - second) * g * g
        rate = lr / (1 - first ** (i + 1))
        root = jnp.sqrt(v / (1 - second ** (i + 1)))
        x = x * (1 - lr * decay * (x.ndim > 1))
        return x - rate * m / (root + eps), m, v

    def read(state):
        return state[0]

    return init, update, read


def train_step(
    loss_of,
    weights,
    optimizer,
    norm=None,
):
    """Return a function that runs a compiled training step on a batch and returns its loss.
    `loss_of(weights, state, *batch)` returns the loss and the state for the next step.
    """
    init, update, read = optimizer
    values, state = init(weights), None
    count = itertools.count()

    @partial(jax.jit, donate_argnums=(0, 1))
    def compiled(values, state, i, *batch):
        differentiate = jax.value_and_grad(loss_of, has_aux=True)
        result, gradients = differentiate(
            read(values),
            state,
            *batch,
        )
        if norm:
            gradients = clip_grads(gradients, norm)
        return update(i, gradients, values), *result

    def step(*batch):
        nonlocal values, state
        values, loss, state = compiled(
            values,
            state,
            next(count),
            *batch,
        )
        return loss

    return step


class Training:
    def __init__(self, kind, weights, setting, rule):
        def loss_of(w, state, ids, labels):
            z = logits(kind, w, ids)
            softplus = jnp.log1p(jnp.exp(-jnp.abs(z)))
            return jnp.mean(jnp.maximum(z, 0) - z * labels + softplus), state

        weights = jax.tree.map(jnp.array, weights)
        self.step = train_step(loss_of, weights, adam(**rule))

    def steps(self, batches):
        losses = [self.step(*batch) for batch in batches]
        return [float(loss) for loss in losses]


def inference(kind, weights, setting):
    w = jax.tree.map(jnp.array, weights)
    function = jax.jit(partial(logits, kind))
    return lambda ids: np.asarray(function(w, ids))


Shapes = dict[str, tuple[int, ...]]


def drawn(shapes):
    """Draw weights of PyTorch's shapes, and transpose them."""
    arrays = shared.drawn(shapes)
    return {name: jnp.array(array.T) for name, array in arrays.items()}


def cross_entropy(z, labels):
    logs = jax.nn.log_softmax(z)
    right = jnp.take_along_axis(
        logs,
        labels[..., None],
        -1,
    )
    return -jnp.mean(right)


def classifier(forward, weights, optimizer):
    def loss_of(w, state, x, labels):
        return cross_entropy(forward(w, x), labels), state

    step = train_step(loss_of, weights, optimizer)
    return lambda batch: float(step(*batch))


def sequential(layers, inputs, optimizer):
    """A training step for layers of stax, with the other contenders' weights."""
    init, forward = stax.serial(*layers)
    _, weights = init(jax.random.key(0), inputs)
    leaves, tree = jax.tree.flatten(weights)
    shapes = [leaf.shape[::-1] for leaf in leaves]
    new = drawn({str(i): shape for i, shape in enumerate(shapes)})
    return classifier(
        forward,
        tree.unflatten(new.values()),
        optimizer,
    )


def dense_layers(sizes):
    """Dense layers with a ReLU between them."""
    for size in sizes[:-1]:
        yield stax.Dense(size)
        yield stax.Relu
    yield stax.Dense(sizes[-1])


def mlp(sizes, setting, rule):
    layers = dense_layers(sizes[1:])
    return sequential(layers, sizes[:1], adam(**rule))


def lenet(setting):
    Conv = partial(
        stax.GeneralConv,
        ("NCHW", "WHIO", "NCHW"),
        filter_shape=(5, 5),
    )
    halve = stax.MaxPool(
        (2, 2),
        (2, 2),
        spec="NCHW",
    )
    layers = (
        Conv(6),
        stax.Relu,
        halve,
        Conv(16),
        stax.Relu,
        halve,
        stax.Flatten,
        *dense_layers((120, 84, 10)),
    )
    return sequential(
        layers,
        (1, 1, 28, 28),
        sgd(0.01),
    )


def recurrent_shapes(gates, inputs, hidden, name=""):
    """The shapes of a recurrent layer's weights, in PyTorch's order."""
    rows = gates * hidden
    return {
        f"{name}W_xh": (rows, inputs),
        f"{name}W_hh": (rows, hidden),
        f"{name}b": (rows,),
        f"{name}b_hh": (rows,),
    }


def language(sizes, setting, rule):
    size, width, hidden = sizes
    shapes: Shapes = {"table": (size, width)} if width else {}
    shapes |= recurrent_shapes(4, width or size, hidden)
    shapes |= {
        "W": (size, hidden),
        "c": (size,),
    }
    weights = drawn(shapes)
    # only one of PyTorch's two biases is trained
    weights["b"] += weights.pop("b_hh")

    def loss_of(w, state, ids, labels):
        if width:
            from_x = w["table"].T[ids.T] @ w["W_xh"]
        else:
            # the product of a one-hot vector and W_xh
            from_x = w["W_xh"][ids.T]
        state, h = recurrent(lstm, w, from_x + w["b"], state)
        z = h @ w["W"] + w["c"]
        return cross_entropy(z, labels.T), state

    return windows(loss_of, weights, adam(**rule))


def windows(loss_of, weights, optimizer):
    """Return a training step on windows of ids, with clipped gradients."""
    step = train_step(loss_of, weights, optimizer, norm=1.0)
    return lambda ids: float(step(ids[:, :-1], ids[:, 1:]))


def stacked_gru(sizes, setting, rule):
    width, hidden, classes = sizes
    shapes: Shapes = {}
    for name in ("0", "0 reverse", "1", "1 reverse"):
        inputs = 2 * hidden if name.startswith("1") else width
        shapes |= recurrent_shapes(3, inputs, hidden, name)
    names = list(shapes)
    shapes |= {
        "W": (classes, 2 * hidden),
        "c": (classes,),
    }
    weights = drawn(shapes)
    for name in names:
        # PyTorch's order of the blocks
        r, z, n = jnp.split(weights[name], 3, -1)
        weights[name] = jnp.concatenate([z, r, n], -1)
    return classifier(bidirectional, weights, adam(**rule))


def bidirectional(w, x):
    def outputs(name, reverse=False):
        cell = {key: w[name + key] for key in ("W_hh", "b_hh")}
        from_x = x @ w[f"{name}W_xh"] + w[f"{name}b"]
        _, h = recurrent(gru, cell, from_x, reverse=reverse)
        return h

    x = x.swapaxes(0, 1)
    for layer in ("0", "1"):
        both = (
            outputs(layer),
            outputs(f"{layer} reverse", True),
        )
        x = jnp.concatenate(both, -1)
    return x.swapaxes(0, 1) @ w["W"] + w["c"]


class SmallGPT:
    """nanoGPT's model and optimizer."""

    def __init__(self, shape, setting, rule):
        size, context, width, heads, blocks = shape
        shapes: Shapes = {
            "table": (size, width),
            "positions": (context, width),
        }
        for i in range(blocks):
            shapes |= {
                f"{i} norm1": (width,),
                f"{i} qkv": (3 * width, width),
                f"{i} out": (width, width),
                f"{i} norm2": (width,),
                f"{i} linear1": (4 * width, width),
                f"{i} linear2": (width, 4 * width),
            }
        shapes["norm"] = (width,)

        def loss_of(weights, state, ids, labels):
            table, positions, *inner, gain = weights
            x = table.T[ids] + positions.T
            for i in range(0, len(inner), 6):
                x = block(x, heads, *inner[i : i + 6])
            z = norm(x, gain) @ table
            return cross_entropy(z, labels), state

        self.step = windows(
            loss_of,
            list(drawn(shapes).values()),
            adam(**rule, decay=0.1),
        )


def norm(x, gain):
    return jax.nn.standardize(x, epsilon=1e-5) * gain


def block(
    x,
    heads,
    norm1,
    qkv,
    out,
    norm2,
    linear1,
    linear2,
):
    parts = norm(x, norm1) @ qkv
    parts = parts.reshape(*x.shape[:2], 3 * heads, -1)
    y = jax.nn.dot_product_attention(
        *jnp.split(parts, 3, 2),
        is_causal=True,
    )
    x = x + y.reshape(x.shape) @ out
    a = norm(x, norm2) @ linear1
    return x + jax.nn.gelu(a) @ linear2
