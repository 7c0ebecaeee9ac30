"""Make and test your own lesson: `minigrad course new` and `minigrad course test`."""

import argparse
import os
import re
import shutil
from pathlib import Path

from ...errors import OptionError, reason, shown
from ...support.files import save_text
from ..checking import feedback, key, quiz
from ..checking.feedback import say
from ..checking.grade import Problem, grade
from ..checking.lesson import Lesson
from ..checking.registry import FOLDER
from ..checking.sandbox import Run, ask

BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\s*^```text\n(.*?)^```$)?", re.M | re.S)
"""A pattern for a block of code in a text, and the output shown after it."""
END = "\x1e\n"
"""Printed after each block of code."""
QUIET = "import warnings\nwarnings.simplefilter('ignore')\n"


def new(options: argparse.Namespace) -> int:
    """Write the files of a new lesson. Errors: OptionError MG935 if the folder exists."""
    if os.path.lexists(options.folder):
        raise OptionError(
            "MG935",
            f"{shown(options.folder)} already exists",
            cause="the files of a new lesson could replace your own files",
            remedy="pass a folder that does not exist, or test the lesson that is there: minigrad "
            f"course test {shown(options.folder)}",
        )
    folder = shutil.copytree(FOLDER / "template/my_lesson", options.folder)
    one = Lesson(folder.resolve())
    save_text(folder / "text.md", one.text.replace("my_lesson", one.name))
    say(f"Change the files in {folder}. Then run: minigrad course test {folder}")
    return 0


def test(options: argparse.Namespace) -> int:
    """Write a lesson's answer key, and print what the lesson lacks."""
    lacks = lacking(Lesson(options.folder.resolve()))
    if not lacks:
        say("The lesson is complete.")
        return 0
    say(*lacks)
    return 1


def lacking(one: Lesson) -> list[str]:
    """Write a lesson's answer key, and return what the lesson lacks. Errors: OSError."""
    names = "solution.py", "exercise.py", "text.md"
    missing = [name for name in (*names, "check.py") if not (one.folder / name).is_file()]
    if missing and one.folder.is_dir():
        return [f"{name} is missing" for name in missing]
    texts = {}
    for name in names:
        try:
            texts[name] = one.read(name)
        except UnicodeDecodeError:
            return [f"{name} is not UTF-8 text: save it in this encoding"]
    solution = texts["solution.py"]
    blocks = BLOCK.findall(one.text)
    # what the text shows is compared with what its code prints
    codes = [f"{code}\nprint({END!r})\n" for code, _ in blocks]
    texts["text.md"] = QUIET + "".join(codes)
    name = "check.py"
    try:
        if not one.questions:
            return ["check.py has no questions: its list QUESTIONS is empty"]
        name = "slips.py"
        slips = {}
        for slip in one.slips:
            slips[f"slips.py: {slip.name!r}"] = f"{solution}\n\n{slip.code}"
        name = "quiz.json"
        for question in quiz.read(one):
            quiz.require_fit(question, [*question["choices"], "0"][0])
            quiz.answer(question, bytes.fromhex(question["right"]).hex())
        # in processes with a time limit, because building the key runs the same code without one
        runs, found = {}, []
        for name, text in (texts | slips).items():
            runs[name] = ask(one, Path(one.file), text)
            found += failures(one, name, runs[name])
        if found:
            return found
        name = "the answer key"
        key.write(one, key.make(one))
    except Exception as error:  # the lesson's files may raise any exception
        return [f"{name}: {type(error).__name__}: {reason(error)}"]

    def problem(text: str) -> Problem | None:
        return grade(one, Path(one.file), text).problem

    lacks = []
    if not one.name.isidentifier():
        lacks.append(f"the folder's name {one.name!r} cannot be imported by Python")
    if not one.text.startswith("# "):
        lacks.append("text.md does not begin with a title: # My lesson")
    if wrong := problem(solution):
        told = feedback.explained(wrong, one, 1, 80, page=True)
        lacks.append(" ".join(["solution.py does not pass:", *map(str.strip, told)]))
    if not any(question.expect for question in one.questions):
        lacks.append(
            "check.py has no question with `expect`, so solution.py is compared only with itself"
        )
    if not slips:
        lacks.append("slips.py contains no mistakes, so nothing shows that the check finds one")
    if not problem(texts["exercise.py"]):
        lacks.append("exercise.py passes before anything is written")
    for name, text in slips.items():
        if f"Slip(name={name.partition(': ')[2]}" not in repr(problem(text)):
            lacks.append(f"{name} is not named by the check")
    outputs = runs["text.md"].output.split(END)
    for (_, output), printed in zip(blocks, outputs, strict=False):
        output, printed = output.strip(), printed.strip()
        if output and output.split() != printed.split():
            lacks.append(f"text.md shows {output!r}, but its code prints {printed!r}")
    return lacks


def failures(one: Lesson, name: str, run: Run) -> list[str]:
    """Return the errors of one of the lesson's files."""
    if run.ended:
        return [f"{name}: {run.ended}"]
    errors = [outcome.get("raised") for outcome in run.outcomes if name == "solution.py"]
    found = [
        f"{name} raises {error['type']}: {error['message']} ({error['text']})"
        for error in [run.unloaded, *errors]
        if error and not (error["not_written"] and name == "exercise.py")
    ]
    for question, outcome in zip(one.questions, run.outcomes, strict=False):
        if "missing" in outcome and not question.stretch and name != "text.md":
            found.append(f"{name} does not define {question.function}")
    return list(dict.fromkeys(found))
