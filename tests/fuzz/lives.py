"""Lives of a few tensors: computed with, assigned, updated in place, frozen, copied, pickled,
differentiated, stepped.

All operations work element by element, so that a plain array holds a value's derivative by each
leaf.
"""

from __future__ import annotations

import contextlib
import copy
import math
import pickle
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import minigrad as mg
import optim

from .fuzzer import Fuzzer, Generator

Array = np.ndarray[Any, Any]
Life = tuple[int, tuple[tuple[str, int], ...]]
"""The number of axes, and actions, each with the seed of its choices."""


@dataclass
class Leaf:
    """A leaf: the tensor, and the numbers that it and its gradient must hold."""

    tensor: mg.Tensor
    value: Array
    wanted: bool
    grad: Array | None = None


@dataclass
class Result:
    """What was computed, its derivatives by the leaves, by their places, and whether one of these
    has been changed.
    """

    tensor: mg.Tensor
    value: Array
    slopes: dict[int, Array] = field(default_factory=dict)
    stale: bool = False


class Lives(Fuzzer):
    """Values and gradients after each action."""

    name = "lives"
    share = 2.0

    def case(self, rng: Generator) -> Life:
        names = [name for name in dir(World) if name.startswith("do_")]
        names += ["do_product", "do_sum", "do_backward"] * 4 + ["do_view", "do_step", "do_update"]
        actions = tuple(
            (str(rng.choice(names)), int(rng.integers(10**6)))
            for _ in range(int(rng.integers(2, 25)))
        )
        return int(rng.integers(0, 3)), actions

    def fault(self, case: Life) -> str:
        world = World((3, 2)[: case[0]])
        for number, (name, seed) in enumerate(case[1]):
            world.rng = np.random.default_rng(seed)
            problem = getattr(world, name)() or world.unlike()
            if problem:
                return f"{problem}, after {name} (number {number})"
        return ""

    def smaller(self, case: Life) -> Iterator[Life]:
        axes, actions = case
        for size in (8, 4, 2, 1):
            for begin in range(0, len(actions), size) if size < len(actions) else ():
                yield axes, actions[:begin] + actions[begin + size :]
        if axes:
            yield axes - 1, actions

    def as_test(self, case: Life) -> str:
        return f"from tests.fuzz.lives import Lives\n\n\ndef test_a_life():\n    assert Lives().fault({case!r}) == ''\n"


