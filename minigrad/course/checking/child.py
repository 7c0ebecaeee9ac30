"""Run a learner's file: `python -m minigrad.course.checking.child`.

sandbox.py starts this process. It reads the file's text from stdin, asks the file each question of
the lesson, and writes each raw answer to stdout as a line of JSON. The output of the learner's file
goes to stderr. This process does not judge the answers and does not load the right answers.
Therefore, nothing that the file prints, writes or changes can earn a point.

Three layers restrict the learner's file. `minigrad course report` runs this process in bubblewrap
(wall.py). The operating system limits CPU time, memory and file sizes. On Linux, it also blocks new
programs, signals and network connections (seccomp.py), and writing outside the temporary folder
(landlock.py). An audit hook blocks writing there on other systems, reading solutions, and starting
programs. The hook prevents accidents and simple tricks, but it does not stop code that is written
to bypass it (see docs/teaching.md).
"""

import ast
import contextlib
import errno
import importlib.util
import inspect
import json
import linecache
import os
import sys
import sysconfig
import traceback
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import layers  # noqa: F401  # load the lessons' packages before the guard is active
import minigrad  # noqa: F401
import optim  # noqa: F401

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

with contextlib.suppress(ImportError):
    import safetensors.numpy  # noqa: F401  # its C code saves a model

from .answers import decode, encode, is_data
from .landlock import write_only_in
from .lesson import (
    ENGINE,
    ENGINE_LESSON,
    FILE_SIZE,
    MEMORY,
    TOO_MUCH_OUTPUT,
    Lesson,
    report_to,
)
from .registry import FOLDER
from .seccomp import refuse_calls
from .trace import Step, Trace, repeated

COMPILED = "matplotlib", "contourpy", "kiwisolver", "PIL"
"""Matplotlib, and the packages with C code that it needs."""


def limit(seconds: float) -> None:
    """Limit this process's CPU time, memory and file sizes. Does nothing on Windows."""
    if resource is None:
        return
    for which, amount in (
        (resource.RLIMIT_CPU, int(seconds) + 2),
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, FILE_SIZE),
        (resource.RLIMIT_CORE, 0),
    ):
        most = resource.getrlimit(which)[1]
        # the hard limit is higher, because exceeding it kills the process without a message
        hard = amount + 5 if most == resource.RLIM_INFINITY else min(amount + 5, most)
        resource.setrlimit(which, (min(amount, hard), hard))


