"""Adagrad: adapts each element's step size to the sum of its squared gradients."""

import math

import numpy as np

from minigrad.help.other_frameworks import answering

from .optimizer import Array, Arrays, Optimizer, Parameters


class Adagrad(Optimizer):
    """s ← s + g², and p ← p - lr g / (√s + eps).

    g is the gradient of p (plus weight_decay times p). s is the sum of all g² so far. It has p's
    shape and starts at zero. Elements that rarely get a gradient, such as the vectors of rare
    words, take larger steps.

    >>> from minigrad import Tensor
    >>> p = Tensor([1.0, 1.0], requires_grad=True)
    >>> (p * [4.0, 0.5]).sum().backward()
    >>> Adagrad({"p": p}, lr=0.1).step()       # the first step has size lr for any gradient
    >>> print(p.array.round(4))
    [0.9 0.9]

    Without weight decay, a step changes only the rows of a table that the batch looked up. In
    Keras, s starts at 0.1.

    Errors: see Optimizer. Source: Duchi, Hazan and Singer, Adaptive subgradient methods (2011).

    Since: 0.1.
    """

    slots = ("squares",)
    below = (("eps", math.inf),)

    @answering
    def __init__(
        self,
        parameters: Parameters,
        lr: float = 0.01,
        *,
        eps: float = 1e-7,
        weight_decay: float = 0.0,
    ) -> None:
        self.eps = eps
        super().__init__(parameters, lr, weight_decay)

    def update_rule(
        self, p: Array, g: Array, slots: Arrays, scratch: Array, lr: float, t: int
    ) -> None:
        (s,) = slots
        np.multiply(g, g, out=scratch)
        s += scratch
        np.sqrt(s, out=scratch)
        scratch += self.eps
        np.divide(g, scratch, out=scratch)
        scratch *= lr
        p -= scratch

    def lazy_window(self) -> int:
        return 0
