"""Define the commands of `minigrad course`. teaching.py defines the teacher's commands."""

import argparse
import os
import pydoc
import re
import shlex
import sys
import threading
import time
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from ..errors import DataError, MinigradError, OptionError, reason, shown
from ..support.files import save_text
from ..support.text import for_terminal
from ..tools.commands import to_type
from .checking import feedback, key
from .checking.feedback import say, terminal_width
from .checking.grade import Verdict, grade
from .checking.lesson import ENGINE, ENGINE_LESSON, Lesson, report_to
from .checking.registry import (
    FOLDER,
    VARIABLE,
    add_lessons,
    chosen,
    lesson,
    lessons,
    milestone,
    milestones,
    named,
)
from .checking.sandbox import draw_page
from .checking.source import digest, read_text
from .explaining import add_explaining
from .questions import answer_question, ask_missed, remind
from .teaching import add_teaching
from .workbook import COURSE, WITHOUT, Workbook

ENDING = Path(__file__).with_name("ending.md")
REACHED = "loss", "seconds", "told"
"""The results of a milestone's training that progress.json records."""
SUMMARY = "twenty lessons from a*b + c to a small GPT, with feedback on each mistake"
AFTERWARDS = "What to notice afterwards"
"""The section of a lesson's text that is read after the check has passed."""


def add_course(commands: Any) -> None:
    """Add the `course` command and its subcommands to argparse's subparsers."""
    course = commands.add_parser(
        "course",
        help=SUMMARY,
        description=f"The course: {SUMMARY}. Without a command, show your progress and check the "
        "current lesson.",
    )
    course.set_defaults(run=run_command, command=_here, about_lesson=False)
    parts = course.add_subparsers(title="commands", metavar="COMMAND")

    def add(name: str, run: Callable[..., int], about: str, number: str = "") -> Any:
        told = about[0].upper() + about[1:] + "."
        # no abbreviations, because `--lesson` would be read as `--lessons`
        parser = parts.add_parser(name, help=about, description=told, allow_abbrev=False)
        parser.set_defaults(command=run, about_lesson=bool(number))
        if number:
            needed = name == "reset"
            about = "the lesson's number, or a milestone's name such as spiral"
            about += "" if needed else " (default: the current lesson)"
            nargs = None if needed else "?"
            parser.add_argument(number, nargs=nargs, metavar="LESSON", help=about)
        return parser

    start = add(
        "start", _start, "copy the lessons' files into a folder without overwriting your files"
    )
    start.add_argument("folder", nargs="?", default="my-course", help="(default: %(default)s)")
    start.add_argument(
        "--from",
        dest="work",
        type=Path,
        metavar="FILE",
        help="a zip file with your work, exported by the course's page in a browser",
    )
    add_lessons(start, "copy only these lessons")
    start.add_argument(
        "--without",
        choices=WITHOUT,
        default="",
        help="hide these commands from students (the files are in the package, where anyone can read them)",
    )
    add("check", _check, "check a lesson", "lesson")
    add(
        "watch",
        _watch,
        "check a lesson whenever its file is saved, until you press Ctrl-C",
        "lesson",
    )
    add("hint", _hint, "show a hint; each new hint is more explicit", "lesson")
    answer = add(
        "answer",
        answer_question,
        "answer a lesson's question, or show the question if you pass no answer",
        "--lesson",
    )
    answer.add_argument(
        "answer", nargs="?", metavar="ANSWER", help="a choice such as b, or a number"
    )
    show = add("show", _show, "open a lesson's page in a browser", "lesson")
    show.add_argument("--text", action="store_true", help="print the text in the terminal instead")
    solution = add("solution", _solution, "print a lesson's solution", "lesson")
    solution.add_argument(
        "--yes", action="store_true", help="print the solution even before you pass the lesson"
    )
    add(
        "reset",
        _reset,
        "restore a lesson's exercise, and save a copy of your file in backups/",
        "lesson",
    )
    add_explaining(add)
    add("list", _list, "list all lessons and show which ones you have passed")
    add("ending", _ending, "look back at what you built, and see where to go next")
    networks = add(
        "milestones",
        _milestones,
        "list the networks that your own engine can train, or check and train one of them",
    )
    networks.add_argument(
        "milestone", nargs="*", metavar="MILESTONE", help="numbers or names, such as 9 or spiral"
    )
    networks.add_argument(
        "--engine",
        action="store_true",
        help=f"use the course's engine if you have none: copy the solution of lesson 7 to {ENGINE}",
    )
    add_teaching(add)
    about = "take the lessons in this folder instead of the course's"
    for parser in (course, *parts.choices.values()):
        parser.add_argument("--lessons", default=argparse.SUPPRESS, metavar="FOLDER", help=about)


