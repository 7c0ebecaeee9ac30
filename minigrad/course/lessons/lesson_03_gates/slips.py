"""Common wrong answers to lesson 3."""

from minigrad.course.lesson import Slip

from .check import GATES


def rules(name, kind, formula="", **returned):
    """Return a slip for each of these gates, whose backward returns this value, or one of these."""
    return [
        Slip(name, f"{gate}.backward = lambda self, dz, z, {inputs(gate)}: ({value})", kind,
             formula or GATES[gate][2], f"{gate}.backward")
        for gate, found in returned.items()
        for value in (found if isinstance(found, tuple) else [found])
    ]  # fmt: skip


def outputs(gate, returned):
    """Return slips of a gate, whose forward returns these values. They map to (name, kind)."""
    return [
        Slip(name, f"{gate}.forward = lambda self, {inputs(gate)}: {value}", kind, GATES[gate][1], f"{gate}.forward")
        for value, (name, kind) in returned.items()
    ]  # fmt: skip


def inputs(gate):
    return "a, b" if gate == "Multiply" else "x"


SLIPS = (
    *rules(
        "upstream gradient forgotten",
        "You return only the local derivative, which is how far the gate's output moves. How far does the loss move?",
        "gradient of an input = dz · local derivative, element by element",
        Multiply="b, a", Tanh="(1 - z * z,)", Exp="(z,)",
    ),
    *rules(
        "missing local derivative",
        "You return dz unchanged, as a sum does. But this gate stretches or shrinks a nudge.",
        Multiply="dz, dz", Tanh="(dz,)", Exp="(dz,)",
    ),
    *rules(
        "added instead of multiplied",
        "You added dz to the local derivative. Slopes along a path multiply, like gears.",
        "gradient of an input = dz · local derivative",
        Multiply="dz + b, dz + a", Tanh="(dz + (1 - z * z),)", Exp="(dz + z,)",
    ),
    *rules(
        "derivative taken at the output",
        "You apply the function to z, but z is already the output of the function.",
        Tanh="(dz * (1 - np.tanh(z) ** 2),)", Exp="(dz * np.exp(z),)",
    ),
    *rules(
        "the product instead of the other factor",
        "You multiplied by the gate's output. When a is nudged, how far z moves depends on b alone.",
        Multiply="dz * z, dz * z",
    ),
    *rules(
        "wrong local derivative: x instead of z",
        "The form is right, but you used the gate's input instead of its output. "
        "At x = 2 your slope is negative, but tanh never falls.",
        Tanh="(dz * (1 - x * x),)",
    ),
    *rules(
        "the power rule on an exponential",
        "That is the rule for x raised to a fixed power. Here x is the exponent, and the base is fixed.",
        Exp="(dz * x * np.exp(x - 1),)",
    ),
    *rules(
        "upstream gradient forgotten",
        "One of your two gradients is only a local derivative. How far does the loss move?",
        "gradient of an input = dz · local derivative",
        Multiply=("dz * b, a", "b, dz * a"),
    ),
    *rules(
        "missing local derivative",
        "One of your two gradients is dz unchanged, as in a sum. But this gate multiplies.",
        Multiply=("dz * b, dz", "dz, dz * a"),
    ),
    *rules(
        "a minus too many",
        "You subtract one gradient, as a difference does. But if a and b are positive, a product grows with both.",
        Multiply=("dz * b, -dz * a", "dz, -dz"),
    ),
    *rules("a minus too many", "Your number has the right size, but the wrong sign.", Exp="(-dz * z,)"),
    *rules(
        "one gradient for both inputs",
        "You return the same gradient for a and b. Find the local derivative for each input by itself.",
        Multiply="dz * (a + b), dz * (a + b)",
    ),
    *rules(
        "upstream gradient used twice",
        "You multiply by dz twice.",
        "gradient of an input = dz · local derivative",
        Multiply="dz * dz * b, dz * dz * a", Tanh="(dz * dz * (1 - z * z),)", Exp="(dz * dz * z,)",
    ),
    *rules(
        "divided instead of multiplied",
        "You divide dz by the local derivative. Slopes along a path multiply, like gears.",
        Exp="(dz / z,)",
    ),
    *rules(
        "multiplied by x as well",
        "The gradient is dz times the local derivative. You multiply it by x, too.",
        Tanh="(dz * (1 - z * z) * x,)", Exp="(dz * z * x,)",
    ),
    *rules(
        "x in the place of the local derivative",
        "You multiply dz by the gate's input. That is not how far z moves for each unit of x.",
        Tanh="(dz * x,)", Exp="(dz * x,)",
    ),
    *rules(
        "a function of dz",
        "You apply a function to dz. Only multiply dz by the local derivative.",
        Tanh=("(np.tanh(dz),)", "(1 - np.tanh(dz) ** 2,)", "(dz * (1 - np.tanh(dz) ** 2),)", "(dz * (1 - dz * dz),)"),
        Exp=("(np.exp(dz),)", "(np.exp(dz) * z,)", "(dz * np.exp(dz),)"),
    ),
    *rules(
        "the function instead of its slope",
        "You multiply dz by z, the value of tanh. Multiply by the slope of tanh.",
        Tanh="(dz * z,)",
    ),
    *rules(
        "the rule of another gate",
        "You used the local derivative of tanh. This gate is the exponential function.",
        Exp="(dz * (1 - z * z),)",
    ),
    *rules(
        "the rule of another gate",
        "z · (1 - z) is the local derivative of another function, the sigmoid.",
        Tanh="(dz * z * (1 - z),)", Exp="(dz * z * (1 - z),)",
    ),
    *rules(
        "subtracted before squaring",
        "You subtract z from 1 and then square the result. The order is the other way round.",
        Tanh="(dz * (1 - z) ** 2,)",
    ),
    *(
        slip
        for one in ("[:1]", ".max()", ".sum()", ".mean()")
        for slip in rules(
            "one number for all elements",
            "You use one number for all elements of an array. Each element has its own slope.",
            Multiply=(f"dz * b.ravel(){one}, dz * a.ravel(){one}", f"dz.ravel(){one} * b, dz.ravel(){one} * a"),
            Tanh=(f"(dz * (1 - z * z).ravel(){one},)", f"(dz.ravel(){one} * (1 - z * z),)"),
            Exp=(f"(dz * z.ravel(){one},)", f"(dz.ravel(){one} * z,)"),
        )
    ),
    *outputs("Multiply", {
        "a + b": ("added instead of multiplied", "You add a and b. This gate multiplies."),
        "a - b": ("subtracted instead of multiplied", "You subtract b from a. This gate multiplies."),
        "a * b.ravel()[0]": ("one element of b for all", "You multiply all elements of a by the first element of b."),
        "a.ravel()[0] * b": ("one element of a for all", "You multiply all elements of b by the first element of a."),
    }),
    *outputs("Tanh", {
        **{f"np.{other}(x)": (f"{other} instead of tanh", f"Your numbers are those of `np.{other}`, another function.")
           for other in ("tan", "sin", "cos", "cosh", "arctan")},
        "np.sinh(x)": ("sinh instead of tanh", "Your numbers are (eˣ - e⁻ˣ) / 2. Tanh has another denominator."),
        "1 - np.tanh(x) ** 2": ("the slope instead of the output", "You return the slope of tanh. Forward returns z."),
        "1 / (1 + np.exp(-x))": ("sigmoid instead of tanh", "Your numbers are those of the sigmoid, 1 / (1 + e⁻ˣ)."),
        "np.tanh(x / 2)": ("tanh of half x", "Your numbers are those of tanh(x / 2). Is a 2 missing in an exponent?"),
        "np.tanh(2 * x)": ("tanh of 2x", "Your numbers are those of tanh(2x). Is there a 2 too many in an exponent?"),
        "np.tanh(abs(x))": ("the sign lost", "Your numbers are never negative. Tanh is negative where x is negative."),
        "np.tanh(np.tanh(x))": ("tanh applied twice", "You apply tanh to its own output."),
    }),
    *outputs("Exp", {
        "np.e * x": ("multiplied by e", "You multiply e by x. Raise e to the power x."),
        "np.exp(-x)": ("e to the power -x", "Your numbers are those of e⁻ˣ. The exponent of this gate is x."),
        "np.expm1(x)": ("1 subtracted", "Your numbers are those of eˣ - 1."),
        "x * x": ("x squared", "You square x. Raise e to the power x."),
        "np.exp(abs(x))": ("the sign of x lost", "Your numbers are never below 1. Where x is negative, eˣ is below 1."),
        "np.exp(x - x.max())": ("the largest x subtracted", "You subtract the largest x from all of them."),
        "np.exp(x) / np.exp(x).sum()": ("divided by the sum", "You divide by the sum, as softmax does."),
        **{f"{base}**x": (f"the base {base}", f"You raise {base} to the power x. Use `np.e` or `np.exp`.")
           for base in (2.0, 10.0, 2.7, 2.71, 2.72, 2.718, 2.7182, 2.7183, 2.71828)},
    }),
)  # fmt: skip
