"""Common wrong solutions to lesson 14."""

from minigrad.course.lesson import Slip

_STEP = "dL/dh_before = (dL/dh_t ⊙ (1 - h_t²)) @ W_hhᵀ, where ⊙ multiplies element by element"
_BACK = "def step_back(dh, h, W_hh):\n    return {}"
_FLOW = """
def flow(dh, hs, W_hh):
    norms, last = [{norm}], dh
    for h in hs[:0:-1]:
        dh = step_back(dh, h, W_hh)
        norms.append({norm})
    return np.array(norms[::-1])
"""
_EARLY = """
def flow(dh, hs, W_hh):
    norms = []
    for h in hs[::-1]:
        norms.append(np.linalg.norm({}))
        dh = step_back(dh, h, W_hh)
    return np.array(norms[::-1])
"""
_BACKWARDS = (
    "T norms need T - 1 steps back; entry T - 1 is the norm of dh, and a step back through h_t"
    " gives entry t - 1"
)
_AVERAGE = """
def decay(W_hh, v, steps):
    first, norms = v, []
    for _ in range(steps):
        norms.append(np.linalg.norm(v))
        v = v @ W_hh.T
    before, after = norms[0], np.linalg.norm(v)
    return {result}
"""
_DECAY = "v @ W_hhᵀ, repeated; then (norm of the last v / norm of the first v)^(1 / steps)"
_COUNT = """
def reach(factor, share):
    steps, left = 0, 1.0
    while factor < 1 and left >= {share}:
        steps += 1
        left = {left}
    return steps if factor < 1 else np.inf
"""
_LOG = "def reach(factor, share):\n    return np.inf if factor >= 1 else {steps}"
_LOGS = "math.log(share) / math.log(factor)"
_REACH = "the smallest n with factor^n < share; np.inf if factor is 1 or more"
_SCALED = """
def clip(gradients, max_norm):
    norm = {norm}
    return [g * max_norm / max(norm, max_norm) for g in gradients]
"""
_CLIP = "norm = √(sum of all squares, over all arrays); every array times min(1, max_norm / norm)"

