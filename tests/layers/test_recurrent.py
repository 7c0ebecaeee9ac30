"""RNN, GRU and LSTM: their options, outputs and states, and pool."""

import pickle
from typing import Any

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

from .helpers import assert_close, in_float64, normal, raises

X = normal(4, 5, 3)
SHORT = X[:, :2]

# ---- options ----


def test_pooling_and_last_state_of_the_sequence():
    sequence = in_float64(RNN(3, 2, return_sequences=True))(X)
    expected = {
        "last": sequence[:, -1],
        "mean": sequence.mean(axis=1),
        "max": sequence.max(axis=1),
    }
    for pooling, truth in expected.items():
        layer = in_float64(RNN(3, 2, pooling=pooling))
        assert_close(layer(X), truth)


def test_layers_and_bidirectional_name_cells_and_scopes():
    layer = GRU(3, 2, layers=2, bidirectional=True)
    assert list(layer.cells()) == ["cell", "backward_cell", "cell_2", "backward_cell_2"]
    nodes = graph.ancestors([layer(X[:, :3]).node])
    assert {"/".join(node.scope) for node in nodes} > {
        "gru/cell/t00",
        "gru/backward_cell/t02",
        "gru/cell_2/t01",
        "gru/backward_cell_2/t00",
        "gru/t01",
    }


@pytest.mark.parametrize("fused", [False, True])
def test_dropout_between_layers_acts_in_training(fused):
    mg.seed(0)
    lstm = LSTM(3, 8, layers=2, bidirectional=True, dropout=0.5, fused=fused)
    model = Sequential(lstm, Dense(16, 2))
    output = model(X)
    assert not np.array_equal(output.array, model(X).array)
    output.sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    model.eval()
    assert_close(model(X), model(X), atol=0)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"batch_first": True}, UnsupportedError, "MG129.*batch_first"),
        ({"dropout": 0.5}, OptionError, "MG220.*dropout=0.5 with one layer"),
        ({"pooling": "median"}, OptionError, "MG220.*'median'"),
        ({"layers": 0}, OptionError, "MG220.*layers=0"),
    ],
)
def test_options_that_do_not_fit(options, error, words):
    with pytest.raises(error, match=words):
        RNN(3, 2, **options)(X)


@pytest.mark.parametrize(("name", "value"), [("layers", 2), ("bidirectional", True)])
def test_layers_and_bidirectional_are_fixed(name, value):
    both = GRU(3, 2, layers=3, bidirectional=True)
    assert both.layers == 3 and both.bidirectional
    rnn = RNN(3, 2)
    words = f"MG220.*{name} of RNN cannot be changed to {value}"
    with pytest.raises(OptionError, match=words):
        setattr(rnn, name, value)
    assert rnn.layers == 1 and not rnn.bidirectional


# ---- return_state ----


@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
@pytest.mark.parametrize("fused", [False, True])
def test_return_state_of_several_cells_continues(kind, fused):
    options: dict[str, Any] = {"return_sequences": True, "return_state": True}
    rnn = in_float64(kind(3, 2, layers=2, fused=fused, **options))
    whole, last = rnn(X)
    _, state = rnn(SHORT)
    rest, end = rnn(X[:, 2:], state)
    assert_close(rest, whole[:, 2:])
    if kind is not LSTM:
        state, last, end = (state,), (last,), (end,)
    assert [part.shape for part in last] == [(2, 4, 2)] * len(last)
    assert_close(last[0][-1], whole[:, -1])
    for part, other in zip(end, last, strict=True):
        assert_close(part, other)
    # a list with the state of each cell, which older versions returned and snapshots contain
    cells = list(zip(*state, strict=True)) if kind is LSTM else list(state[0])
    again, _ = rnn(X[:, 2:], cells)
    assert_close(again, rest, atol=0)


class Remembering(Cell):
    """A cell of one's own, whose state is h (B, H) and the last two values of h (B, 2, H)."""

    state_names = ("h", "memory")

    def initial_state(self, batch):
        memory = np.zeros((batch, 2, self.hidden))
        return super().initial_state(batch)[0], mg.Tensor(memory)

    def forward(self, x, state):
        h, memory = state
        h = h / 2 + x - memory[:, 0]
        return h, (h, mg.stack([memory[:, 1], h], axis=1))


