"""Shapes and contrasts that everybody can tell apart."""

from __future__ import annotations

from minigrad.drawing.colour import STYLES


def test_kinds_differ_by_more_than_hue():
    """Black ink reads well on every fill (a contrast of 7, WCAG's AAA), and no two kinds share
    shape and border.
    """

    def luminance(fill):
        parts = [int(fill[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for kind, style in STYLES.items():
        assert (luminance(style["fillcolor"]) + 0.05) / 0.05 >= 7, kind
    outlines = [
        (s["shape"], s["style"], s.get("peripheries"), s.get("penwidth")) for s in STYLES.values()
    ]
    assert len(set(outlines)) == len(outlines)
