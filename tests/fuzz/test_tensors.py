"""Tensors hold the right values and gradients after any sequence of operations, updates and copies.

All operations work element by element, so an array holds the derivative by each leaf.
"""

import copy
import pickle
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)
from numpy.testing import assert_allclose

import minigrad as mg

from .thresholds import small_thresholds, using


@dataclass
class Thing:
    """A leaf or a result, and the values that it must have."""

    tensor: Any
    value: Any
    slopes: Any
    """The derivatives by all leaves, which are zero except for the leaves that it needs."""
    needs: set[int]
    stale: bool = False
    """Whether a leaf that it needs has been updated."""
    past_cut: bool = False
    """Whether its graph continues behind a cut."""
    grad: Any = None


def one(a, b):
    return (1.0,)


OPERATIONS: dict[str, Any] = {
    # a function, and its derivatives by the operands
    "product": (lambda x, y: x * y, lambda a, b: (b, a)),
    "difference": (lambda x, y: x - y, lambda a, b: (1.0, -1.0)),
    "tanh": (
        lambda x, y: np.tanh(x),
        lambda a, b: (1 - np.tanh(a) ** 2,),
    ),
    "reshape": (
        lambda x, y: x.reshape(1, *x.shape).reshape(x.shape),
        one,
    ),
    "index": (lambda x, y: x[...], one),
    "transpose": (lambda x, y: x.T.T, one),
    "expand_dims": (lambda x, y: np.expand_dims(x, 0)[0], one),
    "broadcast_to": (lambda x, y: np.broadcast_to(x, x.shape), one),
    "astype": (lambda x, y: x.astype(x.dtype), one),
    "sum": (lambda x, y: x.sum(axis=()), one),
    "clip": (lambda x, y: np.clip(x, -1e9, 1e9), one),
    "where": (lambda x, y: np.where(True, x, 0.0), one),
    "cut": (
        lambda x, y: mg.cut(x) if isinstance(x, mg.Tensor) else x,
        lambda a, b: (),
    ),
    "detach": (
        lambda x, y: x.detach() if isinstance(x, mg.Tensor) else x,
        lambda a, b: (),
    ),
}
CUTS = "cut", "detach"
CHANGES = (
    "assign",
    "assign in place",
    "update",
    "update a constant",
    "assign grad",
    "clear grad",
    "freeze",
)
places = st.integers(0, 9)
operations = st.tuples(
    st.sampled_from(CUTS) | st.sampled_from([*OPERATIONS]),
    places,
    places,
    st.lists(st.sampled_from([mg.no_grad, mg.enable_grad]), max_size=2),
)


def pickled(tensors):
    return pickle.loads(pickle.dumps(tensors))


