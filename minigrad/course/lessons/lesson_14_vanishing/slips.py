"""Typical wrong answers to lesson 14. Each one replaces a part of the solution."""

from minigrad.course.checking.lesson import Slip
from minigrad.course.checking.registry import lesson

SOLUTION = lesson(14).read("solution.py")
RATIO, NORM = (
    "(np.linalg.norm(v) / before) ** (1 / steps)",
    "math.sqrt(sum(np.sum(g**2) for g in gradients))",
)
TIMES = "    for _ in range(steps):\n        v = v @ W_hh.T\n    return "
LAST = "    for _ in range(steps):\n        before, v = np.linalg.norm(v), v @ W_hh.T\n    return "
SLIPS = tuple(Slip(name, SOLUTION.replace(old, new), kind) for name, old, new, kind in (
    ("W_hh not transposed", "h**2)) @ W_hh.T", "h**2)) @ W_hh",
     "You use the matrix as in the forward pass. W_hh is square, so there is no shape error. But the gradient must go "
     "the other way through it."),
    ("slope of tanh after the matrix product", "(dh * (1 - h**2)) @ W_hh.T", "(dh @ W_hh.T) * (1 - h**2)",
     "You use both factors, but in the order of the forward pass. The backward pass starts with the last operation."),
    ("tanh applied twice", "1 - h**2", "1 - np.tanh(h) ** 2",
     "The slope of tanh at a is 1 - tanh(a)². But h is already tanh(a)."),
    ("the difference squared", "1 - h**2", "(1 - h) ** 2", "You square 1 - h. Only h is squared in the slope of tanh."),
    ("slope of the sigmoid", "1 - h**2", "h * (1 - h)",
     "h * (1 - h) is the slope of the sigmoid. The state went through tanh."),
    ("off by one step", "[np.linalg.norm(dh)]\n    for h in hs[:0:-1]", "[]\n    for h in hs[::-1]",
     "You step back before you measure. dh is already the gradient of the last state."),
    ("states visited from the first to the last", "for h in hs[:0:-1]", "for h in hs[:-1]",
     "You step back through the first state first. The way back begins at the last state."),
    ("the norm of a matrix", "np.linalg.norm(dh)", "np.linalg.norm(dh, 2)",
     "`np.linalg.norm(dh, 2)` of an array with two axes is its largest singular value. Add up the squares of all "
     "numbers."),
    ("absolute values added up", "np.linalg.norm(dh)", "np.sum(np.abs(dh))",
     "You add up absolute values. The norm is the square root of the sum of the squares."),
    ("each step from the last state", "        dh = step_back(dh, h, W_hh)\n        norms.append(np.linalg.norm(dh)",
     "        norms.append(np.linalg.norm(step_back(dh, h, W_hh))",
     "Each of your steps starts from the gradient of the last state. A step must start from the result of the step "
     "before."),
    ("largest eigenvalue", RATIO, "np.max(np.abs(np.linalg.eigvals(W_hh)))",
     "That is the factor in the long run. Here, the average of the first steps is asked for. It depends on v."),
    ("largest singular value", RATIO, "np.linalg.norm(W_hh, 2)",
     "That is the largest possible factor of one step. Here, the average from v is asked for."),
    ("the factor of the last step", TIMES + RATIO, LAST + "np.linalg.norm(v) / before",
     "That is the factor of the last step alone. The average compares with the first vector."),
    ("the norm before the last step", TIMES + RATIO, LAST + RATIO,
     "You measure this norm again at each step, so only the last step counts. Measure it once, before the loop."),
    ("an average that adds", TIMES + RATIO, "    factors = [np.linalg.norm((u := v, v := v @ W_hh.T)[1]) / "
     "np.linalg.norm(u) for _ in range(steps)]\n    return np.mean(factors)",
     "You add the factors and divide by their number. But the norm is multiplied by each of them."),
    ("the first norm divided by the last", "(np.linalg.norm(v) / before)", "(before / np.linalg.norm(v))",
     "You divide by the norm after the steps, so the factor of a shrinking gradient is above 1."),
    ("divided by the steps", ") ** (1 / steps)", ") / steps",
     "You divide the factor of all steps by their number. Take the root instead. If you wrote `** 1 / steps`, Python "
     "raises to the power 1 first and divides afterwards."),
    ("a power in place of the root", ") ** (1 / steps)", ") ** steps",
     "You raise the factor of all steps to the power of their number. That is the opposite of the root."),
    ("twice the same norm", RATIO, "1.0",
     "Your result is always 1, because you divide a norm by itself. Measure one norm before the loop, and the other "
     "one after it."),
    ("each entry raised to a power", TIMES, "    v = W_hh**steps @ v\n    return ",
     "`**` raises each entry of the matrix to the power. That is not the matrix product, repeated."),
    ("one step too few on a tie", "left >= share", "left > share",
     "If exactly the share is left after some step, it is not yet less than the share."),
    ("one step too many", "steps, left = 0", "steps, left = 1",
     "Your number is always one too large. Count by hand for factor 0.5 and share 0.3."),
    ("one step too few", "steps, left = 0", "steps, left = -1",
     "After that many steps, the share or slightly more is left. You need one more step."),
    ("not rounded", "    steps, left", "    return math.log(share) / math.log(factor)\n    steps, left",
     "The logarithms give the point between two steps at which exactly the share is left. Return an integer."),
    ("logarithms exchanged", "    steps, left",
     "    return math.floor(math.log(factor) / math.log(share)) + 1\n    steps, left",
     "Your quotient is upside down: a factor near 1 needs many steps, not few."),
    ("no logarithm of the share", "    steps, left",
     "    return math.floor(-share / math.log(factor)) + 1\n    steps, left",
     "You divide the share itself. Take its logarithm too."),
    ("squared at each step", "left *= factor", "left = left * left if steps > 1 else factor",
     "You square what is left. Each step multiplies it by the same factor."),
    ("subtracted at each step", "left *= factor", "left -= 1 - factor",
     "You subtract the same number at each step. Each step multiplies by the factor."),
    ("lost instead of left", "left >= share", "left >= 1 - share",
     "You stop when the share is lost. Stop when less than the share is left."),
    ("each array clipped separately", "scale * g", "g * max_norm / max(np.linalg.norm(g), max_norm)",
     "You scale each array by its own factor. That changes the direction of the step, and its norm may still be "
     "larger than max_norm."),
    ("clipped element by element", "scale * g", "np.clip(g, -max_norm, max_norm)",
     "You reduce large elements but not small ones, which changes the direction of the step."),
    ("norms added up", NORM, "sum(np.linalg.norm(g) for g in gradients)",
     "The norm of all arrays together is not the sum of their norms: [5] and [12] have norm 13, not 17."),
    ("the largest norm", NORM, "max(np.linalg.norm(g) for g in gradients)",
     "You use the largest of the arrays' norms. The common norm contains the numbers of all arrays."),
    ("the norm of the first array", NORM, "np.linalg.norm(gradients[0])",
     "You measure the first array only. The common norm contains the numbers of all arrays."),
    ("sums squared", "np.sum(g**2) for", "np.sum(g) ** 2 for",
     "You add up the numbers of an array before you square. Square each number first."),
    ("scale upside down", "max_norm / max(norm, max_norm)", "max(norm, max_norm) / max_norm",
     "You make long gradients even longer. Exchange the two numbers in the quotient."),
    ("short gradients scaled up", "max(norm, max_norm)", "norm",
     "You scale every gradient to max_norm, even short ones. Clipping is only a limit: a gradient that is short enough "
     "does not change."),
))  # fmt: skip
