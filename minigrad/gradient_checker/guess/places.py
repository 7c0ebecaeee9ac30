"""Recognize right numbers in the wrong places: at another index, axis, input or side of a product."""

from itertools import permutations

import numpy as np

from ...graph import Array
from .evidence import Evidence, Guesses, same


def transposed(e: Evidence) -> Guesses:
    """Recognize a rule that transposes a matrix wrongly, or multiplies in the wrong order."""
    if e.true.ndim >= 2:
        yield "transposed", e.true.swapaxes(-1, -2)
    matrix = np.atleast_2d(e.dz)
    turned = matrix.swapaxes(-1, -2)
    if turned.shape == e.dz.shape:
        yield "transposed/dz", e.with_dz(turned)
    for number, matrix in enumerate(e.arrays):
        if matrix.ndim < 2 or matrix.dtype.kind != "f":
            continue
        turned = matrix.swapaxes(-1, -2)
        if number != e.position and turned.shape == matrix.shape:
            arrays = list(e.arrays)
            arrays[number] = turned
            gradient = e.true_of(e.position, arrays)
            yield "transposed/input", gradient, number
        if matrix.ndim == e.dz.ndim == 2:
            yield from _products(e, matrix)


def _products(e: Evidence, matrix: Array) -> Guesses:
    """Yield the products of dz and a matrix, each of which may be transposed."""
    products = []
    for a, b in permutations((e.dz, e.dz.T, matrix, matrix.T), 2):
        if a.shape[1] == b.shape[0]:
            products.append(a @ b)
    for one in products:
        if matrix is e.x:
            others = [two for two in products if two.shape == one.shape]
            if any(same(one + two, e.true) for two in others):
                yield "half of the product rule/matrix", one
        yield "factors in the wrong order", one


def swapped(e: Evidence) -> Guesses:
    """Recognize a rule that swaps the gradients of two inputs."""
    if e.raw.size > 4096:
        return
    for other in e.check.positions:
        shape = e.arrays[other].shape
        if other == e.position or shape != e.raw.shape:
            continue
        theirs = e.true_of(other, e.arrays)
        if e.fitting:
            gradients = e.check.rule(e.dz)
            if same(gradients[other], theirs):
                continue
        first, second = sorted((e.position, other))
        yield "swapped", theirs, first, second


def reordered(e: Evidence) -> Guesses:
    """Recognize a rule that splits dz as if the inputs were in a different order.

    Either two inputs are exchanged, or the order of all inputs is reversed.
    """
    numbers = list(range(len(e.arrays)))
    orders = [numbers[::-1]]
    for other in numbers:
        order = numbers.copy()
        order[e.position] = other
        order[other] = e.position
        orders.append(order)
    for order in orders:
        position = order[e.position]
        if position != e.position:
            arrays = [e.arrays[number] for number in order]
            yield "swapped/inputs", e.true_of(position, arrays)


def permuted(e: Evidence) -> Guesses:
    """Recognize a rule that returns the right numbers in the wrong order, or reverses an axis."""
    if e.true.size > 1:
        rule = np.sort(e.rule, axis=None)
        true = np.sort(e.true, axis=None)
        yield "misplaced", same(rule, true)
    if e.alike:
        for axis in range(e.dz.ndim):
            turned = e.with_dz(np.flip(e.dz, axis))
            yield "misplaced/direction", np.flip(turned, axis), axis


def misplaced(e: Evidence) -> Guesses:
    """Recognize a rule that passes on the wrong elements of dz."""
    sent = np.append(e.dz, 0.0)
    if 1 < e.true.size < 1e6 / sent.size:
        both = np.append(e.rule, e.true)
        distances = np.abs(both[:, None] - sent)
        gaps = distances.min(axis=1)
        yield "misplaced/dz", gaps.max() < 1e-7


def partly(e: Evidence) -> Guesses:
    """Recognize a rule whose only mistake is that some elements are wrongly zero or nonzero."""
    alike = np.isclose(
        e.rule,
        e.true,
        rtol=1e-6,
        atol=1e-6,
        equal_nan=True,
    )
    if alike.any() and not alike.all():
        rule = e.rule[~alike]
        true = e.true[~alike]
        yield "partly zero", not rule.any()
        yield "mask missing", np.abs(true).max() < 1e-6


def wrong_shape(e: Evidence) -> Guesses:
    """Recognize a gradient that does not have its input's shape."""
    if not e.fitting:
        yield "wrong shape", True, e.raw.shape, e.x.shape