class Tensors(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.stack = ExitStack()

    @initialize(
        small=small_thresholds,
        seed=st.integers(0, 9),
        ndim=st.integers(0, 2),
    )
    def start(self, small, seed, ndim):
        self.stack.enter_context(using(small))
        self.rng = np.random.default_rng(seed)
        self.shape = (3, 2)[:ndim]
        self.results = []
        self.leaves = []
        for place in range(3):
            array = self.numbers()
            thing = Thing(mg.Tensor(array), array.copy(), self.zeros(), set())
            self.leaves.append(thing)
            array[...] = 9.0
            if place:
                self.freeze(place)

    def teardown(self):
        self.stack.close()

    def numbers(self):
        return np.asarray(self.rng.uniform(-1, 1, self.shape))

    def zeros(self):
        return np.zeros((3, *self.shape))

    def freeze(self, place):
        """Freeze or unfreeze a leaf. Earlier graphs are not used afterwards."""
        leaf = self.leaves[place]
        self.results = [result for result in self.results if not result.needs]
        leaf.needs = {place} - leaf.needs
        leaf.slopes[place] = len(leaf.needs)
        leaf.tensor.requires_grad = bool(leaf.needs)

    def operand(self, place):
        """Return a leaf, a result, or else an array that changes afterwards."""
        array = self.numbers()
        constant = Thing(array, array.copy(), self.zeros(), set())
        things = [*self.leaves, *self.results, constant]
        return things[place % len(things)]

    @invariant()
    def values_and_gradients_are_right(self):
        for thing in (*self.leaves, *self.results):
            assert_allclose(thing.tensor.array, thing.value, 1e-10, 1e-10)
            assert thing.tensor.requires_grad == bool(thing.needs)
        for leaf in self.leaves:
            if leaf.grad is None:
                assert leaf.tensor.grad is None
            else:
                assert_allclose(leaf.tensor.grad, leaf.grad, 1e-10, 1e-10)

    @rule(
        operations=st.lists(operations, min_size=1, max_size=5),
        place=places,
        times=st.integers(0, 2),
    )
    def differentiate(self, operations, place, times):
        """Run backward once or twice, or mg.grad, which stores nothing."""
        for operation in operations:
            self.compute(*operation)
        results = [self.leaves[1], *self.results]
        result = results[-1 - place % len(results)]
        weights = self.numbers()
        if result.stale or not result.needs:
            with pytest.raises(mg.MinigradError):
                result.tensor.backward(weights)
            return
        slopes = weights * result.slopes
        if not times:
            wanted = [place for place, leaf in enumerate(self.leaves) if leaf.needs]
            tensors = [self.leaves[place].tensor for place in wanted]
            found = mg.grad(result.tensor, tensors, upstream=weights)
            for place, gradient in zip(wanted, found, strict=True):
                assert_allclose(gradient.array, slopes[place], 1e-10, 1e-10)
        for _ in range(times):
            result.tensor.backward(weights)
            for place in result.needs:
                leaf = self.leaves[place]
                leaf.grad = slopes[place] + (0.0 if leaf.grad is None else leaf.grad)
        weights[...] = 9.0

    def compute(self, name, a, b, blocks):
        function, slopes = OPERATIONS[name]
        operands = [self.operand(a), self.operand(b)]
        tensors = [operand.tensor for operand in operands]
        values = [operand.value for operand in operands]
        with ExitStack() as stack:
            for block in blocks:
                stack.enter_context(block())
            with mg.no_grad(), mg.enable_grad():  # changes nothing after its end
                function(*tensors)
            tensor = function(*tensors)
        for array in tensors:
            if isinstance(array, np.ndarray):
                array[...] = 9.0
        if not isinstance(tensor, mg.Tensor):
            return
        value = np.asarray(function(*values))
        result = Thing(tensor, value, self.zeros(), set(), past_cut=name in CUTS)
        if blocks[-1:] != [mg.no_grad]:  # recorded
            for part, slope in zip(operands, slopes(*values), strict=False):
                result.slopes = result.slopes + slope * part.slopes
                result.needs = result.needs | part.needs
                result.stale |= part.stale and bool(part.needs)
                result.past_cut |= part.past_cut
        if max(np.abs([result.value, *result.slopes]).flat) < 1e3:
            self.results = [*self.results[-5:], result]  # rounding stays small

    @rule(place=st.integers(0, 2), how=st.sampled_from(CHANGES))
    def change(self, place, how):
        leaf = self.leaves[place]
        array = self.numbers()
        match how:
            case "assign":
                leaf.value = array.copy()
                leaf.tensor.array = array
            case "assign in place" if leaf.needs:
                leaf.value = array.copy()
                with mg.no_grad():
                    leaf.tensor += array - leaf.tensor.array
            case "update":
                leaf.value = 0.5 * leaf.value
                leaf.tensor.update(lambda array: np.multiply(array, 0.5, out=array))
                for result in self.results:
                    result.stale |= place in result.needs
            case "update a constant":
                for result in self.results:
                    if not result.needs:
                        result.value = array.copy()
                        result.tensor.update(lambda numbers: np.copyto(numbers, array))
            case "assign grad" if leaf.needs:
                leaf.grad = array.copy()
                leaf.tensor.grad = array
            case "clear grad":
                leaf.grad = leaf.tensor.grad = None
            case "freeze":
                self.freeze(place)
        array[...] = 9.0

    @rule(copied=st.sampled_from([copy.deepcopy, pickled]))
    def copy(self, copied):
        """Continue with a copy of everything, and overwrite the originals."""
        kept = []
        for result in self.results:
            if result.stale:
                with pytest.raises(mg.MinigradError):
                    copied(result.tensor)
            elif result.needs and not result.past_cut:
                kept.append(result)
        self.results = kept
        things = [*self.leaves, *self.results]
        copies = copied([thing.tensor for thing in things])
        for leaf in self.leaves:
            if leaf.needs:
                leaf.tensor.update(lambda array: array.fill(7.0))
                leaf.tensor.grad = np.full(self.shape, 7.0)
        for thing, tensor in zip(things, copies, strict=True):
            thing.tensor = tensor


TestTensors = Tensors.TestCase
TestTensors.settings = settings(stateful_step_count=25)
