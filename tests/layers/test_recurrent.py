"""RNN, GRU and LSTM and their options, against formulas written out in NumPy and finite
differences.

test_cells.py compares them with PyTorch and Keras.
"""

import pickle

import numpy as np
import pytest

import minigrad as mg
from layers import (
    GRU,
    LSTM,
    RNN,
    Cell,
    Dense,
    Embedding,
    Recurrent,
    Sequential,
    UnpackingWarning,
    pool,
)
from minigrad import graph
from minigrad.errors import OptionError, ShapeError, UnsupportedError


def test_last_states_and_pooling_are_those_of_the_sequence(in_float64):
    x = np.random.default_rng(2).normal(size=(3, 5, 4))
    sequence = in_float64(RNN(4, 2, return_sequences=True))(x).array
    expected = {
        "last": sequence[:, -1],
        "mean": sequence.mean(axis=1),
        "max": sequence.max(axis=1),
    }
    for pooling, truth in expected.items():
        found = in_float64(RNN(4, 2, pooling=pooling))(x).array
        np.testing.assert_allclose(found, truth, atol=1e-14)


def test_several_cells_run_in_scopes_of_their_names():
    layer = GRU(3, 2, layers=2, bidirectional=True)
    assert list(layer.cells()) == ["cell", "backward_cell", "cell_2", "backward_cell_2"]
    z = layer(np.ones((1, 3, 3)))
    scopes = {"/".join(node.scope) for node in graph.ancestors([z.node])}
    names = [
        "cell/t00",
        "backward_cell/t02",
        "cell_2/t01",
        "backward_cell_2/t00",
        "t01",
    ]
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
    assert all(
        parameter.grad is not None for parameter in model.named_parameters().values()
    )
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
    "options",
    [{}, {"return_sequences": True}, {"pooling": "mean", "bidirectional": True}],
)
def test_unpacking_a_batch_of_2_as_output_and_state_warns_at_the_line(options):
    model, ids = (
        Sequential(Embedding(5, 3), LSTM(3, 4, **options)),
        np.ones((2, 6), int),
    )
    with pytest.warns(UnpackingWarning, match="MG234.*into its 2 rows") as caught:
        _, _ = model(ids)
    assert caught[0].filename == __file__
    pickle.loads(pickle.dumps(model(ids))).sum().backward()


@pytest.mark.parametrize("batch", [1, 3, 5])
def test_unpacking_a_batch_of_another_size_as_output_and_state_is_refused(batch):
    rnn = GRU(3, 2, return_sequences=True)
    with pytest.raises(ShapeError, match=rf"MG234.*\({batch}, 4, 2\) into 2 names"):
        _, _ = rnn(np.ones((batch, 4, 3)))


def test_rows_are_looped_over_and_outputs_beside_a_state_are_unpacked_in_silence():
    x = np.ones((3, 5, 3), "float32")
    _, _, _ = RNN(3, 2)(x)
    output, _ = RNN(3, 2, return_state=True)(x[:2])
    _, _ = output
    assert [row.shape for row in RNN(3, 2)(x[:2])] == [(2,), (2,)]


@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
@pytest.mark.parametrize("fused", [False, True])
def test_the_state_of_several_cells_has_pytorchs_axis_of_layers_and_continues(
    kind, fused, in_float64
):
    rnn = in_float64(
        kind(3, 2, layers=2, return_sequences=True, return_state=True, fused=fused)
    )
    x = np.random.default_rng(5).normal(size=(4, 6, 3))
    whole, last = rnn(x)
    _, state = rnn(x[:, :4])
    rest, end = rnn(x[:, 4:], state)
    np.testing.assert_allclose(rest.array, whole.array[:, 4:], atol=1e-14)
    (h, *c), (h_end, *c_end) = (s if kind is LSTM else (s,) for s in (last, end))
    assert [part.shape for part in (h, *c)] == [(2, 4, 2)] * (1 + len(c))
    np.testing.assert_array_equal(h[-1].array, whole.array[:, -1])
    for part, other in zip((h, *c), (h_end, *c_end), strict=True):
        np.testing.assert_allclose(part.array, other.array, atol=1e-14)
    # a list with the state of each cell, which older versions returned and snapshots contain
    cells = list(zip(*state, strict=True)) if kind is LSTM else list(state)
    np.testing.assert_array_equal(rnn(x[:, 4:], cells)[0].array, rest.array)


