"""Guesses which mistake made a gradient wrong, among those that people usually make in a backward rule.

Each guess is compared with what the rule gives. It must explain that at several points: at one alone, such as x = 1 for
a rule with 1 - x², several may. Mistakes with an exact signature come before those that may fit by chance.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import chain, combinations

import numpy as np

from ..backward import unbroadcast
from ..fast.kernels import Array
from .numeric import STEP, signs
from .rules import NodeCheck, RuleError
from .slip import Slip

Guess = tuple[str, str, Array | bool]
"""A mistake: its kind, a sentence, and the gradient that a rule with this mistake gives, or whether it is the one."""

MOST_NUMBERS = 4_000_000
"""How many slopes a guess may measure: input elements times output elements. Of a larger input it takes a sample."""


class Evidence:
    """One wrong gradient at one point, for a random `dz`: `rule` as the gate gives it, `true` as differences do.

    `shares[i]` holds what each output element contributes to element i of the true gradient; their sum is `true`. If
    the input is too large, `rule` and `true` are one-dimensional and hold a sample of it, and `whole` is False. Where
    what the rule gave does not fit the input, that is `raw`, and `rule` is NaN; otherwise both are the same.
    """

    def __init__(self, check: NodeCheck, position: int, index: tuple[int, ...]) -> None:
        self.check, self.position, self.dz = check, position, check.dz
        self.arrays, self.z, self.x = check.arrays, check.output, check.arrays[position]
        room = min(max(MOST_NUMBERS // max(self.z.size, 1), 16), 4096)
        self.whole, self.shape = self.x.size <= room, self.x.shape
        self.elements = list(np.ndindex(self.x.shape)) if self.whole else [index]
        try:
            rule = raw = check.rule(check.dz)[position]
        except RuleError as error:
            if error.raw is None:
                raise
            rule, raw = np.full(self.x.shape, np.nan), error.raw
        if not self.whole:
            likely = np.argsort(np.abs(rule), axis=None)[::-1][: min(room, 64) - 1]
            self.elements += [tuple(int(i) for i in np.unravel_index(n, rule.shape)) for n in likely]
            self.shape = (len(self.elements),)
        self.fitting, self.rule = raw is rule, self.pick(rule)
        self.raw = self.rule if self.fitting else raw
        self.alike = self.fitting and self.x.shape == self.z.shape
        self.slopes = self.measure(position, self.elements).reshape(self.shape + self.z.shape)
        self.shares = self.slopes * self.dz
        self.true = self.with_dz(self.dz)
        self.is_wrong = not self.fitting or not (same(self.rule, self.true) or not (self.rule.any() or self.true.any()))

    def pick(self, gradient: Array) -> Array:
        """The elements that are judged, of a gradient of the input's shape."""
        return gradient if self.whole else np.array([gradient[element] for element in self.elements])

    def measure(self, position: int, elements: list[tuple[int, ...]]) -> Array:
        """d(output)/d(element) for each of the elements of input number `position`: shape (len(elements), *z.shape)."""
        slopes = np.empty((len(elements), *self.z.shape))
        with np.errstate(all="ignore"):
            for number, element in enumerate(elements):
                line = self.check.element(position, element)
                slopes[number] = (line(STEP) - line(-STEP)) / (2 * STEP)
        return np.where(np.isfinite(slopes), slopes, 0.0)

    def with_dz(self, dz: Array) -> Array:
        """The true gradient for another upstream gradient."""
        return np.asarray((self.slopes * dz).reshape(*self.shape, -1).sum(axis=-1))

    def true_of(self, position: int, arrays: list[Array] | None = None) -> Array:
        """The true gradient of a whole input, here or with `arrays` as the inputs; NaN if the gate refuses them."""
        self.check.arrays = tuple(arrays or self.arrays)
        x = self.check.arrays[position]
        if self.check.forward(position, x).shape == self.z.shape:
            shares = self.measure(position, list(np.ndindex(x.shape))) * self.dz
            gradient = shares.reshape(*x.shape, -1).sum(axis=-1)
        else:
            gradient = np.full(x.shape, np.nan)
        self.check.arrays = self.arrays
        return np.asarray(gradient)

    def explained_by(self, guess: Guess) -> bool:
        gradient = guess[2]
        if isinstance(gradient, (bool, np.bool_)):
            return bool(gradient)
        if self.raw.any() or self.raw.shape != gradient.shape:
            return same(self.raw, gradient)
        return bool(np.abs(gradient).max(initial=0.0) < 1e-9)  # where the rule gives zeros, so must the mistake

    @cached_property
    def unreduced(self) -> Array | None:
        """The gradient of an input that was broadcast, before it is summed; None if an output has several sources."""
        shares = self.shares.reshape(len(self.elements), -1)
        used = np.abs(shares) > 1e-9 * max(float(np.abs(shares).max(initial=0.0)), 1e-9)
        if not self.whole or (used.sum(axis=0) > 1).any():
            return None
        return np.asarray(shares.sum(axis=0).reshape(self.z.shape))

    @cached_property
    def products(self) -> list[tuple[str, Array, Array]]:
        """What a local derivative may be, its value, and the gradient that it gives: dz times it, summed as for x."""
        if any(array.dtype.kind != "f" for array in self.arrays):
            return []
        try:
            shape = np.broadcast_shapes(self.z.shape, *(array.shape for array in self.arrays))
            if self.z.size > 1 and shape != self.z.shape:
                return []
            values = [(text, np.broadcast_to(value, shape)) for text, value in _expressions(self.arrays, self.z)]
            return [(text, v, self.pick(np.asarray(unbroadcast(v * self.dz, self.x.shape)))) for text, v in values]
        except ValueError:  # inputs that do not broadcast, as in a matrix product
            return []

    def local_derivatives(self) -> Iterator[tuple[str, Array]]:
        """Expressions with a constant before them, and the gradient that they give."""
        sizes = [(f"{n}/{self.x.size} · ", n / self.x.size) for n in (1, 2) if self.z.size == 1 < self.x.size]
        for sign, c in [("", 1), ("-", -1), ("2 · ", 2), ("½ · ", 0.5), ("3 · ", 3), ("-2 · ", -2), *sizes]:
            yield from ((f"{sign}({text})" if sign else text, c * product) for text, _, product in self.products)


