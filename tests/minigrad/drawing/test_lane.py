import pytest

from minigrad.drawing.lane import SPACE, Lane, Slot


def test_arrange_puts_boxes_of_a_row_side_by_side_and_each_under_its_input():
    left, right, under = Slot(0, 40.0), Slot(0, 60.0), Slot(1, 40.0)
    lane = Lane({"left": left, "right": right, "under": under}, {(right, under): None})
    lane.arrange()
    assert right.x - left.x >= 50 + SPACE
    assert under.x == pytest.approx(right.x) and lane.width >= 100 + SPACE
