"""minigrad: reverse-mode autograd on NumPy, with graphs that you can draw and check.

This file collects the public names. Names outside the engine, such as `draw`, `gradcheck` and
`load`, are imported on first use. This keeps `import minigrad` almost as fast as `import numpy`.
"""

import sys
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as _np

from . import fast, random
from .context import enable_grad, fused, no_grad, scope
from .derivatives import grad, hvp, jacobian
from .errors import MinigradError
from .gate import GATES, Gate
from .gates import *
from .gates import __all__ as _gate_names
from .gates.loss import cross_entropy as cross_entropy
from .gates.shape import transpose as permute
from .help import other_frameworks as _other
from .help import shadowing as _shadowing
from .numpy_api import to_array as _to_array
from .random import generator, seed
from .tensor import Tensor, cut

if TYPE_CHECKING:
    from . import layers as layers
    from . import optim as optim
    from .checkpoint import load, save
    from .debug.anomaly import detect_anomaly, trace_lines
    from .debug.dependence import check_causal, depends
    from .debug.missing_gradients import require_gradients
    from .debug.profiler import profile
    from .drawing import Graph, draw
    from .explorer import explore
    from .gates.fused.unfuse import unfuse
    from .gradient_checker import gradcheck, gradcheck_model, truncation_report
    from .tools.versions import show_versions

__version__ = "0.2.0.dev0"

fast.enable()  # makes minigrad faster, with the same results up to rounding

# Names imported on first use, and their modules. A module must not share the name of one of its
# functions, because importing the module would hide the function.
_ON_DEMAND = {
    "Graph": "drawing",
    "check_causal": "debug.dependence",
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

__all__ = ["GATES", "Gate", "Graph", "MinigradError", "Tensor", "check_causal", "cut", "depends", "detect_anomaly",
           "draw", "enable_grad", "fused", "explore", "generator", "grad", "gradcheck", "gradcheck_model", "hvp",
           "jacobian", "load", "no_grad", "unfuse", "profile", "require_gradients", "save", "scope", "seed",
           "show_versions", "trace_lines", "truncation_report", *_gate_names]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _ON_DEMAND:
        return _other.answer_import(__name__, name)
    value = getattr(import_module(f".{_ON_DEMAND[name]}", __name__), name)
    globals()[name] = value
    return value


# PyTorch names with the same meaning in minigrad.
tensor, cat = Tensor, concatenate  # noqa: F405
manual_seed = random.manual_seed = seed  # type: ignore[attr-defined]
float32, float64 = _np.float32, _np.float64
Tensor.data = property(Tensor.detach, lambda x, new: setattr(x, "array", _to_array(new)))  # type: ignore[attr-defined]
for _name, _method in {
    "numpy": lambda x: x.array,
    "tolist": lambda x: x.array.tolist(),
    "view": lambda x, *shape: x.reshape(*shape),
    "t": lambda x: x.T,
    "permute": lambda x, *axes: permute(x, axes[0] if len(axes) == 1 else axes),
    "dim": lambda x: x.ndim,
    "numel": lambda x: int(x.size),
    "cpu": lambda x: x,
    "float": lambda x: x.astype("float32"),
}.items():
    setattr(Tensor, _name, _method)

# Other names and calls from NumPy, PyTorch and other frameworks raise an error that names the
# replacement. The names for Tensor are listed one by one, because a `__getattr__` method on Tensor
# would slow down every attribute access.
_other.answer_names(
    Tensor,
    "H add add_ addmm all allclose amax amin any argmin argsort assign assign_sub at bfloat16 "
    "bmm bool broadcast_to ceil chunk clamp clamp_ clamp_max clamp_min clone contiguous copy "
    "copy_ cosh cross_entropy cuda cumprod data_ptr det detach_ device diag diagonal diff div "
    "div_ dot double dropout element_size eq equal erf exp_ expand expand_as expm1 fill fill_ "
    "flat flatten flip floor gather ge gelu get_device grad_fn gt half hardtanh index_add "
    "index_select int inverse is_contiguous is_cuda is_leaf is_sparse isfinite isnan layout "
    "le leaky_relu lerp log10 log1p log2 logit long lt mT masked_fill masked_fill_ "
    "masked_select matmul median mm moveaxis movedim mul mul_ mv narrow nbytes ndimension ne "
    "neg nelement new_ones new_zeros nonzero norm normal_ outer pin_memory pow prod "
    "ptp quantile ravel reciprocal register_hook relu_ repeat repeat_interleave "
    "requires_grad_ retain_grad roll round rsqrt scatter scatter_add select sigmoid_ sign "
    "silu sinh softplus sort split sqrt_ squeeze_ stack storage stride sub sub_ svd swapdims "
    "take take_along_axis tan tanh_ tensor_split tile to topk trace tril triu trunc type "
    "type_as unbind unflatten unfold uniform_ unique unsqueeze unsqueeze_ view_as where zero_ zero_grad".split(),
)
_other.answer_calls(
    Tensor,
    "__init__ argmax astype backward sum mean max min var std cumsum clip squeeze softmax log_softmax "
    "logsumexp swapaxes".split(),
)
_other.answer_calls(
    sys.modules[__name__],
    "binary_cross_entropy cat concatenate cross_entropy cumsum expand_dims grad hvp jacobian "
    "log_softmax logsumexp mean_absolute_error mean_squared_error negative_log_likelihood permute "
    "softmax softmax_cross_entropy split squeeze stack take_along_axis where".split(),
)
random.__getattr__ = partial(_other.answer_attribute, random)  # type: ignore[method-assign]
_shadowing.warn()
