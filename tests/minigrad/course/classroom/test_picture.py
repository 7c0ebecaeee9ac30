"""The picture of a learner's graph: what the learner's page shows, and nothing that could run."""

import base64
from xml.etree import ElementTree

import pytest

from minigrad.course.checking.registry import lesson
from minigrad.course.classroom.picture import MOST, as_svg, picture

SVG = "{http://www.w3.org/2000/svg}"


def test_picture_has_a_box_for_each_gate_and_a_line_for_each_input():
    one = lesson(3)
    found = picture(one, one.solution, {}, "")
    head, _, data = found["url"].partition(",")
    assert head == "data:image/svg+xml;base64"
    root = ElementTree.fromstring(base64.b64decode(data))
    texts = [node.text or "" for node in root.iter(f"{SVG}text")]
    assert texts == ["a", "b", "YourMultiply", "YourTanh", "YourExp", "Sum"]
    assert len([*root.iter(f"{SVG}path")]) == 5  # two into the product
    assert found["label"].endswith(": " + ", ".join(texts))


@pytest.mark.parametrize("text", ["raise SystemExit", "import os\nos._exit(0)", "def"])
def test_picture_is_left_out_if_there_is_none(text):
    assert picture(lesson(3), text, {}, "") == {}


def node(**more):
    return {"kind": "input", "column": 0, "band": 0, "row": 0, "offset": 0, **more}


def test_svg_escapes_names_and_places_columns_side_by_side():
    root = ElementTree.fromstring(
        as_svg([node(name="<script>"), node(name="b", offset=1), node(name="c", column=1)])
    )
    texts = [*root.iter(f"{SVG}text")]
    assert texts[0].text == "<script>"
    places = [float(text.get("x", "")) for text in texts]
    assert places == sorted(set(places))


@pytest.mark.parametrize("count", [0, MOST + 1])
def test_svg_of_too_many_nodes(count):
    with pytest.raises(ValueError):
        as_svg([node()] * count)
