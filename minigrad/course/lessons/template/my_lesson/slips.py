"""Mistakes that the check names, with an explanation that does not give the answer away."""

from minigrad.course.checking.lesson import Slip

SLIPS = [
    Slip(
        "the value instead of the slope",
        "def slope(x):\n    return x * x",
        "Your function returns the square itself. The question is how fast it moves.",
    ),
]
