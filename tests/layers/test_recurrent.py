"""RNN, GRU and LSTM and their options, against formulas written out in NumPy and finite
differences.

test_cells.py compares them with PyTorch and Keras.
"""

import pickle
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from layers import GRU, LSTM, RNN, Dense, Embedding, Sequential, UnpackingWarning, pool
from minigrad import graph
from minigrad.errors import OptionError, ShapeError


def test_sequences_last_states_and_pooling(in_float64):
    x = np.random.default_rng(2).normal(size=(3, 5, 4))
    W_xh, W_hh, b = in_float64(RNN(4, 2)).state_dict().values()
    h, states = np.zeros((3, 2)), []
    for t in range(5):
        h = np.tanh(x[:, t] @ W_xh + h @ W_hh + b)
        states.append(h)
    truth = np.stack(states, axis=1)
    cases: list[Any] = [
        ({}, truth[:, -1]),
        ({"return_sequences": True}, truth),
        ({"pooling": "mean"}, truth.mean(axis=1)),
        ({"pooling": "max"}, truth.max(axis=1)),
    ]
    for options, expected in cases:
        np.testing.assert_allclose(in_float64(RNN(4, 2, **options))(x).array, expected, atol=1e-14)


def test_several_cells_run_in_scopes_of_their_names():
    layer = GRU(3, 2, layers=2, bidirectional=True)
    assert list(layer.cells()) == ["cell", "backward_cell", "cell_2", "backward_cell_2"]
    z = layer(np.ones((1, 3, 3)))
    scopes = {"/".join(node.scope) for node in graph.ancestors([z.node]) if node.gate is not None}
    assert {
        "gru/cell/t00",
        "gru/backward_cell/t02",
        "gru/cell_2/t01",
        "gru/backward_cell_2/t00",
        "gru/t01",
    } <= scopes


@pytest.mark.parametrize("fused", [False, True])
def test_dropout_between_layers_is_on_in_training_alone(fused):
    mg.seed(0)
    model = Sequential(
        LSTM(3, 8, layers=2, bidirectional=True, dropout=0.5, fused=fused), Dense(16, 2)
    )
    x = np.ones((2, 4, 3))
    output = model(x)
    assert not np.array_equal(output.array, model(x).array)
    mg.softmax_cross_entropy(output, np.array([0, 1])).backward()
    assert all(parameter.grad is not None for parameter in model.named_parameters().values())
    model.eval()
    np.testing.assert_array_equal(model(x).array, model(x).array)


def test_an_initial_state_gets_its_gradient(in_float64):
    layer = in_float64(RNN(3, 2))
    h0: Any = mg.Tensor(np.zeros((1, 2)), requires_grad=True)
    layer(np.zeros((1, 1, 3)), h0).sum().backward()
    slope = 1 - np.tanh(layer.cell.b_h.array) ** 2
    np.testing.assert_allclose(h0.grad, [layer.cell.W_hh.array @ slope], atol=1e-14)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"layers": 0}, "MG210.*layers=0"),
        ({"truncate": 2.5}, "MG210.*truncate=2.5"),
        ({"layers": 2, "dropout": 1.5}, "MG212"),
        ({"dropout": 0.5}, "MG220.*one layer"),
        ({"pooling": "mean", "return_sequences": True}, "MG220.*together"),
        ({"fused": "no"}, "MG220.*fused='no'"),
        ({"bidirectional": 2}, "MG220.*bidirectional=2"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, words):
    with pytest.raises(OptionError, match=words):
        RNN(3, 2, **options)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.ones((4, 3)), "2 axes"),
        (Embedding(9, 3)(np.ones((2, 5, 4), int)), r"4 axes[\s\S]*reshape"),
        (np.ones((4, 5, 2)), "2 features.*made for 3"),
        (np.ones((4, 0, 3)), "zero time steps"),
    ],
)
def test_an_input_that_does_not_fit_is_refused(x, words):
    with pytest.raises(ShapeError, match=rf"MG221[\s\S]*{words}"):
        RNN(3, 2)(x)


@pytest.mark.parametrize(
    ("layer", "state", "words"),
    [
        (
            RNN(3, 2),
            mg.Tensor(np.zeros((3, 2))),
            r"batch of 4: its shapes are \(3, 2\) where \(4, 2\)",
        ),
        (LSTM(3, 2), mg.Tensor(np.zeros((4, 2))), r"\(\(4, 2\), \(4, 2\)\) is needed"),
        (RNN(3, 2), "zeros", "str"),
    ],
)
def test_a_state_that_does_not_fit_is_refused(layer, state, words):
    with pytest.raises(ShapeError, match="MG224.*" + words):
        layer(np.ones((4, 5, 3)), state)


@pytest.mark.parametrize(
    "options", [{}, {"return_sequences": True}, {"pooling": "mean", "bidirectional": True}]
)
def test_unpacking_a_batch_of_2_as_output_and_state_warns_at_the_line(options):
    model, ids = Sequential(Embedding(5, 3), LSTM(3, 4, **options)), np.ones((2, 6), int)
    with pytest.warns(UnpackingWarning, match="MG234.*batch of 2") as caught:
        _, _ = model(ids)
    assert caught[0].filename == __file__
    pickle.loads(pickle.dumps(model(ids))).sum().backward()


def test_rows_of_other_batches_and_outputs_beside_a_state_are_unpacked_in_silence():
    x = np.ones((3, 5, 3), "float32")
    _, _, _ = RNN(3, 2)(x)
    output, _ = RNN(3, 2, return_state=True)(x[:2])
    _, _ = output
    _, _ = RNN(3, 2)(x[:2]) + 0


# ---- pool ----


@pytest.mark.parametrize("how", ["mean", "max"])
def test_pool_over_real_steps_alone(how):
    x = np.random.default_rng(3).normal(size=(2, 4, 3))
    mask = np.array([[1, 0, 1, 0], [0, 0, 0, 1]])
    x[0, 1] = np.nan  # what stands at padding does not matter
    truth = [getattr(row[real == 1], how)(axis=0) for row, real in zip(x, mask, strict=True)]
    np.testing.assert_allclose(pool(mg.Tensor(x), how, mask).array, truth, atol=1e-15)
    with pytest.raises(ShapeError, match="MG222.*sequence 1 has no real step"):
        pool(x, how, mask * [[1], [0]])
    with pytest.raises(ShapeError, match="MG221"):
        pool(x[0], how)


def test_pool_takes_integers_and_arrays():
    sequence, mask = np.array([[[1], [5], [9]]]), np.array([[True, True, False]])
    assert (pool(sequence, "max", mask).item(), pool(mg.Tensor(sequence), "mean", mask).item()) == (
        5,
        3,
    )
    assert pool(sequence > 4, "mean").item() == pytest.approx(2 / 3)
    with pytest.raises(OptionError, match="MG220.*how='median'"):
        pool(sequence, "median")
