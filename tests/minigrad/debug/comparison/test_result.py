"""The result of a comparison: its text and its fields. When two arrays are equal."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.debug.comparison.result import close, difference
from minigrad.errors import OptionError
from tests.blocks import parameter

NAN, INF = np.nan, np.inf


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
    place = "called at tests/minigrad/debug/comparison/test_result.py:17"
    assert f"mine: Tanh (in net, {place}); (4, 3) float64" in lines[1]
    assert lines[2].endswith("its value at [3, 2] is 6")
    assert (
        lines[3] == "The largest difference is 5 at [3, 2]."
    )  # 6 - tanh 6 is almost 5
    assert lines[4] == "Pairs of gates: 1 before it are equal, 2 after it differ."


def test_batches_of_different_sizes():
    assert "4 rows and 3 rows" in str(mg.compare(graph(), graph(rows=3)))


def test_control_characters_are_escaped():
    text = str(mg.compare(graph(), graph(mg.relu), names=("\x1b[31m", "b")))
    assert "\x1b" not in text


def test_result_as_json():
    data = mg.compare(graph(), graph(mg.relu)).as_dict()
    assert (data["kind"], data["equal"], data["before"]) == ("gate", False, 1)
    assert [side["gate"] for side in data["sides"]] == ["Tanh", "ReLU"]
    assert data["sides"][0]["scope"] == "net"
    assert (data["index"], data["largest"]) == ((3, 2), pytest.approx(5, rel=1e-5))


def test_file_with_unknown_suffix(tmp_path):
    with pytest.raises(OptionError, match="MG602"):
        mg.compare(graph(), graph()).save(tmp_path / "picture.jpeg")


def test_difference_of_special_numbers():
    gaps = difference(np.array([1, NAN, INF, INF]), np.array([3, NAN, INF, 0]))
    np.testing.assert_array_equal(gaps, [2, 0, 0, INF])


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (np.array([1, 2], "f4"), np.array([1, 2 + 1e-4], "f4"), True),
        (np.array([1, 2], "f4"), np.array([1, 2 + 1e-3], "f4"), False),
        (np.array([1, 2], "f8"), np.array([1, 2 + 1e-4], "f8"), False),
        (
            np.array([1, 2], "f8"),
            np.array([1, 2 + 1e-4], "f4"),
            True,
        ),  # the larger unit counts
        (
            np.array([1e-6, 2], "f4"),
            np.array([3e-6, 2], "f4"),
            True,
        ),  # relative to the largest
        (np.array([1, 2]), np.array([1, 3]), False),
        (np.array([True]), np.array([False]), False),
        (np.ones(2), np.ones((1, 2)), False),
        (np.ones(0), np.ones(0), True),
    ],
)
def test_close(one, other, expected):
    assert close(one, other) is expected
