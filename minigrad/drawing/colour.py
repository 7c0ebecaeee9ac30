"""Define the colour and shape of each kind of box.

No two kinds differ by hue alone, so they can be told apart in greyscale and by colour-blind
readers. The hues come from Okabe and Ito and are lightened to make black text readable.

Source: Okabe and Ito, Color Universal Design (2008).
"""

FIRST = "first difference"  # the roles of nodes in the picture of a comparison
DIFFERS = "differs"

STYLES = {
    "gate": {"shape": "box", "style": "rounded,filled", "fillcolor": "#FFFFFF", "color": "#333333"},
    "parameter": {
        "shape": "ellipse",
        "style": "filled",
        "fillcolor": "#F7D08A",
        "color": "#8A5A00",
    },
    "input": {
        "shape": "box",
        "style": "filled",
        "fillcolor": "#CBE6F7",
        "color": "#0072B2",
        "penwidth": "1.6",
    },
    "constant": {
        "shape": "box",
        "style": "filled,dashed",
        "fillcolor": "#F4F4F4",
        "color": "#777777",
    },
    "scope": {"shape": "box3d", "style": "filled", "fillcolor": "#ECECEC", "color": "#333333"},
    "fold": {
        "shape": "box3d",
        "style": "filled,dashed",
        "fillcolor": "#ECECEC",
        "color": "#555555",
    },
    "output": {
        "shape": "box",
        "style": "filled",
        "fillcolor": "#BFE8D9",
        "color": "#00664A",
        "peripheries": "2",
    },
    "loss": {
        "shape": "octagon",
        "style": "filled",
        "fillcolor": "#F3B597",
        "color": "#8F3A00",
        "penwidth": "2.2",
    },
    FIRST: {
        "shape": "box",
        "style": "rounded,filled",
        "fillcolor": "#FFD6D6",
        "color": "#B00000",
        "penwidth": "3",
    },
    DIFFERS: {
        "shape": "box",
        "style": "rounded,filled,dashed",
        "fillcolor": "#FFF3D6",
        "color": "#8A5A00",
    },
}
PALE = {"fontcolor": "#A8A8A8", "color": "#C8C8C8", "fillcolor": "#FAFAFA"}
CUT = "#D00000"
STATE = "#00558A"
INK = "#444444"
FRAME = "#9A9A9A"
FILLS = ("#EFEFEF", "#F7F7F7")  # the fill colours of frames, which alternate with nesting depth
