"""The report as text; as an error it is in docs/errors.md, and a notebook's form is tested in
tests/minigrad/support/test_notebook.py.
"""

from typing import Any

import numpy as np

import minigrad as mg


class Doubled(mg.Gate):
    def forward(self, x):
        return x * x

    def backward(self, dz, z, x):
        return (4 * x * dz,)


def test_a_right_report_raises_nothing():
    mg.gradcheck(mg.tanh, np.ones(3)).raise_if_wrong()


def test_many_kinks_and_further_wrong_gates_are_counted():
    def six(x):
        for _ in range(6):
            x = mg.relu(x)
        return x

    text = str(
        mg.gradcheck(lambda x: Doubled()(Doubled()(six(x))), np.array([0.0, 1.0]))
    )
    assert (
        "2 of 8 gates" in text
        and "also wrong: 1 more (Doubled); the last is Doubled" in text
    )
    assert "and 1 more gates" in text


def test_a_backward_that_fails_is_reported(monkeypatch):
    monkeypatch.setattr(mg.GATES["Tanh"], "backward", lambda self, dz, z, x: (dz[:2],))
    report: Any = mg.gradcheck(mg.tanh, np.ones((5, 4)))
    assert "(5, 4)" in report.slip.failure and "(2, 4)" in report.slip.failure
    assert "MG125" in report.failed and "backward failed" in str(report)
