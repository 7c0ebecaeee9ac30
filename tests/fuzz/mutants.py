"""Faults planted in the engine, the optimizers and the files, one at a time: do the fuzzers find
each of them?

    python -m tests.fuzz.mutants                            # all of them, one on each processor; prints a table
    python -m tests.fuzz.mutants --only 3 10-14 clipping    # by number, range, or a part of the file's name or the text
    python -m tests.fuzz.mutants --minutes 5 --more faults.py --processes 2 -v

Each is a change of a line of the source, made in a copy of the packages in a temporary folder. A
file of more faults
is Python that defines MUTANTS, a list of tuples (file, old, new, what).
"""

from __future__ import annotations

import argparse
import os
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from .run import FUZZERS

ROOT = Path(__file__).resolve().parents[2]
UNFIT = {"names", "pages"}  # no fault is in how names are shown


@dataclass(frozen=True)
class Mutant:
    """In `file`, `old`, which stands there once, becomes `new`."""

    file: str
    old: str
    new: str
    what: str

    def apply(self, root: Path) -> None:
        path = root / self.file
        text = path.read_text("utf-8")
        assert text.count(self.old) == 1, (
            f"{self.file} has {text.count(self.old)} times: {self.old}"
        )
        path.write_text(text.replace(self.old, self.new), "utf-8")


MUTANTS = [
    Mutant(
        "minigrad/gates/basic.py",
        "lambda: -dz * z / b",
        "lambda: -dz * z * b",
        "a quotient's second gradient",
    ),
    Mutant(
        "minigrad/gates/basic.py",
        "* a).sum(axis=tuple(range(len(a.shape) - 1)))",
        "* a).mean(axis=tuple(range(len(a.shape) - 1)))",
        "matrix times vector: the vector's gradient",
    ),
    Mutant(
        "minigrad/gates/basic.py",
        "(dz - dz * z * z,)",
        '(dz - dz * z * getattr(z, "array", z),)',
        "tanh: only the second derivative",
    ),
    Mutant(
        "minigrad/gates/elementwise.py",
        "dz * z * np.log(floats(a))",
        "dz * np.log(floats(a))",
        "a power: the exponent's gradient",
    ),
    Mutant(
        "minigrad/gates/reduction.py",
        "2 / self.count(x.shape, self.ddof) * dz",
        "2 / self.count(x.shape) * dz",
        "a variance with ddof",
    ),
    Mutant(
        "minigrad/gates/reduction.py",
        ".cumsum(axis=self.axis)[backwards],)",
        ".cumsum(axis=self.axis),)",
        "cumsum",
    ),
    Mutant(
        "minigrad/gates/activation.py",
        "z * (dz - (dz * z).sum(axis=self.axis, keepdims=True))",
        "z * (dz - (dz * z).sum(axis=-1, keepdims=True))",
        "softmax along another axis than the last",
    ),
    Mutant(
        "minigrad/gates/indexing.py",
        "self.key = plain_key(key)",
        "self.key = getattr(key, 'array', key)",
        "index arrays not copied",
    ),
    Mutant(
        "minigrad/fast/accumulator.py",
        "np.add.at(whole, index, values)",
        "whole[index] += values",
        "elements picked twice count once",
    ),
    Mutant(
        "minigrad/fast/accumulator.py",
        "        total.reduce()\n        total.unreduced = np.array(gradient)",
        "        total.unreduced = np.array(gradient)",
        "a sum of broadcast gradients is forgotten",
    ),
    Mutant(
        "minigrad/fast/accumulator.py",
        "total = GradientSum(np.array(dense(total)))",
        "total = GradientSum(np.asarray(dense(total)))",
        "gradients added up in an array that others share",
    ),
    Mutant(
        "minigrad/gates/fused/sequence.py",
        "return {steps - truncate: None} if",
        "return {steps - truncate - 1: None} if",
        "truncation cuts one step early",
    ),
    Mutant(
        "layers/unroll.py",
        "mask if mask is None or not reverse else mask[:, ::-1]",
        "mask",
        "truncation of a masked layer that runs backwards",
    ),
    Mutant(
        "minigrad/gates/fused/recurrent.py",
        "                np.copyto(through_z, dh_t, where=~rows)\n",
        "                pass\n",
        "a fused GRU's gradient through padding",
    ),
    Mutant(
        "minigrad/gates/steps.py",
        "return n + z * (h - n), {",
        "return h + z * (n - h), {",
        "a GRU's gate reversed",
    ),
    Mutant(
        "optim/adam.py",
        "scratch *= lr * root / correct1",
        "scratch *= lr * root",
        "Adam without a bias correction",
    ),
    Mutant(
        "optim/sgd.py",
        "** (missed + self.nesterov)",
        "**missed",
        "Nesterov's rule, in lazy updates alone",
    ),
    Mutant(
        "optim/optimizer.py",
        "p *= 1 - lr * decay",
        "p *= 1 - decay",
        "decoupled decay without the learning rate",
    ),
    Mutant(
        "optim/clipping.py",
        "return rows[1]\n",
        "return rows[1].copy()\n",
        "sparse gradients are not clipped",
    ),
    Mutant(
        "minigrad/checkpoint.py",
        "whole = digest == actual.hexdigest()",
        "whole = bool(digest)",
        "a checksum that nobody compares",
    ),
    Mutant(
        "minigrad/data/text.py",
        "if saved and vocabulary._text() != text:",
        "if saved and not vocabulary.words:",
        "the same, of a vocabulary",
    ),
    Mutant(
        "minigrad/support/files.py",
        "            file.truncate()\n",
        "",
        "what a kill left stays behind the end of the next file",
    ),
    Mutant(
        "optim/training/snapshot.py",
        "        generator().bit_generator.state = generators[trainer.rank]",
        "        pass",
        "a resumed run draws other dropout",
    ),
    Mutant(
        "optim/training/snapshot.py",
        "if any(map(is_pending, raw_state)):",
        "if not raw_state:",
        "taking a snapshot changes the run's last bits",
    ),
]


