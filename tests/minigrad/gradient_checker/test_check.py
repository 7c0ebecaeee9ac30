"""mg.gradcheck and mg.gradcheck_model: what they compare, leave alone and hold constant."""

from itertools import count

import numpy as np
import pytest

import minigrad as mg
from layers import GRU, LSTM, RNN, Dense, Embedding, Sequential
from minigrad.errors import OptionError
from optim import Adam

rng = np.random.default_rng(3)
X = rng.normal(size=(3, 4))


@pytest.mark.parametrize("fast", [False, True])
def test_a_quadratic_form_has_the_gradient_it_should(fast):
    A, x = rng.normal(size=(4, 4)), rng.normal(size=4)
    report = mg.gradcheck(lambda x: (x @ A) @ x, x, fast=fast)
    (row,) = report.inputs
    assert report and report.rules == 2
    assert fast or row.numeric == pytest.approx(
        ((A + A.T) @ x)[row.index]
    )  # d(xᵀAx)/dx


def test_the_model_keeps_its_arrays_gradients_and_random_state():
    W = mg.Tensor([[0.5, -1.0]], requires_grad=True, name="W")
    array = W.array
    before = mg.generator().bit_generator.state
    assert mg.gradcheck(lambda W: mg.tanh(W + 0.0 * mg.generator().random()), W)
    assert (
        W.array is array
        and W.dtype == np.float32
        and W.grad is None
        and W.requires_grad
    )
    assert mg.generator().bit_generator.state == before


def test_a_function_that_fails_midway_leaves_the_inputs_as_they_were():
    W = mg.Tensor([0.5, -1.0], name="W")
    calls = count()

    def fails_later(W):
        return mg.tanh(W) if next(calls) < 4 else 1 / 0

    with pytest.raises(ZeroDivisionError):
        mg.gradcheck(fails_later, W)
    assert W.dtype == np.float32 and not W.requires_grad


def test_second_derivatives():
    x = mg.Tensor([0.3, 0.7], requires_grad=True, name="x")
    assert mg.gradcheck(lambda x: mg.exp(x) * mg.tanh(x), x, order=2).order == 2
    # a straight line: the second derivative is 0, and 0 is found
    assert mg.gradcheck(lambda x: x * 2.0, x, order=2)


@pytest.mark.parametrize("options", [{}, {"fused": True, "bidirectional": True}])
@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
@pytest.mark.parametrize("mask", [None, np.arange(8) >= np.array([[0], [3], [5]])])
def test_a_truncated_gradient_passes_with_the_cut_states_held(kind, mask, options):
    mg.seed(0)
    layer = kind(4, 3, truncate=3, **options)
    report = mg.gradcheck(
        lambda x: layer(x, mask=mask), rng.normal(size=(3, 8, 4)), sample=20
    )
    assert report, report
    assert report.rules < 12 or not options  # one gate for a whole sequence


def test_only_cuts_are_held():
    assert not mg.gradcheck(lambda x: mg.tanh(x).detach() * x, X)
    assert mg.gradcheck(lambda x: mg.cut(mg.tanh(x)) * x, X)


def test_rows_that_an_optimizer_has_put_off_are_settled_and_nothing_else_changes():
    # Adam leaves rows that no batch touched as they lie until they are read: a check reads them,
    # and goes on as before.
    def train(check):
        mg.seed(0)
        model = Sequential(Embedding(50, 4), Dense(4, 2))
        optimizer = Adam(model.named_parameters(), lr=0.01)
        for step in range(6):
            ids = np.arange(4) + 3 * step
            if check and step == 3:
                assert mg.gradcheck_model(
                    model, mg.softmax_cross_entropy, (ids, [0, 1, 1, 0])
                )
            optimizer.zero_grad()
            mg.softmax_cross_entropy(model(ids), [0, 1, 1, 0]).backward()
            optimizer.step()
        return model.state_dict()

    checked, alone = train(True), train(False)
    for path in alone:
        assert checked[path].dtype == np.float32
        np.testing.assert_allclose(checked[path], alone[path], rtol=1e-5, atol=1e-7)


def test_a_sample_without_elements_is_an_error():
    with pytest.raises(OptionError, match="MG700.*cannot use sample=0"):
        mg.gradcheck(mg.tanh, np.ones(3), sample=0)
