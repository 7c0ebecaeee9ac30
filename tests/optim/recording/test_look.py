"""The numbers of a pass, against closed forms."""

import numpy as np
import pytest

import minigrad as mg
from layers import Conv1d, Conv2d, Dense, Embedding, Flatten, Sequential
from layers.init import zeros
from optim.recording.look import SAMPLE, look, sample

from .helpers import IDS, X, Y, mean, recorded


def record_of(model, x, y=Y):
    return look(mg.softmax_cross_entropy(model(x), y).node, {})


def test_edges_have_the_norm_of_the_gradient_between_two_parts():
    model = Sequential(Dense(3, 4), mg.tanh, Dense(4, 2))
    record = record_of(model, X)
    z = np.tanh(X @ model[0].W.array)
    logits = z @ model[2].W.array
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    d_logits = (p - np.eye(2)[Y]) / len(Y)
    d_tanh = d_logits @ model[2].W.array.T
    expected = {
        "sequential.dense_2\nloss": d_logits,
        "sequential.tanh\nsequential.dense_2": d_tanh,
        "sequential.dense\nsequential.tanh": d_tanh * (1 - z * z),
    }
    edges = {name: norm for (kind, name), norm in record.items() if kind == "edge"}
    assert edges == pytest.approx(
        {name: np.linalg.norm(array) for name, array in expected.items()}, rel=1e-5
    )


def test_samples_of_a_small_layer_are_complete():
    model = Sequential(Dense(3, 2))
    loss = mg.softmax_cross_entropy(model(X), Y)
    record = look(loss.node, {})
    loss.backward()
    W, b = model.parameters()
    assert W.grad is not None
    both = np.concatenate([W.array.ravel(), b.array])
    np.testing.assert_array_equal(record["weights", "sequential.dense"], both)
    both = np.concatenate([W.grad.ravel(), b.grad])
    np.testing.assert_allclose(record["gradients", "sequential.dense"], both, 1e-6)
    outputs = model(X).array.ravel()
    np.testing.assert_array_equal(record["outputs", "sequential.dense"], outputs)


def test_update_ratio_of_sgd():
    """|lr · gradient| / |weights|, of the whole layer."""
    model = Sequential(Dense(3, 2))
    loss = mg.softmax_cross_entropy(model(X), Y)
    loss.backward()
    weights = np.concatenate([one.array.ravel() for one in model.parameters()])
    slopes = np.concatenate([np.ravel(one.grad) for one in model.parameters()])  # type: ignore[arg-type]
    expected = 0.1 * np.linalg.norm(slopes) / np.linalg.norm(weights)
    model.zero_grad()
    run = recorded(model, 1, lr=0.1)
    found = run.records[1]["ratio", "sequential.dense"]
    assert found == pytest.approx(expected, rel=1e-4)


def test_update_ratio_of_a_table_covers_the_rows_of_the_batch():
    model = Sequential(Embedding(12, 4), mean, Dense(4, 2))
    table = model[0].table
    before = table.array.copy()
    run = recorded(model, 1, IDS[:1])
    rows = np.unique(IDS[0])
    change = np.linalg.norm(table.array[rows] - before[rows])
    expected = change / np.linalg.norm(before[rows])
    assert run.records[1]["ratio", "sequential.embedding"] == pytest.approx(expected, 1e-4)


def test_dead_units():
    model = Sequential(Dense(3, 4, mg.relu), Dense(4, 2))
    model[0].b.array = np.array([-100, -100, -100, 100], np.float32)
    record = record_of(model, X)
    assert record["dead", "sequential.dense"] == 0.75


def test_dead_filters():
    model = Sequential(Conv2d(1, 4, 2), mg.relu, Flatten(), Dense(4, 2))
    model[0].b.array = np.array([-100, 100, 100, 100], np.float32)
    record = record_of(model, np.ones((8, 1, 2, 2), "float32"))
    assert record["dead", "sequential.relu"] == 0.25


@pytest.mark.parametrize("function", [mg.tanh, mg.sigmoid])
def test_saturated_outputs(function):
    model = Sequential(Dense(3, 4, function, init=zeros), Dense(4, 2))
    model[0].b.array = np.array([-9, 0, 9, 9], np.float32)
    assert record_of(model, X)["saturated", "sequential.dense"] == 0.75


def test_kernels_in_two_dimensions():
    model = Sequential(Conv2d(3, 5, 2), Flatten(), Dense(5, 2))
    record = record_of(model, np.ones((8, 3, 2, 2), "float32"))
    kernels = record["kernels", "sequential.conv2d"]
    np.testing.assert_array_equal(kernels, model[0].W.array[:, 0])


def test_kernels_in_one_dimension():
    model = Sequential(Conv1d(3, 5, 2), Flatten(), Dense(5, 2))
    record = record_of(model, np.ones((8, 3, 2), "float32"))
    kernels = record["kernels", "sequential.conv1d"]
    np.testing.assert_array_equal(kernels, model[0].W.array)


def test_look_leaves_no_gradients():
    model = Sequential(Dense(3, 2))
    record_of(model, X)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_sample_reads_all_columns_of_a_large_array():
    columns = np.broadcast_to(np.arange(64), (1000, 64))
    found = sample(columns)
    assert len(found) <= SAMPLE
    assert set(found.astype(int)) == set(range(64))
