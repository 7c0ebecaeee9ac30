"""The learning-rate range test, which raises the learning rate during a short run until the loss
diverges.
"""

import math
from collections.abc import Iterable
from copy import copy, deepcopy
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

import numpy as np

from minigrad import fused, generator
from minigrad.data import Batches
from minigrad.support.notebook import new_figure

from .history import FilePath, save_figure
from .run import Batch
from .trainer import Trainer


@dataclass
class LearningRateRange:
    """The result of the range test: the rates, the smoothed loss at each rate, and the suggested
    learning rate. The suggestion is a tenth of the rate at which the loss begins to rise.

    Since: 0.1.
    """

    rates: list[float]
    losses: list[float]
    suggestion: float

    def plot(self, path: FilePath | None = None) -> Any:
        """Plot the loss against the learning rate and mark the suggestion. If `path` (.png .svg
        .pdf) is set, also write the chart to that file. Requires minigrad-edu[plot].
        """
        figure = new_figure("a plot of learning rates", 5, 3.6)
        axes = figure.add_subplot()
        axes.semilogx(self.rates, self.losses)
        axes.axvline(self.suggestion, linestyle="--", color="C1")
        axes.set_xlabel("learning rate")
        axes.set_ylabel("loss (smoothed)")
        axes.set_title(f"suggestion: {self.suggestion:.2g}")
        return save_figure(figure, path)


def find_learning_rate(
    trainer: Trainer,
    train: Iterable[Batch],
    *,
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 100,
) -> LearningRateRange:
    """Train with the rate low · (high / low)^(i / (steps - 1)) at step i. Stop when the loss
    exceeds 4 times its minimum.

    The test trains copies of the model and the optimizer. Afterwards, the batches and the random
    generator are in the same state as before. `rates` and `losses` contain one number per step.

    The last rate at which the loss is within 2% of its minimum is almost too large, so `suggestion`
    is a tenth of this rate. If groups have different rates, the tested rates apply to the first
    group, and the other groups keep their ratio to it.

    >>> from layers import Dense
    >>> from minigrad import mean_squared_error
    >>> from optim import SGD, Trainer
    >>> model = Dense(1, 1, init=lambda shape: np.zeros(shape, "float32"))
    >>> trainer = Trainer(model, mean_squared_error, SGD(model.named_parameters(), lr=0.1))
    >>> found = find_learning_rate(trainer, [(np.ones((1, 1), "float32"), [[1.0]])], steps=20)
    >>> len(found.rates), round(found.suggestion, 3)
    (19, 0.183)

    Errors: any errors from the model or the loss. Source: Smith, Cyclical learning rates for
    training neural networks (2017), 3.3.

    Since: 0.1.
    """
    model, optimizer = deepcopy((trainer.model, trainer.optimizer))
    random = generator().bit_generator.state
    # a copy with its own position
    batches = copy(train) if isinstance(train, Batches) else train
    rates = [low * (high / low) ** (number / (steps - 1)) for number in range(steps)]
    losses: list[float] = []
    smooth = 0.0
    model.train()
    for rate, batch in zip(rates, chain.from_iterable(repeat(batches, steps)), strict=False):
        *inputs, labels = batch
        with fused():
            loss = trainer.loss(model(*inputs), labels)
        # a running mean, because the loss of single batches is too noisy
        smooth = 0.9 * smooth + 0.1 * loss.item()
        mean = smooth / (1 - 0.9 ** (len(losses) + 1))
        if not math.isfinite(mean) or mean > 4 * min(losses, default=mean):
            break
        losses.append(mean)
        optimizer.zero_grad()
        loss.backward()
        optimizer.scale = rate / (optimizer.lr or 1.0)
        optimizer.step()
    generator().bit_generator.state = random
    losses = trainer.everyone(losses)[0]  # each process trains on all rows
    settled = np.array(losses)
    settled[: len(losses) // 10] = math.inf  # the first means cover only a few batches
    lowest = settled.min(initial=math.inf)
    near = np.flatnonzero(settled <= lowest + 0.02 * abs(lowest))
    suggestion = rates[near[-1]] / 10 if near.size else math.nan
    return LearningRateRange(rates[: len(losses)], losses, suggestion)
