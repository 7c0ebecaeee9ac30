"""Optimizers against the textbooks' rules, with a table whose rows are updated lazily."""

import copy
import pickle
from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
)

import minigrad as mg
import optim
from minigrad.gates.table import make_table

from .draw import NATIVE, laid_out
from .thresholds import small_thresholds, using

ROWS = 5
VALUES = {
    "lr": (0.1, 0.01, 0.0),
    "weight_decay": (0.0, 0.01),
    "momentum": (0.9, 0.5, 0.0),
    "decay": (0.9, 0.5, 0.0),
    "beta1": (0.9, 0.5, 0.0),
    "beta2": (0.5, 0.9, 0.97, 0.99, 0.999),
    "eps": (1e-7, 1e-3),
}
RULES: dict[str, tuple[Any, tuple[str, ...]]] = {
    # (how the optimizer is made, and its settings)
    "SGD": (optim.SGD, ()),
    "momentum": (
        partial(optim.SGD, momentum=0.9),
        ("momentum",),
    ),
    "nesterov": (
        partial(optim.SGD, momentum=0.9, nesterov=True),
        ("momentum",),
    ),
    "RMSprop": (optim.RMSprop, ("decay", "eps")),
    "Adagrad": (optim.Adagrad, ("eps",)),
    "Adam": (optim.Adam, ("beta1", "beta2", "eps")),
    "AdamW": (optim.AdamW, ("beta1", "beta2", "eps")),
}


class Textbook:
    """An update rule as its paper states it, for one parameter in float64."""

    def __init__(self, name, p):
        self.name = name
        self.p = np.array(p, float)
        self.longest = 0.0  # the largest change so far
        self.restart()

    def restart(self):
        zero = np.zeros(self.p.shape)
        self.state: dict[str, Any] = {
            "m": zero,
            "v": zero,
            "steps": 0,
        }

    def step(self, g, lr, weight_decay, **settings):
        before = self.p
        if self.name == "AdamW":
            self.p = before - lr * weight_decay * before
        else:
            g = g + weight_decay * before
        self.state["steps"] += 1
        self.p = self.p - lr * self.direction(g, **settings)
        self.longest = max(self.longest, np.abs(self.p - before).max())

    def direction(
        self,
        g,
        momentum=0.0,
        decay=1.0,
        beta1=0.0,
        beta2=0.0,
        eps=0.0,
    ):
        m, v, t = self.state.values()
        if self.name.startswith("Adam"):
            m = self.state["m"] = beta1 * m + (1 - beta1) * g
            v = self.state["v"] = beta2 * v + (1 - beta2) * g**2
            return m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps)
        if self.name in ("Adagrad", "RMSprop"):
            share = 1 - decay if self.name == "RMSprop" else 1
            v = self.state["v"] = decay * v + share * g**2
            return g / (np.sqrt(v) + eps)
        m = self.state["m"] = momentum * m + g
        return g + momentum * m if self.name == "nesterov" else m


def spoil(arrays):
    """Change what belongs to the caller, which must change nothing else."""
    for array in arrays.values():
        array.fill(7)


