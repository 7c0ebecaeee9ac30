"""Draw a recorded graph as a picture.

`draw` writes the picture to a file, and `Graph` displays the picture in a notebook.
"""

from .drawing import Drawing, Graph, draw
from .render import set_renderer

__all__ = ["Drawing", "Graph", "draw", "set_renderer"]
