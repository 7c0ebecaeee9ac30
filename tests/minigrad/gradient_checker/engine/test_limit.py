"""The limit of processor time: what it stops, and the line that was running."""

import sys

import pytest

from minigrad.gradient_checker.engine.limit import TooLong, calls_outside, limited


def endless():
    while True:
        pass


@pytest.mark.parametrize("platform", [sys.platform, "emscripten"])
def test_endless_code_is_stopped_with_and_without_signals(platform, monkeypatch):
    monkeypatch.setattr(sys, "platform", platform)
    before = sys.gettrace()
    with pytest.raises(TooLong) as stopped, limited(0.05):
        endless()
    assert sys.gettrace() is before
    with limited(1000.0):
        assert sum(range(1000)) == 499500
    last = calls_outside(stopped.value)[-1]
    assert (last.filename, last.name) == (__file__, "endless")
    assert last.line in ("while True:", "pass")
