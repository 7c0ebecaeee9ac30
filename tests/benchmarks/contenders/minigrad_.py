"""minigrad, gate by gate or with one gate for the whole sequence (setting "fused")."""

import sys
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

import minigrad as mg
from layers import (
    GRU,
    LSTM,
    RNN,
    Conv2d,
    Dense,
    Embedding,
    Flatten,
    Layer,
    MaxPool2d,
    OneHot,
    Sequential,
    from_layout,
    sample,
    to_layout,
)
from minigrad.gates.table import make_table
from minigrad.gradients import SparseGradient
from optim import SGD, Adam, Trainer, clip_gradients

NAMES = {
    "table": "embedding.table", "W_xh": "recurrent.cell.W_xh", "W_hh": "recurrent.cell.W_hh",
    "W": "head.W", "c": "head.b",
}  # fmt: skip
BIASES = {
    "rnn": {"b": "recurrent.cell.b_h"},
    "gru": {"b": "recurrent.cell.b_xh", "b_hh": "recurrent.cell.b_hh"},
    "lstm": {"b": "recurrent.cell.b"},
}


def fill(model, kind, weights):
    names = NAMES | BIASES[kind]
    model.load_state_dict({names[name]: array for name, array in weights.items()})


def unrolled(setting, xs, weights):
    inputs = [mg.Tensor(x) for x in xs]
    U, W, b = parameters = [
        mg.Tensor(array, requires_grad=True) for array in weights.values()
    ]
    h0 = mg.Tensor(np.zeros((len(xs[0]), W.shape[0]), np.float32))

    def call():
        for parameter in parameters:
            parameter.grad = None
        h = h0
        for x in inputs:
            h = mg.tanh(x @ U + h @ W + b)
        loss = h.sum()
        loss.backward()
        return loss.item(), (U.grad, W.grad, b.grad)

    return call


class Classifier(Layer):
    """Experiment 1a's model."""

    def __init__(self, kind, weights, fused):
        super().__init__()
        width, hidden = weights["W_xh"].shape[0], weights["W_hh"].shape[0]
        self.embedding = Embedding(*weights["table"].shape)
        self.recurrent = {"rnn": RNN, "gru": GRU, "lstm": LSTM}[kind](
            width, hidden, fused=fused
        )
        self.head = Dense(hidden, 1)
        fill(self, kind, weights)

    def forward(self, ids):
        return self.head(self.recurrent(self.embedding(ids)))


class Training:
    def __init__(self, kind, weights, setting, rule):
        self.model = Classifier(kind, weights, fused=setting != "unrolled")
        self.optimizer = Adam(self.model.named_parameters(), **rule)

    def steps(self, batches):
        losses = []
        for ids, labels in batches:
            loss = mg.binary_cross_entropy(self.model(ids), labels)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            losses.append(loss.item())
            del loss  # frees the graph, so that the next graph can use its memory
        return losses


def inference(kind, weights, setting):
    model = Classifier(kind, weights, setting == "fused").eval()

    @mg.no_grad()
    def call(ids):
        return model(ids).array

    return call


class Language(Layer):
    """Map ids and a state to the logits of the next ids and the final state."""

    def __init__(self, weights, fused):
        super().__init__()
        width, (hidden, size) = len(weights["W_xh"]), weights["W"].shape
        self.embedding: Layer = (
            Embedding(size, width) if "table" in weights else OneHot(size)
        )
        self.recurrent = LSTM(
            width, hidden, fused=fused, return_sequences=True, return_state=True
        )
        self.head = Dense(hidden, size)
        fill(self, "lstm", weights)

    def forward(self, ids, state=None):
        h, state = self.recurrent(self.embedding(ids), state)
        return self.head(h), state


def language(weights, setting, rule):
    """Return a function that runs a training step on a window of ids (B, T + 1). Each step continues
    from the final state of the previous step.
    """
    model, state = Language(weights, setting == "fused"), None
    parameters = model.named_parameters()
    optimizer = Adam(parameters, **rule)

    def step(window):
        nonlocal state
        logits, (h, c) = model(window[:, :-1], state)
        loss, state = (
            mg.softmax_cross_entropy(logits, window[:, 1:]),
            (h.detach(), c.detach()),
        )
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(parameters, 1.0)
        optimizer.step()
        return float(loss.item())

    return step


