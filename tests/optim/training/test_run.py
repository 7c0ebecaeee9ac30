"""evaluate and summary leave the model's modes and what it carries as they were."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import minigrad as mg
from layers import RNN, Dropout, Sequential, Stateful, TruncatedBPTT
from optim import SGD, Trainer, summary


@pytest.mark.parametrize("look", ["evaluate", "summary"])
@pytest.mark.parametrize("training", [True, False])
def test_modes_and_carried_state_stay(look, training):
    mg.seed(2)
    rnn = RNN(3, 4, return_sequences=True, return_state=True)
    stateful = Stateful(rnn, TruncatedBPTT(2, 4))
    model = Sequential(Dropout(0.0), stateful, Dropout(0.5)).train(training)
    model.dropout.eval()
    model.dropout_2.train()
    x = np.random.default_rng(1).normal(size=(2, 8, 3)).astype("float32")
    whole = rnn(x)[0].array
    stateful(x[:, :2])
    if look == "evaluate":
        optimizer = SGD(model.named_parameters())
        trainer = Trainer(model, mg.mean_squared_error, optimizer, metrics={})
        trainer.evaluate([(x[::-1, 4:6], np.ones((2, 2, 4), "float32"))])
    else:
        summary(model, x)
    assert model.training == stateful.training == training
    assert not model.dropout.training and model.dropout_2.training
    assert_allclose(stateful(x[:, 2:4]).array, whole[:, 2:4], rtol=1e-5)
