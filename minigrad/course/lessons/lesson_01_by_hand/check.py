"""Questions of lesson 1, and the page that its check draws."""

import math

import numpy as np

import minigrad as mg
from minigrad.course.lesson import Question

TOLERANCE = 0.003  # accepts three decimals, rounded or truncated, from a rounded y
POINT = {"a": 4.0, "b": 0.5, "c": -1.2}


def y_at(**given):
    """Return y, with some of a, b, c, m, s given and the others computed."""
    n = {**POINT, **given}
    m = n.get("m", n["a"] * n["b"])
    return math.tanh(n.get("s", m + n["c"]))


def nudged(name):
    """Return a compare function. For a wrong dy/d(name), its message shows how y moves when `name`
    is nudged.
    """
    start = {"m": 2.0, "s": 0.8, **POINT}[name]
    step = 0.1

    def compare(answer, right):
        if isinstance(answer, bool) or not isinstance(answer, (int, float, np.number)):
            point = "; use a decimal point, not a comma" if isinstance(answer, list) else ""
            return f"write a number such as 0.25; dy_d{name} is {answer!r}{point}"
        if abs(float(answer) - float(right)) <= TOLERANCE:
            return None
        if abs(float(answer) - float(right)) <= 0.08 * abs(float(right)):
            return f"{float(answer):g} is close, but not close enough: keep four decimals in every intermediate result"
        moved = y_at(**{name: start + step}) - y_at()
        return (
            f"if you nudge {name} from {start:g} to {start + step:g}, your {float(answer):.4g} means "
            f"that y moves by about {float(answer) * step:+.3f}, but y actually goes from "
            f"{y_at():.3f} to {y_at() + moved:.3f}, by {moved:+.3f}"
        )

    return compare


def question(name, formula):
    return Question(
        f"dy/d{name} at a = 4, b = 0.5, c = -1.2",
        f"dy_d{name}",
        lambda file: getattr(file, f"dy_d{name}"),
        tolerance=TOLERANCE,
        formula=formula,
        compare=nudged(name),
    )


QUESTIONS = (
    question("s", "dy/ds = 1 - y²"),
    question("m", "dy/dm = dy/ds · 1"),
    question("c", "dy/dc = dy/ds · 1"),
    question("a", "dy/da = dy/dm · b"),
    question("b", "dy/db = dy/dm · a"),
)


def page(file, path, failed):
    """Draw the expression. If a number is wrong, its gate uses that number in its backward pass."""
    slope = 1 - y_at() ** 2  # the upstream gradient of the sum and of the product

    def number(name, right):
        given = getattr(file, name)
        return right if given is None else float(given)

    # The explorer shows the rules of gates whose names it knows, which would reveal the answers.
    # The names start with "Your" so that it does not recognize these gates.
    class YourTanh(mg.Gate):
        """z = tanh(x)."""

        symbol = "tanh"

        def forward(self, x):
            return np.tanh(x)

        def backward(self, dz, z, x):
            return (dz * (number("dy_ds", slope) if failed == "dy_ds" else 1 - z * z),)

    class YourSum(mg.Gate):
        """z = a + b."""

        symbol = "+"

        def forward(self, a, b):
            return a + b

        def backward(self, dz, z, a, b):
            if failed not in ("dy_dm", "dy_dc"):
                return dz, dz
            return dz * (number("dy_dm", slope) / slope), dz * (number("dy_dc", slope) / slope)

    class YourProduct(mg.Gate):
        """z = a * b."""

        symbol = "⊙"

        def forward(self, a, b):
            return a * b

        def backward(self, dz, z, a, b):
            if failed not in ("dy_da", "dy_db"):
                return dz * b, dz * a
            return dz * (number("dy_da", b * slope) / slope), dz * (
                number("dy_db", a * slope) / slope
            )

    def expression(a, b, c):
        m = YourProduct()(a, b) if failed else a * b
        s = YourSum()(m, c) if failed else m + c
        y = YourTanh()(s) if failed else mg.tanh(s)
        m.name, s.name, y.name = "m", "s", "y"
        return y

    leaves = [
        mg.Tensor(np.array(value), requires_grad=True, name=name) for name, value in POINT.items()
    ]
    report = mg.gradcheck(expression, *leaves) if failed else None
    mg.explore(expression(*leaves), path, report=report)
