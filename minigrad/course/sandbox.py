"""Runs a learner's file in a process of its own, with limits, and brings its raw answers back:
`ask`, `draw_page`.
"""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from ..support.files import write_whole
from ..support.jobs import process
from .answers import decode
from .lesson import Lesson
from .wall import INSIDE, Wall, environment

NO_WALL = Wall(None, "none is asked for")
SECONDS = 10.0
"""How long a learner's file may take to answer."""
START = 5.0
"""Seconds within which Python and NumPy start."""
ANSWERS = 1 << 20
"""Bytes that all answers of a file may take, as JSON. The lessons' own take 43 kB at most."""
LINES = 1000
"""Lines of answers that are read."""
PAGE = 20 << 20
"""Bytes of a page."""


@dataclass
class Run:
    """What came of running a learner's file."""

    outcomes: list[dict[str, Any]] = field(default_factory=list)
    """For each question that was asked, {"answer": ...}, {"raised": ...}, or {"missing": True} if
    nothing answers."""
    unloaded: dict[str, Any] | None = None
    """Why the file could not be loaded."""
    ended: str = ""
    """Why the process ended before it was done, '' if it was."""
    output: str = ""
    """What the file printed."""


def ask(lesson: Lesson, source: Path, text: str, wall: Wall = NO_WALL) -> Run:
    """Ask a learner's file every question of the lesson. `text` is what stands in the file
    `source`.

    Errors: OSError if the wall falls down.
    """
    ended, answers, output = _run(lesson, source, text, wall)
    if wall.program and not answers:
        raise OSError(f"no Python started behind the wall: {output.strip()[-300:]}")
    if len(answers) > ANSWERS:
        ended = f"its answers take more than {ANSWERS >> 20} MB"
    lines = []
    for line in answers[:ANSWERS].decode(errors="replace").split("\n", LINES)[:LINES]:
        with contextlib.suppress(ValueError, RecursionError):  # it is not JSON
            lines.append(json.loads(line))
    return collected(lines, ended, output)


def collected(lines: list[Any], ended: str = "", output: str = "") -> Run:
    """What the child wrote, as child.py says, line by line; why it ended, and what the file
    printed.
    """
    run = Run(ended=ended, output=output)
    done = False
    for line in lines:
        if not isinstance(line, dict):
            continue
        if "answer" in line:
            answer = None
            # the learner's process wrote something else there
            with contextlib.suppress(ValueError):
                answer = decode(line["answer"])
            run.outcomes.append({"answer": answer})
        elif "raised" in line:
            run.outcomes.append({"raised": _failure(line["raised"])})
        elif "missing" in line:
            run.outcomes.append({"missing": True})
        elif "unloaded" in line:
            run.unloaded = _failure(line["unloaded"])
        done = done or "done" in line
    if not done and not run.ended:
        run.ended = "it ended the Python process"
    return run


def draw_page(lesson: Lesson, source: Path, text: str, failed: str, target: Path) -> bool:
    """Let the lesson draw the learner's own graph as a page, `target`; `failed` is the wrong
    function, or ''.

    Returns whether that worked; if not, nothing is left.
    """
    ended, page, _ = _run(lesson, source, text, NO_WALL, "page.html", failed)
    if ended or not 0 < len(page) <= PAGE:
        return False
    target.parent.mkdir(exist_ok=True)
    write_whole(target, lambda file: file.write(page))
    return True


def _run(lesson: Lesson, source: Path, text: str, wall: Wall, *page: str) -> tuple[str, bytes, str]:
    """Start the child and wait for its end. Returns why it ended early, its answers or page, and
    what it printed.

    It reads and writes files that have no name, which are open before it starts. So nothing that it
    puts into a folder is ever opened here, where a pipe or a device in place of a file could hold
    this process up.
    """
    with contextlib.ExitStack() as stack:
        given, answers, output = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(3))
        given.write(text.encode())
        given.seek(0)
        folder, where = INSIDE, None
        if not wall.program:
            temporary = tempfile.TemporaryDirectory(
                prefix="minigrad-lesson-", ignore_cleanup_errors=True
            )
            folder = where = stack.enter_context(temporary)
        command = [
            *wall.before(lesson), sys.executable, "-P", "-m", "minigrad.course.child",
            lesson.name, str(source), str(SECONDS), *page,
        ]  # fmt: skip
        ended = ""
        with process(
            command, cwd=where, env=environment(folder), stdin=given, stdout=answers, stderr=output
        ) as child:
            try:
                code = child.wait(SECONDS + START)
            except subprocess.TimeoutExpired:
                code, ended = 0, _late()
        # bubblewrap passes signals on as a shell does
        number = code - 128 if wall.program else -code
        if number > 0:
            ended = _by_signal(number)
        elif code and page:
            ended = "no page could be drawn"
        printed = _read(output, 10_000).decode(errors="replace")
        return ended, _read(answers, 1 + (PAGE if page else ANSWERS)), printed


def _read(file: IO[bytes], most: int) -> bytes:
    file.seek(0)
    return file.read(most)


def _by_signal(number: int) -> str:
    names = {one.value: one.name for one in signal.Signals}
    name = names.get(number, f"signal {number}")
    return _late() if name == "SIGXCPU" else f"the system ended it ({name})"


def _late() -> str:
    return f"it took longer than {SECONDS:g} s"


def _failure(given: Any) -> dict[str, Any]:
    """A failure as child.py describes it, whatever the learner's process wrote in its place."""
    given = given if isinstance(given, dict) else {}
    line = given.get("line")
    return {
        **{key: str(given.get(key) or "")[:1000] for key in ("type", "message", "text")},
        "line": line if isinstance(line, int) and 0 < line < 1 << 20 else None,
        "not_written": given.get("not_written") is True,
    }
