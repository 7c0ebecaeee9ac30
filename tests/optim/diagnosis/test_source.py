"""The script as text: where the data comes from, and which lines call a function."""

import minigrad as mg
import optim
from minigrad.data import Batches
from tests.optim.diagnosis.helpers import X, Y, crossed, named_first, network


def argmax_of_rows(output, labels):
    return (output.argmax(axis=0)[:1] == labels[:1]).mean()


def test_axis_of_a_metric():
    mg.seed(0)
    model = network()
    optimizer = optim.SGD(model.named_parameters(), lr=0.5)
    with optim.diagnose(quiet=True) as diagnosis:
        trainer = optim.Trainer(
            model,
            crossed,
            optimizer,
            metrics={"right": argmax_of_rows},
            callbacks=[],
        )
        trainer.fit(Batches(X, Y, batch_size=16), 10)
    result = diagnosis.result
    named_first(result, "metric-axis", "output.argmax(axis=0)", "likely")
