"""The plots of loss curves."""

import re
from xml.etree import ElementTree

import numpy as np

from minigrad.course.lessons.curves import curves


def test_each_curve_has_its_points_and_its_name():
    svg = curves({"yours": [1.0, 0.5, 0.0], "right": np.array([0.5, 0.25])}, most=2.0)
    root = ElementTree.fromstring(svg)
    lines = [one.attrib["points"] for one in root if one.tag.endswith("polyline")]
    assert sorted(len(line.split()) for line in lines) == [2, 3]
    heights = [float(y) for y in re.findall(r",([\d.]+)", max(lines, key=len))]
    assert heights == [165.0, 225.0, 285.0]  # 1 is half of 2, and 285 is the axis
    assert {"yours", "right", "2"} <= {one.text for one in root}


def test_numbers_that_are_not_finite_are_drawn_at_the_top():
    svg = curves({"loss": [0.0, np.nan, np.inf, 9.0]})
    assert re.search(r'points="[\d.]+,285.0 [\d.]+,45.0 [\d.]+,45.0 [\d.]+,45.0"', svg)
