"""Tensors hold the right values and gradients after any sequence of operations, updates and copies.

All operations work element by element, so an array holds the derivative by each leaf.
"""

import copy
import pickle
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from numpy.testing import assert_allclose

import minigrad as mg
import optim

from .thresholds import small_thresholds, using


@dataclass
class Thing:
    """A leaf or a result, the values it must have, and its derivatives by the leaves."""

    tensor: Any
    value: Any
    slopes: dict[int, Any] = field(default_factory=dict)
    grad: Any = None
    stale: bool = False
    """Whether a leaf that it depends on has been updated."""
    past_cut: bool = False
    """Whether its graph continues behind a cut."""


OPERATIONS: dict[str, Any] = {
    # a function, and its derivatives by the operands
    "product": (lambda x, y: x * y, lambda a, b: (b, a)),
    "difference": (lambda x, y: x - y, lambda a, b: (1.0, -1.0)),
    "tanh": (lambda x, _: np.tanh(x), lambda a, _: (1 - np.tanh(a) ** 2,)),
    "cut": (lambda x, _: mg.cut(x) if isinstance(x, mg.Tensor) else x, lambda *_: ()),
    "detach": (lambda x, _: getattr(x, "detach", lambda: x)(), lambda *_: ()),
}
VIEWS: dict[str, Any] = {
    "reshape": lambda x, _: x.reshape(1, *x.shape).reshape(x.shape),
    "index": lambda x, _: x[...],
    "transpose": lambda x, _: x.T.T,
    "expand_dims": lambda x, _: np.expand_dims(x, 0)[0],
    "broadcast_to": lambda x, _: np.broadcast_to(x, x.shape),
}
for name, view in VIEWS.items():
    OPERATIONS[name] = (view, lambda a, _: (1.0,))
COPIES: dict[str, Any] = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda things: pickle.loads(pickle.dumps(things)),
}
CHANGES = (
    "assign",
    "assign in place",
    "update",
    "assign grad",
    "clear grad",
    "freeze",
)
places = st.integers(0, 9)
operations = st.tuples(
    st.sampled_from(["product", "difference"]) | st.sampled_from([*OPERATIONS]),
    places,
    places,
    st.lists(st.sampled_from([mg.no_grad, mg.enable_grad]), max_size=2),
)


