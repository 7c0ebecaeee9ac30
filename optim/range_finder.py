"""The learning-rate range test: a short run in which the rate grows until the loss diverges, then undone."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from minigrad import generator
from minigrad.checkpoint import replace_file
from minigrad.data import Batches
from minigrad.errors import DataError, NonFiniteError, OptionError
from minigrad.notebook import new_figure

from .history import check_suffix
from .optimizer import check_count
from .run import Batch
from .snapshot import set_arrays
from .trainer import Trainer


@dataclass
class LearningRateRange:
    """The result of the test: the loss (smoothed) at each rate, and a tenth of the rate at which it began to rise."""

    rates: list[float]
    losses: list[float]
    suggestion: float

    def plot(self, path: str | os.PathLike[str] | None = None) -> Any:
        """Draw loss over rate, with the suggestion marked, also into a file (.png .svg .pdf). Needs minigrad[plot]."""
        figure = new_figure("a plot of learning rates", 5, 3.6)
        axes = figure.add_subplot()
        axes.semilogx(self.rates, self.losses)
        axes.axvline(self.suggestion, linestyle="--", color="C1", label=f"suggestion: {self.suggestion:.2g}")
        axes.set_xlabel("learning rate")
        axes.set_ylabel("loss (smoothed)")
        axes.grid(alpha=0.3)
        axes.legend()
        if path is not None:
            kind = check_suffix(path, (".png", ".svg", ".pdf"))[1:]
            replace_file(path, lambda file: figure.savefig(file, format=kind, dpi=150))
        return figure


def find_learning_rate(
    trainer: Trainer, train: Iterable[Batch], *, low: float = 1e-6, high: float = 10.0, steps: int = 100
) -> LearningRateRange:
    """Train at the rate low (high / low)^(i / (steps - 1)) at step i; stop when the loss is 4 times its best.

    Afterwards model, optimizer, batches and random generator are as before. Rates and losses have one number per step.

    The last rate at which the loss was within 2% of its lowest is almost too large: the `suggestion` is a tenth of it.
    If groups have different rates, these rates are the first group's, and the others keep their ratio to it.

    >>> from layers import Dense
    >>> from minigrad import mean_squared_error
    >>> from optim import SGD, Trainer
    >>> model = Dense(1, 1, init=lambda shape: np.zeros(shape, "float32"))
    >>> trainer = Trainer(model, mean_squared_error, SGD(model.named_parameters(), lr=0.1))
    >>> found = find_learning_rate(trainer, [(np.ones((1, 1), "float32"), [[1.0]])], steps=20)
    >>> len(found.rates), round(found.suggestion, 3)
    (19, 0.183)

    Errors: OptionError MG305 for rates that are not 0 < low < high, or fewer than 10 steps; DataError MG312 for
    no batches. Source: Smith, Cyclical learning rates for training neural networks (2017), 3.3.
    """
    check_count("steps", steps, 10)
    if not 0 < low < high < math.inf:
        raise OptionError(
            "MG305",
            f"the rates go from low={low!r} to high={high!r}, and must be 0 < low < high",
            cause="the rate is multiplied by the same factor at each step",
            remedy="the defaults, 1e-6 to 10, suit most models",
        )
    optimizer, model = trainer.optimizer, trainer.model
    state, scale, random = optimizer.exact_state(), optimizer.scale, generator().bit_generator.state
    weights = {name: tensor.array.copy() for name, tensor in model.named_parameters().items()}
    position = train.state_dict() if isinstance(train, Batches) else {}
    base = optimizer.groups[0].lr or 1.0
    training = getattr(model, "training", True)
    rates: list[float] = []
    losses: list[float] = []
    smooth = 0.0
    model.train()
    try:
        for number, (*inputs, labels) in enumerate(islice(_again(train), steps)):
            rate = low * (high / low) ** (number / (steps - 1))
            optimizer.scale = rate / base
            optimizer.zero_grad()
            loss = trainer.loss(model(*inputs), labels)
            smooth = 0.9 * smooth + 0.1 * loss.item()
            mean = smooth / (1 - 0.9 ** (number + 1))  # the loss of single batches is too noisy
            if not math.isfinite(mean) or losses and mean > 4 * min(losses):
                break
            rates.append(rate)
            losses.append(mean)
            loss.backward()
            optimizer.step()
    except NonFiniteError:
        pass  # it has diverged, which is how the test ends
    finally:
        optimizer.zero_grad()
        set_arrays(model.named_parameters(), weights)
        optimizer.load_exact_state(state)
        optimizer.scale = scale
        if isinstance(train, Batches):  # back to the beginning of its epoch
            train.load_state_dict({**position, "position": 0})
        generator().bit_generator.state = random
        if not training:
            model.eval()
    return LearningRateRange(rates, losses, _suggest(rates, losses))


def _again(train: Iterable[Batch]) -> Iterable[Batch]:
    while True:
        empty = True
        for batch in train:
            empty = False
            yield batch
        if empty:
            raise DataError(
                "MG312",
                "the range test ran out of batches",
                cause="the training data are empty, or a generator that gives its batches once",
                remedy="pass a list of batches or minigrad.data.Batches, which can be walked through again",
            )


def _suggest(rates: list[float], losses: list[float]) -> float:
    settled = np.array(losses)
    settled[: len(losses) // 10] = math.inf  # at first the mean is that of a few batches only
    lowest = settled.min(initial=math.inf)
    near = np.flatnonzero(settled <= lowest + 0.02 * abs(lowest))
    return rates[near[-1]] / 10 if near.size else math.nan