def hunt(mutant: Mutant, minutes: float, processes: int) -> tuple[float, str]:
    """How many seconds it took to find the fault, and the report; "" if it was not found."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        for package in ("minigrad", "layers", "optim", "tests/fuzz"):
            shutil.copytree(
                ROOT / package,
                copy / package,
                ignore=shutil.ignore_patterns("node_modules", "__pycache__"),
            )
        shutil.copy(ROOT / "tests" / "__init__.py", copy / "tests")
        mutant.apply(copy)
        call = [sys.executable, "-m", "tests.fuzz.run", "--minutes", str(minutes)]
        call += [
            "--processes",
            str(processes),
            "--first",
            "--only",
            *(name for name in FUZZERS if name not in UNFIT),
        ]
        began = time.monotonic()
        run = subprocess.run(
            call,
            cwd=copy,
            env={**os.environ, "PYTHONPATH": name},
            capture_output=True,
            text=True,
            errors="replace",
        )
        if run.returncode and "FAILED" not in run.stdout:  # it did not even begin
            raise RuntimeError(run.stderr)
        return time.monotonic() - began, run.stdout if run.returncode else ""


def chosen(mutants: list[Mutant], only: list[str]) -> list[tuple[int, Mutant]]:
    """The mutants, numbered from 1: all, or those that a number, a range or a text names."""

    def names(text: str, number: int, mutant: Mutant) -> bool:
        if match := re.fullmatch(r"(\d+)(?:-(\d+))?", text):
            return int(match[1]) <= number <= int(match[2] or match[1])
        return text in f"{mutant.file}: {mutant.what}"

    numbered = list(enumerate(mutants, 1))
    return [pair for pair in numbered if not only or any(names(text, *pair) for text in only)]


def main() -> None:
    parser = argparse.ArgumentParser(description="Do the fuzzers find planted faults?")
    parser.add_argument("--minutes", type=float, default=1.5, help="for each, if nothing is found")
    parser.add_argument(
        "--only", nargs="+", default=[], help="numbers, ranges such as 3-7, or parts of the text"
    )
    parser.add_argument(
        "--more", type=Path, help="a Python file with further MUTANTS, tried instead of those here"
    )
    parser.add_argument(
        "--processes", type=int, default=1, help="for each; several faults are tried at once"
    )
    parser.add_argument("-v", action="store_true", help="print what was found")
    options = parser.parse_args()
    began, missed = time.monotonic(), []
    mutants = (
        [Mutant(*one) for one in runpy.run_path(str(options.more))["MUTANTS"]]
        if options.more
        else MUTANTS
    )
    numbered = chosen(mutants, options.only)
    print(f"{'number':>6}{'seconds':>9}  {'found by':12}  fault")
    with ThreadPoolExecutor(max(1, (os.cpu_count() or 1) // options.processes)) as pool:
        reports = pool.map(lambda pair: hunt(pair[1], options.minutes, options.processes), numbered)
        for (number, mutant), (seconds, report) in zip(numbered, reports, strict=True):
            finder = re.search(r"FAILED: ([a-z ]+),", report)
            finders = finder[1] if finder else "NOBODY"
            print(
                f"{number:6}{seconds:9.1f}  {finders:12}  {mutant.file}: {mutant.what}", flush=True
            )
            if finder is None:
                missed.append(mutant)
            elif options.v:
                print(report[report.index("FAILED") :])
    found = len(numbered) - len(missed)
    print(
        f"{found} of {len(numbered)} found, in {(time.monotonic() - began) / 60:.1f} minutes in all"
    )
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