@pytest.mark.parametrize("index", [np.s_[:, -1], -1])
@pytest.mark.parametrize("options", [{}, {"pooling": "max"}, {"return_state": True}])
def test_the_last_unit_taken_for_the_last_step_warns_at_the_line(index, options):
    found = LSTM(3, 2, **options)(np.ones((4, 5, 3), "float32"))
    results = [found[0], *found[1]] if options.get("return_state") else [found]
    for result in results:
        with pytest.warns(UserWarning, match=r"MG248.*\(4, 2\)") as caught:
            part = result[index]
        assert caught[0].filename == __file__
        np.testing.assert_array_equal(part.array, result.array[index])


def test_other_indices_and_outputs_with_an_axis_of_steps_are_read_in_silence():
    x = np.ones((4, 5, 3), "float32")
    output = RNN(3, 2)(x)
    for index in (
        0,
        np.s_[:, 1],
        np.s_[:, -1:],
        np.s_[2, -1],
        np.array([-1, 2]),
        ...,
        None,
    ):
        output[index]
    sequence, h = RNN(3, 2, layers=2, return_sequences=True, return_state=True)(x)
    assert sequence[:, -1].shape == h[-1].shape == (4, 2)


@pytest.mark.parametrize(
    "state", [5, [], "h", [None, None], np.ones((2, 2)), np.ones((3, 4, 2))]
)
@pytest.mark.parametrize("kind", [RNN, LSTM])
def test_a_state_that_does_not_fit_several_cells_is_refused(kind, state):
    with pytest.raises(ShapeError, match=r"MG224.* instead of \[\(2, 4, 2\)"):
        kind(3, 2, layers=2)(np.ones((4, 5, 3)), state)


@pytest.mark.parametrize("how", ["mean", "max"])
def test_pool_over_real_steps_alone(how):
    x = np.random.default_rng(3).normal(size=(2, 4, 3))
    mask = np.array([[1, 0, 1, 0], [0, 0, 0, 1]])
    x[0, 1] = np.nan  # what stands at padding does not matter
    truth = [
        getattr(row[real == 1], how)(axis=0) for row, real in zip(x, mask, strict=True)
    ]
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


class Remembering(Cell):
    """A cell of one's own, whose state is h (B, H) and the last two values of h (B, 2, H)."""

    state_names = ("h", "memory")

    def initial_state(self, batch):
        return super().initial_state(batch)[0], mg.Tensor(
            np.zeros((batch, 2, self.hidden))
        )

    def forward(self, x, state):
        h, memory = state
        h = h / 2 + x - memory[:, 0]
        return h, (h, mg.stack([memory[:, 1], h], axis=1))


def test_a_state_with_more_axes_continues_as_it_was_returned_and_as_a_list_of_cells():
    rnn = Recurrent(
        lambda size: Remembering(size, size), 3, layers=2, return_state=True
    )
    x = np.random.default_rng(6).normal(size=(4, 5, 3))
    _, whole = rnn(x)
    _, state = rnn(x[:, :3])
    assert [part.shape for part in state] == [
        (2, 4, 3),
        (2, 4, 2, 3),
    ]  # (cells, B, ..., H)
    for given in (state, list(zip(*state, strict=True))):
        _, end = rnn(x[:, 3:], given)
        for part, other in zip(end, whole, strict=True):
            np.testing.assert_allclose(part.array, other.array, atol=1e-14)
