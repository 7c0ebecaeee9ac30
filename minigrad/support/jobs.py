"""`run_jobs` runs many jobs, a few at a time, each in a separate process, and saves each result.

It is used by `minigrad course report`, and by the examples that run many experiments
(examples/reference/run_all.py and examples/sweep.py). Each job has a thread and a child process:

- The thread waits for the child and returns its result, which is appended to results.jsonl.
- The child calls the function. The child's command is
  `python -m minigrad.support.jobs FILE FUNCTION ARGUMENTS`. It writes the result to stdout as JSON,
  and everything that the function prints to the log.

Each child reads from a pipe that closes when the parent ends. So if the parent ends for any reason,
its children end too.
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
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from ..errors import OptionError
from .files import AnyPath, locked
from .text import printable, to_json

GRACE = 5.0
"""The number of seconds that a job has to finish after Ctrl-C, for example to write a snapshot."""
ROOT = Path(__file__).parents[2]
_running: set[subprocess.Popen[bytes]] = set()


class Done(NamedTuple):
    """The result of a job, and how many seconds it took."""

    result: Any
    seconds: float


class JobFailed(Exception):
    """A job that ended without a result."""


def add_options(parser: argparse.ArgumentParser, folder: str) -> None:
    """Add the options of a script that runs jobs: `--jobs`, `--out` and `--any-code`."""
    parser.add_argument(
        "--jobs",
        type=int,
        default=1,
        metavar="N",
        help="number of parallel jobs, ideally one per core (default: 1)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(folder),
        metavar="FOLDER",
        help="folder for results.jsonl and the logs; jobs that have a result there are skipped "
        f"({folder})",
    )
    parser.add_argument(
        "--any-code",
        action="store_true",
        help="also accept results from other versions of the code",
    )


def run_jobs(
    jobs: Mapping[str, Mapping[str, Any]],
    function: Callable[..., Any],
    at_once: int = 1,
    folder: AnyPath | None = None,
    *,
    any_code: bool = False,
    shown: Callable[[Any], str] | None = str,
    apart: bool = True,
) -> dict[str, Done]:
    """Call `function(**arguments)` for each job in {name: arguments}, and return {name: Done}.

    Each call runs in a separate process, with one BLAS thread. The function must be defined at the
    top level of a file, and code that runs jobs must be under `if __name__ == "__main__"`.
    Arguments and results are JSON values. With `apart=False`, the calls run in threads instead.
    Use this for functions that start a process themselves. Jobs that fail or are killed are
    reported on stderr, and are missing from the result. Finished jobs are reported with the text
    `shown(result)`. With `shown=None`, only failures are reported.

    `folder` receives a log file for each job (NAME.log), and results.jsonl, which has one line for
    each result. A job that has a result in this file does not run again, unless its arguments or
    the code changed. The code includes Python, NumPy, minigrad, and the files in the function's
    folder. With `any_code`, only the arguments are compared. A damaged line is skipped, and its job
    runs again.

    NumPy numbers become Python numbers, and tuples become lists. If JSON cannot represent an
    argument, OptionError MG922 is raised before any job starts. If it cannot represent a result,
    the job fails.

    Ctrl-C stops every child, and keeps finished results. Errors: OptionError MG917 if `at_once` is
    less than 1, MG920 if a job calls this function; OSError if the folder cannot be written;
    KeyboardInterrupt after Ctrl-C.
    """
    from tqdm import tqdm

    if "MINIGRAD_JOB" in os.environ:
        raise OptionError(
            "MG920",
            "a job tried to start its own jobs",
            cause="each job imports the script, which runs the script's top-level code again",
            remedy='put the call to run_jobs under `if __name__ == "__main__":`',
        )
    if at_once < 1:
        raise OptionError(
            "MG917",
            f"cannot run {at_once} jobs at once",
            cause="at least one job must run at a time",
            remedy="choose 1 or more, as in --jobs 1",
        )
    jobs = {name: _arguments(name, arguments) for name, arguments in jobs.items()}
    with contextlib.ExitStack() as stack:
        where = Path(folder or stack.enter_context(tempfile.TemporaryDirectory()))
        where.mkdir(parents=True, exist_ok=True)
        stack.enter_context(locked(where))
        file = stack.enter_context(open(where / "results.jsonl", "a+b", buffering=0))
        code = code_version(function) if folder else ""
        done = _kept(file, jobs, None if any_code else code)
        counts = "{n_fmt} of {total_fmt} jobs |{bar}| {elapsed}, {remaining} to go"
        bar = tqdm(total=len(jobs), bar_format=counts, file=sys.stderr, disable=None, leave=False)
        stack.enter_context(bar)
        width = max((len(printable(name)) for name in jobs), default=0)

        def report(state: str, name: str, row: str = "") -> None:
            bar.update()
            if shown and name in done:
                row = f"{done[name].seconds:8.1f} s  {shown(done[name].result)}"
            if row:
                bar.write(printable(f"{state:<7} {name:<{width}} {row}"), file=sys.stderr)

        def work(name: str) -> Done:
            start = time.monotonic()
            if apart:
                result = _in_process(function, jobs[name], where / f"{name}.log", name)
            else:
                result = function(**jobs[name])
            return Done(json.loads(to_json(result)), round(time.monotonic() - start, 3))

        for name in done:
            report("kept", name)
        pool = stack.enter_context(ThreadPoolExecutor(at_once))
        names = {pool.submit(work, name): name for name in jobs if name not in done}
        try:
            for future in as_completed(names):
                name = names[future]
                if failure := future.exception():
                    report("FAILED", name, f"{'':12}{type(failure).__name__}: {failure}")
                    continue
                done[name] = future.result()
                line = {"job": name, "arguments": jobs[name], "code": code, **done[name]._asdict()}
                file.write(json.dumps(line).encode() + b"\n")
                report("done", name)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            _end_all(names)
            raise
    if len(done) < len(jobs):
        print(f"{len(jobs) - len(done)} of {len(jobs)} jobs failed", file=sys.stderr)
    return {name: done[name] for name in jobs if name in done}


def _arguments(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return a job's arguments as the job receives them. Errors: OptionError MG922."""
    try:
        return dict(json.loads(to_json(dict(arguments))))
    except (TypeError, ValueError, RecursionError) as error:
        raise OptionError(
            "MG922",
            f"the arguments of job {name!r} cannot be sent to its process: {error}",
            cause="the arguments are stored as JSON, to check later whether the job's result is "
            "still valid",
            remedy="pass only numbers, strings, True, False, None, and lists and dicts of these",
        ) from None


