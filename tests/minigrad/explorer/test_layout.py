"""Where nodes stand, counted by hand: columns are steps, bands layers, rows gates, and no two nodes
in one place.
"""

from collections import Counter
from operator import attrgetter

import numpy as np
import pytest

import minigrad as mg
from layers import GRU, LSTM, RNN, Dense, Sequential
from minigrad.explorer.layout import arrange
from minigrad.graph import ancestors


def laid_out(output):
    nodes = ancestors([output.node], attrgetter("predecessors"))[::-1]
    return nodes, arrange(nodes)


def recurrent(layer, steps=5):
    mg.seed(0)
    x = mg.Tensor(np.ones((2, steps, 3), np.float32), requires_grad=True, name="x")
    return laid_out(Sequential(layer, Dense(4, 1))(x).sum())


def test_an_rnn_has_a_column_for_each_step_and_the_same_rows_in_all():
    nodes, layout = recurrent(RNN(3, 4))
    labels = [column["label"] for column in layout.columns]
    assert labels == ["shared", *(f"t{step:02d}" for step in range(5)), "after"]
    assert layout.bands == ["rnn", "dense", "end"]
    at = {
        node.name: labels[cell.column]
        for node, cell in zip(nodes, layout.cells, strict=True)
    }
    # the head's own weights stand beside it
    shared = {"rnn.cell.W_hh", "rnn.cell.W_xh", "rnn.cell.b_h", "x"}
    assert {name for name in at if at[name] == "shared"} == shared and at[
        "dense.W"
    ] == "after"
    gates = [cell for cell in layout.cells if cell.node.gate]
    for step in range(1, 6):
        column = sorted(
            (cell.row, cell.node.gate.name) for cell in gates if cell.column == step
        )
        names = ["Slice", "MultiplyGate", "MultiplyGate", "AddGate", "AddGate", "Tanh"]
        assert [name for _, name in column] == names


@pytest.mark.parametrize(
    "layer", [GRU(3, 4), RNN(3, 4, layers=2), RNN(3, 4, truncate=2)]
)
def test_no_two_nodes_share_a_place_and_edges_run_down_a_column(layer):
    _, layout = recurrent(layer)
    places = Counter(
        (cell.column, cell.band, cell.row, cell.offset) for cell in layout.cells
    )
    assert set(places.values()) == {1}
    for cell in layout.cells:
        assert 0 <= cell.offset <= layout.columns[cell.column]["width"] - 1
        for parent in cell.inputs:
            elsewhere = (parent.column, parent.band) != (cell.column, cell.band)
            assert elsewhere or parent.row < cell.row


@pytest.mark.parametrize(
    ("layer", "states"),
    [
        (RNN(3, 4, layers=2), [("rnn/cell", "h"), ("rnn/cell_2", "h")]),
        (
            LSTM(3, 2, bidirectional=True),
            [
                (f"lstm/{cell}", state)
                for cell in ("cell", "backward_cell")
                for state in "hc"
            ],
        ),
    ],
)
def test_the_states_are_those_that_are_passed_to_the_next_step(layer, states):
    nodes, layout = recurrent(layer)
    assert [
        (layout.bands[state["band"]], state["label"]) for state in layout.states
    ] == states
    for state in layout.states:
        assert [nodes[number].name for number in state["ids"]] == [state["label"]] * 5
        assert [layout.cells[number].column for number in state["ids"]] == [
            1,
            2,
            3,
            4,
            5,
        ]
