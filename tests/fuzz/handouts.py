"""What models and optimizers hand out and are given: all of it may be kept or changed, and nothing
else changes.

Two equal runs make the same steps. One of them also hands out arrays and Tensors, of which some are
kept and others overwritten, is looked at, and trains within blocks such as `mg.profile`. Both must
stay equal, and what was kept as it was.
"""

from __future__ import annotations

import contextlib
import copy
import io
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import layers
import minigrad as mg
import optim
from layers import (
    GRU,
    LSTM,
    RNN,
    Dense,
    Dropout,
    Embedding,
    LayerNorm,
    Sequential,
    Stateful,
    TruncatedBPTT,
)

from .fuzzer import Fuzzer, Generator
from .resume import Shared, Writer

Array = np.ndarray[Any, Any]
MODELS = ("dense", "shared", "words", "carried")
RULES: dict[str, Callable[[Any], optim.Optimizer]] = {
    "SGD": lambda parameters: optim.SGD(parameters, lr=0.1),
    "momentum": lambda parameters: optim.SGD(parameters, lr=0.1, momentum=0.9),
    "RMSprop": lambda parameters: optim.RMSprop(parameters, lr=0.01),
    "Adagrad": lambda parameters: optim.Adagrad(parameters, lr=0.05, weight_decay=0.01),
    "Adam": lambda parameters: optim.Adam(parameters, lr=0.01),
    "AdamW": lambda parameters: optim.AdamW(parameters, lr=0.01),
}
VIEWS: list[Callable[[mg.Tensor], Any]] = [
    lambda p: p[...], lambda p: p[:1], lambda p: p[..., :1], lambda p: p[None], lambda p: p[::-1], lambda p: p[0],
    lambda p: p.T, lambda p: p.reshape(-1), lambda p: p.reshape(p.shape), lambda p: mg.expand_dims(p, 0),
    lambda p: mg.squeeze(p), lambda p: np.broadcast_to(p, (2, *p.shape)), lambda p: p.astype(p.dtype),
    lambda p: mg.clip(p, -1e9, 1e9), lambda p: mg.maximum(p, -1e9), lambda p: mg.where(True, p, 0.0),
    lambda p: mg.concatenate([p]), lambda p: mg.split(p, [1])[-1], lambda p: np.swapaxes(p, 0, -1),
    lambda p: p.sum(axis=()), lambda p: mg.lookup(p, [0]), lambda p: mg.relu(p), lambda p: 1.0 * p, lambda p: p**1,
    lambda p: mg.cut(p), lambda p: p.detach(), lambda p: copy.copy(p.detach()), lambda p: np.array(p),
]  # fmt: skip
"""Functions that may hand out a parameter's memory."""

BLOCKS: list[Callable[[], Any]] = [
    contextlib.nullcontext, mg.fused, lambda: mg.fused(False), lambda: mg.scope("s"), mg.enable_grad, mg.trace_lines,
    mg.detect_anomaly, mg.profile, lambda: np.errstate(all="ignore"),
]  # fmt: skip


@dataclass(frozen=True)
class Run:
    """A model, an optimizer, and actions, each with the seed of its choices."""

    model: str = "dense"
    rule: str = "SGD"
    dtype: str = "float64"
    seed: int = 0
    actions: tuple[tuple[str, int], ...] = ()


class Handouts(Fuzzer):
    """Two runs after each action, and what was handed out."""

    name = "handouts"
    share = 2.0

    def case(self, rng: Generator) -> Run:
        names = (
            [name for name in dir(Pair) if name.startswith("do_")]
            + ["do_train"] * 6
            + ["do_keep"] * 2
        )
        actions = tuple(
            (str(rng.choice(names)), int(rng.integers(10**6)))
            for _ in range(int(rng.integers(3, 16)))
        )
        rule = str(rng.choice(list(RULES)))
        dtype = "float32" if rule in ("SGD", "momentum") and rng.random() < 0.5 else "float64"
        return Run(str(rng.choice(MODELS)), rule, dtype, int(rng.integers(100)), actions)

    def fault(self, case: Run) -> str:
        pair = Pair(case)
        for number, (name, seed) in enumerate(case.actions):
            pair.rng = np.random.default_rng(seed)
            with (
                contextlib.redirect_stdout(io.StringIO()),
                warnings.catch_warnings(action="ignore"),
            ):
                problem = getattr(pair, name)(seed) or pair.unlike()
            if problem:
                return f"{problem}, after {name} (number {number})"
        return ""

    def smaller(self, case: Run) -> Iterator[Run]:
        for size in (8, 4, 2, 1):
            for begin in range(0, len(case.actions), size) if size < len(case.actions) else ():
                yield replace(case, actions=case.actions[:begin] + case.actions[begin + size :])
        for name, value in (("model", "dense"), ("rule", "SGD"), ("dtype", "float64"), ("seed", 0)):
            if getattr(case, name) != value:
                yield replace(case, **{name: value})  # type: ignore[arg-type]

    def as_test(self, case: Run) -> str:
        return (
            "from tests.fuzz.handouts import Handouts, Run\n\n\ndef test_what_is_handed_out():\n"
            f"    assert Handouts().fault({case!r}) == ''\n"
        )


