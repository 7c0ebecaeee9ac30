"""Random runs of the optimizers, a table with lazy updates included, against the textbooks'
formulas in plain NumPy.
"""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
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
ROWS = 5
EPS = (1e-7, 1e-7, 1e-3)
OPTIONS: dict[str, dict[str, tuple[float, ...]]] = {
    "SGD": {"momentum": (0.0, 0.5, 0.9)},
    "SGD nesterov": {"momentum": (0.5, 0.9)},
    "RMSprop": {"decay": (0.0, 0.5, 0.9), "eps": EPS},
    "Adagrad": {"eps": EPS},
    "Adam": {"beta1": (0.0, 0.5, 0.9), "beta2": (0.5, 0.9, 0.97, 0.99, 0.999), "eps": EPS},
    "AdamW": {"beta1": (0.0, 0.5, 0.9), "beta2": (0.9, 0.99, 0.999), "eps": EPS},
}
OFF = {"momentum", "beta1", "decay", "lr", "table_lr", "scale"}
"""Settings that may be 0 for a while."""
NUMBERS: dict[str, Any] = {"": float, "int": lambda n: int(n) if n == int(n) else n, "float32": np.float32,
                           "float64": np.float64}  # fmt: skip
"""The types of numbers that settings may have."""


class Brief:
    """Shows only what differs from the defaults."""

    def __repr__(self) -> str:
        shown = [
            f"{f.name}={getattr(self, f.name)!r}"
            for f in fields(self)  # type: ignore[arg-type]
            if getattr(self, f.name) != f.default
        ]
        return f"{type(self).__name__}({', '.join(shown)})"


@dataclass(frozen=True, repr=False)
class Step(Brief):
    """One step: the rows of the table that the loss looks up, whether it uses the matrix, and what
    else happens.
    """

    ids: tuple[int, ...] = ()
    dense: bool = True
    scale: float = 1.0  # what a schedule sets
    clip: float = 0.0  # the norm to which gradients are clipped, if it is not 0
    # "look" at some rows, "assign" arrays, "save" the state or "rewind" to it, "keep" or "spoil"
    # what is stored, let a step "fail", or go on with a new optimizer, "fresh", "reload" or
    # "exact", or a "copy" of all
    then: str = ""
    change: tuple[tuple[str, float], ...] = ()  # settings that get new values before the step
    early: bool = False  # whether `then` comes right after these changes, not after the step
    whole: bool = False  # whether the loss uses the whole table too
    who: int = 0  # which of the optimizers makes the step
    # how rows are read: "lookup", "index" also from the end, "rows" one by one
    read: str = "lookup"
    twice: bool = False  # whether gradients are added up over two passes
    skip: str = ""  # what is frozen during the step alone
    peek: bool = False  # whether someone reads the gradients before the step


@dataclass(frozen=True, repr=False)
class Training(Brief):
    """An optimizer with its options, and the steps that it makes."""

    rule: str = "SGD"
    options: tuple[tuple[str, float], ...] = ()
    lr: float = 0.1
    decay: float = 0.0
    table_decay: float = 0.0
    steps: tuple[Step, ...] = ()
    layout: str = "C"
    dtype: str = "float64"
    table_dtype: str = "float64"
    table_lr: float | None = None
    table: bool = True  # or a Tensor like any other
    cell: tuple[int, ...] = (2,)  # the shape of a row
    number: str = ""  # the type of the settings
    zeros: bool = False  # whether the first number of a row never has a gradient
    # the rule and the options of another optimizer of the same parameters
    second: tuple[Any, ...] = ()


