"""Milestone 20: windows of images and max pooling, and a small LeNet that reads digits."""

import numpy as np

from minigrad.course.milestones.pictures import heat, page_of
from minigrad.course.milestones.training import complete, inputs, slope_of, value_of

YEAR, BY = 1998, "LeCun et al."
PATCHES = (
    "z[n, p, q] = x[n, p : p + size, q : q + size] as a vector; each window adds its dz to its own "
    "pixels, and overlapping windows add up"
)
POOL = "the largest of each window; dz goes to the pixel that was the largest, and all others get 0"
RNG = np.random.default_rng(20)


def numbers(*shape):
    return RNG.permutation(np.arange(np.prod(shape)) - 5.0).reshape(shape)


ROW = [[[[1], [2], [5], [3]], [[0], [4], [6], [7]]]]
TIE = [[[[3], [3], [1], [2]], [[0], [3], [2], [2]]]]
TRIES = {
    "patches": (lambda file, x: file.patches(x, 2), numbers(2, 3, 4, 2)),
    "max_pool": (lambda file, x: file.max_pool(x), numbers(2, 4, 6, 3)),
}
CALL, POOLED = "patches(x, size)", "max_pool(x)"


def sized(size, x, dz=None):
    return inputs(dz, {"size": size}, x=x)


def facts(found):
    moved = np.abs(np.subtract(found["filters"], found["before"])).max()
    return {
        "at least 93% of the new digits are right": found["right"] >= 0.93,
        "the filters have moved": bool(moved > 0.05),
    }


def picture(found):
    most = max(np.abs(found["filters"]).max(), np.abs(found["before"]).max())
    return "".join(
        heat(f"Filter {number}, {when}", cells, 44, most)
        for number in range(4)
        for when, cells in (
            ("random", found["before"][number]),
            ("trained", found["filters"][number]),
        )
    )


page = page_of(picture)
QUESTIONS = complete(
    TRIES,
    facts,
    value_of(CALL, sized(2, ROW), PATCHES),
    value_of(CALL, sized(2, numbers(2, 3, 4, 2)), PATCHES),
    value_of(CALL, sized(3, numbers(1, 3, 5, 1)), PATCHES),
    slope_of(CALL, sized(2, ROW, np.array([[[[1] * 4, [10] * 4, [100] * 4]]])), PATCHES),
    slope_of(CALL, sized(2, ROW, np.arange(12.0).reshape(1, 1, 3, 4)), PATCHES),
    slope_of(CALL, sized(2, numbers(2, 3, 4, 2), numbers(2, 2, 3, 8)), PATCHES),
    value_of(POOLED, inputs(x=ROW), POOL),
    value_of(POOLED, inputs(x=numbers(2, 4, 2, 3)), POOL),
    slope_of(POOLED, inputs([[[[10], [20]]]], x=ROW), POOL),
    slope_of(
        POOLED,
        inputs([[[[10], [20]]]], x=TIE),
        POOL,
        what="the gradient of x for max_pool(x), if several numbers are the largest",
    ),
    slope_of(POOLED, inputs(numbers(2, 2, 1, 3), x=numbers(2, 4, 2, 3)), POOL),
)
