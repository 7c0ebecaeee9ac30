"""Embedding, OneHot and TiedHead, by hand."""

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from layers import LSTM, Embedding, OneHot, TiedHead


def test_a_tied_head_scores_with_the_vectors_that_were_read():
    embedding = Embedding(3, 2, init=lambda shape: np.array([[1.0, 2.0], [0.0, 1.0], [3.0, 0.0]]))
    head = TiedHead(embedding)
    head.b.array = [0.0, 0.5, 0.0]
    z = head(embedding([[0, 2]]))
    np.testing.assert_array_equal(z.array, [[[5.0, 2.5, 3.0], [3.0, 0.5, 9.0]]])
    z[0, 0, 1].backward()  # x · t₁ + b₁ with x = t₀: x arrives at row 1, t₁ at row 0
    np.testing.assert_array_equal(embedding.table.grad, [[0.0, 1.0], [1.0, 2.0], [0.0, 0.0]])
    np.testing.assert_array_equal(head.b.grad, [0.0, 1.0, 0.0])


@pytest.mark.parametrize("fused", [False, True])
def test_one_hot_ids_read_rows_of_the_matrix(fused):
    lstm, one_hot, ids = LSTM(4, 3, fused=fused), OneHot(4), np.array([[0, 3, 3], [2, 0, 1]])
    assert one_hot.named_parameters() == {} and repr(one_hot).startswith("OneHot(4)")
    x: Any = mg.Tensor(np.eye(4, dtype="float32")[ids], requires_grad=True)
    parameters = list(lstm.named_parameters().values())
    looked_up, multiplied = (mg.grad(lstm(one).sum(), parameters) for one in (one_hot(ids), x))
    for found, expected in zip(looked_up, multiplied, strict=True):
        np.testing.assert_allclose(found.array, expected.array, atol=1e-6)