class Optimizers(Fuzzer):
    """Parameters after some steps, and what the optimizer keeps for them."""

    name = "optimizers"
    share = 3.0

    def case(self, rng: Generator) -> Training:
        def choice(*values: Any) -> Any:
            return values[int(rng.integers(len(values)))]

        def drawn() -> tuple[str, tuple[tuple[str, float], ...]]:
            rule = choice(*OPTIONS)
            return rule, tuple((name, choice(*values)) for name, values in OPTIONS[rule].items())

        rule, options = drawn()
        second = choice((), (), (), drawn())
        count = 520 if rng.random() < 0.01 else choice(1, 3, 8, 20, 20, 40, 60)
        rare, calm, zero = choice(1.0, 0.5, 0.1), choice(0.0, 0.1, 1.0), choice(0.0, 0.0, 0.5)
        # An optimizer's own settings, and one of them that changes often.
        settings: list[dict[str, tuple[float, ...]]] = []
        for one, chosen in ((rule, options), second or (rule, options)):
            settings.append({"lr": (0.1, 0.01), "table_lr": (0.1, 0.01), "freeze W": (0.0, 1.0),
                             "freeze table": (0.0, 1.0), "weight_decay": (0.0, 0.01),
                             "table_decay": (0.0, 0.0, 0.01), **OPTIONS[one]})  # fmt: skip
            # without velocities there is no momentum to be set
            if one == "SGD" and not chosen[0][1]:
                settings[-1].pop("momentum")
        restless = [
            choice(*one, *3 * [name for name in one if name in OFF]) if zero else ""
            for one in settings
        ]

        def step(first: bool) -> Step:
            rows = tuple(
                rng.choice(ROWS, choice(1, 1, 2, 3), p=[0.55, 0.2, 0.15, 0.1, 0.0]).tolist()
            )
            change: tuple[tuple[str, float], ...] = ()
            who = choice(0, 1) if second else 0
            if (often := rng.random() < 0.3 * zero) or rng.random() < 0.15 * calm:
                name = restless[who] if often else choice(*settings[who])
                change = (
                    (
                        name,
                        0.0
                        if name in OFF and rng.random() < zero
                        else choice(*settings[who][name]),
                    ),
                )
            likely = 0.5 if change else 0.2 * calm
            return Step(
                rows if first or rng.random() < rare else (0,) if rng.random() < 0.8 else (),
                bool(rng.random() < 0.8),
                choice(1.0, 1.0, 0.5, 0.25, zero) if calm else 1.0,
                choice(0.0, 0.0, 0.0, 0.7) if calm else 0.0,
                choice(
                    "look",
                    "reload",
                    "exact",
                    *["exact"] * 6 * bool(change),  # what is pending is of the settings before
                    "fresh",
                    "save",
                    "rewind",
                    "rewind",
                    "keep",
                    "spoil",
                    "fail",
                    "copy",
                    "assign",
                )
                if rng.random() < likely
                else "",
                change,
                bool(change),
                bool(rng.random() < 0.05 * calm),
                who,
                choice("lookup", "lookup", "index", "rows"),
                bool(rng.random() < 0.05 * calm),
                choice("W", "table") if rng.random() < 0.05 * calm else "",
                bool(rng.random() < 0.05 * calm),
            )

        dtype = choice("float64", "float64", "float64", "float32")
        return Training(
            rule,
            options,
            choice(0.1, 0.01),
            choice(0.0, 0.01),
            choice(0.0, 0.0, 0.0, 0.01),
            tuple(
                replace(one, dense=one.dense or not one.ids)
                for one in (step(k < 3) for k in range(count))
            ),
            layouts.draw(rng),
            dtype,
            choice(dtype, dtype, dtype, "float32", "float64"),
            choice(None, None, 0.05),
            bool(rng.random() < 0.9),
            choice((2,), (2,), (2, 2), (), (1,)),
            choice("", "", "float32", *NUMBERS),
            bool(rng.random() < 0.2),
            second,
        )

    def fault(self, case: Training) -> str:
        rng = np.random.default_rng(1)
        dtypes, number_type = {"W": case.dtype, "table": case.table_dtype}, NUMBERS[case.number]
        start = {"W": rng.normal(size=(2, 3)), "table": rng.normal(size=(ROWS, *case.cell))}
        start = {name: array.astype(dtypes[name]).astype(float) for name, array in start.items()}
        given = {
            name: laid_out(array.astype(dtypes[name]), case.layout) for name, array in start.items()
        }
        tensors = {name: mg.Tensor(array, requires_grad=True) for name, array in given.items()}
        if case.table:
            tensors["table"] = make_table(given["table"])
        exact = {case.dtype, case.table_dtype} == {"float64"} and case.number != "float32"
        clipped = any(step.clip for step in case.steps)  # by a norm of all gradients
        roundings = {
            name: 1e-11 * (1 + len(case.steps) / 50)
            if exact or not clipped and dtype == "float64" and case.number != "float32"
            else 1e-5 * (1 + len(case.steps) ** 0.5)
            for name, dtype in dtypes.items()
        }
        cases = [
            case,
            *([replace(case, rule=case.second[0], options=case.second[1])] if case.second else []),
        ]
        optimizers, frozen = [make(one, tensors) for one in cases], set[str]()
        # The near ones show how much these steps amplify rounding, as decay does around 0.
        book, near = (
            Textbook(case, {name: array.copy() for name, array in start.items()}) for _ in range(2)
        )
        books = [
            (book, near),
            *([(Textbook(one, book.p), Textbook(one, near.p)) for one in cases[1:]]),
        ]
        saved = [
            (optimizer.state_dict(), [one.state() for one in books[k]])
            for k, optimizer in enumerate(optimizers)
        ]
        kept: list[tuple[Any, Any]] = []  # what must stay as it is, and copies

        def keep(arrays: dict[str, Array]) -> None:
            kept.extend((array, array.copy()) for array in arrays.values())

        def spoil(arrays: dict[str, Array]) -> None:
            for array in arrays.values():
                array.fill(7)

        def act(then: str, number: int, who: int) -> str:
            former = optimizers[who]
            if then == "look":
                mg.lookup(tensors["table"], [number % ROWS])
            elif then == "assign":
                name = ("W", "table")[number % 2]
                array = (
                    np.cos(number + np.arange(book.p[name].size))
                    .reshape(book.p[name].shape)
                    .astype(dtypes[name])
                )
                tensors[name].array = array
                for one in (book, near):
                    one.p[name][...] = array
                array.fill(7)
            elif then == "save":
                saved[who] = former.state_dict(), [one.state() for one in books[who]]
            elif then in ("keep", "spoil"):
                (keep if then == "keep" else spoil)(
                    former.raw_state() if number % 2 else former.state_dict()
                )
                keep({"": tensors["table"].detach().array})
            elif then == "fail":
                return fails(former, tensors, number)
            elif then == "copy":
                keep({name: tensor.array for name, tensor in tensors.items()})
                everything = optimizers, tensors
                copied = (
                    copy.deepcopy(everything)
                    if number % 2
                    else pickle.loads(pickle.dumps(everything))
                )
                (optimizers[:], _), _ = copied, tensors.update(copied[1])
            elif then == "rewind":
                state, of_books = copy.deepcopy(saved[who])
                former.load_state_dict(state)
                spoil(state)
                for one, own in zip(books[who], of_books, strict=True):
                    one.m, one.v, one.t = own
            elif then:
                optimizer = optimizers[who] = make(cases[who], tensors)
                if then == "exact":
                    optimizer.load_hyperparameters(former.hyperparameters())
                    optimizer.load_raw_state(state := former.raw_state())
                    spoil(state)
                    return ""
                for name in OPTIONS[cases[who].rule]:
                    setattr(optimizer, name, getattr(former, name))
                for ours, theirs in zip(optimizer.groups, former.groups, strict=True):
                    ours.lr, ours.weight_decay = theirs.lr, theirs.weight_decay
                if then == "reload":
                    optimizer.load_state_dict(state := former.state_dict())
                    spoil(state)
            if then == "fresh":
                for one in books[who]:
                    one.restart()
            return ""

        for number, step in enumerate(case.steps):
            for name, value in step.change:
                for one in books[step.who]:
                    one.change(name, float(number_type(value)))
                if name.startswith("freeze"):
                    path = name.removeprefix("freeze ")
                    tensors[path].requires_grad = not value
                    (frozen.add if value else frozen.discard)(path)
                elif name in ("weight_decay", "table_decay"):
                    optimizers[step.who].groups[name == "table_decay"].weight_decay = number_type(
                        value
                    )
                elif name == "table_lr":
                    optimizers[step.who].groups[1].lr = number_type(value)
                else:
                    setattr(optimizers[step.who], name, number_type(value))
            if step.early and (problem := act(step.then, number, step.who)):
                return problem
            slope = np.cos(1.0 + number + np.arange(6.0)).reshape(2, 3).astype(case.dtype)
            weights = np.sin(1.0 + number + np.arange(float(len(step.ids) * math.prod(case.cell))))
            weights = weights.reshape(-1, *case.cell).astype(case.table_dtype)
            if case.zeros and case.cell > (1,):
                weights[:, 0] = 0
            loss = (
                (tensors["W"] * slope).sum() if step.dense else mg.Tensor(np.zeros((), case.dtype))
            )
            gradients, looked = {"W": slope.astype(float)} if step.dense else {}, loss
            if step.ids or step.whole:
                looked = self.look(tensors["table"], step, weights)
                loss = loss + looked
                gradients["table"] = np.zeros((ROWS, *case.cell))
                np.add.at(gradients["table"], list(step.ids), weights)
            if step.whole:
                loss = loss + 0.25 * tensors["table"].sum()
                gradients["table"] += 0.25
            gradients = {
                name: g * (1 + step.twice) for name, g in gradients.items() if name not in frozen
            }
            if not gradients:
                continue
            optimizer = optimizers[step.who]
            optimizer.zero_grad()
            for _ in range(1 + step.twice):
                loss.backward()
            if step.clip:
                norm = optim.clip_gradients(tensors, step.clip)
                expected = math.sqrt(sum(float((g * g).sum()) for g in gradients.values()))
                if not math.isclose(norm, expected, rel_tol=1e-9 if exact else 1e-5):
                    return f"norm: at step {number} the norm is {norm}, and should be {expected}"
                gradients = {
                    name: g * min(1.0, step.clip / expected) for name, g in gradients.items()
                }
            if step.peek:
                keep(
                    {
                        name: tensor.grad
                        for name, tensor in tensors.items()
                        if tensor.grad is not None
                    }
                )
            skipped = (
                step.skip if step.skip not in frozen and gradients.keys() - {step.skip} else ""
            )
            if skipped:
                tensors[skipped].requires_grad = False
            optimizer.scale = number_type(step.scale)
            optimizer.step()
            if skipped:
                tensors[skipped].requires_grad = True
            for name, g in gradients.items():
                if not np.abs(np.asarray(tensors[name].grad) - g).max() < 1e-4:
                    return f"gradient: after step {number} that of {name} is {tensors[name].grad}, not {g.tolist()}"
            if number == len(case.steps) - 1:
                for part in (looked, loss):
                    try:
                        part.backward()
                    except mg.MinigradError:
                        continue
                    changed = gradients.keys() - {skipped}
                    if part.requires_grad and (changed if part is loss else "table" in changed):
                        return "stale: backward goes through a graph whose parameters have changed"
            gradients.pop(skipped, None)
            before = {name: array.copy() for name, array in near.p.items()}
            for one in books[step.who]:
                one.step(gradients, float(number_type(step.scale)))
            for name, array in before.items():
                # a hundred times that of the settings
                rounding = 1e-5 if case.number == "float32" else 1e-14
                near.p[name] += rounding * (-1) ** number * array
            if not step.early and (problem := act(step.then, number, step.who)):
                return problem
        if not all(np.array_equal(*pair) for pair in kept):
            return "shared: arrays that were handed out have changed"
        longest = max(one.longest for one, _ in books)
        lazy = any(one.lazy() for one, _ in books)
        for name, tensor in tensors.items():
            # A row stops catching up when a velocity has become NEGLIGIBLE.
            stopped = 100 * optim.lazy.NEGLIGIBLE * longest * (name == "table")
            amplified = 10 * np.abs(near.p[name] - book.p[name]).max()
            tolerance = (
                roundings[name] + stopped + amplified + 2e-5 * longest * (name == "table" and lazy)
            )
            if tensor.dtype != dtypes[name]:
                return f"dtype: {name} has become {tensor.dtype}"
            if not (apart := np.abs(tensor.array - book.p[name]).max()) <= tolerance:
                found, there = tensor.array.tolist(), book.p[name].tolist()
                return f"parameters: {name} is {found}\n    by the formulas {there}, {apart} away"
        for optimizer, (one, other) in zip(optimizers, books, strict=True):
            if problem := one.unlike(optimizer.state_dict(), roundings, other):
                return problem
        return ""

    def look(self, table: mg.Tensor, step: Step, weights: Array) -> mg.Tensor:
        """The rows that the step reads times the weights, added up."""
        if step.read == "lookup":
            return (mg.lookup(table, np.array(step.ids, int)) * weights).sum()
        signed = [row - ROWS * (k % 2) for k, row in enumerate(step.ids)]
        if step.read == "index" or not step.ids:
            return (table[np.array(signed, int)] * weights).sum()
        return sum(
            ((table[row] * weight).sum() for row, weight in zip(signed, weights, strict=True)),
            mg.Tensor(0.0),
        )

    def smaller(self, case: Training) -> Iterator[Training]:
        for size in (len(case.steps) // 2, 8, 4, 2, 1):
            for begin in range(0, len(case.steps), size) if 0 < size < len(case.steps) else ():
                yield replace(case, steps=case.steps[:begin] + case.steps[begin + size :])
        if case.decay or case.table_decay:
            yield replace(case, decay=0.0)
            yield replace(case, table_decay=0.0)
        plain: Any = {"layout": "C", "dtype": "float64", "table_dtype": "float64", "table_lr": None, "table": True,
                      "cell": (2,), "number": "", "zeros": False, "second": ()}  # fmt: skip
        if case.second:
            yield replace(case, second=(), steps=tuple(replace(step, who=0) for step in case.steps))
        for name, value in plain.items():
            if getattr(case, name) != value and name != "second":
                yield replace(case, **{name: value})
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
                {"who": 0},
                {"read": "lookup"},
                {"twice": False},
                {"skip": ""},
                {"peek": False},
            ]
            for simpler in (replace(step, **change) for change in changes):
                if simpler != step and (simpler.ids or simpler.dense):
                    yield replace(
                        case, steps=(*case.steps[:place], simpler, *case.steps[place + 1 :])
                    )

    def as_test(self, case: Training) -> str:
        return (
            "from tests.fuzz.optimizers import Optimizers, Step, Training\n\n\ndef "
            f"test_a_training():\n    training = {case!r}\n    assert Optimizers().fault(training) "
            "== ''\n"
        )


