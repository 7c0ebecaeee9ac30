"""Check the file of a lesson or milestone in the browser, with the questions, the judge and the words of
`minigrad course check` and `minigrad course milestones`.

In the browser, the learner's file runs in the page's own Python, so it can stop or damage it. The
page therefore receives every answer as soon as it is ready. If Python stops, hangs or is damaged,
the page starts it again and calls `check` with the answers that it received before. Each such list
of answers is one run: the first one asks all questions, and the others help to find the cause.
"""

import contextlib
import contextvars
import functools
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import runner

from minigrad.course.checking import child, feedback, sandbox
from minigrad.course.checking.answers import decode, encode
from minigrad.course.checking.explain import make
from minigrad.course.checking.grade import Verdict, judge
from minigrad.course.checking.lesson import ENGINE, ENGINE_LESSON, Lesson, report_to
from minigrad.course.checking.registry import lessons, milestones, named
from minigrad.course.checking.source import digest
from minigrad.course.checking.trace import Trace
from minigrad.course.commands import REACHED, count_try, record_training
from minigrad.course.workbook import Workbook
from minigrad.support.files import save_text

FOLDER = Path("/course")
"""The course folder, which contains the files that the page sends."""
KEPT = "passed", "tries", "checked", "right", *REACHED
"""The parts of an entry in progress.json that a check changes."""
Post = Callable[..., object]
"""Sends a message to the page: its kind and its content."""


class Stopped(BaseException):
    """Raised after a run that damaged Python. The page then starts Python again."""


class Check:
    """One check of a file. `runs` contains the lines of earlier runs as JSON, and for each "late" or
    "training" if it took too long, "ended" if it ended Python, or ''. `modules` contains the learner's
    files that the file may import.
    """

    def __init__(
        self, runs: list[tuple[list[str], str]], modules: Mapping[str, str], post: Post
    ) -> None:
        self.runs, self.modules, self.post = runs, modules, post
        self.asked = 0

    def judged(self, one: Lesson, text: str) -> Verdict:
        """Return the verdict on a file of this lesson or milestone."""
        ask = functools.partial(self.ask, one)
        return judge(one, text, ask(text), ask)

    def ask(
        self,
        one: Lesson,
        text: str,
        only: Sequence[int] | None = None,
        instead: Mapping[str, str] = {},
        traced: bool = False,
    ) -> sandbox.Run:
        """Return the answers of an earlier run, or run the file and send each answer to the page.
        `instead` replaces modules. If `traced`, record what runs instead.
        """
        self.asked += 1
        if self.asked <= len(self.runs):
            earlier, ended = self.runs[self.asked - 1]
            late = sandbox.late(one.training if ended == "training" else 0.0)
            reason = {"": "", "ended": sandbox.ENDED}.get(ended, late)
            return sandbox.collected([json.loads(line) for line in earlier], reason)
        self.post("run", "")
        lines: list[Any] = []

        def write(line: Any) -> None:
            if "training" in line:
                self.post("training", line["training"])
                return
            lines.append(line)
            self.post("line", json.dumps(line))

        source = Path(one.file)
        # Python quotes the line of a SyntaxError from the file
        for file, code in {**self.modules, **instead, one.file: text}.items():
            runner.write_own(file, code)
        first = self.asked == 1 and not traced
        variables = None
        if traced:
            sys.settrace(trace := Trace(source, text))
        elif only:
            variables = child.watch(one.questions[only[0]].function, source)
        shown = runner.Printed(
            lambda _, content, __: self.post("text", content) if first else None,
        )
        try:
            with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(shown):
                run = contextvars.copy_context().run
                if traced:
                    run(child.run_traced, one, source, text, write, only or (), trace)
                else:
                    run(child.run, one, source, text, write, only, variables)
                shown.flush()
        finally:
            sys.settrace(None)
        write({"done": True})
        stop_if_damaged(self.post)
        return sandbox.collected(lines)


