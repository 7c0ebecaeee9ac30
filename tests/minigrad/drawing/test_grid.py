"""The columns of a picture with time: nothing overlaps, no wire crosses a box, and the work grows with the graph."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations, pairwise

import numpy as np
import pytest

import minigrad as mg
from layers import GRU, LSTM, RNN
from minigrad.drawing.colour import PALE, STATE

from .drawn_graphs import attributes, by_graphviz, curve, needs_dot, own_rnn, read, rnn, sentiment


def in_scope(name, make, *args):
    with mg.scope(name):
        return make(*args)


def two_bands():
    """An encoder, and a decoder that begins two steps later."""
    w = mg.Tensor(0.9, requires_grad=True, name="w")
    h, s = mg.Tensor(1.0, name="h0"), mg.Tensor(0.5, name="s0")
    for t in range(4):
        with mg.scope("encoder"), mg.scope(f"t{t:02d}"), mg.scope("cell"):
            h = mg.tanh(h * w)
        if t >= 2:
            with mg.scope("decoder"), mg.scope(f"t{t:02d}"), mg.scope("cell"):
                s = mg.tanh(s * h)
    return s


UNROLLED = {"mode": "unrolled"}
PICTURES = {
    "rnn": lambda: read(rnn(6, truncate=3), **UNROLLED),
    "rnn with numbers": lambda: read(rnn(4), values=True, **UNROLLED),
    "lstm": lambda: read(sentiment(5, LSTM, truncate=2), **UNROLLED),
    "two layers": lambda: read(sentiment(5, GRU, layers=2), **UNROLLED),
    "both directions": lambda: read(sentiment(5, RNN, bidirectional=True, pooling="mean"), **UNROLLED),
    "window": lambda: read(rnn(30, truncate=8), window=(20, 24)),
    "own": lambda: read(own_rnn(), **UNROLLED),
    "own, two cells": lambda: read(own_rnn(4, cells=2), **UNROLLED),
    "own, window": lambda: read(own_rnn(9, cells=2), window=(3, 5)),
    "own, cells as boxes": lambda: read(own_rnn(cells=2), depth=3, **UNROLLED),
    "long scope": lambda: read(in_scope("a_model/with_long_names/of_its_scopes", rnn, 4), **UNROLLED),
    "cells folded": lambda: read(sentiment(5, GRU, layers=2), collapse=["sequential/gru/cell/t02"], **UNROLLED),
    "layers as boxes": lambda: read(two_bands(), depth=3, **UNROLLED),
}


@pytest.fixture(scope="module", params=PICTURES)
def picture(request):
    return PICTURES[request.param]()


def boxes(picture):
    """{node: (left, low, right, high)} in points."""
    found = {}
    for node, style in picture.nodes.items():
        x, y = picture.place(node)
        width, height = 72 * float(style["width"]) / 2, 72 * float(style["height"]) / 2
        found[node] = (x - width, y - height, x + width, y + height)
    return found


def frames(picture):
    """[(scope, place of the frame, place of its title)], each place as (left, low, right, high) in points."""
    found = []
    for line in re.findall(r"subgraph cluster_\w+ { graph \[(.*)\]; }", picture.dot):
        style = attributes(line)
        x, y = map(float, style["lp"].split(","))
        width, height = 36 * float(style["lwidth"]), 36 * float(style["lheight"])
        bounds = tuple(map(float, style["bb"].split(",")))
        found.append((style["tooltip"], bounds, (x - width, y - height, x + width, y + height)))
    return found


def apart(a, b):
    return a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def within(a, b):
    """Whether a lies in b."""
    return b[0] <= a[0] and b[1] <= a[1] and a[2] <= b[2] and a[3] <= b[3]


def test_boxes_stand_apart(picture):
    for (one, a), (other, b) in combinations(boxes(picture).items(), 2):
        assert apart(a, b), (one, other)


def test_no_wire_crosses_a_box_or_a_title(picture):
    places = boxes(picture)
    titles = [title for _, _, title in frames(picture)]
    for tail, head, style in picture.edges:
        obstacles = titles + [place for node, place in places.items() if node not in (tail, head)]
        left, low, right, high = np.array(obstacles).T
        for x, y in curve(style["pos"]):
            crossed = (left < x) & (x < right) & (low < y) & (y < high)
            assert not crossed.any(), (picture.text(tail), picture.text(head))


def test_frames_hold_their_titles_and_overlap_no_others(picture):
    places = boxes(picture).values()
    for scope, frame, title in frames(picture):
        assert within((title[0], title[1], title[2] - 1, title[3]), frame)
        for place in places:  # a box is in a frame or outside it, never half
            assert apart(title, place)
            assert within(place, frame) or apart(place, frame), scope
    for (one, a, _), (other, b, _) in combinations(frames(picture), 2):
        assert apart(a, b) or within(a, b) or within(b, a), (one, other)


def test_wires_lead_upwards_from_box_to_box_and_arrive_side_by_side(picture):
    places = boxes(picture)
    tips: Counter[object] = Counter()
    for tail, head, style in picture.edges:
        tip = tuple(map(float, re.findall(r"^e,(\S+)", style["pos"])[0].split(",")))
        tips[head, tip] += 1
        start = curve(style["pos"])[0]
        assert places[tail][0] <= start[0] <= places[tail][2]
        assert start[1] == pytest.approx(places[tail][3], abs=0.1)
        assert places[head][0] <= tip[0] <= places[head][2]
        assert tip[1] == pytest.approx(places[head][1], abs=0.1)
        state_or_cut = style.get("color") in (STATE, PALE["color"]) or style.get("style") == "dashed"
        if not state_or_cut:
            assert places[tail][3] <= places[head][1], (picture.text(tail), picture.text(head))
    assert set(tips.values()) == {1}


def test_the_frames_of_layers_within_a_step_stay():
    picture = PICTURES["own"]()
    cells = [f"ownrnn/t{t:02d}/cell_0" for t in range(3)]
    expected = ["ownrnn", *(f"ownrnn/t{t:02d}" for t in range(3)), *cells]
    expected += [f"{cell}/{layer}" for cell in cells for layer in ("inp", "rec")]
    assert sorted(scope for scope, _, _ in frames(picture)) == sorted(expected)


def test_a_step_that_is_one_box_needs_no_frame():
    assert [scope for scope, _, _ in frames(read(own_rnn(), depth=2, **UNROLLED))] == ["ownrnn"]


@needs_dot
def test_graphviz_keeps_the_places():
    picture = PICTURES["rnn"]()
    # It moves the whole picture so that the lowest point is 0: distances are what it has to keep.
    understood = {
        one["name"]: np.array(one["pos"].split(","), float)
        for one in by_graphviz(picture.dot)["objects"]
        if "pos" in one
    }
    for one, other in pairwise(picture.nodes):
        here, there = np.array(picture.place(one)), np.array(picture.place(other))
        assert understood[one] - understood[other] == pytest.approx(here - there, abs=0.05)


def test_the_text_grows_in_proportion_to_the_steps():
    lengths = [len(read(rnn(steps), **UNROLLED).dot) for steps in (25, 50, 100)]
    assert lengths[2] - lengths[1] == pytest.approx(2 * (lengths[1] - lengths[0]), rel=0.05)