def compiled() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the folders with C code that a lesson's file may load: of packages, and of Python. C
    code can write files without an audit event, so a file may load no other.
    """
    packages = []
    for name in ("numpy", *COMPILED):
        found = importlib.util.find_spec(name)
        if found and found.origin:
            packages.append(os.path.dirname(found.origin))
    standard = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib")]
    standard.append(os.path.join(sys.base_prefix, "DLLs"))  # on Windows

    def real(folders: list[str]) -> tuple[str, ...]:
        return tuple(os.path.realpath(folder) + os.sep for folder in folders)

    return real(packages), real(standard)


def guard(folder: str, *lessons: str) -> None:
    """Refuse all later operations that a lesson's file does not need. This cannot be undone. The
    file may write only in `folder`, and may not read the solutions in `lessons`.
    """
    inside = os.path.realpath(folder) + os.sep
    secret = ("solution", "slips", "right.py", "right.", "key.")
    packages, standard = compiled()
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    # A learner's file can reach these variables through an error's traceback, so they are
    # immutable.
    changing = (
        "os.remove",
        "os.rmdir",
        "os.mkdir",
        "os.truncate",
        "os.chmod",
        "os.chown",
        "os.utime",
        "shutil.rmtree",
    )
    moving = "os.rename", "os.link", "os.symlink", "shutil.move"
    refused = (
        "os.system",
        "os.exec",
        "os.fork",
        "os.posix_spawn",
        "os.spawn",
        "os.startfile",
        "os.kill",
        "os.chflags",
        "os.lchflags",
        "os.setxattr",
        "os.removexattr",
        "pty.spawn",
        "subprocess.Popen",
        "socket.",
        "ctypes.",
        "signal.pthread_kill",
        "resource.",
        "sqlite3.",
        "gc.",
        "_winapi.",
        "winreg.",
        "syslog.",
        "sys.remote_exec",
        "cpython.remote_debugger_script",
        "sys.setprofile",
        "sys.settrace",
    )
    # Calls to these functions raise no audit event, so the functions are removed and their modules
    # may not be imported again.
    unreported = (
        "fork_exec",
        "pidfd_send_signal",
        "mkfifo",
        "mknod",
        "chroot",
        "unshare",
        "setns",
        "pidfd_open",
        "setpriority",
        "sched_setaffinity",
        "sched_setscheduler",
        "sched_setparam",
        "serialize_file",
    )
    their_modules = "_posixsubprocess", "_signal", "posix"
    of_weights = "safetensors", "safetensors.numpy", "safetensors._safetensors_rust"
    # Importing these modules is refused as well. They can write files without an audit event, or
    # start a second interpreter, which has no hook.
    fresh = (
        *their_modules,
        "resource",
        "readline",
        "_sqlite3",
        "_ctypes",
        "_tkinter",
        "_msi",
        "_curses",
        "_dbm",
        "_gdbm",
        "_ssl",
        "_posixshmem",
        "_multiprocessing",
        "_xxsubinterpreters",
        "_interpreters",
        "_testcapi",
        "_testinternalcapi",
        "_remote_debugging",
    )
    from os import fsdecode
    from os.path import basename, isdir, realpath

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            if isinstance(path, int) or path is None:
                return
            name = realpath(fsdecode(path))
            if flags & writing and not name.startswith(inside):
                raise PermissionError(f"a lesson's file may not write {fsdecode(path)!r}")
            # later calls could use the folder as `dir_fd`, which audit events do not report
            if mode is None and isdir(name):
                raise PermissionError(f"a lesson's file may not open the folder {fsdecode(path)!r}")
            if basename(name).startswith(secret) and name.startswith(lessons):
                raise PermissionError(
                    "a lesson's file may not read the solution; minigrad course solution prints it"
                )
            if name.startswith(("/proc/", "/dev/")) and name not in (
                "/dev/null",
                "/dev/urandom",
            ):
                raise PermissionError("a lesson's file may not access /proc or /dev")
        elif event in changing or event in moving:
            for path in arguments[: 1 + (event in moving)]:
                # an int is a file descriptor; only a file opened for writing can be truncated
                if isinstance(path, int):
                    allowed = event == "os.truncate"
                else:
                    allowed = realpath(fsdecode(path)).startswith(inside)
                if not allowed:
                    raise PermissionError(f"a lesson's file may not change {path!r} ({event})")
        elif event == "import":
            module, path, *_ = arguments
            if module.rpartition(".")[2] in fresh:
                raise ImportError(f"a lesson's file may not import {module}")
            if not path:  # it has no C code
                return
            name = realpath(fsdecode(path))
            of_python = name.startswith(standard) and "-packages" not in name
            known = of_python or name.startswith(packages)
            if name.startswith(inside) or not known:
                raise ImportError(
                    f"a lesson's file may not import {module}: of the packages with C code, it "
                    "may use only NumPy and Matplotlib"
                )
        elif event.startswith(refused):
            raise PermissionError(f"a lesson's file may not do that: {event}")

    import shutil
    import signal  # noqa: F401  # loads _signal
    import subprocess  # noqa: F401  # loads _posixsubprocess

    for name in ("os", "signal", "subprocess", *their_modules, *of_weights):
        for function in unreported:
            if hasattr(sys.modules.get(name), function):
                setattr(sys.modules[name], function, None)
    # with file descriptors, rmtree would open folders, which the hook refuses
    shutil._use_fd_functions = False  # type: ignore[attr-defined]
    sys.addaudithook(refuse)


def failure(error: BaseException, source: Path) -> dict[str, Any]:
    """Describe an error for the learner: its type, its message, and the last line in the learner's
    file. If that line is in a helper, the message also contains the line of the function that the
    question is about.

    The remedies in minigrad's errors are left out. They are written for any program, and may not fit
    the lesson's formula.
    """
    message = str(error).partition("\n  remedy:")[0]
    if getattr(error, "code", "") == "MG122":
        message = "The result has no graph. Did you use .array, NumPy or a new Tensor?"
    trace = traceback.extract_tb(error.__traceback__)
    frames = [frame for frame in trace if frame.filename == str(source)]
    line, text = (frames[-1].lineno, frames[-1].line) if frames else (None, None)
    if frames and frames[0].lineno != line:
        message += f"\ncalled in line {frames[0].lineno}: {frames[0].line}"
    beside = [  # in another file of the learner, such as their engine
        frame
        for frame in trace[-1:]
        if frame.filename != str(source) and Path(frame.filename).parent == Path.cwd()
    ]
    for frame in beside:
        name = Path(frame.filename).name
        message += f"\nraised in {name}, line {frame.lineno}: {frame.line}"
    if isinstance(error, ImportError) and f"{error.name}.py" == ENGINE and error.path:
        message = f"{message.partition(' (')[0]}: copy it back from {ENGINE_LESSON.file}"
    if isinstance(error, OSError) and error.errno == errno.EFBIG:
        message = TOO_MUCH_OUTPUT
    if isinstance(error, SyntaxError):
        message = error.msg
        if error.filename == str(source):
            line, text = error.lineno, error.text
        else:
            message += f" in {Path(error.filename or '').name}, line {error.lineno}"
    return {
        "type": type(error).__name__,
        "message": message[:1000],
        "line": line,
        "text": (text or "").strip()[:200],
        "not_written": isinstance(error, NotImplementedError) and not beside,
    }


def load(source: Path, text: str) -> ModuleType:
    """Load the learner's file as a module. Error messages and tracebacks show the path `source`."""
    module = ModuleType(source.stem)
    module.__file__ = str(source)
    sys.modules[source.stem] = module
    linecache.cache[str(source)] = (
        len(text),
        None,
        text.splitlines(keepends=True),
        str(source),
    )
    exec(compile(text, str(source), "exec", dont_inherit=True), module.__dict__)
    return module


