"""minigrad: see how gradients flow. A reverse-mode autograd Tensor on NumPy that records, draws and checks its graph.

This file collects the public names. What is not part of the engine (drawing, checking, checkpoints) is imported when it
is first used, so that `import minigrad` takes little longer than `import numpy`.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .context import enable_grad, fused, no_grad, scope
from .derivatives import grad, hvp, jacobian
from .errors import MinigradError
from .fast.switch import plug_in as _plug_in_speed
from .gate import GATES, Gate
from .gates import *
from .gates import __all__ as _gate_names
from .help import other_frameworks as _habits
from .help import shadowing as _namesakes
from .numpy_api import plain as _plain
from .random import generator, seed
from .tensor import Tensor, cut

if TYPE_CHECKING:
    from . import layers as layers
    from . import optim as optim
    from .checkpoint import load, save
    from .debug.anomaly import detect_anomaly, trace_lines
    from .debug.missing_gradients import require_gradients
    from .debug.profiler import profile
    from .drawing import Graph, draw
    from .explorer import explore
    from .gates.fused.unfuse import opened
    from .gradient_checker import gradcheck, gradcheck_model, truncation_report
    from .tools.versions import show_versions

__version__ = "0.2.0.dev0"

_plug_in_speed()  # without this line all results are the same, only slower

# Names that are imported when first used, and their modules. No module has the same name as a function in it: once
# imported, the module would hide the function.
_ON_DEMAND = {
    "Graph": "drawing",
    "detect_anomaly": "debug.anomaly",
    "draw": "drawing",
    "explore": "explorer",
    "gradcheck": "gradient_checker",
    "gradcheck_model": "gradient_checker",
    "load": "checkpoint",
    "opened": "gates.fused.unfuse",
    "profile": "debug.profiler",
    "require_gradients": "debug.missing_gradients",
    "save": "checkpoint",
    "show_versions": "tools.versions",
    "trace_lines": "debug.anomaly",
    "truncation_report": "gradient_checker",
}

__all__ = ["GATES", "Gate", "Graph", "MinigradError", "Tensor", "cut", "detect_anomaly", "draw", "enable_grad", "fused",
           "explore", "generator", "grad", "gradcheck", "gradcheck_model", "hvp", "jacobian", "load", "no_grad",
           "opened", "profile", "require_gradients", "save", "scope", "seed", "show_versions", "trace_lines",
           "truncation_report", *_gate_names]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in ("layers", "optim"):
        return import_module(f".{name}", __name__)
    if name not in _ON_DEMAND:
        return _habits.answer_import(__name__, name)
    value = getattr(import_module(f".{_ON_DEMAND[name]}", __name__), name)
    globals()[name] = value
    return value


# Names and keywords of other frameworks: each of these lines opens a way to the table in habits.py. What is answered by
# its calls is wrapped, which costs a call more: backward and the squared error, in every first training step, are not.
Tensor.data = property(Tensor.detach, lambda x, new: setattr(x, "array", _plain(new)))  # type: ignore[attr-defined]
_habits.answer_names(Tensor, "x")
_habits.answer_calls(
    [Tensor],
    "__init__ argmax astype sum mean max min var std cumsum clip reshape squeeze softmax log_softmax logsumexp "
    "transpose".split(),
)  # fmt: skip
_habits.answer_calls(
    [sys.modules[__name__]],
    "binary_cross_entropy concatenate cumsum expand_dims grad hvp jacobian log_softmax logsumexp mean_absolute_error "
    "negative_log_likelihood softmax softmax_cross_entropy split squeeze stack take_along_axis where".split(),
)
_habits.answer_modules(globals(), ["random", "tensor"])
_namesakes.warn()
