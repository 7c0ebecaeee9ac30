"""minigrad, gate by gate or with one gate for the whole sequence (setting "fused")."""

import sys
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
from contenders import shared

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

RECURRENT = {"rnn": RNN, "gru": GRU, "lstm": LSTM}
NAMES = {
    "table": "embedding.table",
    "W_xh": "recurrent.cell.W_xh",
    "W_hh": "recurrent.cell.W_hh",
    "b": "recurrent.cell.b",
    "W": "head.W",
    "c": "head.b",
}
BIASES = {
    "rnn": {"b": "recurrent.cell.b_h"},
    "gru": {"b": "recurrent.cell.b_xh", "b_hh": "recurrent.cell.b_hh"},
    "lstm": {},
}


def fill(model, kind, weights):
    names = NAMES | BIASES[kind]
    model.load_state_dict({names[name]: array for name, array in weights.items()})


def to_array(tensor):
    return tensor.array


def unrolled(setting, xs, weights):
    return shared.unrolled(mg.Tensor, mg.tanh, to_array, xs, weights)


def chain(x, gates):
    leaf = mg.Tensor(x, requires_grad=True)
    return shared.chain(leaf, mg.tanh, to_array, gates, np.ones_like(x))


class Classifier(Layer):
    """Experiment 1a's model."""

    def __init__(self, kind, weights, fused):
        super().__init__()
        width, hidden = len(weights["W_xh"]), len(weights["W_hh"])
        self.embedding = Embedding(*weights["table"].shape)
        self.recurrent = RECURRENT[kind](width, hidden, fused=fused)
        self.head = Dense(hidden, 1)
        fill(self, kind, weights)

    def forward(self, ids):
        return self.head(self.recurrent(self.embedding(ids)))


class Training(shared.Steps):
    def __init__(self, kind, weights, setting, rule):
        self.model = Classifier(kind, weights, fused=setting != "unrolled")
        self.optimizer = Adam(self.model.named_parameters(), **rule)

    def loss(self, ids, labels):
        return mg.binary_cross_entropy(self.model(ids), labels)


def inference(kind, weights, setting):
    model = Classifier(kind, weights, setting == "fused").eval()

    @mg.no_grad()
    def call(ids):
        return model(ids).array

    return call


def draw_weights(model):
    """Draw the model's weights, in PyTorch's layout and order."""
    arrays = to_layout(model, "pytorch")
    shapes = {name: array.shape for name, array in arrays.items()}
    from_layout(model, shared.drawn(shapes), "pytorch")


class Language(Layer):
    """Map ids and a state to the logits of the next ids and the final state."""

    def __init__(self, sizes, fused):
        super().__init__()
        size, width, hidden = sizes
        self.embedding: Layer = Embedding(size, width) if width else OneHot(size)
        self.recurrent = LSTM(
            width or size,
            hidden,
            fused=fused,
            return_sequences=True,
            return_state=True,
        )
        self.head = Dense(hidden, size)
        draw_weights(self)

    def forward(self, ids, state=None):
        h, state = self.recurrent(self.embedding(ids), state)
        return self.head(h), state


def language(sizes, setting, rule):
    model = Language(sizes, setting == "fused")
    parameters = model.named_parameters()

    def loss_of(ids, targets, state):
        logits, (h, c) = model(ids, state)
        loss = mg.softmax_cross_entropy(logits, targets)
        return loss, (h.detach(), c.detach())

    clip = partial(clip_gradients, parameters, 1.0)
    return shared.carried(loss_of, Adam(parameters, **rule), clip)


class SmallGPT:
    """The model and optimizer of examples/gpt.py. With the setting "uncached", writing reads the
    whole text again for each character.
    """

    def __init__(self, shape, setting, rule):
        sys.path.append(str(Path(__file__).parents[3] / "examples"))
        from gpt import GPT, make_optimizer

        self.model, self.cached = GPT(*shape), setting != "uncached"
        draw_weights(self.model)
        # it has the rule's other settings
        self.optimizer = make_optimizer(self.model, rule["lr"])

    def step(self, window):
        loss = mg.softmax_cross_entropy(self.model(window[:, :-1]), window[:, 1:])
        clip = partial(clip_gradients, self.optimizer.parameters(), 1.0)
        return shared.update(self.optimizer, loss, clip)

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


def convolution(inputs, dz, setting):
    """Forward and backward of a convolution or, without a kernel, of max pooling."""
    leaves = [mg.Tensor(array, requires_grad=True) for array in inputs]

    def forward():
        x, *kernel = leaves
        return mg.conv(x, kernel[0]) if kernel else mg.max_pool(x, (2, 2))

    # in the output's order in memory, as the gradient from an elementwise operation would be
    upstream = np.empty_like(forward().array)
    upstream[...] = dz
    return shared.backward_of(forward, leaves, to_array, upstream)


def lenet(setting):
    model = Sequential(
        Conv2d(1, 6, 5),
        mg.relu,
        MaxPool2d(2),
        Conv2d(6, 16, 5),
        mg.relu,
        MaxPool2d(2),
        Flatten(),
        Dense(256, 120, mg.relu),
        Dense(120, 84, mg.relu),
        Dense(84, 10),
    )
    return train_step(model, partial(SGD, lr=0.01))


def stacked_gru(sizes, setting, rule):
    width, hidden, classes = sizes
    model = Sequential(
        GRU(width, hidden, layers=2, bidirectional=True, return_sequences=True),
        Dense(2 * hidden, classes),
    )
    return train_step(model, partial(Adam, **rule))


def mlp(sizes, setting, rule):
    *hidden, last = pairwise(sizes)
    model = Sequential(
        *(Dense(*shape, mg.relu) for shape in hidden),
        Dense(*last),
    )
    return train_step(model, partial(Adam, **rule))


def train_step(model, make_optimizer):
    """Return a function that runs a training step of a classifier."""
    draw_weights(model)
    optimizer = make_optimizer(model.named_parameters())

    def step(batch):
        x, labels = batch
        with mg.fused():
            loss = mg.softmax_cross_entropy(model(x), labels)
        return shared.update(optimizer, loss)

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

    def step(gradient):
        sparse = SparseGradient(table.shape, table.dtype, [gradient])
        tensor.node.grad = sparse  # type: ignore[attr-defined]
        optimizer.step()

    return step, lambda: tensor.array


def gradient(ids, values):
    """Return a look-up's gradient as the engine stores it. An id may occur several times."""
    return ids, values
