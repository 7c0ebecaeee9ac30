"""Common wrong answers to milestone 15."""

from minigrad.course.checking.lesson import Slip

SLIPS = (
    Slip(
        "nothing is cut",
        "def cut(h):\n    return h",
        "You return h itself, so the gradient goes on as before.",
    ),
    Slip(
        "the history is kept",
        "def cut(h):\n    return Value(h.array, (h,), lambda dz: (dz,))",
        "Your new Value has h as its input, so its rule passes the gradient on.",
    ),
    Slip(
        "h itself loses its history",
        "def cut(h):\n    h.inputs, h.rule = (), None\n    return h",
        "You change h, so its history is lost for the rest of the graph as well. Return a new Value.",
    ),
    Slip(
        "the values are lost",
        "def cut(h):\n    return Value(np.zeros(h.array.shape))",
        "A cut keeps the numbers. The network must still know what it has read.",
    ),
    Slip(
        "a gradient of zeros",
        "def cut(h):\n    return Value(h.array, (h,), lambda dz: (0 * dz,))",
        "Your rule sends zeros, so the sweep still walks through the whole history. A Value "
        "without inputs saves this time.",
    ),
)
