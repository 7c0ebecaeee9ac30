"""Embedding, OneHot and TiedHead, by hand."""

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from layers import LSTM, Embedding, Layer, OneHot, TiedHead


def test_a_tied_head_scores_with_the_vectors_that_were_read():
    embedding = Embedding(
        3, 2, init=lambda shape: np.array([[1.0, 2.0], [0.0, 1.0], [3.0, 0.0]])
    )
    head = TiedHead(embedding)
    head.b.array = [0.0, 0.5, 0.0]
    z = head(embedding([[0, 2]]))
    np.testing.assert_array_equal(z.array, [[[5.0, 2.5, 3.0], [3.0, 0.5, 9.0]]])
    z[0, 0, 1].backward()  # x · t₁ + b₁ with x = t₀: x arrives at row 1, t₁ at row 0
    np.testing.assert_array_equal(
        embedding.table.grad, [[0.0, 1.0], [1.0, 2.0], [0.0, 0.0]]
    )
    np.testing.assert_array_equal(head.b.grad, [0.0, 1.0, 0.0])


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("embedding", "head"), "embedding.table"),
        (("head", "embedding"), "head.embedding.table"),
    ],
)
def test_a_tied_table_has_one_name_everywhere(parts, name):
    class Tied(Layer):
        embedding: Any
        head: Any

        def __init__(self):
            embedding = Embedding(5, 3)
            made = {"embedding": embedding, "head": TiedHead(embedding)}
            for part in parts:
                setattr(self, part, made[part])

        def forward(self, ids):
            return self.head(mg.tanh(self.embedding(ids)))

    mg.seed(0)
    model, batch = Tied(), (np.array([0, 1, 4]), np.array([1, 2, 0]))
    names = {name, "head.b"}
    assert set(model.state_dict()) == set(model.named_parameters()) == names
    with mg.profile() as times:
        loss = mg.softmax_cross_entropy(model(batch[0]), batch[1])
        loss.backward()
    assert {row.gate for row in times.rows if row.scope == "(leaves)"} == names
    leaves = [node for node in mg.Graph(loss) if node.requires_grad and not node.gate]
    assert {node.name for node in leaves} == names and len(leaves) == 2
    picture = mg.draw(loss).dot
    path, _, last = name.rpartition(".")
    assert picture.count(f'{path}.</font><br/><font point-size="10"><b>{last}</b>') == 2
    assert f'"name":"{name}"' in mg.explore(loss).html
    report = mg.gradcheck_model(model, mg.softmax_cross_entropy, batch)
    assert report and {row.name for row in report.inputs} == names


@pytest.mark.parametrize("fused", [False, True])
def test_one_hot_ids_read_rows_of_the_matrix(fused):
    lstm, one_hot, ids = (
        LSTM(4, 3, fused=fused),
        OneHot(4),
        np.array([[0, 3, 3], [2, 0, 1]]),
    )
    assert one_hot.named_parameters() == {} and repr(one_hot).startswith("OneHot(4)")
    x: Any = mg.Tensor(np.eye(4, dtype="float32")[ids], requires_grad=True)
    parameters = list(lstm.named_parameters().values())
    looked_up, multiplied = (
        mg.grad(lstm(one).sum(), parameters) for one in (one_hot(ids), x)
    )
    for found, expected in zip(looked_up, multiplied, strict=True):
        np.testing.assert_allclose(found.array, expected.array, atol=1e-6)
