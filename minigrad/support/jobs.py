"""Many jobs, a few at a time, each in a process of its own: `run_jobs`. A result is kept as soon as it is there.

Used by `minigrad course report`, and by the examples that run many experiments (examples/reference/run_all.py and
examples/sweep.py). For each job

    a thread of this process   waits for the child, shows the end of its log, appends its result to results.jsonl
    the child                  calls the function: `python -m minigrad.support.jobs FILE FUNCTION ARGUMENTS RESULT`

A child ends when its parent does, however that ended: it waits for the end of a pipe that nobody writes to.
"""

from __future__ import annotations

import _thread
import argparse
import contextlib
import hashlib
import importlib
import inspect
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import OptionError, reason
from .files import AnyPath, locked, open_file, write_whole
from .text import printable

GRACE = 5.0
"""Seconds that a job has to come to an end after Ctrl-C, such as to write a snapshot."""
KEYS = "job", "arguments", "code", "result", "seconds"
"""What a line of results.jsonl has."""
ROOT = Path(__file__).parents[2]
_running: set[subprocess.Popen[bytes]] = set()


class Done(NamedTuple):
    """What a job returned, and how many seconds it took."""

    result: Any
    seconds: float


class _JobFailed(Exception):
    """Why a job has no result."""


def add_options(parser: argparse.ArgumentParser, folder: str) -> None:
    """Add the options of a script that runs jobs: `jobs`, `out` and `any_code`."""

    def count(text: str) -> int:
        if not text.isdecimal() or int(text) < 1:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
        return int(text)

    add = parser.add_argument
    add("--jobs", type=count, default=1, metavar="N", help="so many at once: at most one for each core (1)")
    about = f"for results.jsonl and a log of each job; what has a result there is not run again ({folder})"
    add("--out", type=Path, default=Path(folder), metavar="FOLDER", help=about)
    add("--any-code", action="store_true", help="results that another version of the code gave count, too")


def run_jobs(
    jobs: Mapping[str, Mapping[str, Any]], function: Callable[..., Any], at_once: int = 1,
    folder: AnyPath | None = None, *, any_code: bool = False, shown: Callable[[Any], str] | None = str,
    apart: bool = True,
) -> dict[str, Done]:  # fmt: skip
    """Call `function(**arguments)` for each of the jobs, {name: arguments}, and return what was done, by name.

    Each call has a process of its own, with one BLAS thread. The function stands at the top level of a file, whose work
    is under `if __name__ == "__main__"`; arguments and result are what JSON can hold. With `apart=False` threads call
    it: for a function that starts a process itself. A job that fails or is killed is reported on stderr, and missing in
    what is returned. `shown(result)` says there in a few words what came of the others; None prints only failures.

    `folder` gets results.jsonl, a line for each result, and each job's log, NAME.log. A job that has a result there is
    not run again, unless its arguments differ, or the code: Python, NumPy, minigrad, and the files beside the
    function's. With `any_code` only the arguments count. A line that is damaged is skipped, and its job runs again.

    NumPy's numbers become Python's with the same value, and tuples lists. Whatever else JSON cannot hold is refused: as
    an argument by OptionError MG922 before any job starts, as a result by the failure of its job.

    Ctrl-C reaches every child, and leaves what is done. Errors: OptionError MG917 for fewer than one job at once, MG920
    within a job; OSError for a folder that cannot be written; KeyboardInterrupt.
    """
    if "MINIGRAD_JOB" in os.environ:
        raise OptionError(
            "MG920",
            "a job began jobs of its own",
            cause="each job imports the script; what stands there without an indent runs again",
            remedy='put the call of run_jobs under if __name__ == "__main__":',
        )
    if at_once < 1:
        raise OptionError("MG917", f"{at_once} jobs", cause="so many run at once", remedy="--jobs 1 or more")
    jobs = {name: _arguments(name, arguments) for name, arguments in jobs.items()}
    with contextlib.ExitStack() as stack:
        where = Path(folder or stack.enter_context(tempfile.TemporaryDirectory(prefix="minigrad-jobs-")))
        where.mkdir(parents=True, exist_ok=True)
        stack.enter_context(locked(where))
        code = code_version(function) if folder else ""
        done = _kept(where / "results.jsonl", jobs, None if any_code else code)
        file = stack.enter_context(open(where / "results.jsonl", "ab", buffering=0))
        board = stack.enter_context(_Board(jobs, where if apart else None, folder is not None, shown))
        for name, one in done.items():
            board.ended("kept", name, one)
        writing = threading.Lock()

        def work(name: str) -> Done:
            if apart:
                (where / f"{name}.log").write_bytes(b"")
            start = board.running[name] = time.monotonic()
            try:
                result = _in_process(function, jobs[name], where, name) if apart else function(**jobs[name])
                one = Done(json.loads(exact_json(result)), round(time.monotonic() - start, 3))
                line = json.dumps({"job": name, "arguments": jobs[name], "code": code, **one._asdict()})
                try:
                    with writing:
                        file.write(f"{line}\n".encode())
                except OSError as error:
                    print(printable(f"the result of {name} cannot be kept: {reason(error)}"), file=sys.stderr)
                return one
            finally:
                del board.running[name]

        pool = stack.enter_context(ThreadPoolExecutor(at_once))
        names = {pool.submit(work, name): name for name in jobs if name not in done}
        try:
            waiting = set(names)
            while waiting:
                ended, waiting = wait(waiting, 0.3, FIRST_COMPLETED)
                for future in ended:
                    if (error := future.exception()) is None:
                        done[names[future]] = future.result()
                        board.ended("done", names[future], future.result())
                    else:
                        board.ended("FAILED", names[future], error)
                board.show()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            _end_all(names)
            raise
    return {name: done[name] for name in jobs if name in done}


