"""Files that read the solution."""

import pytest

from minigrad.course.checking.registry import lessons
from minigrad.course.classroom.solutions import reads_solution


@pytest.mark.parametrize(
    "code",
    [
        "from minigrad.course.lessons.lesson_03_gates.solution import Tanh",
        "from minigrad.course.lessons.lesson_03_gates import solution as mine",
        "import minigrad.course.lessons.lesson_03_gates.right",
        "from minigrad.course.checking.registry import lesson",
        "text = open('/x/lesson_03_gates/solution.py').read()",
        "run(['minigrad', 'course', 'solution', '3'])",
        "os.system('minigrad course solution 3')",
        "path = '/x/minigrad/course/lessons/'; module = load(path, 'solution')",
    ],
)
def test_reads_solution_returns_the_line(code):
    assert reads_solution(f"import os\n{code}\n") == [2]


@pytest.mark.parametrize(
    "code",
    [
        '"""See: minigrad course solution 3, in solution.py"""',
        "solution = 1  # from solution.py",
        "from minigrad.course import inputs",
        "from scipy import solution",
        "open('notes.txt', 'w').write('solution')",
        "def f(:",
    ],
)
def test_reads_solution_is_not_certain(code):
    assert reads_solution(code) == []


@pytest.mark.parametrize("file", ["exercise.py", "solution.py"])
def test_no_lesson_reads_its_solution(file):
    assert not any(reads_solution(one.read(file)) for one in lessons())