def run_command(options: argparse.Namespace) -> int:
    """Run a command. A command about a lesson receives the lesson that the user names. By default, this
    is the current lesson, or the last one if the learner has passed all lessons.

    Errors: DataError MG921 if the system refuses to read or write a file.
    """
    if folder := getattr(options, "lessons", ""):
        os.environ[VARIABLE] = folder
    try:
        if not options.about_lesson:
            return int(options.command(options))
        workbook, which = Workbook.find(), options.lesson
        one = workbook.current() or workbook.here()[-1] if which is None else named(which)
        return int(options.command(workbook, one, options))
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


def _start(options: argparse.Namespace) -> int:
    if options.folder.isdecimal():
        _ask_for_folder(options.folder)
    wanted = chosen(options.lesson)
    workbook, kept = Workbook.start(options.folder, options.work, wanted, options.without)
    new, folder = len(wanted) - len(kept), workbook.folder
    if kept:
        say(f"{folder}: {new} lessons copied; {len(kept)} already existed and were not changed.")
    else:
        say(f"{new} lesson{'s are' if new > 1 else ' is'} ready. Continue with:", "")
        other = os.environ.get(VARIABLE)
        option = f" --lessons {shlex.quote(os.path.abspath(other))}" if other else ""
        say(f"    cd {shlex.quote(str(folder))}", f"    minigrad course{option}", width=1000)
    return 0


def _ask_for_folder(number: str) -> NoReturn:
    """Raise OptionError MG911 for a number where a folder is expected."""
    numbers = [one.number for one in lessons()]
    is_lesson = "is a lesson, not a folder"
    if int(number) not in numbers:
        is_lesson = f"is not a lesson: lessons are {numbers[0]} to {numbers[-1]}"
    raise OptionError(
        "MG911",
        f"{number} {is_lesson}",
        cause="start expects the folder to copy the lessons to",
        remedy="to copy only some lessons, pass them, for example --lesson 3; to make a folder "
        f"named {number}, write ./{number}",
    )


def _here(_: object) -> int:
    workbook = Workbook.find()
    one = workbook.current()
    if one is None:
        last = workbook.here()[-1].number
        say(f"{_count_passed(workbook)}. To read one again: minigrad course show {last}")
        _point_to_ending(workbook)
        return 0
    say(f"{_count_passed(workbook)}. Current lesson: {one.number}, {one.title}.")
    say(
        "  read    minigrad course show",
        "  answer  minigrad course answer",
        f"  write   {one.file}",
        "",
    )
    ask_missed(workbook, one)
    return _check(workbook, one)


def check(which: int | str) -> None:
    """Check a lesson in the current folder and print the result.

    This is `minigrad course check` for a notebook cell.
    """
    _check(Workbook.find(), lesson(which))


