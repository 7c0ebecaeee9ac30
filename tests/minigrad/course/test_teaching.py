"""The teacher's commands, and the notebooks that `export` writes."""

from pathlib import Path

import nbformat

from minigrad.course.checking.registry import lessons
from minigrad.course.classroom import report
from minigrad.course.teaching import FORMATS, write_notebooks


def test_formats_have_functions():
    known = {*FORMATS}
    assert {*report.FORMATS} == known | {None}
    assert {*report.SINGLE} <= known


def test_write_notebooks_leaves_work_alone(tmp_path):
    second = lessons()[1].file
    (tmp_path / second).write_text("mine = 2")
    paths, kept = write_notebooks(tmp_path)
    stems = [path.stem for path in paths]
    assert stems == [one.name for one in lessons()]
    assert not kept
    for path in paths:
        nbformat.validate(nbformat.read(path, as_version=4))
    # running its cell writes the file: an exercise there would undo the learner's work
    assert f"%%writefile {second}\\nmine = 2" in paths[1].read_text()
    paths[0].write_text("mine")
    assert write_notebooks(tmp_path)[1] == paths
    assert paths[0].read_text() == "mine"


def test_export_writes_the_lessons_of_a_course(typed):
    typed("start", "c", "--lesson", "3-5")
    text = typed("export", "c")[1]
    assert "3 notebooks are ready. Open one with: jupyter lab c/lesson_03" in text
    assert len([*Path("c").glob("lesson_*")]) == 6
