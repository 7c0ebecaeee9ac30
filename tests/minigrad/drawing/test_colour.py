"""Shapes and contrasts that everybody can tell apart."""

from __future__ import annotations

from minigrad.drawing.colour import STYLES


def test_kinds_differ_by_more_than_hue():
    outlines = [
        (
            style["shape"],
            style["style"],
            style.get("peripheries"),
            style.get("penwidth"),
        )
        for style in STYLES.values()
    ]
    assert len(set(outlines)) == len(outlines)
