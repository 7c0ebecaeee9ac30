"""autograd (HIPS): gradients of NumPy functions, recorded operation by operation."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd import value_and_grad


def versions() -> dict[str, str]:
    return {"autograd": version("autograd"), "NumPy": np.__version__}


def unrolled(setting: str, xs: list[Any], weights: dict[str, Any]) -> Callable[[], Any]:
    h0 = np.zeros((len(xs[0]), len(weights["b"])), np.float32)
    parameters = tuple(weights.values())

    def loss_of(parameters: Any) -> Any:
        U, W, b = parameters
        h = h0
        for x in xs:
            h = anp.tanh(anp.dot(x, U) + anp.dot(h, W) + b)
        return anp.sum(h)

    with_gradients = value_and_grad(loss_of)
    return lambda: with_gradients(parameters)
