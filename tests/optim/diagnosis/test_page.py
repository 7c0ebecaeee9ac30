"""The findings on the page of the run."""

import numpy as np
import pytest

from optim.diagnosis.finding import Finding
from optim.diagnosis.page import begins, page
from optim.diagnosis.report import Diagnosis
from optim.diagnosis.watch import Line
from optim.recording.recorder import Recorder
from tests.optim.recording.helpers import network, train
from tests.optim.recording.test_page import data_of


def finding(code="equal-weights", **options):
    return Finding(code, "weights are 0", "no gradient", "use init", **options)


def data(*findings, steps=4):
    with Recorder() as recorder:
        if steps:
            train(network(), steps)
    return data_of(page(Diagnosis([*findings], 7), recorder, "train.py"))


def test_page_without_findings():
    found = data()
    assert found["title"] == "Why does train.py not learn?"
    assert found["findings"] == []
    assert found["verdict"] == "No fault was found in 7 backward passes."
    assert found["runs"][0]["count"] == 4


def test_finding_with_its_line_and_curves():
    line = Line(__file__, 1)
    one = finding(line=line, run=[4, 4, 4], trial=[4, 2, 0], changed="with x")
    (found,) = data(one)["findings"]
    assert found["what"] == "Weights are 0"
    assert found["where"].endswith("tests/optim/diagnosis/test_page.py:1")
    assert found["text"] == '"""The findings on the page of the run."""'
    assert (found["run"], found["trial"]) == ([4, 4, 4], [4, 2, 0])
    assert found["step"] == 2


def test_findings_of_a_run_without_steps():
    found = data(finding(), steps=0)
    assert found["runs"] == []
    assert found["findings"][0]["step"] == 1


@pytest.mark.parametrize(
    ("run", "trial", "step"),
    [
        ([], [], 1),
        ([1, 1, 1, 9], [1, 1, 1, 1], 4),
        ([1, 1, np.nan], [1, 1, 0.5], 3),
        ([2, 1, 1], [1, 1, 0], 1),  # with other first weights
        ([1, 1], [1, 1], 1),
        ([5, 5, 5, 5], [5, 4.96, 4], 3),  # the trial took too long; 0.04 is below 5%
    ],
)
def test_finding_begins_where_the_run_and_its_trial_part(run, trial, step):
    assert begins(finding(run=run, trial=trial), 9) == step


@pytest.mark.parametrize("code", ["stopped", "not-finite"])
def test_run_that_stops_ends_with_the_finding(code):
    assert begins(finding(code), 9) == 9
    assert begins(finding(code), 0) == 1
