"""gradcheck and gradcheck_model: the inputs they compare, leave alone and hold constant."""

from itertools import count

import numpy as np
import pytest
from numpy.testing import assert_allclose

import minigrad as mg
from layers import GRU, LSTM, RNN, Dense, Embedding, Sequential
from minigrad.errors import OptionError
from optim import Adam

rng = np.random.default_rng(3)
X = rng.normal(size=(3, 4))


@pytest.mark.parametrize("fast", [False, True])
def test_gradcheck_of_a_quadratic_form(fast):
    A, x = rng.normal(size=(4, 4)), rng.normal(size=4)
    report = mg.gradcheck(lambda x: (x @ A) @ x, x, fast=fast)
    (row,) = report.inputs
    assert report
    assert report.rules == 2
    if not fast:
        expected = (A + A.T) @ x  # d(xᵀAx)/dx
        assert_allclose(row.numeric, expected[row.index], rtol=1e-6)


def test_gradcheck_leaves_inputs_and_random_state_alone():
    W = mg.Tensor([[0.5, -1.0]], requires_grad=True, name="W")
    array = W.array
    before = mg.generator().bit_generator.state
    assert mg.gradcheck(
        lambda W: mg.tanh(W + 0.0 * mg.generator().random()),
        W,
    )
    assert W.array is array
    assert W.grad is None
    assert W.requires_grad
    assert mg.generator().bit_generator.state == before


def test_gradcheck_of_a_function_that_fails_leaves_inputs_alone():
    W = mg.Tensor([0.5, -1.0], name="W")
    calls = count()

    def fails_later(W):
        return mg.tanh(W) if next(calls) < 4 else 1 / 0

    with pytest.raises(ZeroDivisionError):
        mg.gradcheck(fails_later, W)
    assert W.dtype == np.float32
    assert not W.requires_grad


@pytest.mark.parametrize(
    "f",
    [
        lambda x: mg.exp(x) * mg.tanh(x),
        lambda x: x * 2.0,
    ],
)
def test_gradcheck_of_second_derivatives(f):
    report = mg.gradcheck(f, np.array([0.3, 0.7]), order=2)
    assert report
    assert report.order == 2


@pytest.mark.parametrize(
    "options",
    [
        {},
        {
            "fused": True,
            "bidirectional": True,
        },
    ],
)
@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
@pytest.mark.parametrize(
    "mask",
    [
        None,
        np.arange(8) >= np.array([[0], [3], [5]]),
    ],
)
def test_gradcheck_holds_truncated_states(kind, mask, options):
    mg.seed(0)
    layer = kind(4, 3, truncate=3, **options)
    x = rng.normal(size=(3, 8, 4))
    report = mg.gradcheck(
        lambda x: layer(x, mask=mask),
        x,
        sample=20,
    )
    assert report, report
    assert report.rules < 12 or not options  # one gate for a whole sequence


def test_gradcheck_holds_cut_values_but_not_detached_ones():
    assert mg.gradcheck(
        lambda x: mg.cut(mg.tanh(x)) * x,
        X,
    )
    assert not mg.gradcheck(
        lambda x: mg.tanh(x).detach() * x,
        X,
    )


def test_gradcheck_model_settles_pending_rows_and_changes_nothing_else():
    # Adam updates rows of a table only when they are read, and a check reads them.
    def train(check):
        mg.seed(0)
        model = Sequential(Embedding(50, 4), Dense(4, 2))
        optimizer = Adam(model.named_parameters(), lr=0.01)
        for step in range(6):
            batch = np.arange(4) + 3 * step, [0, 1, 1, 0]
            if check and step == 3:
                assert mg.gradcheck_model(model, mg.softmax_cross_entropy, batch)
            optimizer.zero_grad()
            mg.softmax_cross_entropy(model(batch[0]), batch[1]).backward()
            optimizer.step()
        return model.state_dict()

    checked, alone = train(True), train(False)
    for path in alone:
        assert checked[path].dtype == np.float32
        assert_allclose(checked[path], alone[path], rtol=1e-5, atol=1e-7)


def test_gradcheck_refuses_an_empty_sample():
    with pytest.raises(OptionError, match="MG700.*cannot use sample=0"):
        mg.gradcheck(mg.tanh, np.ones(3), sample=0)
