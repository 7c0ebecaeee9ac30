"""Recording, scopes and their blocks: nested, after errors, in threads."""

import asyncio
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.context import FUSED, ON_GRADIENT, ON_RECORD, RECORDING, SCOPE, place


def parameter(value, name=None):
    return mg.Tensor(value, requires_grad=True, name=name, dtype=np.float64)


def test_no_grad_as_block_as_decorator_nested_and_after_an_error():
    x = parameter(2.0)

    @mg.no_grad()
    def evaluate():
        return x * x

    assert not evaluate().requires_grad
    with pytest.raises(KeyError), mg.no_grad():
        with mg.enable_grad():
            assert (x * x).requires_grad
        assert not (x * x).requires_grad
        raise KeyError
    assert (x * x).requires_grad


def test_recording_and_scopes_belong_to_a_thread():
    x = parameter(2.0)
    seen = {}

    def other():
        seen["recorded"] = (x * x).requires_grad
        seen["scope"] = SCOPE.get()

    with mg.no_grad(), mg.scope("here"):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert seen == {"recorded": True, "scope": ()}


def test_scopes_nest_and_close_after_an_error():
    x = parameter(2.0)
    with pytest.raises(KeyError), mg.scope("encoder"), mg.scope("t07"):
        y = x * x
        raise KeyError
    assert place(y.node.scope) == "in encoder/t07"
    assert (x * x).node.scope == ()


def test_a_decorated_generator_has_its_setting_whenever_it_runs_and_not_at_a_yield():
    @mg.no_grad()
    def counting():
        for number in range(3):
            assert not RECORDING.get()
            got = yield number
            assert got in (None, "sent")
        return "done"

    def through():
        result = yield from counting()
        assert result == "done"

    seen = []
    for number in through():
        assert RECORDING.get()
        seen.append(number)
    assert seen == [0, 1, 2]
    generator = counting()
    next(generator)
    assert generator.send("sent") == 1
    with pytest.raises(ValueError, match="mine"):
        generator.throw(ValueError("mine"))
    assert RECORDING.get()


def test_a_decorated_coroutine_has_its_setting_and_other_tasks_do_not():
    seen = []

    @mg.no_grad()
    async def inside():
        seen.append(("inside", RECORDING.get()))
        await asyncio.sleep(0)
        seen.append(("inside", RECORDING.get()))

    async def outside():
        for _ in range(3):
            seen.append(("outside", RECORDING.get()))
            await asyncio.sleep(0)

    async def both():
        await asyncio.gather(inside(), outside())

    asyncio.run(both())
    assert set(seen) == {("inside", False), ("outside", True)}


def test_an_async_generator_cannot_be_decorated():
    with pytest.raises(mg.MinigradError, match="MG131.*steps"):

        @mg.no_grad()
        async def steps():
            yield 1


@given(st.permutations([0, 1, 2, 3]), st.permutations([0, 1, 2, 3]))
def test_generators_that_take_turns_leave_nothing_behind(starts, ends):
    blocks = [mg.no_grad, mg.enable_grad, lambda: mg.scope("a"), lambda: mg.scope("b")]

    def holding(block):
        with block():
            yield

    generators = [holding(block) for block in blocks]
    for number in starts:
        next(generators[number])
    for number in ends:
        generators[number].close()
    assert RECORDING.get() and SCOPE.get() == ()


@pytest.mark.parametrize("name", ["", None, 3])
def test_a_scope_needs_a_name(name):
    with pytest.raises(mg.MinigradError, match="MG132"):
        mg.scope(name)


BLOCKS = [mg.no_grad, mg.fused, lambda: mg.scope("a"), mg.trace_lines, mg.detect_anomaly]


def settings():
    return [variable.get() for variable in (RECORDING, FUSED, SCOPE, ON_RECORD, ON_GRADIENT)]


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


@given(st.permutations([0, 1, 2, 3]), st.permutations([0, 1, 2, 3]))
def test_generators_that_take_turns_in_one_block_leave_nothing_behind(starts, ends):
    block, before = mg.no_grad(), settings()

    def holding(block):
        with block:
            yield

    generators = [holding(one) for one in (block, mg.enable_grad(), block, mg.scope("a"))]
    for number in starts:
        next(generators[number])
    for number in ends:
        generators[number].close()
    assert settings() == before