def same(a: Array, b: Array) -> bool:
    """Equal up to the error of differences, and not both zero."""
    if a.shape != b.shape or not a.size:
        return False
    size = max(float(np.abs(a).max()), float(np.abs(b).max()))
    return 1e-9 < size < np.inf and float(np.abs(a - b).max()) <= 1e-6 * size + 1e-9


LOCAL, WRONG, INNER = "local derivative missing", "wrong local derivative", "inner derivative missing"
HALF, WRONG_AXIS, MISPLACED = "half of the product rule", "sum over the wrong axis", "misplaced"


def recognise(check: NodeCheck, slip: Slip) -> None:
    """Give the slip the kind and the sentence of the first mistake that explains it at every point."""
    if slip.kind != "unrecognised" or slip.input is None:
        return
    points = [Evidence(check, slip.input, slip.index), *_elsewhere(check, slip, slip.input)]
    found: list[dict[tuple[str, str], None]] = []
    with np.errstate(all="ignore"):
        for e in points:
            guesses = chain.from_iterable(test(e) for test in (TESTS if e.whole else TESTS_OF_A_SAMPLE))
            found.append({guess[:2]: None for guess in guesses if e.explained_by(guess)})
        common = [guess for guess in found[0] if all(guess in others for others in found)]
        if len(points) == 1 and points[0].x.size == 1:  # one number fits a factor, and proves nothing
            common = [guess for guess in common if guess[0] != "factor"]
        if not common:
            return
        slip.kind, slip.sentence = common[0]
        right = None
        if slip.kind in (LOCAL, WRONG):
            rights = [[text for text, gradient in e.local_derivatives() if same(gradient, e.true)] for e in points]
            right = next((text for text in rights[0] if all(text in others for others in rights)), None)
            slip.sentence += f"; it should be {right}" if right else "; differences give another slope"
    closer = {HALF: ("factor",), WRONG: ("factor", INNER, "term missing")}.get(slip.kind, ())
    if not right or " · " in right:
        slip.kind, slip.sentence = next((g for g in common if g[0] in closer), (slip.kind, slip.sentence))


