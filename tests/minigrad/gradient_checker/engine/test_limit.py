"""Code that never ends is stopped, in the main thread and in others."""

import contextlib
import os
import threading

import pytest

from minigrad.gradient_checker.engine.limit import TooLong, calls_outside, limited


def endless():
    while True:
        pass


def endless_in_the_system():
    while True:
        os.stat(".")


def endless_that_catches_exceptions():
    while True:
        with contextlib.suppress(Exception):
            endless()


@pytest.mark.parametrize("code", [endless, endless_in_the_system, endless_that_catches_exceptions])
def test_endless_code_is_stopped(code):
    with pytest.raises(TooLong), limited(0.05):
        code()


def test_endless_code_is_stopped_in_a_thread():
    stopped = []

    def work():
        try:
            with limited(0.05):
                endless()
        except TooLong as error:
            stopped.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(stopped) == 1


def test_code_that_ends_is_not_stopped():
    with limited(60):
        total = sum(range(1000))
    assert total == 499500


def test_calls_outside_minigrad_end_with_the_running_one():
    try:
        with limited(0.05):
            endless()
    except TooLong as error:
        assert calls_outside(error)[-1].name == "endless"
