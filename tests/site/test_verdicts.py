"""The course in the pages: the same verdicts, in the same words, as on the command line.

Of a lesson's slips, and of its right answers in other ways, every sixth is compared, and with
EVERY_SLIP=1 in the environment all of them.
"""

import json
import os
import subprocess
from pathlib import Path

from minigrad.course.checking import feedback
from minigrad.course.checking.registry import lessons
from tests.minigrad.course.checking.test_lesson import (
    graded_here,
    right_answers,
    with_code,
)
from tests.needs import NODE, needs_node

GRADE = Path(__file__).with_name("grade.mjs")
STRIDE = 1 if os.environ.get("EVERY_SLIP") else 6


def answers(one):
    """Of one lesson: its stub, its solution, slips, and right answers in other ways."""
    slips = [slip.code for slip in one.slips[::STRIDE]]
    right = [*right_answers(one).values()][::STRIDE]
    return [
        one.exercise,
        one.solution,
        *(with_code(one, code) for code in slips + right),
    ]


@needs_node
def test_verdicts_in_a_page_are_those_of_the_command_line(site, python, tmp_path):
    given = [(one, text) for one in lessons() for text in answers(one)]
    files = tmp_path / "files.json"
    files.write_text(json.dumps([(one.name, text) for one, text in given]))
    command = [
        NODE,
        str(GRADE),
        str(site / "_static/cells"),
        str(files),
    ]
    # beside this process
    page = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    here = [feedback.lines(graded_here(one, text), 3, page=True) for one, text in given]
    assert json.loads(page.communicate()[0]) == here
