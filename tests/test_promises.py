"""docs/promises.md: the tests that it names are there; and the promises that concern the whole
source.
"""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "promises.md").read_text()


def test_the_tests_that_the_page_names_are_there():
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)
    files = {path: ROOT / path for path, _ in named}
    assert [path for path, file in files.items() if not file.is_file()] == []
    assert [
        test for path, test in named if f"def {test}" not in files[path].read_text()
    ] == []


def calls():
    """(file, name of what is called, the whole call) for every call in the packages."""
    for package in ("minigrad", "layers", "optim"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if "lessons" in path.parts:
                continue  # text and exercises of the course, and scripts that draw their figures
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call):
                    yield (
                        str(path.relative_to(ROOT)),
                        ast.unparse(node.func),
                        ast.unparse(node),
                    )


def test_files_are_written_in_one_place():
    method = re.compile(r"(.*\.)?(write_text|write_bytes|touch)")
    opened = re.compile(r"(.*\.)?open\(.*('([wxa]b?\+?|r\+b)'|O_(WRONLY|RDWR))")
    writing = {
        path
        for path, name, call in calls()
        if (method.fullmatch(name) or opened.match(call)) and "devnull" not in call
    }
    # Jobs add to logs and to a file whose lines are worth something each:
    # tests/minigrad/support/test_jobs.py cuts one.
    # A learner's process writes the learner's modules into its temporary folder.
    others = {"minigrad/support/jobs.py", "minigrad/course/checking/child.py"}
    assert writing - others == {"minigrad/support/files.py"}


def test_no_file_is_run_as_code_but_the_script_that_a_command_is_given():
    running = re.compile(
        r"(pickle|marshal|shelve|dill|runpy|importlib)\.\w+|eval|exec|compile|__import__"
    )
    assert {(path, name) for path, name, _ in calls() if running.fullmatch(name)} == {
        ("minigrad/tools/commands.py", "runpy.run_path"),
        # the learner's file, in a process of its own
        ("minigrad/course/checking/child.py", "compile"),
        ("minigrad/course/checking/child.py", "exec"),
        ("minigrad/course/checking/lesson.py", "compile"),  # the lessons' solutions
        ("minigrad/course/checking/lesson.py", "exec"),
        ("minigrad/course/checking/lesson.py", "eval"),  # the lessons' questions
        (
            "minigrad/course/checking/lesson.py",
            "importlib.import_module",
        ),  # the lessons' checks
        # the learner's file, in the learner's own Python
        ("minigrad/course/checking/repeat.py", "importlib.import_module"),
        (
            "minigrad/support/jobs.py",
            "importlib.import_module",
        ),  # the script that runs the jobs
    }
    loads = [call for _, name, call in calls() if name in ("np.load", "numpy.load")]
    assert loads and all("allow_pickle=False" in call for call in loads)


def test_limits_are_those_of_the_code():
    from minigrad.drawing import modes
    from minigrad.explorer import collect, replay

    limits = [
        *modes.LARGEST.values(),
        collect.LARGEST,
        collect.BRIEF,
        replay.MOST_GATES,
        replay.MOST_NUMBERS,
    ]
    numbers = re.findall(r"\d[\d,]*", PAGE.partition("## Sizes")[2])
    assert {f"{limit:,}" for limit in limits} <= set(numbers)


def test_no_message_points_to_a_page_that_a_wheel_lacks():
    """Docstrings may: they are read in the repository and on the site."""
    assert [path for path, _, call in calls() if re.search(r"docs/\w+\.md", call)] == []
