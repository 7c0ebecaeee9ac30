"""Questions of lesson 2, and its page, which plots the learner's error against the step."""

import math
from html import escape
from pathlib import Path

import numpy as np

from minigrad.course.checking.lesson import Question, over_time, values

POWERS = np.arange(1, 15.6, 0.1)  # steps h from 1e-1 to 1e-15.5
CENTRAL = "(f(x + h) - f(x - h)) / 2h"
BEST = "the h in hs with the smallest |central_difference(f, x, h) - slope|"
GRADIENT = (
    "for each i: (f(x + nudge) - f(x - nudge)) / 2h, where nudge is h in element i and 0 elsewhere"
)
FINER = "(4 · central_difference(f, x, h / 2) - central_difference(f, x, h)) / 3"


class Function:
    """A function that remembers where it was evaluated. Its docstring is its formula."""

    def __init__(self, formula, function):
        self.__doc__, self.function, self.points = formula, function, []

    def __call__(self, x):
        self.points.append(x)
        return self.function(x)

    def on_the_way(self, slope):
        """Return the intermediate values of a central difference: where it evaluates the function."""
        return {
            "the smallest x passed to f": min(self.points),
            "the largest x passed to f": max(self.points),
            "slope": slope,
        }


def given(formula, function, **inputs):
    """Return the inputs of a question: the function f, and new arrays."""
    return lambda file: {"f": Function(formula, function), **values(**inputs)(file)}


def slope_of(formula, function, x, h):
    call = "central_difference(f, x, h)"
    return Question("central_difference", call, given(formula, function, x=x, h=h), measured="expected",
                    formula=CENTRAL, way=f"f.on_the_way({call})")  # fmt: skip


def best_of(formula, f, x, slope, *hs):
    errors = {h: abs(central(f, x, h) - slope) for h in hs}

    def compare(answer, right):
        if not isinstance(answer, (int, float, np.number)) or float(answer) not in hs:
            return f"Return one of the steps in hs. Your answer is {answer!r}."
        if errors[float(answer)] == min(errors.values()):
            return None
        yours = errors[float(answer)]
        return (
            f"You return {float(answer):g}. With this step, the central difference is off by {yours:.2g}.\n"
            f"With another step in hs, it is off by only {min(errors.values()):.2g}."
        )

    return Question("best_h", "best_h(f, x, slope, hs)",
                    lambda file: {**given(formula, f, x=x, slope=slope)(file), "hs": [*hs]},
                    tolerance=1e-10,  # tells slips apart; `compare` accepts only the exact step
                    formula=BEST, compare=compare)  # fmt: skip


def gradient_of(formula, f, h, *x):
    return Question("numeric_gradient", "numeric_gradient(f, x, h)", given(formula, f, x=[*x], h=h),
                    formula=GRADIENT, names=over_time("slope along x{}"), measured="expected")  # fmt: skip


def stretch(function, call, formula, inputs, what=""):
    return Question(function, call, inputs, what, formula=formula, stretch=True)


def finer(formula, f, **inputs):
    return stretch(
        "finer_difference", "finer_difference(f, x, h)", FINER, given(formula, f, **inputs)
    )


def along(formula, f, x, d, h):
    call = "slope_along(f, x, d, h)"
    return stretch("slope_along", call, "(f(x + h · d) - f(x - h · d)) / 2h", given(formula, f, x=x, d=d, h=h),
                   f"{call}, one central difference along d")  # fmt: skip


def product(x):
    return float(np.prod(x))


def central(f, x, h):
    return (f(x + h) - f(x - h)) / (2 * h)


QUESTIONS = (
    slope_of("x²", lambda x: x * x, 3.0, 2.0),
    slope_of("x³", lambda x: x**3, 3.0, 2.0),
    slope_of("x³ - x", lambda x: x**3 - x, -1.0, 0.1),
    slope_of("|x|", abs, 0.25, 0.5),
    slope_of("1/x", lambda x: 1 / x, 0.5, 1e-3),
    slope_of("sin x, in radians", math.sin, 1.0, 0.01),
    best_of("x³", lambda x: x**3, 3.0, 27.0, 0.5, 0.1, 1e-15),
    best_of("x³", lambda x: x**3, 10.0, 300.0, 22.0, 30.0, 25.0, 20.0, 15.0),
    best_of("3x", lambda x: 3 * x, 1.0, 3.0, 1e-12, 0.5, 3e-14),
    best_of("sin x, in radians", math.sin, 1.0, math.cos(1.0), 3.0, 4.5, 1e-5, 1.9, 1e-15),
    best_of("cos x, in radians", math.cos, 2.0, -math.sin(2.0), 1e-1, 1e-5, 1e-2, 1e-8),
    best_of("1 / (1 + x²)", lambda x: 1 / (1 + x * x), 0.5, -0.64, 1e-6, 1e-15, 0.5),
    gradient_of("x0 · x1²", lambda x: float(x[0] * x[1] ** 2), 0.5, 3.0, 2.0),
    gradient_of("5 · x0", lambda x: float(5 * x[0]), 0.5, 2.0),
    gradient_of("x0 · x1 + x2", lambda x: float(x[0] * x[1] + x[2]), 0.5, 2.0, -3.0, 6.5),
    gradient_of("x0 + x0 · x1, whatever x2 is", lambda x: float(x[0] + x[0] * x[1]), 0.1, 1.0, 1.0, 1.0),
    gradient_of("the product of all elements", product, 0.1, 1.0, 2.0, -1.0, 0.5, 3.0),
    gradient_of("tanh(x0 · x1 + x2)", lambda x: float(np.tanh(x[0] * x[1] + x[2])), 1e-3, 2.0, -3.0, 6.5),
    finer("x³", lambda x: x**3, x=2.0, h=1.0),
    finer("x⁵", lambda x: x**5, x=1.0, h=1.0),
    finer("sin x, in radians", math.sin, x=1.0, h=0.2),
    along("x0 · x1", lambda x: float(x[0] * x[1]), [3.0, 2.0], [1.0, 0.0], 0.5),
    along("x0 · x1", lambda x: float(x[0] * x[1]), [3.0, 2.0], [1.0, -2.0], 0.5),
    along("the product of all elements", product, [1.0, 2.0, -1.0], [0.3, -0.1, 2.0], 0.1),
)  # fmt: skip


