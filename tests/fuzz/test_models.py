"""Models and optimizers share no arrays with what they return and accept.

Two equal models are trained in the same way. One of them also returns arrays and Tensors, of which
some are kept and others overwritten. Both must stay equal, and what was kept must stay as it was.
"""

import contextlib
import copy
import io
import warnings
from functools import partial
from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)
from numpy.testing import assert_allclose, assert_array_equal

import layers
import minigrad as mg
import optim

from .thresholds import small_thresholds, using
from .training import (
    MODELS,
    RULES,
    make_model,
    make_optimizer,
    make_rows,
)

BLOCKS = [
    contextlib.nullcontext,
    mg.fused,
    partial(mg.fused, False),
    mg.enable_grad,
    mg.trace_lines,
    mg.detect_anomaly,
    mg.profile,
]
RESULTS: dict[str, Any] = {
    # what a model and its optimizer return
    "state_dict": lambda side: side.model.state_dict(),
    "carried_state": lambda side: side.model.carried_state(),
    "optimizer state_dict": lambda side: side.optimizer.state_dict(),
    "raw_state": lambda side: side.optimizer.raw_state(),
    "output": lambda side: side.evaluate(3),
    "outputs": lambda side: layers.outputs(side.model, side.data(3)[0], [""]),
    "to_layout": lambda side: layers.to_layout(side.model, "pytorch"),
}


def parts(thing):
    """Return all arrays and Tensors in something."""
    if isinstance(thing, (mg.Tensor, np.ndarray)):
        return [thing]
    if isinstance(thing, dict):
        thing = thing.values()
    return [part for one in thing or [] for part in parts(one)]


def arrays(thing):
    return [getattr(part, "array", part) for part in parts(thing)]


class Side:
    """One of the two models, with its optimizer."""

    def __init__(self, name, rule, decay, seed):
        self.name = name
        self.model = make_model(name, seed, "float64")
        self.parameters = self.model.named_parameters()
        self.optimizer = make_optimizer(rule, self.model, decay)
        self.saved = self.save()

    def data(self, seed):
        rng = np.random.default_rng(seed)
        return make_rows(self.name, rng, 3, "float64")

    def evaluate(self, seed):
        with self.model.evaluating():
            return self.model(self.data(seed)[0])

    def train(self, seed, block, spoil):
        """Make a step, and return what it computed. `spoil` overwrites the batch early."""
        mg.seed(seed)
        x, y = self.data(seed)
        self.optimizer.zero_grad()
        with block():
            output = self.model(x)
            loss = mg.softmax_cross_entropy(output, y)
            if spoil:
                x[...] = y[...] = 0
            loss.backward()
            if seed % 3 == 0:
                optim.clip_gradients(self.parameters, 0.1)
            self.optimizer.step()
        grads = [tensor.grad for tensor in self.parameters.values()]
        return output, loss, grads

    def save(self):
        return [
            self.model.state_dict(),
            self.optimizer.state_dict(),
            self.model.carried_state(),
        ]

    def load(self, weights, state, carried):
        self.model.load_state_dict(weights)
        self.optimizer.load_state_dict(state)
        self.model.load_carried_state(carried)

    def state(self):
        """Return all that must be equal in the two models."""
        state = dict(self.model.carried_state())
        for name, tensor in self.parameters.items():
            state[name] = tensor.array
            state[f"requires_grad of {name}"] = tensor.requires_grad
            if tensor.grad is not None:
                state[f"gradient of {name}"] = tensor.grad
        for name, layer in self.model.named_layers().items():
            state[f"mode of {name}"] = layer.training
        return state


seeds = st.integers(0, 99)
places = st.integers(0, 9)
flags = st.booleans()


