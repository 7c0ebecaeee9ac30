"""docs/promises.md: every promise names a test that is there; and the promises that concern the whole source."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "promises.md").read_text()
PROMISES = re.findall(r"^- (.*?)(?=^- |^$)", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("promise", PROMISES, ids=range(len(PROMISES)))
def test_a_promise_names_a_test_that_is_there(promise: str) -> None:
    tests = re.findall(r"^  `([\w/]+\.py)::(\w+)`$", promise, re.MULTILINE)
    assert tests
    for path, name in tests:
        assert re.search(rf"^def {name}\(", (ROOT / path).read_text(), re.MULTILINE), f"{path} has no {name}"


def calls() -> Iterator[tuple[str, str, ast.Call]]:
    """(file, name of what is called, call) for every call in the packages."""
    for package in ("minigrad", "layers", "optim"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if "lessons" in path.parts:
                continue  # text and exercises of the course, and scripts that draw their figures
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call):
                    yield str(path.relative_to(ROOT)), ast.unparse(node.func), node


def test_files_are_written_in_one_place() -> None:
    writing = {
        path
        for path, name, call in calls()
        if name.rpartition(".")[2] in ("write_text", "write_bytes", "touch")
        or (name.rpartition(".")[2] == "open" and re.search(r"'([wxa]b?\+?|r\+b)'|O_(WRONLY|RDWR)", ast.unparse(call)))
        if "devnull" not in ast.unparse(call)
    }
    # Jobs add to logs and to a file whose lines are worth something each: tests/minigrad/support/test_jobs.py cuts one.
    assert writing - {"minigrad/support/jobs.py"} == {"minigrad/support/files.py"}


def test_no_file_is_run_as_code_but_the_script_that_a_command_is_given() -> None:
    running = re.compile(r"(pickle|marshal|shelve|dill|runpy|importlib)\.\w+|eval|exec|compile|__import__")
    assert {(path, name) for path, name, _ in calls() if running.fullmatch(name)} == {
        ("minigrad/tools/commands.py", "runpy.run_path"),
        ("minigrad/course/child.py", "compile"),  # the learner's file, in a process of its own
        ("minigrad/course/child.py", "exec"),
        ("minigrad/course/grade.py", "compile"),  # the course's own solutions
        ("minigrad/course/grade.py", "exec"),
        ("minigrad/support/jobs.py", "importlib.import_module"),  # the script that runs the jobs
        ("minigrad/course/lesson.py", "importlib.import_module"),
    }
    loads = [call for _, name, call in calls() if name in ("np.load", "numpy.load")]
    assert loads and all("allow_pickle=False" in ast.unparse(call) for call in loads)


def test_importing_code_runs_it(tmp_path: Path) -> None:
    (tmp_path / "learner.py").write_text("print('I could do anything')\n")
    run = subprocess.run([sys.executable, "-c", "import learner"], cwd=tmp_path, capture_output=True, text=True)
    assert run.stdout == "I could do anything\n"


def test_limits_are_those_of_the_code() -> None:
    from minigrad.drawing import modes
    from minigrad.explorer import collect, replay

    limits = [*modes.LARGEST.values(), collect.LARGEST, collect.BRIEF, replay.MOST_GATES, replay.MOST_NUMBERS]
    section = PAGE.partition("## Sizes")[2]
    for limit in limits:
        assert re.search(rf"(?<![\d,]){limit:,}(?![\d,])", section), f"{limit:,} is not there"
