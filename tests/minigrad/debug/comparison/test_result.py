"""The result of a comparison: its text and its fields. When two arrays are equal."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import OptionError
from tests.blocks import parameter


def graph(function=mg.tanh, rows=4):
    x = np.arange(3.0 * rows).reshape(rows, 3) - 5
    with mg.scope("net"):
        h = function(x @ parameter(np.eye(3), "W"))
        return (h * 2.0).sum()


def test_text_names_both_places_and_values():
    with mg.trace_lines():
        a, b = graph(), graph(mg.relu)
    lines = str(mg.compare(a, b, names=("mine", "theirs"))).splitlines()
    assert lines[0].endswith("mine has Tanh where theirs has ReLU.")
    place = "called at tests/minigrad/debug/comparison/test_result.py:14"
    assert f"mine: Tanh (in net, {place}); (4, 3) float64" in lines[1]
    assert lines[2].endswith("its value at [3, 2] is 6")
    assert lines[3] == "Pairs of gates: 1 agree, 3 differ."


def test_control_characters_are_escaped():
    text = str(mg.compare(graph(), graph(mg.relu), names=("\x1b[31m", "b")))
    assert "\x1b" not in text


def test_result_as_json():
    data = mg.compare(graph(), graph(mg.relu)).as_dict()
    assert (data["kind"], data["equal"]) == ("gate", False)
    assert data["gates"] == ["Tanh", "ReLU"]
    assert data["scopes"] == ["net", "net"]


def test_file_with_unknown_suffix(tmp_path):
    with pytest.raises(OptionError, match="MG602"):
        mg.compare(graph(), graph()).save(tmp_path / "picture.jpeg")
