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
import random
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import layers
import minigrad as mg
import optim

from .fuzzer import Fuzzer, Generator
from .training import CARRIED, MODELS, RULES, make_model, make_optimizer, make_rows

BLOCKS: list[Callable[[], Any]] = [
    contextlib.nullcontext,
    mg.fused,
    lambda: mg.fused(False),
    mg.enable_grad,
    mg.trace_lines,
    mg.detect_anomaly,
    mg.profile,
]


@dataclass(frozen=True)
class Actions:
    """A model, an optimizer, and actions, each with the seed of its choices."""

    model: str = "dense"
    rule: str = "SGD"
    decay: float = 0.0
    seed: int = 0
    actions: tuple[tuple[str, int], ...] = ()


class Handouts(Fuzzer):
    """Two runs after each action, and what was handed out."""

    name = "handouts"
    share = 2.0

    def case(self, rng: Generator) -> Actions:
        dice = random.Random(int(rng.integers(2**32)))
        names = [name for name in dir(Pair) if name.startswith("do_")]
        names += ["do_train"] * 6 + ["do_keep"] * 2
        chosen = dice.choices(names, k=dice.randint(3, 15))
        return Actions(
            model=dice.choice(MODELS),
            rule=dice.choice(list(RULES)),
            decay=dice.choice([0.0, 0.01]),
            seed=dice.randrange(100),
            actions=tuple((name, dice.randrange(10**6)) for name in chosen),
        )

    def fault(self, case: Actions) -> str:
        pair = Pair(case)
        for number, (name, seed) in enumerate(case.actions):
            pair.dice.seed(seed)
            with (
                contextlib.redirect_stdout(io.StringIO()),
                warnings.catch_warnings(action="ignore"),
            ):
                problem = getattr(pair, name)(seed) or pair.difference()
            if problem:
                return f"{problem}, after {name} (number {number})"
        return ""


class Side:
    """One of the two runs."""

    def __init__(self, case: Actions) -> None:
        self.case = case
        self.model = make_model(case.model, case.seed, "float64")
        self.parameters: dict[str, mg.Tensor] = self.model.named_parameters()
        self.optimizer = make_optimizer(case.rule, self.model, case.decay)
        self.saved = self.save()

    def data(self, seed: int) -> tuple[Any, Any]:
        return make_rows(self.case.model, np.random.default_rng(seed), 3, "float64")

    def train(self, seed: int, block: Any, spoil: bool = False) -> Any:
        """A step; returns the output, the loss and the gradients. `spoil` overwrites the batch
        early.
        """
        mg.seed(seed)
        x, y = self.data(seed)
        self.optimizer.zero_grad()
        with block:
            output = self.model(x)
            loss = mg.softmax_cross_entropy(output, y)
            if spoil:
                x[...] = y[...] = 0
            loss.backward()
            if seed % 3 == 0:
                optim.clip_gradients(self.parameters, 0.1)
            self.optimizer.step()
        grads = [
            tensor.grad for tensor in self.parameters.values() if tensor.requires_grad
        ]
        return output, loss, grads

    def save(self) -> Any:
        return (
            self.model.state_dict(),
            self.optimizer.state_dict(),
            self.model.carried_state(),
        )

    def load(self, saved: Any) -> None:
        weights, state, carried = saved
        self.model.load_state_dict(weights)
        self.optimizer.load_state_dict(state)
        self.model.load_carried_state(carried)

    def state(self) -> dict[str, Any]:
        """All that must be equal in the two runs, as arrays by name."""
        state = dict(self.model.carried_state())
        for name, tensor in self.parameters.items():
            state[name] = tensor.array
            state[f"requires_grad of {name}"] = np.array(tensor.requires_grad)
            if tensor.grad is not None:
                state[f"gradient of {name}"] = tensor.grad
        for name, layer in self.model.named_layers().items():
            state[f"mode of {name}"] = np.array(layer.training)
        return state


