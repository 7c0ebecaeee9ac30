"""When a trial is a proof, and how numbers are written."""

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from optim.diagnosis.finding import Finding, improves, number, prove
from optim.diagnosis.trial import Trial
from optim.diagnosis.watch import Line, Watch


class Run:
    """Evidence of a run with these losses. Guessing has the loss 1."""

    def __init__(self, control, trial=(), repeatable=True):
        self.control, self.trial = control, trial
        self.repeatable = repeatable
        self.excluded = []
        self.watch = Watch()

    def attempt(self, trial):
        return self.trial

    def progress(self, losses):
        return 1 - losses[-1]


@pytest.mark.parametrize(
    ("control", "trial", "proof"),
    [
        ([1, 0.9], [1, 0.5], True),
        ([1, 0.9], [1, 0.8], False),  # less than 15% of the loss of guessing
        ([1, 0.9], [1, 0.7], False),  # more than three quarters
        ([1, 0.2], [1, 0.1], False),
        ([1, 0.9], [1, np.inf], False),
        ([1, 0.9], [0.1], False),
        ([1, 0.9], [], False),
        ([1, 1e9], [1, 1e3], False),  # less bad, but the loss grows as well
        ([1, 0.9, 0.5, 0.1], [1, 0.3], True),  # it took too long
        ([1, 0.2], [1, 0.2, 0.1], False),  # the control took too long,
    ],
)
def test_trial_proves_a_cause(control, trial, proof):
    assert improves(Run(control), trial) == proof  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("control", "trial", "proof"),
    [
        ([1, 1], [1, 0.9, 0.5], True),
        ([1, 1], [1, 0.9, 0.95], False),  # hardly better
        ([1, 1], [1, 0.5], False),  # it stops earlier
        ([1, 1], [1, 0.5, np.inf], False),  # it stops, too
        ([1, 50], [1, 0.99, 0.98], True),  # nothing explodes any more
    ],
)
def test_trial_prevents_the_stop_of_a_run(control, trial, proof):
    run: Any = Run(control)
    run.watch.failed = mg.Tensor(1.0).node, Line("", 0)
    assert improves(run, trial) == proof


def test_numbers_have_three_digits():
    assert [number(x) for x in (0.123456, 1e-9, 12345, 2)] == [
        "0.123",
        "1e-09",
        "1.23e+04",
        "2",
    ]


@pytest.mark.parametrize(
    ("trial", "repeatable", "certainty"),
    [
        ([1, 0.1], True, "proved"),
        ([1, 0.9], True, "certain"),
        ([1, 0.1], False, "certain"),  # the control differs from the run
    ],
)
def test_proof_adds_the_curves(trial, repeatable, certainty):
    run: Any = Run([1, 0.9], trial, repeatable)
    finding = Finding("code", "what", "effect", "remedy")
    proved = prove(run, finding, Trial(), "with more")
    assert finding.certainty == certainty
    assert proved == (certainty == "proved")
    if proved:
        assert (finding.run, finding.trial) == ([1, 0.9], trial)
        assert finding.changed == "with more"
    else:
        assert (finding.run, finding.trial, finding.changed) == ((), (), "")
