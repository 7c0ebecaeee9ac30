"""Training runs with all kinds of models, data, callbacks and settings: snapshots change nothing,
and resume exactly.

Everything happens in this process: a run without snapshots, the same with snapshots, and runs of
fresh objects that are resumed from one of these, or from where Ctrl-C ended a run. All must end
with the same bits.
"""

from __future__ import annotations

import contextlib
import copy
import io
import math
import os
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
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
)  # fmt: skip
from minigrad.data import Batches, Stream
from optim import Callback, Snapshots, Trainer

from .damage import replaced, same
from .fuzzer import Fuzzer, Generator

MODELS = (
    "dense",
    "named",
    "shared",
    "words",
    "carried",
    "carried inside",
    "carried deep",
    "carried nested",
)
CALLBACKS = (
    "clip",
    "early",
    "best",
    "schedule",
    "statistics",
    "evaluate train",
    "evaluate often",
    "evaluate rarely",
)
CHANGES = ("lr", "scale", "weight_decay", "setting", "freeze", "unfreeze", "array", "eval", "train")


@dataclass(frozen=True)
class Resumed:
    """A run, and when it is broken off. The defaults are what a case is shrunk to."""

    seed: int = 0
    at: int = 1  # the steps between snapshots
    which: int = 0  # the snapshot to resume from
    interrupt: int = 0  # the call of the loss in which Ctrl-C comes, if it does
    model: str = "dense"
    rule: str = "SGD"
    callbacks: tuple[str, ...] = ()
    # what an own callback changes, at which step, in which moment
    changes: tuple[tuple[str, int, str], ...] = ()
    validation: str = ""  # "", "train", "shuffled"
    epochs: int = 1
    shuffle: bool = False
    metric: str = ""
    trainer_seed: int | None = None
    frozen: bool = False
    decay: float = 0.0
    dtype: str = "float32"


