"""Measure the effect of truncation: compare a recurrent model's truncated and full gradients.

The comparison includes every layer that has an attribute `truncate`, which is the number of final
steps that carry a gradient, or None for all steps.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..debug.unchanged import unchanged
from ..errors import OptionError
from ..gates import softmax_cross_entropy
from ..graph import Array
from ..support.text import printable
from ..tensor import Tensor
from .numeric import recorded_gradients


@dataclass
class TruncationReport:
    """Compare truncated and full gradients: `cosine[k][path]` and `norm_ratio[k][path]`.

    `k` is the number of steps that carry a gradient, and `path` names the parameter. A cosine of 1
    means that truncation does not change the direction. The cosine is NaN if one of the gradients
    is zero.
    """

    cosine: dict[int, dict[str, float]]
    norm_ratio: dict[int, dict[str, float]]

    def __str__(self) -> str:
        """Return a table of (cosine, norm ratio), with a row per k and a column per parameter."""
        paths = list(next(iter(self.cosine.values())))
        names = [printable(path) for path in paths]
        width = max(13, *map(len, names))
        heads = "  ".join(f"{name:>{width}}" for name in names)
        lines = [f"   k  {heads}    (cosine, norm ratio to the full gradient)"]
        for k, cosines in self.cosine.items():
            cells = [f"{cosines[path]:.4f}, {self.norm_ratio[k][path]:.3f}" for path in paths]
            lines.append(f"{k:>4}  " + "  ".join(f"{cell:>{width}}" for cell in cells))
        return "\n".join(lines)


def truncation_report(
    model: Any,
    batch: Sequence[Any],
    *,
    ks: Sequence[int] = (1, 2, 5, 10, 20, 40),
    loss: Callable[..., Tensor] = softmax_cross_entropy,
) -> TruncationReport:
    """Compare the gradient truncated after k steps, g_k, with the full gradient g.

    For each k and each parameter, the report contains the cosine g_k · g / (|g_k| |g|) and the norm
    ratio |g_k| / |g|.

    `batch` is (*inputs, labels), such as ids (B, T) and labels (B,). The loss is
    loss(model(*inputs), labels). For each k, the function sets `truncate` to k on all layers in
    `model.named_layers()` that have this attribute. At the end, it restores the old values. `.grad`
    and the state of all layers are unchanged. Dropout draws the same mask for each k.

    >>> import minigrad as mg
    >>> class Decay:                                   # h_t = w · h_(t-1) + x_t: the gradient of w fades as w^t
    ...     truncate = None
    ...     w = mg.Tensor([0.5], requires_grad=True)
    ...     def named_parameters(self): return {"w": self.w}
    ...     def named_layers(self): return {"": self}
    ...     def __call__(self, x):
    ...         h = mg.Tensor([0.0])
    ...         for t in range(len(x)):
    ...             h = (mg.cut(h) if self.truncate == len(x) - t else h) * self.w + x[t]
    ...         return h
    >>> print(mg.truncation_report(Decay(), (np.ones(8), [0.0]), ks=[1, 4, 8], loss=mg.mean_squared_error))
       k              w    (cosine, norm ratio to the full gradient)
       1  1.0000, 0.514
       4  1.0000, 0.955
       8  1.0000, 1.000

    Errors: OptionError MG721 if the model has no layer with an attribute `truncate`.

    Source: Tallec and Ollivier, Unbiasing truncated backpropagation through time (2017).

    Since: 0.1.
    """
    layers = [layer for layer in model.named_layers().values() if hasattr(layer, "truncate")]
    if not layers:
        raise OptionError(
            "MG721",
            "truncation_report found no layer with an attribute `truncate`",
            cause="only recurrent layers can be truncated, and this model has none",
            remedy="pass a model that contains an RNN, GRU or LSTM",
        )
    *inputs, labels = batch
    before = [layer.truncate for layer in layers]

    def gradients(k: int | None) -> dict[str, Array]:
        for layer in layers:
            layer.truncate = k
        with unchanged(model):
            root = loss(model(*inputs), labels).node
        leaves = {path: tensor.node for path, tensor in model.named_parameters().items()}
        return recorded_gradients(root, np.ones((), root.output.dtype), leaves)

    report = TruncationReport({}, {})
    try:
        full = gradients(None)
        for k in ks:
            cut = gradients(k)
            report.cosine[k], report.norm_ratio[k] = {}, {}
            for path, whole in full.items():
                length, full_length = np.linalg.norm(cut[path]), np.linalg.norm(whole)
                with np.errstate(all="ignore"):
                    cosine = np.sum(cut[path] * whole) / (length * full_length)
                    report.cosine[k][path] = float(cosine)
                    report.norm_ratio[k][path] = float(length / full_length)
        return report
    finally:
        for layer, truncate in zip(layers, before, strict=True):
            layer.truncate = truncate
