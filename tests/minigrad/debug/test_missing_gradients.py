"""Why a parameter has no gradient, for each reason there is."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from layers import RNN
from minigrad.errors import GradientError


def parameter():
    return mg.Tensor([1.0, 2.0], requires_grad=True, name="W")


def reason(loss, *tensors):
    with pytest.raises(GradientError) as caught:
        mg.require_gradients(loss, tensors)
    assert "W" in caught.value.what and caught.value.cause and caught.value.remedy
    return caught.value


def test_nothing_is_raised_where_all_have_one():
    W = parameter()
    loss = (W * W).sum()
    loss.backward()
    mg.require_gradients(loss, {"W": W})


def test_never_computed():
    W = parameter()
    error = reason((W * W).sum(), W)
    assert error.code == "MG730" and "loss.backward()" in error.remedy


def test_set_back_since():
    W = parameter()
    loss = (W * W).sum()
    loss.backward()
    W.grad = None
    assert reason(loss, W).code == "MG730"


def test_cut_by_truncation():
    mg.seed(0)
    W, rnn = parameter(), RNN(2, 3, truncate=2)
    cell = rnn.cell
    state = cell(W.reshape(1, 2), cell.initial_state(1))[1]  # W enters the first state, before the cut
    loss = rnn(np.ones((1, 5, 2)), state).sum()
    loss.backward()
    error = reason(loss, W)
    assert error.code == "MG731" and error.where == "the cut in rnn/t03" and "truncate" in error.remedy


def test_a_step_inside_no_grad():
    W, V = parameter(), mg.Tensor(2.0, requires_grad=True)
    with mg.no_grad(), mg.scope("head"):
        h = W * 2.0
    loss = (h * V).sum()
    loss.backward()
    error = reason(loss, W)
    assert error.code == "MG732" and error.where == "a value (2,) made in head"


def test_a_detached_step():
    W, V = parameter(), mg.Tensor(2.0, requires_grad=True)
    loss = ((W * 2.0).detach() * V).sum()
    loss.backward()
    assert reason(loss, W).code == "MG733"


def test_a_frozen_parameter():
    W, V = parameter(), mg.Tensor(2.0, requires_grad=True)
    W.requires_grad = False
    loss = (W * V).sum()
    loss.backward()
    assert reason(loss, W).code == "MG734"


def test_a_parameter_that_was_not_used():
    W, V = parameter(), mg.Tensor(2.0, requires_grad=True)
    loss = (V * np.tanh(W.array)).sum()
    loss.backward()
    assert reason(loss, W).code == "MG735"
    with pytest.raises(GradientError, match="no gradient for a, b: "):
        mg.require_gradients(loss, {"a": parameter(), "b": parameter()})