def run(
    lesson: Lesson,
    source: Path,
    text: str,
    write: Callable[[Any], None],
    only: Sequence[int] | None = None,
    variables: dict[str, Any] | None = None,
) -> None:
    """Load the file and ask it every question. Write each outcome immediately.

    A training question at the end is left out, because `judge` asks it later, if all other answers
    are right. If `only` is passed, ask only the questions with these indices, and also write the
    intermediate results of the first of them. `watch` fills `variables`. Before and during a
    training, write {"training": the share that is done}.
    """
    questions = lesson.questions
    report_to(lambda share: write({"training": share}))
    # raised inside NumPy, not in the file
    warnings.filterwarnings("ignore", module="numpy")
    try:
        file = load(source, text)
    except BaseException as error:  # the file may also raise SystemExit or KeyboardInterrupt
        write({"unloaded": failure(error, source)})
        return
    write({"loaded": True})
    if variables:
        variables.clear()  # discard the variables of calls in the file itself
    asked = range(len(questions) - bool(questions[-1].training))
    for place, index in enumerate(asked if only is None else only):
        if place == 1:
            variables = dict(variables or {})  # keep those of the first question
        question = questions[index]
        if not hasattr(file, question.function.partition(".")[0]):
            write({"missing": True})
            continue
        try:
            given = question.given(file)
            if question.training:
                write({"training": 0.0})
            kept = [n for n in given if is_data(given[n]) and n not in question.changes]
            before = [encode(given[name]) for name in kept]
            answer = encode(lesson.ask(question.call, file, given))
            after = [encode(given[name]) for name in kept]
            changed = [list(t) for t in zip(kept, before, after, strict=True) if t[1] != t[2]]
            write({"answer": answer, "changed": changed})
        except BaseException as error:
            write({"raised": failure(error, source)})
    if only:
        question, way = questions[only[0]], None
        with contextlib.suppress(BaseException):  # the learner's file may raise any exception
            way = encode(lesson.ask(question.way, file, question.given(file)))
        write({"way": way, "variables": encode(dict(variables or {}))})


