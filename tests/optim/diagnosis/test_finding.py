"""When a trial proves a cause, and how numbers are written."""

import pytest

from optim.diagnosis.finding import Finding, improves, number, prove
from optim.diagnosis.trial import Trial
from tests.optim.diagnosis.helpers import regression


@pytest.fixture
def evidence():
    """A run at half of the loss of guessing."""
    e = regression()
    e.control = [e.baseline, e.baseline / 2]
    e.losses = e.control
    return e


@pytest.mark.parametrize(
    ("share", "better"), [(0.1, True), (0.36, False), (0.9, False)]
)
def test_trial_improves_by_a_share_of_guessing_and_a_factor(evidence, share, better):
    trial = [evidence.baseline, share * evidence.baseline]
    assert improves(evidence, trial) == better


def test_trial_that_is_not_finite_improves_nothing(evidence):
    assert not improves(evidence, [1.0, float("nan")])
    assert not improves(evidence, [])


def test_proof_needs_a_control_that_is_the_run(evidence, monkeypatch):
    finding = Finding("code", "what", "effect", "remedy")
    better = [evidence.baseline, 0.0]
    monkeypatch.setattr(evidence, "attempt", lambda trial: better)
    assert prove(evidence, finding, Trial(), "without it")
    assert finding.certainty == "proved"
    assert finding.trial == better
    evidence.losses = [7.0, 7.0]
    del evidence.repeatable
    assert not prove(evidence, finding, Trial(), "without it")


def test_number_has_three_digits():
    written = map(number, [0.12345, 1234.5, 2])
    assert list(written) == ["0.123", "1.23e+03", "2"]
