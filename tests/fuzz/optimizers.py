"""Random runs of the optimizers, a table with lazy updates included, against the textbooks' formulas in plain NumPy."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import minigrad as mg
import optim
import optim.lazy
from minigrad.fast.table import make_table

from . import layouts
from .fuzzer import Fuzzer, Generator
from .layouts import laid_out

Array = np.ndarray[Any, Any]
ROWS, WIDTH = 5, 2
EPS = (1e-7, 1e-7, 1e-3)
OPTIONS: dict[str, dict[str, tuple[float, ...]]] = {
    "SGD": {"momentum": (0.0, 0.5, 0.9)},
    "SGD nesterov": {"momentum": (0.5, 0.9)},
    "RMSprop": {"decay": (0.5, 0.9), "eps": EPS},
    "Adagrad": {"eps": EPS},
    "Adam": {"beta1": (0.0, 0.5, 0.9), "beta2": (0.5, 0.9, 0.97, 0.99, 0.999), "eps": EPS},
    "AdamW": {"beta1": (0.0, 0.5, 0.9), "beta2": (0.9, 0.99, 0.999), "eps": EPS},
}


@dataclass(frozen=True)
class Step:
    """One step: the rows of the table that the loss looks up, whether it uses the matrix, and what else happens."""

    ids: tuple[int, ...] = ()
    dense: bool = True
    scale: float = 1.0  # what a schedule sets
    clip: float = 0.0  # the norm to which gradients are clipped, if it is not 0
    # "look" at some rows, "rewind" the state to the first, "store" the state and go on, or go on with a new optimizer:
    # "fresh", "reload" or "exact"
    then: str = ""
    change: tuple[tuple[str, float], ...] = ()  # settings that get new values before the step
    early: bool = False  # whether `then` comes right after these changes, not after the step
    whole: bool = False  # whether the loss uses the whole table too


@dataclass(frozen=True)
class Training:
    """An optimizer with its options, and the steps that it makes."""

    rule: str = "SGD"
    options: tuple[tuple[str, float], ...] = ()
    lr: float = 0.1
    decay: float = 0.0
    table_decay: float = 0.0
    steps: tuple[Step, ...] = ()
    layout: str = "C"
    dtype: str = "float64"


class Optimizers(Fuzzer):
    """Parameters after some steps, and what the optimizer keeps for them."""

    name = "optimizers"

    def case(self, rng: Generator) -> Training:
        def choice(*values: Any) -> Any:
            return values[int(rng.integers(len(values)))]

        rule = choice(*OPTIONS)
        count = 520 if rng.random() < 0.01 else choice(1, 3, 8, 20, 20, 40, 60)
        rare, calm = choice(1.0, 0.5, 0.1), choice(0.0, 0.1, 1.0)
        settings = {"lr": (0.1, 0.01), "freeze W": (0.0, 1.0), "freeze table": (0.0, 1.0), "weight_decay": (0.0, 0.01),
                    "table_decay": (0.0, 0.0, 0.01), **OPTIONS[rule]}  # fmt: skip
        options = tuple((name, choice(*values)) for name, values in OPTIONS[rule].items())
        if rule == "SGD" and not options[0][1]:  # without velocities there is no momentum to be set
            settings.pop("momentum")

        def step(first: bool) -> Step:
            rows = tuple(rng.choice(ROWS, choice(1, 1, 2, 3), p=[0.55, 0.2, 0.15, 0.1, 0.0]).tolist())
            change: tuple[tuple[str, float], ...] = ()
            if rng.random() < 0.15 * calm:
                name = choice(*settings)
                change = ((name, choice(*settings[name])),)
            likely = 0.5 if change else 0.1 * calm
            return Step(
                rows if first or rng.random() < rare else (0,) if rng.random() < 0.8 else (),
                bool(rng.random() < 0.8),
                choice(1.0, 1.0, 0.5, 0.25) if calm else 1.0,
                choice(0.0, 0.0, 0.0, 0.7) if calm else 0.0,
                choice("look", "reload", "exact", "fresh", "rewind", "store") if rng.random() < likely else "",
                change,
                bool(change),
                bool(rng.random() < 0.05 * calm),
            )

        return Training(
            rule,
            options,
            choice(0.1, 0.01),
            choice(0.0, 0.01),
            choice(0.0, 0.0, 0.0, 0.01),
            tuple(replace(one, dense=one.dense or not one.ids) for one in (step(k < 3) for k in range(count))),
            layouts.draw(rng),
            choice("float64", "float64", "float64", "float32"),
        )

    def fault(self, case: Training) -> str:
        rng = np.random.default_rng(1)
        start = {"W": rng.normal(size=(2, 3)), "table": rng.normal(size=(ROWS, WIDTH))}
        start = {name: array.astype(case.dtype).astype(float) for name, array in start.items()}
        given = {name: laid_out(array.astype(case.dtype), case.layout) for name, array in start.items()}
        tensors = {"W": mg.Tensor(given["W"], requires_grad=True), "table": make_table(given["table"])}
        optimizer, book, frozen = make(case, tensors), Textbook(case, start), set[str]()
        near = Textbook(case, start)  # shows how much these steps amplify rounding, as decay does around 0
        books = (book, near)
        first = optimizer.state_dict()

        def act(then: str, number: int) -> None:
            nonlocal optimizer
            if then == "look":
                mg.lookup(tensors["table"], [number % ROWS])
            elif then == "rewind":
                optimizer.load_state_dict(first)
                for one in books:
                    one.restart()
            elif then == "store":
                optimizer.exact_state()
            elif then:
                former, optimizer = optimizer, make(case, tensors)
                for name in ("lr", *OPTIONS[case.rule]):
                    setattr(optimizer, name, getattr(former, name))
                for ours, theirs in zip(optimizer.groups, former.groups, strict=True):
                    ours.weight_decay = theirs.weight_decay
                if then == "fresh":
                    for one in books:
                        one.restart()
                elif then == "exact":
                    optimizer.load_exact_state(former.exact_state())
                else:
                    optimizer.load_state_dict(former.state_dict())

        for number, step in enumerate(case.steps):
            for name, value in step.change:
                for one in books:
                    one.change(name, value)
                if name.startswith("freeze"):
                    path = name.removeprefix("freeze ")
                    tensors[path].requires_grad = not value
                    (frozen.add if value else frozen.discard)(path)
                elif name in ("weight_decay", "table_decay"):
                    optimizer.groups[name == "table_decay"].weight_decay = value
                else:
                    setattr(optimizer, name, value)
            if step.early:
                act(step.then, number)
            slope = np.cos(1.0 + number + np.arange(6.0)).reshape(2, 3).astype(case.dtype)
            weights = np.sin(1.0 + number + np.arange(float(len(step.ids) * WIDTH))).reshape(-1, WIDTH)
            weights = weights.astype(case.dtype)
            loss = (tensors["W"] * slope).sum() if step.dense else mg.Tensor(np.zeros((), case.dtype))
            gradients, looked = {"W": slope.astype(float)} if step.dense else {}, loss
            if step.ids or step.whole:
                looked = (mg.lookup(tensors["table"], np.array(step.ids, int)) * weights).sum()
                loss = loss + looked
                gradients["table"] = np.zeros((ROWS, WIDTH))
                np.add.at(gradients["table"], list(step.ids), weights)
            if step.whole:
                loss = loss + (tensors["table"] * slope[:, :1].T).sum()
                gradients["table"] += slope[:, :1].T
            gradients = {name: g for name, g in gradients.items() if name not in frozen}
            if not gradients:
                continue
            optimizer.zero_grad()
            loss.backward()
            if step.clip:
                norm = optim.clip_gradients(tensors, step.clip)
                expected = math.sqrt(sum(float((g * g).sum()) for g in gradients.values()))
                if not math.isclose(norm, expected, rel_tol=1e-9 if case.dtype == "float64" else 1e-5):
                    return f"norm: at step {number} the norm is {norm}, and should be {expected}"
                gradients = {name: g * min(1.0, step.clip / expected) for name, g in gradients.items()}
            optimizer.scale = step.scale
            optimizer.step()
            if number == len(case.steps) - 1:
                for part in (looked, loss):
                    try:
                        part.backward()
                    except mg.MinigradError:
                        continue
                    if part.requires_grad and (part is loss or "table" in gradients):
                        return "stale: backward goes through a graph whose parameters have changed"
            before = {name: array.copy() for name, array in near.p.items()}
            for one in books:
                one.step(gradients, step.scale)
            for name, array in before.items():
                near.p[name] += 1e-14 * (-1) ** number * array  # a hundred times the rounding of float64
            if not step.early:
                act(step.then, number)
        rounding = (
            1e-11 * (1 + len(case.steps) / 50) if case.dtype == "float64" else 1e-5 * (1 + len(case.steps) ** 0.5)
        )
        for name, tensor in tensors.items():
            # A row stops catching up when a velocity has become NEGLIGIBLE.
            stopped = 100 * optim.lazy.NEGLIGIBLE * book.longest * (name == "table")
            amplified = 10 * np.abs(near.p[name] - book.p[name]).max()
            tolerance = rounding + stopped + amplified + 2e-5 * book.longest * (name == "table" and book.lazy())
            if tensor.dtype != case.dtype:
                return f"dtype: {name} has become {tensor.dtype}"
            if not (apart := np.abs(tensor.array - book.p[name]).max()) <= tolerance:
                found, there = tensor.array.tolist(), book.p[name].tolist()
                return f"parameters: {name} is {found}\n    by the formulas {there}, {apart} away"
        return book.unlike(optimizer.state_dict(), rounding, near)

    def smaller(self, case: Training) -> Iterator[Training]:
        for size in (len(case.steps) // 2, 8, 4, 2, 1):
            for begin in range(0, len(case.steps), size) if 0 < size < len(case.steps) else ():
                yield replace(case, steps=case.steps[:begin] + case.steps[begin + size :])
        if case.decay or case.table_decay:
            yield replace(case, decay=0.0)
            yield replace(case, table_decay=0.0)
        if (case.layout, case.dtype) != ("C", "float64"):
            yield replace(case, layout="C", dtype="float64")
        for place, step in enumerate(case.steps):
            changes: list[dict[str, Any]] = [
                {"scale": 1.0},
                {"clip": 0.0},
                {"then": ""},
                {"early": False},
                {"change": ()},
                {"whole": False},
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
        options = {"betas": (options.pop("beta1"), options.pop("beta2")), **options}
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
        self.lr, self.decay = case.lr, {"weight_decay": case.decay, "table_decay": case.table_decay}
        self.longest = 0.0  # the largest change so far

    def restart(self) -> None:
        """Forget the state, as a new optimizer has none."""
        for name in self.p:
            self.m[name][...], self.v[name][...], self.t[name] = 0, 0, 0

    def change(self, name: str, value: float) -> None:
        if name in self.decay:
            self.decay[name] = value
        elif name == "lr":
            self.lr = value
        else:
            self.options[name] = value

    def lazy(self) -> bool:
        """Whether rows of the table may catch up by sums that are right to 1e-5 only, as the docs of Adam say."""
        return self.case.rule.startswith("Adam")

    def step(self, gradients: dict[str, Array], scale: float) -> None:
        rule, get, lr = self.case.rule, self.options.get, self.lr * scale
        for name, g in gradients.items():
            decay = self.decay["weight_decay" if name == "W" else "table_decay"]
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
                p -= lr * g / (np.sqrt(v) + self.options["eps"])
            elif rule == "RMSprop":
                v[...] = self.options["decay"] * v + (1 - self.options["decay"]) * g**2
                p -= lr * g / (np.sqrt(v) + self.options["eps"])
            else:
                beta1, beta2, t = self.options["beta1"], self.options["beta2"], self.t[name]
                m[...] = beta1 * m + (1 - beta1) * g
                v[...] = beta2 * v + (1 - beta2) * g**2
                p -= lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + self.options["eps"])
            self.longest = max(self.longest, float(np.abs(p - before).max()))

    def unlike(self, state: dict[str, Array], rounding: float, near: Textbook) -> str:
        """Which of the optimizer's arrays differs from ours; "" if none does."""
        ours, others = (
            {"m": book.m, "velocity": book.m, "v": book.v, "squares": book.v, "steps": book.t} for book in (self, near)
        )
        for path, array in state.items():
            slot, _, name = path.partition("/")
            expected: Any = ours[slot][name]  # type: ignore[index]
            amplified: Any = 10 * np.abs(others[slot][name] - expected).max()  # type: ignore[index]
            if not np.abs(array - expected).max() <= 10 * rounding * (1 + np.abs(expected).max()) + amplified:
                return f"state: {path} is {array.tolist()}, and by the formulas {np.asarray(expected).tolist()}"
        return ""