class Models(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.stack = contextlib.ExitStack()

    @initialize(
        small=small_thresholds,
        name=st.sampled_from(MODELS),
        rule=st.sampled_from([*RULES]),
        decay=st.sampled_from([0.0, 0.01]),
        seed=seeds,
    )
    def start(self, small, name, rule, decay, seed):
        for block in (
            using(small),
            contextlib.redirect_stdout(io.StringIO()),
            warnings.catch_warnings(action="ignore"),
        ):
            self.stack.enter_context(block)
        self.ours = Side(name, rule, decay, seed)
        self.other = Side(name, rule, decay, seed)
        self.both = self.ours, self.other
        self.kept = []
        # the precision with which rows of a table catch up
        self.tolerance = 1e-5 if "Adam" in rule else 1e-8

    def teardown(self):
        self.stack.close()

    def pick(self, names, place):
        names = list(names)
        return names[place % len(names)]

    @invariant()
    def both_are_equal(self):
        state, expected = self.ours.state(), self.other.state()
        assert state.keys() == expected.keys()
        for name, value in expected.items():
            tolerance = self.tolerance
            assert_allclose(state[name], value, tolerance, tolerance, err_msg=name)

    @invariant()
    def kept_arrays_have_not_changed(self):
        for what, thing, before in self.kept:
            for array, expected in zip(arrays(thing), before, strict=True):
                assert_array_equal(array, expected, what)

    def keep(self, what, thing):
        copies = [array.copy() for array in arrays(thing)]
        self.kept.append((what, thing, copies))

    @rule(seed=seeds, block=st.sampled_from(BLOCKS), spoil=flags, keep=flags)
    def train(self, seed, block, spoil, keep):
        result = self.ours.train(seed, block, spoil)
        self.other.train(seed, contextlib.nullcontext, False)
        if keep:
            self.keep("what a step computed", result)

    @rule(what=st.sampled_from([*RESULTS]), recorded=flags, overwrite=flags)
    def read(self, what, recorded, overwrite):
        """Keep or overwrite what the model or its optimizer returns."""
        result = None
        with (
            mg.enable_grad() if recorded else mg.no_grad(),
            contextlib.suppress(mg.MinigradError),  # not every layer has a layout
        ):
            result = RESULTS[what](self.ours)
        if not overwrite:
            self.keep(what, result)
            return
        for part in parts(result):
            if isinstance(part, mg.Tensor):
                if not part.requires_grad:
                    part.update(lambda array: array.fill(7))
            elif part.flags.writeable:
                part.fill(7)

    @rule(seed=seeds)
    def evaluate(self, seed):
        """Evaluating draws no random numbers."""
        model, (x, y) = self.ours.model, self.ours.data(seed)
        before = mg.generator().bit_generator.state
        self.ours.evaluate(seed)
        if self.ours.name != "carried":
            with contextlib.suppress(mg.MinigradError):  # all is frozen
                layers.gradients(model, x, y, [""])
            optim.summary(model, x)
        assert mg.generator().bit_generator.state == before

    @rule()
    def save(self):
        for side in self.both:
            side.saved = side.save()
        self.other.saved = copy.deepcopy(self.other.saved)
        self.keep("what was saved", self.ours.saved)

    @rule()
    def load(self):
        """Load what was saved, and overwrite the arrays that were loaded."""
        given = copy.deepcopy(self.ours.saved)
        self.ours.load(*given)
        self.other.load(*self.other.saved)
        for array in arrays(given):
            array.fill(7)

    @rule(load=flags)
    def overwrite_copy(self, load):
        """Overwrite another model, which is a copy or has loaded the weights."""
        copied = copy.deepcopy(self.both[load].model)
        if load:
            copied.load_state_dict(self.ours.model.state_dict())
        for tensor in copied.named_parameters().values():
            tensor.update(lambda array: array.fill(7))

    @rule(place=places, change=st.sampled_from([optim.freeze, optim.unfreeze]))
    def freeze(self, place, change):
        first, *names = self.ours.parameters
        for side in self.both:
            change(side.model, self.pick(names, place))

    @rule(place=places, on=flags)
    def mode(self, place, on):
        for side in self.both:
            named = side.model.named_layers()
            named[self.pick(named, place)].train(on)

    @rule(place=places)
    def assign(self, place):
        """Assign an array to a parameter and its gradient, and overwrite it afterwards."""
        for side in self.both:
            tensor = side.parameters[self.pick(side.parameters, place)]
            given = 0.5 * tensor.array
            tensor.array = given
            if tensor.requires_grad:
                tensor.grad = given
            if side is self.ours:
                given.fill(7)


TestModels = Models.TestCase
TestModels.settings = settings(stateful_step_count=15)
