"""Test a gradient along one direction without a tolerance: a step curve and a Taylor remainder.

As the step size decreases, the error of a right gradient falls until rounding makes it rise again,
so the curve is V-shaped. The error of a wrong gradient remains constant. The Taylor remainder is of
order h² for a right gradient, and of order h for a wrong gradient.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..checkpoint import replace_file
from ..errors import OptionError
from ..graph import Array
from ..support.notebook import new_figure
from .numeric import EPSILON, Line, central, relative_error


@dataclass
class StepCurve:
    """The difference between central differences and the recorded gradient, for each step size.

    The step sizes range from 1e-1 to 1e-12.

    Source: Baydin et al., Automatic differentiation in machine learning: a survey (2018), figure 3.
    """

    steps: list[float]
    errors: list[float]

    def __str__(self) -> str:
        lines = ["step   error    of central differences against the recorded gradient"]
        for step, error in zip(self.steps, self.errors, strict=True):
            digits = 16 + np.log10(max(error, 1e-16))
            bar = "#" * round(2.5 * digits)
            lines.append(f"{step:.0e}  {error:.1e}  {bar}")
        return "\n".join(lines)

    def save(self, path: str | Path) -> None:
        """Save a log-log plot of the curve. The suffix of `path` sets the file format.

        Errors: OptionError MG706 if Matplotlib is not installed, CheckpointError MG506 if the file
        cannot be written, and Matplotlib's ValueError for a format that it does not support.
        """
        path = Path(path)
        figure = self.plot()
        replace_file(path, lambda file: figure.savefig(file, format=path.suffix[1:], dpi=150))

    def plot(self) -> Any:
        """Return a Matplotlib figure with a log-log plot of the curve.

        Errors: OptionError MG706 if Matplotlib is not installed.
        """
        figure = new_figure("a plot of the step curve", 6.4, 4.2)
        axes = figure.add_subplot()
        steps = np.array(self.steps)
        errors = np.maximum(self.errors, 1e-16)
        grey = {"color": "#777777", "lw": 1}
        axes.loglog(steps, errors, "o-", color="#0b5fa5", label="error")
        axes.loglog(steps, steps**2, "--", label="h²: truncation", **grey)
        axes.loglog(steps, EPSILON / steps, ":", label="ε / h: rounding", **grey)
        axes.set(xlabel="step h", ylabel="relative error")
        axes.set_ylim(1e-16, 10 * max([1.0, *self.errors]))
        axes.set_title("Central differences against the recorded gradient")
        axes.grid(alpha=0.3)
        axes.legend()
        return figure

    def _repr_png_(self) -> bytes | None:
        try:
            picture: bytes = self.plot()._repr_png_()
            return picture
        except OptionError:  # a notebook then shows the text instead
            return None


def step_curve(
    line: Line,
    cotangent: Array,
    recorded: float,
) -> StepCurve:
    """Measure the step curve along `line`, on which the recorded gradient has slope `recorded`."""
    curve = StepCurve([], [])
    for k in range(1, 13):
        step = 10.0**-k
        with np.errstate(all="ignore"):
            error = relative_error(recorded, central(line, cotangent, step))
        if np.isfinite(error):
            curve.steps.append(step)
            curve.errors.append(error)
    return curve


def taylor_slope(
    line: Line,
    base: Array,
    cotangent: Array,
    recorded: float,
) -> float | None:
    """Return the order in h of |L(x + h u) - L(x) - h · recorded|.

    The order is near 2 for a right gradient, and near 1 for a wrong gradient. The result is the
    median over the smallest steps whose remainder is well above rounding error. If there are fewer
    than two such steps, the function is linear along u and agrees with the gradient, and the result
    is None.

    Source: Taylor's theorem; Farrell et al., Automated derivation of the adjoint (2013), section
    6.1.
    """
    steps, remainders = [], []
    with np.errstate(all="ignore"):
        size = np.sum(np.abs(cotangent * base))
        for k in range(12):
            step = 1e-2 * 2.0**-k
            linear = step * recorded
            change = np.sum(cotangent * (line(step) - base))
            remainder = abs(change - linear)
            if remainder > 1e5 * EPSILON * max(size, abs(linear)):
                steps.append(step)
                remainders.append(remainder)
    if len(steps) < 2 or not np.isfinite(remainders).all():
        return None
    orders = np.diff(np.log(remainders)) / np.diff(np.log(steps))
    return float(np.median(orders[-5:]))
