"""Common wrong answers to lesson 1."""

import numpy as np

from minigrad.course.checking.lesson import Slip


def typed(name, numbers, kind, formula=""):
    """Return a slip for each of these numbers. The formula is the question's unless one is given."""
    wrong = {}
    exec(numbers, {}, wrong)
    return [
        Slip(name, f"{variable} = {number}", kind, formula)
        for variable, found in wrong.items()
        for number in np.atleast_1d(found)
    ]


ROWS = (
    (
        "missing local derivative",
        "dy_ds = 1.0; dy_da = dy_db = 0.5591",
        "You passed the upstream gradient on unchanged. Only a sum does that, and this gate is not a sum.",
    ),
    (
        "wrong local derivative: the input of tanh instead of its output",
        "dy_ds = 0.36, 0.2",
        "You used s, the input of tanh. The local derivative is a formula of its output.",
    ),
    (
        "wrong local derivative: the square is missing",
        "dy_ds = 0.3360",
        "You are right to subtract from 1, but you left out the step before the subtraction.",
    ),
    (
        "doubled instead of squared",
        "dy_ds = -0.3281",
        "You subtracted 2 · y from 1. That is not the square of y.",
    ),
    (
        "the subtraction is missing",
        "dy_ds = 0.4409",
        "Your number is the square of y. One step is still missing.",
    ),
    (
        "tanh applied twice",
        "dy_ds = 0.6624",
        "You took the tanh of y. But y is already the output of tanh.",
    ),
    (
        "the value instead of the slope",
        "dy_ds = 0.6640, 0.8; dy_dm = 2.0; dy_dc = -1.2; dy_da = 4.0; dy_db = 0.5",
        "You gave a number from the forward pass. The question is how far y moves, which is a different number.",
    ),
    (
        "the value instead of the upstream gradient",
        "dy_ds = 0.3712",
        "Your number is y times the slope of tanh. At the right end, start with how far y moves for each unit of y.",
        "dy/ds = 1 · (1 - y²); the walk starts with 1",
    ),
    (
        "upstream gradient forgotten",
        "dy_dm = dy_dc = 1.0; dy_da = 0.5; dy_db = 4.0",
        "Your number is only the local derivative, which says how far the gate's output moves. How far does y move?",
    ),
    (
        "a sum treated as a product",
        "dy_dm = dy_dc = 1.1181, -0.6709, 0.4473",
        "Your number is dy/ds times a number at the plus gate. That would fit a product, but m and c are added.",
        "s = m + c moves by 1 for each unit of m, and by 1 for each unit of c",
    ),
    (
        "half of the upstream gradient",
        "dy_dm = dy_dc = 0.2795",
        "Your number is half of dy/ds. But if you nudge one input of a sum, the sum moves just as far as that input.",
    ),
    (
        "the slope of tanh used twice",
        "dy_dm = dy_dc = 0.3126",
        "Your number is dy/ds times dy/ds. The gradient has already passed tanh. The next gate is the sum.",
    ),
    (
        "the wrong sign",
        "dy_ds = dy_dm = dy_dc = -0.5591; dy_da = -0.2795; dy_db = -2.2362",
        "Your number has the right size. But a minus means that y falls when this variable grows. Here y rises.",
    ),
    (
        "swapped",
        "dy_da = 2.2362; dy_db = 0.2795",
        "You multiplied by the input itself. When you nudge one factor, the other sets how far the product moves.",
    ),
    (
        "the wrong factor or the wrong upstream gradient",
        "dy_da = 1.1181",
        "Your number is dy/dm times m, dy/dm divided by b, or dy/db times b. All are the same here, and none is right.",
    ),
    (
        "the wrong factor or the wrong upstream gradient",
        "dy_db = 1.1181",
        "Your number is dy/dm times m, or dy/da times a, which is the same here. With m, the factor is wrong. With "
        "dy/da, the upstream gradient is: it comes from the gate's output, not from the other input.",
    ),
    (
        "the wrong factor or the wrong upstream gradient",
        "dy_db = 0.1398",
        "Your number is dy/dm divided by a, or dy/da times b, which is the same here. Slopes along a path multiply, "
        "like gears, and the path from b to y does not pass a.",
    ),
    (
        "the wrong upstream gradient",
        "dy_da = 0.1563, 0.2204, 0.168, 0.4; dy_db = 1.2503, 1.7637, 1.344, 3.2",
        "Your factor is right, but not the number that you multiply by it. The upstream gradient is the slope that you "
        "wrote at the output of the times gate.",
    ),
    (
        "the wrong factor",
        "dy_da = dy_db = -0.6709",
        "Your number is dy/dm times c. But c is not an input of the times gate.",
    ),
    (
        "the value of y in the place of a gradient",
        "dy_dm = dy_dc = 0.6640; dy_da = 0.3320; dy_db = 2.6560",
        "You used y itself as the upstream gradient. The upstream gradient says how far y moves.",
    ),
    (
        "a slope of 0",
        "dy_ds = dy_dm = dy_dc = dy_da = dy_db = 0",
        "A slope of 0 means that y does not move when this variable is nudged. But y moves.",
    ),
    (
        "a plus in place of a minus",
        "dy_ds = 1.4409",
        "You added the square of y to 1.",
    ),
    (
        "subtracted before squaring",
        "dy_ds = 0.1129",
        "You subtracted y from 1 and then squared the result. The order is the other way round.",
    ),
    (
        "numbers of the example",
        "dy_ds = dy_dm = dy_dc = 0.7864; dy_da = -2.359, -1.6773, 0.3932; dy_db = 1.573, 3.1457",
        "You used a number from the example in the text. The exercise has other values of a, b, c and y.",
    ),
    (
        "measured with a large nudge",
        "dy_ds = dy_dm = dy_dc = 0.5226, 0.52, 0.5967, 0.60; dy_da = 0.2703, 0.27; dy_db = 1.697, 1.70, 2.6745",
        "Your number is what a nudge of 0.1 measures. Tanh bends on the way, so the slope is different.",
    ),
    (
        "digits in the wrong order",
        "dy_ds = dy_dm = dy_dc = 0.5951, 0.5519; dy_da = 0.7295, 0.2975, 0.2759; dy_db = 2.3262, 2.2632, 2.2326",
        "Your number has the right digits, but two of them are exchanged.",
    ),
    (
        "the decimal point in the wrong place",
        "dy_ds = dy_dm = dy_dc = 5.591, 0.0559; dy_da = 2.795, 0.02795; dy_db = 22.362, 0.22362",
        "Your number has the right digits. Move its decimal point.",
    ),
    (
        "added instead of multiplied",
        "dy_dm = dy_dc = 1.5591; dy_da = 1.0591; dy_db = 4.5591",
        "You added the upstream gradient to the local derivative. Slopes along a path multiply, like gears.",
    ),
)
SLIPS = [slip for row in ROWS for slip in typed(*row)]
