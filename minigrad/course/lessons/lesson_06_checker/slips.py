"""Well-known wrong answers to lesson 6."""

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
        "Every output counts alike in your loss. Mistakes that cancel out in a plain sum, or that "
        "show only where the upstream gradient is not 1, go unnoticed.",
        "L = Σ v ⊙ z with a random v, and dz = v",
    ),
    Slip(
        "two different cotangents",
        CHECK.replace("backward(v, z", "backward(np.ones(z.shape), z"),
        "Even right rules look wrong. Is the loss that you measure the one that backward was "
        "asked about? Is it one gradient that you compare, or the whole tuple?",
        "the same v in L = Σ v ⊙ z and in backward(v, z, *inputs)[i]",
    ),
    Slip(
        "one element stands for all",
        CHECK.replace(
            "return agree(claimed, numeric_gradient(loss, inputs[i]))",
            "measured = numeric_gradient(loss, inputs[i])\n    return np.shape(claimed) == "
            "measured.shape and agree(claimed.flat[0], measured.flat[0])",
        ),
        "Only one element of the gradient is looked at. The mistake may be in another.",
        "all elements of the claimed gradient against all of the measured one",
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
        "x is nudged in one direction only. Where f is curved, the slope is then off by about "
        "half of h times the curvature: thousands of times more than rounding.",
        "(f(x + h) - f(x - h)) / 2h",
    ),
    Slip(
        "h for 2h",
        """
def numeric_gradient(f, x, h=1e-5):
    slopes = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        nudge = np.zeros(x.shape)
        nudge[index] = h
        slopes[index] = (f(x + nudge) - f(x - nudge)) / h
    return slopes
""",
        "All slopes are twice what they should be: from x - h to x + h is further than you "
        "divided by.",
        "(f(x + h) - f(x - h)) / 2h",
    ),
    Slip(
        "the nudge is not taken back",
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
        "After the call, x is no longer what it was: elements stay nudged, and whoever uses x "
        "next computes with other numbers.",
        "x[index] += h after the second value, or nudge a copy",
    ),
    Slip(
        "a fixed limit",
        """
def agree(claimed, measured):
    return np.shape(claimed) == np.shape(measured) and bool((np.abs(claimed - measured) < 1e-3).all())
""",
        "The difference is held against a fixed number. Small gradients then pass whatever they "
        "are, and large ones are convicted for their rounding.",
        "|a - b| ≤ 1e-8 + 1e-5·|b|",
    ),
    Slip(
        "shapes not compared",
        """
def agree(claimed, measured):
    return claimed is not None and bool(np.allclose(claimed, measured))
""",
        "NumPy stretched one shape to fit the other before it compared. A gradient must have the "
        "very shape of its input.",
        "np.shape(claimed) == np.shape(measured), and then np.allclose",
    ),
    Slip(
        "floats compared with ==",
        "def agree(claimed, measured):\n    return np.shape(claimed) == np.shape(measured) and "
        "bool(np.all(claimed == measured))\n",
        "You want every digit to be equal. A measured slope is never exact.",
        "|a - b| ≤ 1e-8 + 1e-5·|b|",
    ),
    Slip(
        "what has no shape",
        "def agree(claimed, measured):\n"
        "    return claimed.shape == measured.shape and bool(np.allclose(claimed, measured))\n",
        "A bad rule may return anything, None for example, and only an array can be asked for its "
        "shape.",
        "np.shape(claimed), which works for anything; None and other things that are no numbers "
        "do not agree",
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
        "A row of a matrix was nudged as a whole, and each of its elements got the row's slope.",
        "one element at a time: for index in np.ndindex(x.shape)",
    ),
    Slip(
        "a cotangent of another shape",
        CHECK.replace("normal(size=z.shape)", "normal()"),
        "v is a single number. It must have one number for each element of z.",
        "v of the shape of z, and dz = v",
    ),
    Slip(
        "one verdict for all inputs",
        "def my_gradcheck(gate, *inputs):\n    return all(check_input(gate, inputs, i) for i in "
        "range(len(inputs)))\n",
        "You return whether all inputs are right. Asked for is a list with a verdict for each of "
        "them.",
        "[check_input(gate, inputs, i) for every i]",
    ),
    Slip(
        "only the first input",
        "def my_gradcheck(gate, *inputs):\n    return [check_input(gate, inputs, 0)] * "
        "len(inputs)\n",
        "The verdict on the first input is given for all of them. Each input has a gradient of "
        "its own.",
        "check_input(gate, inputs, i) for every i",
    ),
)
