import pytest

from minigrad.drawing.lane import SPACE, Lane, Slot, _spread


def test_arrange_puts_boxes_of_a_row_side_by_side_and_each_under_its_input():
    left, right, under = Slot(0, 40.0), Slot(0, 60.0), Slot(1, 40.0)
    lane = Lane({"left": left, "right": right, "under": under}, {(right, under): None})
    lane.arrange()
    assert right.x - left.x >= 50 + SPACE
    assert under.x == pytest.approx(right.x) and lane.width >= 100 + SPACE


def test_spread_pools_neighbours_that_would_collide_by_hand():
    # Both want to be at 10: their common centre stays there, and they are 20 + SPACE apart.
    assert _spread([10.0, 10.0], [20.0, 20.0]) == [10 - (20 + SPACE) / 2, 10 + (20 + SPACE) / 2]
    assert _spread([0.0, 100.0], [20.0, 20.0]) == [0.0, 100.0]