def _elsewhere(check: NodeCheck, slip: Slip, position: int) -> Iterator[Evidence]:
    """The same mistake at other points, where the rule is wrong too: two for a small gate, one for a large one."""
    for _ in range(2 if check.arrays[position].size * check.output.size < 10_000 else 1):
        try:
            evidence = Evidence(NodeCheck(check.node, check.rng, check.elsewhere()), position, slip.index)
        except Exception:  # the gate, or its rule, may refuse the point
            continue
        if evidence.is_wrong and np.isfinite(evidence.raw).all() and np.isfinite(evidence.true).all():
            yield evidence


def factor(e: Evidence) -> Iterator[Guess]:
    """Zeros, or a factor with a usual cause: -1, 2, or the number of examples."""
    yield "all zero", "all zero: the rule returns None or zeros, as if this input had no effect", not e.raw.any()
    yield "not finite", "the rule gives NaN or infinity", not np.isfinite(e.raw).all()
    yield "sign", "the sign: the gradient is right except for a factor of -1", -e.true
    for sign, c in (("", 1.0), ("-", -1.0)):
        for text, two in (("2", 2.0), ("1/2", 0.5)):
            text = f"a factor of {sign}{text}, as when the 2 of d(x²)/dx = 2x is forgotten or counted twice"
            yield "factor 2", text, c * two * e.true
        for size, what in _sizes(e).items():
            text = f"a factor of {sign}{size}, {what}: not divided by it (sum instead of mean)"
            yield "batch size", text, c * size * e.true
            yield "batch size", f"a factor of {sign}1/{size}, {what}: divided by it once too often", c / size * e.true


def constant(e: Evidence) -> Iterator[Guess]:
    """Any other constant factor."""
    largest = np.unravel_index(int(np.argmax(np.abs(e.true))), e.true.shape)
    ratio = e.rule[largest] / e.true[largest]
    yield "factor", f"a constant factor of {ratio:.6g}", ratio * e.true


def upstream(e: Evidence) -> Iterator[Guess]:
    """The chain rule forgotten: the upstream gradient dz is not multiplied in, or not once."""
    if e.fitting and e.rule.any():
        doubled = e.pick(e.check.rule(2 * e.dz)[e.position])
        text = "dz is missing: the rule gives the local derivative alone"
        yield "upstream gradient forgotten", text, same(doubled, e.rule)
        text = "dz enters the rule twice: the chain rule multiplies by it once"
        yield "upstream gradient squared", text, same(doubled, 4 * e.rule)
        if e.alike and not same(e.rule, dz := e.pick(e.dz)):
            text = "dz is added to the local derivative: the chain rule multiplies by it"
            yield "upstream gradient added", text, same(doubled - e.rule, dz)


def summed(e: Evidence) -> Iterator[Guess]:
    """An input that is used several times: its gradient is summed over the wrong axes, or not at all."""
    flat = e.shares.reshape(e.true.size, -1)
    uses = (np.abs(flat) > 1e-9 * max(1e-9, float(np.abs(flat).max(initial=0.0)))).sum(axis=1)
    for picked in (flat[:, ::-1], flat) if len(set(uses.tolist())) > 1 else ():  # the last use, then the first
        one = picked[np.arange(len(flat)), np.argmax(np.abs(picked) > 1e-9, axis=1)].reshape(e.shape)
        yield "= where += belongs", "= instead of +=: where an element is used several times, one use counts", one
    some = list(chain.from_iterable(combinations(range(e.z.ndim), n) for n in range(1, min(e.z.ndim, 4) + 1)))
    for axes in some:
        for index, which in ((0, "first"), (-1, "last")):
            key = (..., *(index if axis in axes else slice(None) for axis in range(e.z.ndim)))
            text = f"the sum over axis {_listed(axes)} of dz is missing: only the {which} arrives"
            kind = "sum over the batch missing" if 0 in axes else "sum missing"
            if any(e.z.shape[axis] > 1 for axis in axes):
                yield kind, text, e.shares[key].reshape(*e.shape, -1).sum(-1)
    if (whole := e.unreduced) is None or e.x.shape == e.z.shape:
        return
    yield "sum over the batch missing", "the gradient is not summed where the input was repeated", whole
    sums = {axes: np.squeeze(whole.sum(axes)) for axes in some}
    right = next((axes for axes, total in sums.items() if same(total, np.squeeze(e.true))), ())
    for axes, total in sums.items():
        text = f"the rule sums over axis {_listed(axes)} of dz: it should be axis {_listed(right)}"
        yield WRONG_AXIS, text, axes != right and same(total, np.squeeze(e.raw))


