"""Exported notebooks: they run from top to bottom and are graded by the same checks."""

import json
import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import minigrad
from minigrad.course.checking.registry import lessons
from minigrad.course.classroom.export import notebook
from minigrad.course.workbook import Workbook

each_lesson = pytest.mark.parametrize("one", lessons(), ids=lambda one: one.name)
SHORT = """
from minigrad.course.lessons.lesson_19_gpt import trained
trained.train = lambda file, steps, report, train=trained.train: train(file, 12, report=2)
"""
"""Lesson 19's program trains a GPT for 3,000 steps. What is tested here is that the cell runs."""


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What the last cell of each solved notebook prints. One kernel executes them all."""
    folder = tmp_path_factory.mktemp("course")
    Workbook.start(folder)
    new_cell = nbformat.v4.new_code_cell
    cells, last = [new_cell(SHORT)], {}
    for one in lessons():
        cells.append(new_cell("%reset -f"))
        for cell in notebook(one, one.solution)["cells"]:
            if "outputs" in cell:
                cells.append(new_cell(cell["source"]))
        last[one] = cells[-1]
    client = NotebookClient(
        nbformat.v4.new_notebook(cells=cells),
        timeout=120,
        resources={"metadata": {"path": str(folder)}},
    )
    path = str(Path(minigrad.__file__).parents[1])
    client.execute(env={**os.environ, "PYTHONPATH": path})
    return {one: str(cell.outputs) for one, cell in last.items()}


@each_lesson
def test_solved_notebook_passes(printed, one):
    assert "passed." in printed[one]


@each_lesson
def test_notebook_contains_its_pictures(one):
    text = json.dumps(notebook(one, "")["cells"])
    assert "](" not in text.replace("](data:", "").replace("](http", "")
