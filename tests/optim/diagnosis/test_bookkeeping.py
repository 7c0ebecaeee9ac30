"""Faults of the loop: each is counted and named, and the corrected loop has none."""

from typing import Any

import numpy as np
import pytest

import minigrad as mg
import optim
from layers import BatchNorm, Dense, Dropout, Layer, RNNCell, Sequential
from tests.optim.diagnosis.helpers import (
    TARGETS,
    X,
    Y,
    codes,
    crossed,
    named_first,
    network,
    squared,
)


class Chain(Layer):
    """Two layers, which the array `through` may separate."""

    def __init__(self, through: Any = None):
        self.hidden = Dense(4, 8)
        self.head = Dense(8, 2)
        self.through = through

    def forward(self, x):
        if self.through == "array":
            h = self.hidden(x)
            return self.head(mg.relu(h.array))
        return self.head(mg.relu(self.hidden(x)))


def loop(
    *faults,
    make: Any = network,
    rule: Any = optim.SGD,
    steps=30,
    every=1,
    **options,
):
    """A loop with some of these faults: keep, stay, up, half, model, optimizer, eval."""
    mg.seed(0)
    options = {"lr": 0.5} | options
    with optim.diagnose(quiet=True) as diagnosis:
        model = make()
        parameters = model.named_parameters()
        if "half" in faults:
            parameters = model[1].named_parameters()
        optimizer = rule(parameters, **options)
        if "eval" in faults:
            model.eval()
        for step in range(steps):
            if "model" in faults:
                model = make()
                parameters = model.named_parameters()
            if "optimizer" in faults or "model" in faults:
                optimizer = rule(parameters, **options)
            if "keep" not in faults and step % every == 0:
                optimizer.zero_grad()
            loss = crossed(model(X), Y)
            loss = -loss if "up" in faults else loss
            loss.backward()
            if "stay" not in faults and step % every == every - 1:
                optimizer.step()
    return diagnosis.result


def with_dropout():
    return Sequential(
        Dense(4, 8, mg.relu),
        BatchNorm(8),
        Dropout(0.1),
        Dense(8, 2),
    )


def test_gradients_that_are_never_cleared():
    result = loop("keep")
    first = named_first(result, "gradients-not-cleared", "loss.backward()")
    assert "29 of 30 steps" in first.what  # the first step has only its own gradients


def test_gradients_that_are_added_on_purpose():
    assert codes(loop(every=3, steps=60)) == []


def test_clearing_is_tried_where_it_helps():
    result = loop("keep", lr=3.0)
    first = named_first(result, "gradients-not-cleared", "loss.backward()", "proved")
    assert sum(first.trial[-3:]) < sum(first.run[-3:])


def test_no_step():
    result = loop("stay")
    first = named_first(result, "no-step", "optimizer.step()")
    assert "30 backward passes" in first.what
    assert codes(result) == ["no-step"]


def test_loss_with_a_minus():
    named_first(loop("up"), "loss-maximized", "crossed(model(X), Y)")


@pytest.mark.parametrize("sign", [1, -1])
def test_steps_by_hand(sign):
    with optim.diagnose(quiet=True) as diagnosis:
        w = mg.Tensor([[0.1]] * 4, requires_grad=True)
        for _ in range(20):
            w.grad = None
            loss = squared(X @ w, TARGETS)
            loss.backward()
            w.array = w.array - sign * 0.1 * w.grad
    if sign > 0:
        assert codes(diagnosis.result) == []
    else:
        named_first(diagnosis.result, "loss-maximized", "loss.backward()")


def test_parameters_that_the_optimizer_does_not_have():
    result = loop("half")
    first = named_first(result, "parameters-not-in-optimizer", "optimizer = rule")
    assert "2 of 4 parameters" in first.what


def test_frozen_parameters_are_meant():
    def frozen():
        model = network()
        optim.freeze(model[0])
        return model

    assert codes(loop(make=frozen)) == []


def test_graph_that_is_cut():
    result = loop(make=lambda: Chain("array"))
    named_first(result, "graph-cut", "h.array")
    assert codes(loop(make=Chain)) == []


def test_optimizer_that_is_made_again():
    result = loop("optimizer", rule=optim.Adam, lr=0.05)
    first = named_first(result, "optimizer-made-again", "optimizer = rule")
    assert "30 optimizers for 30 steps" in first.what
    assert codes(loop(rule=optim.Adam, lr=0.05)) == []


def test_optimizer_without_memory_may_be_made_again():
    assert codes(loop("optimizer")) == []


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_evaluation_mode_in_training(mode):
    result = loop(mode, make=with_dropout)
    if mode == "eval":
        first = named_first(result, "evaluation-mode-in-training", "model(X)")
        assert "BatchNorm and Dropout" in first.effect
    else:
        assert codes(result) == []


@pytest.mark.parametrize("where", ["within", "between"])
def test_state_that_is_detached(where):
    """A label that only the first step knows, and a state that goes on to the next batch."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40, 16, 5, 1)).astype("float32")
    mg.seed(0)
    with optim.diagnose(quiet=True) as diagnosis:
        cell, head = RNNCell(1, 8), Dense(8, 2)
        parameters = {**cell.named_parameters(), "head": head.W}
        optimizer = optim.Adam(parameters, lr=0.02)
        state = mg.Tensor(np.zeros((16, 8), "float32"))
        for rows in x:
            state = state.detach()
            for step in range(5):
                _, state = cell(rows[:, step], state)
                if where == "within":
                    state = detached(state)
            optimizer.zero_grad()
            crossed(head(state), (rows[:, 0, 0] > 0).astype(int)).backward()
            optimizer.step()
    assert ("graph-cut" in codes(diagnosis.result)) == (where == "within")


def detached(state):
    for _ in range(1):
        state = state.detach()
    return state


@pytest.mark.parametrize("fault", ["never", "frozen", "trained first", "first layer"])
def test_weights_that_stay_random(fault):
    """A network of three layers whose second (or first) one is fixed."""
    mg.seed(0)
    with optim.diagnose(quiet=True) as diagnosis:
        model = Sequential(Dense(4, 8, mg.tanh), Dense(8, 8, mg.tanh), Dense(8, 2))
        weights = model.named_parameters()
        fixed = "dense.*" if fault == "first layer" else "dense_2.*"
        if fault != "trained first":
            optim.freeze(model, fixed)
        if fault == "never":
            weights = {path: one for path, one in weights.items() if one.requires_grad}
        optimizer = optim.SGD(weights, lr=0.001)
        for step in range(20):
            if fault == "trained first" and step == 10:
                optim.freeze(model, fixed)
            optimizer.zero_grad()
            crossed(model(X), Y).backward()
            optimizer.step()
    named = "weights-fixed" in codes(diagnosis.result)
    assert named == (fault in ("never", "frozen"))
