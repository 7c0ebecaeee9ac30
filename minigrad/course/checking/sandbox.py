"""Run a learner's file in its own process, with limits.

`ask` returns the file's raw answers. `draw_page` draws the learner's graph.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from ...support.files import write_whole
from ...support.jobs import process
from .answers import decode, encode
from .lesson import Lesson, progress
from .wall import INSIDE, Wall, environment

NO_WALL = Wall(None, "not requested")
CHILD = "-P", "-m", "minigrad.course.checking.child"
"""Python's arguments that run a learner's file."""
SECONDS = 10.0
"""The time limit for a learner's file, in seconds. A training has its own limit: Question.training."""
START = 5.0
"""The additional time for Python and NumPy to start, in seconds."""
ANSWERS = 1 << 20
"""The maximum size of a file's answers as JSON, in bytes. The solutions need at most 43 kB."""
PAGE = 20 << 20
"""The maximum size of a page, in bytes."""
ENDED = "it ended the Python process"
"""The reason why a run ended early, if no other is known."""


def late(training: float = 0.0) -> str:
    """Return the reason why a run ended early, if it took too long. `training` is the time limit of the
    training that was running, or 0.
    """
    return f"{'its training' if training else 'it'} took longer than {training or SECONDS:g} s"


@dataclass
class Run:
    """The result of running a learner's file."""

    outcomes: list[dict[str, Any]] = field(default_factory=list)
    """For each question, {"answer": ...}, {"raised": ...}, or {"missing": True} if the file does
    not define the function.
    """
    way: Any = None
    """The intermediate results of the first question, if they were requested."""
    variables: Any = None
    """The variables of the first question's function when it returned, if they were requested."""
    loaded: bool = False
    """True if the file's own code ran to its end."""
    unloaded: dict[str, Any] | None = None
    """The error that occurred when the file was loaded, or None."""
    ended: str = ""
    """The reason why the process ended early, or '' if it finished."""
    output: str = ""
    """The file's output."""
    traces: dict[int, Any] = field(default_factory=dict)
    """Records of what ran, if they were requested, by the question's index. See trace.py."""


def ask(
    lesson: Lesson,
    source: Path,
    text: str,
    wall: Wall = NO_WALL,
    only: Sequence[int] | None = None,
    modules: Mapping[str, str] = {},
    traced: bool = False,
) -> Run:
    """Ask a learner's file every question of the lesson, or only the questions with the indices
    `only`. `text` is the contents of the file `source`. `modules` contains the names and texts of
    the learner's other files that it may import. If `traced`, record what runs instead.

    Errors: OSError if Python cannot start behind the wall.
    """
    ended, answers, output = _run(lesson, source, text, wall, ANSWERS, modules, only, traced=traced)
    if wall.program and not answers:
        raise OSError(f"Python did not start behind the wall: {output.strip()[-300:]}")
    if len(answers) > ANSWERS:
        ended = f"its answers take more than {ANSWERS >> 20} MB"
    lines = []
    for line in answers[:ANSWERS].splitlines():
        with contextlib.suppress(ValueError, RecursionError):  # skip lines that are not JSON
            lines.append(json.loads(line))
    return collected(lines, ended, output)


def collected(lines: list[Any], ended: str = "", output: str = "") -> Run:
    """Build a `Run` from the lines that child.py wrote, the reason why the process ended early, and
    the file's output.
    """
    run = Run(ended=ended or ENDED, output=output)
    for line in lines:  # the learner's file may have forged lines
        match line:
            case {"answer": answer}:
                changed = _decoded(line.get("changed"))
                run.outcomes.append({"answer": _decoded(answer), "changed": changed})
            case {"raised": failure}:
                run.outcomes.append({"raised": _failure(failure)})
            case {"missing": _}:
                run.outcomes.append({"missing": True})
            case {"way": way}:
                run.way, run.variables = _decoded(way), _decoded(line.get("variables"))
            case {"trace": list() as steps, "index": int() as index}:
                run.traces[index] = steps
            case {"loaded": _}:
                run.loaded = True
            case {"unloaded": failure}:
                run.unloaded = _failure(failure)
            case {"done": _}:
                run.ended = ended
    return run


def draw_page(
    lesson: Lesson,
    source: Path,
    text: str,
    failed: str,
    target: Path,
    modules: Mapping[str, str],
    trained: Any = (),
) -> bool:
    """Draw the learner's own graph and write it to the HTML file `target`. `failed` is the name of
    the wrong function, or ''. `trained` contains the answers to the questions that train.

    Returns True if the graph was drawn. Otherwise, returns False and writes no file.
    """
    drawn = [failed, encode(trained)]
    ended, page, _ = _run(lesson, source, text, NO_WALL, PAGE, modules, page=drawn)
    if ended or not 0 < len(page) <= PAGE:
        return False
    target.parent.mkdir(exist_ok=True)
    write_whole(target, lambda file: file.write(page))
    return True


