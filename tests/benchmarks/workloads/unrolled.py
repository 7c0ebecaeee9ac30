"""(a) The unrolled RNN, forward and backward, one recorded operation per gate: what an engine costs."""

from __future__ import annotations

from typing import Any

import numpy as np
from problem import Built

LETTER, NAME, TITLE = "a", "unrolled", "The unrolled RNN, forward and backward"
TEXT = """h = tanh(x_t @ W_xh + h @ W_hh + b) over {steps} steps, batch {batch}, width {width}, hidden {hidden},
float32; the loss is the sum of the last h. Five operations a step, each recorded on its own (JAX compiled: none is
recorded), then the gradients of W_xh, W_hh and b. Compared: the loss and the three gradients."""
CASES = ("",)
TOLERANCE = 1e-4


def build(contender: Any, setting: str, problem: Any, case: str) -> Built:
    call = contender.unrolled(setting, *problem.vectors())
    loss, gradients = call()
    return Built(call, [float(loss), *(part for gradient in gradients for part in norms(gradient))])


def norms(gradient: Any) -> list[float]:
    """Enough of a gradient to tell it from any other: its norm, and its product with a fixed pattern."""
    flat = np.asarray(gradient, np.float64).ravel()
    return [float(np.sqrt(flat @ flat)), float(flat @ np.cos(np.arange(flat.size)))]


def difference(one: Any, other: Any) -> float:
    """The largest difference, relative to max(1, size of the larger)."""
    one, other = np.array(one), np.array(other)
    return float(np.max(np.abs(one - other) / np.maximum(1, np.maximum(abs(one), abs(other)))))
