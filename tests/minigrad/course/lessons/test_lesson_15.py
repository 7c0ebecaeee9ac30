"""Lesson 15's solution against the RNN layer, TruncatedBPTT and truncation_report, on the trained
network it ships.
"""

import numpy as np
import pytest

import minigrad as mg
from layers import RNN, RNNCell, TruncatedBPTT, unroll
from minigrad.course.lessons.lesson_15_truncation import solution, trained

from ..conftest import alike

rng = np.random.default_rng(12)


@pytest.mark.parametrize("k", [1, 3, 9])
def test_truncated_has_the_layers_states_and_gradients(k):
    cell, xs = (
        RNNCell(3, 4),
        [mg.Tensor(rng.normal(size=(2, 3)).astype("f4")) for _ in range(5)],
    )
    h0 = mg.Tensor(rng.normal(size=(2, 4)).astype("f4"), requires_grad=True)
    mine = solution.truncated(lambda x, h: cell(x, h)[1], xs, h0, k)
    theirs, _ = unroll(cell, xs, h0, truncate=k)
    alike([h.array for h in mine], [h.array for h in theirs])
    found, expected = (
        mg.grad(hs[-1].sum(), [cell.W_hh])[0].array for hs in (mine, theirs)
    )
    alike([found], [expected], 1e-5)


@pytest.mark.parametrize(
    ("T", "k1", "k2"), [(7, 2, 3), (6, 2, 2), (12, 5, 7), (3, 4, 9)]
)
def test_windows_are_those_of_the_walk(T, k1, k2):
    rnn = RNN(1, 2, return_sequences=True, return_state=True, fused=False)
    x = mg.Tensor(np.ones((1, T, 1), "f4"), requires_grad=True)
    found = []
    for steps, ys in TruncatedBPTT(k1, k2).walk(rnn, x):
        (gradient,) = mg.grad(ys[:, -1].sum(), [x])
        found.append(
            (steps.start, steps.stop, int(np.flatnonzero(gradient.array[0, :, 0])[0]))
        )
    assert solution.windows(T, k1, k2) == found


@pytest.mark.parametrize(("k", "said"), [(1, 0.30), (4, 0.62), (20, 0.98), (40, 1)])
def test_prediction_and_measurement_are_those_of_the_report_and_of_the_text(k, said):
    model, batch = trained.load(), trained.reviews()
    parts = solution.pieces(*trained.full_backward(model, *batch))
    full, cut = (
        trained.truncated_gradient(solution.truncated, steps, model, *batch)
        for steps in (40, k)
    )
    alike([sum(parts)], [full])
    measured = solution.cosine(cut, full)
    report = mg.truncation_report(model, batch, ks=[k])
    assert measured == pytest.approx(report.cosine[k]["rnn.cell.W_hh"], abs=1e-9)
    assert measured == pytest.approx(solution.predict(parts, k), abs=1e-9)
    if k < 40:
        assert solution.enough(parts, measured - 1e-9) == k
        assert solution.enough(parts, measured + 1e-9) == k + 1
    assert measured == pytest.approx(said, abs=0.005)
