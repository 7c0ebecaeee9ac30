"""RMSprop: divides gradients by the square root of a running mean of their squares."""

import math

import numpy as np

from minigrad.help.other_frameworks import answering

from .lazy import faded
from .optimizer import Array, Arrays, Optimizer, Parameters


class RMSprop(Optimizer):
    """s ← ρ s + (1 - ρ) g², and p ← p - lr g / (√s + eps).

    g is the gradient of p (plus weight_decay times p), and ρ is the `decay`. s is a running mean of
    g². It has p's shape and starts at zero. In PyTorch, ρ is called alpha and is 0.99 by default.

    >>> from minigrad import Tensor
    >>> p = Tensor([1.0], requires_grad=True)
    >>> (3 * p).sum().backward()
    >>> RMSprop({"p": p}, lr=0.1, decay=0.75).step()     # 1 - 0.1 * 3 / √(0.25 * 9)
    >>> print(round(p.item(), 6))
    0.8

    Errors: see Optimizer. Source: Hinton, Neural networks for machine learning, lecture 6e (2012).

    Since: 0.1.
    """

    slots = ("squares",)
    below = (("decay", 1.0), ("eps", math.inf))

    @answering
    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-3,
        *,
        decay: float = 0.9,
        eps: float = 1e-7,
        weight_decay: float = 0.0,
    ) -> None:
        self.decay = decay
        self.eps = eps
        super().__init__(parameters, lr, weight_decay)

    def update_rule(
        self, p: Array, g: Array, slots: Arrays, scratch: Array, lr: float, t: int
    ) -> None:
        (s,) = slots
        np.multiply(g, g, out=scratch)
        scratch *= 1 - self.decay
        s *= self.decay
        s += scratch
        np.sqrt(s, out=scratch)
        scratch += self.eps
        np.divide(g, scratch, out=scratch)
        scratch *= lr
        p -= scratch

    def lazy_window(self) -> int:
        return 1  # p stops immediately, and only s decays

    def catch_up(self, p: Array, slots: Arrays, missed: Array, sums: Arrays) -> None:
        (s,) = slots
        s *= faded(self.decay, missed, s.dtype)