def transposed(e: Evidence) -> Iterator[Guess]:
    """The gradient, dz or another input with its last two axes swapped; or matrices multiplied in the wrong order."""
    if e.true.ndim >= 2:
        yield "transposed", "the gradient is transposed", e.true.swapaxes(-1, -2)
    if e.dz.ndim >= 2 and e.dz.shape[-1] == e.dz.shape[-2]:
        text = "the upstream gradient enters the rule transposed"
        yield "transposed", text, e.with_dz(e.dz.swapaxes(-1, -2))
    matrices = [n for n, array in enumerate(e.arrays) if array.ndim >= 2 and array.dtype.kind == "f"]
    for other in matrices:
        if other != e.position and e.arrays[other].shape[-1] == e.arrays[other].shape[-2]:
            arrays = [array.swapaxes(-1, -2) if n == other else array for n, array in enumerate(e.arrays)]
            text = f"input {other} enters the rule untransposed (or transposed once too often)"
            yield "transposed", text, e.true_of(e.position, arrays)
    for array in (e.arrays[n] for n in matrices if e.arrays[n].ndim == e.dz.ndim == 2):
        pairs = [pair for p in (e.dz, e.dz.T) for q in (array, array.T) for pair in ((p, q), (q, p))]
        products = [p @ q for p, q in pairs if p.shape[1] == q.shape[0]]
        for one in products:
            if array is e.x and any(one.shape == two.shape and same(one + two, e.true) for two in products):
                yield HALF, "this matrix is used twice in the product, and one use counts: d(uv) = du v + u dv", one
            yield "factors in the wrong order", "the matrices are multiplied in the wrong order: AB is not BA", one


def coupling(e: Evidence) -> Iterator[Guess]:
    """The effect of one element on the others left out, or summed over the wrong axis."""
    if not e.alike or e.x.size < 2:
        return
    text = "only the Jacobian's diagonal is used: the sum over the other elements is missing"
    yield "coupling missing", text, np.diagonal(e.shares.reshape(e.x.size, e.x.size)).reshape(e.x.shape)
    for scale, weight in ((e.z, 1.0), (1.0, np.exp(e.z))):  # softmax: z (dz - Σ dz z). Log softmax: dz - e^z Σ dz.
        right, found = (_constant_axes((e.dz - gradient / scale) / weight) for gradient in (e.true, e.rule))
        if right and scale is e.z:
            yield "coupling missing", "the sum over the other elements, in the denominator, is missing", e.dz * e.z
        text = f"the rule sums over axis {_listed(found)}, and forward over axis {_listed(right)}"
        yield WRONG_AXIS, text, bool(right and found) and right != found and not same(e.rule, e.dz * scale)


