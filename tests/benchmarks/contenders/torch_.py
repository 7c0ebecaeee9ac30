"""PyTorch: eager with its default Adam; with fused Adam and denormals flushed; and compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

torch.set_num_threads(1)
torch.set_num_interop_threads(1)


def versions() -> dict[str, str]:
    return {"PyTorch": torch.__version__}


def unrolled(setting: str, xs: list[Any], weights: dict[str, Any]) -> Callable[[], Any]:
    inputs = [torch.from_numpy(x) for x in xs]
    U, W, b = parameters = [torch.tensor(array, requires_grad=True) for array in weights.values()]
    h0 = torch.zeros(len(xs[0]), len(W))

    def call() -> Any:
        for parameter in parameters:
            parameter.grad = None
        h = h0
        for x in inputs:
            h = torch.tanh(x @ U + h @ W + b)
        loss = h.sum()
        loss.backward()
        return loss.item(), (U.grad, W.grad, b.grad)

    return call
