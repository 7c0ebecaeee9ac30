"""Run each contender in its own process, and let the processes take turns.

Every process has one thread. If the system allows it, all processes are pinned to the same core.
They take turns (A B C A B C ...), so if the machine slows down, all contenders are affected equally.
In a case with two threads, each process may use all cores. A whole program may also use as many
threads as its libraries choose.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from roster import CONTENDERS, Contender

HERE = Path(__file__).parent
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
ONE_THREAD = {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}
SETTINGS = {
    "JAX_PLATFORMS": "cpu",
    "CUDA_VISIBLE_DEVICES": "",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
Answer = dict[str, Any]


def threads(case):
    """Return the number of threads, or None if the libraries choose it."""
    if case.endswith("program"):
        return None
    return 2 if case.endswith("two threads") else 1


@dataclass
class Result:
    """The answers of one contender's process in one case. The first answer contains the results to
    compare, and each later answer contains the measurements of a round. The last answer may be
    {"error": ...}.
    """

    contender: Contender
    case: str
    answers: list[Answer]

    @property
    def error(self):
        return str(self.answers[-1].get("error", ""))

    def median(self, what):
        """Return the median over the rounds: "cpu" or "wall" in seconds, or "memory" in bytes."""
        return float(median(round[what] for round in self.answers[1:]))

    @property
    def clock(self):
        """The clock that ratios use: "cpu", which other work on the machine affects least, or "wall" if
        there are several threads.
        """
        return "cpu" if threads(self.case) == 1 else "wall"

    def ratios(self, other, what=""):
        """Return this time (or "memory") divided by the other's, in each round. Both contenders are
        slowed down equally in a slow round. Rounds in which the other's is 0 are left out: memory
        that did not grow, or a time shorter than the clock's resolution.
        """
        what = what or self.clock
        pairs = zip(self.answers[1:], other.answers[1:], strict=True)
        return [mine[what] / theirs[what] for mine, theirs in pairs if theirs[what]]


def core(case):
    """Return the core for contenders with one thread, which is the last core that this process may
    use.
    """
    pinned = threads(case) == 1 and hasattr(os, "sched_getaffinity")
    return str(max(os.sched_getaffinity(0))) if pinned else "any"


def environment(contender, case):
    """Return a contender's environment variables. BLAS chooses its own kernels, and Python keeps
    compiled modules.
    """
    chosen = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "PYTHONDONTWRITEBYTECODE")
    removed = {*chosen, *THREADS, *ONE_THREAD}
    kept = {name: value for name, value in os.environ.items() if name not in removed}
    backend = {"KERAS_BACKEND": contender.backend} if contender.backend else {}
    count = threads(case)
    limits = dict.fromkeys(THREADS, str(count)) if count else {}
    if count == 1:
        limits |= ONE_THREAD
    return kept | limits | SETTINGS | backend


def run_script(contender, case, *arguments):
    """Run Python in a contender's environment until it ends. Return its output and {} or
    {"error": ...}.
    """
    run = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=HERE,
        env=environment(contender, case),
        capture_output=True,
        text=True,
    )
    if run.returncode:
        return "", failure(run.stderr, run.returncode)
    return run.stdout, {}


def failure(log, status):
    return {"error": last_line(log) or f"ended with status {status}"}


def last_line(text):
    return text.strip().rpartition("\n")[2]


class Worker:
    """A contender's process, which runs worker.py."""

    def __init__(self, contender, problem, letter, case):
        script = (HERE / "worker.py", core(case), problem)
        arguments = (contender.module, contender.setting, letter, case)
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115  # as long-lived as the process
        self.process = subprocess.Popen(
            [sys.executable, *map(str, script), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            env=environment(contender, case),
        )

    def close(self):
        self.process.kill()
        with self.process:  # closes the pipes and waits for the process
            self.log.close()

    def reply(self):
        """Return the next answer, or {"error": the last line of the log} if the process has died."""
        assert self.process.stdout is not None
        if line := self.process.stdout.readline():
            answer: Answer = json.loads(line)
            return answer
        self.log.seek(0)
        return failure(self.log.read(), self.process.wait())

    def ask(self, seconds):
        assert self.process.stdin is not None
        print(seconds, file=self.process.stdin, flush=True)
        return self.reply()


def instruction_sets():
    """Return [library, instruction set] for each installed library, in the contenders' environment."""
    printed, _ = run_script(CONTENDERS[0], "", "instructions.py")
    return [json.loads(line) for line in printed.splitlines()]


def take_turns(problem, contenders, letter, case, rounds, seconds):
    """Run a first turn and then `rounds` more turns for each contender, until it fails.

    The first turn builds the contender, and each later turn runs it for `seconds`. If a case
    measures starting, each turn is a new process. The first turn then loads the files into the
    system's cache.
    """
    workers: dict[Contender, Worker] = {}

    def turn(contender):
        if case == "import":
            return import_once(contender)
        if case.endswith("program"):
            return run_program(contender, problem, case)
        if contender in workers:
            return workers[contender].ask(seconds)
        began = time.perf_counter()
        worker = Worker(contender, problem, letter, case)
        stack.callback(worker.close)
        answer = worker.reply() | {"wall": time.perf_counter() - began}
        if case == "first step":
            worker.close()
        else:
            workers[contender] = worker
        return answer

    with ExitStack() as stack:
        results = [Result(one, case, [turn(one)]) for one in contenders]
        for _ in range(rounds):
            for result in results:
                if not result.error:
                    result.answers.append(turn(result.contender))
    return results


IMPORT = """
import os, time
if "{core}" != "any":
    os.sched_setaffinity(0, {{int("{core}")}})
wall, cpu = time.perf_counter(), time.process_time()
import {package}
print(time.perf_counter() - wall, time.process_time() - cpu)
"""


def import_once(contender):
    """Measure the time of `import package` in a new interpreter."""
    code = IMPORT.format(package=contender.package, core=core("import"))
    printed, answer = run_script(contender, "import", "-c", code)
    return answer or dict(zip(("wall", "cpu"), map(float, last_line(printed).split()), strict=True))


def run_program(contender, problem, case):
    """Run one of the programs from start to end. Return its best accuracy and its times."""
    program = HERE / "programs" / f"{contender.module}.py"
    began, before = time.perf_counter(), os.times()
    printed, answer = run_script(
        contender,
        case,
        program,
        case.split()[0],
        problem.with_suffix(".npz"),
    )
    wall, after = time.perf_counter() - began, os.times()
    cpu = after.children_user + after.children_system
    cpu -= before.children_user + before.children_system
    return answer or {"check": float(last_line(printed)), "wall": wall, "cpu": cpu}