def normalisation(e: Evidence) -> Iterator[Guess]:
    """(x - mean) / deviation, with the mean or the deviation taken for a constant."""
    for axis in [*range(e.x.ndim), None] if e.fitting else []:  # None: over all of them
        x, rule, true = (array.reshape(-1) if axis is None else array for array in (e.x, e.rule, e.true))
        k = axis or 0
        if x.shape[k] < 4 or np.abs(true.sum(k)).max() > 1e-6 * np.abs(true).max() + 1e-9:
            continue  # such a gradient adds up to 0 along its axis: a shift of x changes nothing
        rest, centred = rule - true, x - x.mean(k, keepdims=True)
        scaled = centred * (rest * centred).sum(k, keepdims=True) / (centred * centred).sum(k, keepdims=True)
        where = "" if axis is None else f" over axis {axis}"
        yield "mean term missing", f"the mean{where} is not subtracted", k in _constant_axes(rest)
        yield "deviation term missing", f"the deviation{where} is taken for a constant", same(rest, scaled)
        text = f"the mean and the deviation{where} are taken for constants"
        yield "mean and deviation terms missing", text, k in _constant_axes(rest - scaled)


def _constant_axes(array: Array) -> tuple[int, ...]:
    """The axes along which an array does not change."""
    if not np.isfinite(array).all():
        return ()
    allowed = 1e-6 * np.abs(array).max(initial=0.0) + 1e-8
    return tuple(k for k, size in enumerate(array.shape) if size > 1 and np.ptp(array, axis=k).max() <= allowed)


def _listed(axes: tuple[int, ...]) -> str:
    return " and ".join(map(str, axes)) or "none"


def labels(e: Evidence) -> Iterator[Guess]:
    """A cross entropy, whose gradient is softmax minus 1 at the label, without the 1 or with its sign turned."""
    for ids in e.arrays:
        classes = np.arange(e.x.shape[-1] if e.fitting and e.x.ndim else 0)
        if ids.dtype.kind in "iu" and classes.size > 1 and ids.shape == e.x.shape[:-1] and np.isin(ids, classes).all():
            at_label = ids[..., None] == classes
            softmax = np.exp(e.x - e.x.max(-1, keepdims=True))
            softmax /= softmax.sum(-1, keepdims=True)
            one = np.where(at_label, e.true / (softmax - 1), 0.0)  # what the 1 stands for: the weight of the example
            text = "the 1 at the label is not subtracted: the gradient is softmax minus one-hot"
            yield "label not subtracted", text, e.true + one
            yield "label added", "the 1 at the label is added: it should be subtracted", e.true + 2 * one


def swapped(e: Evidence) -> Iterator[Guess]:
    """Two inputs that get each other's gradient."""
    for other in e.check.positions:
        if other != e.position and e.arrays[other].shape == e.raw.shape and e.raw.size <= 4096:
            theirs = e.true_of(other)
            if not (e.fitting and same(e.check.rule(e.dz)[other], theirs)):
                first, second = sorted((e.position, other))
                yield "swapped", f"the gradients of inputs {first} and {second} are swapped", theirs


def reordered(e: Evidence) -> Iterator[Guess]:
    """Parts of dz taken as if the inputs came in another order."""
    numbers = list(range(len(e.arrays)))
    orders = [[j if n == i else i if n == j else n for n in numbers] for i, j in combinations(numbers, 2)]
    for order in [*orders, numbers[::-1]] if e.fitting and len(numbers) <= 8 else []:
        if order[e.position] != e.position:
            gradient = e.true_of(order.index(e.position), [e.arrays[n] for n in order])
            yield "swapped", "the inputs are taken in another order than forward does", gradient


def permuted(e: Evidence) -> Iterator[Guess]:
    """The same numbers in another order, or what comes from reading an axis backwards."""
    text = "the right numbers in the wrong places: an axis, an order or an offset is mixed up"
    if e.true.size > 1:
        yield MISPLACED, text, same(np.sort(e.rule, axis=None), np.sort(e.true, axis=None))
    for axis in range(e.dz.ndim if e.alike and e.whole else 0):
        text = f"axis {axis} is taken in the wrong direction"
        yield MISPLACED, text, np.flip(e.with_dz(np.flip(e.dz, axis)), axis)


def misplaced(e: Evidence) -> Iterator[Guess]:
    """Elements of dz, but the wrong ones."""
    sent = np.append(e.dz, 0.0)
    if 1 < e.true.size < 1e6 / sent.size:
        gaps = [np.abs(gradient.reshape(-1, 1) - sent).min(axis=1).max() for gradient in (e.rule, e.true)]
        yield MISPLACED, "the wrong elements of dz arrive: an axis, an order or an offset is mixed up", max(gaps) < 1e-7


