"""Exported notebooks run from top to bottom and are graded by the same checks."""

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
    whole, last = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(SHORT)]), {}
    for one in lessons():
        cells = notebook(one, one.read("solution.py"))["cells"]
        sources = [
            "%reset -f",
            *(cell["source"] for cell in cells if "outputs" in cell),
        ]
        whole.cells += map(nbformat.v4.new_code_cell, sources)
        last[one.number] = whole.cells[-1]
    environment = {**os.environ, "PYTHONPATH": str(Path(minigrad.__file__).parents[1])}
    client = NotebookClient(
        whole, timeout=120, resources={"metadata": {"path": str(folder)}}
    )
    client.execute(env=environment)
    return {number: str(cell.outputs) for number, cell in last.items()}


@pytest.mark.parametrize("number", [one.number for one in lessons()])
def test_a_solved_notebook_passes(printed, number):
    assert "passed." in printed[number]


def test_a_notebook_carries_its_pictures():
    for one in lessons():
        text = json.dumps(notebook(one, "")["cells"])
        assert "](" not in text.replace("](data:", "").replace("](http", ""), one.name
