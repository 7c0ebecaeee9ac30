"""Recording, scopes and their blocks: nested, after errors, in threads."""

import threading

import numpy as np
import pytest

import minigrad as mg
from minigrad.context import SCOPE, place


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
