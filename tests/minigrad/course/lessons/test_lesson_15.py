"""Lesson 15: its measures of truncation against `truncation_report` and TruncatedBPTT. Its check
compares `truncated` with the layer.
"""

import numpy as np
import pytest

import minigrad as mg
from layers import RNN, TruncatedBPTT
from minigrad.course.lessons.lesson_15_truncation import solution, trained

from ..conftest import alike


@pytest.mark.parametrize(
    ("T", "k1", "k2"),
    [
        (7, 2, 3),
        (6, 2, 2),
        (12, 5, 7),
        (3, 4, 9),
    ],
)
def test_windows_are_those_of_truncated_bptt(T, k1, k2):
    rnn = RNN(1, 2, return_sequences=True, return_state=True, fused=False)
    x = mg.Tensor(
        np.ones((1, T, 1), "f4"),
        requires_grad=True,
    )
    found = []
    for steps, ys in TruncatedBPTT(k1, k2).walk(rnn, x):
        (gradient,) = mg.grad(ys[:, -1].sum(), [x])
        begin = np.flatnonzero(gradient.array)[0]
        found.append((steps.start, steps.stop, begin))
    assert solution.windows(T, k1, k2) == found


@pytest.mark.parametrize(
    ("k", "cosine"),
    [
        (1, 0.30),
        (4, 0.62),
        (20, 0.98),
        (40, 1),
    ],
)
def test_predict_is_the_truncation_reports_cosine_and_the_texts(k, cosine):
    model, batch = trained.load(), trained.reviews()
    parts = solution.pieces(*trained.full_backward(model, *batch))
    report = mg.truncation_report(model, batch, ks=[k])
    measured = report.cosine[k]["rnn.cell.W_hh"]
    alike(measured, cosine, 0.005)
    alike(solution.predict(parts, k), measured, 1e-9)
    cut, full = (
        trained.truncated_gradient(solution.truncated, steps, model, *batch) for steps in (k, 40)
    )
    alike(sum(parts), full)
    alike(solution.cosine(cut, full), measured, 1e-9)
    if k < 40:
        assert solution.enough(parts, measured - 1e-6) == k
        assert solution.enough(parts, measured + 1e-6) == k + 1
