"""The teacher's commands, and the notebooks that `export` writes."""

from pathlib import Path

import nbformat

from minigrad.course.checking.registry import lessons
from minigrad.course.classroom import report
from minigrad.course.teaching import FORMATS, write_notebooks


def test_each_format_of_a_report_has_a_function():
    assert {*FORMATS, None} == {*report.FORMATS} and {*report.SINGLE} <= {*FORMATS}


def test_write_notebooks_leaves_work_alone(tmp_path):
    (tmp_path / lessons()[1].file).write_text("mine = 2")
    paths, kept = write_notebooks(tmp_path)
    assert [path.name for path in paths] == [
        f"{one.name}.ipynb" for one in lessons()
    ] and not kept
    for path in paths:
        nbformat.validate(nbformat.read(path, as_version=4))
    # running its cell writes the file: an exercise there would undo the learner's work
    assert f"%%writefile {lessons()[1].file}\\nmine = 2" in paths[1].read_text()
    paths[0].write_text("mine")
    assert write_notebooks(tmp_path)[1] == paths
    assert paths[0].read_text() == "mine"


def test_only_the_lessons_of_a_course_folder_are_exported(typed):
    typed("start", "c", "--lesson", "3-5")
    assert (
        "3 notebooks are ready. Open one with: jupyter lab c/lesson_03"
        in typed("export", "c")[1]
    )
    assert len(list(Path("c").glob("lesson_*"))) == 6
