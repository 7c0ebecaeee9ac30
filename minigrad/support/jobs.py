"""Many jobs, a few at a time, each in a process of its own: `run_jobs`. A result is kept as soon as
it is there.

Used by `minigrad course report`, and by the examples that run many experiments
(examples/reference/run_all.py and examples/sweep.py). For each job

    a thread of this process   waits for the child, and returns its result, which is appended to results.jsonl
    the child                  calls the function: `python -m minigrad.support.jobs FILE FUNCTION ARGUMENTS RESULT`

A child ends when its parent does, however that ended: it waits for the end of a pipe that nobody
writes to.
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
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import OptionError
from .files import AnyPath, locked, write_whole
from .text import printable, to_json

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


class JobFailed(Exception):
    """Why a job has no result."""


def add_options(parser: argparse.ArgumentParser, folder: str) -> None:
    """Add the options of a script that runs jobs: `jobs`, `out` and `any_code`."""
    add, about = parser.add_argument, "for results.jsonl and a log of each job"
    add("--jobs", type=int, default=1, metavar="N", help="so many at once: one for each core (1)")
    about += f"; what has a result there is not run again ({folder})"
    add("--out", type=Path, default=Path(folder), metavar="FOLDER", help=about)
    about = "results that another version of the code gave count, too"
    add("--any-code", action="store_true", help=about)


def run_jobs(
    jobs: Mapping[str, Mapping[str, Any]], function: Callable[..., Any], at_once: int = 1,
    folder: AnyPath | None = None, *, any_code: bool = False, shown: Callable[[Any], str] | None = str,
    apart: bool = True,
) -> dict[str, Done]:  # fmt: skip
    """Call `function(**arguments)` for each of the jobs, {name: arguments}, and return what was
    done, by name.

    Each call has a process of its own, with one BLAS thread. The function stands at the top level
    of a file, whose work is under `if __name__ == "__main__"`; arguments and result are what JSON
    can hold. With `apart=False` threads call it: for a function that starts a process itself. A job
    that fails or is killed is reported on stderr, and missing in what is returned. `shown(result)`
    says there in a few words what came of the others; None prints only failures.

    `folder` gets results.jsonl, a line for each result, and each job's log, NAME.log. A job that
    has a result there is not run again, unless its arguments differ, or the code: Python, NumPy,
    minigrad, and the files beside the function's. With `any_code` only the arguments count. A line
    that is damaged is skipped, and its job runs again.

    NumPy's numbers become Python's with the same value, and tuples lists. Whatever else JSON cannot
    hold is refused: as an argument by OptionError MG922 before any job starts, as a result by the
    failure of its job.

    Ctrl-C reaches every child, and leaves what is done. Errors: OptionError MG917 for fewer than
    one job at once, MG920 within a job; OSError for a folder that cannot be written;
    KeyboardInterrupt.
    """
    from tqdm import tqdm

    if "MINIGRAD_JOB" in os.environ:
        raise OptionError(
            "MG920",
            "a job began jobs of its own",
            cause="each job imports the script; what stands there without an indent runs again",
            remedy='put the call of run_jobs under if __name__ == "__main__":',
        )
    if at_once < 1:
        what = f"{at_once} jobs"
        raise OptionError("MG917", what, cause="so many run at once", remedy="--jobs 1 or more")
    jobs = {name: _arguments(name, arguments) for name, arguments in jobs.items()}
    with contextlib.ExitStack() as stack:
        where = Path(folder or stack.enter_context(tempfile.TemporaryDirectory()))
        where.mkdir(parents=True, exist_ok=True)
        stack.enter_context(locked(where))
        code = code_version(function) if folder else ""
        done = _kept(where / "results.jsonl", jobs, None if any_code else code)
        file = stack.enter_context(open(where / "results.jsonl", "ab", buffering=0))
        counts = "{n_fmt} of {total_fmt} jobs |{bar}| {elapsed}, {remaining} to go"
        bar = tqdm(total=len(jobs), bar_format=counts, file=sys.stderr, disable=None, leave=False)
        stack.enter_context(bar)
        width = max((len(printable(name)) for name in jobs), default=0)

        def report(state: str, name: str, row: str = "") -> None:
            bar.update()
            if name in done:
                row = f"{done[name].seconds:8.1f} s  {shown(done[name].result) if shown else ''}"
            if shown or name not in done:
                bar.write(printable(f"{state:<7} {name:<{width}} {row}"), file=sys.stderr)

        def work(name: str) -> Done:
            start = time.monotonic()
            if apart:
                result = _in_process(function, jobs[name], where, name)
            else:
                result = function(**jobs[name])
            return Done(json.loads(to_json(result)), round(time.monotonic() - start, 3))

        for name in done:
            report("kept", name)
        pool = stack.enter_context(ThreadPoolExecutor(at_once))
        names = {pool.submit(work, name): name for name in jobs if name not in done}
        waiting = set(names)
        try:
            while waiting:
                ended, waiting = wait(waiting, 0.3, FIRST_COMPLETED)
                for future in ended:
                    name, failure = names[future], future.exception()
                    if failure is not None:
                        report("FAILED", name, f"{'':12}{type(failure).__name__}: {failure}")
                        continue
                    one = done[name] = future.result()
                    about = {"job": name, "arguments": jobs[name], "code": code, **one._asdict()}
                    file.write(f"{json.dumps(about)}\n".encode())
                    report("done", name)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            _end_all(names)
            raise
    if len(done) < len(jobs):
        print(f"{len(jobs) - len(done)} of {len(jobs)} jobs failed", file=sys.stderr)
    return {name: done[name] for name in jobs if name in done}


def _arguments(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """A job's arguments, as it receives them. Errors: OptionError MG922."""
    try:
        return dict(json.loads(to_json(dict(arguments))))
    except (TypeError, ValueError, RecursionError) as error:
        raise OptionError(
            "MG922",
            f"the arguments of job {name!r} cannot be passed on: {error}",
            cause="a job runs in another process, and its arguments decide whether its result is "
            "still good",
            remedy="pass numbers, strings, True, False, None, and lists and dicts of these",
        ) from None