class Resume(Fuzzer):
    """What a resumed run ends with."""

    name = "resume"
    share = 3.0

    def case(self, rng: Generator) -> Resumed:
        def pick(*values: Any) -> Any:
            return values[int(rng.integers(len(values)))]

        def some(values: tuple[str, ...], most: int) -> Any:
            return tuple(pick(*values) for _ in range(int(rng.integers(0, most + 1))))

        moments = ("on_step", "on_step", "on_gradients", "on_epoch_end")
        return Resumed(
            seed=int(rng.integers(1000)),
            at=int(rng.integers(1, 6)),
            which=int(rng.integers(100)),
            interrupt=int(rng.integers(1, 13)) if rng.random() < 0.5 else 0,
            model=pick(*MODELS),
            rule=pick("SGD", "momentum", "nesterov", "Adam", "AdamW", "RMSprop", "Adagrad"),
            callbacks=some(CALLBACKS, 3),
            changes=tuple(
                (what, int(rng.integers(1, 7)), pick(*moments)) for what in some(CHANGES, 3)
            ),
            validation=pick("", "train", "shuffled"),
            epochs=int(rng.integers(1, 5)),
            shuffle=bool(rng.random() < 0.6),
            metric=pick("", "", "float32", "int"),
            trainer_seed=pick(None, 3),
            frozen=bool(rng.random() < 0.2),
            decay=pick(0.0, 0.0, 0.01),
            dtype=pick("float32", "float32", "float64"),
        )

    def fault(self, case: Resumed) -> str:
        with tempfile.TemporaryDirectory() as name, warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            with (
                contextlib.redirect_stdout(io.StringIO()),
                replaced(os, "fsync", lambda file: None),
            ):
                problem = self.compare(case, Path(name))
            failed = [str(one.message) for one in warned if "goes on" in str(one.message)]
            return f"warning: {failed[0]}" if failed else problem

    def compare(self, case: Resumed, folder: Path) -> str:
        expected = Job(case).run(
            [Snapshots(folder / "a", every_steps=case.at, every_epochs=1, keep=99)]
        )
        if case.seed % 3 == 0 and (problem := unlike(expected, Job(case).run([]))):
            return f"snapshots: taking them changes {problem}"
        if case.seed % 3 == 1:
            plain = replace(case, dtype="float64", changes=())
            problem = apart(Job(plain).run([]), Job(plain).by_hand())
            if problem:
                return f"by hand: {problem}"
        if not (paths := sorted((folder / "a").iterdir())):
            return "snapshots: none was stored"
        found = Job(case).run([], resume=paths[case.which % len(paths)])
        if problem := unlike(found, expected):
            return f"resumed: from {paths[case.which % len(paths)].name} {problem}"
        if not case.interrupt:
            return ""
        broken = Job(case, case.interrupt).run([Snapshots(folder / "b", every_steps=case.at)])
        newest = Snapshots.latest(folder / "b")
        if broken or newest is None:  # over before, or ended where there is nothing to resume from
            return ""
        found = Job(case).run([Snapshots(folder / "b", every_steps=case.at)], resume=newest)
        problem = unlike(found, expected)
        return (
            f"Ctrl-C: in loss number {case.interrupt}, resumed from {newest.name}, {problem}"
            if problem
            else ""
        )

    def smaller(self, case: Resumed) -> Iterator[Resumed]:
        for one in fields(Resumed):
            if getattr(case, one.name) != one.default:
                changed: Any = {one.name: one.default}
                yield replace(case, **changed)
        for k in range(len(case.callbacks)):
            yield replace(case, callbacks=case.callbacks[:k] + case.callbacks[k + 1 :])
        for k in range(len(case.changes)):
            yield replace(case, changes=case.changes[:k] + case.changes[k + 1 :])

    def as_test(self, case: Resumed) -> str:
        changed = [
            f"{f.name}={getattr(case, f.name)!r}"
            for f in fields(case)
            if getattr(case, f.name) != f.default
        ]
        return (
            "from tests.fuzz.resume import Resume, Resumed\n\n\ndef test_a_resumed_run():\n"
            f"    assert Resume().fault(Resumed({', '.join(changed)})) == ''\n"
        )


class Named(Layer):
    """A layer of one's own, with parameters whose names others may use too."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Sequential(Dense(3, 4, mg.tanh), Dropout(0.3), LayerNorm(4))
        self.value = mg.Tensor(np.ones((4, 2), "f4"), requires_grad=True)
        self.epoch = mg.Tensor(np.zeros(2, "f4"), requires_grad=True)

    def forward(self, x: Any) -> Any:
        return self.inner(x) @ self.value + self.epoch


class Shared(Layer):
    """One layer used twice, and under two names."""

    def __init__(self) -> None:
        super().__init__()
        self.one = Dense(3, 3, mg.tanh)
        self.body = Sequential(self.one, Dropout(0.5))
        self.head = Dense(3, 2)

    def forward(self, x: Any) -> Any:
        return self.head(self.body(self.one(x)))


class Writer(Layer):
    """(ids, state) to (logits, state)."""

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.embedding = Embedding(12, 4)
        self.rnn = kind(4, 4, return_sequences=True, return_state=True)
        self.head = TiedHead(self.embedding)
        self.dropout = Dropout(0.2)

    def forward(self, ids: Any, state: Any) -> Any:
        output, state = self.rnn(self.embedding(ids), state)
        return self.head(self.dropout(output)), state


class Nested(Layer):
    """A writer whose state is in nested tuples and lists, with None and other tensors before,
    between and after it.
    """

    def __init__(self, writer: Layer, seed: int) -> None:
        super().__init__()
        self.body, self.seed = writer, seed

    def forward(self, ids: Any, state: Any) -> Any:
        before, calls = (
            (None, mg.Tensor(np.zeros((len(ids), 1), "f4"))) if state is None else self.pick(state)
        )
        output, inner = self.body(ids, before)
        number = calls + 1.0
        return output * mg.tanh(number)[:, :, None], [
            (None, inner, number),
            (number, (None, (None, inner))),
            [[inner, None], [number]],
            (None, [(inner,), number]),
            (inner, None, number, None),
            ((number, None), None, inner),
        ][self.seed % 6]

    def pick(self, state: Any) -> tuple[Any, Any]:
        """The writer's state, and the number of calls."""
        parts: tuple[Any, Any] = [
            lambda: state[1:],
            lambda: (state[1][1][1], state[0]),
            lambda: (state[0][0], state[1][0]),
            lambda: (state[1][0][0], state[1][1]),
            lambda: state[::2],
            lambda: (state[2], state[0][0]),
        ][self.seed % 6]()
        return parts


