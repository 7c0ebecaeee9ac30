"""minigrad: see how gradients flow. A reverse-mode autograd Tensor on NumPy that records, draws and checks its graph.

This module gathers the public names. The side rooms (drawing, checking, data) are imported when first used, so that
`import minigrad` costs little more than `import numpy`.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as _np

from .errors import MinigradError
from .gate import GATES, Gate
from .gates import *
from .gates import __all__ as _gate_names
from .graph import enable_grad, fused, no_grad, scope
from .random import generator, seed
from .tensor import Tensor, cut, grad

if TYPE_CHECKING:
    from .anomaly import detect_anomaly, trace_lines
    from .checkpoint import load, save
    from .draw import Graph, draw
    from .explore import explore
    from .gradcheck import gradcheck, gradcheck_model, truncation_report
    from .profile import profile
    from .reach import require_gradients
    from .twins import opened

# A training step takes and gives back some megabytes of arrays. glibc would return them to the operating system each
# time and ask for them anew, page by page, which can take longer than the arithmetic. Once it has freed an array of
# just under 32 MB, it keeps twice that much at hand. This one is never written to, and so takes no memory itself.
_np.empty((1 << 25) - (1 << 16), _np.uint8)

__version__ = "0.1.0"

_SIDE_ROOMS = {
    "Graph": "draw", "detect_anomaly": "anomaly", "draw": "draw", "explore": "explore", "gradcheck": "gradcheck",
    "gradcheck_model": "gradcheck", "load": "checkpoint", "opened": "twins", "profile": "profile",
    "require_gradients": "reach", "save": "checkpoint", "trace_lines": "anomaly", "truncation_report": "gradcheck",
}  # fmt: skip

__all__ = ["GATES", "Gate", "Graph", "MinigradError", "Tensor", "cut", "detect_anomaly", "draw", "enable_grad", "fused",
           "explore", "generator", "grad", "gradcheck", "gradcheck_model", "load", "no_grad", "opened", "profile",
           "require_gradients", "save", "scope", "seed", "trace_lines", "truncation_report", *_gate_names]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _SIDE_ROOMS:
        raise AttributeError(f"module 'minigrad' has no attribute {name!r}")
    value = getattr(import_module(f".{_SIDE_ROOMS[name]}", __name__), name)
    globals()[name] = value
    return value


class _Minigrad(ModuleType):
    """Keeps a side room from hiding its function: `mg.draw` is the function, whoever imported minigrad.draw before."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _SIDE_ROOMS and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Minigrad
