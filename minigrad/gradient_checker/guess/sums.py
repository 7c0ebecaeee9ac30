"""Recognize sums over the wrong elements, and effects of elements on each other that are omitted."""

from functools import partial
from itertools import combinations

import numpy as np

from ...graph import Array
from .evidence import Evidence, Guesses, same


def assigned(e: Evidence) -> Guesses:
    """Recognize a rule that counts only one of several uses of an element.

    This mistake is visible only if some elements of the input are used more often than others.
    """
    uses = e.used.sum(axis=1)
    if np.ptp(uses) == 0:
        return
    shares = e.shares.reshape(e.used.shape)
    for step in (-1, 1):  # the last use, then the first
        used = e.used[:, ::step]
        first = used.argmax(axis=1, keepdims=True)
        one = np.take_along_axis(shares[:, ::step], first, axis=1)
        yield "= where += belongs", one.reshape(e.true.shape)


def summed(e: Evidence) -> Guesses:
    """Recognize a rule that sums a repeated input's gradient over the wrong axes, or no axes."""
    numbers = range(e.z.ndim)
    choices: list[tuple[int, ...]] = []
    for count in range(1, 5):
        choices.extend(combinations(numbers, count))
    for axes in choices:
        if all(e.z.shape[axis] <= 1 for axis in axes):
            continue
        mistake = "sum over the batch missing" if 0 in axes else "sum missing"
        for which, index in {"first": 0, "last": -1}.items():
            key = [index if axis in axes else slice(None) for axis in numbers]
            kept = e.shares[..., *key]
            kept = kept.reshape(*e.true.shape, -1)
            yield mistake, kept.sum(-1), _listed(axes), which
    whole = e.unreduced
    if whole is None or e.x.shape == e.z.shape:
        return
    yield "sum over the batch missing/no sum", whole
    true = np.squeeze(e.true)
    raw = np.squeeze(e.raw)
    sums = {axes: np.squeeze(whole.sum(axes)) for axes in choices}
    right = next((axes for axes in choices if same(sums[axes], true)), ())
    for axes in choices:
        if axes != right and same(sums[axes], raw):
            yield (
                "sum over the wrong axis",
                True,
                _listed(axes),
                _listed(right),
            )


def _listed(axes: tuple[int, ...]) -> str:
    return " and ".join(map(str, axes)) or "none"


def coupling(e: Evidence) -> Guesses:
    """Recognize a rule that omits an element's effect on the others, or sums over the wrong axis."""
    x = e.x
    z = e.z
    dz = e.dz
    if not e.alike or x.size < 2:
        return
    jacobian = e.shares.reshape(x.size, x.size)
    diagonal = np.diagonal(jacobian)
    yield "coupling missing", diagonal.reshape(x.shape)
    # softmax: z (dz - Σ dz z). Log softmax: dz - e^z Σ dz.
    for scale, weight in ((z, 1.0), (1.0, np.exp(z))):
        right = _constant_axes((dz - e.true / scale) / weight)
        found = _constant_axes((dz - e.rule / scale) / weight)
        if right and scale is z:
            yield "coupling missing/denominator", dz * z
        if not right or not found or right == found:
            continue
        if not same(e.rule, dz * scale):
            yield (
                "sum over the wrong axis/in forward",
                True,
                _listed(found),
                _listed(right),
            )


def normalisation(e: Evidence) -> Guesses:
    """Recognize a rule for (x - mean) / deviation that treats one or both as constants."""
    x = e.x
    true = e.true
    for axis in [*range(x.ndim), None]:  # None: over all axes
        total = partial(
            np.sum,
            axis=axis,
            keepdims=True,
        )
        moved = np.abs(total(true)).max()  # the effect of shifting x; for this gate, it is 0
        allowed = 1e-6 * np.abs(true).max() + 1e-9
        if moved > allowed or x.size < 4 * total(x).size:
            continue
        where = "" if axis is None else f" over axis {axis}"
        rest = e.rule - true
        centred = x - x.mean(axis, keepdims=True)
        scaled = centred * total(rest * centred)
        scaled = scaled / total(centred**2)
        yield "mean term missing", _is_constant(rest, axis), where
        yield "deviation term missing", same(rest, scaled), where
        yield "mean and deviation terms missing", _is_constant(rest - scaled, axis), where


def _is_constant(array: Array, axis: int | None) -> bool:
    """Return whether an array does not change along an axis."""
    if not np.isfinite(array).all():
        return False
    change = np.ptp(array, axis=axis).max()
    size = np.abs(array).max()
    allowed = 1e-6 * size + 1e-8
    return bool(change <= allowed)


def _constant_axes(array: Array) -> tuple[int, ...]:
    axes = []
    for axis, size in enumerate(array.shape):
        if size > 1 and _is_constant(array, axis):
            axes.append(axis)
    return tuple(axes)


def labels(e: Evidence) -> Guesses:
    """Recognize a cross entropy's rule that does not subtract 1 at the label, or adds 1 instead."""
    if not e.x.ndim:
        return
    *shape, count = e.x.shape
    exponential = np.exp(e.x)
    softmax = exponential / exponential.sum(-1, keepdims=True)
    for ids in e.arrays:
        if ids.dtype.kind not in "iu" or ids.shape != tuple(shape):
            continue
        at_label = ids[..., None] == np.arange(count)
        # The 1 is scaled by the example's weight.
        one = np.where(at_label, e.true / (softmax - 1), 0.0)
        yield "label not subtracted", e.true + one
        yield "label added", e.true + 2 * one