def _check(workbook: Workbook, one: Lesson, _: object = None, pose: bool = True) -> int:
    if one.kind == "Milestone":
        return _reach(workbook, one)
    key.require_current(one)
    text = workbook.text(one)
    pose, first = pose and text != one.exercise, not workbook.tried(one)
    if pose and first:
        remind(workbook, one, first)
    verdict = _graded(workbook, one, text)
    problem = verdict.problem
    if problem is None or problem.kind in ("wrong", "changed"):
        failed = problem.function if problem else ""
        _draw_graph(workbook, one, text, failed, verdict.trained, "your graph")
    if pose and not first:
        remind(workbook, one, first)
    if problem is not None:
        return 1
    say("")
    if AFTERWARDS in one.text:
        say(f"Now read '{AFTERWARDS}' in lesson {one.number}: minigrad course show {one.number}")
    say(f"Questions about your code: minigrad course explain {one.number}")
    _tell_carried(workbook)
    _offer_milestone(workbook, one)
    following = workbook.current()
    if following is None:
        say(f"That was the last lesson. {_count_passed(workbook)}.")
        _point_to_ending(workbook)
    else:
        say(f"Next: lesson {following.number}, {following.title}: minigrad course show")
    return 0


def _graded(workbook: Workbook, one: Lesson, text: str) -> Verdict:
    """Grade a file, record the check, and print the verdict."""
    waiting = threading.Timer(2.0, lambda: print("still running ...", file=sys.stderr, flush=True))
    waiting.start()
    training = Training(waiting.cancel)
    report_to(training)
    try:
        verdict = grade(one, workbook.path(one), text, modules=workbook.modules())
    except KeyboardInterrupt:
        if training.share and one.kind == "Milestone":
            say(f"All other checks are right. The training was stopped at {training.share:.0%}.")
        raise
    finally:
        waiting.cancel()
    _show_output(verdict.output.strip().splitlines())
    with workbook.changed(one) as entry:
        tries = count_try(entry, verdict, text)
        record_training(entry, verdict)
        # these lines are wrapped already
        shown = feedback.lines(verdict, tries, terminal_width(), without=workbook.without)
        say(*shown, width=1000)
    return verdict


def _tell_carried(workbook: Workbook) -> None:
    for name, file in workbook.carry_over():
        say(f"{file} now contains your own {name}.")


def _offer_milestone(workbook: Workbook, one: Lesson) -> None:
    """After a lesson is passed, name the network of this lesson that the learner's engine can train."""
    if one == ENGINE_LESSON and workbook.keep_engine():
        say(f"{ENGINE} is now a copy of {one.file}. It is your engine: change it as you like.")
    for other in milestones() if one.folder.parent == FOLDER else ():
        if other.number == one.number and not workbook.passed(other):
            say(f"The same network on your own engine: minigrad course milestones {other.number}")


def _milestones(options: argparse.Namespace) -> int:
    workbook = Workbook.find()
    if options.engine:
        workbook.require("solutions")
        exists = (workbook.folder / ENGINE).exists()
        if not exists:
            save_text(workbook.folder / ENGINE, ENGINE_LESSON.solution)
        now = "already exists, and was not changed" if exists else "is now the course's engine"
        say(f"{ENGINE} {now}.")
    chosen = [milestone(which) for which in options.milestone]
    if not chosen and not options.engine:
        _list_milestones(workbook)
    return max((_reach(workbook, one) for one in chosen), default=0)


def _list_milestones(workbook: Workbook) -> None:
    say("Networks that your own engine can train, and who first trained one like it:", "")
    for one in milestones():
        entry = workbook.entry(one)
        mark = "✓" if workbook.passed(one) else "○"
        reached = f"{entry['loss']:6.3f} {entry['seconds']:5.1f} s" if "loss" in entry else ""
        year, by = one.check.YEAR, one.check.BY
        say(f"{mark} {one.number:>2}  {year}  {by:<24}{one.file:<27}{reached}", width=1000)
    passed = sum(map(workbook.passed, milestones()))
    say("", f"{passed} of {len(milestones())} done, with the loss reached and the seconds.")
    say(_next_milestone(workbook))


