"""Common wrong answers to milestone 20."""

from minigrad.course.checking.lesson import Slip


def patches(
    name,
    kind,
    add="+= dz[:, :, :, i, j]",
    put="z[:, :, :, i, j]",
    end="z.reshape(N, P, Q, -1)",
    back="dz.reshape(z.shape)",
):
    code = f"""
def patches(x, size):
    N, H, W, C = x.array.shape
    P, Q = H - size + 1, W - size + 1
    z = np.zeros((N, P, Q, size, size, C))
    for i in range(size):
        for j in range(size):
            {put} = x.array[:, i : i + P, j : j + Q]
    def rule(dz):
        dz, dx = {back}, np.zeros(x.array.shape)
        for i in range(size):
            for j in range(size):
                dx[:, i : i + P, j : j + Q] {add}
        return (dx,)
    return Value({end}, (x,), rule)
"""
    return Slip(name, code, kind)


def pool(name, kind, rule, z="w.max(axis=(2, 4))"):
    code = f"""
def max_pool(x):
    N, H, W, C = x.array.shape
    w = x.array.reshape(N, H // 2, 2, W // 2, 2, C)
    top = w.max(axis=(2, 4), keepdims=True)
    def rule(dz):
        d = dz[:, :, None, :, None]
        return (({rule}).reshape(x.array.shape),)
    return Value({z}, (x,), rule)
"""
    return Slip(name, code, kind)


SLIPS = (
    patches(
        "overlapping windows replace each other",
        "`=` keeps only the last window. A pixel in several windows gets a gradient from each.",
        "= dz[:, :, :, i, j]",
    ),
    patches(
        "the pixels in another order",
        "You read each window down and then across. Read it row by row.",
        "+= dz[:, :, :, j, i]",
        "z[:, :, :, j, i]",
    ),
    patches(
        "the maps before the pixels",
        "All numbers of one pixel stand next to each other. You put all pixels of one map "
        "next to each other.",
        end="z.transpose(0, 1, 2, 5, 3, 4).reshape(N, P, Q, -1)",
        back="dz.reshape(N, P, Q, C, size, size).transpose(0, 1, 2, 4, 5, 3)",
    ),
    patches(
        "divided by the number of windows",
        "The gradients of a pixel add up. You take their mean.",
        "+= dz[:, :, :, i, j] / size**2",
    ),
    pool(
        "every pixel of the window",
        "Only the largest pixel changes the result. You send dz to all four.",
        "d * np.ones(w.shape)",
    ),
    pool(
        "all of the largest",
        "If several pixels are the largest, only the first of them gets dz. You send it to "
        "each of them.",
        "d * (w == top)",
    ),
    pool(
        "a mean in place of the largest",
        "You compute average pooling.",
        "d * np.ones(w.shape) / 4",
        "w.mean(axis=(2, 4))",
    ),
    pool(
        "dz shared among the largest",
        "If several pixels are the largest, the first gets all of dz. You divide it among them.",
        "d * (w == top) / (w == top).sum(axis=(2, 4), keepdims=True)",
    ),
)