def product_rule(e: Evidence) -> Iterator[Guess]:
    """z = u(x) v(x), and only one of u' v and u v' is there."""
    for u, (value, slope) in _factors(e.x).items() if e.alike and len(e.arrays) == 1 else ():
        one = e.dz * slope * e.z / value
        for half, kept in ((one, "u' v"), (e.true - one, "u v'"))[u == "exp(x)" :]:  # its own half is z: too common
            if half.any() and not same(half, e.true):
                yield HALF, f"z = u v with u = {u}: only {kept} of (u v)' = u' v + u v' is there", half


def local_factor(e: Evidence) -> Iterator[Guess]:
    """An elementwise gate that multiplies dz by the wrong expression."""
    for text, gradient in e.local_derivatives():
        if text == "1":
            yield LOCAL, "the local derivative is missing: the rule passes dz on unchanged", gradient
        else:
            yield WRONG, f"the rule multiplies dz by {text}", gradient


def lost_part(e: Evidence) -> Iterator[Guess]:
    """An elementwise gate whose rule lacks a factor or a term."""
    for expression, value, product in e.products if e.alike else ():
        for sign, c in {"": 1.0, "-": -1.0, "2 · ": 2.0, "3 · ": 3.0}.items():
            text = f"a factor {sign}({expression}) is missing, as when the chain rule's inner derivative is forgotten"
            yield INNER, text, same(c * e.rule * e.pick(value), e.true)
            yield "term missing", f"a term is missing: {sign}({expression}), times dz", e.true - c * product


def partly(e: Evidence) -> Iterator[Guess]:
    """Right except for elements that are zero, or that should be."""
    differ = np.abs(e.rule - e.true) > 1e-6 * np.maximum(1.0, np.abs(e.true))
    if differ.any() and not differ.all():
        text = "some elements are zero and should not be: a mask is off, or a use is forgotten"
        yield "partly zero", text, not e.rule[differ].any()
        text = "some elements should be zero: a mask is missing"
        yield "mask missing", text, float(np.abs(e.true[differ]).max()) < 1e-6


def elementwise(e: Evidence) -> Iterator[Guess]:
    """Any other slope: each element of the gradient is that of dz times something. And what has no other name."""
    if e.alike and e.rule.any() and not (e.whole and e.unreduced is None):
        weights = signs(e.check.rng, e.dz.shape)
        rule = e.pick(e.check.rule(weights * e.dz)[e.position])
        yield WRONG, "the rule multiplies dz by something else", same(rule, e.rule * e.pick(weights))
    yield "wrong shape", f"the gradient has shape {e.raw.shape}, and its input has {e.x.shape}", not e.fitting


TESTS = (
    factor, upstream, summed, coupling, normalisation, labels, transposed, swapped, permuted, product_rule,
    local_factor, constant, reordered, lost_part, partly, misplaced, elementwise,
)  # fmt: skip
TESTS_OF_A_SAMPLE = (factor, upstream, summed, local_factor, constant, lost_part, partly, elementwise)


