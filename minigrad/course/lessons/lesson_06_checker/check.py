"""Questions of lesson 6: slopes, agreement of two gradients, and verdicts on twelve wrong and
seven correct gates.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import minigrad as mg
from minigrad.course.checking.lesson import Question, values


@dataclass(frozen=True)
class Rule:
    """A gate to be checked: its forward function, its gradient rule, which may be wrong, and its test
    inputs.
    """

    name: str
    forward: Callable
    backward: Callable
    inputs: tuple
    guilty: bool = True

    def __str__(self):
        return f"{self.name} (its backward is {'wrong' if self.guilty else 'right'})"


class Watched:
    """A gate that records how a checker uses it."""

    def __init__(self, gate, inputs):
        self.gate, self.inputs, self.seen = gate, inputs, {}
        self.nudged = set()

    def forward(self, *inputs):
        for i, (now, before) in enumerate(zip(inputs, self.inputs, strict=True)):
            if np.shape(now) != before.shape or (now != before).any():
                self.nudged.add(i)
        return self.gate.forward(*inputs)

    def backward(self, dz, z, *inputs):
        self.seen = {
            "the shape of backward's dz": str(np.shape(dz)),
            "backward's dz has unequal numbers": len(np.unique(dz)) > 1,
            "z in backward": np.array(z),
        }
        self.dz, self.gradients = dz, self.gate.backward(dz, z, *inputs)
        return self.gradients


def watched(check_input, gate, inputs, i):
    """Return what a checker passes to a gate and to agree, in the order in which it is needed."""
    watch, compared = Watched(gate, [x.copy() for x in inputs]), []
    file = check_input.__globals__
    agree = file["agree"]

    def recorded(claimed, measured):
        compared[:] = claimed, measured, agree(claimed, measured)
        return compared[2]

    file["agree"] = recorded
    try:
        result = check_input(watch, tuple(x.copy() for x in inputs), i)
    finally:
        file["agree"] = agree
    nudged = str(sorted(watch.nudged))
    found = {"backward was called": bool(watch.seen), **watch.seen, "nudged inputs": nudged}
    if compared and watch.seen:
        found |= arguments_of_agree(watch, i, *compared[:2])
        same_result = str(result) == str(compared[2])
        found["the result"] = f"{'' if same_result else 'not '}what agree returned"
    return found


def arguments_of_agree(watch, i, claimed, measured):
    """Describe what a checker compares: which gradient, and which slopes."""

    def position(array):
        order = sorted(range(len(watch.gradients)), key=lambda k: k != i)
        return next((k for k in order if equal(array, watch.gradients[k])), None)

    if position(claimed) is None and position(measured) is not None:
        claimed, measured = measured, claimed
    which = position(claimed)
    with np.errstate(all="ignore"):
        right = equal(measured, slopes_of(watch, i), 1e-3)
    returned = "not a gradient that backward returned"
    return {
        "the claimed gradient": returned if which is None else f"backward's gradient [{which}]",
        "the measured gradient": f"{'' if right else 'not '}the slopes of Σ dz ⊙ z",
    }


def equal(one, other, tolerance=0.0):
    """Return whether both are None, or arrays with the same shape and numbers."""
    if one is None or other is None:
        return one is other
    return np.shape(one) == np.shape(other) and np.allclose(one, other, tolerance, tolerance)


def slopes_of(watch, i, h=1e-5):
    """Return the measured gradient of Σ dz ⊙ z for input i, for the dz that backward has received."""
    result = np.zeros(watch.inputs[i].shape)
    for index in np.ndindex(result.shape):
        sums = []
        for step in (h, -h):
            moved = [x.copy() for x in watch.inputs]
            moved[i][index] += step
            sums.append(np.sum(watch.dz * watch.gate.forward(*moved)))
        result[index] = (sums[0] - sums[1]) / (2 * h)
    return result


def shares(x):
    return x / x.sum(axis=-1, keepdims=True)


def last_wrong(dz, z, x):
    """Return the gradient of the sine, with the last element 0.1% too large."""
    dx = dz * np.cos(x)
    dx.flat[-1] *= 1.001
    return (dx,)


def mean_rule(dz, z, x):
    """Return the full dz of its row for each element, which is three times too large."""
    return (np.repeat(dz[:, None], 3, axis=1),)


def layer(x, W, b):
    return x @ W + b


X = np.array([[0.5, -1.2, 2.0], [0.3, 0.7, -0.4]])
SQUARE = np.array([[0.4, -0.8, 1.1], [1.5, 0.2, -0.6], [-0.9, 1.3, 0.7]])
PART, ROW, POSITIVE = (
    SQUARE[:, :2].copy(),
    np.array([0.3, -0.5]),
    np.array([[1.0, 2.0, 5.0], [4.0, 1.0, 3.0]]),
)
LARGE = np.array([[11.3, 11.8, 11.1], [11.6, 11.9, 11.2]])
GUILTY = (
    Rule("tanh without its slope", np.tanh, lambda dz, z, x: (dz,), (X,)),
    Rule("tanh with the slope 1 - x²", np.tanh, lambda dz, z, x: (dz * (1 - x * x),), (X,)),
    Rule("tanh that ignores dz", np.tanh, lambda dz, z, x: (1 - z * z,), (X,)),
    Rule("the shares of each row, with a backward that returns zeros", shares, lambda dz, z, x: (0 * dz,),
         (POSITIVE,)),
    Rule("rows reversed, without reversing the gradient", lambda x: x[::-1] * 1.0, lambda dz, z, x: (dz,), (X,)),
    Rule("sine with one gradient element off by 0.1%", np.sin, last_wrong, (X,)),
    Rule("0.0001·x² without the factor 2", lambda x: 1e-4 * x * x, lambda dz, z, x: (1e-4 * dz * x,), (X,)),
    Rule("a ⊙ b with the factors swapped", np.multiply, lambda dz, z, a, b: (dz * a, dz * b), (X, X[::-1] + 1)),
    Rule("a @ b without the transpose of b", np.matmul, lambda dz, z, a, b: (dz @ b, a.T @ dz), (X, SQUARE)),
    Rule("a @ b averaged over the batch", np.matmul, lambda dz, z, a, b: (dz @ b.T, a.T @ dz / len(a)), (X, SQUARE)),
    Rule("x @ W + b with only the first row's gradient for b", layer,
         lambda dz, z, x, W, b: (dz @ W.T, x.T @ dz, dz[0]), (X, PART, ROW)),
    Rule("the mean of each row, without dividing", lambda x: x.mean(axis=1), mean_rule, (X,)),
)  # fmt: skip
INNOCENT = (
    Rule("tanh", np.tanh, lambda dz, z, x: (dz * (1 - z * z),), (X,), False),
    Rule("the shares of each row", shares,
         lambda dz, z, x: ((dz - (dz * z).sum(-1, keepdims=True)) / x.sum(-1, keepdims=True),), (POSITIVE,), False),
    Rule("rows reversed", lambda x: x[::-1] * 1.0, lambda dz, z, x: (dz[::-1],), (X,), False),
    Rule("a @ b", np.matmul, lambda dz, z, a, b: (dz @ b.T, a.T @ dz), (X, PART), False),
    Rule("x @ W + b", layer, lambda dz, z, x, W, b: (dz @ W.T, x.T @ dz, dz.sum(0)), (X, PART, ROW), False),
    Rule("exp of large numbers", np.exp, lambda dz, z, x: (dz * z,), (LARGE,), False),
    Rule("0.0001·x²", lambda x: 1e-4 * x * x, lambda dz, z, x: (2e-4 * dz * x,), (X,), False),
)  # fmt: skip
DOUBLE = Rule(
    "2·x at 0, without the factor 2", lambda x: 2 * x, lambda dz, z, x: (dz,), (np.zeros((2, 2)),)
)
SIGN = Rule("tanh with the wrong sign", np.tanh, lambda dz, z, x: (-dz * (1 - z * z),), (X,))
CONSTANT = Rule(
    "0·x, with a backward that returns dz", lambda x: 0 * x, lambda dz, z, x: (dz,), (X,)
)
NOTHING = Rule(
    "tanh, with a backward that returns (None,)", np.tanh, lambda dz, z, x: (None,), (X,)
)
ROWS = Rule("x @ W + b with a gradient for b that is not summed", layer,
            lambda dz, z, x, W, b: (dz @ W.T, x.T @ dz, dz), (X, PART, ROW))  # fmt: skip
BROAD = Rule("x @ W + b with a gradient for b of shape (1, 2)", layer,
             lambda dz, z, x, W, b: (dz @ W.T, x.T @ dz, dz.sum(0, keepdims=True)), (X, PART, ROW))  # fmt: skip
SCALE = Rule("x times one number, with a gradient of 0 for the number", np.multiply,
             lambda dz, z, x, s: (dz * s, 0 * s), (X, np.array([2.0])))  # fmt: skip
MIDDLE = Rule("x @ W + b with half the gradient for W", layer,
              lambda dz, z, x, W, b: (dz @ W.T, x.T @ dz / 2, dz.sum(0)), (X, PART, ROW))  # fmt: skip

DIFFERENCE = (
    "(f(x + h·e) - f(x - h·e)) / 2h for each element, where e is 1 at this element and 0 elsewhere"
)
AGREE = "the same shape, and |a - b| ≤ 1e-8 + 1e-5·|b| for every element"
CHECK = (
    "compare backward(v, z, *inputs)[i] with the numeric gradient of "
    "L(x) = Σ v ⊙ forward(.., x, ..), for the same random v"
)
ALL = "call check_input for every input"
FACTOR = "c = Σ claimed ⊙ measured / Σ measured²; return it if claimed agrees with c · measured"
QUICK = "compare Σ claimed ⊙ u with (L(x + h·u) - L(x - h·u)) / 2h for one random direction u"


def slopes(f, x, h=None):
    """Return a question about the slopes of a function with a docstring."""

    def by_index(found):
        below = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
        return [
            (f"df/dx{''.join(map(str, i)).translate(below)}", found[i])
            for i in np.ndindex(np.shape(x))
        ]

    call, given = "numeric_gradient(f, x)", {"f": f, "x": x}
    if h is not None:
        call, given = "numeric_gradient(f, x, h)", {"f": f, "x": x, "h": h}
    return Question("numeric_gradient", call, lambda file: {**given, "x": np.array(x, float)}, measured="the formula",
                    tolerance=1e-7, formula=DIFFERENCE, names=by_index, changes=("x",))  # fmt: skip


def left_as_found(call, given, *names, formula):
    """Return a question about the inputs after a call. Adding h and subtracting it again causes
    rounding errors, so the other questions accept small changes.
    """
    return Question(
        call.partition("(")[0], f"[{call}, {', '.join(names)}][1:]", given,
        f"{' and '.join(names)} after the call, as before it", tolerance=1e-9, formula=formula,
        names=lambda found: zip(names, found, strict=True), changes=names,
    )  # fmt: skip


def same(about, claimed, measured):
    return Question("agree", "agree(claimed, measured)", values(claimed=claimed, measured=measured),
                    f"whether these agree: {about}", formula=AGREE)  # fmt: skip


def letters(rule):
    return {1: "x", 2: "ab", 3: "xWb"}[len(rule.inputs)]


def given_by(rule, **more):
    def given(file):
        arrays = (array.copy() for array in rule.inputs)
        return {"gate": rule, **dict(zip(letters(rule), arrays, strict=True)), **more}

    return given


def one_input(rule, i, function="check_input", formula=CHECK):
    arguments = f"gate, ({', '.join(letters(rule))}{',' if len(rule.inputs) == 1 else ''}), {i}"
    required = function == "check_input"
    return Question(
        function, f"{function}({arguments})", given_by(rule), f"whether the gradient of {letters(rule)[i]} is right",
        formula=formula, way=f"check.watched({function}, {arguments})" if required else "",
        changes=tuple(letters(rule)), stretch=not required,
    )  # fmt: skip


def all_inputs(rule):
    def verdicts(found):
        return [(f"the verdict on {name}", found[i]) for i, name in enumerate(letters(rule))]

    return Question("my_gradcheck", f"my_gradcheck(gate, {', '.join(letters(rule))})", given_by(rule),
                    "the verdict on each input", formula=ALL, names=verdicts, changes=tuple(letters(rule)))  # fmt: skip


def factor(claimed, measured):
    return Question("factor", "factor(claimed, measured)", values(claimed=claimed, measured=measured),
                    formula=FACTOR, stretch=True)  # fmt: skip


def first(x):
    """x₀² + 3·x₁"""
    return x[0] ** 2 + 3 * x[1]


def second(x):
    """x₀³ - x₁"""
    return x[0] ** 3 - x[1]


def third(x):
    """x₀·x₁·x₂"""
    return x[0] * x[1] * x[2]


def fourth(x):
    """x₀₀·x₁₁ - x₀₁·x₁₀"""
    return x[0, 0] * x[1, 1] - x[0, 1] * x[1, 0]


def single(x):
    """x², where x is one number without axes"""
    return x**2


def fifth(x):
    """exp(3·x₀₀ + x₀₁)"""
    return np.exp(3 * x[0, 0] + x[0, 1])


QUESTIONS = (
    slopes(first, [5.0, 7.0], 1.0),
    slopes(second, [2.0, 1.0], 1.0),
    slopes(first, [5.0, 7.0]),
    slopes(third, [2.0, 3.0, -4.0]),
    slopes(fourth, [[1.0, 2.0], [3.0, 4.0]]),
    slopes(fifth, [[1.0, 0.5]]),
    slopes(single, 3.0),
    left_as_found("numeric_gradient(f, x)", lambda file: {"f": first, "x": np.array([5.0, 7.0])}, "x",
                  formula="keep old = x[index], and set x[index] = old after its two nudges; or nudge a copy"),
    same("equal gradients", [1.0, 2.0], [1.0, 2.0]),
    same("one of two elements differs", [1.0, 2.0], [1.0, 2.1]),
    same("one element has the wrong sign", [-1.0, 2.0], [1.0, 2.0]),
    same("the right numbers in the wrong order", [1.0, 2.0], [2.0, 1.0]),
    same("only rounding differs", [0.0, 1.0], [1e-11, 1 + 1e-9]),
    same("a small gradient, twice too large", [2e-4], [1e-4]),
    same("the smallest of three elements is twice too large", [1000.0, 1.0, 4e-5], [1000.0, 1.0, 2e-5]),
    same("100000 and 100000.01, which differ only by rounding", [100000.0], [100000.01]),
    same("-100000 and -100000.01, which differ only by rounding", [-100000.0], [-100000.01]),
    same("the same numbers in another shape", [[1.0, 2.0, 3.0]], [1.0, 2.0, 3.0]),
    same("a column, and an array of two such columns", [[1.0], [2.0]], [[1.0, 1.0], [2.0, 2.0]]),
    same("one number without axes, and an array", 0.0, [0.0, 0.0]),
    same("None, and a gradient of zeros", None, [0.0, 0.0]),
    same("nan, and a number", [np.nan], [1.0]),
    one_input(INNOCENT[0], 0),
    one_input(GUILTY[0], 0),
    one_input(GUILTY[2], 0),
    one_input(GUILTY[3], 0),
    one_input(GUILTY[5], 0),
    one_input(SIGN, 0),
    one_input(DOUBLE, 0),
    one_input(NOTHING, 0),
    one_input(CONSTANT, 0),
    one_input(INNOCENT[3], 0),
    one_input(INNOCENT[3], 1),
    one_input(MIDDLE, 1),
    one_input(ROWS, 2),
    one_input(BROAD, 2),
    left_as_found("check_input(gate, (a, b), 1)", given_by(INNOCENT[3]), "a", "b",
                  formula="keep old = x[index], and set x[index] = old after its two nudges; or nudge a copy"),
    *map(all_inputs, (*INNOCENT, *GUILTY)),
    all_inputs(SCALE),
    factor([1.0, 2.0], [2.0, 4.0]),
    factor([[-3.0, 0.0], [1.0, -2.0]], [[3.0, 0.0], [-1.0, 2.0]]),
    factor([1.0, 2.0, 3.0], [3.0, 2.0, 1.0]),
    factor([0.0, 0.0], [1.0, 2.0]),
    *(one_input(rule, 0, "quick_check", QUICK) for rule in (INNOCENT[3], GUILTY[3], GUILTY[5], GUILTY[1])),
)  # fmt: skip


def page(file, path, failed):
    """Draw a wrong gate in a graph: the first one that the learner's checker accepts, or else the
    one that computes shares, whose backward returns zeros.
    """
    shown = GUILTY[3]
    if failed in ("check_input", "my_gradcheck"):
        shown = next((rule for rule in GUILTY if not convicts(file, rule)), shown)

    class Planted(mg.Gate):
        """A gate for your checker to judge."""

        symbol = "planted"

        def forward(self, *inputs):
            return shown.forward(*inputs)

        def backward(self, dz, z, *inputs):
            return shown.backward(dz, z, *inputs)

    Planted.__doc__ = f"A gate for your checker to judge: {shown.name}."
    weights = mg.Tensor(
        np.random.default_rng(1).normal(size=np.shape(shown.forward(*shown.inputs))), name="v"
    )
    names = letters(shown)
    inputs = [
        mg.Tensor(x, requires_grad=True, name=name)
        for name, x in zip(names, shown.inputs, strict=True)
    ]
    gate = Planted()

    def loss(*inputs):
        return (gate(*inputs) * weights).sum()

    mg.explore(loss(*inputs), path, report=mg.gradcheck(loss, *inputs))


def convicts(file, rule):
    """Return whether the learner's checker rejects this gate."""
    try:
        return not all(file.my_gradcheck(rule, *(array.copy() for array in rule.inputs)))
    except Exception:
        return False
