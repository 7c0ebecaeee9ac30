"""The styles of boxes, which also differ without colours."""

from minigrad.drawing.colour import STYLES

KEYS = ("shape", "style", "peripheries", "penwidth")


def test_styles_differ_by_more_than_hue():
    outlines = set()
    for style in STYLES.values():
        outline = map(style.get, KEYS)
        outlines.add(tuple(outline))
    assert len(outlines) == len(STYLES)
