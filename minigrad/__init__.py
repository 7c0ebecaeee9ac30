"""minigrad: see how gradients flow. A reverse-mode autograd Tensor on NumPy that records, draws and checks its graph.

This module gathers the public names. The side rooms (drawing, checking, data) are imported when first used, so that
`import minigrad` costs little more than `import numpy`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import MinigradError
from .gate import GATES, Gate
from .gates import *
from .gates import __all__ as _gate_names
from .graph import enable_grad, no_grad, scope
from .random import generator, seed
from .tensor import Tensor, cut, grad

if TYPE_CHECKING:
    from .draw import Graph, draw
    from .gradcheck import gradcheck

__version__ = "0.1.0"

_SIDE_ROOMS = {"Graph": "draw", "draw": "draw", "gradcheck": "gradcheck"}

__all__ = ["GATES", "Gate", "Graph", "MinigradError", "Tensor", "cut", "draw", "enable_grad", "generator", "grad",
           "gradcheck", "no_grad", "scope", "seed", *_gate_names]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _SIDE_ROOMS:
        raise AttributeError(f"module 'minigrad' has no attribute {name!r}")
    value = getattr(import_module(f".{_SIDE_ROOMS[name]}", __name__), name)
    globals()[name] = value  # in place of the submodule of the same name, which the import has just put there
    return value
