"""Common wrong answers to lesson 2."""

from minigrad.course.lesson import Slip

SLIPS = (
    Slip(
        "smaller is always better",
        "def best_h(f, x, slope, hs):\n    return min(hs)",
        "You took the smallest step without measuring. Below a certain step size, the two values "
        "of f agree in nearly all their digits, and their difference is mostly rounding.",
        "the h in hs with the smallest |central_difference(f, x, h) - slope|",
    ),
    Slip(
        "larger is always better",
        "def best_h(f, x, slope, hs):\n    return max(hs)",
        "You took the largest step without measuring. A curve bends, and over a long step it "
        "bends a lot.",
        "the h in hs with the smallest |central_difference(f, x, h) - slope|",
    ),
    Slip(
        "backward difference",
        "def central_difference(f, x, h):\n    return (f(x) - f(x - h)) / h",
        "You step to the left only. That leaves an error proportional to h, because the curve "
        "bends between the two points.",
        "(f(x + h) - f(x - h)) / 2h",
    ),
    Slip(
        "parentheses missing around the difference",
        "def central_difference(f, x, h):\n    return f(x + h) - f(x - h) / (2 * h)",
        "Python divides before it subtracts, so only the second value of f is divided.",
        "(f(x + h) - f(x - h)) / (2 * h)",
    ),
    Slip(
        "forward difference",
        "def central_difference(f, x, h):\n    return (f(x + h) - f(x)) / h",
        "You step to one side only. That leaves an error proportional to h, because the curve "
        "bends between the two points.",
        "(f(x + h) - f(x - h)) / 2h",
    ),
    Slip(
        "divided by one step instead of two",
        "def central_difference(f, x, h):\n    return (f(x + h) - f(x - h)) / h",
        "Your slope is too steep by a factor of 2. Look at the distance between the two points.",
        "(f(x + h) - f(x - h)) / 2h, because x - h and x + h are 2h apart",
    ),
    Slip(
        "parentheses missing around the divisor",
        "def central_difference(f, x, h):\n    return (f(x + h) - f(x - h)) / 2 * h",
        "Python reads `/ 2 * h` from left to right. It divides by 2 and then multiplies by h.",
        "(f(x + h) - f(x - h)) / (2 * h)",
    ),
    Slip(
        "wrong sign",
        "def central_difference(f, x, h):\n    return (f(x - h) - f(x + h)) / (2 * h)",
        "Your slope is negative where f rises. You swapped left and right.",
        "right minus left: (f(x + h) - f(x - h)) / 2h",
    ),
    Slip(
        "errors compared with their signs",
        "def best_h(f, x, slope, hs):\n    return min(hs, key=lambda h: central_difference(f, x, "
        "h) - slope)",
        "You looked for the smallest error, and an error of -0.5 is smaller than an error of 0. "
        "Compare the sizes of the errors, without their signs.",
        "smallest |central_difference(f, x, h) - slope|",
    ),
    Slip(
        "the error instead of the step",
        "def best_h(f, x, slope, hs):\n    return min(abs(central_difference(f, x, h) - slope) "
        "for h in hs)",
        "You return the smallest error. Return the step that gives it.",
        "the h for which |central_difference(f, x, h) - slope| is smallest",
    ),
    Slip(
        "the index instead of the step",
        "def best_h(f, x, slope, hs):\n    sizes = [abs(central_difference(f, x, h) - slope) for "
        "h in hs]\n    return sizes.index(min(sizes))",
        "You return the index of the best step in the list. Return the step itself.",
        "hs[index], the h for which |central_difference(f, x, h) - slope| is smallest",
    ),
    Slip(
        "the worst step",
        "def best_h(f, x, slope, hs):\n    return max(hs, key=lambda h: abs(central_difference(f, "
        "x, h) - slope))",
        "You measured the errors, but then you took the step with the largest one.",
        "the h in hs with the smallest |central_difference(f, x, h) - slope|",
    ),
    Slip(
        "half a step to each side",
        "def central_difference(f, x, h):\n    return (f(x + h / 2) - f(x - h / 2)) / (2 * h)",
        "Your two points are h apart, but you divide by 2h.",
        "(f(x + h) - f(x - h)) / 2h",
    ),
    Slip(
        "one element of x instead of the whole array",
        "def numeric_gradient(f, x, h):\n    return np.array([central_difference(f, x[i], h) for "
        "i in range(len(x))])",
        "You passed a single number to f. It needs the whole array, with one element nudged.",
        "for each i: (f(x + nudge) - f(x - nudge)) / 2h, where nudge is h in element i and 0 "
        "elsewhere",
    ),
    Slip(
        "nudged elements not put back",
        """
def numeric_gradient(f, x, h):
    x = x.copy()
    gradient = np.zeros(len(x))
    for i in range(len(x)):
        x[i] += h
        right = f(x)
        x[i] -= 2 * h
        gradient[i] = (right - f(x)) / (2 * h)
    return gradient
""",
        "The first slope is right, but the later slopes are wrong. You did not undo the nudge of "
        "one element before you nudged the next.",
        "for each i, only element i of x differs from the given point",
    ),
    Slip(
        "two names for one array",
        """
def numeric_gradient(f, x, h):
    gradient = np.zeros(len(x))
    for i in range(len(x)):
        right = left = x.copy()
        right[i] += h
        left[i] -= h
        gradient[i] = (f(right) - f(left)) / (2 * h)
    return gradient
""",
        "`right = left = ...` makes one array with two names. You add h to it and then subtract h "
        "again.",
        "right and left are two arrays: x + nudge and x - nudge, where nudge is h in element i and "
        "0 elsewhere",
    ),
    Slip(
        "all elements nudged at once",
        "def numeric_gradient(f, x, h):\n    return np.full(len(x), (f(x + h) - f(x - h)) / (2 * "
        "h))",
        "You nudged all elements together. That measures the sum of all slopes, and you return "
        "this sum for each element.",
        "for each i: (f(x + nudge) - f(x - nudge)) / 2h, where nudge is h in element i and 0 "
        "elsewhere",
    ),
)
