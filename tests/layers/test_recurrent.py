"""RNN, GRU and LSTM: their options, outputs and states, and pool."""

import pickle

import numpy as np
import pytest

import minigrad as mg
from layers import (
    GRU,
    LSTM,
    RNN,
    Cell,
    Recurrent,
    Sequential,
    UnpackingWarning,
    pool,
)
from minigrad import graph

from .helpers import (
    assert_close,
    fused_or_not,
    in_float64,
    kinds,
    normal,
    raises,
)

X = normal(4, 5, 3)
SHORT = X[:, :2]
REST = X[:, 2:]

# ---- options ----


def test_pooling_and_last_state_of_the_sequence():
    sequence = in_float64(RNN(3, 2, return_sequences=True))(X)
    expected = {
        "last": sequence[:, -1],
        "mean": sequence.mean(axis=1),
        "max": sequence.max(axis=1),
    }
    for pooling, output in expected.items():
        layer = in_float64(RNN(3, 2, pooling=pooling))
        assert_close(layer(X), output)


def test_layers_and_bidirectional_name_cells_and_scopes():
    layer = GRU(3, 2, layers=2, bidirectional=True)
    names = ["cell", "backward_cell", "cell_2", "backward_cell_2"]
    assert list(layer.cells()) == names
    nodes = graph.ancestors([layer(X).node])
    scopes = {node.scope for node in nodes}
    for name in names:
        assert {("gru", name, "t00"), ("gru", name, "t04")} < scopes
    assert ("gru", "t01") in scopes


@fused_or_not
def test_dropout_between_layers_acts_in_training(fused):
    lstm = LSTM(3, 8, layers=2, bidirectional=True, dropout=0.5, fused=fused)
    first, second = lstm(X), lstm(X)
    assert not np.array_equal(first.array, second.array)
    first.sum().backward()
    for parameter in lstm.parameters():
        assert parameter.grad is not None
    lstm.eval()
    assert_close(lstm(X), lstm(X), 0)


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ({"batch_first": True}, "MG129", "batch_first"),
        ({"dropout": 0.5}, "MG220", "dropout=0.5 with one layer"),
        ({"pooling": "median"}, "MG220", "'median'"),
        ({"layers": 0}, "MG220", "layers=0"),
    ],
)
def test_options_that_do_not_fit(options, code, words):
    with raises(code, words):
        RNN(3, 2, **options)(X)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("layers", 2),
        ("bidirectional", True),
    ],
)
def test_layers_and_bidirectional_are_fixed(name, value):
    both = GRU(3, 2, layers=2, bidirectional=True)
    assert getattr(both, name) == value
    rnn = RNN(3, 2)
    with raises("MG220", f"{name} of RNN cannot be changed to {value}"):
        setattr(rnn, name, value)
    assert getattr(rnn, name) == value - 1


# ---- return_state ----


@kinds
@fused_or_not
def test_return_state_of_several_cells_continues(kind, fused):
    rnn = in_float64(kind(3, 2, layers=2, fused=fused))
    rnn.return_sequences = True
    rnn.return_state = True
    whole, last = rnn(X)
    h = last[0] if kind is LSTM else last
    assert h.shape == (2, 4, 2)
    assert_close(h[-1], whole[:, -1])
    _, state = rnn(SHORT)
    # a list with the state of each cell, which older versions returned and snapshots contain
    cells = list(zip(*state, strict=True)) if kind is LSTM else list(state)
    for start in (state, cells):
        rest, end = rnn(REST, start)
        assert_close(rest, whole[:, 2:])
        assert_close(end, last)


class Remembering(Cell):
    """A cell of one's own, whose state is h (B, H) and the last two values of h (B, 2, H)."""

    state_names = ("h", "memory")

    def initial_state(self, batch):
        h = mg.Tensor(np.zeros((batch, 3)))
        return h, mg.stack([h, h], axis=1)

    def forward(self, x, state):
        h, memory = state
        h = h / 2 + x - memory[:, 0]
        memory = mg.stack([memory[:, 1], h], axis=1)
        return h, (h, memory)


