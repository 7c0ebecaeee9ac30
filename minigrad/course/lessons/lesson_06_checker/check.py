"""Questions of lesson 6: slopes, agreement of two gradients, and verdicts on twelve wrong and
seven correct gates.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import minigrad as mg
from minigrad.course.lesson import Question


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


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def last_wrong(dz, z, x):
    """Return the gradient of the sine, with the last element 0.1% too large."""
    dx = dz * np.cos(x)
    dx.flat[-1] *= 1.001
    return (dx,)


def mean_rule(dz, z, x):
    """Return the full dz of its row for each element, which is three times too large."""
    return (np.repeat(dz[:, None], 3, axis=1),)


def add(x, b):
    return x + b


rng = np.random.default_rng(6)
X, SQUARE, ROW = rng.normal(size=(4, 3)), rng.normal(size=(3, 3)), rng.normal(size=3)
LARGE = rng.uniform(11, 12, (2, 3))
GUILTY = (
    Rule("tanh without its slope", np.tanh, lambda dz, z, x: (dz,), (X,)),
    Rule("tanh with the slope 1 - x²", np.tanh, lambda dz, z, x: (dz * (1 - x * x),), (X,)),
    Rule("tanh that ignores dz", np.tanh, lambda dz, z, x: (1 - z * z,), (X,)),
    Rule("softmax that returns zeros", softmax, lambda dz, z, x: (0 * dz,), (X,)),
    Rule(
        "rows reversed, without reversing the gradient",
        lambda x: x[::-1] * 1.0,
        lambda dz, z, x: (dz,),
        (X,),
    ),
    Rule("sine with one gradient element off by 0.1%", np.sin, last_wrong, (X,)),
    Rule(
        "0.0001·x² without the factor 2",
        lambda x: 1e-4 * x * x,
        lambda dz, z, x: (1e-4 * dz * x,),
        (X,),
    ),
    Rule(
        "a ⊙ b with the factors swapped",
        np.multiply,
        lambda dz, z, a, b: (dz * a, dz * b),
        (X, X[::-1] + 1),
    ),
    Rule(
        "a @ b without the transpose of b",
        np.matmul,
        lambda dz, z, a, b: (dz @ b, a.T @ dz),
        (X, SQUARE),
    ),
    Rule(
        "a @ b averaged over the batch",
        np.matmul,
        lambda dz, z, a, b: (dz @ b.T, a.T @ dz / len(a)),
        (X, SQUARE),
    ),
    Rule(
        "x + bias with only the first row's gradient",
        add,
        lambda dz, z, x, b: (dz, dz[0]),
        (X, ROW),
    ),
    Rule("mean of each row, without dividing", lambda x: x.mean(axis=1), mean_rule, (X,)),
)
INNOCENT = (
    Rule("tanh", np.tanh, lambda dz, z, x: (dz * (1 - z * z),), (X,), False),
    Rule(
        "softmax",
        softmax,
        lambda dz, z, x: (z * (dz - (dz * z).sum(-1, keepdims=True)),),
        (X,),
        False,
    ),
    Rule("rows reversed", lambda x: x[::-1] * 1.0, lambda dz, z, x: (dz[::-1],), (X,), False),
    Rule("a @ b", np.matmul, lambda dz, z, a, b: (dz @ b.T, a.T @ dz), (X, SQUARE[:, :2]), False),
    Rule("x + bias", add, lambda dz, z, x, b: (dz, dz.sum(0)), (X, ROW), False),
    Rule("exp of large numbers", np.exp, lambda dz, z, x: (dz * z,), (LARGE,), False),
    Rule("0.0001·x²", lambda x: 1e-4 * x * x, lambda dz, z, x: (2e-4 * dz * x,), (X,), False),
)


def slopes(f, x):
    return lambda file: file.numeric_gradient(f, np.array(x))


def left_as_found(file):
    x = np.array([1.0, -2.0, 0.5])
    file.numeric_gradient(lambda x: (x**3).sum(), x)
    return x


def same(a, b):
    return lambda file: verdict(file.agree(a if a is None else np.array(a), np.array(b)))


def one_input(rule, i):
    return lambda file: verdict(file.check_input(rule, copies(rule), i))


def all_inputs(rule):
    def ask(file):
        verdicts = file.my_gradcheck(rule, *copies(rule))
        return (
            [verdict(one) for one in verdicts]
            if isinstance(verdicts, (list, tuple))
            else verdict(verdicts)
        )

    return ask


def copies(rule):
    return tuple(array.copy() for array in rule.inputs)


def verdict(answer):
    """Convert NumPy's True and False to Python's."""
    return bool(answer) if isinstance(answer, np.bool_) else answer


DIFFERENCE = (
    "(f(x + h·e) - f(x - h·e)) / 2h for each element, where e is 1 at this element and 0 elsewhere"
)
AGREE = "the same shape, and |a - b| ≤ 1e-8 + 1e-5·|b| for every element"
CHECK = (
    "compare backward(v, z, *inputs)[i] with the numeric gradient of "
    "L(x) = Σ v ⊙ forward(.., x, ..), for the same random v"
)
ALL = "call check_input for every input"
WEIGHTS = np.array([[1.0, -2.0, 0.5], [3.0, 0.1, -1.0]])
PLACE = np.array([[0.3, 1.5, -0.7], [2.0, -1.1, 0.4]])
QUESTIONS = (
    Question("the slopes of x₀² + 3·x₁ at (5, 7)", "numeric_gradient",
             slopes(lambda x: x[0] ** 2 + 3 * x[1], [5.0, 7.0]), "the closed form", formula=DIFFERENCE),
    Question("the slopes of x₀·x₁·x₂ at (2, 3, 4)", "numeric_gradient",
             slopes(lambda x: x[0] * x[1] * x[2], [2.0, 3.0, 4.0]), "the closed form", formula=DIFFERENCE),
    Question("the slopes of Σ w ⊙ x³ at a matrix (2, 3)", "numeric_gradient",
             slopes(lambda x: (WEIGHTS * x**3).sum(), PLACE), "the closed form", formula=DIFFERENCE),
    Question("the slopes of exp(3x₀ + x₁) at (1, 0.5)", "numeric_gradient",
             slopes(lambda x: np.exp(3 * x[0, 0] + x[0, 1]), [[1.0, 0.5]]), "the closed form", formula=DIFFERENCE),
    Question("x after a call to numeric_gradient", "numeric_gradient", left_as_found,
             formula="undo each nudge, or nudge a copy"),
    Question("whether (1, 2) and (1, 2) agree", "agree", same([1.0, 2.0], [1.0, 2.0]), formula=AGREE),
    Question("whether (1, 2) and (1, 2.1) agree", "agree", same([1.0, 2.0], [1.0, 2.1]), formula=AGREE),
    Question("whether (0, 1) and (1e-11, 1 + 1e-9) agree", "agree", same([0.0, 1.0], [1e-11, 1 + 1e-9]), formula=AGREE),
    Question("whether (1, 2) and (1.002, 2) agree", "agree", same([1.0, 2.0], [1.002, 2.0]), formula=AGREE),
    Question("whether 0.0002 and 0.0001 agree", "agree", same([2e-4], [1e-4]), formula=AGREE),
    Question("whether 100000 and 100000.01 agree", "agree", same([100000.0], [100000.01]), formula=AGREE),
    Question("whether equal numbers in shapes (1, 3) and (3,) agree", "agree",
             same([[1.0, 2.0, 3.0]], [1.0, 2.0, 3.0]), formula=AGREE),
    Question("whether None and an array of zeros agree", "agree", same(None, [0.0, 0.0]), formula=AGREE),
    Question("whether NaN and 1 agree", "agree", same([np.nan], [1.0]), formula=AGREE),
    Question("the verdict on input 0 of tanh", "check_input", one_input(INNOCENT[0], 0), formula=CHECK),
    Question("the verdict on input 0 of tanh without its slope", "check_input", one_input(GUILTY[0], 0), formula=CHECK),
    Question("the verdict on input 0 of a @ b", "check_input", one_input(INNOCENT[3], 0), formula=CHECK),
    Question("the verdict on input 1 of a @ b", "check_input", one_input(INNOCENT[3], 1), formula=CHECK),
    Question("the verdict on input 1 of a @ b averaged over the batch", "check_input",
             one_input(GUILTY[9], 1), formula=CHECK),
    Question("the verdict on input 0 of tanh that ignores dz", "check_input", one_input(GUILTY[2], 0), formula=CHECK),
    Question("the verdict on input 0 of softmax that returns zeros", "check_input",
             one_input(GUILTY[3], 0), formula=CHECK),
    Question("the verdict on input 0 of sine with one gradient element off by 0.1%", "check_input",
             one_input(GUILTY[5], 0), formula=CHECK),
    *(Question(f"the verdicts on: {rule.name}", "my_gradcheck", all_inputs(rule), formula=ALL)
      for rule in (*INNOCENT, *GUILTY)),
)  # fmt: skip


def page(file, path, failed):
    """Draw a wrong gate in a graph: the first one that the learner's checker accepts, or else the
    softmax that returns zeros.
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
    names = ("x",) if len(shown.inputs) == 1 else ("a", "b")
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
        return not all(file.my_gradcheck(rule, *copies(rule)))
    except Exception:
        return False
