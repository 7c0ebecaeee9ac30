"""Common wrong answers to lesson 3."""

from minigrad.course.checking.lesson import Slip

INPUTS = {"Multiply": "a, b", "Tanh": "x", "Exp": "x"}


def slips(method, name, kind, **returned):
    """Return a slip for each of these gates, whose method returns one of these values."""
    first = "dz, z, " if method == "backward" else ""
    return [
        Slip(name, f"{gate}.{method} = lambda self, {first}{INPUTS[gate]}: {value}", kind)
        for gate, values in returned.items()
        for value in values
    ]


SLIPS = (
    *slips(
        "backward",
        "upstream gradient forgotten",
        "You return a local derivative alone, which is how far the gate's output moves. How far does the loss move?",
        Multiply=["(b, a)", "(dz * b, a)", "(b, dz * a)"],
        Tanh=["(1 - z * z,)"],
        Exp=["(z,)"],
    ),
    *slips(
        "backward",
        "missing local derivative",
        "You return dz itself as a gradient, as a sum does. But this gate stretches or shrinks a nudge.",
        Multiply=["(dz, dz)", "(dz * b, dz)", "(dz, dz * a)"],
        Tanh=["(dz,)"],
        Exp=["(dz,)"],
    ),
    *slips(
        "backward",
        "added instead of multiplied",
        "You added dz to the local derivative. Slopes along a path multiply, like gears.",
        Multiply=["(dz + b, dz + a)"],
        Tanh=["(dz + (1 - z * z),)"],
        Exp=["(dz + z,)"],
    ),
    *slips(
        "backward",
        "derivative taken at the output",
        "You apply the function to z, but z is already the output of the function.",
        Tanh=["(dz * (1 - np.tanh(z) ** 2),)"],
        Exp=["(dz * np.exp(z),)"],
    ),
    *slips(
        "backward",
        "the product instead of the other factor",
        "You multiplied by the gate's output. When a is nudged, how far z moves depends on b alone.",
        Multiply=["(dz * z, dz * z)"],
    ),
    *slips(
        "backward",
        "wrong local derivative: x instead of z",
        "The form is right, but you used the gate's input instead of its output. "
        "At x = 2 your slope is negative, but tanh never falls.",
        Tanh=["(dz * (1 - x * x),)"],
    ),
    *slips(
        "backward",
        "the power rule on an exponential",
        "That is the rule for x raised to a fixed power. Here x is the exponent, and the base is fixed.",
        Exp=["(dz * x * np.exp(x - 1),)"],
    ),
    *slips(
        "backward",
        "upstream gradient used twice",
        "You multiply by dz twice.",
        Multiply=["(dz * dz * b, dz * dz * a)"],
        Tanh=["(dz * dz * (1 - z * z),)"],
        Exp=["(dz * dz * z,)"],
    ),
    *slips(
        "backward",
        "the rule of another gate",
        "z · (1 - z) is the local derivative of another function, the sigmoid.",
        Tanh=["(dz * z * (1 - z),)"],
    ),
    *slips(
        "backward",
        "subtracted before squaring",
        "You subtract z from 1 and then square the result. The order is the other way round.",
        Tanh=["(dz * (1 - z) ** 2,)"],
    ),
    *slips(
        "forward",
        "added instead of multiplied",
        "You add a and b. This gate multiplies.",
        Multiply=["a + b"],
    ),
    *slips(
        "forward",
        "another function",
        "Your numbers are those of the ordinary tangent or the hyperbolic sine. Use `np.tanh`.",
        Tanh=["np.tan(x)", "np.sinh(x)"],
    ),
    *slips(
        "forward",
        "the slope instead of the output",
        "You return the slope of tanh. Forward returns z.",
        Tanh=["1 - np.tanh(x) ** 2"],
    ),
    *slips(
        "forward",
        "sigmoid instead of tanh",
        "Your numbers are those of the sigmoid, 1 / (1 + e⁻ˣ).",
        Tanh=["1 / (1 + np.exp(-x))"],
    ),
    *slips(
        "forward",
        "a wrong factor in an exponent",
        "Your numbers are those of tanh(x / 2) or tanh(2x). Look at the 2 in your exponents.",
        Tanh=["np.tanh(x / 2)", "np.tanh(2 * x)"],
    ),
    *slips(
        "forward",
        "multiplied by e",
        "You multiply e by x. Raise e to the power x.",
        Exp=["np.e * x"],
    ),
    *slips(
        "forward",
        "e to the power -x",
        "Your numbers are those of e⁻ˣ. The exponent of this gate is x.",
        Exp=["np.exp(-x)"],
    ),
    *slips(
        "forward",
        "another base",
        "You raise another number to the power x. Use `np.e` or `np.exp`.",
        Exp=["2.0**x", "2.7**x", "2.72**x", "2.718**x", "2.7183**x", "2.71828**x"],
    ),
)