class SmallGPT:
    """The model and optimizer of examples/gpt.py. With the setting "uncached", writing reads the
    whole text again for each character.
    """

    def __init__(self, shape, weights, setting, rule):
        sys.path.append(str(Path(__file__).parents[3] / "examples"))
        from gpt import GPT, make_optimizer

        self.model, self.cached = GPT(*shape), setting != "uncached"
        for parameter in self.model.named_parameters().values():
            parameter.array = parameter.array.astype(weights["norm.weight"].dtype)
        from_layout(self.model, weights, "pytorch")
        self.optimizer = make_optimizer(
            self.model, rule["lr"]
        )  # it has the rule's other settings

    def step(self, window, lr):
        self.optimizer.scale = lr / self.optimizer.lr
        loss = mg.softmax_cross_entropy(self.model(window[:, :-1]), window[:, 1:])
        self.optimizer.zero_grad()
        loss.backward()
        clip_gradients(self.optimizer.parameters(), 1.0)
        self.optimizer.step()
        return float(loss.item())

    @mg.no_grad()
    def logits(self, ids):
        steps, state = [], self.model.initial_state(len(ids))
        for t in range(ids.shape[1]):
            if self.cached:
                z, state = self.model(ids[:, t : t + 1], state)
            else:
                z = self.model(ids[:, : t + 1])[:, -1:]
            steps.append(z.array)
        return np.concatenate(steps, axis=1)

    @mg.no_grad()
    def write(self, count):
        if self.cached:
            return sample(self.model, [0], count, temperature=0)
        ids = np.zeros((1, 1), int)
        for _ in range(count):
            newest = self.model(ids).array[:, -1:].argmax(-1)
            ids = np.concatenate([ids, newest], axis=1)
        return ids


def convolution(inputs, dz):
    """Forward and backward of a convolution or, without a kernel, of max pooling."""
    inputs = [mg.Tensor(array, requires_grad=True) for array in inputs]

    def forward():
        return mg.conv(*inputs) if len(inputs) == 2 else mg.max_pool(inputs[0], (2, 2))

    # in the output's order in memory, as the gradient from an elementwise operation would be
    upstream = np.empty_like(forward().array)
    upstream[...] = dz

    def call():
        for one in inputs:
            one.grad = None
        z = forward()
        z.backward(upstream)
        return z.array, *(one.grad for one in inputs)

    return call


def lenet(weights, images, labels):
    model = Sequential(
        Conv2d(1, 6, 5), mg.relu, MaxPool2d(2), Conv2d(6, 16, 5), mg.relu, MaxPool2d(2),
        Flatten(), Dense(256, 120, mg.relu), Dense(120, 84, mg.relu), Dense(84, 10),
    )  # fmt: skip
    step = train_step(model, weights, partial(SGD, lr=0.01))
    return partial(step, images, labels)


def stacked_gru(sizes, weights, setting, rule):
    width, hidden, classes = sizes
    model = Sequential(
        GRU(width, hidden, layers=2, bidirectional=True, return_sequences=True),
        Dense(2 * hidden, classes),
    )
    return train_step(model, weights, partial(Adam, **rule))


def mlp(sizes, weights, setting, rule):
    *hidden, last = (Dense(*shape) for shape in pairwise(sizes))
    model = Sequential(*(part for dense in hidden for part in (dense, mg.relu)), last)
    return train_step(model, weights, partial(Adam, **rule))


def train_step(model, weights, make_optimizer):
    """Set the model's weights, which are in PyTorch's layout and order. Return a function that runs a
    training step of a classifier.
    """
    from_layout(
        model, dict(zip(to_layout(model, "pytorch"), weights, strict=True)), "pytorch"
    )
    optimizer = make_optimizer(model.named_parameters())

    def step(x, labels):
        with mg.fused():
            loss = mg.softmax_cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return step


def trained(kind, weights, setting, rule):
    """Return a function that trains on batches and returns the mean loss. It uses a plain loop, or a
    Trainer (setting "trainer" or "usual").
    """
    training = Training(kind, weights, setting, rule)
    if setting == "bare":
        return lambda batches: float(np.mean(training.steps(batches)))
    make = partial(Trainer, training.model, mg.binary_cross_entropy, training.optimizer)
    trainer = make(metrics={}, callbacks=[]) if setting == "trainer" else make()
    return lambda batches: trainer.fit(batches, epochs=1)["train_loss"][-1]


def adam(table, setting, rule):
    tensor = make_table(table)
    optimizer = Adam({"table": tensor}, **rule)

    def step(ids, values):
        tensor.node.grad = SparseGradient(table.shape, table.dtype, [(ids, values)])  # type: ignore[attr-defined]
        optimizer.step()

    return step, lambda: tensor.array


def gradient(ids, values):
    """Return a look-up's gradient as the engine stores it. An id may occur several times."""
    return ids, values


def chain(x, gates):
    leaf = mg.Tensor(x, requires_grad=True)

    def call():
        leaf.grad = None
        h = leaf
        for _ in range(gates):
            h = mg.tanh(h)
        h.backward(np.ones_like(x))
        return h.array, leaf.grad

    return call
