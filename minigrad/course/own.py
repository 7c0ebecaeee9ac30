"""Make a lesson of your own and test it: `minigrad course new` and `minigrad course test`."""

from __future__ import annotations

import argparse
import ast
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from ..errors import reason
from . import key, quiz
from .feedback import say
from .grade import grade
from .lesson import FOLDER, Lesson
from .sandbox import ask

FILES = "text.md", "exercise.py", "solution.py", "check.py", "slips.py"
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\s*^```text\n(.*?)^```$)?", re.M | re.S)
"""Code in a text, and what it prints."""
END = "\x1e\n"
"""Printed after each block of code."""


def new(options: argparse.Namespace) -> int:
    """Write the files of a new lesson."""
    folder = shutil.copytree(FOLDER / "template/my_lesson", options.folder)
    text = folder / "text.md"
    text.write_text(text.read_text("utf-8").replace("my_lesson", folder.resolve().name), "utf-8")
    say(f"Change the files in {folder}. Then run: minigrad course test {folder}")
    return 0


def test(options: argparse.Namespace) -> int:
    """Write a lesson's answer key, and print what the lesson lacks."""
    lacks = lacking(Lesson(options.folder.resolve()))
    say(*lacks or ["The lesson is complete."])
    return int(bool(lacks))


def lacking(one: Lesson) -> list[str]:
    """Write a lesson's answer key, and return what the lesson lacks."""
    if missing := [
        f"{name} is missing in {one.folder}" for name in FILES if not (one.folder / name).exists()
    ]:
        return missing
    readers: dict[str, Callable[[], object]] = {
        "text.md": lambda: one.text,
        "exercise.py": lambda: ast.parse(one.read("exercise.py"), "exercise.py"),
        "solution.py": lambda: ast.parse(one.read("solution.py"), "solution.py"),
        "check.py": lambda: one.questions,
        "slips.py": lambda: one.slips,
        "quiz.json": lambda: [
            (quiz.answer(q, "0"), q["choices"].items(), bytes.fromhex(q["right"]))
            for q in quiz.read(one)
        ],
    }
    for name, read in readers.items():
        try:
            read()
        except Exception as error:  # the lesson's files may raise any exception
            return [f"{name}: {type(error).__name__}: {reason(error)}"]
    solution = one.read("solution.py")
    texts = {"solution.py": solution, "exercise.py": one.read("exercise.py")}
    texts |= {f"slips.py: {slip.name!r}": f"{solution}\n\n{slip.code}" for slip in one.slips}
    # in processes with a time limit, because building the key runs the same code without one
    if found := [lack for name, text in texts.items() for lack in failures(one, name, text)]:
        return found
    try:
        key.write(one, key.make(one))
    except Exception as error:
        return [f"the answer key cannot be built: {type(error).__name__}: {reason(error)}"]
    problems = {name: grade(one, Path(one.file), text).problem for name, text in texts.items()}
    lacks = {
        f"the folder's name {one.name!r} cannot be imported by Python": not one.name.isidentifier(),
        "text.md does not begin with a title: # My lesson": not one.text.startswith("# "),
        "solution.py does not pass": problems.pop("solution.py") is not None,
        "exercise.py passes before anything is written": problems.pop("exercise.py") is None,
    }
    for name, problem in problems.items():
        named = problem and problem.slip and f"slips.py: {problem.slip.name!r}" == name
        lacks[f"{name} is not named by the check"] = not named
    return [text for text, lacking in lacks.items() if lacking] + misprints(one)


def failures(one: Lesson, name: str, text: str) -> list[str]:
    """Run one of the lesson's files, and return its errors. `name` is used in messages."""
    run = ask(one, Path(one.file), text)
    if run.ended:
        return [f"{name}: {run.ended}"]
    errors = [outcome.get("raised") for outcome in run.outcomes if name == "solution.py"]
    found = [
        f"{name} raises {error['type']}: {error['message']} ({error['text']})"
        for error in [run.unloaded, *errors]
        if error and not (error["not_written"] and name == "exercise.py")
    ]
    for question, outcome in zip(one.questions, run.outcomes, strict=False):
        if "missing" in outcome and not question.stretch:
            found.append(f"{name} does not define {question.function}")
    return list(dict.fromkeys(found))


def misprints(one: Lesson) -> list[str]:
    """Run the code in the lesson's text, and return where it does not print what the text shows."""
    blocks = BLOCK.findall(one.text)
    code = "".join(f"{code}\nprint({END!r})\n" for code, _ in blocks)
    run = ask(one, Path("text.md"), f"import warnings\nwarnings.simplefilter('ignore')\n{code}")
    if error := run.unloaded:
        return [f"text.md raises {error['type']}: {error['message']} ({error['text']})"]
    return [f"text.md: {run.ended}"] * bool(run.ended) or [
        f"text.md shows {shown.strip()!r}, but its code prints {printed.strip()!r}"
        for (_, shown), printed in zip(blocks, run.output.split(END), strict=False)
        if shown and shown.split() != printed.split()
    ]
