"""minigrad: gate by gate, or (setting "fused") with one gate for a whole sequence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import minigrad as mg


def versions() -> dict[str, str]:
    return {"minigrad": mg.__version__, "NumPy": np.__version__}


def unrolled(setting: str, xs: list[Any], weights: dict[str, Any]) -> Callable[[], Any]:
    inputs = [mg.Tensor(x) for x in xs]
    U, W, b = parameters = [mg.Tensor(array, requires_grad=True) for array in weights.values()]
    h0 = mg.Tensor(np.zeros((len(xs[0]), W.shape[0]), np.float32))

    def call() -> Any:
        for parameter in parameters:
            parameter.grad = None
        h = h0
        for x in inputs:
            h = mg.tanh(x @ U + h @ W + b)
        loss = h.sum()
        loss.backward()
        return loss.item(), (U.grad, W.grad, b.grad)

    return call
