"""Recognize common mistakes in backward rules from the wrong gradients that they cause.

Each function below yields the gradients that a rule with a certain mistake would return. A mistake
must explain the rule's gradient at several points, because different mistakes may give the same
gradient at a single point. For example, at x = 1, a rule with the factor 1 - x² looks like a rule
that returns zeros. Mistakes that can be identified exactly are tried before mistakes that may match
by chance.
"""

from collections.abc import Iterator, Sequence
from copy import copy
from functools import cached_property, partial
from itertools import combinations, permutations
from typing import Any

import numpy as np

from ..gradients import unbroadcast
from ..graph import Array
from .numeric import STEP, index_of, signs
from .rules import NodeCheck, RuleError
from .slip import Slip

Guess = tuple[str, str, Array | bool]
"""A possible mistake: its kind, a sentence, and the gradient that a rule with this mistake returns.
The third item may also be a bool, which is True if the rule has this mistake."""
Guesses = Iterator[Guess]

MOST_NUMBERS = 4_000_000
"""The maximum number of slopes to measure, one for each pair of an input element and an output
element. For a larger input, only a sample of its elements is measured.
"""

LOCAL, WRONG, INNER = (
    "local derivative missing",
    "wrong local derivative",
    "inner derivative missing",
)
HALF, WRONG_AXIS, MISPLACED = "half of the product rule", "sum over the wrong axis", "misplaced"

CLOSER = {HALF: ("factor",), WRONG: ("factor", INNER, "term missing")}
"""For each kind, the more specific kinds that replace it if they also explain the gradient. The kind
is not replaced if the right local derivative is known and has no constant factor."""


