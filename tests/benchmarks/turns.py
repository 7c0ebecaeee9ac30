"""Contenders in processes of their own, and the taking of turns. Knows no framework and no workload.

Every process has one thread and, where the system allows it, one core, the same for all: A B C A B C ..., so that a
machine that slows down slows all of them alike. A case may give each process more threads, and then all cores.
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

HERE = Path(__file__).parent
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
SETTINGS = {
    **dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1"),
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "JAX_PLATFORMS": "cpu",
    "CUDA_VISIBLE_DEVICES": "",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


@dataclass(frozen=True)
class Contender:
    """Who takes part: a module in contenders/, one of its settings, and the workloads it takes part in."""

    name: str
    module: str
    setting: str
    label: str
    workloads: str  # their letters
    package: str = ""  # what `import` measures; "" for one that is imported like another
    backend: str = ""  # Keras's


@dataclass
class Result:
    """What one contender did in one case: what to compare, and one measurement for each round. Or why it did not."""

    contender: str
    case: str
    check: Any = None
    note: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    rounds: list[dict[str, float]] = field(default_factory=list)
    error: str = ""
    threads: int = 1

    @property
    def clock(self) -> str:
        """What to compare: CPU time, which other work on the machine disturbs least; of several threads, wall time."""
        return "cpu" if self.threads == 1 else "wall"


def core(threads: int = 1) -> str:
    """The core that all contenders with one thread run on: the last one that this process may use."""
    return str(max(os.sched_getaffinity(0))) if threads == 1 and hasattr(os, "sched_getaffinity") else "any"


def environment(contender: Contender, threads: int = 1) -> dict[str, str]:
    """The variables of a contender's process: BLAS knows its machine, and compiled modules are kept, as by default."""
    backend = {"KERAS_BACKEND": contender.backend} if contender.backend else {}
    odd = ("OPENBLAS_CORETYPE", "PYTHONDONTWRITEBYTECODE")
    clean = {name: value for name, value in os.environ.items() if name not in odd}
    return {**clean, **dict.fromkeys(THREADS, str(threads)), **SETTINGS, **backend}


IMPORT = """
import os, time
if "{core}" != "any":
    os.sched_setaffinity(0, {{int("{core}")}})
wall, cpu = time.perf_counter(), time.process_time()
import {package}
print(time.perf_counter() - wall, time.process_time() - cpu)
"""


def python(*arguments: str, contender: Contender) -> subprocess.CompletedProcess[str]:
    """Run Python once, as this contender's process would run."""
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=HERE, env=environment(contender), capture_output=True, text=True)


def failure(run: subprocess.CompletedProcess[str]) -> str:
    """The last line of what a failed program said; "" for one that succeeded."""
    return "" if run.returncode == 0 else (run.stderr.strip().splitlines() or ["no message"])[-1]


def installed(contender: Contender) -> str:
    """Why this contender cannot be imported, or "" where it can."""
    return failure(python("-c", f"import contenders.{contender.module}", contender=contender))


class Worker:
    """A contender's process. Talks to worker.py."""

    def __init__(self, problem: Path, contender: Contender, workload: str, case: str, threads: int = 1) -> None:
        at = core(threads)
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115  # as long-lived as the process
        self.process = subprocess.Popen(
            [sys.executable, HERE / "worker.py", at, problem, contender.module, contender.setting, workload, case],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            env=environment(contender, threads),
        )
        assert self.process.stdin is not None and self.process.stdout is not None  # both are pipes
        self.requests, self.replies = self.process.stdin, self.process.stdout

    def reply(self) -> dict[str, Any]:
        """Its next answer; {"error": ...} where it has died."""
        line = self.replies.readline()
        if line:
            answer: dict[str, Any] = json.loads(line)
            return answer
        self.log.seek(0)
        last = [text for text in self.log.read().splitlines() if text.strip()][-1:]
        return {"error": f"ended with status {self.process.wait()}: {''.join(last)}"}

    def ask(self, **request: float) -> dict[str, Any]:
        self.requests.write(json.dumps(request) + "\n")
        self.requests.flush()
        return self.reply()

    def close(self) -> None:
        self.requests.close()
        self.replies.close()
        self.process.kill()
        self.process.wait()
        self.log.close()


def take_turns(
    problem: Path,
    contenders: Sequence[Contender],
    workload: str,
    case: str,
    *,
    rounds: int,
    seconds: float,
    tick: Callable[[str], None],
    threads: int = 1,
) -> list[Result]:
    """Build everyone, then let each run for `seconds` in turn, `rounds` times. `tick` is told who is about to work."""
    workers: list[tuple[Worker, Result]] = []
    results = []
    try:
        for contender in contenders:
            tick(f"{contender.name} {case} gets ready")
            worker = Worker(problem, contender, workload, case, threads)
            result = Result(contender.name, case, threads=threads)
            workers.append((worker, result))
            results.append(result)
            ready = worker.reply()
            result.error = ready.get("error", "")
            result.check, result.note = ready.get("check"), ready.get("note", "")
            result.versions = ready.get("versions", {})
        for _ in range(rounds):
            for worker, result in workers:
                tick(f"{result.contender} {case}")
                if not result.error:
                    answer = worker.ask(seconds=seconds)
                    result.error = answer.get("error", "")
                    if not result.error:
                        result.rounds.append(answer)
    finally:
        for worker, _ in workers:
            worker.close()
    return results


def take_turns_starting(
    problem: Path,
    contenders: Sequence[Contender],
    workload: str,
    case: str,
    *,
    rounds: int,
    seconds: float,
    tick: Callable[[str], None],
) -> list[Result]:
    """As `take_turns`, where starting is what is measured: a new process for each turn, from its beginning until it
    has built what there is to build. A first round, which brings the files into the system's cache, does not count.
    """
    results = [Result(contender.name, case) for contender in contenders]
    for number in range(rounds + 1):
        for contender, result in zip(contenders, results, strict=True):
            tick(f"{contender.name} {case}")
            began = time.perf_counter()
            worker = Worker(problem, contender, workload, case)
            try:
                ready = worker.reply()
            finally:
                worker.close()
            wall = time.perf_counter() - began
            result.error = result.error or ready.get("error", "")
            if number and not result.error:
                result.check, result.versions = ready["check"], ready["versions"]
                result.rounds.append({"wall": wall, "cpu": ready["cpu"], "memory": 0})
    return results


def take_turns_importing(
    problem: Path,
    contenders: Sequence[Contender],
    workload: str,
    case: str,
    *,
    rounds: int,
    seconds: float,
    tick: Callable[[str], None],
) -> list[Result]:
    """As `take_turns_starting`, for nothing but `import package` in a new interpreter."""
    results = [Result(contender.name, case) for contender in contenders]
    for number in range(rounds + 1):
        for contender, result in zip(contenders, results, strict=True):
            tick(f"{contender.name} {case}")
            run = python("-c", IMPORT.format(package=contender.package, core=core()), contender=contender)
            result.error = result.error or failure(run)
            if number and not result.error:
                wall, cpu = map(float, run.stdout.split()[-2:])
                result.rounds.append({"wall": wall, "cpu": cpu, "memory": 0})
    return results
