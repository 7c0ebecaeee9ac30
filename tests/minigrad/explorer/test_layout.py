"""`arrange`: columns are time steps, bands are layers, rows are gates."""

from collections import Counter, defaultdict
from operator import attrgetter

import numpy as np
import pytest

import minigrad as mg
from layers import GRU, RNN, Dense, Sequential
from minigrad.drawing.boxes import history
from minigrad.explorer.layout import arrange
from tests.blocks import parameter


def arranged(layer, steps=5):
    mg.seed(0)
    x = parameter(np.ones((2, steps, 3), np.float32), "x")
    loss = Sequential(layer, Dense(4, 1))(x).sum()
    return arrange(history([loss.node]))


def test_rnn_has_column_for_each_step():
    layout = arranged(RNN(3, 4), steps=2)
    columns = [(column["kind"], column["number"]) for column in layout.columns]
    assert columns == [("shared", 0), ("step", 0), ("step", 1), ("after", 0)]
    assert layout.bands == [
        (("sequential", "rnn"), ""),
        (("sequential", "dense"), ""),
        ((), "end"),
    ]
    kinds = {cell.node.name: layout.columns[cell.column]["kind"] for cell in layout.cells}
    for name in ("rnn.cell.W_hh", "rnn.cell.W_xh", "rnn.cell.b_h", "x"):
        assert kinds[name] == "shared"
    assert kinds["dense.W"] == "after"  # beside the head


def test_gates_before_steps_feed_them():
    x = parameter([1.0], "x")
    side = mg.sin(x)  # only feeds the product at the end
    h = mg.exp(x)
    for t in range(2):
        with mg.scope(f"t{t:02d}"):
            h = mg.tanh(h)
    z = h * side
    layout = arrange(history([z.node]))
    columns = {}
    for cell in layout.cells:
        if cell.node.gate:
            columns[cell.node.gate.name] = layout.columns[cell.column]["kind"]
    assert columns["Exp"] == "before"
    assert columns["Tanh"] == "step"
    assert columns["Sin"] == columns["Hadamard"] == "after"


def test_steps_of_rnn_have_equal_rows():
    layout = arranged(RNN(3, 4))
    names = ["Slice", "MultiplyGate", "MultiplyGate", "AddGate", "AddGate", "Tanh"]
    rows = defaultdict(list)
    for cell in layout.cells:
        if cell.node.gate:
            rows[cell.column].append((cell.row, cell.node.gate.name))
    first, *others, _ = rows.values()
    assert [name for _, name in sorted(first)] == names
    assert others == [first] * 4


@pytest.mark.parametrize(
    "layer",
    [GRU(3, 4), RNN(3, 4, layers=2), RNN(3, 4, truncate=2)],
)
def test_nodes_have_their_own_places_above_inputs(layer):
    layout = arranged(layer)
    place = attrgetter("column", "band", "row", "offset")
    places = Counter(map(place, layout.cells))
    assert set(places.values()) == {1}
    for cell in layout.cells:
        width = layout.columns[cell.column]["width"]
        assert 0 <= cell.offset <= width - 1
        for parent in cell.inputs:
            assert parent.place != cell.place or parent.row < cell.row
