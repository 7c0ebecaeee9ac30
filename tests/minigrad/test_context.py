"""Recording, scopes and their blocks: nested, after errors, in threads and tasks."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.context import (
    FUSED,
    ON_GRADIENT,
    ON_RECORD,
    RECORDING,
    SCOPE,
    scope_label,
    step_name,
    step_of,
)

BLOCKS = [
    mg.no_grad,
    mg.fused,
    lambda: mg.scope("a"),
    mg.trace_lines,
    mg.detect_anomaly,
]


def settings():
    return [
        variable.get() for variable in (RECORDING, FUSED, SCOPE, ON_RECORD, ON_GRADIENT)
    ]


def test_blocks_nest_and_close_after_an_error():
    x = mg.Tensor(2.0, requires_grad=True)
    with pytest.raises(KeyError), mg.scope("encoder"), mg.no_grad(), mg.scope("t07"):
        with mg.enable_grad():
            y = x * x
        assert y.requires_grad and not (x * x).requires_grad
        raise KeyError
    assert scope_label(y.node.scope) == "in encoder/t07"
    assert (x * x).requires_grad and (x * x).node.scope == ()


def generator():
    yield


async def coroutine():
    pass


async def async_generator():
    yield


@pytest.mark.parametrize("waits", [generator, coroutine, async_generator])
def test_what_waits_cannot_be_decorated(waits):
    with pytest.raises(mg.MinigradError, match=f"MG131.*{waits.__name__}"):
        mg.no_grad()(waits)


@given(st.permutations([0, 1, 2, 3]), st.permutations([0, 1, 2, 3]))
def test_generators_that_take_turns_leave_nothing_behind(starts, ends):
    block, before = mg.no_grad(), settings()

    def holding(block):
        with block:
            yield

    generators = [
        holding(one) for one in (block, mg.enable_grad(), block, mg.scope("a"))
    ]
    for number in starts:
        next(generators[number])
    for number in ends:
        generators[number].close()
    assert settings() == before


def test_time_steps_are_known_by_the_names_of_their_scopes():
    assert [step_name(t, steps) for t, steps in ((7, 40), (99, 100), (7, 1000))] == [
        "t07",
        "t99",
        "t007",
    ]
    assert step_of(("model", "rnn", "t07", "cell")) == (("model", "rnn"), 7, ("cell",))
    assert step_of(("model", "t", "tanh")) is None


@pytest.mark.parametrize("make", BLOCKS)
def test_one_block_that_a_function_enters_again_by_calling_itself_is_left(make):
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
def test_one_block_that_two_threads_are_in_at_once_is_left_in_both(make):
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
    assert left == [True, True] and settings() == before
