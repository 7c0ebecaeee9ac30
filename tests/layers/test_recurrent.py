"""RNN, GRU and LSTM and their options, against formulas written out in NumPy and finite
differences.

test_cells.py compares them with PyTorch and Keras.
"""

import pickle

import numpy as np
import pytest

import minigrad as mg
from layers import GRU, LSTM, RNN, Dense, Embedding, Sequential, UnpackingWarning, pool
from minigrad import graph
from minigrad.errors import OptionError, ShapeError, UnsupportedError


def test_last_states_and_pooling_are_those_of_the_sequence(in_float64):
    x = np.random.default_rng(2).normal(size=(3, 5, 4))
    sequence = in_float64(RNN(4, 2, return_sequences=True))(x).array
    expected = {"last": sequence[:, -1], "mean": sequence.mean(axis=1), "max": sequence.max(axis=1)}
    for pooling, truth in expected.items():
        found = in_float64(RNN(4, 2, pooling=pooling))(x).array
        np.testing.assert_allclose(found, truth, atol=1e-14)


def test_several_cells_run_in_scopes_of_their_names():
    layer = GRU(3, 2, layers=2, bidirectional=True)
    assert list(layer.cells()) == ["cell", "backward_cell", "cell_2", "backward_cell_2"]
    z = layer(np.ones((1, 3, 3)))
    scopes = {"/".join(node.scope) for node in graph.ancestors([z.node])}
    names = ["cell/t00", "backward_cell/t02", "cell_2/t01", "backward_cell_2/t00", "t01"]
    assert {f"gru/{name}" for name in names} <= scopes


@pytest.mark.parametrize("fused", [False, True])
def test_dropout_between_layers_is_on_in_training_alone(fused):
    mg.seed(0)
    lstm = LSTM(3, 8, layers=2, bidirectional=True, dropout=0.5, fused=fused)
    model = Sequential(lstm, Dense(16, 2))
    x = np.ones((2, 4, 3))
    output = model(x)
    assert not np.array_equal(output.array, model(x).array)
    output.sum().backward()
    assert all(parameter.grad is not None for parameter in model.named_parameters().values())
    model.eval()
    np.testing.assert_array_equal(model(x).array, model(x).array)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"batch_first": True}, UnsupportedError, "MG129.*batch_first"),
        ({"dropout": 0.5}, OptionError, "MG220.*dropout=0.5 with one layer"),
        ({"pooling": "median"}, OptionError, "MG220.*'median'"),
        ({"layers": 0}, OptionError, "MG220.*layers=0"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, error, words):
    with pytest.raises(error, match=words):
        RNN(3, 2, **options)(np.ones((1, 2, 3)))


@pytest.mark.parametrize("shape", [(4, 3), (2, 5, 4, 3), (4, 5, 2), (4, 0, 3)])
def test_an_input_that_does_not_fit_is_refused(shape):
    with pytest.raises(ShapeError, match=r"MG221.*\(batch, time, 3\), not \(\d"):
        RNN(3, 2)(np.ones(shape))


@pytest.mark.parametrize(("layer", "batch"), [(RNN(3, 2), 3), (LSTM(3, 2), 4)])
def test_a_state_that_does_not_fit_is_refused(layer, batch):
    with pytest.raises(ShapeError, match=r"MG224.*batch of 4.* instead of \[\(4, 2\)"):
        layer(np.ones((4, 5, 3)), mg.Tensor(np.zeros((batch, 2))))


@pytest.mark.parametrize(
    "options", [{}, {"return_sequences": True}, {"pooling": "mean", "bidirectional": True}]
)
def test_unpacking_a_batch_of_2_as_output_and_state_warns_at_the_line(options):
    model, ids = Sequential(Embedding(5, 3), LSTM(3, 4, **options)), np.ones((2, 6), int)
    with pytest.warns(UnpackingWarning, match="MG234.*2 rows of its batch") as caught:
        _, _ = model(ids)
    assert caught[0].filename == __file__
    pickle.loads(pickle.dumps(model(ids))).sum().backward()


def test_rows_of_other_batches_and_outputs_beside_a_state_are_unpacked_in_silence():
    x = np.ones((3, 5, 3), "float32")
    _, _, _ = RNN(3, 2)(x)
    output, _ = RNN(3, 2, return_state=True)(x[:2])
    _, _ = output


@pytest.mark.parametrize("how", ["mean", "max"])
def test_pool_over_real_steps_alone(how):
    x = np.random.default_rng(3).normal(size=(2, 4, 3))
    mask = np.array([[1, 0, 1, 0], [0, 0, 0, 1]])
    x[0, 1] = np.nan  # what stands at padding does not matter
    truth = [getattr(row[real == 1], how)(axis=0) for row, real in zip(x, mask, strict=True)]
    np.testing.assert_allclose(pool(mg.Tensor(x), how, mask).array, truth, atol=1e-15)
    with pytest.raises(ShapeError, match="MG222.*no real steps in sequence 1"):
        pool(x, how, mask * [[1], [0]])
    with pytest.raises(ShapeError, match="MG221"):
        pool(x[0], how)


@pytest.mark.parametrize("how", ["mean", "max"])
@pytest.mark.parametrize("dtype", ["int8", "uint8", "bool", "float16"])
def test_pool_of_integers_and_of_more_steps_than_the_dtype_can_count(how, dtype):
    x = np.full((2, 3000, 2), 100 if dtype == "float16" else 1, dtype)
    mask = np.arange(3000) < [[2500], [3]]
    found = pool(mg.Tensor(x), how, mask)
    assert found.dtype == ("float16" if dtype == "float16" else "float64")
    np.testing.assert_allclose(found.array, x[:, 0], rtol=1e-6)