def stop_if_damaged(post: Post) -> None:
    """Stop the check if the reader's code has replaced functions that a check needs."""
    if runner.damage():
        post("damaged", "")
        raise Stopped


def check(
    name: str,
    files: str,
    runs: str,
    width: int,
    post: Post,
) -> bool:
    """Check the file of a lesson or milestone, and send the verdict to the page as JSON. `files` and `runs` are JSON.
    Returns False if the page must start Python again and repeat the call.
    """
    try:
        _check(name, json.loads(files), json.loads(runs), width, post)
    except Stopped:
        return False
    return True


def _check(
    name: str,
    files: dict[str, str],
    runs: Any,
    width: int,
    post: Post,
) -> None:
    stop_if_damaged(post)
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / ENGINE).unlink(missing_ok=True)  # from an earlier check
    exercises = {other.file: other.exercise for other in (*lessons(), *milestones())}
    for file, content in (exercises | files).items():
        save_text(FOLDER / file, content)
    one = named(name)
    workbook = Workbook(FOLDER)
    text, modules = workbook.text(one), workbook.modules()
    attempt = Check(runs, modules, post)
    verdict = attempt.judged(one, text)
    with workbook.changed(one) as entry:
        tries = count_try(entry, verdict, text)
        record_training(entry, verdict)
    problem = verdict.problem
    more = []
    if problem and problem.blames == ENGINE:
        engine = attempt.judged(ENGINE_LESSON, modules[ENGINE])
        more = feedback.about_engine(engine, width)
    elif verdict.passed and one.kind == "Milestone":
        more = feedback.reached(verdict.trained[0])
    wrong = problem or verdict.stretch[1]
    moved = workbook.carry_over() if problem is None else []
    own = [f"  {file} now contains your own {function}." for function, file in moved]
    shown = wrong and wrong.question and wrong.kind not in ("missing", "not written")
    post("verdict", json.dumps({
        "again": feedback.to_paste(wrong, one) if wrong and shown else [],
        "lines": [*feedback.lines(verdict, tries, width, page=True), *more, *own],
        "passed": verdict.passed,
        "kind": problem.kind if problem else "",
        "function": problem.function if problem else "",
        "line": problem.line if problem else None,
        "blames": problem.blames if problem else "",
        "trained": json.dumps(encode(verdict.trained)),
        "entry": {key: value for key, value in entry.items() if key in KEPT},
        "files": {file: (FOLDER / file).read_text() for _, file in moved},
    }))  # fmt: skip


def explain(
    name: str,
    text: str,
    seed: str,
    runs: str,
    post: Post,
) -> bool:
    """Make questions about a file that passes, and send them to the page as JSON. See `check`."""
    try:
        stop_if_damaged(post)
        one = named(name)
        attempt = Check(json.loads(runs), {}, post)

        def ask(text: str, only: Sequence[int], traced: bool) -> sandbox.Run:
            return attempt.ask(one, text, only, traced=traced)

        questions = make(one, text, seed, ask)
        # the page seals them, because Python in a browser has no pbkdf2
        shown = [{"question": q.text, "choices": q.letters, "right": q.answer} for q in questions]
        post("verdict", json.dumps({"questions": shown, "file": digest(text)}))
    except Stopped:
        return False
    return True


def report_progress(post: Post) -> None:
    """Send the page the share that is done, while a lesson's experiment runs."""
    report_to(lambda share: post("progress", share))


def page(name: str, text: str, failed: str, trained: str, post: Post) -> bool:
    """Draw the learner's own graph, and send the page's HTML, or nothing if it cannot be drawn.
    `trained` is from the verdict. Returns False if the page must start Python again before the next
    check.
    """
    one, path = named(name), FOLDER / "page.html"
    report_progress(post)
    nowhere = runner.Printed(lambda *_: None)
    with contextlib.suppress(BaseException), contextlib.redirect_stdout(nowhere):
        one.draw(
            child.load(Path(one.file), text),
            path,
            failed,
            decode(json.loads(trained)),
        )
        post("page", path.read_text(), "your graph")
    return not runner.damage()