class Side:
    """One of the two runs."""

    def __init__(self, case: Run) -> None:
        mg.seed(case.seed)
        kind: Any = (RNN, GRU, LSTM)[case.seed % 3]
        self.case, self.carried = case, case.model == "carried"
        self.model: Any = {
            "dense": lambda: Sequential(
                Dense(3, 4, mg.tanh), Dropout(0.4), LayerNorm(4), Dense(4, 2)
            ),
            "shared": Shared,
            "words": lambda: Sequential(Embedding(12, 4), kind(4, 3), Dropout(0.3), Dense(3, 2)),
            "carried": lambda: Stateful(Writer(kind), TruncatedBPTT(4, 4 + case.seed % 3)),
        }[case.model]()
        self.parameters = self.model.named_parameters()
        for tensor in self.parameters.values():
            tensor.array = tensor.array.astype(case.dtype)
        self.optimizer = RULES[case.rule](self.parameters)
        self.saved: Any = None

    def data(self, seed: int) -> tuple[Any, Any]:
        rng = np.random.default_rng(seed)
        if self.carried:
            return rng.integers(0, 12, (2, 4)), rng.integers(0, 12, (2, 4))
        if self.case.model == "words":
            return rng.integers(0, 12, (3, 4)), rng.integers(0, 2, 3)
        return rng.normal(size=(3, 3)).astype(self.case.dtype), rng.integers(0, 2, 3)

    def train(self, seed: int, block: Any, spoil: bool = False, opened: bool = False) -> Any:
        """A step; returns what it gave: the output, the loss and the gradients. `spoil` overwrites
        the batch early.
        """
        mg.seed(seed)
        x, y = self.data(seed)
        self.optimizer.zero_grad()
        with block:
            output = self.model(x)
            loss = mg.softmax_cross_entropy(output, y)
            if spoil:
                x[...], y[...] = 0, 0
            (mg.unfuse(loss) if opened else loss).backward()
            if seed % 3 == 0:
                optim.clip_gradients(self.parameters, 0.1)
            self.optimizer.step()
        return (
            output,
            loss,
            [tensor.grad for tensor in self.parameters.values() if tensor.grad is not None],
        )

    def state(self) -> dict[str, Any]:
        return {
            "weights": {name: tensor.array for name, tensor in self.parameters.items()},
            "gradients": {
                name: tensor.grad
                for name, tensor in self.parameters.items()
                if tensor.grad is not None
            },
            "carried": self.model.carried_state(),
            "modes": {
                name: np.array(layer.training) for name, layer in self.model.named_layers().items()
            },
            "frozen": {
                name: np.array(tensor.requires_grad) for name, tensor in self.parameters.items()
            },
        }


