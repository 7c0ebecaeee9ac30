"""Small models of several kinds and their training, which is resumed, killed and damaged."""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import minigrad as mg
import optim
from layers import (
    GRU,
    LSTM,
    RNN,
    Dense,
    Dropout,
    Embedding,
    Layer,
    LayerNorm,
    Sequential,
    Stateful,
    TiedHead,
    TruncatedBPTT,
)
from minigrad.data import Batches, Stream
from optim import Callback, Trainer

MODELS = "dense", "words", "carried"
RULES: dict[str, Any] = {
    "SGD": partial(optim.SGD, lr=0.1),
    "momentum": partial(optim.SGD, lr=0.1, momentum=0.9),
    "Adam": partial(optim.Adam, lr=0.01),
    "RMSprop": partial(optim.RMSprop, lr=0.01),
    "Adagrad": partial(optim.Adagrad, lr=0.05),
}
CALLBACKS: dict[str, Any] = {
    "clip": lambda run: optim.ClipGradients(0.5),
    "early": lambda run: optim.EarlyStopping(
        run.monitor,
        patience=0,
        min_delta=0.01,
    ),
    "best": lambda run: optim.BestWeights(monitor=run.monitor),
    "schedule": lambda run: optim.LearningRate(optim.WarmUp(3, optim.CosineSchedule(9))),
    "statistics": lambda run: optim.Statistics(every_steps=2),
    "often": lambda run: optim.Evaluate(run.train, "often", every_steps=2),
    "rarely": lambda run: optim.Evaluate(run.test, "rarely", every_epochs=2),
}


@dataclass(frozen=True)
class Settings:
    seed: int = 0
    model: str = "dense"
    rule: str = "SGD"
    dtype: str = "float32"
    decay: float = 0.0
    epochs: int = 1
    shuffle: bool = False
    trainer_seed: int | None = None
    validation: str = ""  # or "train" or "test"
    callbacks: Sequence[str] = ()
    changes: Sequence[tuple[str, int, str]] = ()  # arguments of Change


class TwoPaths(Layer):
    """A layer that is used twice, and parameters whose names are used elsewhere too."""

    def __init__(self):
        super().__init__()
        self.one = Dense(3, 3, mg.tanh)
        self.body = Sequential(self.one, Dropout(0.5), LayerNorm(3))
        self.value = mg.Tensor(np.ones((3, 2), "f4"), requires_grad=True)
        self.epoch = mg.Tensor(np.zeros(2, "f4"), requires_grad=True)

    def forward(self, x):
        return self.body(self.one(x)) @ self.value + self.epoch


class Writer(Layer):
    """(ids, state) to (logits, state), where the state has a list, None and a step count."""

    def __init__(self, rnn):
        super().__init__()
        self.embedding = Embedding(12, 4)
        self.rnn = rnn(4, 4, return_sequences=True, return_state=True)
        self.head = TiedHead(self.embedding)
        self.dropout = Dropout(0.2)

    def forward(self, ids, state):
        zeros = mg.Tensor(np.zeros((len(ids), 1), "f4"))
        hidden, _, steps = state or (None, None, zeros)
        output, hidden = self.rnn(self.embedding(ids), hidden)
        steps = steps + float(ids.shape[1])
        logits = self.head(self.dropout(output)) * mg.tanh(steps)[:, :, None]
        return logits, [hidden, None, steps]


def make_model(name, seed, dtype):
    mg.seed(seed)
    rnn: Any = (RNN, GRU, LSTM)[seed % 3]
    model: Layer = TwoPaths()
    if name == "words":
        model = Sequential(
            Embedding(400, 4),
            rnn(4, 3),
            Dropout(0.3),
            Dense(3, 2),
        )
    if name == "carried":
        steps = TruncatedBPTT(5, 5 + seed % 4)
        model = Sequential(Stateful(Writer(rnn), steps))
    for tensor in model.named_parameters().values():
        tensor.array = tensor.array.astype(dtype)
    return model


def make_rows(name, rng, count, dtype):
    """Return inputs and labels for the model of this name."""
    if name == "carried":
        return rng.integers(0, 12, (2, count, 5))
    y = rng.integers(0, 2, count)
    if name == "words":
        return rng.integers(1, 30, (count, 5)), y
    return rng.normal(size=(count, 3)).astype(dtype), y


def make_optimizer(rule, model, decay):
    """Return an optimizer of two groups. Without decay, rows of an embedding are lazy."""
    first, *rest = model.named_parameters().items()
    groups = [
        {"parameters": dict([first]), "weight_decay": 0.0},
        {"parameters": dict(rest), "weight_decay": decay},
    ]
    return RULES[rule](groups)