class World:
    """Leaves and results. Each action does something to the tensors and to the numbers that they
    must hold.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape, self.rng = shape, np.random.default_rng(0)
        self.leaves: list[Leaf] = []
        self.results: list[Result] = []
        self.cut = False
        for wanted in (True, True, False):
            array = self.numbers()
            self.leaves.append(Leaf(mg.Tensor(array, requires_grad=wanted), array, wanted))

    def numbers(self) -> Array:
        return np.asarray(self.rng.uniform(-1, 1, self.shape))

    def yes(self) -> bool:
        return bool(self.rng.random() < 0.5)

    def leaf(self) -> tuple[int, Leaf]:
        place = int(self.rng.integers(len(self.leaves)))
        return place, self.leaves[place]

    def operand(self) -> Result:
        """A result or a leaf, or an array or a number that changes afterwards."""
        kind = self.rng.random()
        if kind < 0.5 and self.results:
            return self.results[int(self.rng.integers(len(self.results)))]
        if kind < 0.6:
            array: Any = self.numbers()
            return Result(array, array.copy())
        place, leaf = self.leaf()
        return Result(
            leaf.tensor, leaf.value.copy(), {place: np.ones(self.shape)} if leaf.wanted else {}
        )

    def unlike(self) -> str:
        """What does not hold what it must; "" if all is right."""
        for place, leaf in enumerate(self.leaves):
            if not np.allclose(leaf.tensor.array, leaf.value, 1e-10, 1e-10):
                return f"value: leaf {place} is {leaf.tensor.array.tolist()} instead of {leaf.value.tolist()}"
            found = leaf.tensor.grad
            if (found is None) != (leaf.grad is None) or (
                leaf.grad is not None and not np.allclose(np.array(found), leaf.grad, 1e-10, 1e-10)
            ):
                return f"gradient: that of leaf {place} is {found} instead of {leaf.grad}"
            if leaf.tensor.requires_grad != leaf.wanted:
                return f"requires_grad: leaf {place} has {leaf.tensor.requires_grad}"
        for place, result in enumerate(self.results):
            if not np.allclose(result.tensor.array, result.value, 1e-10, 1e-10):
                return f"value: result {place} is {result.tensor.array.tolist()} instead of {result.value.tolist()}"
            if result.tensor.requires_grad != bool(result.slopes):
                return f"requires_grad: result {place} has {result.tensor.requires_grad}"
        return ""

    def _keep(self, run: Any, value: Any, *parts: tuple[Result, Any]) -> None:
        """Compute a result, recorded or not, from parts, each with the slope by it."""
        recorded = self.rng.random() < 0.8
        around = mg.no_grad if recorded else mg.enable_grad
        with (
            around() if self.yes() else contextlib.nullcontext(),
            mg.enable_grad() if recorded else mg.no_grad(),
        ):
            if self.rng.random() < 0.2:  # blocks that end change nothing outside
                with mg.no_grad(), mg.enable_grad():
                    run(*(part.tensor for part, _ in parts))
            tensor = run(*(part.tensor for part, _ in parts))
        slopes: dict[int, Array] = {}
        for part, slope in parts if recorded else ():
            for place, inner in part.slopes.items():
                slopes[place] = slopes.get(place, 0.0) + slope * inner
            if isinstance(part.tensor, np.ndarray):
                part.tensor[...] = 9.0  # the caller's own array, which may change
        stale = bool(slopes) and any(part.stale and part.slopes for part, _ in parts)
        if isinstance(tensor, mg.Tensor):
            self.results = [*self.results[-5:], Result(tensor, np.asarray(value), slopes, stale)]

    def do_product(self) -> None:
        a, b = self.operand(), self.operand()
        self._keep(lambda x, y: x * y, a.value * b.value, (a, b.value), (b, a.value))

    def do_sum(self) -> None:
        a, b = self.operand(), self.operand()
        self._keep(
            lambda x, y: x - y if isinstance(x, mg.Tensor) else x + (-y),
            a.value - b.value,
            (a, 1.0),
            (b, -1.0),
        )

    def do_tanh(self) -> None:
        a = self.operand()
        self._keep(mg.tanh, np.tanh(a.value), (a, 1 - np.tanh(a.value) ** 2))

    def do_view(self) -> None:
        """What NumPy computes without a copy."""
        a = self.operand()
        if isinstance(a.tensor, mg.Tensor):
            views: list[Any] = [
                lambda x: x.reshape(-1, *self.shape).reshape(self.shape),
                lambda x: x[...],
                lambda x: x.T.T,
                lambda x: mg.expand_dims(x, 0)[0],
                lambda x: np.broadcast_to(x, self.shape),
            ]
            self._keep(views[int(self.rng.integers(len(views)))], a.value, (a, 1.0))

    def do_cut(self) -> None:
        a = self.operand()
        if isinstance(a.tensor, mg.Tensor):
            cut = self.yes()
            self.cut |= cut
            b = Result(mg.cut(a.tensor) if cut else a.tensor.detach(), a.value)
            self.results = [*self.results[-5:], b]

    def do_backward(self) -> str:
        """Once or twice, or by `mg.grad`, which stores nothing."""
        if not self.results:
            return ""
        result, weights = self.results[int(self.rng.integers(len(self.results)))], self.numbers()
        before = [leaf.grad for leaf in self.leaves]
        try:
            if self.rng.random() < 0.3:
                places = [k for k, leaf in enumerate(self.leaves) if leaf.wanted]
                found = mg.grad(
                    result.tensor, [self.leaves[k].tensor for k in places], upstream=weights
                )
                for place, gradient in zip(places, found, strict=True):
                    if not np.allclose(
                        gradient.array, weights * result.slopes.get(place, 0.0), 1e-10, 1e-10
                    ):
                        return f"gradient: mg.grad gives {gradient.array.tolist()} for leaf {place}"
            else:
                for _ in range(1 + self.yes()):
                    result.tensor.backward(weights)
                    for place, slope in result.slopes.items():
                        leaf = self.leaves[place]
                        leaf.grad = (0.0 if leaf.grad is None else leaf.grad) + weights * slope
            weights[...] = 9.0
        except mg.MinigradError:
            for leaf, grad in zip(self.leaves, before, strict=True):
                leaf.grad = grad
            return (
                ""
                if result.stale or not result.slopes
                else "refused: a backward pass through a graph that is right"
            )
        return (
            "stale: a backward pass through a graph whose leaf has changed" if result.stale else ""
        )

    def do_assign(self) -> None:
        _, leaf = self.leaf()
        leaf.value = self.numbers()
        given = leaf.value.copy()
        if self.yes() and leaf.wanted:
            with mg.no_grad():
                leaf.tensor += given - leaf.tensor.array
        else:
            leaf.tensor.array = given
        given[...] = 9.0

    def _changed(self, place: int) -> None:
        for result in self.results:
            result.stale |= place in result.slopes

    def do_update(self) -> None:
        place, leaf = self.leaf()
        leaf.tensor.update(lambda array: np.multiply(array, 0.5, out=array))
        leaf.value = 0.5 * leaf.value
        self._changed(place)

    def do_step(self) -> None:
        """A step of a new optimizer, on the leaves that have a gradient."""
        due = {
            str(k): leaf.tensor
            for k, leaf in enumerate(self.leaves)
            if leaf.wanted and leaf.grad is not None
        }
        if due:
            optim.SGD(due, lr=0.5).step()
        for place in map(int, due):
            leaf = self.leaves[place]
            leaf.value = leaf.value - 0.5 * np.asarray(leaf.grad)
            self._changed(place)

    def do_clip(self) -> None:
        norm = math.sqrt(
            sum(float((leaf.grad**2).sum()) for leaf in self.leaves if leaf.grad is not None)
        )
        optim.clip_gradients({str(k): leaf.tensor for k, leaf in enumerate(self.leaves)}, 0.3)
        for leaf in self.leaves:
            leaf.grad = (
                leaf.grad if leaf.grad is None else leaf.grad * min(1.0, 0.3 / max(norm, 1e-300))
            )

    def do_zero(self) -> None:
        _, leaf = self.leaf()
        leaf.grad = self.numbers() if leaf.wanted and self.yes() else None
        leaf.tensor.grad = leaf.grad

    def do_freeze(self) -> None:
        """Or unfreeze. What it holds for graphs that were recorded before is not tried."""
        _, leaf = self.leaf()
        self.results = [r for r in self.results if not r.slopes]
        leaf.wanted = not leaf.wanted
        leaf.tensor.requires_grad = leaf.wanted

    def do_copy(self) -> str:
        """All goes on with a copy of everything, which the originals must not touch, nor it
        them.
        """
        for result in self.results:
            if result.stale:
                with contextlib.suppress(mg.MinigradError):
                    copy.deepcopy(result.tensor)
                    return "stale: a copy of a graph whose leaf has changed"
        self.results = [r for r in self.results if not r.stale]
        ours: list[Any] = [*self.leaves, *self.results]
        everything = [one.tensor for one in ours]
        try:
            copies = (
                copy.deepcopy(everything) if self.yes() else pickle.loads(pickle.dumps(everything))
            )
        except mg.MinigradError:
            if self.cut:  # a cut keeps the graph before it, whose leaves may have changed
                return ""
            raise
        for leaf in self.leaves:
            if leaf.wanted:
                leaf.tensor.update(lambda array: array.fill(7.0))
                leaf.tensor.grad = np.full(self.shape, 7.0)
        for one, tensor in zip(ours, copies, strict=True):
            one.tensor = tensor
        return ""
