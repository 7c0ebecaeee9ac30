"""The columns of a picture with time: nothing overlaps, and no wire crosses a box."""

from __future__ import annotations

import json
import re
import subprocess
from itertools import combinations

import numpy as np
import pytest

from layers import GRU, LSTM, RNN
from minigrad.drawing.colour import PALE, STATE

from .drawn_graphs import (
    attributes,
    curve,
    needs_dot,
    own_rnn,
    place,
    read,
    rnn,
    sentiment,
)

UNROLLED = {"mode": "unrolled"}
PICTURES = {
    "rnn with numbers": lambda: read(rnn(6, truncate=3), values=True, **UNROLLED),
    "lstm": lambda: read(sentiment(5, LSTM, truncate=2), **UNROLLED),
    "two layers": lambda: read(sentiment(5, GRU, layers=2), **UNROLLED),
    "both directions": lambda: read(
        sentiment(5, RNN, bidirectional=True, pooling="mean"), **UNROLLED
    ),
    "window": lambda: read(rnn(30, truncate=8), window=(20, 24)),
    "own, window": lambda: read(own_rnn(9), window=(3, 5)),
    "own, steps as boxes": lambda: read(own_rnn(), depth=2, **UNROLLED),
}


@pytest.fixture(scope="module", params=PICTURES)
def picture(request):
    return PICTURES[request.param]()


def bounds(style):
    """(left, low, right, high) of a box in points."""
    x, y = place(style)
    width, height = 36 * float(style["width"]), 36 * float(style["height"])
    return x - width, y - height, x + width, y + height


def frames(picture):
    """[(scope, place of the frame)], each place as (left, low, right, high) in points."""
    styles = map(
        attributes, re.findall(r"subgraph cluster_\w+ { graph \[(.*)\]; }", picture.dot)
    )
    return [
        (style["tooltip"], tuple(map(float, style["bb"].split(","))))
        for style in styles
    ]


def apart(a, b):
    return a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def within(a, b):
    """Whether a lies in b."""
    return b[0] <= a[0] and b[1] <= a[1] and a[2] <= b[2] and a[3] <= b[3]


def test_boxes_titles_and_frames_stand_apart_or_within_each_other(picture):
    boxes = list(map(bounds, picture.nodes.values()))
    titles = list(map(bounds, picture.titles.values()))
    for a, b in combinations(boxes + titles, 2):
        assert apart(a, b)
    around = frames(picture)
    for title, (scope, frame) in zip(titles, around, strict=True):
        assert within(title, frame), scope
        for box in boxes:
            assert within(box, frame) or apart(box, frame), scope
    for (one, a), (other, b) in combinations(around, 2):
        assert apart(a, b) or within(a, b) or within(b, a), (one, other)


def test_wires_lead_upwards_from_box_to_box_cross_none_and_arrive_side_by_side(picture):
    boxes = {node: np.array(bounds(style)) for node, style in picture.nodes.items()}
    tips = []
    for tail, head, style in picture.edges:
        wire = curve(style["pos"])
        tip = tuple(map(float, re.findall(r"^e,(.*?),(\S+)", style["pos"])[0]))
        tips.append((head, tip))
        left, _, right, top = boxes[tail]
        assert left <= wire[0, 0] <= right and wire[0, 1] == pytest.approx(top, abs=0.1)
        left, low, right, _ = boxes[head]
        assert left <= tip[0] <= right and tip[1] == pytest.approx(low, abs=0.1)
        cut = style.get("style") == "dashed"
        assert cut or style.get("color") in (STATE, PALE["color"]) or top <= low
        for node, (left, low, right, high) in boxes.items():
            if node not in (tail, head):
                x, y = wire.T
                crossed = (left < x) & (x < right) & (low < y) & (y < high)
                assert not crossed.any(), [
                    picture.text(one) for one in (tail, head, node)
                ]
    assert len(set(tips)) == len(tips)


def test_a_frame_for_each_step_unless_it_is_a_box():
    scopes = [scope for scope, _ in frames(read(own_rnn(), **UNROLLED))]
    assert sorted(scopes) == ["own", "own/t00", "own/t01", "own/t02"]
    assert [scope for scope, _ in frames(PICTURES["own, steps as boxes"]())] == ["own"]


@needs_dot
def test_graphviz_keeps_the_places():
    picture = PICTURES["window"]()
    run = subprocess.run(
        ["dot", "-Tjson0"], input=picture.dot.encode(), capture_output=True, check=True
    )
    objects = json.loads(run.stdout)["objects"]
    found = {one["name"]: np.array(place(one)) for one in objects if "pos" in one}
    # it moves the whole picture
    shifts = [found[node] - picture.place(node) for node in picture.nodes]
    np.testing.assert_allclose(shifts, np.tile(shifts[0], (len(shifts), 1)), atol=0.05)