class Tensors(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.world = ExitStack()

    @initialize(small=small_thresholds, seed=st.integers(0, 9), ndim=st.integers(0, 2))
    def start(self, small, seed, ndim):
        self.world.enter_context(using(small))
        self.rng = np.random.default_rng(seed)
        self.shape = (3, 2)[:ndim]
        self.results = []
        self.leaves = []
        for place, wanted in enumerate((True, True, False)):
            array = self.numbers()
            tensor = mg.Tensor(array, requires_grad=wanted)
            slopes = {place: np.ones(self.shape)} if wanted else {}
            self.leaves.append(Thing(tensor, array.copy(), slopes))
            array[...] = 9.0

    def teardown(self):
        self.world.close()

    def numbers(self):
        return np.asarray(self.rng.uniform(-1, 1, self.shape))

    def operand(self, place):
        """A leaf, a result, or else an array that changes afterwards."""
        array = self.numbers()
        things = [*self.leaves, *self.results, Thing(array, array.copy())]
        return things[place % len(things)]

    @invariant()
    def values_and_gradients_are_right(self):
        for thing in (*self.leaves, *self.results):
            assert_allclose(thing.tensor.array, thing.value, 1e-10, 1e-10)
            assert thing.tensor.requires_grad == bool(thing.slopes)
        for leaf in self.leaves:
            assert (leaf.tensor.grad is None) == (leaf.grad is None)
            if leaf.grad is not None:
                assert_allclose(leaf.tensor.grad, leaf.grad, 1e-10, 1e-10)

    @rule(
        operations=st.lists(operations, min_size=1, max_size=5),
        place=places,
        how=st.sampled_from(["not at all", "once", "twice", "by mg.grad"]),
    )
    def differentiate(self, operations, place, how):
        for operation in operations:
            self.compute(*operation)
        results = [self.leaves[0], *self.results]
        result, weights = results[-1 - place % len(results)], self.numbers()
        if result.stale or not result.slopes:
            with pytest.raises(mg.MinigradError):
                result.tensor.backward(weights)
            return
        slopes = {place: weights * slope for place, slope in result.slopes.items()}
        if how == "by mg.grad":
            wanted = [leaf for leaf in self.leaves if leaf.slopes]
            tensors = [leaf.tensor for leaf in wanted]
            found = mg.grad(result.tensor, tensors, upstream=weights)
            for leaf, gradient in zip(wanted, found, strict=True):
                (place,) = leaf.slopes
                expected = slopes.get(place, np.zeros(self.shape))
                assert_allclose(gradient.array, expected, 1e-10, 1e-10)
        for _ in range({"once": 1, "twice": 2}.get(how, 0)):
            result.tensor.backward(weights)
            for place, slope in slopes.items():
                leaf = self.leaves[place]
                leaf.grad = slope if leaf.grad is None else leaf.grad + slope
        weights[...] = 9.0

    def compute(self, name, a, b, blocks):
        function, slopes = OPERATIONS[name]
        operands = [self.operand(a), self.operand(b)]
        tensors = [one.tensor for one in operands]
        values = [one.value for one in operands]
        with ExitStack() as stack:
            for block in blocks:
                stack.enter_context(block())
            with mg.no_grad(), mg.enable_grad():  # changes nothing after its end
                function(*tensors)
            tensor = function(*tensors)
        for one in tensors:
            if isinstance(one, np.ndarray):
                one[...] = 9.0
        if isinstance(tensor, mg.Tensor):
            recorded = blocks[-1:] != [mg.no_grad]
            parts = (
                list(zip(operands, slopes(*values), strict=False)) if recorded else []
            )
            result = Thing(tensor, np.asarray(function(*values)))
            result.past_cut = name in ("cut", "detach")
            for part, slope in parts:
                result.stale |= part.stale and bool(part.slopes)
                result.past_cut |= part.past_cut
                for place, inner in part.slopes.items():
                    result.slopes[place] = result.slopes.get(place, 0.0) + slope * inner
            if max(np.abs([result.value, *result.slopes.values()]).flat) < 1e3:
                self.results = [*self.results[-5:], result]  # rounding stays small

    def updated(self, leaf):
        for result in self.results:
            result.stale |= bool(leaf.slopes.keys() & result.slopes.keys())

    @rule(place=st.integers(0, 2), how=st.sampled_from(CHANGES))
    def change(self, place, how):
        leaf = self.leaves[place]
        array = self.numbers()
        match how:
            case "assign":
                leaf.value = array.copy()
                leaf.tensor.array = array
            case "assign in place" if leaf.slopes:
                leaf.value = array.copy()
                with mg.no_grad():
                    leaf.tensor += array - leaf.tensor.array
            case "update":
                leaf.tensor.update(lambda array: np.multiply(array, 0.5, out=array))
                leaf.value = 0.5 * leaf.value
                self.updated(leaf)
            case "assign grad" if leaf.slopes:
                leaf.grad = array.copy()
                leaf.tensor.grad = array
            case "clear grad":
                leaf.grad = leaf.tensor.grad = None
            case "freeze":  # or unfreeze; earlier graphs are not used afterwards
                self.results = [result for result in self.results if not result.slopes]
                leaf.slopes = {} if leaf.slopes else {place: np.ones(self.shape)}
                leaf.tensor.requires_grad = bool(leaf.slopes)
        array[...] = 9.0

    @rule()
    def step(self):
        due = [leaf for leaf in self.leaves if leaf.slopes and leaf.grad is not None]
        if due:
            optim.SGD([leaf.tensor for leaf in due], lr=0.5).step()
        for leaf in due:
            leaf.value = leaf.value - 0.5 * leaf.grad
            self.updated(leaf)

    @rule()
    def clip(self):
        graded = [leaf for leaf in self.leaves if leaf.grad is not None]
        norm = np.sqrt(sum(np.sum(leaf.grad**2) for leaf in graded))
        tensors = {str(place): leaf.tensor for place, leaf in enumerate(self.leaves)}
        optim.clip_gradients(tensors, 0.3)
        for leaf in graded:
            leaf.grad = leaf.grad * 0.3 / max(norm, 0.3)

    @rule(how=st.sampled_from([*COPIES]))
    def copy(self, how):
        """Continue with a copy of everything, and overwrite the originals."""
        for result in self.results:
            if result.stale:
                with pytest.raises(mg.MinigradError):
                    copy.deepcopy(result.tensor)
        self.results = [
            one
            for one in self.results
            if one.slopes and not one.stale and not one.past_cut
        ]
        things = [*self.leaves, *self.results]
        copies = COPIES[how]([thing.tensor for thing in things])
        for leaf in self.leaves:
            if leaf.slopes:
                leaf.tensor.update(lambda array: array.fill(7.0))
                leaf.tensor.grad = np.full(self.shape, 7.0)
        for thing, tensor in zip(things, copies, strict=True):
            thing.tensor = tensor


TestTensors = Tensors.TestCase
TestTensors.settings = settings(stateful_step_count=25)
