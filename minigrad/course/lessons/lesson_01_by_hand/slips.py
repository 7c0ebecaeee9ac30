"""Common wrong answers to lesson 1."""

from minigrad.course.lesson import Slip

from .check import FORMULAS


def typed(name, numbers, kind, formula=""):
    """Return a slip for each of these numbers. The formula is the question's unless one is given."""
    found = {}
    exec(numbers, {}, found)
    return [
        Slip(name, f"{variable} = {number}", kind, formula or FORMULAS[variable[-1]], variable)
        for variable, wrong in found.items()
        for number in (wrong if isinstance(wrong, tuple) else [wrong])
    ]


def exchanged(number):
    """Return the number with two neighbouring digits exchanged, in all ways that change it."""
    decimals = range(2, len(number) - 1)
    swapped = [number[:i] + number[i + 1] + number[i] + number[i + 2 :] for i in decimals]
    return [text for text in swapped if text != number]


SLIPS = (
    *typed(
        "missing local derivative",
        "dy_ds = 1.0; dy_da = dy_db = 0.5591",
        "You passed the upstream gradient on unchanged. Only a sum does that, and this gate is not a sum.",
    ),
    *typed(
        "wrong local derivative: the input of tanh instead of its output",
        "dy_ds = 0.36, 0.2",
        "You used s, the input of tanh. The local derivative is a formula of its output.",
    ),
    *typed(
        "wrong local derivative: the square is missing",
        "dy_ds = 0.3360",
        "You are right to subtract from 1, but you left out the step before the subtraction.",
    ),
    *typed(
        "doubled instead of squared",
        "dy_ds = -0.3281",
        "You subtracted 2 · y from 1. That is not the square of y.",
    ),
    *typed(
        "the subtraction is missing",
        "dy_ds = 0.4409",
        "Your number is the square of y. One step is still missing.",
    ),
    *typed(
        "tanh applied twice",
        "dy_ds = 0.6624",
        "You took the tanh of y. But y is already the output of tanh.",
    ),
    *typed(
        "the value instead of the slope",
        "dy_ds = 0.6640, 0.8; dy_dm = 2.0; dy_dc = -1.2; dy_da = 4.0; dy_db = 0.5",
        "You gave a number from the forward pass. The question is how far y moves, which is a different number.",
    ),
    *typed(
        "the value instead of the upstream gradient",
        "dy_ds = 0.3712",
        "Your number is y times the slope of tanh. At the right end, start with how far y moves for each unit of y.",
        "dy/ds = 1 · (1 - y²); the walk starts with 1",
    ),
    *typed(
        "upstream gradient forgotten",
        "dy_dm = dy_dc = 1.0; dy_da = 0.5; dy_db = 4.0",
        "Your number is only the local derivative, which says how far the gate's output moves. How far does y move?",
    ),
    *typed(
        "a sum treated as a product",
        "dy_dm = dy_dc = 1.1181, -0.6709, 0.4473",
        "Your number is dy/ds times a number at the plus gate. That would fit a product, but m and c are added.",
        "s = m + c moves by 1 for each unit of m, and by 1 for each unit of c",
    ),
    *typed(
        "half of the upstream gradient",
        "dy_dm = dy_dc = 0.2795",
        "Your number is half of dy/ds. But if you nudge one input of a sum, the sum moves just as far as that input.",
    ),
    *typed(
        "the slope of tanh used twice",
        "dy_dm = dy_dc = 0.3126",
        "Your number is dy/ds times dy/ds. The gradient has already passed tanh. The next gate is the sum.",
    ),
    *typed(
        "the wrong sign",
        "dy_ds = dy_dm = dy_dc = -0.5591; dy_da = -0.2795; dy_db = -2.2362",
        "Your number has the right size. But a minus means that y falls when this variable grows. Here y rises.",
    ),
    *typed(
        "swapped",
        "dy_da = 2.2362; dy_db = 0.2795",
        "You multiplied by the input itself. When you nudge one factor, the other sets how far the product moves.",
    ),
    *typed(
        "the wrong factor",
        "dy_da = 1.1181",
        "Your number is dy/dm times m, or dy/dm divided by b, which is the same here. Neither is right.",
    ),
    *typed(
        "the wrong factor",
        "dy_db = 1.1181",
        "Your number is dy/dm times 2. That is m here, and it was a in the example. Neither is right.",
    ),
    *typed(
        "divided instead of multiplied",
        "dy_db = 0.1398",
        "Your number is dy/dm divided by a. Slopes along a path multiply, like gears.",
    ),
    *typed(
        "the wrong factor",
        "dy_da = dy_db = -0.6709",
        "Your number is dy/dm times c. But c is not an input of the times gate.",
    ),
    *typed(
        "the value of y in the place of a gradient",
        "dy_dm = dy_dc = 0.6640; dy_da = 0.3320; dy_db = 2.6560",
        "You used y itself as the upstream gradient. The upstream gradient says how far y moves.",
    ),
    *typed(
        "a slope of 0",
        "dy_ds = dy_dm = dy_dc = dy_da = dy_db = 0",
        "A slope of 0 means that y does not move when this variable is nudged. But y moves.",
    ),
    *typed(
        "a plus in place of a minus",
        "dy_ds = 1.4409",
        "You added the square of y to 1.",
    ),
    *typed(
        "subtracted before squaring",
        "dy_ds = 0.1129",
        "You subtracted y from 1 and then squared the result. The order is the other way round.",
    ),
    *typed(
        "numbers of the example",
        "dy_ds = dy_dm = dy_dc = 0.7864; dy_da = -2.359, -1.6773, 0.3932; dy_db = 1.573, 3.1457",
        "You used a number from the example in the text. The exercise has other values of a, b, c and y.",
    ),
    *typed(
        "measured with a large nudge",
        "dy_ds = dy_dm = dy_dc = 0.5226, 0.52, 0.5967, 0.60; dy_da = 0.2703, 0.27; dy_db = 1.697, 1.70, 2.6745",
        "Your number is what a nudge of 0.1 measures. Tanh bends on the way, so the slope is different.",
    ),
    *typed(
        "a ratio of values",
        "dy_ds = 0.83; dy_dm = 0.3320; dy_dc = -0.5533; dy_da = 0.1660; dy_db = 1.3280",
        "You divided the value of y by the variable's value. A slope compares how far they move.",
    ),
    *(
        Slip(
            "digits in the wrong order",
            f"dy_d{name} = {wrong}",
            "Your number has the right digits, but two of them are exchanged.",
            FORMULAS[name],
            f"dy_d{name}",
        )
        for name, right in (*((name, "0.5591") for name in "smc"), ("a", "0.2795"), ("b", "2.2362"))
        for wrong in exchanged(right)
    ),
    *typed(
        "the decimal point in the wrong place",
        "dy_ds = dy_dm = dy_dc = 5.591, 0.0559; dy_da = 2.795, 0.02795; dy_db = 22.362, 0.22362",
        "Your number has the right digits. Move its decimal point.",
    ),
    *typed(
        "added instead of multiplied",
        "dy_dm = dy_dc = 1.5591; dy_da = 1.0591; dy_db = 4.5591",
        "You added the upstream gradient to the local derivative. Slopes along a path multiply, like gears.",
    ),
)
