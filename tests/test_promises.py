"""docs/promises.md: the tests that it names exist, and the promises about the whole source hold."""

import ast
import re
from pathlib import Path

import pytest

from minigrad.drawing import modes
from minigrad.explorer import collect, replay

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "promises.md").read_text()
NAMED = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)


@pytest.mark.parametrize(("path", "test"), NAMED)
def test_named_tests_exist(path, test):
    assert f"def {test}" in (ROOT / path).read_text()


def calls():
    """(module, name of what is called, the whole call) for every call in the packages."""
    for package in ("minigrad", "layers", "optim"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if "lessons" in path.parts:
                continue  # text and exercises of the course, and scripts that draw their figures
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call):
                    yield module, ast.unparse(node.func), ast.unparse(node)


CALLS = list(calls())


def test_files_are_written_in_one_place():
    method = re.compile(r"(.*\.)?(write_text|write_bytes|touch)")
    opened = re.compile(r"(.*\.)?open\(.*('([wxa]b?\+?|r\+b)'|O_(WRONLY|RDWR))")
    writing = {
        module
        for module, name, call in CALLS
        if (method.fullmatch(name) or opened.match(call)) and "devnull" not in call
    }
    assert writing == {
        "minigrad.support.files",
        "minigrad.support.jobs",  # adds lines to logs; test_jobs.py damages one
        "minigrad.course.checking.child",  # a learner's modules, in a temporary folder
        # the results of a grader that failed, which may not be able to import minigrad
        "minigrad.course.classroom.autograder.prairielearn",
    }


def test_only_a_users_script_runs_as_code():
    libraries = r"(pickle|marshal|shelve|dill|runpy|importlib)\.\w+"
    running = re.compile(libraries + "|eval|exec|compile|__import__")
    found: dict[str, set[str]] = {}
    for module, name, _ in CALLS:
        if running.fullmatch(name):
            found.setdefault(module, set()).add(name)
    load = "importlib.import_module"
    assert found == {
        "minigrad.tools.commands": {"runpy.run_path"},
        # the learner's file, in its own process and in the learner's own Python
        "minigrad.course.checking.child": {"compile", "exec"},
        "minigrad.course.checking.repeat": {load},
        # the lessons' solutions, questions and checks
        "minigrad.course.checking.lesson": {"compile", "exec", "eval", load},
        "minigrad.support.jobs": {load},  # the script that runs the jobs
        # the engine that a user checks, and the operations in the table of the check
        "minigrad.gradient_checker.engine.target": {load},
        "minigrad.gradient_checker.engine.operations": {"eval"},
    }
    loads = [call for _, name, call in CALLS if name in ("np.load", "numpy.load")]
    assert loads
    assert all("allow_pickle=False" in call for call in loads)


def test_limits_are_those_of_the_code():
    drawing = modes.LARGEST.values()
    explorer = (collect.LARGEST, collect.BRIEF)
    replayed = (replay.MOST_GATES, replay.MOST_NUMBERS)
    numbers = re.findall(r"\d[\d,]*", PAGE.partition("## Sizes")[2])
    for limit in (*drawing, *explorer, *replayed):
        assert f"{limit:,}" in numbers


def test_messages_do_not_point_to_pages():
    """A wheel has no docs. Docstrings may, because they are read in the repository and on the site."""
    assert not [call for _, _, call in CALLS if re.search(r"docs/\w+\.md", call)]
