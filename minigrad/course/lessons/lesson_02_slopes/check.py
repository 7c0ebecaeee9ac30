"""Questions of lesson 2, and its page, which plots the learner's error against the step."""

import math
from html import escape
from pathlib import Path

import numpy as np

from minigrad.course.lesson import Question

POWERS = np.arange(1, 15.6, 0.1)  # steps h from 1e-1 to 1e-15.5


def slope_of(name, f, x, h):
    return Question(
        f"central_difference(f, {x:g}, {h:g}) for f(x) = {name}",
        "central_difference",
        lambda file: file.central_difference(f, x, h),
        formula="(f(x + h) - f(x - h)) / 2h",
    )


def best_of(name, f, x, slope, hs):
    def error(h):
        return abs((f(x + h) - f(x - h)) / (2 * h) - slope)

    def compare(answer, right):
        if isinstance(answer, (int, float, np.number)) and float(answer) == float(right):
            return None
        if not isinstance(answer, (int, float, np.number)) or float(answer) not in hs:
            return f"return one of the steps {hs}; your answer is {answer!r}"
        return (
            f"with your h = {float(answer):g} the measured slope is off by {error(answer):.1e}; "
            f"with another h in {hs} it is off by only {min(map(error, hs)):.0e}"
        )

    return Question(
        f"best_h(f, {x:g}, ...) for f(x) = {name} and the steps {hs}",
        "best_h",
        lambda file: file.best_h(f, x, slope, list(hs)),
        tolerance=0.0,  # the answer must be exactly one of the steps
        formula="the h in hs with the smallest |central_difference(f, x, h) - slope|",
        compare=compare,
    )


def gradient_of(name, f, x, h):
    return Question(
        f"numeric_gradient(f, {list(x)}, {h:g}) for f(x) = {name}",
        "numeric_gradient",
        lambda file: np.asarray(file.numeric_gradient(f, np.array(x), h)),
        formula="for each i: (f(x + nudge) - f(x - nudge)) / 2h, where nudge is h in element i and "
        "0 elsewhere",
    )


def left_alone(file):
    x = np.array([0.5, -1.0, 2.0, 0.25])
    file.numeric_gradient(lambda x: float((x * x).sum()), x, 0.1)
    return x


QUESTIONS = (
    slope_of("x²", lambda x: x * x, 3.0, 0.5),
    slope_of("x³", lambda x: x**3, 2.0, 0.1),
    slope_of("|x|", abs, 0.25, 0.5),
    slope_of("sin x", math.sin, 1.0, 0.01),
    slope_of("1/x", lambda x: 1 / x, 0.5, 1e-3),
    best_of("sin x", math.sin, 1.0, math.cos(1.0), [1.0, 1e-5, 1e-15, 1e-9, 1e-12]),
    best_of("eˣ", math.exp, 1.0, math.e, [1e-14, 1e-12, 1e-1, 1e-3]),
    best_of("cos x", math.cos, 2.0, -math.sin(2.0), [1e-1, 1e-4, 1e-2, 1e-13]),
    best_of("1 / (1 + x²)", lambda x: 1 / (1 + x * x), 0.5, -0.64, [1e-13, 0.5, 1e-15, 1e-6]),
    gradient_of("x0 · x1²", lambda x: float(x[0] * x[1] ** 2), [3.0, 2.0], 0.5),
    gradient_of(
        "tanh(x0 · x1 + x2)", lambda x: float(np.tanh(x[0] * x[1] + x[2])), [2.0, -3.0, 6.5], 0.1
    ),
    gradient_of(
        "x0 · x1 · x2 · x3 · x4", lambda x: float(np.prod(x)), [1.0, 2.0, -1.0, 0.5, 3.0], 0.1
    ),
    Question(
        "x = [0.5, -1, 2, 0.25] after a call to numeric_gradient",
        "numeric_gradient",
        left_alone,
        formula="work on a copy of x",
    ),
)


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


def central(f, x, h):
    return (f(x + h) - f(x - h)) / (2 * h)


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
