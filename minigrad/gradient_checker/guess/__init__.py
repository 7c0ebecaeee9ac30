"""Recognize common mistakes in backward rules from the wrong gradients that they cause.

- evidence.py measures the true gradient where the rule's gradient is wrong.
- factors.py: dz is multiplied by the wrong factor, such as a constant or a wrong local derivative.
  expressions.py is a table of local derivatives.
- sums.py: a sum is missing or over the wrong elements, as in broadcasting, softmax or normalization.
- places.py: right numbers are in the wrong places, as in a transposed matrix.
- sentences.py describes the mistakes.

Each test yields the gradients that a rule with a certain mistake would return. A mistake must
explain the rule's gradient at several points, because different mistakes may give the same gradient
at a single point. For example, at x = 1, a rule with the factor 1 - x² looks like a rule that
returns zeros.
"""

from contextlib import suppress
from typing import Any

import numpy as np

from ..mistake import Mistake
from ..rules import NodeCheck
from .evidence import Evidence, same
from .factors import (
    constant,
    factor,
    local_factor,
    lost_part,
    product_rule,
    right_factors,
    upstream,
    wrong_factor,
)
from .places import misplaced, partly, permuted, reordered, swapped, transposed, wrong_shape
from .sentences import describe
from .sums import assigned, coupling, labels, normalisation, summed

TESTS = (
    factor,
    upstream,
    assigned,
    summed,
    coupling,
    normalisation,
    labels,
    transposed,
    swapped,
    permuted,
    product_rule,
    local_factor,
    constant,
    reordered,
    lost_part,
    partly,
    misplaced,
    wrong_factor,
    wrong_shape,
)
"""Mistakes that can be identified exactly are tested before mistakes that may match by chance."""

NEED_ALL_ELEMENTS = {
    coupling,
    normalisation,
    labels,
    transposed,
    swapped,
    permuted,
    product_rule,
    reordered,
    misplaced,
}
"""The tests that cannot be applied to a sample of an input's elements."""

CLOSER = {
    "half of the product rule": {"factor"},
    "wrong local derivative": {"factor", "inner derivative missing", "term missing"},
}
"""For each kind, the more specific kinds that replace it if they also explain the gradient. The kind
is not replaced if the right local derivative is known and has no constant factor."""


def recognise(check: NodeCheck, slip: Mistake) -> None:
    """Set the slip's kind and sentence to those of the first mistake that explains it at every
    point.

    A small gate is tried at two other points, and a large gate at one.
    """
    position = slip.input
    if slip.kind != "unrecognised" or position is None:
        return
    points = [Evidence(check, position, slip.index)]
    small = check.arrays[position].size * check.output.size < 10_000
    for _ in range(2 if small else 1):
        with suppress(Exception):  # the gate, or its rule, may reject the point
            other = NodeCheck(check.node, check.rng, check.elsewhere())
            e = Evidence(other, position, slip.index)
            if np.isfinite(e.raw).all() and not same(e.rule, e.true):
                points.append(e)
    right = ""
    with np.errstate(all="ignore"):
        guesses = _common([explanations(e) for e in points])
        # For a single number, some factor always matches, so a matching factor proves nothing.
        if len(points) == 1 and points[0].x.size == 1:
            guesses = [guess for guess in guesses if guess[0] != "factor"]
        if not guesses:
            return
        slip.kind, slip.sentence = guesses[0]
        if slip.kind in ("local derivative missing", "wrong local derivative"):
            right = next(iter(_common([right_factors(e) for e in points])), "")
            slip.sentence += (
                f"; it should be {right}"
                if right
                else "; finite differences give a different slope"
            )
    closer = [guess for guess in guesses if guess[0] in CLOSER.get(slip.kind, ())]
    if closer and (not right or " · " in right):
        slip.kind, slip.sentence = closer[0]


def explanations(e: Evidence) -> list[tuple[str, str]]:
    """Return the kind and sentence of each mistake that explains the rule's gradient."""
    return [
        describe(mistake, details)
        for test in TESTS
        if e.whole or test not in NEED_ALL_ELEMENTS
        for mistake, gradient, *details in test(e)
        if e.explained_by(gradient)
    ]


def _common(lists: list[list[Any]]) -> list[Any]:
    """Return the members of the first list that are also in all other lists."""
    return [member for member in lists[0] if all(member in other for other in lists)]
