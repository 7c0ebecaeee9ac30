"""SGD: stochastic gradient descent, with optional momentum."""

import numpy as np

from minigrad.errors import OptionError
from minigrad.help.other_frameworks import answering

from .lazy import fade_out, faded
from .optimizer import Array, Arrays, Optimizer, Parameters


class SGD(Optimizer):
    """p ← p - lr g. With momentum: v ← μ v + g, and p ← p - lr v. If `nesterov` is True, p ← p - lr
    (g + μ v) instead.

    g is the gradient of p (plus weight_decay times p), and μ is the `momentum`. The velocity v has
    p's shape and starts at zero. PyTorch uses the same form. In Keras, the velocity includes the
    factor lr, which gives the same result if lr is constant.

    >>> from minigrad import Tensor
    >>> p = Tensor([1.0], requires_grad=True)
    >>> optimizer = SGD({"p": p}, lr=0.1, momentum=0.5)
    >>> for _ in range(2):                     # g = 2p. v: 2, then 1 + 1.6. p: 1, 0.8, 0.54
    ...     optimizer.zero_grad()
    ...     (p * p).sum().backward()
    ...     optimizer.step()
    >>> print(round(p.item(), 6))
    0.54

    Without weight decay, a step changes only the rows of a table that the batch looked up. Other
    rows that momentum still moves catch up when they are next read. If you create an SGD optimizer
    without momentum, you cannot add momentum later, because the optimizer has no velocities.

    Errors: see Optimizer; OptionError for `nesterov` without momentum (MG308). Sources: Polyak,
    Some methods of speeding up the convergence of iteration methods (1964); Sutskever et al., On
    the importance of initialization and momentum in deep learning (2013).

    Since: 0.1.
    """

    below = (("momentum", 1.0),)

    @answering
    def __init__(
        self,
        parameters: Parameters,
        lr: float = 0.01,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        self.momentum = momentum
        self.nesterov = nesterov
        if nesterov and not momentum:
            raise OptionError(
                "MG308",
                "nesterov=True needs a momentum above 0",
                cause="Nesterov's rule looks ahead along the velocity, which does not exist "
                "without momentum",
                remedy="set momentum, usually to 0.9, or leave out nesterov",
            )
        self.slots = ("velocity",) if momentum else ()
        super().__init__(parameters, lr, weight_decay)

    def update_rule(
        self, p: Array, g: Array, slots: Arrays, scratch: Array, lr: float, t: int
    ) -> None:
        if slots or self.momentum:
            (v,) = slots
            v *= self.momentum
            v += g
            if self.nesterov:
                np.multiply(v, self.momentum, out=scratch)
                scratch += g
                scratch *= lr
            else:
                np.multiply(v, lr, out=scratch)
        else:
            np.multiply(g, lr, out=scratch)
        p -= scratch

    def lazy_window(self) -> int:
        return max(1, fade_out(self.momentum)) if self.slots else 0  # with μ = 0, v becomes 0 too

    def pending_terms(self, missed: Array, lr: float, t: int) -> Arrays:
        return (lr * self.momentum ** (missed + self.nesterov),)

    def catch_up(self, p: Array, slots: Arrays, missed: Array, sums: Arrays) -> None:
        (v,) = slots
        p -= v * sums[0].astype(p.dtype)
        v *= faded(self.momentum, missed, v.dtype)