def _reach(workbook: Workbook, one: Lesson) -> int:
    """Check a milestone's operations, and train its network with the learner's engine."""
    if workbook.require_engine():
        say(f"{ENGINE} was missing. It is a new copy of {ENGINE_LESSON.file}.")
    if workbook.begin(one):
        say(f"{one.file} is new. Read about it: minigrad course show {one.word}")
        if ready := workbook.ready(one):
            say(
                f"It contains ready versions of what you write in milestone {' and '.join(ready)}. To "
                "write it yourself, do that first, before you look into the file."
            )
        say("")
    text = workbook.text(one)
    verdict = _graded(workbook, one, text)
    if problem := verdict.problem:
        if problem.blames == ENGINE:
            _check_engine(workbook)
        return 1
    (found,) = verdict.trained
    say(*feedback.reached(found))
    _draw_graph(workbook, one, text, "", verdict.trained, "its losses, and what it has learned")
    _tell_carried(workbook)
    _check_engine(workbook, trained=True)
    say("", _next_milestone(workbook))
    return 0


def _next_milestone(workbook: Workbook) -> str:
    """Return the sentence after a milestone, or after the list of all."""
    for one in milestones():
        if not workbook.passed(one):
            return f"Next: minigrad course milestones {one.number}"
    return "All eight networks run on your own engine."


def _check_engine(workbook: Workbook, trained: bool = False) -> None:
    """Print what lesson 7's check says about the learner's engine. If the engine has trained a network,
    check it only once after each change, and print only mistakes. There can still be mistakes, because a
    network may not use the part that is wrong.
    """
    path = workbook.folder / ENGINE
    text = read_text(path)
    version = digest(text)
    if trained and workbook.lessons.get(COURSE, {}).get("engine") == version:
        return
    verdict = grade(ENGINE_LESSON, path, text, modules=workbook.modules())
    if verdict.passed:
        with workbook.changed() as entry:
            entry["engine"] = version
        if trained:
            return
    if trained:
        say("", "The network has learned, but other graphs may not.")
    say(*feedback.about_engine(verdict, terminal_width()), width=1000)


class Training:
    """Prints the share of a training that is done, at most every two seconds. Each report of
    progress calls `started`.
    """

    def __init__(self, started: Callable[[], object] = lambda: None) -> None:
        self.started = started
        self.printed = time.monotonic()
        self.share = 0.0

    def __call__(self, share: float) -> None:
        self.started()
        self.share = share
        if time.monotonic() - self.printed >= 2:
            self.printed = time.monotonic()
            print(f"training: {share:.0%} ...", file=sys.stderr, flush=True)


def count_try(entry: dict[str, Any], verdict: Verdict, text: str) -> int:
    """Record a check in the lesson's entry. Returns the number of checks in which the failing
    function was wrong.

    A check of an unchanged file is not counted as another try.
    """
    again, entry["checked"] = entry.get("checked") == digest(text), digest(text)
    problem = verdict.problem
    entry["right"] = problem is None
    if problem is None:
        entry.setdefault("passed", time.strftime("%Y-%m-%d %H:%M"))
    elif problem.kind not in ("not written", "missing"):
        function, counts = problem.function or "file", entry.setdefault("tries", {})
        counts[function] = counts.get(function, 0) + (not again or function not in counts)
        return int(counts[function])
    return 0


def record_training(entry: dict[str, Any], verdict: Verdict) -> None:
    """If a milestone's training passed, record its results in the milestone's entry."""
    if verdict.passed and verdict.lesson.kind == "Milestone":
        (found,) = verdict.trained
        entry.update({name: found[name] for name in REACHED})


def _draw_graph(
    workbook: Workbook, one: Lesson, text: str, failed: str, trained: Any, about: str
) -> None:
    """Draw the learner's own graph or network, and print the page's path."""
    target = workbook.folder / "pages" / f"{one.name}_graph.html"
    try:
        if draw_page(one, workbook.path(one), text, failed, target, workbook.modules(), trained):
            print(f"  {about}: pages/{target.name}")
    except OSError as error:
        print(f"  {about}: could not be written: {reason(error)}")


