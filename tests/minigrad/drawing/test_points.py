"""Paths in Graphviz's notation: Bezier curves with three points for each piece, from the first point to the last."""

import pytest

from minigrad.drawing.points import label_at, rounded, swinging


@pytest.mark.parametrize("draw", [rounded, swinging])
def test_a_curve_begins_and_ends_with_its_path(draw):
    path = [(0.0, 0.0), (0.0, 10.0), (0.0, 10.0), (30.0, 10.0), (30.0, 20.0)]
    points = draw(path)
    assert (points[0], points[-1], len(points) % 3) == (path[0], path[-1], 1)


def test_corners_are_cut_five_points_before_them():
    assert (0.0, 5.0) in rounded([(0.0, 0.0), (0.0, 10.0), (30.0, 10.0)])
    assert label_at((1.0, 2.0), (72, 36)) == {"lp": "1.00,2.00", "lwidth": "1.00", "lheight": "0.50"}