def code_version(function: Callable[..., Any]) -> str:
    """A hash of what computes results: Python's and NumPy's version, minigrad, and the files beside
    the function's.
    """
    files = set(Path(inspect.getfile(function)).resolve().parent.glob("*.py"))
    files.update(*((ROOT / package).rglob("*.py") for package in ("minigrad", "layers", "optim")))
    hashes = sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in files)
    versions = [platform.python_version(), np.__version__, *hashes]
    return hashlib.sha256(" ".join(versions).encode()).hexdigest()[:12]


def _kept(path: Path, jobs: Mapping[str, Mapping[str, Any]], code: str | None) -> dict[str, Done]:
    """The results that a file has for these jobs, by this code (None: by any). Says how many it
    does not take.
    """
    text = path.read_bytes() if path.exists() else b""
    if not text.endswith(b"\n"):  # a program was killed while it wrote its last line
        text = text[: text.rfind(b"\n") + 1]
        write_whole(path, lambda whole: whole.write(text))
    found: dict[str, Done] = {}
    others = set()
    for number, line in enumerate(text.splitlines(), 1):
        try:
            entry = json.loads(line.decode())
            name, arguments, made_by, result, seconds = (entry[key] for key in KEYS)
            wanted = jobs.get(name)
        except (ValueError, TypeError, KeyError, RecursionError):
            print(f"{path}: line {number} is damaged and was skipped", file=sys.stderr)
            continue
        # 1 is not True
        same_text = json.dumps(arguments, sort_keys=True) == json.dumps(wanted, sort_keys=True)
        if same_text and code in (None, made_by):
            found[name] = Done(result, seconds)
        others.add(name)
    if others := others & jobs.keys() - found.keys():
        what = "came of other arguments or another version of the code; these run again"
        print(f"{path}: {len(others)} of the results {what}", file=sys.stderr)
    return found


def _in_process(
    function: Callable[..., Any], arguments: Mapping[str, Any], where: Path, name: str
) -> Any:
    """What the function returns when a process of its own calls it. Errors: JobFailed."""
    log, result = where / f"{name}.log", where / f"{name}.result"
    file = os.path.abspath(inspect.getfile(function))
    command = [
        *(sys.executable, "-P", "-m", __name__),
        *(file, function.__qualname__, json.dumps(arguments), str(result)),
    ]
    # The matrices are small, and each core has a job: BLAS threads would only wait for each other.
    libraries = ("OMP_NUM", "OPENBLAS_NUM", "MKL_NUM")
    environment = os.environ | {f"{library}_THREADS": "1" for library in libraries}
    environment |= {"PYTHONUNBUFFERED": "1", "MINIGRAD_JOB": name}
    path = filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))
    environment["PYTHONPATH"] = os.pathsep.join(path)
    result.unlink(missing_ok=True)
    pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.STDOUT}
    try:
        with (
            open(log, "wb") as output,
            process(command, env=environment, stdout=output, **pipes) as child,
        ):
            code = child.wait()
        if code == 0 and result.exists():
            return json.loads(result.read_text(encoding="utf-8"))
    finally:
        result.unlink(missing_ok=True)
    if code < 0:
        raise JobFailed(f"ended by {signal.Signals(-code).name} (see {log})")
    lines = log.read_text(errors="replace").splitlines()
    # Below the message of a MinigradError stand its cause and its remedy, set in.
    messages = [line for line in lines if line.strip() and not line.startswith(" ")]
    raise JobFailed(f"exit code {code}: {messages[-1] if messages else ''} (see {log})")


@contextlib.contextmanager
def process(command: list[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program. When the block ends it has ended, and with it (but not on Windows) whatever
    it started.
    """
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
    """Tell all children to end, which a closed pipe does; kill those that have none, or that take
    too long.
    """
    deadline = time.monotonic() + GRACE + 1
    while not all(future.done() for future in futures):
        for child in list(_running):
            if child.stdin is not None and time.monotonic() < deadline:
                child.stdin.close()
            else:
                _kill(child)
        time.sleep(0.05)


def _watch(parent: int) -> None:
    """In the child: when the parent has closed its end of the pipe, or is gone, do as Ctrl-C
    does.
    """
    os.read(parent, 1)
    if os.name == "posix":
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)  # also wakes a sleep
    else:
        _thread.interrupt_main()
    time.sleep(GRACE)
    os._exit(1)


def main() -> None:
    """The child: `FILE FUNCTION ARGUMENTS RESULT` calls the function, and writes what it returned
    to RESULT.
    """
    file, function, arguments, result = sys.argv[1:]
    # ignored, if the parent was started with & by a script
    signal.signal(signal.SIGINT, signal.default_int_handler)
    parent = os.dup(0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    sys.path.insert(0, os.path.dirname(file))
    value = getattr(importlib.import_module(Path(file).stem), function)(**json.loads(arguments))
    write_whole(result, lambda to: to.write(to_json(value).encode()))


if __name__ == "__main__":
    main()