def _watch(workbook: Workbook, one: Lesson, options: argparse.Namespace) -> int:
    seen: int | None = None
    while True:
        try:
            changed: int | None = os.stat(workbook.path(one)).st_mtime_ns
        except OSError:  # an editor may be replacing the file
            changed = seen
        if changed != seen:
            first, seen, failed = seen is None, changed, 1
            say(f"--- {time.strftime('%H:%M:%S')} {one.file}")
            try:
                workbook.read()
                failed = _check(workbook, one, pose=first)
            except DataError as error:
                print(to_type(str(error)))
            following = workbook.current()
            if not failed and options.lesson is None and following is not None:
                one, seen = following, None
                continue
            say("", f"Watching {one.file}. Save the file to check it again. Stop with Ctrl-C.")
            sys.stdout.flush()
        time.sleep(0.3)


def _hint(workbook: Workbook, one: Lesson, _: object) -> int:
    workbook.require("hints")
    index = workbook.next_hint(one)
    say(f"{one.kind} {one.number}, hint {index + 1} of {len(one.hints)}:", "")
    for part in one.hints[index].split("\n\n"):
        say(" ".join(part.split()), "")
    return 0


def _show(workbook: Workbook, one: Lesson, options: argparse.Namespace) -> int:
    page = (workbook.folder / "pages" / f"{one.name}.html").resolve()
    if options.text or not page.exists():  # not in this folder, or not a lesson of the course
        return _print_page(one.text)
    say(str(page), width=1000)
    if not webbrowser.open(page.as_uri()):
        say(
            "Could not open a browser. Open this file yourself, or read the text here: "
            f"minigrad course show {one.word} --text"
        )
    return 0


def _print_page(text: str) -> int:
    """Print Markdown, without the comments that are meant for the site."""
    text = re.sub(r"^<!-- .*? -->\n+", "", text, flags=re.M | re.S)
    # colours, and no pager for a text that fits the screen
    os.environ.setdefault("LESS", "FRX")
    try:
        from rich import console, markdown

        screen = console.Console(width=min(terminal_width(), 100))
        with screen.pager(styles=True):
            screen.print(markdown.Markdown(text))
    except ImportError:
        pydoc.pager(for_terminal(text))
    return 0


def _ending(_: object) -> int:
    return _print_page(ENDING.read_text(encoding="utf-8"))


def _point_to_ending(workbook: Workbook) -> None:
    """Print the command that shows the course's ending, unless the folder contains only some of the
    lessons, or a teacher's own.
    """
    if len(workbook.here()) == len(lessons()) and not os.environ.get(VARIABLE):
        say("What you built, and where to go next: minigrad course ending")


def _solution(workbook: Workbook, one: Lesson, options: argparse.Namespace) -> int:
    workbook.require("solutions")
    if not (options.yes or workbook.passed(one)):
        say(f"You have not passed {one.kind.lower()} {one.number} yet. To see the solution anyway:")
        say(f"  minigrad course solution {one.word} --yes")
        return 1
    print(one.read("solution.py").rstrip())
    return 0


def _reset(workbook: Workbook, one: Lesson, _: object) -> int:
    copy = workbook.reset(one)
    saved = f" Your file was saved as {copy.parent.name}/{copy.name}." if copy else ""
    say(f"{one.file} now contains the original exercise.{saved}")
    return 0


def _list(_: object) -> int:
    workbook = Workbook.find()
    for one in workbook.here():
        mark = "✓" if workbook.passed(one) else "→" if one is workbook.current() else "○"
        say(f"{mark} {one.number:>2}  {one.title:<44}{one.file}")
    say("", f"{_count_passed(workbook)}.")
    return 0


def _count_passed(workbook: Workbook) -> str:
    here = workbook.here()
    return f"{sum(map(workbook.passed, here))} of {len(here)} lessons passed"


def _show_output(printed: list[str]) -> None:
    if printed:
        more = [f"... {len(printed) - 20} more lines"] if len(printed) > 20 else []
        say("Your file printed:", *(f"  | {line}" for line in printed[:20]), *more, "")