def _run(
    lesson: Lesson,
    source: Path,
    text: str,
    wall: Wall,
    most: int,
    modules: Mapping[str, str],
    only: Sequence[int] | None = None,
    page: list[Any] | None = None,
    traced: bool = False,
) -> tuple[str, bytes, str]:
    """Start the child process and wait for it. Returns the reason why the child ended early (or
    ''), its answers or page, cut off after `most` + 1 bytes, and its output.

    The child reads and writes unnamed files that this process opens before the child starts. This
    process never opens a file in the child's folder, because a pipe or a device there could block
    it.
    """
    with contextlib.ExitStack() as stack:
        given, answers, output = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(3))
        limit = SECONDS + lesson.training
        file = [str(lesson.folder), str(source), text]
        work = [*file, limit, dict(modules), only, page, traced]
        given.write(json.dumps(work).encode())
        given.seek(0)
        folder, where = INSIDE, None
        if not wall.program:
            temporary = tempfile.TemporaryDirectory(
                prefix="minigrad-lesson-", ignore_cleanup_errors=True
            )
            folder = where = stack.enter_context(temporary)
        command = [*wall.before(lesson), sys.executable, *CHILD]
        with process(
            command,
            cwd=where,
            env=environment(folder),
            stdin=given,
            stdout=answers,
            stderr=output,
        ) as child:
            asks = page is None  # the drawing may train, but does not say when
            training, seconds = (lesson.training, SECONDS) if asks else (0.0, limit)
            code = _wait(child, answers, training, seconds + START)
        answers.seek(0)
        output.seek(0)
        found, ended = answers.read(most + 1), ""
        # like a shell, bubblewrap adds 128 to the number of the signal that ended the child
        number = 0 if code is None else code - 128 if wall.program else -code
        if code is None or number == signal.SIGXCPU:
            ended = late(lesson.training if _share(found[-1000:]) is not None else 0.0)
        elif number > 0:
            ended = f"the system ended it ({signal.strsignal(number) or f'signal {number}'})"
        return ended, found, output.read(10_000).decode(errors="replace")


def _wait(
    child: subprocess.Popen[bytes], answers: IO[bytes], training: float, others: float
) -> int | None:
    """Wait for the child. Returns its exit code, or None if it took too long.

    While the child trains, report its progress. The training may take `training` seconds, and the
    questions before and after it `others` each.
    """
    now, trains = time.monotonic(), False
    end, last = now + others, now + others + training + others
    while True:
        left = max(0.0, end - time.monotonic())
        try:
            return child.wait(min(left, 0.2) if training else left)
        except subprocess.TimeoutExpired:
            share, now = _share(_tail(answers)) if training else None, time.monotonic()
        if share:
            progress(share)
        if trains != (share is not None):
            trains = not trains
            end = min(last, now + (training if trains else others))
        if now >= end:
            return None


def _tail(answers: IO[bytes]) -> bytes:
    """Return the end of the answers so far. This process shares the position in this file with the
    child, so the position must not move. On Windows, where this cannot be avoided, return the line
    that starts a training.
    """
    if not hasattr(os, "pread"):
        return b'{"training": 0}'
    size = os.fstat(answers.fileno()).st_size
    return os.pread(answers.fileno(), 1000, max(0, size - 1000))


def _share(answers: bytes) -> float | None:
    """Return the share of the training that is done. Return None if no training is running, that is,
    if the last complete line of the answers is about something else.
    """
    for line in reversed(answers.splitlines()[-2:]):
        with contextlib.suppress(ValueError, RecursionError):
            match json.loads(line):
                case {"training": int() | float() as share}:
                    return min(max(float(share), 0.0), 1.0)
            return None
    return None


def _decoded(code: Any) -> Any:
    try:
        return decode(code)
    except ValueError:
        return None


def _failure(given: Any) -> dict[str, Any]:
    """Return a failure with the same keys and types as in child.py. The learner's file may have
    forged `given`.
    """
    given = given if isinstance(given, dict) else {}
    line = given.get("line")
    return {
        **{key: str(given.get(key) or "")[:1000] for key in ("type", "message", "text")},
        "line": line if isinstance(line, int) and 0 < line < 1 << 20 else None,
        "not_written": given.get("not_written") is True,
    }
