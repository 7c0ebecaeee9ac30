"""Draw words.svg for lesson 17.

python -m minigrad.course.lessons.lesson_17_imdb.figures
"""

from pathlib import Path

from minigrad.course.lessons.lesson_17_imdb import experiment, solution

if __name__ == "__main__":
    experiment.shaded(solution, Path(__file__).with_name("words.svg"))
