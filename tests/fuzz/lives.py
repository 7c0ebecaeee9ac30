"""Lives of a few tensors: computed with, assigned, updated in place, frozen, copied, pickled,
differentiated, stepped.

All operations work element by element, so that a plain array holds a value's derivative by each
leaf.
"""

from __future__ import annotations

import contextlib
import copy
import pickle
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

import minigrad as mg
import optim

from .fuzzer import Choices, Fuzzer, Generator

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Life:
    """A world by its seed, and actions, each with the seed of its choices."""

    seed: int
    actions: tuple[tuple[str, int], ...]


class World(Choices):
    """Tensors and the numbers that they must hold. An action does something to both."""

    actions: ClassVar[list[str]]
    """The methods that are actions, some of them several times, as they are more likely."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def copied(self, everything: Any) -> Any:
        if self.yes():
            return copy.deepcopy(everything)
        return pickle.loads(pickle.dumps(everything))

    def check(self) -> None:
        """An AssertionError if a tensor does not hold what it must: after each action."""

    def check_end(self) -> None:
        """The same, after the last action."""


@dataclass
class Thing:
    """A leaf or a result: the tensor, the numbers that it must hold, its derivatives by the leaves,
    and whether a leaf that it depends on has been changed.
    """

    tensor: Any
    value: Array
    slopes: dict[int, Array] = field(default_factory=dict)
    stale: bool = False
    grad: Array | None = None
    past_cut: bool = False
    """Whether its graph goes on behind a cut, where leaves may have changed too."""


def refused(run: Any, *arguments: Any) -> bool:
    """Whether a call ends with one of our errors."""
    try:
        run(*arguments)
    except mg.MinigradError:
        return True
    return False


def same(what: str, found: Any, expected: Any) -> None:
    found = np.asarray(found)
    close = np.allclose(found, expected, 1e-10, 1e-10)
    assert close, f"{what} is {found.tolist()} instead of {expected.tolist()}"


class Tensors(World):
    """Leaves and results."""

    actions = ["product", "difference", "backward"] * 5 + ["view", "step", "update"] * 2
    actions += ["tanh", "cut", "assign", "clip", "zero", "freeze", "copy"]

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.shape = (3, 2)[: self.number(3)]
        self.leaves: list[Thing] = []
        self.results: list[Thing] = []
        for place, wanted in enumerate((True, True, False)):
            array = self.numbers()
            tensor = mg.Tensor(array, requires_grad=wanted)
            slopes = {place: np.ones(self.shape)} if wanted else {}
            self.leaves.append(Thing(tensor, array, slopes))

    def numbers(self) -> Array:
        return np.asarray(self.rng.uniform(-1, 1, self.shape))

    def operand(self, tensor: bool = False) -> Any:
        """A result or a leaf, or an array that changes afterwards."""
        kind = self.rng.random()
        if kind < 0.5 and self.results:
            return self.pick(*self.results)
        if kind < 0.6 and not tensor:
            array = self.numbers()
            return Thing(array, array.copy())
        return self.pick(*self.leaves)

    def check(self) -> None:
        for thing in (*self.leaves, *self.results):
            same("the value", thing.tensor.array, thing.value)
            assert thing.tensor.requires_grad == bool(thing.slopes), (
                "requires_grad is wrong"
            )
        for leaf in self.leaves:
            assert (leaf.tensor.grad is None) == (leaf.grad is None), (
                "there is a gradient, or not"
            )
            if leaf.grad is not None:
                same("the gradient", leaf.tensor.grad, leaf.grad)

    def _keep(self, tensor: Any, value: Array, *parts: tuple[Thing, Any]) -> None:
        """A result, and the parts that it was computed from, each with the slope by it."""
        slopes: dict[int, Array] = {}
        for part, slope in parts:
            for place, inner in part.slopes.items():
                slopes[place] = slopes.get(place, 0.0) + slope * inner
        stale = any(part.stale and part.slopes for part, _ in parts)
        past_cut = any(part.past_cut for part, _ in parts)
        result = Thing(tensor, np.asarray(value), slopes, stale, past_cut=past_cut)
        self.results = [*self.results[-5:], result]

    def _run(self, run: Any, value: Array, *parts: tuple[Thing, Any]) -> None:
        """Compute a result, recorded or not, within blocks of either kind."""
        recorded = self.yes(0.8)
        inner, outer = (
            (mg.enable_grad, mg.no_grad) if recorded else (mg.no_grad, mg.enable_grad)
        )
        with outer() if self.yes() else contextlib.nullcontext(), inner():
            if self.yes(0.2):  # blocks that end change nothing outside
                with mg.no_grad(), mg.enable_grad():
                    run(*(part.tensor for part, _ in parts))
            tensor = run(*(part.tensor for part, _ in parts))
        for part, _ in parts:
            if isinstance(part.tensor, np.ndarray):
                part.tensor[...] = 9.0  # the caller's own array, which may change
        if isinstance(tensor, mg.Tensor):
            self._keep(tensor, value, *parts if recorded else ())

    def product(self) -> None:
        a, b = self.operand(), self.operand()
        self._run(lambda x, y: x * y, a.value * b.value, (a, b.value), (b, a.value))

    def difference(self) -> None:
        a, b = self.operand(), self.operand()
        self._run(lambda x, y: x - y, a.value - b.value, (a, 1.0), (b, -1.0))

    def tanh(self) -> None:
        a = self.operand()
        z = np.tanh(a.value)
        self._run(mg.tanh, z, (a, 1 - z * z))

    def view(self) -> None:
        """What NumPy computes without a copy."""
        a = self.operand(tensor=True)
        view = self.pick(
            lambda x: x.reshape(-1, *self.shape).reshape(self.shape),
            lambda x: x[...],
            lambda x: x.T.T,
            lambda x: mg.expand_dims(x, 0)[0],
            lambda x: np.broadcast_to(x, self.shape),
        )
        self._run(view, a.value, (a, 1.0))

    def cut(self) -> None:
        a = self.operand(tensor=True)
        self._keep(mg.cut(a.tensor) if self.yes() else a.tensor.detach(), a.value)
        self.results[-1].past_cut = True

    def backward(self) -> None:
        """Once or twice, or by `mg.grad`, which stores nothing."""
        result, weights = self.pick(*self.results, self.leaves[0]), self.numbers()
        if result.stale or not result.slopes:
            assert refused(result.tensor.backward, weights), (
                "backward through a changed graph"
            )
            return
        slopes = {place: weights * slope for place, slope in result.slopes.items()}
        leaves = [leaf for leaf in self.leaves if leaf.slopes]
        if self.yes(0.3):
            found = mg.grad(
                result.tensor, [leaf.tensor for leaf in leaves], upstream=weights
            )
            for leaf, gradient in zip(leaves, found, strict=True):
                (place,) = leaf.slopes
                same(
                    "mg.grad's", gradient.array, slopes.get(place, np.zeros(self.shape))
                )
        else:
            for _ in range(1 + self.yes()):
                result.tensor.backward(weights)
                for place, slope in slopes.items():
                    leaf = self.leaves[place]
                    leaf.grad = slope if leaf.grad is None else leaf.grad + slope
        weights[...] = 9.0

    def _changed(self, leaf: Thing) -> None:
        for result in self.results:
            result.stale |= bool(leaf.slopes.keys() & result.slopes.keys())

    def assign(self) -> None:
        leaf = self.pick(*self.leaves)
        leaf.value = self.numbers()
        given = leaf.value.copy()
        if self.yes() and leaf.slopes:
            with mg.no_grad():
                leaf.tensor += given - leaf.tensor.array
        else:
            leaf.tensor.array = given
        given[...] = 9.0

    def update(self) -> None:
        leaf = self.pick(*self.leaves)
        leaf.tensor.update(lambda array: np.multiply(array, 0.5, out=array))
        leaf.value = 0.5 * leaf.value
        self._changed(leaf)

    def step(self) -> None:
        """A step of a new optimizer, on the leaves that have a gradient."""
        due = [leaf for leaf in self.leaves if leaf.slopes and leaf.grad is not None]
        if due:
            optim.SGD([leaf.tensor for leaf in due], lr=0.5).step()
        for leaf in due:
            leaf.value = leaf.value - 0.5 * np.asarray(leaf.grad)
            self._changed(leaf)

    def clip(self) -> None:
        graded = [leaf for leaf in self.leaves if leaf.grad is not None]
        norms = [np.linalg.norm(np.asarray(leaf.grad)) for leaf in graded]
        factor = 0.3 / max(float(np.linalg.norm(norms)), 0.3)
        optim.clip_gradients(
            {str(k): leaf.tensor for k, leaf in enumerate(self.leaves)}, 0.3
        )
        for leaf in graded:
            leaf.grad = np.asarray(leaf.grad) * factor

    def zero(self) -> None:
        leaf = self.pick(*self.leaves)
        leaf.grad = self.numbers() if leaf.slopes and self.yes() else None
        leaf.tensor.grad = leaf.grad

    def freeze(self) -> None:
        """Or unfreeze. What it holds for graphs that were recorded before is not tried."""
        place = self.number(len(self.leaves))
        leaf = self.leaves[place]
        self.results = [result for result in self.results if not result.slopes]
        leaf.slopes = {} if leaf.slopes else {place: np.ones(self.shape)}
        leaf.tensor.requires_grad = bool(leaf.slopes)

    def copy(self) -> None:
        """All goes on with a copy of everything, which the originals must not touch, nor it
        them.
        """
        for result in self.results:
            if result.stale:
                assert refused(copy.deepcopy, result.tensor), (
                    "a changed graph was copied"
                )
        self.results = [
            one
            for one in self.results
            if one.slopes and not one.stale and not one.past_cut
        ]
        things = [*self.leaves, *self.results]
        copies = self.copied([thing.tensor for thing in things])
        for leaf in self.leaves:
            if leaf.slopes:
                leaf.tensor.update(lambda array: array.fill(7.0))
                leaf.tensor.grad = np.full(self.shape, 7.0)
        for thing, tensor in zip(things, copies, strict=True):
            thing.tensor = tensor


class Lives(Fuzzer):
    """Values and gradients after each action."""

    name = "lives"
    share = 2.0
    world: ClassVar[type[World]] = Tensors
    most: ClassVar[tuple[int, ...]] = (25,)
    """Up to so many actions, or up to one of these numbers."""

    def case(self, rng: Generator) -> Life:
        count = 1 + int(rng.integers(rng.choice(self.most)))
        some = rng.choice(
            self.world.actions, 1 + rng.integers(20)
        )  # lives of many kinds
        names = rng.choice(some, count).tolist()
        seed, *seeds = rng.integers(10**6, size=1 + count).tolist()
        return Life(seed, tuple(zip(names, seeds, strict=True)))

    def fault(self, case: Life) -> str:
        world = self.world(case.seed)
        for name, seed in case.actions:
            world.rng = np.random.default_rng(seed)
            getattr(world, name)()
            world.check()
        world.check_end()
        return ""