def exact_json(value: Any) -> str:
    """`value` as JSON, with NumPy's numbers as Python's. Errors: TypeError, ValueError if it cannot be exact.

    >>> exact_json({"rows": np.int64(2**53 + 1), "loss": np.float32(0.1), "sizes": (3, 4)})
    '{"rows": 9007199254740993, "loss": 0.10000000149011612, "sizes": [3, 4]}'
    """

    def number(other: Any) -> bool | int | float:
        if isinstance(other, np.generic | np.ndarray) and not other.ndim and other.dtype.kind in "biuf":
            python = other.item()
            if isinstance(python, bool | int | float):  # which a long double does not become
                return python
        raise TypeError(f"JSON cannot hold a {type(other).__name__} exactly")

    return json.dumps(value, default=number)


def _arguments(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """A job's arguments, as it receives them. Errors: OptionError MG922."""
    try:
        return dict(json.loads(exact_json(dict(arguments))))
    except (TypeError, ValueError, RecursionError) as error:
        raise OptionError(
            "MG922",
            f"the arguments of job {name!r} cannot be passed on: {error}",
            cause="a job runs in another process, and its arguments decide whether its result is still good",
            remedy="pass numbers, strings, True, False, None, and lists and dicts of these",
        ) from None


def code_version(function: Callable[..., Any]) -> str:
    """A hash of what computes results: Python's and NumPy's version, minigrad, and the files beside the function's."""
    files = set(Path(inspect.getfile(function)).resolve().parent.glob("*.py"))
    files.update(*((ROOT / package).rglob("*.py") for package in ("minigrad", "layers", "optim")))
    hashes = sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in files)
    return hashlib.sha256(" ".join([platform.python_version(), np.__version__, *hashes]).encode()).hexdigest()[:12]


def _kept(path: Path, jobs: Mapping[str, Mapping[str, Any]], code: str | None) -> dict[str, Done]:
    """The results that a file has for these jobs, by this code (None: by any). Says which it does not take."""
    if not path.exists():
        return {}
    with open_file(path) as file:
        text = file.read()
    if not text.endswith(b"\n"):  # a program was killed while it wrote its last line
        text = text[: text.rfind(b"\n") + 1]
        write_whole(path, lambda whole: whole.write(text))
    found, other_code, other_arguments = {}, set(), set()
    for number, line in enumerate(text.splitlines(), 1):
        try:
            name, arguments, made_by, result, seconds = (json.loads(line.decode())[key] for key in KEYS)
            done = Done(result, float(seconds))
            known = name in jobs
        except (ValueError, TypeError, KeyError, RecursionError):
            print(f"{path}: line {number} is damaged and was skipped", file=sys.stderr)
            continue
        if not known:
            continue
        if json.dumps(arguments, sort_keys=True) != json.dumps(jobs[name], sort_keys=True):  # 1 is not True, NaN is NaN
            other_arguments.add(name)
        elif code not in (None, made_by):
            other_code.add(name)
        else:
            found[name] = done
    for names, what in (
        (other_code - set(found), "came of another version of the code; these run again"),
        (other_arguments - set(found), "came of other arguments, and stay there"),
    ):
        if names:
            print(f"{path}: {len(names)} of the results {what}", file=sys.stderr)
    return found


