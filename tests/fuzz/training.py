"""Small models of many kinds and their training, which other files here interrupt, kill, damage and
watch.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
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

CARRIED = "carried", "nested"  # models whose state goes from batch to batch
MODELS = "dense", "own", "words", *CARRIED
RULES: dict[str, Any] = {
    "SGD": partial(optim.SGD, lr=0.1),
    "momentum": partial(optim.SGD, lr=0.1, momentum=0.9),
    "nesterov": partial(optim.SGD, lr=0.1, momentum=0.9, nesterov=True),
    "Adam": partial(optim.Adam, lr=0.01),
    "AdamW": partial(optim.AdamW, lr=0.01),
    "RMSprop": partial(optim.RMSprop, lr=0.01),
    "Adagrad": partial(optim.Adagrad, lr=0.05),
}
CALLBACKS = (
    "clip",
    "early",
    "best",
    "schedule",
    "statistics",
    "evaluate often",
    "evaluate rarely",
)
SCHEDULE = optim.WarmUp(3, optim.CosineSchedule(9))


@dataclass(frozen=True)
class Settings:
    """All that a run depends on. The defaults are what a case is shrunk to."""

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


class Own(Layer):
    """One layer used twice and under two names, and parameters with names that others use too."""

    def __init__(self) -> None:
        super().__init__()
        self.one = Dense(3, 3, mg.tanh)
        self.body = Sequential(self.one, Dropout(0.5), LayerNorm(3))
        self.value = mg.Tensor(np.ones((3, 2), "f4"), requires_grad=True)
        self.epoch = mg.Tensor(np.zeros(2, "f4"), requires_grad=True)

    def forward(self, x: Any) -> Any:
        return self.body(self.one(x)) @ self.value + self.epoch


class Writer(Layer):
    """(ids, state) to (logits, state). If nested, the state also holds the number of steps, lists
    and None.
    """

    def __init__(self, kind: Any, nested: bool) -> None:
        super().__init__()
        self.embedding = Embedding(12, 4)
        self.rnn = kind(4, 4, return_sequences=True, return_state=True)
        self.head = TiedHead(self.embedding)
        self.dropout = Dropout(0.2)
        self.nested = nested

    def forward(self, ids: Any, state: Any) -> Any:
        steps = mg.Tensor(np.zeros((len(ids), 1), "f4"))
        if self.nested and state is not None:
            _, (state, (_, steps)), _ = state
        output, state = self.rnn(self.embedding(ids), state)
        logits = self.head(self.dropout(output))
        if not self.nested:
            return logits, state
        steps = steps + float(ids.shape[1])
        logits = logits * mg.tanh(steps)[:, :, None]
        return logits, (None, [state, (None, steps)], None)


def make_model(name: str, seed: int, dtype: str) -> Any:
    mg.seed(seed)
    kind: Any = (RNN, GRU, LSTM)[seed % 3]
    model: Layer
    if name == "dense":
        model = Sequential(
            Dense(3, 4, mg.relu), Dropout(0.4), LayerNorm(4), Dense(4, 2)
        )
    elif name == "own":
        model = Own()
    elif name == "words":
        model = Sequential(Embedding(400, 4), kind(4, 3), Dropout(0.3), Dense(3, 2))
    else:
        model = Stateful(Writer(kind, name == "nested"), TruncatedBPTT(5, 5 + seed % 4))
        if name == "nested":
            model = Sequential(Sequential(model))
    for tensor in model.named_parameters().values():
        tensor.array = tensor.array.astype(dtype)
    return model


def make_rows(
    name: str, rng: np.random.Generator, count: int, dtype: str
) -> tuple[Any, Any]:
    """Inputs and labels for the model of this name."""
    if name in CARRIED:
        return rng.integers(0, 12, (count, 5)), rng.integers(0, 12, (count, 5))
    if name == "words":
        x = rng.integers(1, 30, (count, 5))
    else:
        x = rng.normal(size=(count, 3)).astype(dtype)
    return x, rng.integers(0, 2, count)


def make_optimizer(rule: str, model: Any, decay: float) -> optim.Optimizer:
    """One with two groups; the rows of an embedding wait for updates, because it has no decay."""
    first, *rest = model.named_parameters().items()
    groups = [
        {"parameters": dict([first]), "weight_decay": 0.0},
        {"parameters": dict(rest), "weight_decay": decay},
    ]
    optimizer: optim.Optimizer = RULES[rule](groups)
    return optimizer


class Change(Callback):
    """Changes a setting of the run once: at a step, or at the first end of an epoch after it."""

    KINDS = (
        "lr",
        "scale",
        "weight_decay",
        "setting",
        "freeze",
        "unfreeze",
        "array",
        "eval",
        "train",
    )
    MOMENTS = "on_step", "on_gradients", "on_epoch_end"

    def __init__(self, kind: str, step: int, moment: str) -> None:
        self.kind, self.step, self.done = kind, step, False
        setattr(self, moment, self.act)

    def act(self, trainer: Any) -> None:
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
            case "eval" | "train":  # a mode that lasts to the end of the epoch
                dropouts = [
                    one
                    for one in model.named_layers().values()
                    if isinstance(one, Dropout)
                ]
                layer = (*dropouts, model)[self.step % 2]
                layer.train(self.kind == "train")
            case _:
                first.requires_grad = self.kind == "unfreeze"

    def state_dict(self) -> dict[str, Any]:
        return {"done": self.done}

    def load_state_dict(self, state: Any) -> None:
        self.done = state["done"]


class Training:
    """A run, made of new objects."""

    def __init__(self, settings: Settings, interrupt: int = 0) -> None:
        """`interrupt` is the call of the loss in which Ctrl-C comes, if any."""
        self.settings, self.interrupt, self.calls = settings, interrupt, 0
        self.model = make_model(settings.model, settings.seed, settings.dtype)
        self.optimizer = make_optimizer(settings.rule, self.model, settings.decay)
        rng = np.random.default_rng(settings.seed)
        self.train: Any
        self.test: Any
        if settings.model in CARRIED:
            ids = rng.integers(0, 12, 70)
            self.train = Stream(ids, 2, 5, windows=4)
            self.test = Stream(ids[::-1], 2, 5)
        else:
            x, y = make_rows(settings.model, rng, 24, settings.dtype)
            self.train = Batches(
                x[:14], y[:14], batch_size=4, shuffle=settings.shuffle, seed=2
            )
            self.test = Batches(x[14:], y[14:], batch_size=4)  # shuffled by default
        self.validation = {"": None, "train": self.train, "test": self.test}[
            settings.validation
        ]

    def make_callback(self, name: str) -> Callback:
        monitor = "validation_loss" if self.settings.validation else "train_loss"
        patience = self.settings.seed % 3
        callbacks: dict[str, Any] = {
            "clip": partial(optim.ClipGradients, 0.5),
            "early": partial(
                optim.EarlyStopping, monitor, patience=patience, min_delta=0.01
            ),
            "best": partial(optim.BestWeights, monitor=monitor),
            "schedule": partial(optim.LearningRate, SCHEDULE),
            "statistics": partial(optim.Statistics, every_steps=2),
            "evaluate often": partial(
                optim.Evaluate, self.train, "often", every_steps=2
            ),
            "evaluate rarely": partial(
                optim.Evaluate, self.test, "rarely", every_epochs=2
            ),
        }
        callback: Callback = callbacks[name]()
        return callback

    def loss(self, output: mg.Tensor, labels: Any) -> mg.Tensor:
        self.calls += 1
        if self.calls == self.interrupt:
            self.trainer._ctrl_c.came = True
        return mg.softmax_cross_entropy(output, labels)

    def run(self, *more: Callback, resume: Path | None = None) -> dict[str, Any]:
        """Everything that the run ends with. Errors: KeyboardInterrupt if Ctrl-C ended it."""
        callbacks = [self.make_callback(name) for name in self.settings.callbacks]
        callbacks += [Change(*change) for change in self.settings.changes]
        metrics: dict[str, Any] = {
            "size": lambda output, labels: np.float32(np.abs(output).mean()),
            "count": lambda output, labels: int(output.argmax(-1).sum()),
        }
        self.trainer = trainer = Trainer(
            self.model,
            self.loss,
            self.optimizer,
            metrics=metrics,
            callbacks=[*callbacks, *more],
            seed=self.settings.trainer_seed,
        )
        with contextlib.redirect_stdout(io.StringIO()):
            trainer.fit(
                self.train, self.settings.epochs, self.validation, resume=resume
            )
        return {
            "history": [row | {"seconds": 0.0} for row in trainer.history.rows],
            "position": [trainer.epoch, trainer.step, trainer.stop_reason],
            # caught up: two raw states may say in two ways that a row has nothing to catch up with
            "optimizer": self.optimizer.state_dict(),
            "hyperparameters": self.optimizer.hyperparameters(),
            "weights": self.model.state_dict(),
            "generator": mg.generator().bit_generator.state,
            "batches": [self.train.state_dict(), self.test.state_dict()],
            "callbacks": [callback.state_dict() for callback in callbacks],
        }


def difference(found: dict[str, Any], expected: dict[str, Any]) -> str:
    """The first part in which the ends of two runs differ by a bit or a type; "" if none does."""
    for name, part in expected.items():
        if exact(found[name]) != exact(part):
            return f"{name} {str(found[name])[:600]}\n    instead of {str(part)[:600]}"
    return ""


def require_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    """Raise an AssertionError if the ends of two runs differ by a bit or a type."""
    for name, part in expected.items():
        assert exact(found[name]) == exact(part), name


def exact(thing: Any) -> Any:
    """Arrays and other values, in a form in which == compares every bit and type."""
    if isinstance(thing, (np.ndarray, np.generic)):
        return thing.dtype.str, thing.shape, thing.tobytes()
    if isinstance(thing, dict):
        return {key: exact(value) for key, value in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [exact(value) for value in thing]
    return repr(thing)
