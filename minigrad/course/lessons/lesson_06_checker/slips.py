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
        "two different cotangents",
        CHECK.replace("backward(v, z", "backward(np.ones(z.shape), z"),
        "Your checker rejects even correct gates. Did you use the same v in the loss and in "
        "backward? Did you compare one gradient and not the whole tuple?",
        "the same v in L = Σ v ⊙ z and in backward(v, z, *inputs)[i]",
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
        "h instead of 2h",
        """
def numeric_gradient(f, x, h=1e-5):
    slopes = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        nudge = np.zeros(x.shape)
        nudge[index] = h
        slopes[index] = (f(x + nudge) - f(x - nudge)) / h
    return slopes
""",
        "All slopes are too large by a factor of 2. The distance from x - h to x + h is 2h.",
        "(f(x + h) - f(x - h)) / 2h",
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
        "After the call, the elements of x are still nudged, so later code computes with changed "
        "numbers.",
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
    Slip(
        "floats compared with ==",
        "def agree(claimed, measured):\n    return np.shape(claimed) == np.shape(measured) and "
        "bool(np.all(claimed == measured))\n",
        "You require every digit to be equal, but a measured slope is never exact.",
        "|a - b| ≤ 1e-8 + 1e-5·|b|",
    ),
    Slip(
        "an answer without a shape",
        "def agree(claimed, measured):\n"
        "    return claimed.shape == measured.shape and bool(np.allclose(claimed, measured))\n",
        "A wrong `backward` may return anything, even None, and None does not have the attribute "
        "shape.",
        "np.shape(claimed), which accepts any object; return False for None and anything else "
        "that is not an array of numbers",
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
        "a cotangent of the wrong shape",
        CHECK.replace("normal(size=z.shape)", "normal()"),
        "v is a single number. It must have one number for each element of z.",
        "v has the shape of z, and dz = v",
    ),
    Slip(
        "one verdict for all inputs",
        "def my_gradcheck(gate, *inputs):\n    return all(check_input(gate, inputs, i) for i in "
        "range(len(inputs)))\n",
        "You return whether all inputs are right. Return a list with one verdict for each input.",
        "[check_input(gate, inputs, i) for every i]",
    ),
    Slip(
        "only the first input",
        "def my_gradcheck(gate, *inputs):\n    return [check_input(gate, inputs, 0)] * "
        "len(inputs)\n",
        "You return the verdict on the first input for all inputs. Check each input's own "
        "gradient.",
        "check_input(gate, inputs, i) for every i",
    ),
)
