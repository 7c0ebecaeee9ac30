"""Dropout: noise against over-fitting. Knows a rate, and whether the layer is training."""

from __future__ import annotations

import warnings
from contextvars import ContextVar

import numpy as np

from minigrad import Tensor, generator
from minigrad.context import RECORDING, SCOPE, setting, show
from minigrad.errors import MinigradError, OptionError

from .layer import Layer


class ModeWarning(UserWarning):
    """A model that is evaluated while it is in training mode (MG214)."""


_MEANT: ContextVar[bool] = ContextVar("dropout_without_gradients_is_meant", default=False)


def unrecorded_training() -> setting:
    """Within this block dropout under `no_grad` is meant: a long sequence runs up to where its gradients begin."""
    return setting(_MEANT, True)


class Dropout(Layer):
    """While training z = x ⊙ m / (1 - rate), each m being 0 with probability `rate` and else 1; otherwise z = x.

    The division keeps the expected value, so that evaluation needs no scaling. m is drawn anew on each call from the
    one generator (`mg.seed`).

    >>> Dropout(0.5).eval()(Tensor([1.0, 2.0])).array
    array([1., 2.], dtype=float32)

    Errors: OptionError (MG212) for a rate outside [0, 1); a ModeWarning (MG214) where dropout is on inside `no_grad`,
    as when `eval()` was forgotten. Source: Srivastava et al., Dropout: a simple way to prevent
    neural networks from overfitting (2014); the division ("inverted dropout") is in its section 10.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        if not 0 <= rate < 1:
            raise OptionError(
                "MG212",
                f"Dropout cannot have the rate {rate!r}",
                cause="the rate is the share of elements set to 0: at 1 nothing would be left",
                remedy="give a rate from 0 up to, and not including, 1",
            )
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return x
        if not RECORDING.get() and not _MEANT.get():
            _warn_of_mode(self.rate)
        kept = generator().random(x.shape, np.float32) >= self.rate
        scale: Tensor = x * (kept.astype(x.dtype) / x.dtype.type(1 - self.rate))
        return scale

    def settings(self) -> str:
        return str(self.rate)


def _warn_of_mode(rate: float) -> None:
    text = MinigradError(
        "MG214",
        f"dropout is on, at rate {rate}, where no gradient is recorded",
        where=show(SCOPE.get()),
        cause="the model is in training mode inside no_grad: parts of the network are switched off at random",
        remedy="call model.eval() before evaluating, and model.train() before training goes on",
    )
    warnings.warn(ModeWarning(str(text)), stacklevel=3)
