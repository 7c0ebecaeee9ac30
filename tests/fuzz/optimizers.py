"""Random lives of an optimizer and its parameters, a table with lazy updates included, against the
textbooks' formulas in plain NumPy.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import minigrad as mg
import optim
import optim.lazy
from minigrad.gates.table import make_table

from . import layouts
from .layouts import laid_out
from .lives import Array, Lives, World, refused

Arrays = dict[str, Array]
ROWS = 5
VALUES = {
    "lr": (0.1, 0.01, 0.0),
    "weight_decay": (0.0, 0.0, 0.01),
    "momentum": (0.9, 0.5, 0.0),
    "decay": (0.9, 0.5, 0.0),
    "beta1": (0.9, 0.5, 0.0),
    "beta2": (0.5, 0.9, 0.97, 0.99, 0.999),
    "eps": (1e-7, 1e-3),
}
RULES: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "SGD": (optim.SGD, ()),
    "momentum": (partial(optim.SGD, momentum=0.9), ("momentum",)),
    "nesterov": (partial(optim.SGD, momentum=0.9, nesterov=True), ("momentum",)),
    "RMSprop": (optim.RMSprop, ("decay", "eps")),
    "Adagrad": (optim.Adagrad, ("eps",)),
    "Adam": (optim.Adam, ("beta1", "beta2", "eps")),
    "AdamW": (optim.AdamW, ("beta1", "beta2", "eps")),
}
"""How each rule is made, and its settings."""


class Textbook:
    """An update rule as its paper states it, for one parameter in float64, with no thought of
    speed.
    """

    def __init__(self, rule: str, p: Array) -> None:
        self.rule = rule
        self.p = np.array(p, float)
        self.longest = 0.0  # the largest change so far
        self.restart()

    def restart(self) -> None:
        zero = np.zeros(self.p.shape)
        self.state: dict[str, Any] = {"m": zero, "v": zero, "steps": 0}

    def step(
        self,
        g,
        lr,
        weight_decay,
        momentum=0.0,
        decay=0.0,
        beta1=0.0,
        beta2=0.0,
        eps=0.0,
    ):
        p, (m, v, t) = self.p, self.state.values()
        t += 1
        if self.rule == "AdamW":
            p = p - lr * weight_decay * p
        else:
            g = g + weight_decay * p
        if self.rule.startswith("Adam"):
            m = beta1 * m + (1 - beta1) * g
            v = beta2 * v + (1 - beta2) * g**2
            root = np.sqrt(v / (1 - beta2**t))
            p = p - lr * m / (1 - beta1**t) / (root + eps)
        elif self.rule == "Adagrad":
            v = v + g**2
            p = p - lr * g / (np.sqrt(v) + eps)
        elif self.rule == "RMSprop":
            v = decay * v + (1 - decay) * g**2
            p = p - lr * g / (np.sqrt(v) + eps)
        else:
            m = momentum * m + g
            p = p - lr * (g + momentum * m if self.rule == "nesterov" else m)
        self.longest = max(self.longest, float(np.abs(p - self.p).max()))
        self.p, self.state = p, {"m": m, "v": v, "steps": t}


def spoil(arrays: Arrays) -> None:
    """Change what belongs to the caller, which must change nothing else."""
    for array in arrays.values():
        array.fill(7)


class Training(World):
    """A matrix W and a table in groups of one optimizer."""

    actions = ["step"] * 30 + ["setting"] * 3 + ["exact", "rewind"] * 2
    actions += ["look", "assign", "save", "keep", "copy", "fail"]
    actions += ["fresh", "reload", "freeze"]

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.rule = self.pick(*RULES)
        self.settings = {name: self.pick(*VALUES[name]) for name in RULES[self.rule][1]}
        self.lr = {"W": 0.1, "table": self.pick(0.1, 0.05)}
        self.decay = {"W": self.pick(0.0, 0.01), "table": self.pick(0.0, 0.0, 0.01)}
        self.dtype = self.pick("float64", "float64", "float64", "float32")
        self.seldom = self.pick(0.0, 0.5, 0.9)  # how often no row but the first is read
        self.events = self.yes()  # schedules, clipping and more
        layout = layouts.draw(self.rng)
        start: Arrays = {}
        self.tensors: dict[str, mg.Tensor] = {}
        for name, shape in (
            ("W", (2, 3)),
            ("table", (ROWS, *self.pick((2,), (2, 2), (), (1,)))),
        ):
            array = self.rng.normal(size=shape).astype(self.dtype)
            start[name] = laid_out(array, layout)
            self.tensors[name] = mg.Tensor(start[name], requires_grad=True)
        if self.yes(0.9):
            self.tensors["table"] = make_table(start["table"])
        # The second shows how much the steps amplify rounding, as decay does around 0.
        self.books = {
            name: (Textbook(self.rule, array), Textbook(self.rule, array))
            for name, array in start.items()
        }
        self.all_books = [book for books in self.books.values() for book in books]
        self.optimizer = self.make()
        self.kept: list[tuple[Array, Array]] = []  # what must stay as it is, and copies
        self.steps = 0
        self.save()

    def make(self) -> Any:
        groups = [
            {
                "parameters": {name: tensor},
                "lr": self.lr[name],
                "weight_decay": self.decay[name],
            }
            for name, tensor in self.tensors.items()
        ]
        optimizer = RULES[self.rule][0](groups, lr=0.1)
        for name, value in self.settings.items():
            setattr(optimizer, name, value)
        return optimizer

    def _keep(self, arrays: Arrays) -> None:
        self.kept += [(array, array.copy()) for array in arrays.values()]

    # ---- actions ----

    def setting(self) -> None:
        """A setting changes. Pending steps use the settings before the change."""
        name = self.pick("lr", "weight_decay", *self.settings, *self.settings)
        value = self.pick(*VALUES[name])
        group = self.pick(*self.optimizer.groups)
        (path,) = group.parameters
        if name == "lr":
            group.lr = self.lr[path] = value
        elif name == "weight_decay":
            group.weight_decay = self.decay[path] = value
        else:
            self.settings[name] = value
            setattr(self.optimizer, name, value)
        if self.yes(0.4):
            getattr(self, self.pick("exact", "exact", "look", "rewind", "fresh"))()

    def freeze(self) -> None:
        tensor = self.tensors[self.pick("W", "table", "table")]
        tensor.requires_grad = not tensor.requires_grad

    def look(self) -> None:
        mg.lookup(self.tensors["table"], [self.number(ROWS)])

    def assign(self) -> None:
        name = self.pick("W", "table")
        array = self.rng.normal(size=self.tensors[name].shape).astype(self.dtype)
        self.tensors[name].array = array
        for book in self.books[name]:
            book.p = array.astype(float)
        spoil({name: array})

    def save(self) -> None:
        self.saved = (
            self.optimizer.state_dict(),
            [book.state for book in self.all_books],
        )

    def rewind(self) -> None:
        """Load the state that was saved. Parameters stay."""
        state, states = copy.deepcopy(self.saved)
        self.optimizer.load_state_dict(state)
        spoil(state)
        for book, own in zip(self.all_books, states, strict=True):
            book.state = own

    def fresh(self) -> None:
        self.optimizer = self.make()
        for book in self.all_books:
            book.restart()

    def reload(self) -> None:
        state = self.optimizer.state_dict()
        self.optimizer = self.make()
        self.optimizer.load_state_dict(state)
        spoil(state)

    def exact(self) -> None:
        """Go on with another optimizer of the same raw state."""
        former = self.optimizer
        self.optimizer = self.make()
        self.optimizer.load_hyperparameters(former.hyperparameters())
        assert self.optimizer.scale == former.scale, "the scale is lost"
        state = former.raw_state()
        self.optimizer.load_state_dict(state)
        spoil(state)

    def keep(self) -> None:
        """An array that was handed out keeps its values, and its owner may change it."""
        state = (
            self.optimizer.raw_state() if self.yes() else self.optimizer.state_dict()
        )
        if self.yes():
            self._keep({**state, "": self.tensors["table"].detach().array})
        else:
            spoil(state)

    def copy(self) -> None:
        self._keep({name: tensor.array for name, tensor in self.tensors.items()})
        self.optimizer, self.tensors = self.copied((self.optimizer, self.tensors))

    def fail(self) -> None:
        """A step that is refused, because of a setting or of a gradient's shape, changes nothing
        but gradients.
        """
        free = [tensor for tensor in self.tensors.values() if tensor.requires_grad]
        for tensor in free:
            tensor.grad = np.ones(tensor.shape)
        scale = self.optimizer.scale
        if free and self.yes():
            leaf: Any = free[-1].node
            leaf.grad = np.ones((1, *leaf.shape))
        else:
            self.optimizer.scale = np.nan
        assert refused(self.optimizer.step), "a step that must fail was made"
        self.optimizer.scale = scale

    def _loss(self) -> tuple[dict[str, Any], Arrays]:
        """Sums of products with W and with rows of the table, and their gradients."""
        table = self.tensors["table"]
        ids = np.array(
            [self.pick(0, 0, 0, 1, 1, 2, 3) for _ in range(1 + self.number(3))]
        )
        if self.yes(self.seldom):
            ids = np.zeros(self.number(2), int)
        slopes = self.rng.normal(size=(len(ids), *table.shape[1:])).astype(self.dtype)
        gradient = np.zeros(table.shape)
        np.add.at(gradient, ids, slopes)
        signed = ids - ROWS * (np.arange(len(ids)) % 2)  # some count from the end
        read = self.pick("lookup", "lookup", "index", "rows")
        if read == "rows" and len(ids):
            pairs = zip(signed, slopes, strict=True)
            loss: Any = sum((table[row] * slope).sum() for row, slope in pairs)
        else:
            rows = mg.lookup(table, ids) if read == "lookup" else table[signed]
            loss = (rows * slopes).sum()
        if self.events and self.yes(0.05):
            loss = loss + 0.25 * table.sum()
            gradient += 0.25
        losses = {"table": loss}
        gradients = {"table": gradient}
        if self.yes(0.8):
            slope = self.rng.normal(size=(2, 3)).astype(self.dtype)
            losses["W"] = (self.tensors["W"] * slope).sum()
            gradients["W"] = slope.astype(float)
        return losses, gradients

    def step(self) -> None:
        """A step, sometimes with gradients that are added up, clipped or looked at."""
        losses, gradients = self._loss()
        free = {name for name, tensor in self.tensors.items() if tensor.requires_grad}
        gradients = {name: g for name, g in gradients.items() if name in free}
        if not gradients:
            return
        optimizer = self.optimizer
        optimizer.zero_grad()
        factor = 2.0 if self.events and self.yes(0.05) else 1.0
        for _ in range(int(factor)):
            sum(losses.values()).backward()
        if self.events and self.yes(0.25):
            norms = [np.linalg.norm(factor * g) for g in gradients.values()]
            norm = float(np.linalg.norm(norms))
            found = optim.clip_gradients(self.tensors, 0.7)
            assert np.isclose(found, norm, 1e-5), (
                f"the norm is {found}, and should be {norm}"
            )
            factor *= 0.7 / max(norm, 0.7)
        if self.events and self.yes(0.05):
            self._keep(
                {name: np.asarray(self.tensors[name].grad) for name in gradients}
            )
        optimizer.scale = self.pick(1.0, 1.0, 0.5, 0.25, 0.0) if self.events else 1.0
        optimizer.step()
        for name, g in gradients.items():
            gradient = np.asarray(self.tensors[name].grad)
            assert np.allclose(gradient, factor * g, 1e-4, 1e-4), (
                f"the gradient of {name} changed"
            )
            lr = optimizer.scale * self.lr[name]
            for book in self.books[name]:
                book.step(factor * g, lr, self.decay[name], **self.settings)
            noise = 1e-14 if self.dtype == "float64" else 1e-7
            book.p = book.p + noise * (-1) ** self.steps * (1 + np.abs(book.p))
        self.steps += 1
        if self.yes(0.1):
            name = self.pick(*gradients)
            assert refused(losses[name].backward), f"the graph's {name} has changed"

    def check_end(self) -> None:
        for array, before in self.kept:
            assert np.array_equal(array, before), (
                "an array that was handed out has changed"
            )
        rounding = 1e-11 * (1 + self.steps / 50)
        if self.dtype == "float32":
            rounding = 1e-5 * (1 + self.steps**0.5)
        # A row stops catching up when a velocity is NEGLIGIBLE, and Adam's sums are right to 1e-5,
        # as its docs say.
        lazy = 100 * optim.lazy.NEGLIGIBLE + 2e-5 * self.rule.startswith("Adam")
        for name, (book, near) in self.books.items():
            tensor = self.tensors[name]
            tolerance = rounding + 10 * np.abs(near.p - book.p).max()
            if name == "table":
                tolerance += lazy * book.longest
            assert tensor.dtype == self.dtype, f"{name} has become {tensor.dtype}"
            near_enough = np.abs(tensor.array - book.p).max() <= tolerance
            assert near_enough, f"{name} is {tensor.array}, by the formulas {book.p}"
        slots = {"velocity": "m", "squares": "v"}
        for path, array in self.optimizer.state_dict().items():
            slot, _, name = path.partition("/")
            slot = slots.get(slot, slot)
            expected, other = (np.array(book.state[slot]) for book in self.books[name])
            tolerance = 10 * rounding * (1 + np.abs(expected).max())
            tolerance += 10 * np.abs(other - expected).max()
            near_enough = np.abs(array - expected).max() <= tolerance
            assert near_enough, f"{path} is {array}, by the formulas {expected}"


class Optimizers(Lives):
    """Parameters after some steps, and what the optimizer keeps for them."""

    name = "optimizers"
    share = 3.0
    world = Training
    most = (4, 10, 25, 60, 100)