def code_version(function: Callable[..., Any]) -> str:
    """Return a hash of the Python and NumPy versions, minigrad, and the function's folder."""
    files = set(Path(inspect.getfile(function)).resolve().parent.glob("*.py"))
    files.update(*((ROOT / package).rglob("*.py") for package in ("minigrad", "layers", "optim")))
    hashes = sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in files)
    versions = [platform.python_version(), np.__version__, *hashes]
    return hashlib.sha256(" ".join(versions).encode()).hexdigest()[:12]


def _kept(
    file: IO[bytes], jobs: Mapping[str, Mapping[str, Any]], code: str | None
) -> dict[str, Done]:
    """Return a file's results for these jobs and this version of the code (None: any version).

    Print how many results must be computed again because their input or the code changed.
    """
    file.seek(0)
    text = file.read()
    # a program may have been killed while it wrote its last line
    file.truncate(text.rfind(b"\n") + 1)
    found: dict[str, Done] = {}
    others = set()
    for number, line in enumerate(text.split(b"\n")[:-1], 1):
        try:
            entry = json.loads(line.decode())
            keys = ("job", "arguments", "code", "result", "seconds")
            name, arguments, made_by, result, seconds = (entry[key] for key in keys)
            wanted = jobs.get(name)
        except (ValueError, TypeError, KeyError, RecursionError):
            print(f"{file.name}: line {number} is damaged and was skipped", file=sys.stderr)
            continue
        # compared as text, because 1 == True
        same_text = json.dumps(arguments, sort_keys=True) == json.dumps(wanted, sort_keys=True)
        if same_text and code in (None, made_by):
            found[name] = Done(result, seconds)
        others.add(name)
    if others := others & jobs.keys() - found.keys():
        what = "results that are computed again because their input or the code changed"
        print(f"{file.name}: {what}: {len(others)}", file=sys.stderr)
    return found


def _in_process(
    function: Callable[..., Any], arguments: Mapping[str, Any], log: Path, name: str
) -> Any:
    """Call the function in a separate process, and return its result. Errors: JobFailed."""
    file = os.path.abspath(inspect.getfile(function))
    call = [file, function.__qualname__, json.dumps(arguments)]
    path = filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))
    environment = {
        **os.environ,
        "MINIGRAD_JOB": name,
        "PYTHONPATH": os.pathsep.join(path),
        # The matrices are small and each core runs a job, so BLAS threads would compete for the
        # cores.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }
    with (
        open(log, "wb") as output,
        process(
            [sys.executable, "-u", "-P", "-m", __name__, *call],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
        ) as child,
    ):
        assert child.stdout is not None
        result = child.stdout.read()
        code = child.wait()
    if code == 0 and result:
        return json.loads(result)
    if code < 0:
        raise JobFailed(f"ended by {signal.Signals(-code).name} (see {log})")
    lines = log.read_text(errors="replace").splitlines()
    # The cause and the remedy of a MinigradError follow its message, and are indented.
    messages = [line for line in lines if line.strip() and not line.startswith(" ")]
    raise JobFailed(f"exit code {code}: {messages[-1] if messages else ''} (see {log})")


@contextlib.contextmanager
def process(command: list[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program, and kill it at the end of the block.

    Except on Windows, this also kills the processes that the program started.
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
    """End all children by closing their pipes. Kill any that have no pipe or take too long."""
    deadline = time.monotonic() + GRACE + 1
    while not all(future.done() for future in futures):
        for child in list(_running):
            if child.stdin is not None and time.monotonic() < deadline:
                child.stdin.close()
            else:
                _kill(child)
        time.sleep(0.05)


def _watch(parent: int) -> None:
    """Interrupt the child, as Ctrl-C does, when the parent closes its end of the pipe or ends."""
    os.read(parent, 1)
    if os.name == "posix":
        main_thread = threading.main_thread().ident or 0
        signal.pthread_kill(main_thread, signal.SIGINT)  # interrupts sleep too
    else:
        _thread.interrupt_main()
    time.sleep(GRACE)
    os._exit(1)


def main() -> None:
    """In the child, call FUNCTION from FILE, and write its result to stdout as JSON."""
    file, function, arguments = sys.argv[1:]
    # SIGINT is ignored by default if a script started the parent with &
    signal.signal(signal.SIGINT, signal.default_int_handler)
    parent, result = os.dup(0), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # the function's own output goes to the log
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    sys.path.insert(0, os.path.dirname(file))
    value = getattr(importlib.import_module(Path(file).stem), function)(**json.loads(arguments))
    with open(result, "w") as pipe:
        pipe.write(to_json(value))


if __name__ == "__main__":
    main()
