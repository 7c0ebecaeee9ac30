"""Models and optimizers share no arrays with what they return and accept.

Two equal models are trained in the same way. One of them also returns arrays and Tensors, of which
some are kept and others overwritten. Both must stay equal, and what was kept must stay as it was.
"""

import contextlib
import copy
import io
import warnings
from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from numpy.testing import assert_allclose, assert_array_equal

import layers
import minigrad as mg
import optim

from .thresholds import small_thresholds, using
from .training import CARRIED, MODELS, RULES, make_model, make_optimizer, make_rows

BLOCKS: dict[str, Any] = {
    "none": contextlib.nullcontext,
    "fused": mg.fused,
    "not fused": lambda: mg.fused(False),
    "enable_grad": mg.enable_grad,
    "trace_lines": mg.trace_lines,
    "detect_anomaly": mg.detect_anomaly,
    "profile": mg.profile,
}
VIEWS: dict[str, Any] = {
    # functions whose results must not share the memory of a parameter
    "index": lambda p: [p[...], p[:1], p[..., :1], p[None], p[::-1], p[0]],
    "T": lambda p: [p.T, np.swapaxes(p, 0, -1)],
    "reshape": lambda p: [p.reshape(-1), mg.squeeze(p), mg.expand_dims(p, 0)],
    "broadcast_to": lambda p: np.broadcast_to(p, (2, *p.shape)),
    "astype": lambda p: p.astype(p.dtype),
    "sum": lambda p: p.sum(axis=()),
    "clip": lambda p: [mg.clip(p, -1e9, 1e9), mg.maximum(p, -1e9), mg.relu(p)],
    "where": lambda p: mg.where(True, p, 0.0),
    "product": lambda p: 1.0 * p,
    "lookup": lambda p: mg.lookup(p, [0]),
    "concatenate": lambda p: [mg.concatenate([p]), *mg.split(p, [1])],
    "detach": lambda p: [mg.cut(p), p.detach(), copy.copy(p.detach())],
}
RESULTS: dict[str, Any] = {
    "state_dict": lambda pair: pair.model.state_dict(),
    "carried_state": lambda pair: pair.model.carried_state(),
    "optimizer.state_dict": lambda pair: pair.optimizer.state_dict(),
    "raw_state": lambda pair: pair.optimizer.raw_state(),
    "output": lambda pair: pair.evaluate(),
    "outputs": lambda pair: layers.outputs(pair.model, pair.data(3)[0], [""]),
    "to_layout": lambda pair: layers.to_layout(pair.model, "pytorch"),
}
seeds = st.integers(0, 99)
places = st.integers(0, 9)
flags = st.booleans()
results = st.sampled_from([*RESULTS]) | st.sampled_from([*VIEWS])


class Side:
    """One of the two models, with its optimizer."""

    def __init__(self, model, rule, decay, seed):
        self.name = model
        self.model = make_model(model, seed, "float64")
        self.parameters = self.model.named_parameters()
        self.optimizer = make_optimizer(rule, self.model, decay)
        self.saved = self.save()

    def data(self, seed):
        return make_rows(self.name, np.random.default_rng(seed), 3, "float64")

    def evaluate(self, seed=3):
        with self.model.evaluating():
            return self.model(self.data(seed)[0])

    def train(self, seed, block, spoil=False):
        """Make a step, and return what it computed. `spoil` overwrites the batch early."""
        mg.seed(seed)
        x, y = self.data(seed)
        self.optimizer.zero_grad()
        with block:
            output = self.model(x)
            loss = mg.softmax_cross_entropy(output, y)
            if spoil:
                x[...] = y[...] = 0
            loss.backward()
            if seed % 3 == 0:
                optim.clip_gradients(self.parameters, 0.1)
            self.optimizer.step()
        return output, loss, [tensor.grad for tensor in self.parameters.values()]

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
        state = {f"carried {k}": v for k, v in self.model.carried_state().items()}
        for name, tensor in self.parameters.items():
            state[name] = tensor.array
            state[f"requires_grad of {name}"] = tensor.requires_grad
            if tensor.grad is not None:
                state[f"gradient of {name}"] = tensor.grad
        for name, layer in self.model.named_layers().items():
            state[f"mode of {name}"] = layer.training
        return state