SLIPS = (
    Slip(
        "W_hh not transposed",
        "def step_back(dh, h, W_hh):\n    return (dh * (1 - h**2)) @ W_hh",
        "You use the matrix as in the forward pass. W_hh is square, so there is no shape error. "
        "But the gradient must go the other way through it.",
        _STEP,
    ),
    Slip(
        "slope of tanh after the matrix product",
        "def step_back(dh, h, W_hh):\n    return (dh @ W_hh.T) * (1 - h**2)",
        "You use both factors, but in the order of the forward pass. The backward pass starts with"
        " the last operation.",
        _STEP,
    ),
    Slip(
        "largest eigenvalue",
        "def decay(W_hh, v, steps):\n    return np.max(np.abs(np.linalg.eigvals(W_hh)))",
        "That is the factor in the long run. Here, the average of the first steps is asked for. It "
        "depends on v.",
        _DECAY,
    ),
    Slip(
        "each array clipped separately",
        "def clip(gradients, max_norm):\n    return [g * max_norm / max(max_norm, "
        "np.linalg.norm(g)) for g in gradients]",
        "You scale each array by its own factor. That changes the direction of the step, and its "
        "norm may still be larger than max_norm.",
        _CLIP,
    ),
    Slip(
        "clipped element by element",
        "def clip(gradients, max_norm):\n    return [np.clip(g, -max_norm, max_norm) for g in "
        "gradients]",
        "You reduce large elements but not small ones, which changes the direction of the step.",
        _CLIP,
    ),
    *(
        Slip(name, _BACK.format(code), kind, _STEP)
        for name, code, kind in (
            ("only the slope of tanh", "dh * (1 - h**2)",
             "You multiply by the slope of tanh only. But h_before also goes through a matrix product."),
            ("slope of tanh forgotten", "dh @ W_hh.T",
             "You go back through the matrix product, but not through tanh. tanh comes last in the forward pass, so it "
             "comes first in the backward pass."),
            ("tanh applied twice", "(dh * (1 - np.tanh(h) ** 2)) @ W_hh.T",
             "The slope of tanh at a is 1 - tanh(a)². But h is already tanh(a)."),
            ("slope with the wrong sign", "(dh * (h**2 - 1)) @ W_hh.T",
             "tanh rises everywhere, so its slope is positive. Yours is negative."),
            ("the difference squared", "(dh * (1 - h) ** 2) @ W_hh.T",
             "You square 1 - h. Only h is squared in the slope of tanh."),
            ("slope of the sigmoid", "(dh * h * (1 - h)) @ W_hh.T",
             "h * (1 - h) is the slope of the sigmoid. The state went through tanh."),
            ("slope added", "(dh + (1 - h**2)) @ W_hh.T",
             "You add the slope of tanh to the gradient. The gradient is multiplied by it."),
        )
    ),
    *(
        Slip(name, _FLOW.format(norm=norm), kind, "norm = √(sum of the squares of all numbers)")
        for name, norm, kind in (
            ("square root missing from the norm", "np.sum(dh**2)",
             "These are sums of squares. A norm is the square root of that sum."),
            ("matrix norm instead of the norm of all numbers", "np.linalg.norm(dh, 2)",
             "With the argument 2, np.linalg.norm returns the largest singular value of a matrix, not the norm of "
             "its numbers."),
            ("norms of the examples added up", "np.sum(np.linalg.norm(dh, axis=1))",
             "You add up one norm for each example. Take a single square root, of the sum of all squares."),
            ("absolute values added up", "np.sum(np.abs(dh))",
             "You add up absolute values. A norm needs squares and a square root."),
        )
    ),
    *(
        Slip(name, _FLOW.format(norm="np.linalg.norm(dh)").replace(old, new), kind, _BACKWARDS)
        for name, old, new, kind in (
            ("the same state at each step", "dh, h, W", "dh, hs[-1], W",
             "Each of your steps goes back through the last state. Every step needs its own state."),
            ("dh never replaced", "dh = step", "step",
             "All of your norms are equal, because you never replace dh by the result of step_back."),
            ("each step from the last state", "step_back(dh", "step_back(last",
             "Each of your steps starts from the gradient of the last state. A step must start from the result of the "
             "step before."),
            ("first norm left at 0", "norms[::-1]", "[0, *norms[-2::-1]]",
             "Your loop ends before it stores the norm at index 0."),
            ("norms in the wrong order", "norms[::-1]", "norms",
             "Your list begins with the last state. The norm at t = 0 belongs first."),
            ("slope of tanh at the previous state", "hs[:0:-1]", "hs[-2::-1]",
             "dh is the gradient of the last state, so the first step back goes through that state. You started "
             "with the state before it."),
            ("one norm too many", "hs[:0:-1]", "hs[::-1]",
             "You also go back through hs[0], to the state before the first step. Only T norms are asked for."),
        )
    ),
    *(
        Slip(name, _EARLY.format(norm), kind, _BACKWARDS)
        for name, norm, kind in (
            ("off by one step", "step_back(dh, h, W_hh)",
             "You step back before you measure. dh is already the gradient of the last state."),
            ("measured after the slope of tanh", "dh * (1 - h**2)",
             "You measure after you multiply by the slope of tanh. Measure dL/dh_t itself, before that."),
        )
    ),
    *(
        Slip(name, _AVERAGE.format(result=result), kind, _DECAY)
        for name, result, kind in (
            ("the factor of the last step", "after / norms[-1]",
             "That is the factor of the last step alone. The average compares with the first vector."),
            ("the norm before the last step", "(after / norms[-1]) ** (1 / steps)",
             "You measure this norm again at each step, so only the last step counts. Measure it once, before the "
             "loop."),
            ("an average that adds", "np.mean(np.array([*norms[1:], after]) / norms)",
             "You add the factors and divide by their number. But the norm is multiplied by each of them."),
            ("the first norm divided by the last", "(before / after) ** (1 / steps)",
             "You divide by the norm after the steps, so the factor of a shrinking gradient is above 1."),
            ("divided by the steps", "after / before / steps",
             "You divide the factor of all steps by their number. Take the root instead. If you wrote `** 1 / steps`, "
             "Python raises to the power 1 first and divides afterwards."),
            ("no exponential", "np.log(after / before) / steps",
             "That is the average of the logarithms. Undo the logarithm with exp."),
            ("largest singular value", "np.linalg.norm(W_hh, 2)",
             "That is the largest possible factor of one step. Here, the average from v is asked for."),
            ("no root", "after / before",
             "That is the factor of all steps together. The average factor of a single step is its root."),
            ("a power in place of the root", "(after / before) ** steps",
             "You raise the factor of all steps to the power of their number. That is the opposite of the root."),
            ("one step only", "(np.linalg.norm(first @ W_hh.T) / before) ** (1 / steps)",
             "Your result contains only one step, whatever `steps` is. Each step must start from the result of the "
             "step before."),
            ("twice the same norm", "1.0",
             "Your result is always 1, because you divide a norm by itself. Measure one norm before the loop, and the "
             "other one after it."),
            ("each entry raised to a power", "(np.linalg.norm(W_hh**steps @ first) / before) ** (1 / steps)",
             "`**` raises each entry of the matrix to the power. That is not the matrix product, repeated."),
        )
    ),
    *(
        Slip(name, code, kind, _REACH)
        for name, code, kind in (
            ("one step too few on a tie", _LOG.format(steps=f"math.ceil({_LOGS})"),
             "If exactly the share is left after some step, it is not yet less than the share."),
            ("one step too many", _LOG.format(steps=f"math.floor({_LOGS}) + 2"),
             "Your number is always one too large. Count by hand for factor 0.5 and share 0.3."),
            ("rounded down", _LOG.format(steps=f"int({_LOGS})"),
             "After that many steps, the share or slightly more is left. You need one more step."),
            ("not rounded", _LOG.format(steps=_LOGS),
             "The logarithms give the point between two steps at which exactly the share is left. Return an integer."),
            ("no logarithm of the share", _LOG.format(steps="math.floor(-share / math.log(factor)) + 1"),
             "You divide the share itself. Take its logarithm too."),
            ("logarithms exchanged", _LOG.format(steps="math.floor(math.log(factor) / math.log(share)) + 1"),
             "Your quotient is upside down: a factor near 1 needs many steps, not few."),
            ("squared at each step", _COUNT.format(share="share", left="left * left if steps > 1 else factor"),
             "You square what is left. Each step multiplies it by the same factor."),
            ("subtracted at each step", _COUNT.format(share="share", left="left - (1 - factor)"),
             "You subtract the same number at each step. Each step multiplies by the factor."),
            ("lost instead of left", _COUNT.format(share="1 - share", left="left * factor"),
             "You stop when the share is lost. Stop when less than the share is left."),
        )
    ),
    *(
        Slip(name, _SCALED.format(norm=norm), kind, _CLIP)
        for name, norm, kind in (
            ("norms added up", "sum(np.linalg.norm(g) for g in gradients)",
             "The norm of all arrays together is not the sum of their norms: [5] and [12] have norm 13, not 17."),
            ("the largest norm", "max(np.linalg.norm(g) for g in gradients)",
             "You use the largest of the arrays' norms. The common norm contains the numbers of all arrays."),
            ("the norm of the first array", "np.linalg.norm(gradients[0])",
             "You measure the first array only. The common norm contains the numbers of all arrays."),
            ("the norm of the last array", "np.linalg.norm(gradients[-1])",
             "You measure the last array only. The common norm contains the numbers of all arrays."),
            ("sums squared", "math.sqrt(sum(np.sum(g) ** 2 for g in gradients))",
             "You add up the numbers of an array before you square. Square each number first."),
            ("absolute values added up", "sum(np.sum(abs(g)) for g in gradients)",
             "You add up absolute values. A norm needs squares and a square root."),
            ("the square of the norm", "sum(np.sum(g**2) for g in gradients)",
             "That is the sum of the squares. The norm is its square root."),
        )
    ),
    Slip(
        "scale upside down",
        "def clip(gradients, max_norm):\n    norm = math.sqrt(sum(np.sum(g**2) for g in gradients))\n"
        "    return [g * max(norm, max_norm) / max_norm for g in gradients]",
        "You make long gradients even longer. Exchange the two numbers in the quotient.",
        _CLIP,
    ),
    Slip(
        "max_norm forgotten",
        "def clip(gradients, max_norm):\n    norm = math.sqrt(sum(np.sum(g**2) for g in gradients))\n"
        "    return [g / (norm if norm > max_norm else 1) for g in gradients]",
        "Your clipped gradients have norm 1. Their norm should be max_norm.",
        _CLIP,
    ),
    Slip(
        "short gradients scaled up",
        "def clip(gradients, max_norm):\n    norm = math.sqrt(sum(np.sum(g**2) for g in gradients))\n"
        "    return [g * (max_norm / norm) for g in gradients]",
        "You scale every gradient to max_norm, even short ones. Clipping is only a limit: a "
        "gradient that is short enough does not change.",
        _CLIP,
    ),
    Slip(
        "one long array",
        "def clip(gradients, max_norm):\n    g = np.concatenate([g.ravel() for g in gradients])\n"
        "    return g * max_norm / max(np.linalg.norm(g), max_norm)",
        "The numbers are right, but they are in one long array. Return a list with an array for each input.",
        _CLIP,
    ),
)  # fmt: skip
