"""The questions of the check. A student passes with the solution's answers to all of them."""

from minigrad.course.checking.lesson import Question, values

QUESTIONS = [
    Question("slope", "slope(x)", values(x=5.0), formula="2 * x", expect=lambda: 10.0),
    Question("slope", "slope(x)", values(x=[-1.5, 0.25]), formula="2 * x"),
]
