"""Draws rates.svg, four learning rates, and valid.svg, the losses on both parts of the data.

python -m minigrad.course.lessons.lesson_10_craft.figures
"""

from pathlib import Path

import numpy as np

from minigrad.course.lessons.curves import curves
from minigrad.course.lessons.lesson_10_craft import solution

RATES = {"A": 0.15, "B": 0.0001, "C": 0.5, "D": 0.01}


def with_momentum(lr, steps=60):
    """Return the losses of a run with momentum. A run that leaves the picture ends there."""
    x, y = solution.moons(40, 0.4, 1)
    weights = solution.start(16, 0)
    velocities, losses = [0 * p.array for p in weights], []
    while len(losses) < steps and (not losses or losses[-1] < 2):
        for p in weights:
            p.grad = None
        loss = solution.mean_squared(x, y, weights)
        losses.append(loss.item())
        loss.backward()
        for i, p in enumerate(weights):
            p.array, velocities[i] = solution.momentum_step(p.array, p.grad, velocities[i], lr, 0.9)
    return np.array(losses)


def halves():
    """Return the training and the validation losses that the learner's file prints."""
    x, y = solution.moons(80, 0.4, 1)
    training, validation = solution.split(80, 40, 0)
    weights, found = solution.start(16, 0), []

    def loss():
        found.append(solution.mean_squared(x[validation], y[validation], weights).item())
        return solution.mean_squared(x[training], y[training], weights)

    losses = solution.fit(weights, loss, 400, 0.03)
    return np.array(losses), np.array(found)


if __name__ == "__main__":
    here = Path(__file__).parent
    rates = {name: with_momentum(lr) for name, lr in RATES.items()}
    (here / "rates.svg").write_text(curves(rates), encoding="utf-8")
    series = dict(zip(("training", "validation"), halves(), strict=True))
    (here / "valid.svg").write_text(curves(series, most=0.6), encoding="utf-8")
