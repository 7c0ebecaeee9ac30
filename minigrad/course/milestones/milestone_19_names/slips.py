"""Common wrong answers to milestone 19."""

from minigrad.course.checking.lesson import Slip


def relu(name, kind, rule, z="np.maximum(x.array, 0)"):
    return Slip(name, f"def relu(x):\n    return Value({z}, (x,), lambda dz: ({rule},))", kind)


def normalize(
    name,
    kind,
    rule="(dz - mean(dz) - z * mean(dz * z)) / size",
    axis="-1",
    size="np.sqrt(mean(c**2) + 1e-5)",
    centre="mean(x.array)",
):
    code = f"""
def normalize(x):
    def mean(a):
        return a.mean(axis={axis}, keepdims=True)
    c = x.array - {centre}
    size = {size}
    z = c / size
    return Value(z, (x,), lambda dz: ({rule},))
"""
    return Slip(name, code, kind)


SLIPS = (
    relu(
        "the gradient passes everywhere",
        "Where x is below 0, the result does not change, so its gradient is 0.",
        "dz",
    ),
    relu(
        "ones in place of dz",
        "Your rule returns 1 where x is above 0, for every dz.",
        "1.0 * (x.array > 0)",
    ),
    relu(
        "the sign of dz decides",
        "Your rule looks at the sign of dz. Look at the sign of x.",
        "np.maximum(dz, 0)",
    ),
    normalize(
        "mean and size as constants",
        "You divide dz by the size and no more. But the mean and the size change with x, too.",
        "dz / size",
    ),
    normalize(
        "the size as a constant",
        "Your rule knows that the mean changes with x, and forgets that the size does.",
        "(dz - mean(dz)) / size",
    ),
    normalize(
        "the mean as a constant",
        "Your rule knows that the size changes with x, and forgets that the mean does.",
        "(dz - z * mean(dz * z)) / size",
    ),
    normalize(
        "not divided by the size",
        "If x is ten times as large, the same nudge moves z only a tenth as far.",
        "dz - mean(dz) - z * mean(dz * z)",
    ),
    normalize(
        "one mean for everything",
        "Each vector has its own mean and size. Yours are taken over the whole array.",
        axis="None",
    ),
    normalize(
        "the mean of everything subtracted",
        "Each vector has its own mean. You subtract the mean of the whole array.",
        centre="x.array.mean()",
    ),
    normalize(
        "divided by the variance",
        "The size is the square root of the variance.",
        size="mean(c**2) + 1e-5",
    ),
)
