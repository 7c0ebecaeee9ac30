"""Dropout, and a warning for evaluating a model while dropout is on."""

import warnings
from typing import Any

import numpy as np

from minigrad import Tensor, generator
from minigrad.context import RECORDING, SCOPE, scope_label
from minigrad.errors import DtypeError, MinigradError, OptionError
from minigrad.help.other_frameworks import answering

from .layer import Layer, as_tensor


class ModeWarning(UserWarning):
    """Warning (MG214): the model is evaluated while it is in training mode.

    Since: 0.2.
    """


class Dropout(Layer):
    """z = x ⊙ m / (1 - rate) in training, where each element of m is 0 with probability `rate`, and
    1 otherwise. In evaluation mode, z = x.

    z has the same shape as x. The division preserves the expected value, so evaluation needs no
    scaling. Each call draws a new m from minigrad's random generator, which `mg.seed` seeds.

    >>> Dropout(0.5).eval()(Tensor([1.0, 2.0])).array
    array([1., 2.], dtype=float32)

    Errors: OptionError (MG212) for a rate outside [0, 1); DtypeError (MG235) for integers and
    booleans; a ModeWarning (MG214) if dropout is on inside `no_grad`, usually because you forgot to
    call `eval()`. Source: Srivastava et al., Dropout: a simple way to prevent neural networks from
    overfitting (2014); section 10 describes the division ("inverted dropout").

    Since: 0.1.
    """

    @answering
    def __init__(self, rate: float) -> None:
        self.rate = _checked(rate)

    def forward(self, x: Any) -> Tensor:
        tensor = as_tensor(x)
        if tensor.dtype.kind != "f":
            raise DtypeError(
                "MG235",
                f"Dropout takes floats, not {tensor.dtype}",
                cause="dropout scales its input, so the result would not be an integer; setting an "
                "id to 0 would turn it into a different id",
                remedy="put Dropout after the Embedding, which turns ids into vectors, or pass x "
                "as float32",
            )
        if not self.training or _checked(self.rate) == 0:
            return tensor
        warn_of_training(f"dropout is active with rate {self.rate}")
        kept = generator().random(tensor.shape, np.float32) >= self.rate
        return tensor * (kept.astype(tensor.dtype) / tensor.dtype.type(1 - self.rate))

    def settings(self) -> str:
        return str(self.rate)


def _checked(rate: Any) -> Any:
    if isinstance(rate, (int, float, np.number)) and 0 <= rate < 1:
        return rate
    raise OptionError(
        "MG212",
        f"Dropout does not accept a rate of {rate!r}",
        cause="the rate is the probability that an element is set to 0; a rate of 1 would "
        "set every element to 0",
        remedy="use a rate of at least 0 and less than 1",
    )


def warn_of_training(what: str) -> None:
    """Warn (MG214) if a layer in training mode is called where no gradient is recorded."""
    if not RECORDING.get():
        text = MinigradError(
            "MG214",
            f"{what} while no gradient is recorded",
            where=scope_label(SCOPE.get()),
            cause="the model is in training mode inside no_grad, so its outputs depend on chance "
            "or on the batch",
            remedy="call model.eval() before evaluating, and model.train() before you continue "
            "training",
        )
        warnings.warn(ModeWarning(str(text)), stacklevel=3)
