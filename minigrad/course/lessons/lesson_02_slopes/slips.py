"""Common wrong answers to lesson 2."""

import textwrap

from minigrad.course.lesson import Slip

from .check import BEST, CENTRAL, GRADIENT


def central(name, returned, kind):
    """A slip in central_difference, which returns this."""
    return Slip(name, f"def central_difference(f, x, h):\n    return {returned}", kind, CENTRAL)


def best(name, body, kind):
    """A slip in best_h. Its body uses error(h)."""
    code = "def best_h(f, x, slope, hs):\n    error = lambda h: abs(central_difference(f, x, h) - slope)\n"
    return Slip(name, code + textwrap.indent(textwrap.dedent(body).strip(), "    "), kind, BEST)


def gradient(name, slope, kind, right="x + nudge", left="x - nudge"):
    """A slip in numeric_gradient, which computes this slope from two points."""
    code = f"""
def numeric_gradient(f, x, h):
    slopes = []
    for nudge in h * np.eye(len(x)):
        right, left = {right}, {left}
        slopes.append({slope})
    return np.array(slopes)
"""
    return Slip(name, code, kind, GRADIENT)


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
    *(
        central(
            "one step instead of two",
            f"({rise}) / (2 * h)",
            f"You step to the {side} only, but divide by 2h. With one step, the run is h.",
        )
        for side, rise in (("right", "f(x + h) - f(x)"), ("left", "f(x) - f(x - h)"))
    ),
    central(
        "divided by h",
        "(f(x + h) - f(x - h)) / h",
        "You divide by h. How far apart are the two points?",
    ),
    central(
        "brackets around 2 * h forgotten",
        "(f(x + h) - f(x - h)) / 2 * h",
        "Your result is multiplied by h. Python evaluates `/ 2 * h` from left to right.",
    ),
    central("divided by 2", "(f(x + h) - f(x - h)) / 2", "You divide by 2, but not by h."),
    central(
        "the run upside down",
        "(2 * h) / (f(x + h) - f(x - h))",
        "You divide the run by the rise. Turn the fraction over.",
    ),
    central(
        "the sign of the slope lost",
        "abs(f(x + h) - f(x - h)) / (2 * h)",
        "Your result is never negative. Where a function falls, its slope is negative.",
    ),
    central(
        "the same point twice",
        "0.0",
        "Your result is always 0: you subtract a value of f from itself. Are both points the same?",
    ),
    central(
        "half a step to each side",
        "(f(x + h / 2) - f(x - h / 2)) / h",
        "Your two points are h / 2 away from x. They should be h away from x.",
    ),
    central(
        "half a step to each side",
        "(f(x + h / 2) - f(x - h / 2)) / (2 * h)",
        "Your two points are h / 2 away from x, but you divide by 2h. They should be h away from x.",
    ),
    central(
        "too long a step to each side",
        "(f(x + 2 * h) - f(x - 2 * h)) / (2 * h)",
        "Your two points are 2h away from x. They should be h away from x.",
    ),
    *(
        central(
            "your own step",
            f"(f(x + {h}) - f(x - {h})) / (2 * {h})",
            "You use a step of your own. Use the argument h.",
        )
        for h in ("1e-3", "1e-5")
    ),
    best(
        "smaller is always better",
        "return min(hs)",
        "You always return the smallest step. Below a certain step size, the two values of f agree "
        "in nearly all their digits, and their difference is mostly rounding.",
    ),
    best(
        "larger is always better",
        "return max(hs)",
        "You always return the largest step. A curve bends, and over a long step it bends a lot.",
    ),
    best(
        "always the first step",
        "return hs[0]",
        "You always return the first step of the list. (So does `min` if all the errors that it compares are equal.)",
    ),
    best(
        "always the last step",
        "return hs[-1]",
        "You always return the last step of the list. (So does a loop that never updates its smallest error.)",
    ),
    best(
        "the worst step", "return max(hs, key=error)", "You return the step with the largest error."
    ),
    best(
        "the second-best step",
        "return sorted(hs, key=error)[1]",
        "You return the step with the second-smallest error.",
    ),
    best(
        "the sign of the error counts",
        "return min(hs, key=lambda h: central_difference(f, x, h) - slope)",
        "You compare errors with their signs. A large negative error is not a small error.",
    ),
    best(
        "the sign of the error counts",
        "return min(hs, key=lambda h: slope - central_difference(f, x, h))",
        "You compare errors with their signs. A large negative error is not a small error.",
    ),
    best(
        "a sum instead of a difference",
        "return min(hs, key=lambda h: abs(central_difference(f, x, h) + slope))",
        "You add the true slope to the measured slope. The error is their difference.",
    ),
    best(
        "divided by h",
        "return min(hs, key=lambda h: abs(2 * central_difference(f, x, h) - slope))",
        "Your measured slopes are twice as large as the central differences. How far apart are the two points?",
    ),
    best(
        "the flattest slope",
        "return min(hs, key=lambda h: abs(central_difference(f, x, h)))",
        "You return the step whose central difference is closest to 0. It should be closest to the true slope.",
    ),
    best(
        "the error instead of the step",
        "return min(map(error, hs))",
        "You return the smallest error. Return the step that gives it.",
    ),
    best(
        "the index instead of the step",
        "return hs.index(min(hs, key=error))",
        "You return the index of the best step in the list. Return the step itself.",
    ),
    best(
        "the slope instead of the step",
        "return central_difference(f, x, min(hs, key=error))",
        "You return the slope that the best step measures. Return the step itself.",
    ),
    best(
        "no step returned",
        "return None",
        "You return None. Either there is no `return` for the best step, or no error is ever below your "
        "first value of the smallest error.",
    ),
    *(
        best(
            "a search that starts with a small error",
            f"return min(hs, key=error) if error(min(hs, key=error)) < {start} else {before}",
            "Your search finds nothing if all errors are larger than your first value of the smallest error.",
        )
        for start in (1, 100)
        for before in ("None", "hs[0]", "0")
    ),
    best(
        "the first step left out",
        "return min(hs[1:], key=error)",
        "The first step of the list is never the best one for your code. Where does the search start?",
    ),
    best(
        "the last step left out",
        "return min(hs[:-1], key=error)",
        "The last step of the list is never the best one for your code. Where does the search end?",
    ),
    best(
        "the search stops too early",
        """
        for h, after in zip(hs, hs[1:]):
            if error(after) > error(h):
                return h
        return hs[-1]
        """,
        "You stop at the first step that is worse than the one before it. A later step may be better.",
    ),
    best(
        "the comparison with the step before",
        """
        found, before = hs[0], error(hs[0])
        for h in hs[1:]:
            if error(h) < before:
                found = h
            before = error(h)
        return found
        """,
        "You compare each error with the one before it. Compare it with the smallest error so far.",
    ),
    best(
        "arguments exchanged",
        "return min(hs, key=lambda h: abs(central_difference(f, slope, h) - x))",
        "You measure at the point `slope`, and compare with x. These two are exchanged.",
    ),
    best(
        "measured at the wrong point",
        "return min(hs, key=lambda h: abs(central_difference(f, slope, h) - slope))",
        "You measure at the point `slope`. Measure at x.",
    ),
    best(
        "arguments exchanged",
        "return min(hs, key=lambda h: abs(central_difference(f, h, x) - slope))",
        "You pass h to central_difference as the point. The point is x.",
    ),
    best(
        "compared with the mean",
        """
        measured = [central_difference(f, x, h) for h in hs]
        return min(hs, key=lambda h: abs(central_difference(f, x, h) - sum(measured) / len(measured)))
        """,
        "You return the step closest to the mean of all your measurements. Compare with the true slope.",
    ),
    best(
        "compared with f(x)",
        "return min(hs, key=lambda h: abs(central_difference(f, x, h) - f(x)))",
        "You compare the measured slope with the value of f. Compare it with the true slope.",
    ),
    best(
        "errors of a one-sided difference",
        "return min(hs, key=lambda h: abs((f(x + h) - f(x)) / h - slope))",
        "You return the best step for a difference with x itself. Measure with the central difference.",
    ),
    Slip(
        "one element of x instead of the whole array",
        "def numeric_gradient(f, x, h):\n    return np.array([central_difference(f, one, h) for one in x])",
        "You passed only one element of x to f. It needs the whole array, with one element nudged.",
        GRADIENT,
    ),
    *(
        Slip(
            "nudged elements not put back",
            f"""
def numeric_gradient(f, x, h):
    right, left, slopes = x.copy(), x.copy(), []
    for i in range(len(x)):
        {nudges}
    return np.array(slopes)
""",
            "The slopes after the first are wrong. You did not undo the nudge of one element before you "
            "nudged the next.",
            GRADIENT,
        )
        for nudges in (
            "right[i] += h; left[i] -= h; slopes.append((f(right) - f(left)) / (2 * h))",
            "right[i] += h; up = f(right); right[i] -= 2 * h; slopes.append((up - f(right)) / (2 * h))",
            "right[i] += h; left = x.copy(); left[i] -= h; slopes.append((f(right) - f(left)) / (2 * h))",
            "left[i] -= h; right = x.copy(); right[i] += h; slopes.append((f(right) - f(left)) / (2 * h))",
        )
    ),
    gradient(
        "forward differences",
        "(f(right) - f(x)) / h",
        "Each element is nudged to the right only. That leaves an error proportional to h.",
    ),
    gradient(
        "backward differences",
        "(f(x) - f(left)) / h",
        "Each element is nudged to the left only. That leaves an error proportional to h.",
    ),
    gradient(
        "one step instead of two",
        "(f(right) - f(x)) / (2 * h)",
        "Each element is nudged to the right only, but you divide by 2h. With one step, the run is h.",
    ),
    gradient(
        "one step instead of two",
        "(f(x) - f(left)) / (2 * h)",
        "Each element is nudged to the left only, but you divide by 2h. With one step, the run is h.",
    ),
    gradient(
        "divided by h",
        "(f(right) - f(left)) / h",
        "You divide by h. How far apart are the two points?",
    ),
    gradient(
        "brackets around 2 * h forgotten",
        "(f(right) - f(left)) / 2 * h",
        "Your result is multiplied by h. Python evaluates `/ 2 * h` from left to right.",
    ),
    gradient("divided by 2", "(f(right) - f(left)) / 2", "You divide by 2, but not by h."),
    gradient(
        "the sign of the slope lost",
        "abs(f(right) - f(left)) / (2 * h)",
        "Your slopes are never negative. Where a function falls, its slope is negative.",
    ),
    gradient(
        "nudged by a fraction of the element",
        "(f(right) - f(left)) / (2 * h)",
        "Your nudge is h times the element. Nudge each element by h itself.",
        "x * (1 + nudge)",
        "x * (1 - nudge)",
    ),
    gradient(
        "replaced instead of nudged",
        "(f(right) - f(left)) / (2 * h)",
        "You put h or -h in the place of the element. Add h to the element, and subtract h from it.",
        "np.where(nudge, h, x)",
        "np.where(nudge, -h, x)",
    ),
    gradient(
        "the other elements lost",
        "(f(right) - f(left)) / (2 * h)",
        "All elements but the nudged one are 0 when you call f. Leave them as they are in x.",
        "(x + h) * (nudge != 0)",
        "(x - h) * (nudge != 0)",
    ),
    gradient(
        "the nudge alone",
        "(f(right) - f(left)) / (2 * h)",
        "You pass the nudge alone to f. Add it to x, and subtract it from x.",
        "nudge",
        "-nudge",
    ),
    gradient(
        "nudges of 1",
        "(f(right) - f(left)) / (2 * h)",
        "You nudge by 1, but divide by 2h. Nudge by h.",
        "x + (nudge != 0)",
        "x - (nudge != 0)",
    ),
    gradient(
        "whole numbers",
        "int((f(right) - f(left)) / (2 * h))",
        "Your slopes are cut off to whole numbers. Does your array hold integers?",
    ),
    *(
        Slip(
            "always the first element",
            f"""
def numeric_gradient(f, x, h):
    nudges = h * np.eye(len(x))
    return np.array([(f(x + {right}) - f(x - {left})) / (2 * h) for nudge in nudges])
""",
            f"The nudge to the {side} always moves the first element.",
            GRADIENT,
        )
        for side, right, left in (
            ("right", "nudges[0]", "nudge"),
            ("left", "nudge", "nudges[0]"),
            ("right and to the left", "nudges[0]", "nudges[0]"),
        )
    ),
    *(
        Slip(
            name,
            f"""
def numeric_gradient(f, x, h):
    row = np.eye(len(x))[{i}]
    return (f(x + h * row) - f(x - h * row)) / (2 * h) * row
""",
            kind,
            GRADIENT,
        )
        for name, i, kind in (
            (
                "only the first slope",
                0,
                "All slopes after the first are 0. Does the function return before its loop ends?",
            ),
            (
                "only the last slope",
                -1,
                "All slopes before the last are 0. Is a new array made in each round of the loop?",
            ),
        )
    ),
    Slip(
        "all slopes are 0",
        "def numeric_gradient(f, x, h):\n    return np.zeros(len(x))",
        "Either the two points are the same, or the slopes are never stored. Note that `right = left = x.copy()` "
        "makes one array with two names, not two arrays.",
        GRADIENT,
    ),
    Slip(
        "all elements nudged at once",
        "def numeric_gradient(f, x, h):\n    return np.full(len(x), (f(x + h) - f(x - h)) / (2 * h))",
        "You nudged all elements together. That measures the sum of all slopes, and you return "
        "this sum for each element.",
        GRADIENT,
    ),
    Slip(
        "slopes added up",
        """
def numeric_gradient(f, x, h):
    return np.cumsum([(f(x + row) - f(x - row)) / (2 * h) for row in h * np.eye(len(x))])
""",
        "Each slope is added to the ones before it. Each element has its own slope.",
        GRADIENT,
    ),
    Slip(
        "the order of the slopes",
        """
def numeric_gradient(f, x, h):
    return np.array([(f(x + row) - f(x - row)) / (2 * h) for row in h * np.eye(len(x))])[::-1]
""",
        "The slopes are right, but in the opposite order.",
        GRADIENT,
    ),
)
