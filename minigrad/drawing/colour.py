"""The colours and shapes that tell the kinds of boxes apart, also in grey print and for colour-blind readers.

The hues are Okabe and Ito's, lightened so that black text is readable on them; no two kinds differ by hue alone.
Source: Okabe and Ito, Color Universal Design (2008); the scale follows the cividis map of Nuñez et al. (2018).
"""

import math
from collections.abc import Mapping

STYLES: Mapping[str, Mapping[str, str]] = {
    "gate": {"shape": "box", "style": "rounded,filled", "fillcolor": "#FFFFFF", "color": "#333333"},
    "parameter": {"shape": "ellipse", "style": "filled", "fillcolor": "#F7D08A", "color": "#8A5A00"},
    "input": {"shape": "box", "style": "filled", "fillcolor": "#CBE6F7", "color": "#0072B2", "penwidth": "1.6"},
    "constant": {"shape": "box", "style": "filled,dashed", "fillcolor": "#F4F4F4", "color": "#777777"},
    "scope": {"shape": "box3d", "style": "filled", "fillcolor": "#ECECEC", "color": "#333333"},
    "fold": {"shape": "box3d", "style": "filled,dashed", "fillcolor": "#ECECEC", "color": "#555555"},
    "output": {"shape": "box", "style": "filled", "fillcolor": "#BFE8D9", "color": "#00664A", "peripheries": "2"},
    "loss": {"shape": "octagon", "style": "filled", "fillcolor": "#F3B597", "color": "#8F3A00", "penwidth": "2.2"},
}
PALE = {"fontcolor": "#A8A8A8", "color": "#C8C8C8", "fillcolor": "#FAFAFA"}
CUT = "#D00000"
STATE = "#00558A"
INK = "#444444"

_SCALE = ((255, 253, 222), (247, 214, 110), (187, 172, 118), (124, 123, 120), (65, 77, 107), (0, 34, 78))


def on_scale(position: float) -> tuple[str, str]:
    """(fill, text colour) at a position from 0 (pale) to 1 (dark). Grey print preserves the order."""
    place = min(max(position, 0.0), 1.0) * (len(_SCALE) - 1)
    low = min(int(place), len(_SCALE) - 2)
    mixed = [round(a + (b - a) * (place - low)) for a, b in zip(_SCALE[low], _SCALE[low + 1], strict=True)]
    light = 0.299 * mixed[0] + 0.587 * mixed[1] + 0.114 * mixed[2]
    return "#" + "".join(f"{part:02X}" for part in mixed), "#000000" if light > 118 else "#FFFFFF"


class Scale:
    """Maps numbers to positions from 0 (the smallest) to 1 (the largest), logarithmically if their range is wide.

    What is not finite is at 1, and does not count for the range.
    """

    def __init__(self, values: list[float]) -> None:
        finite = [value for value in values if math.isfinite(value)]
        positive = [value for value in finite if value > 0]
        self.low, self.high = min(finite, default=0.0), max(finite, default=0.0)
        self.logarithmic = bool(positive) and self.low >= 0 and self.high > 50 * min(positive)
        self._start = math.log(min(positive)) if self.logarithmic else self.low
        self._length = (math.log(self.high) if self.logarithmic else self.high) - self._start

    def __call__(self, value: float) -> float:
        if self._length <= 0 or not math.isfinite(value):
            return 1.0
        if self.logarithmic:
            return (math.log(value) - self._start) / self._length if value > 0 else 0.0
        return (value - self._start) / self._length
