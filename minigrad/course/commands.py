"""The commands of `minigrad course`."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import DataError, MinigradError, reason, shown
from ..support.text import printable
from ..tools.commands import to_type
from . import feedback, quiz
from .grade import Verdict, grade
from .lesson import Lesson, lesson, lessons
from .sandbox import draw_page
from .workbook import Workbook

SUMMARY = "fourteen lessons from a*b + c to a recurrent network, graded by cause"


def add_course(commands: Any) -> None:
    """Add the command `course` with its own commands to argparse's subparsers."""
    course = commands.add_parser("course", help=SUMMARY, description=f"The course: {SUMMARY}. Without a command: says "
                                 "where you are, and checks the lesson at hand.")  # fmt: skip
    course.set_defaults(run=_here)
    parts = course.add_subparsers(title="commands", metavar="COMMAND")

    def add(name: str, run: Callable[[argparse.Namespace], int], about: str, which: bool = True) -> Any:
        parser = parts.add_parser(name, help=about, description=about[0].upper() + about[1:] + ".")
        parser.set_defaults(run=run)
        if which:
            parser.add_argument("lesson", nargs="?", metavar="LESSON", help="its number (default: the lesson at hand)")
        return parser

    start = add("start", _start, "copy the lessons' files into a folder; never overwrites anything", which=False)
    start.add_argument("folder", nargs="?", type=Path, default=Path("my-course"), help="(default: my-course)")
    add("check", _check, "check a lesson")
    add("watch", _watch, "check a lesson again whenever its file is saved, until Ctrl-C")
    add("hint", _hint, "a hint; asked again, a plainer one")
    answer = add("answer", _answer, "answer a lesson's question; without an answer, show it", which=False)
    answer.add_argument("answer", nargs="?", metavar="ANSWER", help="a choice such as b, or a number")
    answer.add_argument("--lesson", metavar="LESSON", help="its number (default: the lesson at hand)")
    show = add("show", _show, "open a lesson's page in a browser")
    show.add_argument("--text", action="store_true", help="print its text here instead")
    solution = add("solution", _solution, "print a lesson's solution")
    solution.add_argument("--yes", action="store_true", help="do not ask whether you are sure")
    reset = add("reset", _reset, "begin a lesson anew; keeps a copy of your file in backups/", which=False)
    reset.add_argument("lesson", metavar="LESSON", help="its number")
    add("list", _list, "all lessons, and which are passed", which=False)
    from .report import add_report

    add_report(parts)
    export = add("export", _export, "write the lessons as notebooks", which=False)
    export.add_argument("folder", nargs="?", type=Path, default=Path("."), help="where to (default: here)")
    export.add_argument("--notebooks", action="store_true", help="as Jupyter notebooks (the default, and all there is)")
    for parser in (course, *parts.choices.values()):
        parser.set_defaults(run=with_files(parser.get_default("run")))


