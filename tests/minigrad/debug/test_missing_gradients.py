"""Why a parameter has no gradient, for each reason there is."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from layers import RNN
from minigrad.errors import GradientError


def set_back_since(W, V):
    loss = (W * V).sum()
    loss.backward()
    W.grad = None
    return loss


def cut_by_truncation(W, V):
    mg.seed(0)
    rnn = RNN(2, 3, truncate=2)
    # W enters the first state, before the cut
    state = rnn.cell(W.reshape(1, 2), rnn.cell.initial_state(1))[1]
    return rnn(np.ones((1, 5, 2)), state).sum()


def inside_no_grad(W, V):
    with mg.no_grad(), mg.scope("head"):
        h = W * 2.0
    return (h * V).sum()


def frozen(W, V):
    W.requires_grad = False
    return (W * V).sum()


@pytest.mark.parametrize(
    ("compute", "code", "where"),
    [
        (lambda W, V: (W * V).sum(), "MG730", ""),  # and no backward
        (set_back_since, "MG730", ""),
        (cut_by_truncation, "MG731", "the cut in rnn/t03"),
        (inside_no_grad, "MG732", "a value of shape (2,) made in head"),
        (
            lambda W, V: (W.detach() * V).sum(),
            "MG733",
            "a value of shape (2,) made at the top level",
        ),
        (frozen, "MG734", ""),
        (lambda W, V: (V * np.tanh(W.array)).sum(), "MG735", ""),
    ],
)
def test_the_reason_and_the_place(compute, code, where):
    W, V = (
        mg.Tensor([1.0, 2.0], requires_grad=True, name="W"),
        mg.Tensor(2.0, requires_grad=True),
    )
    loss = compute(W, V)
    if code != "MG730":
        loss.backward()
    with pytest.raises(GradientError, match=f"{code}.* no gradient for W: ") as caught:
        mg.require_gradients(loss, [W])
    assert (caught.value.where or "") == where


def test_all_that_miss_one_for_the_same_reason_are_named_and_nothing_is_raised_where_all_have_one():
    W, a, b = (mg.Tensor([1.0, 2.0], requires_grad=True) for _ in range(3))
    loss = (W * W).sum()
    loss.backward()
    mg.require_gradients(loss, {"W": W})
    with pytest.raises(GradientError, match="MG735.* no gradient for a, b: "):
        mg.require_gradients(loss, {"W": W, "a": a, "b": b})
