"""Random runs of the optimizers, a table with lazy updates included, against the textbooks' formulas in plain NumPy."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import minigrad as mg
import optim
from minigrad.table import make_table

from .fuzzer import Fuzzer, Generator

Array = np.ndarray[Any, Any]
ROWS, WIDTH = 5, 2
OPTIONS: dict[str, dict[str, tuple[float, ...]]] = {
    "SGD": {"momentum": (0.0, 0.5, 0.9)},
    "SGD nesterov": {"momentum": (0.5, 0.9)},
    "RMSprop": {"decay": (0.5, 0.9)},
    "Adagrad": {},
    "Adam": {"beta1": (0.0, 0.5, 0.9), "beta2": (0.9, 0.999)},
    "AdamW": {"beta1": (0.9,), "beta2": (0.9, 0.999)},
}


@dataclass(frozen=True)
class Step:
    """One step: the rows of the table that the loss looks up, whether it uses the matrix, and what else happens."""

    ids: tuple[int, ...] = ()
    dense: bool = True
    scale: float = 1.0  # what a schedule sets
    clip: float = 0.0  # the norm to which gradients are clipped, if it is not 0
    then: str = ""  # "look" at some rows, "reload" the state into a new optimizer, or the "exact" state


@dataclass(frozen=True)
class Training:
    """An optimizer with its options, and the steps that it makes."""

    rule: str = "SGD"
    options: tuple[tuple[str, float], ...] = ()
    lr: float = 0.1
    decay: float = 0.0
    table_decay: float = 0.0
    steps: tuple[Step, ...] = ()


class Optimizers(Fuzzer):
    """Parameters after some steps, and what the optimizer keeps for them."""

    name = "optimizers"

    def case(self, rng: Generator) -> Training:
        def choice(*values: Any) -> Any:
            return values[int(rng.integers(len(values)))]

        rule = choice(*OPTIONS)
        count = choice(1, 3, 8, 20, 60)
        steps = [
            Step(
                tuple(rng.integers(0, ROWS - 1, choice(0, 1, 1, 2, 3)).tolist()),
                bool(rng.random() < 0.8),
                choice(1.0, 1.0, 0.5, 0.25),
                choice(0.0, 0.0, 0.0, 0.7),
                choice("look", "reload", "exact") if rng.random() < 0.1 else "",
            )
            for _ in range(count)
        ]
        return Training(
            rule,
            tuple((name, choice(*values)) for name, values in OPTIONS[rule].items()),
            choice(0.1, 0.01),
            choice(0.0, 0.01),
            choice(0.0, 0.0, 0.01),
            tuple(replace(step, dense=step.dense or not step.ids) for step in steps),
        )

    def fault(self, case: Training) -> str:
        rng = np.random.default_rng(1)
        start = {"W": rng.normal(size=(2, 3)), "table": rng.normal(size=(ROWS, WIDTH))}
        tensors = {"W": mg.Tensor(start["W"], requires_grad=True), "table": make_table(start["table"])}
        optimizer, book = make(case, tensors), Textbook(case, start)
        for number, step in enumerate(case.steps):
            slope = np.cos(1.0 + number + np.arange(6.0)).reshape(2, 3)
            weights = np.sin(1.0 + number + np.arange(float(len(step.ids) * WIDTH))).reshape(-1, WIDTH)
            loss = (tensors["W"] * slope).sum() if step.dense else mg.Tensor(0.0)
            gradients = {"W": slope} if step.dense else {}
            if step.ids:
                loss = loss + (mg.lookup(tensors["table"], list(step.ids)) * weights).sum()
                gradients["table"] = np.zeros((ROWS, WIDTH))
                np.add.at(gradients["table"], list(step.ids), weights)
            optimizer.zero_grad()
            loss.backward()
            if step.clip:
                norm = optim.clip_gradients(tensors, step.clip)
                expected = math.sqrt(sum(float((g * g).sum()) for g in gradients.values()))
                if not math.isclose(norm, expected, rel_tol=1e-9):
                    return f"norm: at step {number} the norm is {norm}, and should be {expected}"
                gradients = {name: g * min(1.0, step.clip / expected) for name, g in gradients.items()}
            optimizer.scale = step.scale
            optimizer.step()
            book.step(gradients, step.scale)
            if step.then == "look":
                mg.lookup(tensors["table"], [number % ROWS])
            elif step.then:
                former, optimizer = optimizer, make(case, tensors)
                if step.then == "exact":
                    optimizer.load_exact_state(former.exact_state())
                else:
                    optimizer.load_state_dict(former.state_dict())
        tolerance = 2e-5 * book.longest + 1e-12 if book.lazy() else 1e-11
        for name, tensor in tensors.items():
            if not (apart := np.abs(tensor.array - book.p[name]).max()) <= (tolerance if name == "table" else 1e-11):
                found, there = tensor.array.tolist(), book.p[name].tolist()
                return f"parameters: {name} is {found}\n    by the formulas {there}, {apart} away"
        return book.unlike(optimizer.state_dict())

    def smaller(self, case: Training) -> Iterator[Training]:
        for size in (len(case.steps) // 2, 8, 4, 2, 1):
            for begin in range(0, len(case.steps), size) if 0 < size < len(case.steps) else ():
                yield replace(case, steps=case.steps[:begin] + case.steps[begin + size :])
        if case.decay or case.table_decay:
            yield replace(case, decay=0.0)
            yield replace(case, table_decay=0.0)
        for place, step in enumerate(case.steps):
            changes: list[dict[str, Any]] = [
                {"scale": 1.0},
                {"clip": 0.0},
                {"then": ""},
                {"ids": ()},
                {"ids": step.ids[:1]},
            ]
            for simpler in (replace(step, **change) for change in changes):
                if simpler != step and (simpler.ids or simpler.dense):
                    yield replace(case, steps=(*case.steps[:place], simpler, *case.steps[place + 1 :]))

    def as_test(self, case: Training) -> str:
        return (
            "from tests.fuzz.optimizers import Optimizers, Step, Training\n\n\ndef test_a_training():\n"
            f"    training = {case!r}\n    assert Optimizers().fault(training) == ''\n"
        )


def make(case: Training, tensors: dict[str, mg.Tensor]) -> optim.Optimizer:
    groups = [
        {"parameters": {"W": tensors["W"]}, "weight_decay": case.decay},
        {"parameters": {"table": tensors["table"]}, "weight_decay": case.table_decay},
    ]
    options: dict[str, Any] = dict(case.options)
    if "beta1" in options:
        options = {"betas": (options["beta1"], options["beta2"])}
    if case.rule == "SGD nesterov":
        options["nesterov"] = True
    return getattr(optim, case.rule.split()[0])(groups, lr=case.lr, **options)  # type: ignore[no-any-return]


class Textbook:
    """The update rules as the papers state them, on whole arrays in float64, with no thought of speed."""

    def __init__(self, case: Training, start: dict[str, Array]) -> None:
        self.case, self.options = case, dict(case.options)
        self.p = {name: array.copy() for name, array in start.items()}
        self.m = {name: np.zeros_like(array) for name, array in start.items()}
        self.v = {name: np.zeros_like(array) for name, array in start.items()}
        self.t = dict.fromkeys(start, 0)
        self.longest = 0.0  # the largest change so far

    def lazy(self) -> bool:
        """Whether rows of the table may catch up by sums that are right to 1e-5 only, as the docs of Adam say."""
        return self.case.rule.startswith("Adam") and not self.case.table_decay

    def step(self, gradients: dict[str, Array], scale: float) -> None:
        rule, get, lr = self.case.rule, self.options.get, self.case.lr * scale
        for name, g in gradients.items():
            decay = self.case.decay if name == "W" else self.case.table_decay
            p, m, v = self.p[name], self.m[name], self.v[name]
            self.t[name] += 1
            before = p.copy()
            if rule == "AdamW":
                p -= lr * decay * p
            else:
                g = g + decay * p
            if rule.startswith("SGD"):
                momentum = get("momentum", 0.0)
                m[...] = momentum * m + g
                p -= lr * (g + momentum * m if rule == "SGD nesterov" else m)
            elif rule == "Adagrad":
                v += g**2
                p -= lr * g / (np.sqrt(v) + 1e-7)
            elif rule == "RMSprop":
                v[...] = get("decay", 0.9) * v + (1 - get("decay", 0.9)) * g**2
                p -= lr * g / (np.sqrt(v) + 1e-7)
            else:
                beta1, beta2, t = self.options["beta1"], self.options["beta2"], self.t[name]
                m[...] = beta1 * m + (1 - beta1) * g
                v[...] = beta2 * v + (1 - beta2) * g**2
                p -= lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + 1e-7)
            self.longest = max(self.longest, float(np.abs(p - before).max()))

    def unlike(self, state: dict[str, Array]) -> str:
        """Which of the optimizer's arrays differs from ours; "" if none does."""
        ours = {"m": self.m, "velocity": self.m, "v": self.v, "squares": self.v, "steps": self.t}
        for path, array in state.items():
            slot, _, name = path.partition("/")
            expected: Any = ours[slot][name]  # type: ignore[index]
            if not np.abs(array - expected).max() <= 1e-10 * (1 + np.abs(expected).max()):
                return f"state: {path} is {array.tolist()}, and by the formulas {np.asarray(expected).tolist()}"
        return ""
