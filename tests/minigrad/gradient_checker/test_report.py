"""A report as text. docs/errors.md has it as an error, support/test_notebook.py in a notebook."""

from typing import Any

import numpy as np

import minigrad as mg


class Doubled(mg.Gate):
    def forward(self, x):
        return x * x

    def backward(self, dz, z, x):
        return (4 * x * dz,)


def test_raise_if_wrong_does_nothing_after_a_right_report():
    mg.gradcheck(
        mg.tanh,
        np.ones(3),
    ).raise_if_wrong()


def test_report_counts_kinks_and_wrong_gates():
    def program(x):
        for _ in range(6):
            x = mg.relu(x)
        return Doubled()(Doubled()(x))

    text = str(
        mg.gradcheck(
            program,
            np.array([0.0, 1.0]),
        )
    )
    assert "2 of 8 gates" in text
    assert "also wrong: 1 more (Doubled); the last is Doubled" in text
    assert "and 1 more gates" in text


def test_report_shows_a_backward_that_fails(monkeypatch):
    monkeypatch.setattr(
        mg.Tanh,
        "backward",
        lambda self, dz, z, x: (dz[:2],),
    )
    report: Any = mg.gradcheck(
        mg.tanh,
        np.ones((5, 4)),
    )
    assert "(5, 4)" in report.slip.failure
    assert "(2, 4)" in report.slip.failure
    assert "MG125" in report.failed
    assert "backward failed" in str(report)