class _Board:
    """A table on stderr: a row for each job that has ended, and below these, on a terminal, the jobs that run."""

    def __init__(
        self, jobs: Collection[str], logs: Path | None, keeps: bool, shown: Callable[[Any], str] | None
    ) -> None:
        from tqdm import tqdm

        self.running: dict[str, float] = {}
        """When each began."""
        self._logs, self._keeps, self._shown = logs, keeps, shown
        self._total, self._ended, self._failed = len(jobs), 0, 0
        self._width = max((len(printable(name)) for name in jobs), default=0)
        counts = "{n_fmt} of {total_fmt} jobs |{bar}| {elapsed}, {remaining} to go"
        self._bar = tqdm(total=len(jobs), bar_format=counts, file=sys.stderr, disable=None, leave=False)
        self._lines: list[Any] = []

    def __enter__(self) -> _Board:
        return self

    def ended(self, state: str, name: str, what: Done | BaseException) -> None:
        """Print the row of a job that has a result, or failed."""
        self._bar.update()
        self._ended += 1
        self._failed += state == "FAILED"
        if isinstance(what, Done):
            row = None if self._shown is None else f"{what.seconds:8.1f} s  {self._shown(what.result)}"
        else:
            row = f"{'':10}  {what if isinstance(what, _JobFailed) else f'{type(what).__name__}: {what}'}"
        if row is not None:
            self._bar.write(printable(f"{state:<7} {name:<{self._width}} {row}"), file=sys.stderr)

    def show(self) -> None:
        """Renew the rows of the jobs that run: how long they have, and the last line of their log."""
        if self._bar.disable:
            return
        running = sorted(dict(self.running).items(), key=lambda one: one[1])
        while len(self._lines) < len(running):
            place = len(self._lines) + 1
            self._lines.append(type(self._bar)(bar_format="{desc}", position=place, file=sys.stderr, leave=False))
        rows = [f"running {name:<{self._width}} {time.monotonic() - start:8.0f} s  {self._last(name)}"
                for name, start in running]  # fmt: skip
        rows += [""] * (len(self._lines) - len(rows))
        for line, row in zip(self._lines, rows, strict=True):
            line.set_description_str(printable(row)[: shutil.get_terminal_size().columns - 1])

    def _last(self, name: str) -> str:
        if self._logs is None:
            return ""
        text = (self._logs / f"{name}.log").read_bytes()[-1000:].decode(errors="replace")
        return re.split(r"[\r\n]+", text.rstrip())[-1]

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        for line in [*self._lines, self._bar]:
            line.close()
        if kind is KeyboardInterrupt:
            more = "; what is done is kept, and the same command does the rest" if self._keeps else ""
            print(f"stopped after {self._ended} of {self._total} jobs{more}", file=sys.stderr)
        elif self._failed:
            more = "; the same command runs them again, and only them" if self._keeps else ""
            print(f"{self._failed} of {self._total} jobs failed{more}", file=sys.stderr)


def _in_process(function: Callable[..., Any], arguments: Mapping[str, Any], where: Path, name: str) -> Any:
    """What the function returns when a process of its own calls it. Errors: _JobFailed."""
    log, result = where / f"{name}.log", where / f"{name}.result"
    file = os.path.abspath(inspect.getfile(function))
    command = [sys.executable, "-P", "-m", __name__, file, function.__qualname__, json.dumps(arguments), str(result)]
    # The matrices are small, and each core has a job: BLAS threads would only wait for each other. And where malloc is
    # told by such a variable to return memory at once, a training step can take twice as long.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MALLOC_")}
    environment |= dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "PYTHONUNBUFFERED"),
        "1",
    )
    environment["MINIGRAD_JOB"] = name
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    result.unlink(missing_ok=True)
    try:
        with (
            open(log, "wb") as output,
            process(command, env=environment, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT) as child,
        ):
            code = child.wait()
        outcome = json.loads(result.read_text(encoding="utf-8")) if result.exists() else {}
    finally:
        result.unlink(missing_ok=True)
    if code == 0 and "result" in outcome:
        return outcome["result"]
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    raise _JobFailed(f"{outcome.get('failed', f'ended by {how}')} (see {log})")


@contextlib.contextmanager
def process(command: list[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program. When the block ends it has ended, and with it (but not on Windows) whatever it started."""
    with subprocess.Popen(command, start_new_session=os.name == "posix", **options) as child:
        _running.add(child)
        try:
            yield child
        finally:
            _kill(child)
            _running.discard(child)


def _kill(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        os.killpg(child.pid, signal.SIGKILL) if os.name == "posix" else child.kill()


def _end_all(futures: Collection[Future[Done]]) -> None:
    """Tell all children to end, which a closed pipe does; kill those that have none, or that take too long."""
    deadline = time.monotonic() + GRACE + 1
    while not all(future.done() for future in futures):
        for child in list(_running):
            if child.stdin is not None and time.monotonic() < deadline:
                child.stdin.close()
            else:
                _kill(child)
        time.sleep(0.05)


def _watch(parent: int) -> None:
    """In the child: when the parent has closed its end of the pipe, or is gone, do as Ctrl-C does."""
    os.read(parent, 1)
    if os.name == "posix":
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)  # also wakes a sleep
    else:
        _thread.interrupt_main()
    time.sleep(GRACE)
    os._exit(1)


def main() -> None:
    """The child: `FILE FUNCTION ARGUMENTS RESULT` calls the function, and writes what it returned to RESULT."""
    file, function, arguments, result = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored, if the parent was started with & by a script
    parent = os.dup(0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    sys.path.insert(0, os.path.dirname(file))
    failed = False
    try:
        value = getattr(importlib.import_module(Path(file).stem), function)(**json.loads(arguments))
        outcome = exact_json({"result": value})
    except Exception as error:
        traceback.print_exc()
        outcome = json.dumps({"failed": f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"})
        failed = True
    write_whole(result, lambda to: to.write(outcome.encode()))
    sys.exit(failed)


if __name__ == "__main__":
    main()