def _sizes(e: Evidence) -> dict[int, str]:
    """Sizes that a mean may wrongly have divided by, or not divided by; each with its first description."""
    shapes = [("the output", e.z.shape), *[(f"input {n}", a.shape) for n, a in enumerate(e.arrays)]]
    axes = [(size, f"the size of axis {axis} of {what}") for what, shape in shapes for axis, size in enumerate(shape)]
    wholes = [(int(np.prod(shape)), f"the number of elements of {what}") for what, shape in shapes]
    share = (e.x.size // max(e.z.size, 1), "the number of elements that one output is made from")
    return {size: what for size, what in reversed([*axes, *wholes, share]) if size > 2}


def _factors(x: Array) -> dict[str, tuple[Array, Array]]:
    """Factors u of a product u v, each with its value and its derivative."""
    sigmoid = 1 / (1 + np.exp(-x))
    return {
        "x": (x, np.ones_like(x)), "x²": (x**2, 2 * x), "x³": (x**3, 3 * x**2),
        "tanh(x)": (np.tanh(x), 1 - np.tanh(x)**2), "σ(x)": (sigmoid, sigmoid * (1 - sigmoid)),
        "ln(x)": (np.log(x), 1 / x), "sin(x)": (np.sin(x), np.cos(x)), "cos(x)": (np.cos(x), -np.sin(x)),
        "√(x)": (np.sqrt(x), 1 / (2 * np.sqrt(x))), "exp(x)": (np.exp(x), np.exp(x)),
    }  # fmt: skip


def _of_one(x: Array, z: Array) -> dict[str, Array]:
    """What the local derivative of a gate with one input may be."""
    sigmoid = 1 / (1 + np.exp(-x))
    return {
        "1": np.ones_like(z), "1 - z²": 1 - z**2, "z·(1 - z)": z * (1 - z), "x > 0": x > 0, "z": z, "1 / x": 1 / x,
        "1 / z": 1 / z, "1 - x²": 1 - x**2, "x·(1 - x)": x * (1 - x), "1 - z": 1 - z, "z²": z**2, "1 + z²": 1 + z**2,
        "x": x, "x < 0": x < 0, "ln(x)": np.log(x), "1 / x²": 1 / x**2, "x²": x**2, "z·(1 + z)": z * (1 + z),
        "1 - x": 1 - x, "(1 - z²)²": (1 - z**2)**2, "√(x)": np.sqrt(x), "exp(x)": np.exp(x), "sin(x)": np.sin(x),
        "cos(x)": np.cos(x), "sign(x)": np.sign(x), "abs(x)": np.abs(x), "tanh(x)": np.tanh(x),
        "1 - tanh(x)²": 1 - np.tanh(x)**2, "σ(x)": sigmoid, "1 - σ(x)": 1 - sigmoid,
        "σ(x)·(1 - σ(x))": sigmoid * (1 - sigmoid), "exp(-x)": np.exp(-x), "1 / (1 + x²)": 1 / (1 + x**2),
        "1 / √(x)": 1 / np.sqrt(x), "x³": x**3, "z / x": z / x, "x·z": x * z, "ln(z)": np.log(z),
        "1 / cos(x)²": 1 / np.cos(x)**2,
    }  # fmt: skip


def _of_two(a: Array, b: Array, z: Array) -> dict[str, Array]:
    """The same for several inputs a, b, ...; to these come each input, 1 minus it, and the products of two."""
    sigmoid = 1 / (1 + np.exp(-a))
    return {
        "1": np.ones_like(z), "b": b, "a": a, "1 / b": 1 / b, "z / b": z / b, "z": z, "z·ln(a)": z * np.log(a),
        "b·z / a": b * z / a, "1 / a": 1 / a, "a / b": a / b, "b / a": b / a, "1 / b²": 1 / b**2, "a / b²": a / b**2,
        "z / a": z / a, "ln(a)": np.log(a), "z·ln(b)": z * np.log(b), "b·z": b * z, "a·z": a * z, "a²": a**2,
        "b²": b**2, "ln(b)": np.log(b), "a - b": a - b, "(a - b)²": (a - b)**2, "abs(a - b)": np.abs(a - b),
        "sign(a - b)": np.sign(a - b), "σ(a)": sigmoid, "σ(a) - b": sigmoid - b, "a + b": a + b, "a > b": a > b,
        "a < b": a < b,
    }  # fmt: skip


def _expressions(arrays: Sequence[Array], z: Array) -> Iterator[tuple[str, Array]]:
    """What a local derivative may be, with its value."""
    if len(arrays) == 1:
        yield from _of_one(arrays[0], z).items()
    elif 2 <= len(arrays) <= 6:
        named = list(zip("abcdef", arrays, strict=False))
        yield from _of_two(arrays[0], arrays[1], z).items()
        yield from ((f"1 - {name}", 1 - array) for name, array in named)
        yield from named[2:]
        yield from ((f"{m}·{n}", one * two) for (m, one), (n, two) in combinations(named, 2))