def run_traced(
    lesson: Lesson,
    source: Path,
    text: str,
    write: Callable[[Any], None],
    only: Sequence[int],
    trace: Trace,
) -> None:
    """Load the file, ask it the questions with these indices, and write records of what ran: one
    for the file itself, with the index -1, and one for each question.

    Everything runs twice: a file that was just loaded is asked one question, and then a file that has
    already been asked all of them, with other numbers in arrays that are not initialized. The
    records contain only what both have in common.
    """

    def answer(file: ModuleType, index: int, byte: int) -> list[Step]:
        question = lesson.questions[index]
        given = question.given(file)
        trace.start(byte)
        return trace.take(lesson.ask(question.call, file, given))

    trace.start(ord("a"))
    load(source, text)
    first = trace.take()
    trace.start(ord("b"))
    used = load(source, text)
    write({"trace": repeated(first, trace.take()), "index": -1})
    # a task that is not written, for example, raises an exception
    for index in only:
        with contextlib.suppress(BaseException):
            answer(used, index, 0)
    for index in only:
        with contextlib.suppress(BaseException):
            first = answer(load(source, text), index, ord("a"))
            second = answer(used, index, ord("b"))
            write({"trace": repeated(first, second), "index": index})


def watch(function: str, source: Path) -> dict[str, Any]:
    """Return a dict that is filled with the variables of `function`, without its arguments, when its
    first call ends. They are in the order in which they first appear in the file. A second call empties
    the dict, because the mistake may have occurred in either call.
    """
    found: dict[str, Any] = {}
    calls: list[FrameType] = []
    name = function.rpartition(".")[2]

    def entered(frame: FrameType, event: str, _: Any) -> Any:
        code = frame.f_code
        if code.co_name != name or code.co_filename != str(source):
            return None
        if calls:
            if len(calls) > 1:  # the first one has ended
                found.clear()
            return None
        calls.append(frame)
        frame.f_trace_lines = False
        return left

    def left(frame: FrameType, event: str, _: Any) -> Any:
        if event == "return" and frame is calls[0]:
            code, values = frame.f_code, frame.f_locals
            # before Python 3.12, the variables that a comprehension uses are cell variables
            arguments, *others = inspect.getargs(code)
            own = {*code.co_varnames, *code.co_cellvars}.difference(arguments, others)
            tree = ast.walk(ast.parse("".join(linecache.getlines(code.co_filename))))
            names = [n for n in tree if isinstance(n, ast.Name) and n.lineno >= code.co_firstlineno]
            for node in sorted(names, key=lambda node: (node.lineno, node.col_offset)):
                value = values.get(node.id)
                if node.id in own and node.id[0] != "_" and is_data(value):
                    found[node.id] = value
            calls.append(frame)
        return left

    sys.settrace(entered)
    return found


def main() -> None:
    """Run one lesson's file in a temporary folder.

    stdin contains a JSON list: the lesson's folder; the file's path; its text; the time limit; the
    names and texts of the learner's modules that it may import; the indices of the questions, or
    null for all; to draw a page, the name of the wrong function and the encoded answers to the
    questions that train, otherwise null; and whether to record what runs.
    """
    folder, path, text, seconds, modules, only, page, traced = json.load(sys.stdin)
    lesson, source = Lesson(Path(folder)), Path(path)
    limit(seconds)
    for file, code in modules.items():
        Path(file).write_text(code, encoding="utf-8")
    sys.path.append(os.getcwd())
    log = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # from now on, output goes to stderr
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    questions = lesson.questions

    def write(line: Any) -> None:
        log.write(json.dumps(line).encode() + b"\n")
        log.flush()

    trace, variables = None, None
    first = questions[only[0]] if only else None
    if traced:
        trace = Trace(source, text)
        sys.settrace(trace)
    elif first and not first.training:  # recording variables would slow a training
        variables = watch(first.function, source)
    ast.parse("")  # loads everything that compiling needs before the guard is active
    write_only_in(os.getcwd())
    refuse_calls()
    guard(os.getcwd(), os.path.realpath(FOLDER), os.path.realpath(lesson.folder.parent))
    if page is None:
        write({"started": True})
        if trace:
            run_traced(lesson, source, text, write, only, trace)
        else:
            run(lesson, source, text, write, only, variables)
        write({"done": True})
    else:
        failed, trained = page
        lesson.draw(load(source, text), "page.html", failed, decode(trained))
        log.write(Path("page.html").read_bytes())
    for stream in (log, sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(0)  # does not wait for the file's threads or run its exit handlers


if __name__ == "__main__":
    main()
