"""A picture with columns of time steps: nothing overlaps, and no wire crosses a box."""

import json
import re
import subprocess
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pytest

from layers import GRU, LSTM, RNN
from minigrad.drawing.colour import PALE, STATE
from tests.needs import needs_dot

from .drawn_graphs import (
    attributes,
    curve,
    own_rnn,
    place,
    read,
    rnn,
    sentiment,
)


def unrolled(output, **options):
    return read(output, mode="unrolled", **options)


def lstm():
    return sentiment(5, LSTM, truncate=2)


def two_layers():
    return sentiment(5, GRU, layers=2)


def both_directions():
    return sentiment(5, RNN, bidirectional=True, pooling="mean")


PICTURES = {
    "rnn with numbers": lambda: unrolled(rnn(6, truncate=3), values=True),
    "lstm": lambda: unrolled(lstm()),
    "two layers": lambda: unrolled(two_layers()),
    "both directions": lambda: unrolled(both_directions()),
    "window": lambda: read(rnn(30, truncate=8), window=(20, 24)),
    "own, window": lambda: read(own_rnn(9), window=(3, 5)),
    "own, steps as boxes": lambda: unrolled(own_rnn(), depth=2),
}


@pytest.fixture(scope="module", params=PICTURES)
def picture(request):
    return PICTURES[request.param]()


class Rectangle(NamedTuple):
    """A box or frame, in points."""

    left: float
    low: float
    right: float
    high: float

    def is_apart(self, other):
        return (
            self.right <= other.left
            or other.right <= self.left
            or self.high <= other.low
            or other.high <= self.low
        )

    def is_within(self, other):
        return (
            other.left <= self.left
            and other.low <= self.low
            and self.right <= other.right
            and self.high <= other.high
        )

    def holds(self, points):
        low = (self.left, self.low)
        high = (self.right, self.high)
        inside = (low < points) & (points < high)
        return inside.all(axis=1)


def rectangle(style):
    x, y = place(style)
    width = 36 * float(style["width"])
    height = 36 * float(style["height"])
    return Rectangle(
        x - width,
        y - height,
        x + width,
        y + height,
    )


def frames(picture):
    """The scope and the rectangle of each frame."""
    clusters = re.findall(r"subgraph cluster_\w+ { graph \[(.*)\]; }", picture.dot)
    for style in map(attributes, clusters):
        corners = map(float, style["bb"].split(","))
        yield style["tooltip"], Rectangle(*corners)


def test_boxes_and_frames_do_not_overlap(picture):
    boxes = list(map(rectangle, picture.nodes.values()))
    titles = list(map(rectangle, picture.titles.values()))
    for a, b in combinations(boxes + titles, 2):
        assert a.is_apart(b)
    around = list(frames(picture))
    for title, (scope, frame) in zip(titles, around, strict=True):
        assert title.is_within(frame), scope
        for box in boxes:
            assert box.is_within(frame) or box.is_apart(frame), scope
    for (_, a), (_, b) in combinations(around, 2):
        assert a.is_apart(b) or a.is_within(b) or b.is_within(a)


def test_wires_lead_upwards_and_cross_no_box(picture):
    boxes = {node: rectangle(style) for node, style in picture.nodes.items()}
    tips = []
    for tail, head, style in picture.edges:
        wire, tip = curve(style["pos"])
        tips.append((head, tip))
        start = boxes[tail]
        end = boxes[head]
        assert start.left <= wire[0, 0] <= start.right
        assert wire[0, 1] == pytest.approx(start.high, abs=0.1)
        assert end.left <= tip[0] <= end.right
        assert tip[1] == pytest.approx(end.low, abs=0.1)
        is_cut = style.get("style") == "dashed"
        if not is_cut and style.get("color") not in (STATE, PALE["color"]):
            assert start.high <= end.low
        for node, box in boxes.items():
            if node not in (tail, head):
                assert not box.holds(wire).any(), picture.text(node)
    assert len(set(tips)) == len(tips)  # wires arrive side by side


def test_steps_have_frames():
    scopes = [scope for scope, _ in frames(unrolled(own_rnn()))]
    assert sorted(scopes) == ["own", "own/t00", "own/t01", "own/t02"]


def test_steps_as_boxes_have_no_frames():
    picture = PICTURES["own, steps as boxes"]()
    assert [scope for scope, _ in frames(picture)] == ["own"]


@needs_dot
def test_graphviz_keeps_places():
    picture = PICTURES["window"]()
    dot = subprocess.run(
        ["dot", "-Tjson0"],
        input=picture.dot,
        capture_output=True,
        text=True,
        check=True,
    )
    shifts = []
    for style in json.loads(dot.stdout)["objects"]:
        if style["name"] in picture.nodes:
            moved = np.subtract(place(style), picture.place(style["name"]))
            shifts.append(moved)
    assert len(shifts) == len(picture.nodes)
    # it moves the whole picture
    np.testing.assert_allclose(np.ptp(shifts, axis=0), 0, atol=0.1)
