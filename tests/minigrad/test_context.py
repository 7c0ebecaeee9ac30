"""no_grad, scope and other blocks: nested, after errors, in generators and threads."""

import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
import optim
from layers import Dense
from minigrad.context import (
    FUSED,
    ON_EVENT,
    ON_GRADIENT,
    ON_RECORD,
    RECORDING,
    SCOPE,
    scope_label,
    step_name,
    step_of,
    tell,
    watching,
)

VARIABLES: list[Any] = [RECORDING, FUSED, SCOPE, ON_RECORD, ON_GRADIENT]
BLOCKS = [
    mg.no_grad,
    mg.fused,
    lambda: mg.scope("a"),
    mg.trace_lines,
    mg.detect_anomaly,
]


def settings():
    return [variable.get() for variable in VARIABLES]


def test_blocks_nest_and_close_after_an_error():
    x = mg.Tensor(2.0, requires_grad=True)
    with pytest.raises(KeyError), mg.scope("encoder"), mg.no_grad(), mg.scope("t07"):
        with mg.enable_grad():
            y = x * x
        assert y.requires_grad
        assert not (x * x).requires_grad
        raise KeyError
    assert scope_label(y.node.scope) == "in encoder/t07"
    assert (x * x).requires_grad
    assert (x * x).node.scope == ()


async def coroutine():
    pass


async def async_generator():
    yield


# docs/errors.md decorates a generator
@pytest.mark.parametrize("waits", [coroutine, async_generator])
def test_no_grad_cannot_decorate_coroutines(waits):
    with pytest.raises(mg.MinigradError, match=f"MG131.*{waits.__name__}"):
        mg.no_grad()(waits)


@given(st.permutations(range(4)), st.permutations(range(4)))
def test_blocks_of_generators_that_take_turns_leave_nothing_behind(starts, ends):
    block, before = mg.no_grad(), settings()

    def holding(block):
        with block:
            yield

    blocks = [block, mg.enable_grad(), block, mg.scope("a")]
    generators = [*map(holding, blocks)]
    for number in starts:
        next(generators[number])
    for number in ends:
        generators[number].close()
    assert settings() == before


def test_scope_names_of_time_steps():
    assert step_name(7, 40) == "t07"
    assert step_name(99, 100) == "t99"
    assert step_name(7, 1000) == "t007"
    assert step_of(("model", "rnn", "t07", "cell")) == (("model", "rnn"), 7, ("cell",))
    assert step_of(("model", "t", "tanh")) is None


@pytest.mark.parametrize("make", BLOCKS)
def test_block_can_be_entered_again_by_recursion(make):
    block, before = make(), settings()

    def down(depth):
        with block:
            assert settings() != before
            if depth:
                down(depth - 1)
            assert settings() != before

    down(3)
    assert settings() == before


@pytest.mark.parametrize("make", BLOCKS)
def test_block_can_be_entered_by_two_threads_at_once(make):
    block, before, both, left = make(), settings(), threading.Barrier(2), []

    def enter(outer):
        with outer:
            outside = settings()
            with block:
                both.wait(10)
            left.append(settings() == outside)
            both.wait(10)

    outers = [mg.enable_grad(), mg.no_grad()]
    threads = [threading.Thread(target=enter, args=[outer]) for outer in outers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert left == [True, True]
    assert settings() == before


# ---- hooks ----


def test_watching_adds_functions_that_are_called_in_their_order():
    told: list[Any] = []
    with watching(ON_EVENT, lambda *words: told.append(("first", *words))):
        with watching(ON_EVENT, lambda *words: told.append(("second", *words))):
            tell("made", 1)
        tell("step", 2, 3)
    tell("clipped")
    assert told == [
        ("first", "made", 1),
        ("second", "made", 1),
        ("first", "step", 2, 3),
    ]


def test_watching_ends_after_an_error():
    with pytest.raises(KeyError), watching(ON_EVENT, print):
        raise KeyError
    assert ON_EVENT.get() is None


def test_error_of_a_hook_reaches_the_caller():
    def stop(event):
        raise KeyError(event)

    with watching(ON_EVENT, stop), pytest.raises(KeyError, match="made"):
        tell("made")


def test_events_of_a_run():
    told: list[Any] = []
    with watching(ON_EVENT, lambda event, *more: told.append((event, more))):
        layer = Dense(2, 1)
        optimizer = optim.SGD(layer.named_parameters())
        x = np.ones((3, 2))
        output = layer(x)
        output.sum().backward()
        optim.clip_gradients(layer.parameters(), 1.0)
        optimizer.step()
    events = [event for event, _ in told]
    assert events == ["made", "made", "called", "clipped", "step"]
    assert told[0][1] == (layer,)
    assert told[1][1] == (optimizer,)
    called, inputs, options, result = told[2][1]
    assert (called, options) == (layer, {})
    assert inputs[0] is x and result is output
    assert told[3][1][1] == 1.0
    assert told[4][1] == (optimizer,)


@pytest.mark.parametrize("hook", [ON_RECORD, ON_GRADIENT])
def test_watching_and_detect_anomaly_work_at_once(hook):
    seen: list[Any] = []
    x = mg.Tensor([4.0], requires_grad=True)

    def collect(node, *more):
        seen.append(node)

    with watching(hook, collect), mg.detect_anomaly(), watching(hook, collect):
        mg.sqrt(x).sum().backward()
    assert len(seen) in (4, 6)  # two or three nodes, each seen twice
    assert seen[::2] == seen[1::2]