def test_return_state_of_a_cell_with_more_axes_continues():
    rnn = Recurrent(lambda size: Remembering(3, 3), 3, layers=2, return_state=True)
    _, whole = rnn(X)
    _, state = rnn(SHORT)
    assert [part.shape for part in state] == [(2, 4, 3), (2, 4, 2, 3)]
    for start in (state, list(zip(*state, strict=True))):
        _, end = rnn(X[:, 2:], start)
        for part, other in zip(end, whole, strict=True):
            assert_close(part, other)


@pytest.mark.parametrize(
    "state", [5, [], "h", [None, None], np.ones((2, 2)), np.ones((3, 4, 2))]
)
@pytest.mark.parametrize("kind", [RNN, LSTM])
@pytest.mark.parametrize("layers", [1, 2])
def test_state_that_does_not_fit(kind, layers, state):
    shape = r"\(2, 4, 2\)" if layers == 2 else r"\(4, 2\)"
    words = rf"MG224.*batch of 4.* instead of \[{shape}"
    with pytest.raises(ShapeError, match=words):
        kind(3, 2, layers=layers)(X, state)


# ---- an output taken for (output, state) ----


@pytest.mark.parametrize(
    "options",
    [{}, {"return_sequences": True}, {"pooling": "mean", "bidirectional": True}],
)
def test_unpacking_two_rows_as_output_and_state_warns(options):
    model = Sequential(Embedding(5, 3), LSTM(3, 4, **options))
    z = model(np.ones((2, 6), int))
    with pytest.warns(UnpackingWarning, match="MG234.*into its 2 rows") as caught:
        _, _ = z
    assert caught[0].filename == __file__
    pickle.loads(pickle.dumps(z)).sum().backward()


@pytest.mark.parametrize("batch", [1, 3])
def test_unpacking_other_rows_as_output_and_state_fails(batch):
    z = GRU(3, 2, return_sequences=True)(X[:batch])
    with raises("MG234", rf"\({batch}, 5, 2\) into 2 names"):
        _, _ = z


def test_unpacking_rows_or_a_returned_state_does_not_warn():
    _, _, _ = RNN(3, 2)(X[:3])
    output, _ = RNN(3, 2, return_state=True)(X[:2])
    _, _ = output
    assert [row.shape for row in RNN(3, 2)(X[:2])] == [(2,), (2,)]


# ---- the last unit taken for the last step ----


@pytest.mark.parametrize("index", [np.s_[:, -1], -1])
@pytest.mark.parametrize("options", [{}, {"pooling": "max"}, {"return_state": True}])
def test_index_of_the_last_unit_warns(index, options):
    found = LSTM(3, 2, **options)(X)
    output, (h, c) = found if "return_state" in options else (found, (found, found))
    for result in (output, h, c):
        with pytest.warns(UserWarning, match=r"MG248.*\(4, 2\)") as caught:
            part = result[index]
        assert caught[0].filename == __file__
        assert_close(part, result.array[index], atol=0)


def test_index_of_anything_else_does_not_warn():
    output = RNN(3, 2)(X)
    for index in (0, np.s_[:, 1], np.s_[:, -1:], np.s_[2, -1], np.array([-1]), ...):
        output[index]
    sequence, h = RNN(3, 2, layers=2, return_sequences=True, return_state=True)(X)
    assert sequence[:, -1].shape == h[-1].shape == (4, 2)


# ---- pool ----


@pytest.mark.parametrize("how", ["mean", "max"])
def test_pool_with_a_mask(how):
    mask = np.array([[1, 0, 1, 0], [0, 0, 0, 1]])
    x = normal(2, 4, 3)
    truth = [getattr(x[0, [0, 2]], how)(axis=0), x[1, 3]]
    x[0, 1] = np.nan
    assert_close(pool(x, how, mask), truth)
    with raises("MG222", "no real steps in sequence 1"):
        pool(x, how, mask * [[1], [0]])
    with raises("MG221"):
        pool(x[0], how)


@pytest.mark.parametrize("how", ["mean", "max"])
@pytest.mark.parametrize("dtype", ["int8", "uint8", "bool", "float16"])
def test_pool_of_more_steps_than_the_dtype_counts(how, dtype):
    half = dtype == "float16"
    x = np.full((2, 3000, 2), 100 if half else 1, dtype)
    mask = np.arange(3000) < [[2500], [3]]
    found = pool(x, how, mask)
    assert found.dtype == (dtype if half else np.float64)
    assert_close(found, x[:, 0])
