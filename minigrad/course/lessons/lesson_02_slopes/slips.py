"""Common wrong answers to lesson 2."""

from minigrad.course.checking.lesson import Slip


def central(name, returned, kind):
    return Slip(name, f"def central_difference(f, x, h):\n    return {returned}", kind)


def best(name, returned, kind):
    """A slip in best_h. It may use error(h)."""
    code = f"""
def best_h(f, x, slope, hs):
    error = lambda h: abs(central_difference(f, x, h) - slope)
    return {returned}
"""
    return Slip(name, code, kind)


def gradient(name, slopes, kind):
    """A slip in numeric_gradient. It may use nudges, an array with one nudge in each row."""
    code = f"""
def numeric_gradient(f, x, h):
    nudges = h * np.eye(len(x))
    return np.array({slopes})
"""
    return Slip(name, code, kind)


HALF = "Your two points are h / 2 away from x. They should be h away from x."

SLIPS = (
    central(
        "forward difference",
        "(f(x + h) - f(x)) / h",
        "You step to the right only. That leaves an error proportional to h, because the curve "
        "bends between the two points.",
    ),
    central(
        "backward difference",
        "(f(x) - f(x - h)) / h",
        "You step to the left only. That leaves an error proportional to h, because the curve "
        "bends between the two points.",
    ),
    central(
        "the sign of the slope lost",
        "abs(f(x + h) - f(x - h)) / (2 * h)",
        "Your result is never negative. Where a function falls, its slope is negative.",
    ),
    central("half a step to each side", "(f(x + h / 2) - f(x - h / 2)) / h", HALF),
    central("half a step to each side", "(f(x + h / 2) - f(x - h / 2)) / (2 * h)", HALF),
    central(
        "brackets around 2 * h forgotten",
        "(f(x + h) - f(x - h)) / 2 * h",
        "Your result is multiplied by h. Python evaluates `/ 2 * h` from left to right.",
    ),
    best(
        "smaller is always better",
        "min(hs)",
        "You always return the smallest step. Below a certain step size, the two values of f agree "
        "in nearly all their digits, and their difference is mostly rounding.",
    ),
    best(
        "larger is always better",
        "max(hs)",
        "You always return the largest step. A curve bends, and over a long step it bends a lot.",
    ),
    best(
        "the smallest error",
        "min(map(error, hs))",
        "You return an error. Return the step that has this error.",
    ),
    best(
        "the index of the step",
        "hs.index(min(hs, key=error))",
        "You return a position in the list. Return the step at this position.",
    ),
    best(
        "always the first step",
        "hs[0]",
        "You always return the first step of the list. (So does `min` if all the errors that it compares are equal.)",
    ),
    best(
        "always the last step",
        "hs[-1]",
        "You always return the last step of the list. (So does a loop that never updates its smallest error.)",
    ),
    best(
        "no step returned",
        "None",
        "You return None. Either there is no `return` for the best step, or no error is ever below your "
        "first value of the smallest error.",
    ),
    *(
        best(
            "a search that starts with a small error",
            f"min(hs, key=error) if error(min(hs, key=error)) < {start} else {before}",
            "Your search finds nothing if all errors are larger than your first value of the smallest error.",
        )
        for start in (1, 100)
        for before in ("None", "hs[0]", "0")
    ),
    best(
        "the last step left out",
        "min(hs[:-1], key=error)",
        "The last step of the list is never the best one for your code. Where does the search end?",
    ),
    best(
        "the search stops too early",
        "next((h for h, after in zip(hs, hs[1:]) if error(after) > error(h)), hs[-1])",
        "You stop at the first step that is worse than the one before it. A later step may be better.",
    ),
    best(
        "forward differences",
        "min(hs, key=lambda h: abs((f(x + h) - f(x)) / h - slope))",
        "You compare the errors of forward differences. Another step is the best one for central differences.",
    ),
    best(
        "arguments exchanged",
        "min(hs, key=lambda h: abs(central_difference(f, h, x) - slope))",
        "You pass h to central_difference as the point. The point is x.",
    ),
    gradient(
        "forward differences",
        "[(f(x + nudge) - f(x)) / h for nudge in nudges]",
        "Each element is nudged to the right only. That leaves an error proportional to h.",
    ),
    *(
        gradient(
            "nudged elements not put back",
            f"[(f(x + {right}) - f(x - {left})) / (2 * h) for now, row in zip(nudges, h * np.tri(len(x)))]",
            "The slopes after the first are wrong. You did not undo the nudge of one element before you "
            "nudged the next.",
        )
        for right, left in (
            ("row", "row"),
            ("row", "now"),
            ("now", "row"),
            ("row", "(2 * now - row)"),
            ("(2 * now - row)", "row"),
        )
    ),
    gradient(
        "one of the points is x itself",
        "[(f(x + nudge) - f(x)) / (2 * h) for nudge in nudges]",
        "You measure from x to x + h and divide by 2h. If you first add h to an element, subtracting h once only takes "
        "you back to x.",
    ),
    gradient(
        "rounded to whole numbers",
        "[int((f(x + nudge) - f(x - nudge)) / (2 * h)) for nudge in nudges]",
        "Your slopes are whole numbers. An array of integers cuts off what is after the decimal point.",
    ),
    gradient(
        "nudged by a fraction of the element",
        "[(f(x * (1 + nudge)) - f(x * (1 - nudge))) / (2 * h) for nudge in nudges]",
        "Your nudge is h times the element. Nudge each element by h itself.",
    ),
    gradient(
        "all slopes are 0",
        "0 * x",
        "Either the two points are the same, or the slopes are never stored. Note that `right = left = x.copy()` "
        "makes one array with two names, not two arrays.",
    ),
    *(
        gradient(
            "all elements nudged at once",
            f"{slopes} / (2 * h)",
            "You nudged all elements together, so you measure the sum of all slopes. Each slope needs "
            "a nudge of its element alone.",
        )
        for slopes in ("(f(x + h) - f(x - h))", "np.full(len(x), f(x + h) - f(x - h))")
    ),
)