class Pair:
    """Two runs, and what the first has handed out. Each action does something to both, or to the
    first alone.
    """

    def __init__(self, case: Run) -> None:
        self.case, self.rng = case, np.random.default_rng(0)
        self.ours, self.other = Side(case), Side(case)
        self.kept: list[tuple[str, Any, list[Array]]] = []
        rough = {"Adam": 1e-5, "AdamW": 1e-5}  # rows of a table catch up with that precision
        self.tolerance = 1e-3 if case.dtype == "float32" else rough.get(case.rule, 1e-8)

    def pick(self, values: Any) -> Any:
        return values[int(self.rng.integers(len(values)))]

    def unlike(self) -> str:
        ours, other = self.ours.state(), self.other.state()
        for part, there in other.items():
            here = ours[part]
            if here.keys() != there.keys():
                return f"{part}: {sorted(here.keys() ^ there.keys())} in one run"
            for name, array in there.items():
                if not np.allclose(here[name], array, self.tolerance, self.tolerance):
                    return f"{part}: {name} is {here[name].tolist()} instead of {array.tolist()}"
        for what, thing, copies in self.kept:
            if not all(
                np.array_equal(a, b, equal_nan=True)
                for a, b in zip(arrays(thing), copies, strict=True)
            ):
                return f"kept: {what} has changed"
        return ""

    def keep(self, what: str, thing: Any) -> None:
        self.kept.append((what, thing, [np.array(array) for array in arrays(thing)]))

    def handed_out(self) -> tuple[str, Any]:
        """Something that the first run hands out."""
        side, model = self.ours, self.ours.model
        name, tensor = self.pick(list(side.parameters.items()))
        x, _ = side.data(int(self.rng.integers(99)))
        things: dict[str, Callable[[], Any]] = {
            "state_dict": model.state_dict,
            "carried_state": model.carried_state,
            "the optimizer's state_dict": side.optimizer.state_dict,
            "raw_state": side.optimizer.raw_state,
            "named_parameters": lambda: dict.fromkeys(model.named_parameters(), 0),
            "output": lambda: self.look(x),
            **{f"view {number} of {name}": lambda: self.view(tensor) for number in range(4)},
        }
        if not side.carried:
            things["layers.outputs"] = lambda: layers.outputs(model, x, [""])
            things["to_layout"] = lambda: layers.to_layout(model, self.pick(["keras", "pytorch"]))
        what = self.pick(list(things))
        # not every layer has a layout elsewhere, nor every tensor two axes
        with contextlib.suppress(mg.MinigradError):
            return what, things[what]()
        return what, {}

    def view(self, tensor: mg.Tensor) -> Any:
        with self.pick([mg.no_grad, mg.no_grad, mg.enable_grad])():
            view = self.pick(VIEWS)(tensor)
            if isinstance(view, mg.Tensor) and self.rng.random() < 0.3:
                view = self.pick(VIEWS)(view)
            return view

    def look(self, x: Any) -> Any:
        with self.ours.model.evaluating(), self.pick([mg.no_grad, mg.enable_grad])():
            return self.ours.model(x)

    def do_train(self, seed: int) -> None:
        block, spoil, opened = self.pick(BLOCKS)(), self.rng.random() < 0.3, self.rng.random() < 0.2
        found, expected = (
            self.ours.train(seed, block, spoil, opened),
            self.other.train(seed, contextlib.nullcontext()),
        )
        del expected
        if self.rng.random() < 0.5:
            self.keep("what a step gave", found)

    def do_keep(self, seed: int) -> None:
        self.keep(*self.handed_out())

    def do_spoil(self, seed: int) -> None:
        """Overwrite what is handed out. What may be written to is the caller's own."""
        what, thing = self.handed_out()
        for part in parts(thing):
            if isinstance(part, mg.Tensor):
                if part.requires_grad:
                    continue
                if self.rng.random() < 0.5:
                    part.update(lambda array: array.fill(7))
                part.array = np.full(part.shape, 7, part.dtype)
            elif part.flags.writeable:
                part.fill(7)

    def do_look(self, seed: int) -> str:
        """Evaluating draws no random numbers."""
        x, y = self.ours.data(seed)
        before = repr(mg.generator().bit_generator.state)
        self.look(x)
        if not self.ours.carried:
            layers.outputs(self.ours.model, x, [""])
            with contextlib.suppress(mg.MinigradError):  # all is frozen
                layers.gradients(self.ours.model, x, y, [""])
            repr(self.ours.model), repr(self.ours.optimizer), optim.summary(self.ours.model, x)
        return (
            ""
            if repr(mg.generator().bit_generator.state) == before
            else "generator: it has moved on"
        )

    def do_leave(self, seed: int) -> None:
        """Blocks that an exception leaves."""
        block = self.pick(
            [
                mg.no_grad,
                mg.fused,
                mg.detect_anomaly,
                lambda: mg.scope("left"),
                self.ours.model.evaluating,
            ]
        )
        with contextlib.suppress(ZeroDivisionError), block(), mg.no_grad():
            self.ours.model(self.ours.data(seed)[0]) if not self.ours.carried else None
            raise ZeroDivisionError

    def do_save(self, seed: int) -> None:
        for side in (self.ours, self.other):
            side.saved = (
                side.model.state_dict(),
                side.optimizer.state_dict(),
                side.model.carried_state(),
            )
        self.other.saved = copy.deepcopy(self.other.saved)
        self.keep("what was saved", self.ours.saved)

    def do_load(self, seed: int) -> str:
        """Go back to what was saved, and overwrite the arrays that were given."""
        if self.ours.saved is None:
            return ""
        for side in (self.ours, self.other):
            given = copy.deepcopy(side.saved)
            side.model.load_state_dict(given[0])
            side.optimizer.load_state_dict(given[1])
            side.model.load_carried_state(given[2])
            found = side.model.state_dict(), side.optimizer.state_dict(), side.model.carried_state()
            if not all(
                np.array_equal(a, b) for a, b in zip(arrays(found), arrays(side.saved), strict=True)
            ):
                return "load: the state is another than the one that was loaded"
            if side is self.ours:
                for array in arrays(given):
                    array.fill(7)
        return ""

    def do_freeze(self, seed: int) -> str:
        name, wanted = self.pick(list(self.ours.parameters)[1:]), self.rng.random() < 0.5
        for side in (self.ours, self.other):
            (optim.unfreeze if wanted else optim.freeze)(side.model, name)
        return (
            ""
            if self.ours.parameters[name].grad is None
            else f"frozen: {name} keeps a gradient of before"
        )

    def do_switch(self, seed: int) -> str:
        """Recording or not makes no difference to the numbers, dropout in training mode
        included.
        """
        if self.ours.carried:
            return ""
        found = []
        for block in (mg.no_grad, mg.enable_grad):
            mg.seed(seed)
            with block():
                found.append(self.ours.model(self.ours.data(seed)[0]).array)
        return (
            ""
            if np.allclose(found[0], found[1], self.tolerance, self.tolerance)
            else "no_grad: it changes the output"
        )

    def do_between(self, seed: int) -> str:
        """What was looked up, and may have been changed since, is what the next layers get."""
        if self.case.model != "words":
            return ""
        embedding, *rest = (self.ours.model[k] for k in range(len(self.ours.model)))
        ids = self.ours.data(seed)[0]
        with self.pick([mg.no_grad, mg.enable_grad])():
            x = embedding(ids)
        if x.node.gate is None and self.rng.random() < 0.7:
            x.update(lambda array: np.multiply(array, 0.5, out=array))
        if self.rng.random() < 0.5:
            ids[...] = 0
        expected = x.array.copy()
        if self.rng.random() < 0.5:
            self.do_train(seed)
        found = []
        with self.ours.model.evaluating(), self.pick([mg.no_grad, mg.enable_grad])():
            for block, z in (
                (self.pick([mg.fused, contextlib.nullcontext]), x),
                (mg.fused, mg.Tensor(expected)),
            ):
                with block():
                    for layer in rest:
                        z = layer(z)
                found.append(z.array)
        return (
            ""
            if np.allclose(found[0], found[1], self.tolerance, self.tolerance)
            else "looked up: other vectors are used"
        )

    def do_mode(self, seed: int) -> None:
        name, on = self.pick(list(self.ours.model.named_layers())), self.rng.random() < 0.5
        for side in (self.ours, self.other):
            side.model.named_layers()[name].train(on)

    def do_assign(self, seed: int) -> None:
        """Give a parameter and a gradient new arrays, which one run overwrites afterwards."""
        name = self.pick(list(self.ours.parameters))
        for side in (self.ours, self.other):
            tensor = side.parameters[name]
            given = 0.5 * np.array(tensor.array)
            tensor.array = given
            if tensor.requires_grad:
                tensor.grad = given
            if side is self.ours:
                given.fill(7)

    def do_fresh(self, seed: int) -> str:
        """A fresh model that loads the state computes the same bits; changing it changes nothing
        here.
        """
        side, x = self.ours, self.ours.data(seed)[0]
        fresh = Side(replace(self.case, seed=self.case.seed + 3))
        fresh.model.load_state_dict(side.model.state_dict())
        if not side.carried:
            with side.model.evaluating(), fresh.model.evaluating(), mg.no_grad():
                if not np.array_equal(side.model(x).array, fresh.model(x).array):
                    return "fresh: a model that loaded the state computes something else"
        fresh.optimizer.load_state_dict(side.optimizer.state_dict())
        fresh.optimizer.load_hyperparameters(side.optimizer.hyperparameters())
        copied = copy.deepcopy(side.model) if seed % 2 else fresh.model
        for tensor in copied.named_parameters().values():
            if tensor.requires_grad:
                tensor.update(lambda array: array.fill(7))
        return ""


def parts(thing: Any) -> Iterator[Any]:
    """All arrays and Tensors in something."""
    if isinstance(thing, (mg.Tensor, np.ndarray)):
        yield thing
    elif isinstance(thing, dict):
        for one in thing.values():
            yield from parts(one)
    elif isinstance(thing, (list, tuple)):
        for one in thing:
            yield from parts(one)


def arrays(thing: Any) -> Iterator[Array]:
    return (getattr(part, "array", part) for part in parts(thing))
