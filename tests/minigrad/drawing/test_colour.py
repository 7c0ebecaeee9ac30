"""The styles of boxes, which also differ without colours."""

from minigrad.drawing.colour import STYLES


def test_styles_differ_by_more_than_hue():
    outlines = set()
    for style in STYLES.values():
        keys = ("shape", "style", "peripheries", "penwidth")
        outlines.add(tuple(map(style.get, keys)))
    assert len(outlines) == len(STYLES)