def with_files(run: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """The command `run`, which raises DataError MG921 where the system refuses to read or write a file."""

    def command(options: argparse.Namespace) -> int:
        try:
            return run(options)
        except (MinigradError, BrokenPipeError):
            raise
        except OSError as error:
            raise DataError(
                "MG921",
                f"{shown(os.fspath(error.filename or 'a file'))} cannot be used: {reason(error)}",
                cause="the course reads and writes files in the folders that a command names",
                remedy="see that the disk has room, and that you may write there",
            ) from None

    return command


def _start(options: argparse.Namespace) -> int:
    workbook, kept = Workbook.start(options.folder)
    new = len(lessons()) - len(kept)
    if kept:
        _say([f"{workbook.folder}: {new} lessons copied; {len(kept)} were there already, and are as they were."])
    else:
        _say([f"{new} lessons are in {workbook.folder}. Go on with:", "",
              f"    cd {shlex.quote(str(workbook.folder))}", "    minigrad course"])  # fmt: skip
    return 0


def _here(options: argparse.Namespace) -> int:
    workbook = Workbook.find()
    one = workbook.current()
    if one is None:
        print(to_type(f"All {len(lessons())} lessons passed. To read one again: minigrad course show 12"))
        return 0
    done = sum(map(workbook.passed, lessons()))
    print(f"{done} of {len(lessons())} lessons passed. At hand: lesson {one.number}, {one.title}.")
    print(to_type(f"  read    minigrad course show\n  answer  minigrad course answer\n  write   {one.file}\n"))
    return _checked(workbook, one)


def _check(options: argparse.Namespace) -> int:
    workbook = Workbook.find()
    return _checked(workbook, _chosen(workbook, options.lesson))


def check(which: int | str) -> None:
    """Check a lesson in the current folder and print what was found: `minigrad course check`, for a notebook's cell."""
    _checked(Workbook.find(), lesson(which))


def _checked(workbook: Workbook, one: Lesson) -> int:
    text = workbook.text(one)
    if text != one.read("exercise.py"):
        _ask_first(workbook, one)
    verdict = grade(one, workbook.path(one), text)
    _show_output(verdict)
    tries = 0
    if verdict.problem is None:
        if not workbook.passed(one):
            workbook.record(one, passed=time.strftime("%Y-%m-%d %H:%M"))
    elif verdict.problem.kind not in ("not written", "missing"):
        tries = workbook.count_try(one, verdict.problem.function or "file")
    _say(feedback.lines(verdict, tries))
    _leave_page(workbook, verdict, text)
    if verdict.passed:
        following = workbook.current()
        print(to_type(f"\nNext: lesson {following.number}, {following.title}: minigrad course show") if following else
              f"\nThat was the last one: all {len(lessons())} lessons passed.")  # fmt: skip
    return 0 if verdict.passed else 1


def _leave_page(workbook: Workbook, verdict: Verdict, text: str) -> None:
    """Draw the learner's own graph after a pass, or after wrong numbers; say where it is."""
    problem, one = verdict.problem, verdict.lesson
    if problem is not None and problem.kind != "wrong":
        return
    target = workbook.folder / "pages" / f"{one.name}_graph.html"
    try:
        if draw_page(one, workbook.path(one), text, problem.function if problem else None, target):
            print(f"  your graph: pages/{target.name}")
    except OSError as error:
        print(f"  your graph could not be written: {reason(error)}")


def _ask_first(workbook: Workbook, one: Lesson) -> None:
    """Before the check, the lesson's questions that were not answered yet: asked where somebody can type."""
    answered = workbook.answers(one)
    for place, question in enumerate(quiz.read(one)):
        if str(place) in answered:
            continue
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            which = "" if one is workbook.current() else f" --lesson {one.number}"
            print(f"Lesson {one.number} has a question to answer before you run it:", end=" ")
            print(to_type(f"minigrad course answer{which}\n"))
            return
        _say(_posed(question, "Before you run it: " if place == 0 else "And: "))
        while True:
            given = _typed("  your answer (Enter: later) ")
            if not given or quiz.fits(question, given):
                break
            print("  " + (f"one of {', '.join(question['choices'])}" if question["choices"] else "a number, please"))
        if not given:
            return
        _answered(workbook, one, place, question, given)
        print()


def _typed(prompt: str) -> str:
    """What somebody types; '' for Ctrl-D."""
    try:
        return input(prompt).strip()
    except EOFError:
        print()
        return ""


def _posed(question: quiz.Quiz, before: str) -> list[str]:
    choices = (f"  {key}) {text}" for key, text in question["choices"].items())
    return [part for line in (f"{before}{question['question']}", *choices) for part in feedback.wrapped(line)]


def _answered(workbook: Workbook, one: Lesson, place: int, question: quiz.Quiz, given: str) -> None:
    right, sentence = quiz.answer(question, given)
    with workbook.changed(one) as entry:
        entry["answers"] = {**entry.get("answers", {}), str(place): given}
    _say(feedback.wrapped(f"{'✓' if right else '✗'} {sentence or ('Right.' if right else 'Not so.')}"))


def _answer(options: argparse.Namespace) -> int:
    workbook = Workbook.find()
    one, given = _chosen(workbook, options.lesson), options.answer
    questions, answered = quiz.read(one), workbook.answers(one)
    place = next((i for i in range(len(questions)) if str(i) not in answered), 0)
    question = questions[place]
    _say(_posed(question, f"Lesson {one.number}: "))
    if given is None:
        return 0
    quiz.require_fit(question, given)
    _answered(workbook, one, place, question, given)
    if place + 1 < len(questions) and str(place + 1) not in workbook.answers(one):
        _say(["", *_posed(questions[place + 1], "And: ")])
    return 0


def _watch(options: argparse.Namespace) -> int:
    workbook = Workbook.find()
    one, seen = _chosen(workbook, options.lesson), None
    while True:
        try:
            changed = os.stat(workbook.path(one)).st_mtime_ns
        except OSError:  # an editor may be about to write it
            changed = None
        if changed is not None and changed != seen:
            seen, passed = changed, False
            print(f"--- {time.strftime('%H:%M:%S')} {one.file}")
            try:
                workbook.read()
                passed = _checked(workbook, one) == 0
            except DataError as error:
                print(to_type(str(error)))
            following = workbook.current()
            if passed and options.lesson is None and following is not None:
                one, seen = following, None
                continue
            print(f"\nWatching {one.file}: save it, and it is checked again. Ctrl-C ends this.", flush=True)
        time.sleep(0.3)


def _hint(options: argparse.Namespace) -> int:
    workbook = Workbook.find()
    one = _chosen(workbook, options.lesson)
    index = workbook.next_hint(one)
    print(f"Lesson {one.number}, hint {index + 1} of {len(one.hints)}:\n\n{one.hints[index]}")
    return 0


def _show(options: argparse.Namespace) -> int:
    workbook = Workbook.find()
    one = _chosen(workbook, options.lesson)
    page = (workbook.folder / "pages" / f"{one.name}.html").resolve()
    if options.text or not page.is_file():
        print(one.text)
        return 0
    graph = page.with_name(f"{one.name}_graph.html")
    pages = [page, *([graph] if graph.is_file() and workbook.passed(one) else [])]
    opened = [webbrowser.open(path.as_uri()) for path in pages]
    _say([*map(str, pages), *([] if all(opened) else ["No browser could be opened: open it by hand."])])
    return 0


def _solution(options: argparse.Namespace) -> int:
    workbook = Workbook.find()
    one = _chosen(workbook, options.lesson)
    if not (options.yes or workbook.passed(one)):
        if not sys.stdin.isatty():
            print(f"Lesson {one.number} is not passed yet. If you are sure:", end=" ")
            print(to_type(f"minigrad course solution {one.number} --yes"))
            return 1
        if _typed(f"Lesson {one.number} is not passed yet. Show its solution? [y/N] ").lower() not in ("y", "yes"):
            return 1
    print(one.read("solution.py").rstrip())
    return 0


def _reset(options: argparse.Namespace) -> int:
    workbook, one = Workbook.find(), lesson(options.lesson)
    copy = workbook.reset(one)
    print(f"{one.file} is as at the beginning." + (f" Yours is in {copy.parent.name}/{copy.name}." if copy else ""))
    return 0


def _list(options: argparse.Namespace) -> int:
    workbook = Workbook.find()
    at_hand, done = workbook.current(), 0
    lines = []
    for one in lessons():
        passed, right = workbook.passed(one), _quiz_score(workbook, one)
        done += passed
        mark = "✓" if passed else "→" if one is at_hand else "○"
        lines.append(f"{mark} {one.number:>2}  {one.title:<44}{right:<16}{one.file}")
    _say([*lines, "", f"{done} of {len(lessons())} passed"])
    return 0


def _quiz_score(workbook: Workbook, one: Lesson) -> str:
    answered, questions = workbook.answers(one), quiz.read(one)
    right = sum(quiz.answer(question, answered[str(place)])[0]
                for place, question in enumerate(questions) if str(place) in answered)  # fmt: skip
    return f"questions {right}/{len(questions)}" if answered else ""


def _export(options: argparse.Namespace) -> int:
    from .export import write_notebooks

    paths, kept = write_notebooks(options.folder)
    left = f" ({len(kept)} were there already, and are as they were)" if kept else ""
    _say([f"{len(paths)} notebooks in {options.folder}{left}; open one with: jupyter lab {shlex.quote(str(paths[0]))}"])
    return 0


def _chosen(workbook: Workbook, which: str | None) -> Lesson:
    """The lesson that was named, or the one at hand, or after the last the last."""
    return lesson(which) if which is not None else workbook.current() or lessons()[-1]


def _show_output(verdict: Verdict) -> None:
    printed = verdict.output.strip().splitlines()
    if printed:
        more = [f"... {len(printed) - 20} more lines"] if len(printed) > 20 else []
        print("Your file printed:")
        _say([*(f"  | {line.expandtabs()[:160]}" for line in printed[:20]), *more, ""])


def _say(lines: list[str]) -> None:
    """Print, with control characters escaped, also where a terminal has no letters such as ✓."""
    encoding = sys.stdout.encoding or "utf-8"
    for line in (to_type(printable(line)) for line in lines):
        for sign, plain in (("✓", "[ok]"), ("✗", "[wrong]"), ("○", "[ ]"), ("→", ">")):
            try:
                sign.encode(encoding)
            except UnicodeEncodeError:
                line = line.replace(sign, plain)
        print(line)
