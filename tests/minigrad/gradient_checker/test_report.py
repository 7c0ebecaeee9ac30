"""The report as text and as an error; a notebook's form is tested in
tests/minigrad/support/test_notebook.py.
"""

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import GradientError


class Doubled(mg.Gate):
    def forward(self, x):
        return x * x

    def backward(self, dz, z, x):
        return (4 * x * dz,)


def test_a_right_report_raises_nothing_and_a_wrong_one_the_whole_report():
    mg.gradcheck(mg.tanh, np.ones(3)).raise_if_wrong()
    with pytest.raises(
        GradientError,
        match=r"MG701[\s\S]*looks like: a factor of 2[\s\S]*remedy: compare the gate's",
    ):
        mg.gradcheck(Doubled(), np.ones(3)).raise_if_wrong()


def test_many_kinks_and_further_wrong_gates_are_counted():
    def six(x):
        for _ in range(6):
            x = mg.relu(x)
        return x

    report = mg.gradcheck(lambda x: Doubled()(Doubled()(six(x))), np.array([0.0, 1.0]))
    assert "2 of 8 gates" in str(
        report
    ) and "also wrong: 1 more (Doubled), the last Doubled" in str(report)
    assert "and 1 more gates" in str(report)


def test_a_backward_that_fails_is_reported(monkeypatch):
    monkeypatch.setattr(mg.GATES["Tanh"], "backward", lambda self, dz, z, x: (dz[:2],))
    report: Any = mg.gradcheck(mg.tanh, np.ones((5, 4)))
    assert "(5, 4)" in report.slip.failure and "(2, 4)" in report.slip.failure
    assert "MG125" in report.failed and "backward failed" in str(report)