class Change(Callback):
    """Changes a setting of the run once, when so many steps are done."""

    KINDS = "lr", "scale", "weight_decay", "setting", "freeze", "array", "mode"
    MOMENTS = "on_step", "on_gradients", "on_epoch_end"

    def __init__(self, kind, step, moment):
        self.kind = kind
        self.step = step
        self.done = False
        setattr(self, moment, self.act)

    def act(self, trainer):
        if self.done or trainer.step < self.step:
            return
        self.done = True
        model, optimizer = trainer.model, trainer.optimizer
        first, *_, last = model.named_parameters().values()
        match self.kind:
            case "lr":
                optimizer.lr *= 0.3
            case "scale":
                optimizer.scale = 0.5
            case "weight_decay":
                optimizer.groups[-1].weight_decay = 0.05
            case "setting":  # momentum, rho, beta1 or eps
                name, value = next(iter(optimizer.settings().items()))
                setattr(optimizer, name, 0.7 * value)
            case "array":
                last.array = 0.5 * last.array
            case "mode":  # until the end of the epoch
                for layer in model.named_layers().values():
                    if isinstance(layer, Dropout):
                        layer.train(not layer.training)
            case "freeze":
                first.requires_grad = not first.requires_grad

    def state_dict(self):
        return {"done": self.done}

    def load_state_dict(self, state):
        self.done = state["done"]


def mean_size(output: Any, labels: Any) -> Any:
    return np.float32(np.abs(output).mean())


class Training:
    """A run, made of new objects."""

    def __init__(self, settings, interrupt=0):
        """`interrupt` is the call of the loss in which Ctrl-C comes, if any."""
        self.settings = settings
        self.interrupt = interrupt
        self.calls = 0
        self.model = make_model(settings.model, settings.seed, settings.dtype)
        self.optimizer = make_optimizer(settings.rule, self.model, settings.decay)
        rng = np.random.default_rng(settings.seed)
        self.train: Any
        if settings.model == "carried":
            ids = rng.integers(0, 12, 70)
            self.train = Stream(ids, 2, 5, windows=4)
            self.test: Any = Stream(ids[::-1], 2, 5)
        else:
            x, y = make_rows(settings.model, rng, 24, settings.dtype)
            shuffle = settings.shuffle
            self.train = Batches(
                x[:14],
                y[:14],
                batch_size=4,
                shuffle=shuffle,
                seed=2,
            )
            self.test = Batches(x[14:], y[14:], batch_size=4)  # shuffled by default
        self.validation = {"train": self.train, "test": self.test}.get(settings.validation)
        self.monitor = "validation_loss" if self.validation else "train_loss"

    def loss(self, output, labels):
        self.calls += 1
        if self.calls == self.interrupt:
            self.trainer._ctrl_c.came = True
        return mg.softmax_cross_entropy(output, labels)

    def run(self, *more, resume=None):
        """Return how the run ends. Errors: KeyboardInterrupt if Ctrl-C ended it."""
        self.callbacks = [CALLBACKS[name](self) for name in self.settings.callbacks]
        self.callbacks += [Change(*change) for change in self.settings.changes]
        self.trainer = Trainer(
            self.model,
            self.loss,
            self.optimizer,
            metrics={"size": mean_size},
            callbacks=[*self.callbacks, *more],
            seed=self.settings.trainer_seed,
        )
        with contextlib.redirect_stdout(io.StringIO()):
            self.trainer.fit(
                self.train,
                self.settings.epochs,
                self.validation,
                resume=resume,
            )
        end = self.state()
        del end["carried"]  # the end of a run may restart it
        return end

    def state(self):
        trainer = self.trainer
        return {
            "history": [row | {"seconds": 0.0} for row in trainer.history.rows],
            "position": [trainer.epoch, trainer.step, trainer.stop_reason],
            # caught up: two raw states may describe in two ways that nothing is pending
            "optimizer": self.optimizer.state_dict(),
            "hyperparameters": self.optimizer.hyperparameters(),
            "weights": self.model.state_dict(),
            "carried": self.model.carried_state(),
            "modes": [layer.training for layer in self.model.named_layers().values()],
            "batches": [self.train.state_dict(), self.test.state_dict()],
            "callbacks": [callback.state_dict() for callback in self.callbacks],
            "generator": mg.generator().bit_generator.state,
        }


def require_same(found, expected):
    """Raise an AssertionError if the ends of two runs differ by a bit or a type."""
    for name, part in expected.items():
        assert exact(found[name]) == exact(part), name


def exact(thing):
    """Return arrays and other values in a form in which == compares every bit and type."""
    if isinstance(thing, (np.ndarray, np.generic)):
        return thing.dtype.str, thing.shape, thing.tobytes()
    if isinstance(thing, dict):
        return {key: exact(value) for key, value in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [exact(value) for value in thing]
    return repr(thing)
