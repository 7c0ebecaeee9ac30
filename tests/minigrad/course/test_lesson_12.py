"""Lesson 12's solution against the RNN layer, TruncatedBPTT and truncation_report, on the trained network it ships."""

import numpy as np
import pytest

import minigrad as mg
from layers import RNN, RNNCell, TruncatedBPTT, outputs, unroll
from minigrad.course.lessons.lesson_12_truncation import solution, trained

rng = np.random.default_rng(12)
KS = (1, 2, 4, 10, 20, 40)


@pytest.mark.parametrize("k", [1, 3, 5, 9])
def test_truncated_has_the_layers_states_and_gradients(k):
    cell, xs = RNNCell(3, 4), [mg.Tensor(rng.normal(size=(2, 3)).astype("f4")) for _ in range(5)]
    h0 = mg.Tensor(rng.normal(size=(2, 4)).astype("f4"), requires_grad=True)
    mine = solution.truncated(lambda x, h: cell(x, h)[1], xs, h0, k)
    theirs, _ = unroll(cell, xs, h0, truncate=k)
    for a, b in zip(mine, theirs, strict=True):
        np.testing.assert_array_equal(a.array, b.array)
    leaves = [cell.W_xh, cell.W_hh, cell.b_h]
    for a, b in zip(mg.grad(mine[-1].sum(), leaves), mg.grad(theirs[-1].sum(), leaves), strict=True):
        np.testing.assert_allclose(a.array, b.array, rtol=1e-5)


@pytest.mark.parametrize(("T", "k1", "k2"), [(7, 2, 3), (10, 3, 3), (6, 2, 2), (12, 5, 7), (3, 4, 9)])
def test_windows_are_those_of_the_walk(T, k1, k2):
    rnn = RNN(1, 2, return_sequences=True, return_state=True, fused=False)
    x = mg.Tensor(np.ones((1, T, 1), "f4"), requires_grad=True)
    found = []
    for steps, ys in TruncatedBPTT(k1, k2).walk(rnn, x):
        (gradient,) = mg.grad(ys[:, -1].sum(), [x])
        found.append((steps.start, steps.stop, int(np.flatnonzero(gradient.array[0, :, 0])[0])))
    assert solution.windows(T, k1, k2) == found


def test_pieces_add_up_to_the_gradient():
    model, (ids, labels) = trained.load(), trained.reviews(50)
    loss = mg.softmax_cross_entropy(model(ids), labels)
    (full,) = mg.grad(loss, [model.named_parameters()["rnn.cell.W_hh"]])
    parts = solution.pieces(*trained.full_backward(model, ids, labels))
    assert len(parts) == 40
    np.testing.assert_allclose(sum(parts), full.array, atol=1e-12)


def test_prediction_and_measurement_are_those_of_the_truncation_report():
    model, (ids, labels) = trained.load(), trained.reviews()
    parts = solution.pieces(*trained.full_backward(model, ids, labels))
    full = trained.truncated_gradient(solution.truncated, 40, model, ids, labels)
    report = mg.truncation_report(model, (ids, labels), ks=KS)
    for k in KS:
        measured = solution.cosine(trained.truncated_gradient(solution.truncated, k, model, ids, labels), full)
        assert measured == pytest.approx(report.cosine[k]["rnn.cell.W_hh"], abs=1e-9)
        assert solution.predict(parts, k) == pytest.approx(measured, abs=1e-9)


def test_the_text_says_what_the_trained_network_does():
    model, (ids, labels) = trained.load(), trained.reviews(5000)
    assert (outputs(model, ids, [""])[""].argmax(axis=1) == labels).mean() == pytest.approx(0.75, abs=0.03)
    parts = solution.pieces(*trained.full_backward(model, *trained.reviews()))
    predicted = [solution.predict(parts, k) for k in KS]
    np.testing.assert_allclose(predicted, [0.30, 0.47, 0.62, 0.84, 0.98, 1], atol=0.005)
