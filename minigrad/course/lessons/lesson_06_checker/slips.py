"""Common wrong answers to lesson 6."""

from minigrad.course.checking.lesson import Slip


def check(name, old, new, kind):
    """A slip in check_input, which has `new` in place of `old`."""
    return Slip(name, CHECK.replace(old, new), kind)


def numeric(name, body, kind):
    """A slip in numeric_gradient, which does this for each index."""
    code = f"""
def numeric_gradient(f, x, h=1e-5):
    nudge, slopes = np.zeros(x.shape), np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        {body}
    return slopes
"""
    return Slip(name, code, kind)


def agree(name, returned, kind):
    return Slip(name, f"def agree(claimed, measured):\n    return {returned}", kind)


CHECK = """
def check_input(gate, inputs, i):
    z = gate.forward(*inputs)
    v = np.random.default_rng(0).normal(size=z.shape)

    def loss(x):
        return (v * gate.forward(*inputs[:i], x, *inputs[i + 1 :])).sum()

    claimed = gate.backward(v, z, *inputs)[i]
    return agree(claimed, numeric_gradient(loss, inputs[i]))
"""
SAME = "np.shape(claimed) == np.shape(measured) and "

SLIPS = (
    check(
        "the plain sum",
        "np.random.default_rng(0).normal(size=z.shape)",
        "np.ones(z.shape)",
        "All outputs have the same weight in your loss. So you miss mistakes that cancel out in "
        "a plain sum, and mistakes that show only if the upstream gradient is not 1.",
    ),
    check(
        "slopes without v",
        "v * gate",
        "gate",
        "backward receives v, but the slopes of your loss do not depend on v. Each element of z needs its weight.",
    ),
    check(
        "every gate is rejected",
        "backward(v, z",
        "backward(np.ones(z.shape), z",
        "Your verdict is always False, also on correct gates. So you compare a gradient with slopes "
        "that do not belong to it. Print both. Do the loss and backward use the same v?",
    ),
    check(
        "every gate is accepted",
        "return agree(claimed, numeric_gradient(loss, inputs[i]))",
        "return True",
        "Your verdict is always True, also on wrong gates. Is the claimed gradient compared with "
        "something that was measured?",
    ),
    check(
        "all measured slopes are zero",
        "x, *inputs",
        "inputs[i], *inputs",
        "You accept a gradient of zeros and reject all others. So your loss does not move when x is "
        "nudged. Does it use its argument?",
    ),
    check(
        "only one element compared",
        "return agree(claimed, numeric_gradient(loss, inputs[i]))",
        "measured = numeric_gradient(loss, inputs[i])\n"
        f"    return {SAME}agree(claimed.flat[0], measured.flat[0])",
        "You check only one element of the gradient. The mistake may be in another element.",
    ),
    numeric(
        "one-sided difference",
        "nudge[...] = 0; nudge[index] = h; slopes[index] = (f(x + nudge) - f(x)) / h",
        "You nudge x in one direction only. Where f is curved, the error of the slope is about "
        "half of h times the second derivative. This is thousands of times the rounding error.",
    ),
    numeric(
        "whole rows nudged",
        "nudge[...] = 0; nudge[range(len(x))[index[0]]] = h; slopes[index] = (f(x + nudge) - f(x - nudge)) / (2 * h)",
        "In a matrix, x[i] is a whole row. Nudge one number at a time.",
    ),
    numeric(
        "earlier elements still nudged",
        "nudge[index] = h; slopes[index] = (f(x + nudge) - f(x - nudge)) / (2 * h)",
        "The first slope is right. When you nudge the second element, the first one is still nudged, so f moves "
        "by both.",
    ),
    numeric(
        "a nudge that is not undone",
        "x[index] += h; up = f(x); x[index] -= 2 * h; slopes[index] = (up - f(x)) / (2 * h)",
        "After the call, the elements of x are still nudged, so later code computes with changed numbers.",
    ),
    numeric(
        "all slopes are zero",
        "pass",
        "All slopes are 0. Do the two nudges cancel? Python's = makes no copy, so two names may mean one array.",
    ),
    *(
        agree(
            "a fixed limit",
            f"{shapes}bool((np.abs(claimed - measured) < {limit}).all())",
            "You compare the difference with a fixed number. Then any small gradient passes, and a "
            "large gradient fails because of rounding.",
        )
        for limit in (1e-3, 1e-4, 1e-6)
        for shapes in ("", SAME)
    ),
    *(
        agree(
            "shapes not compared",
            f"{nothing}bool(np.allclose(claimed, measured))",
            "NumPy stretched one shape to fit the other before it compared them. A gradient must "
            "have exactly the shape of its input.",
        )
        for nothing in ("", "claimed is not None and ")
    ),
    *(
        agree(
            "a sign that matters",
            f"{SAME}bool(({difference} <= 1e-8 + 1e-5 * {size}).all())",
            "A negative difference is below every limit, and no distance is below a negative limit.",
        )
        for difference, size in (
            ("claimed - measured", "np.abs(measured)"),
            ("np.abs(claimed - measured)", "measured"),
        )
    ),
    agree(
        "floats compared with ==",
        SAME + "bool(np.all(claimed == measured))",
        "You require every digit to be equal, but a measured slope is never exact.",
    ),
)
