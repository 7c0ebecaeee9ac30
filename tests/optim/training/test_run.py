"""What evaluates a model leaves its modes and what it carries as they were."""

import numpy as np
import pytest

import minigrad as mg
from layers import RNN, Dropout, Sequential, Stateful, TruncatedBPTT
from optim import SGD, Trainer, summary


@pytest.mark.parametrize("look", ["evaluate", "summary"])
@pytest.mark.parametrize("training", [True, False])
def test_looking_at_a_model_leaves_the_mode_of_each_part_and_what_it_carries(
    look, training
):
    mg.seed(2)
    rnn = RNN(3, 4, return_sequences=True, return_state=True)
    net = Sequential(
        Dropout(0.0), Stateful(rnn, TruncatedBPTT(2, 4)), Dropout(0.5)
    ).train(training)
    net.dropout.eval()
    net.dropout_2.train()
    x = np.random.default_rng(1).normal(size=(2, 8, 3)).astype("float32")
    whole = rnn(x)[0].array
    carried = net.carried
    carried(x[:, :2])
    trainer = Trainer(
        net,
        mg.mean_squared_error,
        SGD(net.named_parameters(), lr=0.1),
        metrics={},
        callbacks=[],
    )
    other = [(x[::-1, 4:6], np.ones((2, 2, 4), "float32"))]
    if look == "evaluate":
        trainer.evaluate(other)
    else:
        summary(net, x)
    assert [net.training, net.dropout.training, net.dropout_2.training] == [
        training,
        False,
        True,
    ]
    assert carried.training == training
    np.testing.assert_allclose(carried(x[:, 2:4]).array, whole[:, 2:4], rtol=1e-5)
