"""Common wrong answers to milestone 16."""

from minigrad.course.checking.lesson import Slip


def sigmoid(name, kind, slope, z="1 / (1 + np.exp(-x.array))"):
    code = f"""
def sigmoid(x):
    z = {z}
    return Value(z, (x,), lambda dz: ({slope},))
"""
    return Slip(name, code, kind)


def columns(name, kind, *lines, z="x.array[:, start:stop]"):
    inside = "".join(f"        {line}\n" for line in lines)
    code = f"""
def columns(x, start, stop):
    def rule(dz):
{inside}
    return Value({z}, (x,), rule)
"""
    return Slip(name, code, kind)


SLIPS = (
    sigmoid(
        "the slope of tanh",
        "The slope of tanh is 1 - z². A sigmoid has another one.",
        "dz * (1 - z * z)",
    ),
    sigmoid(
        "the slope at the input",
        "The slope follows from the output. You used the input.",
        "dz * x.array * (1 - x.array)",
    ),
    sigmoid(
        "the upstream gradient forgotten", "Your rule returns the same for every dz.", "z * (1 - z)"
    ),
    sigmoid(
        "the exponent without its sign",
        "Your function falls where the sigmoid rises.",
        "-dz * z * (1 - z)",
        "1 / (1 + np.exp(x.array))",
    ),
    columns(
        "only the columns",
        "Your gradient has the shape of the result. It must have the shape of x.",
        "return (dz,)",
    ),
    columns(
        "the first columns",
        "Your gradient goes to the first columns of x, not to those that were taken.",
        "dx = np.zeros(x.array.shape)",
        "dx[:, : stop - start] = dz",
        "return (dx,)",
    ),
    columns(
        "rows in place of columns",
        "You take rows. A column is the second index.",
        "dx = np.zeros(x.array.shape)",
        "dx[start:stop] = dz",
        "return (dx,)",
        z="x.array[start:stop]",
    ),
)
