"""The plots of loss curves."""

import re
from xml.etree import ElementTree

import numpy as np

from minigrad.course.lessons.curves import curves


def test_curves_have_points_and_names():
    svg = curves(
        {"yours": [1.0, 0.5, 0.0], "right": np.array([0.5, 0.25])},
        most=2.0,
    )
    root = ElementTree.fromstring(svg)
    points = [one.attrib["points"] for one in root if "points" in one.attrib]
    yours, right = sorted(
        points,
        key=len,
        reverse=True,
    )
    # the axis is at 285, and 1 is half of 2
    heights = re.findall(r",([\d.]+)", yours)
    assert heights == ["165.0", "225.0", "285.0"]
    assert len(right.split()) == 2
    assert {"yours", "right", "2"} <= {one.text for one in root}


def test_curves_show_infinity_at_the_top():
    svg = curves({"loss": [0.0, np.nan, np.inf, 9.0]})
    (points,) = re.findall('points="(.*?)"', svg)
    heights = re.findall(r",([\d.]+)", points)
    assert heights == ["285.0", "45.0", "45.0", "45.0"]
