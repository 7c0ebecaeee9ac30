"""Runs a learner's file in a process of its own, with limits, and brings its raw answers back: `ask`, `draw_page`."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import minigrad

from .answers import decode
from .jobs import process
from .lesson import Lesson


@dataclass
class Run:
    """What came of running a learner's file."""

    outcomes: list[dict[str, Any]] = field(default_factory=list)
    """For each question that was asked, {"answer": ...} or {"raised": ...}."""
    unloaded: dict[str, Any] | None = None
    """Why the file could not be loaded."""
    ended: str = ""
    """Why the process ended before it was done, '' if it was."""
    output: str = ""
    """What the file printed."""


def ask(lesson: Lesson, source: Path, text: str) -> Run:
    """Ask a learner's file every question of the lesson. `text` is what stands in the file `source`."""
    with tempfile.TemporaryDirectory(prefix="minigrad-lesson-", ignore_cleanup_errors=True) as folder:
        ended, output = _run(lesson, source, text, Path(folder))
        return collected(_lines(Path(folder, "answers")), ended, output)


def collected(lines: list[dict[str, Any]], ended: str = "", output: str = "") -> Run:
    """What the child wrote, as child.py says, line by line; why it ended, and what the file printed."""
    run = Run(ended=ended, output=output)
    done = False
    for line in lines:
        if "answer" in line:
            try:
                run.outcomes.append({"answer": decode(line["answer"])})
            except (ValueError, KeyError, TypeError):
                run.outcomes.append({"answer": None})
        elif "raised" in line:
            run.outcomes.append({"raised": _failure(line["raised"])})
        elif "unloaded" in line:
            run.unloaded = _failure(line["unloaded"])
        done = done or "done" in line
    if not done and not run.ended:
        run.ended = "it ended the Python process"
    return run


def draw_page(lesson: Lesson, source: Path, text: str, failed: str | None, target: Path) -> bool:
    """Let the lesson draw the learner's own graph as a page, `target`. Whether that worked; if not, nothing is left."""
    with tempfile.TemporaryDirectory(prefix="minigrad-lesson-", ignore_cleanup_errors=True) as folder:
        _run(lesson, source, text, Path(folder), "page.html", failed or "")
        page = Path(folder, "page.html")
        if not page.is_file():
            return False
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(page, target)
        return True


def _run(lesson: Lesson, source: Path, text: str, folder: Path, *page: str) -> tuple[str, str]:
    """Start the child in `folder` and wait for its end. Returns why it ended early, and what it printed."""
    (folder / "source").write_text(text, encoding="utf-8")
    root = str(Path(minigrad.__file__).parents[1])
    keep = ("PATH", "HOME", "LANG", "LC_ALL", "SYSTEMROOT", "TEMP", "TMP", "MINIGRAD_DATA")
    environment = {name: os.environ[name] for name in keep if name in os.environ} | {
        "PYTHONPATH": root, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8", "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "Agg", "MPLCONFIGDIR": str(folder),
    }  # fmt: skip
    command = [
        sys.executable,
        "-P",
        "-m",
        "minigrad.course.child",
        lesson.name,
        str(source),
        str(lesson.seconds),
        *page,
    ]
    ended = ""
    with (
        open(folder / "output", "wb") as output,
        process(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT) as child,
    ):  # fmt: skip
        try:
            code = child.wait(lesson.seconds + 5)  # Python and NumPy start within these 5 s
            if code < 0:
                ended = _by_signal(-code, lesson)
        except subprocess.TimeoutExpired:
            ended = f"it took longer than {lesson.seconds:g} s"
    with open(folder / "output", encoding="utf-8", errors="replace") as output_text:
        return ended, output_text.read(10_000)


def _by_signal(number: int, lesson: Lesson) -> str:
    if number == getattr(signal, "SIGXCPU", None):
        return f"it took longer than {lesson.seconds:g} s"
    return f"the system ended it ({signal.Signals(number).name})"


def _lines(path: Path) -> list[dict[str, Any]]:
    """The complete lines of the child's answers; what is no JSON is left out."""
    lines = []
    with contextlib.suppress(OSError):
        for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                line = json.loads(text)
                if isinstance(line, dict):
                    lines.append(line)
    return lines


def _failure(given: Any) -> dict[str, Any]:
    """A failure as child.py describes it, whatever the learner's process wrote in its place."""
    given = given if isinstance(given, dict) else {}
    line = given.get("line")
    return {
        **{key: str(given.get(key) or "") for key in ("type", "message", "text")},
        "line": line if isinstance(line, int) else None,
        "not_written": given.get("not_written") is True,
    }
