"""`Lane.arrange` places the boxes that several columns share."""

import pytest

from minigrad.drawing.lane import SPACE, Lane, Slot


def test_arrange_places_boxes_side_by_side_above_inputs():
    left = Slot(0, 40.0)
    right = Slot(0, 60.0)
    above = Slot(1, 40.0)
    lane = Lane()
    lane.slots |= {
        "left": left,
        "right": right,
        "above": above,
    }
    lane.edges[right, above] = None
    lane.arrange()
    assert right.x - left.x >= 50 + SPACE
    assert above.x == pytest.approx(right.x)
    assert lane.width >= 100 + SPACE
