"""minigrad: reverse-mode autograd on NumPy, with graphs that you can draw and check.

This file collects the public names. Names outside the engine, such as `draw`, `gradcheck` and
`load`, are imported on first use. This keeps `import minigrad` almost as fast as `import numpy`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as _np

from . import random as random
from .context import enable_grad, fused, no_grad, scope
from .derivatives import grad, hvp, jacobian
from .errors import MinigradError
from .gate import GATES, Gate
from .gates import *
from .gates import __all__ as _gate_names
from .gates.loss import cross_entropy as cross_entropy
from .gates.shape import transpose as permute  # noqa: F401
from .help import other_frameworks as _other
from .help import shadowing as _shadowing
from .random import generator, seed
from .support.memory import keep_freed as _keep_freed
from .tensor import Tensor, cut

if TYPE_CHECKING:
    from . import layers as layers
    from . import optim as optim
    from .checkpoint import load, save
    from .debug.anomaly import detect_anomaly, trace_lines
    from .debug.comparison import compare
    from .debug.dependence import check_causal, depends
    from .debug.missing_gradients import require_gradients
    from .debug.profiler import profile
    from .drawing import Graph, draw
    from .explorer import explore
    from .gates.fused.unfuse import unfuse
    from .gradient_checker import check_engine, gradcheck, gradcheck_model, truncation_report
    from .tools.versions import show_versions

__version__ = "0.2.0.dev0"

# Names imported on first use, and their modules. A module must not share the name of one of its
# functions, because importing the module would hide the function.
_ON_DEMAND = {
    "Graph": "drawing",
    "check_causal": "debug.dependence",
    "check_engine": "gradient_checker",
    "compare": "debug.comparison",
    "depends": "debug.dependence",
    "detect_anomaly": "debug.anomaly",
    "draw": "drawing",
    "explore": "explorer",
    "gradcheck": "gradient_checker",
    "gradcheck_model": "gradient_checker",
    "load": "checkpoint",
    "unfuse": "gates.fused.unfuse",
    "profile": "debug.profiler",
    "require_gradients": "debug.missing_gradients",
    "save": "checkpoint",
    "show_versions": "tools.versions",
    "trace_lines": "debug.anomaly",
    "truncation_report": "gradient_checker",
}

__all__ = ["GATES", "Gate", "Graph", "MinigradError", "Tensor", "check_causal", "check_engine", "compare", "cut",
           "depends", "detect_anomaly", "draw", "enable_grad", "fused", "explore", "generator", "grad",
           "gradcheck", "gradcheck_model", "hvp", "jacobian", "load", "no_grad", "unfuse", "profile",
           "require_gradients", "save", "scope", "seed", "show_versions", "trace_lines", "truncation_report",
           *_gate_names]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _ON_DEMAND:
        return _other.answer_import(__name__, name)
    value = getattr(import_module(f".{_ON_DEMAND[name]}", __name__), name)
    globals()[name] = value
    return value


# PyTorch names with the same meaning in minigrad
tensor, cat = Tensor, concatenate  # noqa: F405
manual_seed = seed
float32, float64 = _np.float32, _np.float64

_keep_freed()
_shadowing.warn()
