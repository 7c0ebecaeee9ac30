"""Embedding, OneHot and TiedHead: what they look up and score."""

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from layers import LSTM, Embedding, Layer, OneHot, TiedHead

from .helpers import assert_close, fused_or_not, leaf


def test_tied_head_scores_with_the_vectors_of_the_lookup():
    embedding = Embedding(3, 2)
    embedding.table.array = [
        [1.0, 2.0],
        [0.0, 1.0],
        [3.0, 0.0],
    ]
    head = TiedHead(embedding)
    head.b.array = [0.0, 0.5, 0.0]
    x = embedding([[0, 2]])
    z = head(x)
    assert_close(z, [[[5.0, 2.5, 3.0], [3.0, 0.5, 9.0]]])
    without_bias = TiedHead(embedding, bias=False)
    assert_close(without_bias(x), z - head.b)
    z[0, 0, 1].backward()  # x · t₁ + b₁ with x = t₀: x arrives at row 1, t₁ at row 0
    assert_close(embedding.table.grad, [[0, 1], [1, 2], [0, 0]])
    assert_close(head.b.grad, [0, 1, 0])


@pytest.mark.parametrize("first", ["embedding", "head"])
def test_tied_head_and_embedding_have_one_name_for_the_table(first):
    class Tied(Layer):
        embedding: Any
        head: Any

        def __init__(self):
            embedding = Embedding(5, 3)
            if first == "embedding":
                self.embedding = embedding
            self.head = TiedHead(embedding)
            self.embedding = embedding

        def forward(self, ids):
            x = mg.tanh(self.embedding(ids))
            return self.head(x)

    model = Tied()
    path = "embedding" if first == "embedding" else "head.embedding"
    names = {f"{path}.table", "head.b"}
    assert set(model.state_dict()) == names
    assert set(model.named_parameters()) == names
    ids = np.array([0, 1, 4])
    loss = mg.softmax_cross_entropy(model(ids), ids)
    leaves = [node.name for node in mg.Graph(loss) if node.requires_grad and not node.gate]
    assert set(leaves) == names
    assert len(leaves) == 2
    report = mg.gradcheck_model(model, mg.softmax_cross_entropy, (ids, ids))
    assert report
    assert {row.name for row in report.inputs} == names


@fused_or_not
def test_one_hot_is_a_lookup_in_the_matrix(fused):
    lstm = LSTM(4, 3, fused=fused)
    parameters = lstm.parameters()
    one_hot = OneHot(4)
    assert one_hot.parameters() == []
    assert repr(one_hot).startswith("OneHot(4)")
    ids = np.array([[0, 3, 3, 1]])
    z = lstm(one_hot(ids))
    expected = lstm(leaf(np.eye(4)[ids]))
    assert_close(
        mg.grad(z.sum(), parameters),
        mg.grad(expected.sum(), parameters),
        1e-6,
    )