def fails(optimizer: optim.Optimizer, tensors: dict[str, mg.Tensor], number: int) -> str:
    """A step that is refused, because of a setting or of a gradient's shape, must change nothing
    but gradients.
    """
    free = [name for name, tensor in tensors.items() if tensor.requires_grad]
    if not free:
        return ""
    for name in free:
        tensors[name].grad = np.ones(tensors[name].shape)
    scale = optimizer.scale
    if number % 2:
        last: Any = tensors[free[-1]].node
        last.grad = last.grad[None]
    else:
        optimizer.scale = np.nan
    try:
        optimizer.step()
    except mg.MinigradError:
        optimizer.scale = scale
        optimizer.zero_grad()
        return ""
    return "no failure: of a step that must fail"


def make(case: Training, tensors: dict[str, mg.Tensor]) -> optim.Optimizer:
    groups: list[dict[str, Any]] = [
        {"parameters": {"W": tensors["W"]}, "weight_decay": case.decay},
        {"parameters": {"table": tensors["table"]}, "weight_decay": case.table_decay},
    ]
    if case.table_lr is not None:
        groups[1]["lr"] = case.table_lr
    options: dict[str, Any] = dict(case.options)
    if "beta1" in options:
        options = {"betas": (options.pop("beta1"), options.pop("beta2")), **options}
    if case.rule == "SGD nesterov":
        options["nesterov"] = True
    return getattr(optim, case.rule.split()[0])(groups, lr=case.lr, **options)  # type: ignore[no-any-return]