class Around(Layer):
    """A user's layer around others."""

    def __init__(self, inner: Layer) -> None:
        super().__init__()
        self.body = inner

    def forward(self, x: Any) -> Any:
        return 0.5 * self.body(x)


class Change(Callback):
    """Changes a setting of the run once, at a step or at the first end of an epoch from then on."""

    def __init__(self, what: str, step: int, moment: str) -> None:
        self.what, self.step = what, step
        self.done = False
        setattr(self, moment, self.act)

    def act(self, trainer: Any) -> None:
        if self.done or trainer.step < self.step:
            return
        self.done = True
        optimizer, parameters = trainer.optimizer, list(trainer.model.named_parameters().values())
        settings = [
            name for name in ("momentum", "beta2", "decay", "eps") if hasattr(optimizer, name)
        ]
        if self.what == "lr":
            optimizer.lr = 0.3 * optimizer.lr
        elif self.what == "scale":
            optimizer.scale = 0.5
        elif self.what == "weight_decay":
            optimizer.groups[-1].weight_decay = 0.05
        elif self.what == "setting":
            setattr(optimizer, settings[0], 0.7 * getattr(optimizer, settings[0]))
        elif self.what == "array":
            parameters[-1].array = 0.5 * parameters[-1].array
        elif self.what in ("eval", "train"):  # a mode that lasts to the end of the epoch
            layers = [
                one for one in trainer.model.named_layers().values() if isinstance(one, Dropout)
            ]
            layers.append(trainer.model)
            getattr(layers[self.step % len(layers)], self.what)()
        else:
            parameters[0].requires_grad = self.what == "unfreeze"

    def state_dict(self) -> dict[str, Any]:
        return {"done": self.done}

    def load_state_dict(self, state: Any) -> None:
        self.done = state["done"]