def errors(difference):
    """Return the absolute error of difference(sin, 1, h) for each step in POWERS, or NaN where the
    difference is not finite.
    """
    result = []
    for power in POWERS:
        with np.errstate(all="ignore"):
            result.append(abs(float(difference(math.sin, 1.0, 10.0**-power)) - math.cos(1.0)))
    return np.where(np.isfinite(result), result, np.nan)


def chart(curves):
    """Return an SVG plot of errors against steps, with logarithmic axes. `curves` is a list of
    (name, colour, dashes, errors).
    """
    left, top, width, height, low = 62, 16, 500, 330, -14

    def x(power):
        return left + (power - 1) / 15 * width

    def y(error):
        return top + height * min(max(math.log10(max(error, 1e-30)), low), 0) / low

    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 580 400" font-family="sans-serif" '
        'font-size="15">',
        '<rect width="580" height="400" fill="white"/>',
    ]
    for power in range(1, 17, 2):
        parts.append(f'<path d="M{x(power):.0f} {top}v{height}" stroke="#e3e3e3"/>')
        parts.append(
            f'<text x="{x(power):.0f}" y="{top + height + 20}" '
            f'text-anchor="middle">1e-{power}</text>'
        )
    for power in range(0, 15, 2):
        parts.append(f'<path d="M{left} {y(10.0**-power):.0f}h{width}" stroke="#e3e3e3"/>')
        text = f"1e-{power}" if power else "1"
        parts.append(
            f'<text x="{left - 8}" y="{y(10.0**-power) + 5:.0f}" text-anchor="end">{text}</text>'
        )
    parts.append(
        f'<text x="{left + width / 2}" y="392" text-anchor="middle">step h (smaller to '
        "the right)</text>"
    )
    parts.append(
        f'<text transform="translate(14 {top + height / 2}) rotate(-90)" '
        'text-anchor="middle">error</text>'
    )
    for place, (name, colour, dashes, sizes) in enumerate(curves):
        points = " ".join(
            f"{x(power):.1f},{y(size):.1f}"
            for power, size in zip(POWERS, sizes, strict=True)
            if not math.isnan(size)
        )
        line = f'fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"'
        parts.append(f'<polyline points="{points}" {line}/>')
        parts.append(f'<path d="M250 {34 + 26 * place}h30" {line}/>')
        parts.append(f'<text x="290" y="{39 + 26 * place}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>"])


def page(file, path, failed):
    """Plot the errors of the learner's central difference and of a correct one."""
    svg = chart(
        [
            ("expected", "#9a9a9a", "2 3", errors(central)),
            ("yours", "#1d5fc0", "", errors(file.central_difference)),
        ]
    )
    Path(path).write_text(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><link rel="icon" href="data:,">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>Slopes: the V</title>'
        "<style>body{font:16px/1.5 sans-serif;max-width:46em;margin:1.5em auto;padding:0 "
        "1em;color:#1c1c22;background:#faf9f6}svg{width:100%;height:auto;border:1px solid "
        "#ddd;border-radius:8px}@media(prefers-color-scheme:dark){body{color:#eee;background:#18181b}}</style></head><body><main>"
        "<h1>How wrong is a measured slope?</h1><p>The plot shows the error of your "
        f"central_difference for the slope of sin x at 1, with {len(POWERS)} steps h. The true "
        "slope is cos 1. Both axes are logarithmic, and grid lines are a factor of 100 apart.</p>"
        f"{svg}<p>Where the curve falls, the step is too large, and the function bends between the two "
        "points. Where the curve rises and is ragged, the step is too small, and rounding "
        "dominates.</p></main></body></html>",
        encoding="utf-8",
    )
