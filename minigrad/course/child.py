"""The process that runs a learner's file: `python -m minigrad.course.child LESSON FILE`, started by sandbox.py.

It asks each question of the lesson and appends the raw answer to the file `answers` in its folder, a line of JSON for
each. It judges nothing, so nothing that the learner's file prints or changes in this process can earn a point.

What a learner's file may do is limited, first by the system (processor time, memory, size of files), then by an audit
hook: it writes and deletes in its temporary folder only, starts no other program, opens no connection, sends no signal,
and does not read solutions. That stops accidents and plain mischief. Python offers no wall against code that is out to
break it: run strangers' files in a container (docs/teaching.md).
"""

from __future__ import annotations

import ast
import json
import linecache
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from .lesson import FOLDER, Lesson

MEMORY = 3 << 30
"""Bytes of address space."""
FILE_SIZE = 20 << 20
"""Bytes of each file that it writes, its output among them."""


def limit(seconds: float) -> None:
    """Limit this process's time, memory and files, where the system can (Windows cannot)."""
    try:
        import resource
    except ImportError:
        return
    for which, amount in (
        (resource.RLIMIT_CPU, int(seconds) + 2),
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, FILE_SIZE),
        (resource.RLIMIT_CORE, 0),
    ):
        most = resource.getrlimit(which)[1]
        hard = amount + 5 if most == resource.RLIM_INFINITY else min(amount + 5, most)  # at that, SIGKILL says nothing
        resource.setrlimit(which, (min(amount, hard), hard))


def guard(folder: str) -> None:
    """From now on, refuse what a lesson's file has no need to do. Cannot be undone in this process."""
    inside, lessons = os.path.realpath(folder) + os.sep, str(FOLDER)
    secret = ("solution", "slips", "right.py", "right.")
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    paths = {"os.remove": 1, "os.rmdir": 1, "os.mkdir": 1, "os.truncate": 1, "os.chmod": 1, "os.chown": 1,
             "os.utime": 1, "os.rename": 2, "os.link": 2, "os.symlink": 2, "shutil.rmtree": 1,
             "shutil.move": 2}  # fmt: skip
    refused = ("os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.startfile", "os.kill",
               "os.killpg", "pty.spawn", "subprocess.Popen", "socket.", "ctypes.", "signal.pthread_kill",
               "_winapi.CreateProcess", "winreg.", "syslog.", "sys.setprofile", "sys.settrace")  # fmt: skip
    realpath, fsdecode, basename = os.path.realpath, os.fsdecode, os.path.basename

    def is_inside(path: Any) -> bool:
        return isinstance(path, int) or realpath(fsdecode(path)).startswith(inside)

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, int) or path is None:
                return
            if flags & writing and not is_inside(path):
                raise PermissionError(f"a lesson's file may not write {fsdecode(path)!r}")
            name = fsdecode(path)
            if basename(name).startswith(secret) and realpath(name).startswith(lessons):
                raise PermissionError("minigrad course solution shows the solution; a lesson's file cannot read it")
        elif event in paths:
            for path in arguments[: paths[event]]:
                if not is_inside(path):
                    raise PermissionError(f"a lesson's file may not change {path!r} ({event})")
        elif event.startswith(refused):
            raise PermissionError(f"a lesson's file may not do that: {event}")

    fork_exec = sys.modules.get("_posixsubprocess")
    if fork_exec is not None:  # the one way to start a program that no event reports
        fork_exec.fork_exec = None  # type: ignore[attr-defined]
    sys.addaudithook(refuse)


def failure(error: BaseException, source: Path) -> dict[str, Any]:
    """What happened, as the learner should read it: type, message, and the last line of the learner's own."""
    place = (error.lineno, error.text) if isinstance(error, SyntaxError) and error.filename == str(source) else None
    if place is None:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(source)]
        place = (frames[-1].lineno, frames[-1].line) if frames else (None, "")
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    return {
        "type": type(error).__name__,
        "message": message[:1000],
        "line": place[0],
        "text": (place[1] or "").strip()[:200],
        "not_written": isinstance(error, NotImplementedError),
    }


def load(source: Path, text: str) -> ModuleType:
    """The learner's file as a module. Its messages and tracebacks name `source`."""
    module = ModuleType(source.stem)
    module.__file__ = str(source)
    sys.modules[source.stem] = module
    linecache.cache[str(source)] = (len(text), None, text.splitlines(keepends=True), str(source))
    exec(compile(text, str(source), "exec", dont_inherit=True), module.__dict__)
    return module


def answer(question: Any, file: ModuleType) -> Any:
    """The raw answer of the learner's file. Errors: whatever the file raises; LookupError where it has no such name."""
    name = question.function.partition(".")[0]
    if not hasattr(file, name):
        raise LookupError(f"there is no {name}")
    return question.ask(file)


def run(lesson: Lesson, source: Path, text: str, write: Callable[[Any], None]) -> ModuleType | None:
    """Load the file and ask it everything, each outcome written as it comes."""
    from .answers import encode

    questions = lesson.questions
    try:
        file = load(source, text)
    except BaseException as error:  # also SystemExit, and a KeyboardInterrupt of the file's own
        write({"unloaded": failure(error, source)})
        return None
    write({"loaded": True})
    for question in questions:
        try:
            write({"answer": encode(answer(question, file))})
        except BaseException as error:
            write({"raised": failure(error, source)})
    return file


def main() -> None:
    """Run as `LESSON FILE SECONDS [PAGE FAILED]`, in a temporary folder that holds the file's text as `source`."""
    lesson, source, seconds = Lesson(FOLDER / sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
    limit(seconds)
    text = Path("source").read_text(encoding="utf-8")
    import layers  # noqa: F401  # what a lesson may use is loaded before the guard stands
    import minigrad  # noqa: F401
    import optim  # noqa: F401

    from . import answers  # noqa: F401

    check = lesson.check
    log = open("answers", "a", encoding="utf-8")  # noqa: SIM115  # open until the process ends

    def write(line: Any) -> None:
        log.write(json.dumps(line) + "\n")
        log.flush()

    ast.parse("")  # loads what compiling needs
    guard(os.getcwd())
    if len(sys.argv) > 4:
        check.page(load(source, text), sys.argv[4], sys.argv[5] or None)
    else:
        run(lesson, source, text, write)
    write({"done": True})


if __name__ == "__main__":
    main()
