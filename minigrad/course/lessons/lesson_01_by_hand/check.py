"""Questions of lesson 1, and the page that its check draws."""

import math

import numpy as np

import minigrad as mg
from minigrad.course.checking.lesson import Question, values

ACCEPTED = 0.003  # three decimals, rounded or truncated, from a rounded y
POINT = {"a": 4.0, "b": 0.5, "c": -1.2}
FORMULAS = {
    "s": "dy/ds = 1 · (1 - y²)",
    "m": "dy/dm = dy/ds · 1",
    "c": "dy/dc = dy/ds · 1",
    "a": "dy/da = dy/dm · b",
    "b": "dy/db = dy/dm · a",
}
NUDGED = {
    "s": (0.8, "tanh({})"),
    "m": (2.0, "tanh({} - 1.2)"),
    "c": (-1.2, "tanh({} + 2)"),
    "a": (4.0, "tanh({} * 0.5 - 1.2)"),
    "b": (0.5, "tanh(4 * {} - 1.2)"),
}
"""Each variable's value, and y as a formula of this variable alone."""


def compare(name):
    """Return a compare function. For a wrong dy/d(name), its message shows how y moves when `name`
    is nudged.
    """
    start, formula = NUDGED[name]

    def y_at(value):
        return eval(formula.format(value), {"tanh": math.tanh})

    def slope(nudge):
        return (y_at(start + nudge) - y_at(start)) / nudge

    def compared(answer, right):
        if isinstance(answer, bool) or not isinstance(answer, (int, float, np.number)):
            point = "; use a decimal point, not a comma" if isinstance(answer, list) else ""
            return f"write a number such as 0.25; dy_d{name} is {answer!r}{point}"
        yours, right = float(answer), float(right)
        if math.isnan(yours):
            return f"dy_d{name} is nan, which is not a number"
        if abs(yours - right) <= ACCEPTED:
            return None
        if abs(yours - right) <= 0.02 * abs(right):
            return (f"{yours:g} is close, but not close enough. Keep four decimals in every "
                    "intermediate result, and compare the digits with those in your notes.")  # fmt: skip
        digits, nudge = 3, 0.1
        while abs(yours - slope(nudge)) <= 2 * abs(right - slope(nudge)) and digits < 5:
            digits, nudge = (
                digits + 1,
                nudge / 10,
            )  # until tanh bends too little to hide the mistake
        end, moved = start + nudge, slope(nudge) * nudge
        return (
            f"Nudge {name} from {start:g} to {end:g}. "
            f"If the slope is {yours:.4g}, y moves by about {yours * nudge:+.{digits}f}.\n"
            f"Before the nudge, y = {formula.format(f'{start:g}')} = {y_at(start):.{digits}f}.\n"
            f"After the nudge, y = {formula.format(f'{end:g}')} = {y_at(end):.{digits}f}.\n"
            f"So y moves by {moved:+.{digits}f}."
        )

    return compared


def question(name):
    """The tolerance tells slips apart. `compare` accepts a larger one."""
    return Question(f"dy_d{name}", f"dy_d{name}", what=f"dy_d{name} at a = 4, b = 0.5, c = -1.2",
                    tolerance=0.0008, formula=FORMULAS[name], compare=compare(name))  # fmt: skip


def stretch(function, formula, *names, **inputs):
    """A question about a function that returns several slopes. `names` are in the order in which they
    are computed.
    """

    def named(answer):
        slopes = dict(zip(sorted(names), answer, strict=True))
        return [(name, slopes[name]) for name in names]

    return Question(function, f"{function}({', '.join(inputs)})", values(**inputs), measured="nudging",
                    formula=formula, names=named, stretch=True)  # fmt: skip


THREE = (
    "slopes",
    "dy/dc = 1 - y², dy/da = dy/dc · b, dy/db = dy/dc · a",
    "dy_dc",
    "dy_da",
    "dy_db",
)
SHARED = (
    "slopes_shared",
    "with dy/ds = 1 - y²: dy/da = dy/ds · b + dy/ds · 1, the sum over both uses of a; dy/db = dy/ds · a",
    "dy_db",
    "dy_da",
)
QUESTIONS = (
    *map(question, "smcab"),
    stretch(*THREE, a=2.0, b=-3.0, c=6.5),
    stretch(*THREE, a=0.0, b=3.0, c=0.0),
    stretch(*THREE, a=-0.4, b=1.5, c=0.3),
    stretch(*SHARED, a=2.0, b=-0.5),
    stretch(*SHARED, a=0.5, b=0.2),
    stretch(*SHARED, a=-0.3, b=-2.5),
)


def page(file, path, failed):
    """Draw the expression. If a number is wrong, draw the walk only as far as the learner has come,
    with the learner's own numbers. The page must not show any right number that is asked for.
    """

    def slope(name):
        return getattr(file, f"dy_d{name}")

    def gate(kind, symbol, formula, forward, *names):
        """A gate that returns the learner's numbers. The explorer shows the rules of gates whose
        names it knows, so this one has another name.
        """

        def backward(self, dz, z, *inputs):
            return tuple(np.array(0.0 if slope(n) is None else float(slope(n))) for n in names)

        parts = {"__doc__": formula, "symbol": symbol, "forward": lambda self, *x: forward(*x)}
        return type(f"Your{kind}", (mg.Gate,), {**parts, "backward": backward})()

    def leaf(name, value):
        needed = not failed or slope(name) is not None
        return mg.Tensor(np.array(value), requires_grad=needed, name=name)

    a, b, c = (leaf(name, value) for name, value in POINT.items())
    if not failed:
        m = a * b
        s = m + c
        y = mg.tanh(s)
    else:
        times = gate("Product", "⊙", "z = a * b.", np.multiply, "a", "b")
        plus = gate("Sum", "+", "z = a + b.", np.add, "m", "c")
        m = times(a, b) if failed in ("dy_da", "dy_db") else leaf("m", 2.0)
        s = leaf("s", 0.8) if failed == "dy_ds" else plus(m, c)
        y = gate("Tanh", "tanh", "z = tanh(x).", np.tanh, "s")(s)
    m.name, s.name, y.name = "m", "s", "y"
    mg.explore(y, path)
