"""Draw maps.svg for lesson 18.

python -m minigrad.course.lessons.lesson_18_attention.figures
"""

from pathlib import Path

from minigrad.course.lessons.lesson_18_attention import shading, solution, trained

if __name__ == "__main__":
    looks = {task: (found[-1],) for task, found in trained.shown(solution).items()}
    Path(__file__).with_name("maps.svg").write_text(shading.picture(looks), encoding="utf-8")
