"""Contenders in processes of their own, and the taking of turns. Knows no framework and no
workload.

Every process has one thread and, where the system allows it, one core, the same for all: A B C A B
C ..., so that a machine that slows down slows all of them alike. A case may give each process more
threads, and then all cores.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roster import Contender

HERE = Path(__file__).parent
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
SETTINGS = {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "JAX_PLATFORMS": "cpu",
    "CUDA_VISIBLE_DEVICES": "",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


@dataclass
class Result:
    """What one contender did in one case: what to compare, and a measurement per round. Or why it
    did not run.
    """

    contender: str
    case: str
    threads: int = 1
    check: Any = None
    note: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    rounds: list[dict[str, float]] = field(default_factory=list)
    error: str = ""

    @property
    def clock(self) -> str:
        """CPU time, which other work on the machine disturbs least; wall time if there are several
        threads.
        """
        return "cpu" if self.threads == 1 else "wall"

    def ready(self, answer: dict[str, Any]) -> None:
        """Note what a worker says when it has built its part."""
        self.error = answer.get("error", "")
        self.check = answer.get("check")
        self.note = answer.get("note", "")
        self.versions = answer.get("versions", {})


def core(threads: int = 1) -> str:
    """The core that all contenders with one thread run on: the last one that this process may
    use.
    """
    pinned = threads == 1 and hasattr(os, "sched_getaffinity")
    return str(max(os.sched_getaffinity(0))) if pinned else "any"


def environment(contender: Contender, threads: int = 1) -> dict[str, str]:
    """A contender's environment variables: BLAS chooses its own kernels, and compiled modules are
    kept.
    """
    backend = {"KERAS_BACKEND": contender.backend} if contender.backend else {}
    removed = ("OPENBLAS_CORETYPE", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if name not in removed}
    return {**kept, **dict.fromkeys(THREADS, str(threads)), **SETTINGS, **backend}


def python(contender: Contender, code: str) -> subprocess.CompletedProcess[str]:
    """Run Python code once, as this contender's process would run."""
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, cwd=HERE, env=environment(contender), capture_output=True, text=True
    )


def failure(run: subprocess.CompletedProcess[str]) -> str:
    """The last line that a failed program printed; "" for one that succeeded."""
    return "" if run.returncode == 0 else (run.stderr.strip().splitlines() or ["no message"])[-1]


def installed(contender: Contender) -> str:
    """Why this contender cannot be imported, or "" if it can."""
    return failure(python(contender, f"import contenders.{contender.module}"))


class Worker:
    """A contender's process. Talks to worker.py."""

    def __init__(
        self, problem: Path, contender: Contender, workload: str, case: str, threads: int = 1
    ) -> None:
        what = [problem, contender.module, contender.setting, workload, case]
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115  # as long-lived as the process
        self.process = subprocess.Popen(
            [sys.executable, HERE / "worker.py", core(threads), *map(str, what)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            env=environment(contender, threads),
        )

    def reply(self) -> dict[str, Any]:
        """Its next answer; {"error": ...} if it has died."""
        assert self.process.stdout is not None
        if line := self.process.stdout.readline():
            answer: dict[str, Any] = json.loads(line)
            return answer
        self.log.seek(0)
        last = [text for text in self.log.read().splitlines() if text.strip()][-1:]
        return {"error": f"ended with status {self.process.wait()}: {''.join(last)}"}

    def ask(self, **request: float) -> dict[str, Any]:
        """Its answer to a request."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self.reply()

    def close(self) -> None:
        self.process.kill()
        with self.process:  # closes the pipes, and waits
            self.log.close()


Tick = Callable[[str], None]
"""Is told who is about to work."""


def take_turns(
    problem: Path, contenders: Sequence[Contender], workload: str, case: str, rounds: int, seconds: float, threads: int,
    tick: Tick,
) -> list[Result]:  # fmt: skip
    """Build everyone, then let each run for `seconds` in turn, `rounds` times."""
    workers: list[tuple[Worker, Result]] = []
    try:
        for contender in contenders:
            tick(f"{contender.name} {case} gets ready")
            worker, result = (
                Worker(problem, contender, workload, case, threads),
                Result(contender.name, case, threads),
            )
            workers.append((worker, result))
            result.ready(worker.reply())
        for _ in range(rounds):
            for worker, result in workers:
                tick(f"{result.contender} {case}")
                if not result.error:
                    answer = worker.ask(seconds=seconds)
                    result.error = answer.get("error", "")
                    result.rounds += [] if result.error else [answer]
    finally:
        for worker, _ in workers:
            worker.close()
    return [result for _, result in workers]


def start_in_turn(
    contenders: Sequence[Contender],
    case: str,
    rounds: int,
    start: Callable[[Contender], dict[str, Any]],
    tick: Tick,
) -> list[Result]:
    """Measure what starting takes, with a new process each time: `start` runs one, and returns its
    wall and CPU time.

    A first round, which brings the files into the system's cache, does not count.
    """
    results = [Result(contender.name, case) for contender in contenders]
    for number in range(rounds + 1):
        for contender, result in zip(contenders, results, strict=True):
            tick(f"{contender.name} {case}")
            if result.error:
                continue
            answer = start(contender)
            result.ready(answer)
            if number and not result.error:
                result.rounds.append({"wall": answer["wall"], "cpu": answer["cpu"], "memory": 0})
    return results


def first_step(problem: Path, contender: Contender, workload: str, case: str) -> dict[str, Any]:
    """A new process, from its beginning until it has built what there is to build."""
    began = time.perf_counter()
    worker = Worker(problem, contender, workload, case)
    try:
        return {**worker.reply(), "wall": time.perf_counter() - began}
    finally:
        worker.close()


IMPORT = """
import os, time
if "{core}" != "any":
    os.sched_setaffinity(0, {{int("{core}")}})
wall, cpu = time.perf_counter(), time.process_time()
import {package}
print(time.perf_counter() - wall, time.process_time() - cpu)
"""


def time_import(contender: Contender) -> dict[str, Any]:
    """Only `import package`, in a new interpreter."""
    run = python(contender, IMPORT.format(package=contender.package, core=core()))
    if error := failure(run):
        return {"error": error}
    wall, cpu = map(float, run.stdout.split()[-2:])
    return {"wall": wall, "cpu": cpu}
