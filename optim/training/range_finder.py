"""The learning-rate range test: a short run in which the rate grows until the loss diverges, then
undone.
"""

import math
import os
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad import generator
from minigrad.data import Batches
from minigrad.errors import NonFiniteError
from minigrad.support.notebook import new_figure

from ..optimizer import check_count, check_range
from ..parameters import set_arrays
from .callbacks import Callback
from .history import save_figure
from .run import Batch, Run, evaluating
from .trainer import Trainer


@dataclass
class LearningRateRange:
    """The result of the test: the loss (smoothed) at each rate, and a tenth of the rate at which it
    began to rise.
    """

    rates: list[float]
    losses: list[float]
    suggestion: float

    def plot(self, path: str | os.PathLike[str] | None = None) -> Any:
        """Draw loss over rate, with the suggestion marked, also into a file (.png .svg .pdf). Needs
        minigrad[plot].
        """
        figure = new_figure("a plot of learning rates", 5, 3.6)
        axes = figure.add_subplot()
        axes.semilogx(self.rates, self.losses)
        axes.axvline(
            self.suggestion, linestyle="--", color="C1", label=f"suggestion: {self.suggestion:.2g}"
        )
        axes.set_xlabel("learning rate")
        axes.set_ylabel("loss (smoothed)")
        axes.grid(alpha=0.3)
        axes.legend()
        return save_figure(figure, path)


class _GrowingRate(Callback):
    """Gives each step its rate, and stops the run after the last one, or when the loss is 4 times
    its best.
    """

    def __init__(self, rates: list[float]) -> None:
        self.rates, self.losses, self.smooth = rates, list[float](), 0.0

    def on_forward(self, trainer: Run) -> None:
        assert trainer.loss_tensor is not None
        self.smooth = 0.9 * self.smooth + 0.1 * trainer.loss_tensor.item()
        # the loss of single batches is too noisy
        mean = self.smooth / (1 - 0.9 ** (trainer.step + 1))
        diverged = not math.isfinite(mean) or mean > 4 * min(self.losses, default=mean)
        if not diverged:
            self.losses.append(mean)
        if diverged or trainer.step == len(self.rates) - 1:
            trainer.stop("the range test is over")
        trainer.optimizer.scale = self.rates[trainer.step] / (trainer.optimizer.lr or 1.0)


def find_learning_rate(
    trainer: Trainer,
    train: Iterable[Batch],
    *,
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 100,
) -> LearningRateRange:
    """Train at the rate low (high / low)^(i / (steps - 1)) at step i; stop when the loss is 4 times
    its best.

    Afterwards the model with its modes and carried state, optimizer, batches and random generator
    are as before. Rates and losses have one number per step.

    The last rate at which the loss was within 2% of its lowest is almost too large: the
    `suggestion` is a tenth of it. If groups have different rates, these rates are the first
    group's, and the others keep their ratio to it.

    >>> from layers import Dense
    >>> from minigrad import mean_squared_error
    >>> from optim import SGD, Trainer
    >>> model = Dense(1, 1, init=lambda shape: np.zeros(shape, "float32"))
    >>> trainer = Trainer(model, mean_squared_error, SGD(model.named_parameters(), lr=0.1))
    >>> found = find_learning_rate(trainer, [(np.ones((1, 1), "float32"), [[1.0]])], steps=20)
    >>> len(found.rates), round(found.suggestion, 3)
    (19, 0.183)

    Errors: OptionError MG305 for rates that are not 0 < low < high, or fewer than 10 steps;
    DataError MG312 for
    no batches. Source: Smith, Cyclical learning rates for training neural networks (2017), 3.3.
    """
    check_count("steps", steps, 10)
    check_range("low", low, np.finfo(float).tiny, high)
    optimizer, model = trainer.optimizer, trainer.model
    state, scale, random = optimizer.raw_state(), optimizer.scale, generator().bit_generator.state
    weights = {name: tensor.array.copy() for name, tensor in model.named_parameters().items()}
    # a copy that has a position of its own
    batches = copy(train) if isinstance(train, Batches) else train
    growing = _GrowingRate(
        [low * (high / low) ** (number / (steps - 1)) for number in range(steps)]
    )
    try:
        # so that its modes, and what it carries, are as before
        with evaluating(model, training=True):
            Trainer(model, trainer.loss, optimizer, metrics={}, callbacks=[growing]).fit(
                batches, steps
            )
    except NonFiniteError:
        pass  # it has diverged, which is how the test ends
    finally:
        optimizer.zero_grad()
        set_arrays(model.named_parameters(), weights)
        optimizer.load_state_dict(state)
        optimizer.scale = scale
        generator().bit_generator.state = random
    losses = trainer.everyone(growing.losses)[0]  # every process tries the whole batches
    rates = growing.rates[: len(losses)]
    return LearningRateRange(rates, losses, _suggest(rates, losses))


def _suggest(rates: list[float], losses: list[float]) -> float:
    settled = np.array(losses)
    settled[: len(losses) // 10] = math.inf  # at first the mean is that of a few batches only
    lowest = settled.min(initial=math.inf)
    near = np.flatnonzero(settled <= lowest + 0.02 * abs(lowest))
    return rates[near[-1]] / 10 if near.size else math.nan