class Textbook:
    """The update rules as the papers state them, on whole arrays in float64, with no thought of
    speed.
    """

    def __init__(self, case: Training, start: dict[str, Array]) -> None:
        self.case, self.options = case, dict(case.options)
        self.p = start
        self.m = {name: np.zeros_like(array) for name, array in start.items()}
        self.v = {name: np.zeros_like(array) for name, array in start.items()}
        self.t = dict.fromkeys(start, 0)
        self.lr = {"W": case.lr, "table": case.lr if case.table_lr is None else case.table_lr}
        self.decay = {"weight_decay": case.decay, "table_decay": case.table_decay}
        self.longest = 0.0  # the largest change so far

    def state(self) -> Any:
        return copy.deepcopy((self.m, self.v, self.t))

    def restart(self) -> None:
        """Forget the state, as a new optimizer has none."""
        for name in self.p:
            self.m[name][...], self.v[name][...], self.t[name] = 0, 0, 0

    def change(self, name: str, value: float) -> None:
        if name in self.decay:
            self.decay[name] = value
        elif name == "lr":
            self.lr = dict.fromkeys(self.lr, value)
        elif name == "table_lr":
            self.lr["table"] = value
        else:
            self.options[name] = value

    def lazy(self) -> bool:
        """Whether rows of the table may catch up by sums that are right to 1e-5 only, as the docs
        of Adam say.
        """
        return self.case.rule.startswith("Adam")

    def step(self, gradients: dict[str, Array], scale: float) -> None:
        rule, get = self.case.rule, self.options.get
        for name, g in gradients.items():
            decay = self.decay["weight_decay" if name == "W" else "table_decay"]
            p, m, v, lr = self.p[name], self.m[name], self.v[name], self.lr[name] * scale
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

    def unlike(self, state: dict[str, Array], roundings: dict[str, float], near: Textbook) -> str:
        """Which of the optimizer's arrays differs from ours; "" if none does."""
        ours, others = (
            {"m": book.m, "velocity": book.m, "v": book.v, "squares": book.v, "steps": book.t}
            for book in (self, near)
        )
        for path, array in state.items():
            slot, _, name = path.partition("/")
            expected: Any = ours[slot][name]  # type: ignore[index]
            amplified: Any = 10 * np.abs(others[slot][name] - expected).max()  # type: ignore[index]
            if (
                not np.abs(array - expected).max()
                <= 10 * roundings[name] * (1 + np.abs(expected).max()) + amplified
            ):
                return f"state: {path} is {array.tolist()}, and by the formulas {np.asarray(expected).tolist()}"
        return ""
