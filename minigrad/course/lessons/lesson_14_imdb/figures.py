"""Draw words.svg for lesson 14.

python -m minigrad.course.lessons.lesson_14_imdb.figures
"""

from pathlib import Path

from minigrad.course.lessons.lesson_14_imdb import experiment, solution

if __name__ == "__main__":
    experiment.shaded(solution, Path(__file__).with_name("words.svg"))
