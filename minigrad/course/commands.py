"""Define the commands of `minigrad course`."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import shlex
import shutil
import sys
import textwrap
import threading
import time
import webbrowser
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..errors import DataError, MinigradError, OptionError, pip_install, reason, shown
from ..support.text import for_terminal, printable
from ..tools.commands import to_type
from . import feedback, quiz
from .export import write_notebooks
from .grade import Verdict, grade
from .lesson import Lesson, lesson, lessons
from .report import add_report
from .sandbox import draw_page
from .workbook import Workbook

SUMMARY = "seventeen lessons from a*b + c to a recurrent network, with feedback on each mistake"


def add_course(commands: Any) -> None:
    """Add the `course` command and its subcommands to argparse's subparsers."""
    course = commands.add_parser("course", help=SUMMARY, description=f"The course: {SUMMARY}. "
                                                                     "Without a command, show "
                                                                     "your progress and check "
                                                                     "the current lesson.")  # fmt: skip
    course.set_defaults(run=_here)
    parts = course.add_subparsers(title="commands", metavar="COMMAND")

    def add(name: str, run: Callable[..., int], about: str, which: bool = True) -> Any:
        parser = parts.add_parser(name, help=about, description=about[0].upper() + about[1:] + ".")
        parser.set_defaults(run=on_lesson(run) if which else run)
        if which:
            parser.add_argument(
                "lesson",
                nargs="?",
                metavar="LESSON",
                help="the lesson's number (default: the current lesson)",
            )
        return parser

    start = add(
        "start",
        _start,
        "copy the lessons' files into a folder without overwriting your files",
        which=False,
    )
    start.add_argument(
        "folder", nargs="?", type=Path, default=Path("my-course"), help="(default: my-course)"
    )
    add("check", _check, "check a lesson")
    add("watch", _watch, "check a lesson whenever its file is saved, until you press Ctrl-C")
    add("hint", _hint, "show a hint; each new hint is more explicit")
    about = "answer a lesson's question, or show the question if you pass no answer"
    answer = add("answer", on_lesson(_answer), about, which=False)
    answer.add_argument(
        "answer", nargs="?", metavar="ANSWER", help="a choice such as b, or a number"
    )
    answer.add_argument(
        "--lesson", metavar="LESSON", help="the lesson's number (default: the current lesson)"
    )
    show = add("show", _show, "open a lesson's page in a browser")
    show.add_argument("--text", action="store_true", help="print the text in the terminal instead")
    solution = add("solution", _solution, "print a lesson's solution")
    solution.add_argument(
        "--yes", action="store_true", help="print the solution even before you pass the lesson"
    )
    reset = add(
        "reset",
        on_lesson(_reset),
        "restore a lesson's exercise, and save a copy of your file in backups/",
        which=False,
    )
    reset.add_argument("lesson", metavar="LESSON", help="the lesson's number")
    add("list", _list, "list all lessons and show which ones you have passed", which=False)
    add_report(parts)
    export = add("export", _export, "write the lessons as Jupyter notebooks", which=False)
    export.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=Path("."),
        help="the folder to write to (default: the current folder)",
    )
    for parser in (course, *parts.choices.values()):
        parser.set_defaults(run=with_files(parser.get_default("run")))


def on_lesson(
    run: Callable[[Workbook, Lesson, argparse.Namespace], int],
) -> Callable[[argparse.Namespace], int]:
    """Return a command that calls `run` with the lesson that the user names. The default is the
    current lesson, or the last lesson if all are passed.
    """

    def command(options: argparse.Namespace) -> int:
        workbook, which = Workbook.find(), options.lesson
        one = workbook.current() or lessons()[-1] if which is None else lesson(which)
        return run(workbook, one, options)

    return command


