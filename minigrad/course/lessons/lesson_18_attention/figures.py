"""Draw the maps for lesson 18: copy.svg, reverse.svg and sort.svg.

python -m minigrad.course.lessons.lesson_18_attention.figures
"""

from pathlib import Path

from minigrad.course.lessons.lesson_18_attention import shading, solution, trained

if __name__ == "__main__":
    for task, found in trained.shown(solution).items():
        drawn = shading.picture({task: found[-1:]})
        Path(__file__).with_name(f"{task}.svg").write_text(drawn, encoding="utf-8")