class Job:
    """A run, made from fresh objects."""

    def __init__(self, case: Resumed, interrupt: int = 0) -> None:
        self.case, self.interrupt, self.calls = case, interrupt, 0
        self.losses: dict[int, list[tuple[float, int]]] = {}  # of the training batches, by epoch
        rng = np.random.default_rng(case.seed)
        mg.seed(case.seed)
        self.model: Any = self.make_model()
        parameters = self.model.named_parameters()
        for tensor in parameters.values():
            tensor.array = tensor.array.astype(case.dtype)
        if case.frozen:
            next(iter(parameters.values())).requires_grad = False
        options: dict[str, Any] = {"shuffle": case.shuffle, "seed": 2}
        if case.model.startswith("carried"):
            ids = rng.integers(0, 12, 70)
            self.train: Any = Stream(ids, 2, 5, windows=4)
            self.test: Any = Stream(ids[::-1].copy(), 2, 5)
        else:
            x = (
                rng.integers(1, 30, (24, 5))
                if case.model == "words"
                else rng.normal(size=(24, 3)).astype(case.dtype)
            )
            y = rng.integers(0, 2, 24)
            self.train = Batches(x[:14], y[:14], batch_size=4, **options)
            self.test = Batches(x[14:], y[14:], batch_size=4)  # shuffled by default
        first = dict(list(parameters.items())[:1])
        rest = dict(list(parameters.items())[1:])
        groups: Any = [
            {"parameters": first, "weight_decay": 0.0},
            {"parameters": rest, "weight_decay": case.decay},
        ]
        self.optimizer: Any = {
            "SGD": lambda: optim.SGD(groups, lr=0.1),
            "momentum": lambda: optim.SGD(groups, lr=0.1, momentum=0.9),
            "nesterov": lambda: optim.SGD(groups, lr=0.1, momentum=0.9, nesterov=True),
            "Adam": lambda: optim.Adam(groups, lr=0.02),
            "AdamW": lambda: optim.AdamW(groups, lr=0.02),
            "RMSprop": lambda: optim.RMSprop(groups, lr=0.02),
            "Adagrad": lambda: optim.Adagrad(groups, lr=0.05),
        }[case.rule]()

    def make_model(self) -> Layer:
        kind: Any = (RNN, GRU, LSTM)[self.case.seed % 3]
        if self.case.model == "dense":
            return Sequential(Dense(3, 4, mg.relu), Dropout(0.4), LayerNorm(4), Dense(4, 2))
        if self.case.model == "named":
            return Named()
        if self.case.model == "shared":
            return Shared()
        if self.case.model == "words":
            return Sequential(Embedding(30, 4), kind(4, 3), Dropout(0.3), Dense(3, 2))
        writer: Layer = Writer(kind)
        if self.case.model == "carried nested":
            writer = Nested(writer, self.case.seed)
        carried = Stateful(writer, TruncatedBPTT(5, 5 + self.case.seed % 4))
        if self.case.model == "carried":
            return carried
        return (
            Around(Sequential(Around(carried)))
            if self.case.model == "carried deep"
            else Sequential(carried)
        )

    def make_callback(self, name: str) -> Callback:
        monitor = "validation_loss" if self.case.validation else "train_loss"
        callbacks: dict[str, Any] = {
            "clip": lambda: optim.ClipGradients(0.5),
            "early": lambda: optim.EarlyStopping(
                monitor, patience=self.case.seed % 3, min_delta=0.01
            ),
            "best": lambda: optim.BestWeights(monitor=monitor),
            "schedule": lambda: optim.LearningRate(optim.WarmUp(3, optim.CosineSchedule(9))),
            "statistics": lambda: optim.Statistics(every_steps=2),
            "evaluate train": lambda: optim.Evaluate(self.train, "again", every_steps=2),
            "evaluate often": lambda: optim.Evaluate(self.test, "often", every_steps=3),
            "evaluate rarely": lambda: optim.Evaluate(self.test, "rarely", every_epochs=2),
        }
        return callbacks[name]()  # type: ignore[no-any-return]

    def loss(self, output: mg.Tensor, labels: Any) -> mg.Tensor:
        self.calls += 1
        if self.calls == self.interrupt:
            self.trainer._ctrl_c.came = True
        loss = mg.softmax_cross_entropy(output, labels)
        if loss.requires_grad:
            self.losses.setdefault(self.trainer.epoch + 1, []).append((loss.item(), len(labels)))
        return loss

    def metrics(self) -> dict[str, Any] | None:
        if self.case.metric == "float32":
            return {"size": lambda output, labels: np.float32(np.abs(output).mean())}
        return (
            {"count": lambda output, labels: int(output.argmax(-1).sum())}
            if self.case.metric
            else None
        )

    def run(self, more: list[Callback], resume: Path | None = None) -> dict[str, Any]:
        """Everything that the run ends with; {} if Ctrl-C ended it."""
        case = self.case
        callbacks = [self.make_callback(name) for name in dict.fromkeys(case.callbacks)]
        callbacks += [Change(*change) for change in case.changes]
        self.trainer = trainer = Trainer(
            self.model, self.loss, self.optimizer, metrics=self.metrics(), seed=case.trainer_seed,
            callbacks=[*callbacks, *more],
        )  # fmt: skip
        validation = {"": None, "train": self.train, "shuffled": self.test}[case.validation]
        try:
            trainer.fit(self.train, case.epochs, validation, resume=resume)
        except KeyboardInterrupt:
            return {}
        except mg.MinigradError as error:
            # everything is frozen: refused with or without snapshots
            if error.code == "MG307" and resume is None:
                return {"error": error.code}
            raise
        optimizer = trainer.optimizer
        for row in trainer.history.rows if resume is None else ():
            if "train_loss" in row:
                values, counts = zip(*self.losses[int(row["epoch"])], strict=True)
                if not np.isclose(row["train_loss"], np.average(values, weights=counts)):
                    raise AssertionError(
                        f"train_loss of epoch {row['epoch']} is {row['train_loss']}, not the mean"
                    )
        return {
            "history": [
                {k: v for k, v in row.items() if k != "seconds"} for row in trainer.history.rows
            ],
            "the optimizer": optimizer.raw_state(),
            "weights": {
                name: tensor.array.copy() for name, tensor in self.model.named_parameters().items()
            },
            "frozen": [tensor.requires_grad for tensor in self.model.named_parameters().values()],
            "settings": {n: v for n, v in vars(optimizer).items() if isinstance(v, (bool, float))},
            "rates": [(group.lr, group.weight_decay) for group in optimizer.groups],
            "the generator": repr(mg.generator().bit_generator.state),
            "data": [self.train.state_dict(), self.test.state_dict()],
            "callbacks": [callback.state_dict() for callback in callbacks],
            "counts": [trainer.epoch, trainer.step, trainer.stop_reason],
        }

    def by_hand(self) -> dict[str, Any]:
        """What the Trainer and its callbacks must come to, by a loop that is written out; {} if all
        is frozen.
        """
        case, model, optimizer = self.case, self.model, self.optimizer
        names, rows, step, best, lowest, waited = (
            list(dict.fromkeys(case.callbacks)),
            [],
            0,
            {},
            [np.inf, np.inf],
            0,
        )
        statistics: list[list[float]] = []
        parameters = model.named_parameters()
        train = copy.copy(self.train)
        if case.trainer_seed is not None:
            mg.seed(case.trainer_seed)
            train.seed = case.trainer_seed
        schedule = optim.WarmUp(3, optim.CosineSchedule(9))

        def measured(name: str, batches: Any) -> dict[str, float]:
            values: list[tuple[float, ...]] = []
            batches = copy.copy(batches)
            batches.load_state_dict({**batches.state_dict(), "epoch": 0, "position": 0})
            model.eval()
            with mg.no_grad():
                for x, y in batches:
                    values.append(
                        self.numbers(output := model(x), mg.softmax_cross_entropy(output, y), y)
                    )
            return self.means(name, values)

        for epoch in range(case.epochs):
            values, largest, batch = [], 0.0, 0
            for x, y in train:
                model.train()
                output = model(x)
                loss = mg.softmax_cross_entropy(output, y)
                if not loss.requires_grad:
                    return {}
                optimizer.zero_grad()
                loss.backward()
                for name in names:
                    if name == "clip":
                        largest = max(largest, optim.clip_gradients(parameters, 0.5))
                    elif name == "schedule":
                        optimizer.scale = schedule(step)
                    elif name == "statistics" and step % 2 == 0:
                        size = math.sqrt(
                            sum(float((t.array**2).sum()) for t in parameters.values())
                        )
                        statistics.append([step + 1, size, optim.clip_gradients(parameters, 1e30)])
                optimizer.step()
                values.append(self.numbers(output, loss, y))
                step, batch = step + 1, batch + 1
                for name, what, data, every in (
                    ("evaluate train", "again", self.train, 2),
                    ("evaluate often", "often", self.test, 3),
                ):
                    if name in names and step % every == 0:
                        row = {"epoch": round(epoch + batch / len(self.train), 4), "step": step}
                        rows.append((names.index(name), row | measured(what, data)))
            rows.sort(key=lambda pair: (pair[1]["step"], pair[0]))
            row = {"epoch": epoch + 1, "step": step, **self.means("train", values)}
            if case.validation:
                row |= measured(
                    "validation", self.train if case.validation == "train" else self.test
                )
            rows.append((99, row))
            watched, stop = row["validation_loss" if case.validation else "train_loss"], False
            for name in names:
                if name == "clip":
                    row["largest_gradient_norm"] = largest
                elif name == "schedule":
                    row["lr"] = optimizer.lr * schedule(step - 1)
                elif name == "evaluate rarely" and epoch % 2:
                    row |= measured("rarely", self.test)
                elif name == "best" and watched < lowest[0]:
                    lowest[0] = watched
                    best = {path: tensor.array.copy() for path, tensor in parameters.items()}
                elif name == "early":
                    waited = 0 if lowest[1] - watched > 0.01 else waited + 1
                    lowest[1] = watched if not waited else lowest[1]
                    stop = waited > case.seed % 3
            if stop:
                break
        weights = best or {path: tensor.array for path, tensor in parameters.items()}
        return {"history": [row for _, row in rows], "weights": weights, "statistics": statistics}

    def numbers(self, output: mg.Tensor, loss: mg.Tensor, labels: Any) -> tuple[float, ...]:
        """A batch's size, loss and metric."""
        chosen = output.array.argmax(-1)
        metrics = {
            "": np.mean(chosen == labels),
            "float32": np.abs(output.array).mean(),
            "int": chosen.sum(),
        }
        return len(labels), loss.item(), float(metrics[self.case.metric])

    def means(self, name: str, values: list[tuple[float, ...]]) -> dict[str, float]:
        metric = {"": "accuracy", "float32": "size", "int": "count"}[self.case.metric]
        counts, losses, metrics = (np.array(column) for column in zip(*values, strict=True))
        return {
            f"{name}_loss": float(np.average(losses, weights=counts)),
            f"{name}_{metric}": float(np.average(metrics, weights=counts)),
        }


