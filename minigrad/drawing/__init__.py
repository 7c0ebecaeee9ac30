"""Drawing: a recorded graph as a picture that a person can read. Knows graphs; the engine knows nothing of it."""

from __future__ import annotations

from .drawing import Drawing, Graph, draw

__all__ = ["Drawing", "Graph", "draw"]
