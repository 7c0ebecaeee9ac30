"""Common wrong answers to lesson 1."""

from minigrad.course.lesson import Slip

SLIPS = (
    Slip(
        "upstream gradient forgotten",
        "dy_da, dy_db = 0.5, 4.0",
        "Your number is how far m moves, which is only the local derivative. The path from m to y "
        "is missing.",
        "gradient of an input = upstream gradient · local derivative; for a: dy/da = dy/dm · dm/da",
    ),
    Slip(
        "missing local derivative",
        "dy_ds = dy_dm = dy_dc = 1.0",
        "You passed the 1 back through tanh unchanged. But y moves less than s does, "
        "because the slope of tanh is less than 1 here.",
        "dy/ds = 1 · (1 - y²)",
    ),
    Slip(
        "wrong local derivative: the input of tanh instead of its output",
        "dy_ds = 0.36",
        "The form is right, but you used the input of tanh. Use its output.",
        "dy/ds = 1 - y², with y = tanh(s), not 1 - s²",
    ),
    Slip(
        "wrong local derivative: the square is missing",
        "dy_ds = 0.3360",
        "You are right to subtract from 1, but you left out the step before the subtraction.",
        "dy/ds = 1 - y · y",
    ),
    Slip(
        "the value instead of the slope",
        "dy_ds = 0.6640",
        "You gave the value of y. The question is how fast y moves, which is a different number.",
        "dy/ds = 1 - y²",
    ),
    Slip(
        "a sum treated as a product",
        "dy_dm, dy_dc = -0.6709, 1.1181",
        "You multiplied by the other input. That is the rule for a product, but m and c are added.",
        "s = m + c moves by 1 for each unit of m, and by 1 for each unit of c: dy/dm = dy/ds · 1, "
        "dy/dc = dy/ds · 1",
    ),
    Slip(
        "a sum that splits its gradient",
        "dy_dm = dy_dc = 0.2795",
        "You gave each input of the sum half of the upstream gradient. But if you nudge one "
        "input alone, the sum moves just as far as that input.",
        "s = m + c moves by 1 for each unit of m, and by 1 for each unit of c: dy/dm = dy/ds · 1, "
        "dy/dc = dy/ds · 1",
    ),
    Slip(
        "the value instead of the upstream gradient",
        "dy_ds = 0.3712",
        "You started with the value of y at the right end. Start with how far y moves for each "
        "unit of y.",
        "dy/ds = 1 · (1 - y²); the walk starts with 1",
    ),
    Slip(
        "the wrong sign",
        "dy_da, dy_db = -0.2795, -2.2362",
        "Your number has the right size. But a minus sign means that y falls when this variable "
        "grows, and here y rises.",
        "dy/da = dy/dm · b and dy/db = dy/dm · a, and all of these are positive",
    ),
    Slip(
        "swapped",
        "dy_da, dy_db = 2.2362, 0.2795",
        "You multiplied by the input itself. When you nudge one factor, how far the product moves "
        "depends on the other factor.",
        "m = a · b: dm/da = b and dm/db = a, so dy/da = dy/dm · b and dy/db = dy/dm · a",
    ),
    Slip(
        "added instead of multiplied",
        "dy_da, dy_db = 1.0591, 4.5591",
        "You added the upstream gradient to the local derivative. Slopes along a path multiply, "
        "like gears.",
        "dy/da = dy/dm · dm/da: multiply along the path",
    ),
)
