"""evaluate and summary leave the mode of each layer as it was."""

import numpy as np
import pytest

from layers import Dense, Dropout, Sequential
from optim import summary
from tests.optim.training.runs import trainer_of


@pytest.mark.parametrize("look", ["evaluate", "summary"])
@pytest.mark.parametrize("training", [True, False])
def test_modes_stay(look, training):
    model = Sequential(
        Dropout(0.0),
        Dense(3, 2),
        Dropout(0.5),
    ).train(training)
    model.dropout.eval()
    model.dropout_2.train()
    x = np.ones((4, 3), "float32")
    if look == "summary":
        summary(model, x)
    else:
        trainer_of(model).evaluate([(x, x[:, :2])])
    assert model.training == model.dense.training == training
    assert not model.dropout.training and model.dropout_2.training
