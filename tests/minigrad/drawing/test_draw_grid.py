"""The columns of a picture with time: nothing overlaps, no wire crosses a box, and the work grows with the graph."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from layers import GRU, LSTM, RNN, Dense, Embedding, Sequential
from minigrad.drawing.colour import PALE, STATE
from minigrad.drawing.lane import SPACE, _spread

from .drawn_graphs import Read, attributes, by_graphviz, curve, needs_dot, own_rnn, rnn


def model(cell, **options):
    ids = np.random.default_rng(0).integers(0, 50, (2, 5))
    layers = Sequential(Embedding(50, 4), cell(4, 3, **options), Dense(3 * (1 + options.get("bidirectional", 0)), 2))
    return mg.softmax_cross_entropy(layers(mg.Tensor(ids, name="ids")), np.array([0, 1]))


def in_scope(name, make, *args):
    with mg.scope(name):
        return make(*args)


PICTURES = {
    "rnn": lambda: mg.Graph(rnn(6, truncate=3)).dot(mode="unrolled"),
    "rnn with numbers": lambda: mg.Graph(rnn(4)).dot(mode="unrolled", values=True, grads=True),
    "gru": lambda: mg.Graph(model(GRU)).dot(mode="unrolled"),
    "lstm": lambda: mg.Graph(model(LSTM, truncate=2)).dot(mode="unrolled"),
    "two layers": lambda: mg.Graph(model(LSTM, layers=2)).dot(mode="unrolled"),
    "both directions": lambda: mg.Graph(model(RNN, bidirectional=True, pooling="mean")).dot(mode="unrolled"),
    "window": lambda: mg.Graph(rnn(30, truncate=8)).dot(window=(20, 24)),
    "own": lambda: mg.Graph(own_rnn()).dot(mode="unrolled"),
    "own, two cells": lambda: mg.Graph(own_rnn(4, cells=2)).dot(mode="unrolled"),
    "own, window": lambda: mg.Graph(own_rnn(9, cells=2)).dot(window=(3, 5)),
    "own, cells as boxes": lambda: mg.Graph(own_rnn(cells=2)).dot(mode="unrolled", depth=3),
    "long scope": lambda: mg.Graph(in_scope("a_model/with_long_names/of_its_scopes", rnn, 4)).dot(mode="unrolled"),
    "cells folded": lambda: mg.Graph(model(GRU, layers=2)).dot(mode="unrolled", collapse=["sequential/gru/cell/t02"]),
}


def boxes(read):
    """{node: (left, low, right, high)} in points."""
    found = {}
    for node, style in read.nodes.items():
        x, y = map(float, style["pos"].split(","))
        width, height = 72 * float(style["width"]) / 2, 72 * float(style["height"]) / 2
        found[node] = (x - width, y - height, x + width, y + height)
    return found


@pytest.mark.parametrize("name", PICTURES)
def test_boxes_stand_apart(name):
    places = boxes(Read(PICTURES[name]()))
    for (one, a), (other, b) in combinations(places.items(), 2):
        apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
        assert apart, (one, other)


@pytest.mark.parametrize("name", PICTURES)
def test_no_wire_crosses_a_box(name):
    read = Read(PICTURES[name]())
    places = boxes(read)
    for tail, head, style in read.edges:
        for x, y in curve(style["pos"]):
            for node, (left, low, right, high) in places.items():
                if node not in (tail, head):
                    assert not (left < x < right and low < y < high), (
                        read.text(tail),
                        read.text(head),
                        read.text(node),
                    )


def frames(dot):
    """[(scope, place of the frame, place of its title)], each place as (left, low, right, high) in points."""
    found = []
    for line in re.findall(r"subgraph cluster_\w+ { graph \[(.*)\]; }", dot):
        style = attributes(line)
        x, y = map(float, style["lp"].split(","))
        width, height = 36 * float(style["lwidth"]), 36 * float(style["lheight"])
        bounds = tuple(map(float, style["bb"].split(",")))
        found.append((style["tooltip"], bounds, (x - width, y - height, x + width, y + height)))
    return found


@pytest.mark.parametrize("name", PICTURES)
def test_no_wire_crosses_a_title(name):
    dot = PICTURES[name]()
    titles = frames(dot)
    for tail, head, style in Read(dot).edges:
        for x, y in curve(style["pos"]):
            for scope, _, (left, low, right, high) in titles:
                assert not (left < x < right and low < y < high), (tail, head, scope)


@pytest.mark.parametrize("name", PICTURES)
def test_frames_hold_their_titles_and_overlap_no_others(name):
    dot = PICTURES[name]()
    places = boxes(Read(dot)).values()
    for scope, (left, low, right, high), title in frames(dot):
        assert left <= title[0] and title[2] <= right + 1 and low <= title[1] and title[3] <= high
        assert not any(title[0] < x1 and x0 < title[2] and title[1] < y1 and y0 < title[3] for x0, y0, x1, y1 in places)
        for x0, y0, x1, y1 in places:  # a box is in a frame or outside it, never half
            inside = left <= x0 and x1 <= right and low <= y0 and y1 <= high
            assert inside or x1 <= left or right <= x0 or y1 <= low or high <= y0, scope
    for (one, a, _), (other, b, _) in combinations(frames(dot), 2):
        apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
        within = all(x <= y for x, y in zip(a[:2], b[:2], strict=True)) and all(map(float.__ge__, a[2:], b[2:]))
        around = all(x >= y for x, y in zip(a[:2], b[:2], strict=True)) and all(map(float.__le__, a[2:], b[2:]))
        assert apart or within or around, (one, other)


def test_the_frames_of_layers_within_a_step_stay():
    names = [scope for scope, _, _ in frames(PICTURES["own"]())]
    cell = [f"ownrnn/t{t:02d}/cell_0" for t in range(3)]
    assert sorted(names) == sorted(
        [
            "ownrnn",
            *(f"ownrnn/t{t:02d}" for t in range(3)),
            *cell,
            *(f"{one}/{layer}" for one in cell for layer in ("inp", "rec")),
        ]
    )
    read = Read(PICTURES["own"]())
    places = boxes(read)
    for scope, (left, low, right, high), _ in frames(PICTURES["own"]()):
        if scope.endswith(("inp", "rec")):
            inside = [
                node for node, (x0, y0, x1, y1) in places.items() if left < x0 < x1 < right and low < y0 < y1 < high
            ]
            assert Counter(word for node in inside for word in read.text(node)[:2] if word != "") == Counter(
                {"+": 1, "AddGate": 1, "×": 1, "MultiplyGate": 1, f"cell_0.{scope[-3:]}.": 2, "W": 1, "b": 1}
            )


def test_a_step_that_is_one_box_needs_no_frame():
    assert [scope for scope, _, _ in frames(mg.Graph(own_rnn()).dot(mode="unrolled", depth=2))] == ["ownrnn"]


@pytest.mark.parametrize("name", [name for name in PICTURES if "numbers" not in name])
def test_no_gate_stands_above_what_it_feeds(name):
    read = Read(PICTURES[name]())
    places = boxes(read)
    for tail, head, style in read.edges:
        if (
            style.get("color") not in (STATE, PALE["color"]) and style.get("style") != "dashed"
        ):  # neither a state nor a cut
            assert places[tail][3] <= places[head][1], (read.text(tail), read.text(head))


@pytest.mark.parametrize("name", PICTURES)
def test_wires_start_and_end_at_their_boxes(name):
    read = Read(PICTURES[name]())
    places = boxes(read)
    for tail, head, style in read.edges:
        points = curve(style["pos"])
        tip = tuple(map(float, re.findall(r"^e,(\S+)", style["pos"])[0].split(",")))
        left, _, right, high = places[tail]
        assert left <= points[0][0] <= right
        assert points[0][1] == pytest.approx(high, abs=0.1)
        left, low, right, _ = places[head]
        assert left <= tip[0] <= right
        assert tip[1] == pytest.approx(low, abs=0.1)


@pytest.mark.parametrize("name", PICTURES)
def test_wires_that_arrive_together_arrive_side_by_side(name):
    read = Read(PICTURES[name]())
    tips = Counter((head, re.findall(r"^e,(\S+)", style["pos"])[0]) for _, head, style in read.edges)
    assert set(tips.values()) == {1}


def test_columns_follow_time_and_rows_follow_the_step():
    read = Read(mg.Graph(rnn(8)).dot(mode="unrolled"))
    gates: dict[tuple[str, float], list[float]] = {}
    for node, style in read.nodes.items():
        x, y = map(float, style["pos"].split(","))
        gates.setdefault((read.text(node)[0], y), []).append(x)
    for name in ("Tanh", "[ ]", "b_h"):
        rows = [xs for (first, _), xs in gates.items() if first == name or (first == "rnn." and name == "b_h")]
        assert all(len(xs) % 8 == 0 for xs in rows), name
    loops = [edge for edge in read.edges if "#00558A" in edge[2].get("color", "")]
    assert len(loops) == 7  # one state from each step to the next
    for tail, head, _ in loops:
        assert float(read.nodes[tail]["pos"].split(",")[0]) < float(read.nodes[head]["pos"].split(",")[0])


@needs_dot
def test_graphviz_keeps_the_places():
    dot = PICTURES["rnn"]()
    read = Read(dot)
    # It moves the whole picture so that the lowest point is 0: distances are what it has to keep.
    understood = {
        one["name"]: np.array([float(part) for part in one["pos"].split(",")])
        for one in by_graphviz(dot)["objects"]
        if "pos" in one
    }
    for one, other in pairwise(read.nodes):
        here, there = (np.array(read.nodes[node]["pos"].split(","), float) for node in (one, other))
        assert understood[one] - understood[other] == pytest.approx(here - there, abs=0.05)


@given(st.lists(st.tuples(st.floats(-500, 500), st.floats(1, 100)), min_size=1, max_size=12))
def test_spread_keeps_order_and_distance(items):
    wishes, widths = zip(*items, strict=True)
    centres = _spread(list(wishes), list(widths))
    for (a, wide_a), (b, wide_b) in pairwise(zip(centres, widths, strict=True)):
        assert b - a >= (wide_a + wide_b) / 2 + SPACE - 1e-6


@given(st.lists(st.floats(-500, 500), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
def test_spread_is_the_nearest_of_all_that_keep_order_and_distance(wishes, seed):
    widths = [20.0] * len(wishes)
    centres = np.array(_spread(wishes, widths))
    cost = np.sum((centres - wishes) ** 2)
    for _ in range(50):  # no other admissible choice is cheaper: steps from the best one, and choices from nowhere
        other = np.cumsum(28 + np.random.default_rng(seed).exponential(20, len(wishes))) + wishes[0]
        assert np.sum((other - wishes) ** 2) >= cost - 1e-6
        moved = centres + np.linspace(0, np.random.default_rng(seed).uniform(0, 5), len(wishes))
        assert np.sum((moved - wishes) ** 2) >= cost - 1e-6
        seed += 1


def test_the_text_grows_in_proportion_to_the_steps():
    lengths = [len(mg.Graph(rnn(steps)).dot(mode="unrolled")) for steps in (50, 100, 200)]
    assert lengths[2] - lengths[1] == pytest.approx(2 * (lengths[1] - lengths[0]), rel=0.05)
