"""Common wrong answers to lesson 3."""

from minigrad.course.lesson import Slip


def rules(multiply="", tanh="", exp=""):
    """Return code that replaces the given backward methods."""
    bodies = {"Multiply": ("a, b", multiply), "Tanh": ("x", tanh), "Exp": ("x", exp)}
    return "\n".join(
        f"def wrong(self, dz, z, {inputs}):\n    {body}\n{gate}.backward = wrong\n"
        for gate, (inputs, body) in bodies.items()
        if body
    )


SLIPS = (
    Slip(
        "wrong local derivative: x instead of z",
        rules(tanh="return (dz * (1 - x * x),)"),
        "The form is right, but you used the gate's input instead of its output. At x = 2 your "
        "slope is negative, but tanh never falls.",
        "for tanh: dx = dz · (1 - z²), with z the output",
    ),
    Slip(
        "wrong local derivative: the square is missing",
        rules(tanh="return (dz * (1 - z),)"),
        "Your slope is right at x = 0, but elsewhere it depends on the sign of z. The slope of "
        "tanh is the same at x and at -x.",
        "for tanh: dx = dz · (1 - z · z)",
    ),
    Slip(
        "upstream gradient forgotten",
        rules("return b, a", "return (1 - z * z,)", "return (z,)"),
        "You return only the local derivative, which is how far the gate's output moves. Multiply "
        "it by dz to get how far the loss moves.",
        "gradient of an input = dz · local derivative, element by element",
    ),
    Slip(
        "missing local derivative",
        rules("return dz, dz", "return (dz,)", "return (dz,)"),
        "You return dz unchanged, as a sum does. But this gate stretches or shrinks a nudge, and "
        "the gradient changes by the same factor.",
        "gradient of an input = dz · local derivative, which is the other factor for a product, "
        "1 - z² for tanh, and z for exp",
    ),
    Slip(
        "the product instead of the other factor",
        rules("return dz * z, dz * z"),
        "You multiplied by the gate's output. When a is nudged, how far z moves depends on b "
        "alone.",
        "da = dz · b, db = dz · a",
    ),
    Slip(
        "parentheses missing",
        rules(tanh="return (dz * 1 - z * z,)"),
        "Only the 1 was multiplied by dz, because Python multiplies before it subtracts.",
        "dx = dz · (1 - z²), with the parentheses",
    ),
    Slip(
        "one gradient for two inputs",
        rules("return dz * b + dz * a"),
        "You added the two gradients. They belong to different inputs, and each input needs its "
        "own gradient.",
        "return dz * b, dz * a: two gradients with a comma between them",
    ),
    Slip(
        "swapped",
        rules("return dz * a, dz * b"),
        "Each input gets the other input's gradient. When a is nudged, how far z moves depends on "
        "the other factor.",
        "da = dz · b, db = dz · a",
    ),
    Slip(
        "added instead of multiplied",
        rules("return dz + b, dz + a", "return (dz + 1 - z * z,)", "return (dz + z,)"),
        "You added dz to the local derivative. Slopes along a path multiply, like gears.",
        "gradient of an input = dz · local derivative",
    ),
    Slip(
        "the power rule on an exponential",
        rules(exp="return (dz * x * np.exp(x - 1),)"),
        "That is the rule for x raised to a fixed power. Here x is the exponent, and the base is "
        "fixed.",
        "for exp: dx = dz · eˣ = dz · z",
    ),
    Slip(
        "derivative taken at the output",
        rules(tanh="return (dz * (1 - np.tanh(z) ** 2),)", exp="return (dz * np.exp(z),)"),
        "You apply the function to z, but z is already the output of the function.",
        "for tanh: dx = dz · (1 - z²), where z is already tanh(x); for exp: dx = dz · z, where z "
        "is already eˣ",
    ),
    Slip(
        "state stored in the gate",
        """
class Tanh(mg.Gate):
    def forward(self, x):
        self.z = np.tanh(x)
        return self.z

    def backward(self, dz, z, x):
        return (dz * (1 - self.z * self.z),)

class Exp(mg.Gate):
    def forward(self, x):
        self.z = np.exp(x)
        return self.z

    def backward(self, dz, z, x):
        return (dz * self.z,)
""",
        "You store the output in self. If a gate is used twice, it keeps only the last output and "
        "uses that output in both backward passes.",
        "use the z and the inputs that backward receives as arguments, not self",
    ),
    Slip(
        "upstream gradient changed in place",
        rules(
            "da = dz * b\n    dz *= a\n    return da, dz",
            "dz *= 1 - z * z\n    return (dz,)",
            "dz *= z\n    return (dz,)",
        ),
        "Your numbers are right, but `*=` changes the array dz that you received, and other "
        "gates may still need it.",
        "make a new array: dz * (...), not dz *= (...)",
    ),
    Slip(
        "a gradient instead of a tuple of gradients",
        rules(tanh="return dz * (1 - z * z)", exp="return dz * z"),
        "Your numbers are right, but the engine expects a tuple with one gradient for each "
        "input, even for a single input. A comma is missing.",
        "return (gradient,)",
    ),
)