def apart(found: dict[str, Any], expected: dict[str, Any]) -> str:
    """How a run differs from one by hand by more than rounding."""
    if not expected or "error" in found:
        return ""
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in found["history"]]
    for here, there in zip(rows, expected["history"], strict=False):
        if here.keys() != there.keys() or not np.allclose(
            [here[k] for k in there], list(there.values()), 1e-5, 1e-7
        ):
            return f"history: {here} instead of {there}"
    if len(rows) != len(expected["history"]):
        return f"history: {len(rows)} rows instead of {len(expected['history'])}"
    for name, array in expected["weights"].items():
        if not np.allclose(found["weights"][name], array, 1e-5, 1e-7):
            return (
                f"weights: {name} is {found['weights'][name].tolist()} instead of {array.tolist()}"
            )
    sums = [row for state in found["callbacks"] for row in state.get("rows", ())]
    for row, numbers in zip(sums, expected["statistics"], strict=True):
        ours = [row["step"]] + [
            math.sqrt(sum(v**2 for k, v in row.items() if k.endswith(end)))
            for end in (" parameter_norm", " gradient_norm")
        ]
        if not np.allclose(ours, numbers, 1e-5):
            return f"statistics: {ours} instead of {numbers}"
    return ""


def unlike(found: dict[str, Any], expected: dict[str, Any]) -> str:
    """The first part in which the ends of two runs differ."""
    for name, there in expected.items():
        here = found.get(name)
        if here is None or not same(here, there):
            if isinstance(there, dict) and isinstance(here, dict):
                name += f", {[key for key in there if key not in here or not same(here[key], there[key])][:4]}"
                there = here = ""
            return f"{name}: {str(here)[:600]}\n    unbroken: {str(there)[:600]}"
    return ""