class OptimizerMachine(RuleBasedStateMachine):
    """A matrix W and a table in two groups of one optimizer."""

    @initialize(
        name=st.sampled_from([*RULES]),
        dtype=st.sampled_from(["float64", "float32"]),
        layout=st.sampled_from(["C", *NATIVE]),
        lazy=st.integers(0, 9).map(bool),
        shape=st.sampled_from([(2,), (), (1,), (2, 2)]),
        seldom=st.sampled_from([0.0, 0.5, 0.9]),
        small=small_thresholds,
        seed=st.integers(0, 1000),
    )
    def start(
        self,
        name,
        dtype,
        layout,
        lazy,
        shape,
        seldom,
        small,
        seed,
    ):
        self.stack = ExitStack()
        self.stack.enter_context(using(small))
        self.rng = np.random.default_rng(seed)
        self.name, self.dtype = name, dtype
        self.seldom = seldom  # how often no row but the first is read
        self.settings = {one: self.pick(*VALUES[one]) for one in RULES[name][1]}
        self.lr = {"W": 0.1, "table": self.pick(0.1, 0.05)}
        self.decay = {
            "W": self.pick(0.0, 0.01),
            "table": self.pick(0.0, 0.01),
        }
        table = self.numbers(ROWS, *shape)
        start = {
            "W": laid_out(self.numbers(2, 3), layout),
            "table": laid_out(table, layout),
        }
        self.tensors = {key: mg.Tensor(a, requires_grad=True) for key, a in start.items()}
        if lazy:
            self.tensors["table"] = make_table(start["table"])
        # The second shows how much the steps amplify rounding, as decay does around 0.
        self.books = {key: [Textbook(name, a) for _ in "ab"] for key, a in start.items()}
        self.all_books = sum(self.books.values(), [])
        self.optimizer = self.make()
        self.steps = 0
        self.save()

    def pick(self, *values):
        return values[self.rng.integers(len(values))]

    def numbers(self, *shape):
        return np.asarray(self.rng.normal(size=shape)).astype(self.dtype)

    def make(self):
        groups = [
            {
                "parameters": {name: tensor},
                "lr": self.lr[name],
                "weight_decay": self.decay[name],
            }
            for name, tensor in self.tensors.items()
        ]
        optimizer = RULES[self.name][0](groups, lr=0.1)
        for name, value in self.settings.items():
            setattr(optimizer, name, value)
        return optimizer

    # ---- steps ----

    @rule(times=st.integers(1, 12), events=st.booleans())
    def step(self, times, events):
        """Steps, sometimes with gradients that are added up, clipped, kept or scaled."""
        for _ in range(times):
            self.one_step(events)

    @rule()
    def one_plain_step(self):
        self.one_step(False)

    def one_step(self, events):
        losses, gradients = self.losses(events)
        if not gradients:
            return
        optimizer = self.optimizer
        optimizer.zero_grad()
        factor = 2.0 if events and self.rng.random() < 0.1 else 1.0
        for _ in range(int(factor)):
            sum(losses.values()).backward()
        if events and self.rng.random() < 0.3:
            norms = [np.linalg.norm(factor * g) for g in gradients.values()]
            norm = float(np.linalg.norm(norms))
            found = optim.clip_gradients(self.tensors, 0.7)
            np.testing.assert_allclose(found, norm, 1e-5, 1e-8)
            factor *= 0.7 / max(norm, 0.7)
        optimizer.scale = self.pick(1.0, 1.0, 0.5, 0.25, 0.0) if events else 1.0
        optimizer.step()
        self.steps += 1
        for name, g in gradients.items():
            gradient: Any = self.tensors[name].grad
            np.testing.assert_allclose(gradient, factor * g, 1e-4, 1e-4)
            lr = optimizer.scale * self.lr[name]
            for book in self.books[name]:
                book.step(
                    factor * g,
                    lr,
                    self.decay[name],
                    **self.settings,
                )
            noise = 1e-14 if self.dtype == "float64" else 1e-7
            book.p = book.p + noise * (-1) ** self.steps * (1 + np.abs(book.p))
        if self.rng.random() < 0.1:  # the graph's parameters have changed
            with pytest.raises(mg.MinigradError):
                losses[self.pick(*gradients)].backward()

    def losses(self, events):
        """Sums of products with W and with rows of the table, and their gradients."""
        table = self.tensors["table"]
        ids = self.rng.choice([0, 0, 0, 1, 1, 2, 3], self.pick(1, 2, 3))
        if self.rng.random() < self.seldom:
            ids = np.zeros(self.pick(0, 1), int)
        slopes = self.numbers(len(ids), *table.shape[1:])
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
        if events and self.rng.random() < 0.1:
            loss = loss + 0.25 * table.sum()
            gradient += 0.25
        slope = self.numbers(2, 3)
        losses = {
            "table": loss,
            "W": (self.tensors["W"] * slope).sum(),
        }
        gradients = {
            "table": gradient,
            "W": slope.astype(float),
        }
        if self.rng.random() < 0.2:
            del losses["W"], gradients["W"]
        for name, tensor in self.tensors.items():
            if not tensor.requires_grad:
                gradients.pop(name, None)
        return losses, gradients

    # ---- what happens between the steps ----

    @rule()
    def setting(self):
        """A setting changes. Pending steps use the settings before the change."""
        name = self.pick(
            "lr",
            "weight_decay",
            *self.settings,
            *self.settings,
        )
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

    @rule(name=st.sampled_from(["table", "W"]))
    def freeze(self, name):
        tensor = self.tensors[name]
        tensor.requires_grad = not tensor.requires_grad

    @rule(row=st.integers(0, ROWS - 1))
    def look(self, row):
        mg.lookup(self.tensors["table"], [row])

    @rule(name=st.sampled_from(["table", "W"]))
    def assign(self, name):
        array = self.numbers(*self.tensors[name].shape)
        self.tensors[name].array = array
        for book in self.books[name]:
            book.p = array.astype(float)
        spoil({name: array})

    @rule()
    def save(self):
        states = [dict(book.state) for book in self.all_books]
        self.saved = self.optimizer.state_dict(), states

    @rule()
    def rewind(self):
        """Load the state that was saved. Parameters stay."""
        state, states = copy.deepcopy(self.saved)
        self.optimizer.load_state_dict(state)
        spoil(state)
        for book, own in zip(self.all_books, states, strict=True):
            book.state = own

    @rule()
    def fresh(self):
        self.optimizer = self.make()
        for book in self.all_books:
            book.restart()

    @rule(raw=st.booleans())
    def reload(self, raw):
        """Go on with another optimizer of the same state, in full or with pending updates."""
        former = self.optimizer
        state = former.raw_state() if raw else former.state_dict()
        self.optimizer = self.make()
        if raw:
            self.optimizer.load_hyperparameters(former.hyperparameters())
            assert self.optimizer.scale == former.scale
        self.optimizer.load_state_dict(state)
        spoil(state)

    @rule(pickled=st.booleans())
    def copy(self, pickled):
        both = self.optimizer, self.tensors
        copied = pickle.loads(pickle.dumps(both)) if pickled else copy.deepcopy(both)
        self.optimizer, self.tensors = copied

    # ---- comparison, after the last rule ----

    def teardown(self):
        with self.stack:
            self.rounding = 1e-11 * (1 + self.steps / 50)
            if self.dtype == "float32":
                self.rounding = 1e-5 * (1 + self.steps**0.5)
            for name in self.books:
                self.compare_parameter(name)
            self.compare_states()

    def compare_parameter(self, name):
        book, near = self.books[name]
        room = self.rounding + 10 * np.abs(near.p - book.p).max()
        if name == "table":
            # A row stops catching up when a velocity is NEGLIGIBLE, and Adam's sums are right to
            # 1e-5, as its docs say.
            lazy = 100 * optim.lazy.NEGLIGIBLE
            room += book.longest * (lazy + 2e-5 * self.name.startswith("Adam"))
        found = self.tensors[name].array
        assert found.dtype == self.dtype
        np.testing.assert_allclose(found, book.p, 0, room, err_msg=name)

    def compare_states(self):
        slots = {"velocity": "m", "squares": "v"}
        for (
            path,
            found,
        ) in self.optimizer.state_dict().items():
            slot, _, name = path.partition("/")
            states = [book.state[slots.get(slot, slot)] for book in self.books[name]]
            expected, other = map(np.asarray, states)
            room = 10 * self.rounding * (1 + np.abs(expected).max())
            room += 10 * np.abs(other - expected).max()
            np.testing.assert_allclose(found, expected, 0, room, err_msg=path)


TestOptimizers = OptimizerMachine.TestCase
TestOptimizers.settings = settings(stateful_step_count=30)