def test_return_state_of_a_cell_with_more_axes_continues():
    rnn = Recurrent(lambda size: Remembering(3, 3), 3, layers=2, return_state=True)
    _, whole = rnn(X)
    _, (h, memory) = rnn(SHORT)
    assert h.shape == (2, 4, 3)
    assert memory.shape == (2, 4, 2, 3)
    cells = [(h[0], memory[0]), (h[1], memory[1])]
    for start in ((h, memory), cells):
        _, end = rnn(REST, start)
        assert_close(end, whole)


@pytest.mark.parametrize(
    "state",
    [
        5,
        [],
        "h",
        [None, None],
        np.ones((2, 2)),
        np.ones((3, 4, 2)),
    ],
)
@pytest.mark.parametrize("kind", [RNN, LSTM])
@pytest.mark.parametrize("layers", [1, 2])
def test_state_that_does_not_fit(kind, layers, state):
    layer = kind(3, 2, layers=layers)
    shape = "2, 4, 2" if layers == 2 else "4, 2"
    with raises("MG224", rf"batch of 4.* instead of \[\({shape}\)"):
        layer(X, state)


# ---- an output taken for (output, state) ----


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"return_sequences": True},
        {"pooling": "mean", "bidirectional": True},
    ],
)
def test_unpacking_two_rows_as_output_and_state_warns(options):
    model = Sequential(LSTM(3, 4, **options))
    z = model(X[:2])
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
    rnn = RNN(3, 2)
    _, _, _ = rnn(X[:3])
    rows = list(rnn(X[:2]))
    assert rows[0].shape == (2,)
    rnn.return_state = True
    output, _ = rnn(X[:2])
    _, _ = output


# ---- the last unit taken for the last step ----


@pytest.mark.parametrize("index", [np.s_[:, -1], -1])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"pooling": "max"},
        {"return_state": True},
    ],
)
def test_index_of_the_last_unit_warns(index, options):
    results = [LSTM(3, 2, **options)(X)]
    if "return_state" in options:
        output, state = results[0]
        results = [output, *state]
    for result in results:
        with pytest.warns(UserWarning, match=r"MG248.*\(4, 2\)") as caught:
            part = result[index]
        assert caught[0].filename == __file__
        assert_close(part, result.array[index], 0)


def test_index_of_anything_else_does_not_warn():
    z = RNN(3, 2)(X)
    for index in (
        0,
        np.s_[:, 1],
        np.s_[:, -1:],
        np.s_[2, -1],
        np.array([-1]),
        None,
    ):
        z[index]
    rnn = RNN(3, 2, layers=2)
    rnn.return_sequences = True
    rnn.return_state = True
    sequence, h = rnn(X)
    assert_close(sequence[:, -1], h[-1])


# ---- pool ----


@pytest.mark.parametrize("how", ["mean", "max"])
def test_pool_with_a_mask(how):
    x = normal(2, 4, 3)
    mask = np.zeros((2, 4))
    mask[0, [0, 2]] = 1
    mask[1, 3] = 1
    first, _, third, _ = x[0]
    expected = np.maximum(first, third) if how == "max" else (first + third) / 2
    x[0, 1] = np.nan
    assert_close(pool(x, how, mask), [expected, x[1, 3]])
    mask[1] = 0
    with raises("MG222", "no real steps in sequence 1"):
        pool(x, how, mask)
    with raises("MG221"):
        pool(x[0], how)


@pytest.mark.parametrize("how", ["mean", "max"])
@pytest.mark.parametrize("dtype", ["int8", "uint8", "bool", "float16"])
def test_pool_of_more_steps_than_the_dtype_counts(how, dtype):
    half = dtype == "float16"
    x = np.full((2, 3000, 2), 100 if half else 1, dtype)
    mask = np.arange(3000) < [[2500], [3]]
    z = pool(x, how, mask)
    assert z.dtype == (dtype if half else np.float64)
    assert_close(z, x[:, 0])
