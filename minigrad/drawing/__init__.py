"""Draws a recorded graph as a picture: `draw` writes it to a file, `Graph` displays it in a notebook."""

from __future__ import annotations

from .drawing import Drawing, Graph, draw

__all__ = ["Drawing", "Graph", "draw"]
