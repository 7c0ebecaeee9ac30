"""Recognize a rule that multiplies dz by the wrong factor: a constant, dz, or an expression."""

import numpy as np

from ..numeric import STEP, signs
from .evidence import Evidence, Guesses, same
from .expressions import of_any, of_input

FACTORS = (
    "x",
    "x²",
    "x³",
    "tanh(x)",
    "σ(x)",
    "ln(x)",
    "sin(x)",
    "cos(x)",
    "√(x)",
    "exp(x)",
)
"""Expressions of an input that often occur as the factor u of a product u v."""

LOST_CONSTANTS = {
    "": 1.0,
    "-": -1.0,
    "2 · ": 2.0,
    "3 · ": 3.0,
}
"""Constant factors of an expression that a rule lacks."""


def factor(e: Evidence) -> Guesses:
    """Recognize zeros, or a common wrong factor: -1, 2, or the number of examples."""
    true = e.true
    yield "all zero", not e.raw.any()
    yield "not finite", not np.isfinite(e.raw).all()
    yield "sign", -true
    for sign, c in {"": 1.0, "-": -1.0}.items():
        yield "factor 2", c * 2 * true, f"{sign}2"
        yield "factor 2", c / 2 * true, f"{sign}1/2"
        for size, description in _sizes(e).items():
            yield "batch size", c * size * true, f"{sign}{size}", description
            yield "batch size/divided", c / size * true, f"{sign}1/{size}", description


def _sizes(e: Evidence) -> dict[int, str]:
    """Return the sizes that a mean may have divided by, or should have divided by.

    Each size maps to the first matching description.
    """
    sizes: dict[int, str] = {}
    for number, array in enumerate([e.z, *e.arrays]):
        name = f"input {number - 1}" if number else "the output"
        for axis, size in enumerate(array.shape):
            sizes.setdefault(size, f"the size of axis {axis} of {name}")
        sizes.setdefault(array.size, f"the number of elements of {name}")
    ratio = e.x.size // max(e.z.size, 1)
    sizes.setdefault(ratio, "the number of input elements per output element")
    return {size: description for size, description in sizes.items() if size > 2}


def constant(e: Evidence) -> Guesses:
    """Recognize a rule that has any other constant factor."""
    true = e.true
    ratio = np.vdot(true, e.rule) / np.vdot(true, true)
    yield "factor", ratio * true, ratio


def upstream(e: Evidence) -> Guesses:
    """Recognize a rule that does not multiply by dz exactly once, as the chain rule requires."""
    rule = e.rule
    if not e.fitting or same(rule, 0 * rule):
        return
    doubled = e.rule_of(2 * e.dz)
    yield "upstream gradient forgotten", same(doubled, rule)
    yield "upstream gradient squared", same(doubled, 4 * rule)
    if e.alike:
        dz = e.pick(e.dz)
        added = same(doubled - rule, dz)
        yield "upstream gradient added", added and not same(rule, dz)


def local_factor(e: Evidence) -> Guesses:
    """Recognize an elementwise gate's rule that multiplies dz by the wrong expression."""
    for text, gradient in e.local_derivatives():
        if text == "1":
            yield "local derivative missing", gradient
        else:
            yield "wrong local derivative", gradient, text


def right_factors(e: Evidence) -> list[str]:
    """Return the expressions that are right local derivatives."""
    return [text for text, gradient in e.local_derivatives() if same(gradient, e.true)]


def lost_part(e: Evidence) -> Guesses:
    """Recognize an elementwise gate's rule that lacks a factor or a term."""
    if not e.alike:
        return
    for text, value, product in e.products:
        for sign, c in LOST_CONSTANTS.items():
            part = f"{sign}({text})"
            completed = c * e.rule * e.pick(value)
            yield "inner derivative missing", same(completed, e.true), part
            yield "term missing", e.true - c * product, part


def product_rule(e: Evidence) -> Guesses:
    """Recognize a rule for z = u(x) v(x) that has only one of the terms u' v and u v'."""
    if not e.alike or len(e.arrays) > 1:
        return
    x = e.x
    here, ahead, behind = [
        of_any("x", point) | of_input("x", point) for point in (x, x + STEP, x - STEP)
    ]
    for u in FACTORS:
        change = ahead[u] - behind[u]
        half = e.dz * change / (2 * STEP) * e.z / here[u]
        halves = {"u' v": half, "u v'": e.true - half}
        if u == "exp(x)":  # u' v is dz · z, which other wrong rules also return
            del halves["u' v"]
        for term, half in halves.items():
            if half.any() and not same(half, e.true):
                yield "half of the product rule", half, u, term


def wrong_factor(e: Evidence) -> Guesses:
    """Recognize an elementwise gate's rule that multiplies dz by any other wrong factor."""
    elementwise = not e.whole or e.unreduced is not None
    if e.alike and elementwise and e.rule.any():
        weights = signs(e.check.rng, e.dz.shape)
        weighted = e.rule * e.pick(weights)
        yield (
            "wrong local derivative",
            same(e.rule_of(weights * e.dz), weighted),
            "the wrong factor",
        )