class Models(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.world = contextlib.ExitStack()

    @initialize(
        small=small_thresholds,
        model=st.sampled_from(MODELS),
        rule=st.sampled_from([*RULES]),
        decay=st.sampled_from([0.0, 0.01]),
        seed=seeds,
    )
    def start(self, small, model, rule, decay, seed):
        self.world.enter_context(using(small))
        self.world.enter_context(contextlib.redirect_stdout(io.StringIO()))
        self.world.enter_context(warnings.catch_warnings(action="ignore"))
        self.ours, self.other = (Side(model, rule, decay, seed) for _ in range(2))
        self.both = self.ours, self.other
        self.names = list(self.ours.parameters)
        self.kept = []
        # the precision with which rows of a table catch up
        self.tolerance = 1e-5 if "Adam" in rule else 1e-8

    def teardown(self):
        self.world.close()

    def name(self, place):
        return self.names[place % len(self.names)]

    @invariant()
    def both_are_equal(self):
        state, expected = self.ours.state(), self.other.state()
        assert state.keys() == expected.keys()
        for name, value in expected.items():
            self.require_near(state[name], value, name)

    @invariant()
    def results_that_were_kept_are_the_same(self):
        for what, thing, before in self.kept:
            for array, expected in zip(arrays(thing), before, strict=True):
                assert_array_equal(array, expected, what)

    def require_near(self, found, expected, message):
        assert_allclose(found, expected, self.tolerance, self.tolerance, True, message)

    def result(self, what, place):
        if what in VIEWS:
            return VIEWS[what](self.ours.parameters[self.name(place)])
        with contextlib.suppress(mg.MinigradError):  # not every layer has a layout
            return RESULTS[what](self.ours)

    def keep_copies(self, what, thing):
        self.kept.append((what, thing, [array.copy() for array in arrays(thing)]))

    @rule(seed=seeds, block=st.sampled_from([*BLOCKS]), spoil=flags, keep=flags)
    def train(self, seed, block, spoil, keep):
        result = self.ours.train(seed, BLOCKS[block](), spoil)
        self.other.train(seed, contextlib.nullcontext())
        if keep:
            self.keep_copies("what a step computed", result)

    @rule(what=results, place=places, recorded=flags)
    def keep(self, what, place, recorded):
        with mg.enable_grad() if recorded else mg.no_grad():
            self.keep_copies(what, self.result(what, place))

    @rule(what=results, place=places, recorded=flags)
    def overwrite(self, what, place, recorded):
        with mg.enable_grad() if recorded else mg.no_grad():
            thing = self.result(what, place)
        for part in parts(thing):
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
        if self.ours.name not in CARRIED:
            with contextlib.suppress(mg.MinigradError):  # all is frozen
                layers.gradients(model, x, y, [""])
            optim.summary(model, x)
        assert mg.generator().bit_generator.state == before

    @rule()
    def save(self):
        for side in self.both:
            side.saved = side.save()
        self.other.saved = copy.deepcopy(self.other.saved)
        self.keep_copies("what was saved", self.ours.saved)

    @rule()
    def load(self):
        given = copy.deepcopy(self.ours.saved)
        self.ours.load(*given)
        self.other.load(*self.other.saved)
        for array in arrays(given):
            array.fill(7)

    @rule(load=flags)
    def copy(self, load):
        """Overwrite another model, which is a copy or has loaded the weights."""
        copied = copy.deepcopy((self.other if load else self.ours).model)
        if load:
            copied.load_state_dict(self.ours.model.state_dict())
        for tensor in copied.named_parameters().values():
            tensor.update(lambda array: array.fill(7))

    @rule(place=places, change=st.sampled_from([optim.freeze, optim.unfreeze]))
    def freeze(self, place, change):
        """Freeze or unfreeze any parameter except the first."""
        for side in self.both:
            change(side.model, self.names[1:][place % (len(self.names) - 1)])

    @rule(place=places, on=flags)
    def mode(self, place, on):
        names = list(self.ours.model.named_layers())
        for side in self.both:
            side.model.named_layers()[names[place % len(names)]].train(on)

    @rule(place=places)
    def assign(self, place):
        """Assign an array to a parameter and its gradient, and overwrite it afterwards."""
        for side in self.both:
            tensor = side.parameters[self.name(place)]
            given = 0.5 * tensor.array
            tensor.array = given
            if tensor.requires_grad:
                tensor.grad = given
            if side is self.ours:
                given.fill(7)

    @rule(seed=seeds, recorded=flags, train=flags)
    def look_up(self, seed, recorded, train):
        """The next layers use the vectors that were looked up, which may have changed."""
        if self.ours.name != "words":
            return
        embedding, *rest = self.ours.model
        ids, _ = self.ours.data(seed)
        with mg.enable_grad() if recorded else mg.no_grad():
            x = embedding(ids)
        if not recorded:
            x.update(lambda array: np.multiply(array, 0.5, out=array))
        expected = mg.Tensor(x.array.copy())
        ids[...] = 0
        if train:
            self.train(seed=seed, block="none", spoil=False, keep=False)
        with self.ours.model.evaluating(), mg.fused():
            for layer in rest:
                x, expected = layer(x), layer(expected)
        self.require_near(x.array, expected.array, "other vectors are used")


def parts(thing):
    """Return all arrays and Tensors in something."""
    if isinstance(thing, (mg.Tensor, np.ndarray)):
        return [thing]
    if isinstance(thing, dict):
        thing = list(thing.values())
    return [part for one in thing or [] for part in parts(one)]


def arrays(thing):
    return [getattr(part, "array", part) for part in parts(thing)]


TestModels = Models.TestCase
TestModels.settings = settings(stateful_step_count=15)
