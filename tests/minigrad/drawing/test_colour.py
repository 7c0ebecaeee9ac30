"""The scale of colours in numbers, and contrasts that everybody can see."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad.drawing.colour import STYLES, Scale, on_scale


def test_the_scale_says_its_ends_and_whether_it_is_logarithmic():
    x = mg.Tensor(np.ones(10_000), requires_grad=True, name="x")
    dot = mg.Graph(x.sum()).dot(color_by="bytes")
    assert "bytes of the output, by its logarithm" in dot
    assert ">8<" in dot
    assert ">80,000<" in dot


def test_scale_in_numbers():
    plain = Scale([2.0, 4.0, 10.0])
    assert [plain(value) for value in (2.0, 4.0, 10.0)] == [0.0, 0.25, 1.0]
    decades = Scale([1e-4, 1e-2, 1.0])
    assert [decades(value) for value in (1e-4, 1e-2, 1.0, 0.0)] == pytest.approx([0.0, 0.5, 1.0, 0.0])
    assert Scale([3.0, 3.0])(3.0) == 1.0


def test_kinds_differ_by_more_than_hue():
    """Black ink reads well on every fill (a contrast of 7, WCAG's AAA), and no two kinds share shape and border."""

    def luminance(fill):
        parts = [int(fill[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for kind, style in STYLES.items():
        assert (luminance(style["fillcolor"]) + 0.05) / 0.05 >= 7, kind
    outlines = [(s["shape"], s["style"], s.get("peripheries"), s.get("penwidth")) for s in STYLES.values()]
    assert len(set(outlines)) == len(outlines)
    for step in range(11):
        fill, ink = on_scale(step / 10)
        bright, dark = sorted((luminance(fill), luminance(ink)), reverse=True)
        assert (bright + 0.05) / (dark + 0.05) >= 4.5, step