class Evidence:
    """A rule's wrong gradient at one point, for a random `dz`.

    - `rule`: the gradient that the gate's rule returns.
    - `true`: the gradient from finite differences.
    - `shares`: the terms of `true`. `shares[i]` contains the contribution of each output element to
      element i.
    - `whole`: False if the input is too large. Then `rule` and `true` are one-dimensional and
      contain a sample of its elements.
    - `raw`: the same as `rule`, unless the rule's gradient does not have the input's shape. Then
      `raw` is the rule's gradient, and `rule` is filled with NaN.
    """

    def __init__(self, check: NodeCheck, position: int, index: tuple[int, ...]) -> None:
        self.check = check
        self.position = position
        self.arrays = check.arrays
        self.z = check.output
        self.dz = check.dz
        self.x = self.arrays[position]
        try:
            rule = raw = check.rule(check.dz)[position]
        except RuleError as error:
            if error.raw is None:
                raise
            rule, raw = np.full(self.x.shape, np.nan), error.raw
        room = min(max(MOST_NUMBERS // max(self.z.size, 1), 16), 4096)
        self.whole = self.x.size <= room
        self.numbers = np.arange(self.x.size).reshape(self.x.shape)
        if not self.whole:
            largest = np.argsort(-np.abs(rule), axis=None)[: min(room, 64) - 1]
            self.numbers = np.append(self.numbers[index], largest)
        self.fitting = raw is rule
        self.rule = self.pick(rule)
        self.raw = self.rule if self.fitting else raw
        self.alike = self.fitting and self.x.shape == self.z.shape
        self.slopes = measure(check, position, self.numbers)
        self.shares = self.slopes * self.dz
        self.true = self.with_dz(self.dz)

    def pick(self, gradient: Array) -> Array:
        """Select the elements to compare from a gradient with the input's shape."""
        return np.asarray(gradient.reshape(-1)[self.numbers])

    def rule_of(self, dz: Array) -> Array:
        """Return the rule's gradient for a different upstream gradient."""
        return self.pick(self.check.rule(dz)[self.position])

    def with_dz(self, dz: Array) -> Array:
        """Return the true gradient for a different upstream gradient."""
        return np.asarray(np.tensordot(self.slopes, dz, dz.ndim))

    def true_of(self, position: int, arrays: Sequence[Array] | None = None) -> Array:
        """Return the true gradient of a whole input, at this point or at `arrays`."""
        check = copy(self.check)
        check.arrays = tuple(arrays or self.arrays)
        x = check.arrays[position]
        slopes = measure(check, position, np.arange(x.size).reshape(x.shape))
        return np.asarray(np.tensordot(slopes, self.dz, self.dz.ndim))

    def explained_by(self, guess: Guess) -> bool:
        """Return whether a rule with this mistake returns the same gradient as the gate's rule."""
        gradient = guess[2]
        if isinstance(gradient, (bool, np.bool_)):
            return bool(gradient)
        return same(self.raw, gradient)

    def explanations(self) -> list[tuple[str, str]]:
        """Return the kind and sentence of each mistake that explains the rule's gradient."""
        tests = TESTS if self.whole else TESTS_OF_A_SAMPLE
        return [guess[:2] for test in tests for guess in test(self) if self.explained_by(guess)]

    @cached_property
    def used(self) -> Array:
        """A mask of shape (elements, outputs) that marks the outputs each input element affects."""
        shares = np.abs(self.shares.reshape(self.numbers.size, -1))
        return np.asarray(shares > 1e-9 * max(shares.max(initial=0.0), 1e-9))

    @cached_property
    def unreduced(self) -> Array | None:
        """The gradient of a broadcast input before summation.

        None if an output element depends on several input elements.
        """
        if not self.whole or (self.used.sum(axis=0) > 1).any():
            return None
        return np.asarray(self.shares.reshape(-1, *self.z.shape).sum(axis=0))

    @cached_property
    def products(self) -> list[tuple[str, Array, Array]]:
        """Possible local derivatives: (expression, its value, the gradient with that factor).

        The gradient is dz times the value, summed to the input's shape.
        """
        try:
            shape = np.broadcast_shapes(self.z.shape, *(array.shape for array in self.arrays))
        except ValueError:  # inputs that do not broadcast, as in a matrix product
            return []
        floats = all(array.dtype.kind == "f" for array in self.arrays)
        if not floats or self.z.size > 1 and shape != self.z.shape:
            return []
        found = []
        for text, value in expressions(self.arrays, self.z):
            whole = np.broadcast_to(value, shape)
            gradient = np.asarray(unbroadcast(whole * self.dz, self.x.shape))
            found.append((text, whole, self.pick(gradient)))
        return found

    def local_derivatives(self) -> Iterator[tuple[str, Array]]:
        """Yield expressions with various constant factors, and the resulting gradients."""
        constants = {"-": -1.0, "2 · ": 2.0, "½ · ": 0.5, "3 · ": 3.0, "-2 · ": -2.0}
        if self.z.size == 1 < self.x.size:
            constants |= {f"{n}/{self.x.size} · ": n / self.x.size for n in (1, 2)}
        for text, _, product in self.products:
            yield text, product
            yield from ((f"{sign}({text})", c * product) for sign, c in constants.items())


def measure(check: NodeCheck, position: int, numbers: Array) -> Array:
    """Measure d(output)/d(element) for the elements `numbers` of the input at `position`.

    The result has shape (*numbers.shape, *z.shape).
    """
    shape = check.arrays[position].shape
    lines = [check.element(position, index_of(number, shape)) for number in numbers.flat]
    with np.errstate(all="ignore"):
        slopes = [(line(STEP) - line(-STEP)) / (2 * STEP) for line in lines]
    whole = np.reshape(slopes, (*numbers.shape, *check.output.shape))
    return np.nan_to_num(whole, posinf=0.0, neginf=0.0)


def same(a: Array, b: Array) -> bool:
    """Return whether two arrays are equal up to the error of finite differences."""
    if a.shape != b.shape:
        return False
    size = max(np.abs(a).max(initial=0.0), np.abs(b).max(initial=0.0))
    return bool(np.abs(a - b).max(initial=0.0) <= 1e-6 * size + 1e-9 < np.inf)


def recognise(check: NodeCheck, slip: Slip) -> None:
    """Set the slip's kind and sentence to the first mistake that explains it at every point."""
    if slip.kind != "unrecognised" or slip.input is None:
        return
    points = [Evidence(check, slip.input, slip.index), *_elsewhere(check, slip, slip.input)]
    right = ""
    with np.errstate(all="ignore"):
        guesses = _common([e.explanations() for e in points])
        # For a single number, some factor always matches, so a matching factor proves nothing.
        if len(points) == 1 and points[0].x.size == 1:
            guesses = [guess for guess in guesses if guess[0] != "factor"]
        if not guesses:
            return
        slip.kind, slip.sentence = guesses[0]
        if slip.kind in (LOCAL, WRONG):
            rights = _common(
                [[text for text, dx in e.local_derivatives() if same(dx, e.true)] for e in points]
            )
            right = rights[0] if rights else ""
            slip.sentence += (
                f"; it should be {right}"
                if right
                else "; finite differences give a different slope"
            )
    closer = [guess for guess in guesses if guess[0] in CLOSER.get(slip.kind, ())]
    if closer and (not right or " · " in right):
        slip.kind, slip.sentence = closer[0]


def _common(lists: list[list[Any]]) -> list[Any]:
    """Return the members of the first list that are also in all other lists."""
    return [member for member in lists[0] if all(member in other for other in lists)]


def _elsewhere(check: NodeCheck, slip: Slip, position: int) -> Iterator[Evidence]:
    """Yield evidence of the same mistake at other points where the rule is also wrong.

    A small gate is tried at two other points, and a large gate at one.
    """
    for _ in range(2 if check.arrays[position].size * check.output.size < 10_000 else 1):
        try:
            e = Evidence(NodeCheck(check.node, check.rng, check.elsewhere()), position, slip.index)
        except Exception:  # the gate, or its rule, may reject the point
            continue
        right = same(e.rule, e.true) or not (e.rule.any() or e.true.any())
        if not right and np.isfinite(e.raw).all():
            yield e


# The mistakes. Each function yields a group of similar mistakes.


def factor(e: Evidence) -> Guesses:
    """Recognize zeros, or a common wrong factor: -1, 2, or the number of examples."""
    yield (
        "all zero",
        "the rule returns None or zeros, but the output depends on this input",
        not e.raw.any(),
    )
    yield "not finite", "the rule returns NaN or infinity", not np.isfinite(e.raw).all()
    yield "sign", "the gradient has the wrong sign", -e.true
    off = "the gradient is off by a factor of"
    for sign, c in (("", 1.0), ("-", -1.0)):
        for text, two in (("2", 2.0), ("1/2", 0.5)):
            text = f"{off} {sign}{text}, as when the 2 of d(x²)/dx = 2x is forgotten or used twice"
            yield "factor 2", text, c * two * e.true
        for size, what in _sizes(e).items():
            text = f"{off} {sign}{size}, {what}: a division is missing (sum instead of mean)"
            yield "batch size", text, c * size * e.true
            yield (
                "batch size",
                f"{off} {sign}1/{size}, {what}: the rule divides by this number one time too many",
                c / size * e.true,
            )


def _sizes(e: Evidence) -> dict[int, str]:
    """Return the sizes that a mean may have divided by, or should have divided by.

    Each size maps to the first matching description.
    """
    sizes: dict[int, str] = {}
    for what, array in [
        ("the output", e.z),
        *((f"input {n}", array) for n, array in enumerate(e.arrays)),
    ]:
        for axis, size in enumerate(array.shape):
            sizes.setdefault(size, f"the size of axis {axis} of {what}")
        sizes.setdefault(array.size, f"the number of elements of {what}")
    sizes.setdefault(
        e.x.size // max(e.z.size, 1), "the number of input elements per output element"
    )
    return {size: what for size, what in sizes.items() if size > 2}


def constant(e: Evidence) -> Guesses:
    """Recognize a rule that has any other constant factor."""
    ratio = np.vdot(e.true, e.rule) / np.vdot(e.true, e.true)
    yield "factor", f"the gradient is off by a factor of {ratio:.6g}", ratio * e.true


def upstream(e: Evidence) -> Guesses:
    """Recognize a rule that does not multiply by dz exactly once, as the chain rule requires."""
    if e.fitting and not same(e.rule, np.zeros_like(e.rule)):
        doubled = e.rule_of(2 * e.dz)
        text = "the rule gives the local derivative alone, without multiplying it by dz"
        yield "upstream gradient forgotten", text, same(doubled, e.rule)
        text = "the rule multiplies by dz twice; the chain rule multiplies by it once"
        yield "upstream gradient squared", text, same(doubled, 4 * e.rule)
        if e.alike and not same(e.rule, dz := e.pick(e.dz)):
            text = "the rule adds dz to the local derivative; the chain rule multiplies by it"
            yield "upstream gradient added", text, same(doubled - e.rule, dz)


def assigned(e: Evidence) -> Guesses:
    """Recognize a rule that counts only one of several uses of an element.

    This mistake is visible only if some elements of the input are used more often than others.
    """
    shares = e.shares.reshape(e.used.shape)
    if np.ptp(e.used.sum(axis=1)) > 0:
        for way in (-1, 1):  # the last use, then the first
            first = np.argmax(e.used[:, ::way], axis=1)
            one = shares[:, ::way][np.arange(len(shares)), first].reshape(e.true.shape)
            yield (
                "= where += belongs",
                "the rule uses = instead of +=, so only one of several uses of an element counts",
                one,
            )


def summed(e: Evidence) -> Guesses:
    """Recognize a rule that sums a repeated input's gradient over the wrong axes, or no axes."""
    numbers = range(e.z.ndim)
    choices = [axes for count in range(1, 5) for axes in combinations(numbers, count)]
    for axes in choices:
        for index, which in ((0, "first"), (-1, "last")):
            key = (..., *(index if axis in axes else slice(None) for axis in numbers))
            text = f"dz is not summed over axis {_listed(axes)}: only the {which} element counts"
            kind = "sum over the batch missing" if 0 in axes else "sum missing"
            if any(e.z.shape[axis] > 1 for axis in axes):
                yield kind, text, e.shares[key].reshape(*e.true.shape, -1).sum(-1)
    if (whole := e.unreduced) is None or e.x.shape == e.z.shape:
        return
    yield (
        "sum over the batch missing",
        "the gradient is not summed over the axes along which the input was repeated",
        whole,
    )
    sums = {axes: np.squeeze(whole.sum(axes)) for axes in choices}
    right = next((axes for axes, total in sums.items() if same(total, np.squeeze(e.true))), ())
    for axes, total in sums.items():
        text = f"the rule sums dz over axis {_listed(axes)}; it should be axis {_listed(right)}"
        yield WRONG_AXIS, text, axes != right and same(total, np.squeeze(e.raw))


def _listed(axes: tuple[int, ...]) -> str:
    return " and ".join(map(str, axes)) or "none"


def transposed(e: Evidence) -> Guesses:
    """Recognize a rule that transposes a matrix wrongly, or multiplies in the wrong order."""
    if e.true.ndim >= 2:
        yield "transposed", "the gradient is transposed", e.true.swapaxes(-1, -2)
    if e.dz.ndim >= 2 and e.dz.shape[-1] == e.dz.shape[-2]:
        text = "the rule uses dz transposed"
        yield "transposed", text, e.with_dz(e.dz.swapaxes(-1, -2))
    matrices = {
        n: array for n, array in enumerate(e.arrays) if array.ndim >= 2 and array.dtype.kind == "f"
    }
    for other, matrix in matrices.items():
        if other != e.position and matrix.shape[-1] == matrix.shape[-2]:
            arrays = [
                matrix.swapaxes(-1, -2) if n == other else array for n, array in enumerate(e.arrays)
            ]
            text = (
                f"the rule forgets to transpose input {other}, or transposes it when it should not"
            )
            yield "transposed", text, e.true_of(e.position, arrays)
    for matrix in matrices.values():
        if not matrix.ndim == e.dz.ndim == 2:
            continue
        pairs = permutations((e.dz, e.dz.T, matrix, matrix.T), 2)
        products = [a @ b for a, b in pairs if a.shape[1] == b.shape[0]]
        for one in products:
            if matrix is e.x and any(
                one.shape == two.shape and same(one + two, e.true) for two in products
            ):
                yield (
                    HALF,
                    "the matrix is used twice in the product, but the rule has only one term of "
                    "d(uv) = du v + u dv",
                    one,
                )
            yield (
                "factors in the wrong order",
                "the matrices are multiplied in the wrong order: AB is not BA",
                one,
            )


def coupling(e: Evidence) -> Guesses:
    """Recognize a rule that omits an element's effect on the others, or sums over the wrong axis."""
    if not e.alike or e.x.size < 2:
        return
    text = "the rule uses only the Jacobian's diagonal, without the sum over the other elements"
    yield (
        "coupling missing",
        text,
        np.diagonal(e.shares.reshape(e.x.size, e.x.size)).reshape(e.x.shape),
    )
    # softmax: z (dz - Σ dz z). Log softmax: dz - e^z Σ dz.
    for scale, weight in ((e.z, 1.0), (1.0, np.exp(e.z))):
        right = _constant_axes((e.dz - e.true / scale) / weight)
        found = _constant_axes((e.dz - e.rule / scale) / weight)
        if right and scale is e.z:
            yield (
                "coupling missing",
                "the effect of each element on the others, through the denominator, is missing",
                e.dz * e.z,
            )
        text = (
            f"the rule sums over axis {_listed(found)}, but forward sums over axis {_listed(right)}"
        )
        yield (
            WRONG_AXIS,
            text,
            bool(right and found) and right != found and not same(e.rule, e.dz * scale),
        )


def normalisation(e: Evidence) -> Guesses:
    """Recognize a rule for (x - mean) / deviation that treats one or both as constants."""
    for axis in [*range(e.x.ndim), None]:  # None: over all axes
        total = partial(np.sum, axis=axis, keepdims=True)
        moved = np.abs(total(e.true)).max()  # the effect of shifting x; for this gate, it is 0
        if e.x.size < 4 * total(e.x).size or moved > 1e-6 * np.abs(e.true).max() + 1e-9:
            continue
        rest = e.rule - e.true
        centred = e.x - e.x.mean(axis, keepdims=True)
        scaled = centred * total(rest * centred) / total(centred**2)
        where = "" if axis is None else f" over axis {axis}"
        text = f"the rule treats the mean{where} as a constant"
        yield "mean term missing", text, _is_constant(rest, axis)
        text = f"the rule treats the deviation{where} as a constant"
        yield "deviation term missing", text, same(rest, scaled)
        text = f"the rule treats the mean and the deviation{where} as constants"
        yield "mean and deviation terms missing", text, _is_constant(rest - scaled, axis)


def _is_constant(array: Array, axis: int | None) -> bool:
    """Return whether an array does not change along an axis."""
    if not np.isfinite(array).all():
        return False
    return bool(np.ptp(array, axis=axis).max() <= 1e-6 * np.abs(array).max() + 1e-8)


def _constant_axes(array: Array) -> tuple[int, ...]:
    return tuple(
        axis for axis, size in enumerate(array.shape) if size > 1 and _is_constant(array, axis)
    )


def labels(e: Evidence) -> Guesses:
    """Recognize a cross entropy's rule that does not subtract 1 at the label, or adds 1 instead."""
    for ids in e.arrays:
        if ids.dtype.kind in "iu" and e.x.ndim and ids.shape == e.x.shape[:-1]:
            at_label = ids[..., None] == np.arange(e.x.shape[-1])
            softmax = np.exp(e.x) / np.exp(e.x).sum(-1, keepdims=True)
            # The 1 is scaled by the example's weight.
            one = np.where(at_label, e.true / (softmax - 1), 0.0)
            text = (
                "the rule does not subtract 1 at the label: the gradient is softmax minus one-hot"
            )
            yield "label not subtracted", text, e.true + one
            yield (
                "label added",
                "the rule adds 1 at the label instead of subtracting it",
                e.true + 2 * one,
            )


def swapped(e: Evidence) -> Guesses:
    """Recognize a rule that swaps the gradients of two inputs."""
    for other in e.check.positions:
        if other != e.position and e.arrays[other].shape == e.raw.shape and e.raw.size <= 4096:
            theirs = e.true_of(other)
            if not (e.fitting and same(e.check.rule(e.dz)[other], theirs)):
                first, second = sorted((e.position, other))
                yield "swapped", f"the gradients of inputs {first} and {second} are swapped", theirs


def reordered(e: Evidence) -> Guesses:
    """Recognize a rule that splits dz as if the inputs were in a different order.

    Either two inputs are exchanged, or the order of all inputs is reversed.
    """
    numbers = list(range(len(e.arrays)))
    exchanged = [
        [{e.position: other, other: e.position}.get(n, n) for n in numbers] for other in numbers
    ]
    for order in [*exchanged, numbers[::-1]]:
        if order[e.position] != e.position:
            gradient = e.true_of(order.index(e.position), [e.arrays[n] for n in order])
            yield "swapped", "the rule takes the inputs in a different order than forward", gradient


def permuted(e: Evidence) -> Guesses:
    """Recognize a rule that returns the right numbers in the wrong order, or reverses an axis."""
    text = "the right numbers are in the wrong positions: an axis, an order or an offset is wrong"
    if e.true.size > 1:
        yield MISPLACED, text, same(np.sort(e.rule, axis=None), np.sort(e.true, axis=None))
    for axis in range(e.dz.ndim if e.alike else 0):
        text = f"the rule reads axis {axis} in the wrong direction"
        yield MISPLACED, text, np.flip(e.with_dz(np.flip(e.dz, axis)), axis)


def misplaced(e: Evidence) -> Guesses:
    """Recognize a rule that passes on the wrong elements of dz."""
    sent = np.append(e.dz, 0.0)
    if 1 < e.true.size < 1e6 / sent.size:
        gaps = [
            np.abs(gradient.reshape(-1, 1) - sent).min(axis=1).max()
            for gradient in (e.rule, e.true)
        ]
        yield (
            MISPLACED,
            "the rule passes on the wrong elements of dz: an axis, an order or an offset is wrong",
            max(gaps) < 1e-7,
        )


def product_rule(e: Evidence) -> Guesses:
    """Recognize a rule for z = u(x) v(x) that has only one of the terms u' v and u v'."""
    if not e.alike or len(e.arrays) > 1:
        return
    at, ahead, behind = (_of_any(x) | _of_input(x) for x in (e.x, e.x + STEP, e.x - STEP))
    for u in FACTORS:
        one = e.dz * (ahead[u] - behind[u]) / (2 * STEP) * e.z / at[u]
        halves = [("u' v", one), ("u v'", e.true - one)]
        # Skip the first half for u = e^x. It equals dz · z, which other wrong rules also return.
        for kept, half in halves[u == "exp({0})" :]:
            if half.any() and not same(half, e.true):
                text = f"for z = u v with u = {u.format('x')}, the rule has only the term {kept} of u' v + u v'"
                yield HALF, text, half


def local_factor(e: Evidence) -> Guesses:
    """Recognize an elementwise gate's rule that multiplies dz by the wrong expression."""
    for text, gradient in e.local_derivatives():
        if text == "1":
            yield (
                LOCAL,
                "the local derivative is missing, so the rule passes dz on unchanged",
                gradient,
            )
        else:
            yield WRONG, f"the rule multiplies dz by {text}", gradient


def lost_part(e: Evidence) -> Guesses:
    """Recognize an elementwise gate's rule that lacks a factor or a term."""
    for expression, value, product in e.products if e.alike else ():
        for sign, c in {"": 1.0, "-": -1.0, "2 · ": 2.0, "3 · ": 3.0}.items():
            text = f"a factor {sign}({expression}) is missing, as when the chain rule's inner derivative is forgotten"
            yield INNER, text, same(c * e.rule * e.pick(value), e.true)
            yield (
                "term missing",
                f"the term {sign}({expression}) · dz is missing",
                e.true - c * product,
            )


def partly(e: Evidence) -> Guesses:
    """Recognize a rule whose only mistake is that some elements are wrongly zero or nonzero."""
    differ = ~np.isclose(e.rule, e.true, rtol=1e-6, atol=1e-6, equal_nan=True)
    if differ.any() and not differ.all():
        text = "some elements are zero but should not be: a mask is wrong, or a use is forgotten"
        yield "partly zero", text, not e.rule[differ].any()
        text = "some elements should be zero: a mask is missing"
        yield "mask missing", text, float(np.abs(e.true[differ]).max()) < 1e-6


def elementwise(e: Evidence) -> Guesses:
    """Recognize a rule that multiplies dz by any other wrong factor, or returns the wrong shape."""
    if e.alike and e.rule.any() and not (e.whole and e.unreduced is None):
        weights = signs(e.check.rng, e.dz.shape)
        weighted = e.rule_of(weights * e.dz)
        yield (
            WRONG,
            "the rule multiplies dz by the wrong factor",
            same(weighted, e.rule * e.pick(weights)),
        )
    yield (
        "wrong shape",
        f"the gradient has shape {e.raw.shape}, but its input has shape {e.x.shape}",
        not e.fitting,
    )


TESTS = (
    factor, upstream, assigned, summed, coupling, normalisation, labels, transposed, swapped, permuted, product_rule,
    local_factor, constant, reordered, lost_part, partly, misplaced, elementwise,
)  # fmt: skip
TESTS_OF_A_SAMPLE = (
    factor,
    upstream,
    assigned,
    summed,
    local_factor,
    constant,
    lost_part,
    partly,
    elementwise,
)


# Possible local derivatives: expressions of an input or z, of an input alone, and of two inputs.
# {0} and {1} stand for the names of these arrays.


def _of_any(x: Array) -> dict[str, Array]:
    return {
        "1 - {0}²": 1 - x**2, "{0}·(1 - {0})": x * (1 - x), "{0}": x, "1 / {0}": 1 / x, "1 - {0}": 1 - x,
        "{0}²": x**2, "1 + {0}²": 1 + x**2, "1 / {0}²": 1 / x**2, "{0}·(1 + {0})": x * (1 + x),
        "(1 - {0}²)²": (1 - x**2)**2, "{0}³": x**3, "1 / (1 + {0}²)": 1 / (1 + x**2),
    }  # fmt: skip


def _of_input(x: Array) -> dict[str, Array]:
    sigmoid = 1 / (1 + np.exp(-x))
    return {
        "{0} > 0": x > 0, "{0} < 0": x < 0, "ln({0})": np.log(x), "√({0})": np.sqrt(x), "1 / √({0})": 1 / np.sqrt(x),
        "exp({0})": np.exp(x), "exp(-{0})": np.exp(-x), "sin({0})": np.sin(x), "cos({0})": np.cos(x),
        "1 / cos({0})²": 1 / np.cos(x)**2, "sign({0})": np.sign(x), "abs({0})": np.abs(x), "tanh({0})": np.tanh(x),
        "1 - tanh({0})²": 1 - np.tanh(x)**2, "σ({0})": sigmoid, "1 - σ({0})": 1 - sigmoid,
        "σ({0})·(1 - σ({0}))": sigmoid * (1 - sigmoid),
    }  # fmt: skip


def _of_two(a: Array, b: Array, z: Array) -> dict[str, Array]:
    return {
        "{1}·z / {0}": b * z / a, "z·ln({0})": z * np.log(a), "{0} / {1}": a / b,
        "{0} / {1}²": a / b**2, "{0} - {1}": a - b, "({0} - {1})²": (a - b)**2, "{0} + {1}": a + b,
        "abs({0} - {1})": np.abs(a - b), "sign({0} - {1})": np.sign(a - b), "{0} > {1}": a > b,
        "σ({0}) - {1}": 1 / (1 + np.exp(-a)) - b,
    }  # fmt: skip


FACTORS = (
    "{0}", "{0}²", "{0}³", "tanh({0})", "σ({0})", "ln({0})", "sin({0})", "cos({0})", "√({0})", "exp({0})",
)  # fmt: skip
"""Expressions of an input that often occur as the factor u of a product u v."""


def expressions(arrays: Sequence[Array], z: Array) -> list[tuple[str, Array]]:
    """Return possible local derivatives with their values.

    They are expressions of one input x or of several inputs a, b, ..., and of the output z.
    """
    names = "x" if len(arrays) == 1 else "abcdef"
    inputs = list(zip(names, arrays, strict=False))
    found = [("1", np.ones_like(z)), *_named(_of_any(z), "z")]
    for name, x in inputs:
        found += [*_named(_of_any(x), name), *_named(_of_input(x), name)]
    for name, x in inputs:
        found += [(f"z / {name}", z / x), (f"{name}·z", x * z)]
    for (m, a), (n, b) in permutations(inputs[:2], 2):
        found += _named(_of_two(a, b, z), m, n)
    return found + [(f"{m}·{n}", a * b) for (m, a), (n, b) in combinations(inputs, 2)]


def _named(table: dict[str, Array], *names: str) -> list[tuple[str, Array]]:
    return [(text.format(*names), value) for text, value in table.items()]