class Pair:
    """Two runs, and what the first has handed out. Each action does something to both, or to the
    first alone.
    """

    def __init__(self, case: Actions) -> None:
        self.case, self.dice = case, random.Random()
        self.ours, self.other = Side(case), Side(case)
        self.both = self.ours, self.other
        self.kept: list[tuple[str, Any, Any]] = []
        # the precision with which rows of a table catch up
        self.tolerance = 1e-5 if "Adam" in case.rule else 1e-8

    def difference(self) -> str:
        state, expected = self.ours.state(), self.other.state()
        if missing := state.keys() ^ expected.keys():
            return f"state: only one run has {missing}"
        for name, array in expected.items():
            if not self.close(state[name], array):
                return f"state: {name} is {state[name].tolist()} instead of {array.tolist()}"
        for what, thing, before in self.kept:
            if not all(map(np.array_equal, arrays(thing), before)):
                return f"kept: {what} has changed"
        return ""

    def close(self, found: Any, expected: Any) -> bool:
        return np.allclose(found, expected, self.tolerance, self.tolerance)

    def coin(self) -> bool:
        return self.dice.random() < 0.5

    def keep(self, what: str, thing: Any) -> None:
        self.kept.append((what, thing, [array.copy() for array in arrays(thing)]))

    def handed_out(self) -> tuple[str, Any]:
        """Something that the first run hands out, and what it is."""
        model, optimizer = self.ours.model, self.ours.optimizer
        tensor = self.dice.choice(list(self.ours.parameters.values()))
        x, _ = self.ours.data(3)
        things: dict[str, Callable[[], Any]] = {
            "state_dict": model.state_dict,
            "carried_state": model.carried_state,
            "the optimizer's state_dict": optimizer.state_dict,
            "raw_state": optimizer.raw_state,
            "output": lambda: self.evaluate(x),
            "layers.outputs": lambda: layers.outputs(model, x, [""]),
            "to_layout": lambda: layers.to_layout(model, "pytorch"),
            "views": lambda: views(tensor),
        }
        what = self.dice.choice([*things, *["views"] * 3])
        with self.dice.choice([mg.no_grad, mg.enable_grad])():
            try:
                return what, things[what]()
            except mg.MinigradError:  # not every layer has a layout elsewhere
                return what, None

    def evaluate(self, x: Any) -> Any:
        with self.ours.model.evaluating():
            return self.ours.model(x)

    def do_train(self, seed: int) -> None:
        result = self.ours.train(seed, self.dice.choice(BLOCKS)(), spoil=self.coin())
        self.other.train(seed, contextlib.nullcontext())
        if self.coin():
            self.keep("what a step returned", result)

    def do_keep(self, seed: int) -> None:
        self.keep(*self.handed_out())

    def do_spoil(self, seed: int) -> None:
        """Overwrite what is handed out, where it may be written to."""
        for part in parts(self.handed_out()[1]):
            if isinstance(part, mg.Tensor):
                if not part.requires_grad:
                    part.update(lambda array: array.fill(7))
            elif part.flags.writeable:
                part.fill(7)

    def do_look(self, seed: int) -> str:
        """Evaluating draws no random numbers."""
        model, (x, y) = self.ours.model, self.ours.data(seed)
        before = mg.generator().bit_generator.state
        self.evaluate(x)
        if self.case.model not in CARRIED:
            with contextlib.suppress(mg.MinigradError):  # all is frozen
                layers.gradients(model, x, y, [""])
            optim.summary(model, x)
        moved = mg.generator().bit_generator.state != before
        return "generator: it has moved on" if moved else ""

    def do_save(self, seed: int) -> None:
        for side in self.both:
            side.saved = side.save()
        self.other.saved = copy.deepcopy(self.other.saved)
        self.keep("what was saved", self.ours.saved)

    def do_load(self, seed: int) -> None:
        """Go back to what was saved, and overwrite the arrays that were loaded."""
        for side in self.both:
            side.load(given := copy.deepcopy(side.saved))
            if side is self.ours:
                for array in arrays(given):
                    array.fill(7)

    def do_copy(self, seed: int) -> None:
        """Overwrite another model, which is a copy or has loaded the state."""
        copied = copy.deepcopy(self.ours.model)
        if self.coin():
            copied = Side(self.case).model
            copied.load_state_dict(self.ours.model.state_dict())
        for tensor in copied.named_parameters().values():
            tensor.update(lambda array: array.fill(7))

    def do_freeze(self, seed: int) -> None:
        name = self.dice.choice(list(self.ours.parameters)[1:])
        change = self.dice.choice([optim.freeze, optim.unfreeze])
        for side in self.both:
            change(side.model, name)

    def do_mode(self, seed: int) -> None:
        name = self.dice.choice(list(self.ours.model.named_layers()))
        on = self.coin()
        for side in self.both:
            side.model.named_layers()[name].train(on)

    def do_assign(self, seed: int) -> None:
        """Give a parameter and a gradient new arrays, which one run overwrites afterwards."""
        name = self.dice.choice(list(self.ours.parameters))
        for side in self.both:
            tensor = side.parameters[name]
            given = 0.5 * np.array(tensor.array)
            tensor.array = given
            if tensor.requires_grad:
                tensor.grad = given
            if side is self.ours:
                given.fill(7)

    def do_between(self, seed: int) -> str:
        """Vectors that were looked up, and may have been changed since, are what the next layers
        get.
        """
        if self.case.model != "words":
            return ""
        embedding, *rest = self.ours.model
        ids, _ = self.ours.data(seed)
        recorded = self.coin()
        with mg.enable_grad() if recorded else mg.no_grad():
            x = embedding(ids)
        if not recorded:
            x.update(lambda array: np.multiply(array, 0.5, out=array))
        expected = mg.Tensor(x.array.copy())
        ids[...] = 0
        if self.coin():
            self.do_train(seed)
        with self.ours.model.evaluating(), mg.fused():
            for layer in rest:
                x, expected = layer(x), layer(expected)
        return (
            ""
            if self.close(x.array, expected.array)
            else "looked up: other vectors are used"
        )


def views(p: mg.Tensor) -> list[Any]:
    """Tensors with a parameter's numbers, which must not share its memory."""
    return [
        p[...],
        p[:1],
        p[..., :1],
        p[None],
        p[::-1],
        p[0],
        p.T,
        p.reshape(-1),
        mg.squeeze(p),
        mg.expand_dims(p, 0),
        np.broadcast_to(p, (2, *p.shape)),
        np.swapaxes(p, 0, -1),
        p.astype(p.dtype),
        p.sum(axis=()),
        mg.clip(p, -1e9, 1e9),
        mg.maximum(p, -1e9),
        mg.where(True, p, 0.0),
        mg.relu(p),
        1.0 * p,
        mg.lookup(p, [0]),
        mg.concatenate([p]),
        *mg.split(p, [1]),
        mg.cut(p),
        p.detach(),
        copy.copy(p.detach()),
    ]


def parts(thing: Any) -> Iterator[Any]:
    """All arrays and Tensors in something."""
    if isinstance(thing, (mg.Tensor, np.ndarray)):
        yield thing
    elif isinstance(thing, dict):
        yield from parts(list(thing.values()))
    elif isinstance(thing, (list, tuple)):
        for one in thing:
            yield from parts(one)


def arrays(thing: Any) -> Iterator[Any]:
    return (getattr(part, "array", part) for part in parts(thing))
