"""`require_gradients` reports why a parameter has no gradient, for each possible reason."""

import numpy as np
import pytest

import minigrad as mg
from layers import RNN
from minigrad.errors import GradientError


def backward(loss):
    loss.backward()
    return loss


def without_backward(W, V):
    return (W * V).sum()


def grad_deleted(W, V):
    loss = backward((W * V).sum())
    W.grad = None
    return loss


def truncated(W, V):
    mg.seed(0)
    rnn = RNN(2, 3, truncate=2)
    # W enters the first state, before the cut
    _, state = rnn.cell(W.reshape(1, 2), rnn.cell.initial_state(1))
    x = np.ones((1, 5, 2))
    return backward(rnn(x, state).sum())


def inside_no_grad(W, V):
    with mg.no_grad(), mg.scope("head"):
        h = W * 2.0
    return backward((h * V).sum())


def detached(W, V):
    return backward((W.detach() * V).sum())


def frozen(W, V):
    W.requires_grad = False
    return backward((W * V).sum())


def not_used(W, V):
    return backward((V * np.tanh(W.array)).sum())


@pytest.mark.parametrize(
    "compute, code, where",
    [
        (without_backward, "MG730", ""),
        (grad_deleted, "MG730", ""),
        (truncated, "MG731", "the cut in rnn/t03"),
        (inside_no_grad, "MG732", "a value of shape (2,) made in head"),
        (detached, "MG733", "a value of shape (2,) made at the top level"),
        (frozen, "MG734", ""),
        (not_used, "MG735", ""),
    ],
)
def test_require_gradients_reports_reason_and_place(compute, code, where):
    W = mg.Tensor([1.0, 2.0], requires_grad=True, name="W")
    V = mg.Tensor(2.0, requires_grad=True)
    loss = compute(W, V)
    message = f"{code}.* no gradient for W: "
    with pytest.raises(GradientError, match=message) as caught:
        mg.require_gradients(loss, [W])
    assert caught.value.where == where


def test_require_gradients_lists_names_with_same_reason():
    W = mg.Tensor([1.0, 2.0], requires_grad=True)
    loss = backward((W * W).sum())
    mg.require_gradients(loss, {"W": W})
    unused = {
        "a": mg.Tensor(1.0, requires_grad=True),
        "b": mg.Tensor(2.0, requires_grad=True),
    }
    with pytest.raises(GradientError, match="MG735.* no gradient for a, b: "):
        mg.require_gradients(loss, {"W": W} | unused)