def with_files(run: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """Return a command that calls `run` and raises DataError MG921 if the system refuses to read or
    write a file.
    """

    def command(options: argparse.Namespace) -> int:
        try:
            return run(options)
        except (MinigradError, BrokenPipeError):
            raise
        except OSError as error:
            raise DataError(
                "MG921",
                f"{shown(os.fspath(error.filename or 'a file'))} cannot be used: {reason(error)}",
                cause="the operating system reported this error when the course opened, read or "
                "wrote the file",
                remedy="check that the disk has space, that you have permission to write there, and "
                "that every parent in the path is a folder, not a file",
            ) from None

    return command


def _start(options: argparse.Namespace) -> int:
    workbook, kept = Workbook.start(options.folder)
    new = len(lessons()) - len(kept)
    if kept:
        _say(
            [
                f"{workbook.folder}: {new} lessons copied; {len(kept)} already existed and were "
                "not changed."
            ]
        )
    else:
        _say([f"{new} lessons are in {workbook.folder}. Continue with:", "",
              f"    cd {shlex.quote(str(workbook.folder))}", "    minigrad course"])  # fmt: skip
    return 0


def _here(_: object) -> int:
    workbook = Workbook.find()
    one = workbook.current()
    if one is None:
        print(
            to_type(
                f"All {len(lessons())} lessons passed. To read one again: minigrad course show 13"
            )
        )
        return 0
    print(
        f"{_count_passed(workbook)} of {len(lessons())} lessons passed. Current lesson: "
        f"{one.number}, {one.title}."
    )
    print(
        to_type(
            "  read    minigrad course show\n  answer  minigrad course answer\n  write   "
            f"{one.file}\n"
        )
    )
    if missed := _missed(workbook, one):
        earlier, place = missed
        _say(
            _posed(
                quiz.read(earlier)[place], f"You missed this question in lesson {earlier.number}: "
            )
        )
        _say([f"  minigrad course answer --lesson {earlier.number} ...", ""])
    return _check(workbook, one)


def check(which: int | str) -> None:
    """Check a lesson in the current folder and print the result.

    This is `minigrad course check` for a notebook cell.
    """
    _check(Workbook.find(), lesson(which))


def _check(workbook: Workbook, one: Lesson, _: object = None, pose: bool = True) -> int:
    text = workbook.text(one)
    place = _unanswered(workbook, one)
    pose = pose and text != one.read("exercise.py") and place is not None
    if pose and place is not None:
        which = "" if one is workbook.current() else f" --lesson {one.number}"
        if workbook.lessons.get(one.name, {}).get("posed") == place:
            _say([f"A question is still open: minigrad course answer{which}", ""])
        else:
            _say(_posed(quiz.read(one)[place], "A question before you run it: "))
            _say([f"  minigrad course answer{which} ...", ""])
    with still_running():
        verdict = grade(one, workbook.path(one), text)
    problem = verdict.problem
    _show_output(verdict.output.strip().splitlines())
    with workbook.changed(one) as entry:
        if pose:
            entry["posed"] = place
        _say(feedback.lines(verdict, count_try(entry, verdict, text), _width()))
    if problem is None or problem.kind in ("wrong", "changed"):
        _draw_graph(workbook, one, text, problem.function if problem else "")
    if problem is not None:
        return 1
    _say(
        [
            "",
            *_wrapped(
                f"Now read 'What to notice afterwards' in lesson {one.number}: minigrad course show {one.number}"
            ),
        ]
    )
    for name, file in workbook.carry_over():
        _say(_wrapped(f"{file} now contains your own {name}."))
    following = workbook.current()
    if following is None:
        print(f"That was the last lesson. You have passed all {len(lessons())}.")
    else:
        _say(_wrapped(f"Next: lesson {following.number}, {following.title}: minigrad course show"))
    return 0


def count_try(entry: dict[str, Any], verdict: Verdict, text: str) -> int:
    """Record a check in the lesson's entry. Returns the number of checks in which the failing
    function was wrong.

    A check of an unchanged file is not counted as another try.
    """
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    again, entry["checked"] = entry.get("checked") == digest, digest
    problem = verdict.problem
    if problem is None:
        entry.setdefault("passed", time.strftime("%Y-%m-%d %H:%M"))
    elif problem.kind not in ("not written", "missing"):
        function, counts = problem.function or "file", entry.setdefault("tries", {})
        counts[function] = counts.get(function, 0) + (not again or function not in counts)
        return int(counts[function])
    return 0


@contextlib.contextmanager
def still_running() -> Iterator[None]:
    """Print a line if the block takes longer than two seconds."""
    told = threading.Timer(2.0, lambda: print("still running ...", file=sys.stderr, flush=True))
    told.daemon = True
    told.start()
    try:
        yield
    finally:
        told.cancel()


def _draw_graph(workbook: Workbook, one: Lesson, text: str, failed: str) -> None:
    """Draw the learner's own graph and print the page's path."""
    target = workbook.folder / "pages" / f"{one.name}_graph.html"
    try:
        if draw_page(one, workbook.path(one), text, failed, target):
            print(f"  your graph: pages/{target.name}")
    except OSError as error:
        print(f"  your graph could not be written: {reason(error)}")


def _posed(question: quiz.Quiz, before: str) -> list[str]:
    lines = _wrapped(f"{before}{question['question']}")
    for name, text in question["choices"].items():
        lines += feedback.wrapped(f"  {name}) {text}", _width(), "  ", "     ")
    return lines


def _answer(workbook: Workbook, one: Lesson, options: argparse.Namespace) -> int:
    place = _open_question(workbook, one)
    if place is None and options.lesson is None and (missed := _missed(workbook, one)):
        one, place = missed
    place = place or 0
    question, given = quiz.read(one)[place], options.answer
    if given is None:
        _pose(workbook, one, place, f"Lesson {one.number}: ")
        return 0
    which = "" if one is workbook.current() else f" --lesson {one.number}"
    _say(_posed(question, f"Lesson {one.number}: "))
    quiz.require_fit(question, given, f"minigrad course answer{which}")
    right, sentence = quiz.answer(question, given)
    _say(_wrapped(f"✓ {sentence or 'Right.'}" if right else f"✗ {sentence or 'Wrong.'}"))
    with workbook.changed(one) as entry:
        entry.setdefault("answers", {})[str(place)] = given
        entry["posed"] = place
    if not right:
        _say([f"  To answer it again: minigrad course answer{which} ..."])
    elif (following := _open_question(workbook, one)) is not None:
        _say([""])
        _pose(workbook, one, following, "And: ")
    return 0


def _pose(workbook: Workbook, one: Lesson, place: int, before: str) -> None:
    """Show a question. The next answer belongs to it."""
    _say(_posed(quiz.read(one)[place], before))
    with workbook.changed(one) as entry:
        entry["posed"] = place


def _open_question(workbook: Workbook, one: Lesson) -> int | None:
    """Return the index of the question that was shown last, if it has no right answer yet, otherwise
    of the first unanswered question, otherwise of the first with a wrong answer, or None.
    """
    wrong, unanswered = _wrong(workbook, one), _unanswered(workbook, one)
    posed = workbook.lessons.get(one.name, {}).get("posed")
    if posed in wrong or isinstance(posed, int) and str(posed) not in workbook.answers(one):
        return int(posed)
    return unanswered if unanswered is not None else next(iter(wrong), None)


def _unanswered(workbook: Workbook, one: Lesson) -> int | None:
    """Return the index of the lesson's first unanswered question, or None."""
    answered = workbook.answers(one)
    return next((place for place in range(len(quiz.read(one))) if str(place) not in answered), None)


def _wrong(workbook: Workbook, one: Lesson) -> list[int]:
    """Return the indices of the lesson's questions whose last answer was wrong."""
    answered = workbook.answers(one)
    return [
        place
        for place, question in enumerate(quiz.read(one))
        if str(place) in answered and not quiz.answer(question, answered[str(place)])[0]
    ]


def _missed(workbook: Workbook, current: Lesson) -> tuple[Lesson, int] | None:
    """Return the first missed question of a lesson that is at least two lessons back."""
    for one in lessons():
        if one.number <= current.number - 2 and (wrong := _wrong(workbook, one)):
            return one, wrong[0]
    return None


def _watch(workbook: Workbook, one: Lesson, options: argparse.Namespace) -> int:
    seen = None
    while True:
        try:
            changed = os.stat(workbook.path(one)).st_mtime_ns
        except OSError:  # an editor may be replacing the file
            changed = None
        if changed is not None and changed != seen:
            first, seen, failed = seen is None, changed, 1
            print(f"--- {time.strftime('%H:%M:%S')} {one.file}")
            try:
                workbook.read()
                failed = _check(workbook, one, pose=first)
            except DataError as error:
                print(to_type(str(error)))
            following = workbook.current()
            if not failed and options.lesson is None and following is not None:
                one, seen = following, None
                continue
            print(
                f"\nWatching {one.file}. Save the file to check it again. Stop with Ctrl-C.",
                flush=True,
            )
        time.sleep(0.3)


def _hint(workbook: Workbook, one: Lesson, _: object) -> int:
    index = workbook.next_hint(one)
    print(f"Lesson {one.number}, hint {index + 1} of {len(one.hints)}:\n")
    for part in one.hints[index].split("\n\n"):
        _say([*_wrapped(" ".join(part.split())), ""])
    return 0


def _show(workbook: Workbook, one: Lesson, options: argparse.Namespace) -> int:
    page = (workbook.folder / "pages" / f"{one.name}.html").resolve()
    if options.text:
        print_markdown(one.text)
    elif webbrowser.open(page.as_uri()):
        _say([str(page)])
    else:
        _say([str(page), "Could not open a browser. Open this file yourself."])
    return 0


def print_markdown(text: str) -> None:
    """Print Markdown for a terminal. Errors: OptionError MG923 if rich is not installed."""
    try:
        from rich.console import Console
        from rich.markdown import Markdown
    except ImportError:
        raise OptionError(
            "MG923",
            "printing a lesson's text needs rich, which is not installed",
            cause="rich is an optional dependency (the extra `course`)",
            remedy=f"install it with `{pip_install('rich')}`, or read the lesson in a browser: "
            "minigrad course show",
        ) from None
    Console(width=min(_width(), 100)).print(Markdown(text))


def _solution(workbook: Workbook, one: Lesson, options: argparse.Namespace) -> int:
    if not (options.yes or workbook.passed(one)):
        _say([f"You have not passed lesson {one.number} yet. To see the solution anyway:",
              f"  minigrad course solution {one.number} --yes"])  # fmt: skip
        return 1
    print(one.read("solution.py").rstrip())
    return 0


def _reset(workbook: Workbook, one: Lesson, _: object) -> int:
    copy = workbook.reset(one)
    print(
        f"{one.file} now contains the original exercise."
        + (f" Your file was saved as {copy.parent.name}/{copy.name}." if copy else "")
    )
    return 0


def _list(_: object) -> int:
    workbook = Workbook.find()
    at_hand, lines = workbook.current(), []
    for one in lessons():
        mark = "→" if one is at_hand else "○"
        if workbook.passed(one):
            mark = "✓"
        lines.append(f"{mark} {one.number:>2}  {one.title:<44}{one.file}")
    _say([*lines, "", f"{_count_passed(workbook)} of {len(lessons())} passed"])
    return 0


def _export(options: argparse.Namespace) -> int:
    paths, kept = write_notebooks(options.folder)
    left = f" ({len(kept)} already existed and were not changed)" if kept else ""
    _say(
        [
            f"{len(paths)} notebooks are in {options.folder}{left}. Open one with: jupyter lab "
            f"{shlex.quote(str(paths[0]))}"
        ]
    )
    return 0


def _count_passed(workbook: Workbook) -> int:
    return sum(map(workbook.passed, lessons()))


def _show_output(printed: list[str]) -> None:
    if printed:
        print("Your file printed:")
        width = max(_width(), 40) - 4
        parts = [
            part for line in printed for part in textwrap.wrap(line.expandtabs(), width) or [""]
        ]
        more = [f"... {len(parts) - 20} more lines"] if len(parts) > 20 else []
        _say([*(f"  | {part}" for part in parts[:20]), *more, ""])


def _width() -> int:
    return shutil.get_terminal_size().columns


def _wrapped(text: str) -> list[str]:
    return feedback.wrapped(text, _width())


def _say(lines: list[str]) -> None:
    """Print lines that may contain learners' text, with control characters escaped."""
    for line in lines:
        print(for_terminal(to_type(printable(line))))
