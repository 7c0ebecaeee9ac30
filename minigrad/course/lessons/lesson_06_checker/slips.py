"""Common wrong answers to lesson 6."""

from minigrad.course.lesson import Slip

CHECK = """
def check_input(gate, inputs, i):
    z = gate.forward(*inputs)
    v = np.random.default_rng(0).normal(size=z.shape)

    def loss(x):
        return (v * gate.forward(*inputs[:i], x, *inputs[i + 1 :])).sum()

    claimed = gate.backward(v, z, *inputs)[i]
    return agree(claimed, numeric_gradient(loss, inputs[i]))
"""

SLIPS = (
    Slip(
        "the plain sum",
        CHECK.replace("np.random.default_rng(0).normal(size=z.shape)", "np.ones(z.shape)"),
        "All outputs have the same weight in your loss. So you miss mistakes that cancel out in "
        "a plain sum, and mistakes that show only if the upstream gradient is not 1.",
        "L = Σ v ⊙ z with a random v, and dz = v",
    ),
    Slip(
        "every gate is rejected",
        CHECK.replace("backward(v, z", "backward(np.ones(z.shape), z"),
        "Your verdict is always False, also on correct gates. So you compare a gradient with slopes "
        "that do not belong to it. Print both. Do the loss and backward use the same v?",
        "the same v in L = Σ v ⊙ z and in backward(v, z, *inputs)[i]",
    ),
    Slip(
        "the whole tuple compared",
        CHECK.replace("*inputs)[i]", "*inputs)"),
        "backward returns a tuple with one gradient for each input. You compare the tuple.",
        "backward(v, z, *inputs)[i]",
    ),
    Slip(
        "wrong z passed to backward",
        CHECK.replace("backward(v, z", "backward(v, v"),
        "backward(dz, z, ..) needs the output of forward as z. You pass other numbers.",
        "backward(v, z, *inputs)[i], with z = forward(*inputs)",
    ),
    Slip(
        "every gate is accepted",
        "def check_input(gate, inputs, i):\n    return True",
        "Your verdict is always True, also on wrong gates. Is the claimed gradient compared with "
        "something that was measured?",
        "agree(backward(v, z, *inputs)[i], the measured slopes)",
    ),
    Slip(
        "all measured slopes are zero",
        CHECK.replace("x, *inputs", "inputs[i], *inputs"),
        "You accept a gradient of zeros and reject all others. So your loss does not move when x is "
        "nudged. Does it use its argument?",
        "L(x) = Σ v ⊙ forward(.., x, ..), with x in place of inputs[i]",
    ),
    Slip(
        "only one element compared",
        CHECK.replace(
            "return agree(claimed, numeric_gradient(loss, inputs[i]))",
            "measured = numeric_gradient(loss, inputs[i])\n    return np.shape(claimed) == "
            "measured.shape and agree(claimed.flat[0], measured.flat[0])",
        ),
        "You check only one element of the gradient. The mistake may be in another element.",
        "compare all elements of the claimed gradient with all elements of the measured one",
    ),
    Slip(
        "one-sided difference",
        """
def numeric_gradient(f, x, h=1e-5):
    slopes = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        nudge = np.zeros(x.shape)
        nudge[index] = h
        slopes[index] = (f(x + nudge) - f(x)) / h
    return slopes
""",
        "You nudge x in one direction only. Where f is curved, the error of the slope is about "
        "half of h times the second derivative. This is thousands of times the rounding error.",
        "(f(x + h) - f(x - h)) / 2h",
    ),
    Slip(
        "one-sided difference, divided by 2h",
        """
def numeric_gradient(f, x, h=1e-5):
    slopes = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        nudge = np.zeros(x.shape)
        nudge[index] = h
        slopes[index] = (f(x + nudge) - f(x)) / (2 * h)
    return slopes
""",
        "You compare f at x with f at a single nudged point, but you divide by the distance of two nudged points.",
        "(f(x + h) - f(x - h)) / 2h",
    ),
    Slip(
        "earlier elements still nudged",
        """
def numeric_gradient(f, x, h=1e-5):
    slopes = np.zeros(x.shape)
    nudge = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        nudge[index] = h
        slopes[index] = (f(x + nudge) - f(x - nudge)) / (2 * h)
    return slopes
""",
        "The first slope is right. When you nudge the second element, the first one is still nudged, so f moves "
        "by both.",
        "one element at a time: restore it, or start from a new copy for each element",
    ),
    Slip(
        "a nudge that is not undone",
        """
def numeric_gradient(f, x, h=1e-5):
    slopes = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        x[index] += h
        up = f(x)
        x[index] -= 2 * h
        slopes[index] = (up - f(x)) / (2 * h)
    return slopes
""",
        "After the call, the elements of x are still nudged, so later code computes with changed numbers.",
        "x[index] += h after the second call to f, or nudge a copy",
    ),
    Slip(
        "a fixed limit",
        """
def agree(claimed, measured):
    return np.shape(claimed) == np.shape(measured) and bool((np.abs(claimed - measured) < 1e-3).all())
""",
        "You compare the difference with a fixed number. Then any small gradient passes, and a "
        "large gradient fails because of rounding.",
        "|a - b| ≤ 1e-8 + 1e-5·|b|",
    ),
    Slip(
        "shapes not compared",
        """
def agree(claimed, measured):
    return claimed is not None and bool(np.allclose(claimed, measured))
""",
        "NumPy stretched one shape to fit the other before it compared them. A gradient must "
        "have exactly the shape of its input.",
        "np.shape(claimed) == np.shape(measured), and then np.allclose",
    ),
    *(
        Slip(
            "the comparison of shapes the wrong way round",
            f"""
def agree(claimed, measured):
    if {none}np.shape(claimed) == np.shape(measured):
        return False
    return bool(np.allclose(claimed, measured))
""",
            "You reject gradients that have the right shape.",
            "np.shape(claimed) == np.shape(measured), and then np.allclose",
        )
        for none in ("", "claimed is None or ")
    ),
    Slip(
        "floats compared with ==",
        "def agree(claimed, measured):\n    return np.shape(claimed) == np.shape(measured) and "
        "bool(np.all(claimed == measured))\n",
        "You require every digit to be equal, but a measured slope is never exact.",
        "|a - b| ≤ 1e-8 + 1e-5·|b|",
    ),
    Slip(
        "all slopes are zero",
        """
def numeric_gradient(f, x, h=1e-5):
    return np.zeros(x.shape)
""",
        "All slopes are 0. Do the two nudges cancel? Python's = makes no copy, so two names may mean one array.",
        "(f(x + h) - f(x - h)) / 2h, with two separate arrays",
    ),
    Slip(
        "the shape of x is lost",
        """
def numeric_gradient(f, x, h=1e-5):
    slopes = []
    for index in np.ndindex(x.shape):
        nudge = np.zeros(x.shape)
        nudge[index] = h
        slopes.append((f(x + nudge) - f(x - nudge)) / (2 * h))
    return slopes
""",
        "Your slopes are right, but they come in one long row. The result must have x's shape.",
        "an array of zeros in x's shape, with one slope at each index",
    ),
    Slip(
        "whole rows nudged",
        """
def numeric_gradient(f, x, h=1e-5):
    slopes = np.zeros(x.shape)
    for i in range(len(x)):
        nudge = np.zeros(x.shape)
        nudge[i] = h
        slopes[i] = (f(x + nudge) - f(x - nudge)) / (2 * h)
    return slopes
""",
        "You nudged a whole row of a matrix and used the row's slope for each of its elements.",
        "one element at a time: for index in np.ndindex(x.shape)",
    ),
    Slip(
        "one verdict for all inputs",
        "def my_gradcheck(gate, *inputs):\n    return all(check_input(gate, inputs, i) for i in "
        "range(len(inputs)))\n",
        "You return whether all inputs are right. Return a list with one verdict for each input.",
        "[check_input(gate, inputs, i) for every i]",
    ),
    Slip(
        "one verdict only",
        "def my_gradcheck(gate, *inputs):\n    return [check_input(gate, inputs, 0)]",
        "You return the verdict on the first input only. Return one for each input.",
        "check_input(gate, inputs, i) for every i",
    ),
    Slip(
        "only the first input",
        "def my_gradcheck(gate, *inputs):\n    return [check_input(gate, inputs, 0)] * len(inputs)\n",
        "You return the verdict on the first input for all inputs. Check each input's own gradient.",
        "check_input(gate, inputs, i) for every i",
    ),
)
