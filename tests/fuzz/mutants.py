"""Faults planted in the engine, the optimizers and the files, one at a time: do the fuzzers find each of them?

    python -m tests.fuzz.mutants            # all of them, two at a time; prints a table

Each is a change of a line of the source, made in a copy of the packages in a temporary folder.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MINUTES = 1.5  # for each, if nothing is found
FUZZERS = [
    "programs",
    "second order",
    "recurrent",
    "optimizers",
    "damage",
    "kills",
]  # no fault is in how names are shown


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
        assert text.count(self.old) == 1, f"{self.file} has {text.count(self.old)} times: {self.old}"
        path.write_text(text.replace(self.old, self.new), "utf-8")


MUTANTS = [
    Mutant("minigrad/gates/basic.py", "lambda: -dz * z / b", "lambda: -dz * z * b", "a quotient's second gradient"),
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
    Mutant("minigrad/gates/elementwise.py", "dz * z * np.log(a)", "dz * np.log(a)", "a power: the exponent's gradient"),
    Mutant(
        "minigrad/gates/reduction.py",
        "2 / self.count(x.shape, self.ddof) * dz",
        "2 / self.count(x.shape) * dz",
        "a variance with ddof",
    ),
    Mutant(
        "minigrad/gates/reduction.py", ".cumsum(axis=self.axis)[backwards],)", ".cumsum(axis=self.axis),)", "cumsum"
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
        "minigrad/accumulator.py",
        "np.add.at(whole, index, values)",
        "whole[index] += values",
        "elements picked twice count once",
    ),
    Mutant(
        "minigrad/accumulator.py",
        "        total.reduce()\n        total.unreduced = np.array(gradient)",
        "        total.unreduced = np.array(gradient)",
        "a sum of broadcast gradients is forgotten",
    ),
    Mutant(
        "minigrad/accumulator.py",
        "total = Sum(np.array(dense(total)))",
        "total = Sum(np.asarray(dense(total)))",
        "gradients added up in an array that others share",
    ),
    Mutant(
        "minigrad/gates/sequence.py",
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
        "minigrad/gates/recurrent.py",
        "                np.copyto(passed, dh_t, where=~rows)\n",
        "                pass\n",
        "a fused GRU's gradient through padding",
    ),
    Mutant(
        "minigrad/gates/steps.py", "return n + z * (h - n), {", "return h + z * (n - h), {", "a GRU's gate reversed"
    ),
    Mutant(
        "optim/adam.py", "scratch *= lr * root / correct1", "scratch *= lr * root", "Adam without a bias correction"
    ),
    Mutant("optim/sgd.py", "** (missed + self.nesterov)", "**missed", "Nesterov's rule, in lazy updates alone"),
    Mutant("optim/optimizer.py", "p *= 1 - lr * decay", "p *= 1 - decay", "decoupled decay without the learning rate"),
    Mutant("optim/clipping.py", "return rows[1]\n", "return rows[1].copy()\n", "sparse gradients are not clipped"),
    Mutant(
        "minigrad/checkpoint.py",
        "if digest != actual.hexdigest():",
        "if not digest:",
        "a checksum that nobody compares",
    ),
    Mutant(
        "minigrad/data/text.py",
        "if saved and vocabulary._text() != text:",
        "if saved and not vocabulary.words:",
        "the same, of a vocabulary",
    ),
    Mutant(
        "minigrad/files.py",
        "    clear_unfinished(path.parent, glob.escape(_stem(path)))\n",
        "",
        "what a kill left is never cleared away",
    ),
    Mutant(
        "optim/snapshot.py",
        "        generator().bit_generator.state = states[trainer.rank]",
        "        pass",
        "a resumed run draws other dropout",
    ),
    Mutant(
        "optim/snapshot.py",
        "if any(map(is_pending, exact)):",
        "if not exact:",
        "taking a snapshot changes the run's last bits",
    ),
]


def hunt(mutant: Mutant) -> tuple[float, str]:
    """How many seconds it took to find the fault, and the report; "" if it was not found."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        for package in ("minigrad", "layers", "optim", "tests/fuzz"):
            shutil.copytree(
                ROOT / package, copy / package, ignore=shutil.ignore_patterns("node_modules", "__pycache__")
            )
        shutil.copy(ROOT / "tests" / "__init__.py", copy / "tests")
        mutant.apply(copy)
        call = [sys.executable, "-m", "tests.fuzz.run", "--minutes", str(MINUTES)]
        call += ["--processes", "1", "--first", "--only", *FUZZERS]
        began = time.monotonic()
        run = subprocess.run(
            call, cwd=copy, env={**os.environ, "PYTHONPATH": name}, capture_output=True, text=True, errors="replace"
        )
        if run.returncode not in (0, 1):
            raise RuntimeError(run.stderr)
        return time.monotonic() - began, run.stdout if run.returncode else ""


def main() -> None:
    began = time.monotonic()
    missed = []
    print(f"{'seconds':>7}  {'found by':12}  fault")
    with ThreadPoolExecutor(2) as pool:
        for mutant, (seconds, report) in zip(MUTANTS, pool.map(hunt, MUTANTS), strict=True):
            finder = re.search(r"FAILED: ([a-z ]+),", report)
            print(f"{seconds:7.1f}  {finder[1] if finder else 'NOBODY':12}  {mutant.file}: {mutant.what}", flush=True)
            if finder is None:
                missed.append(mutant)
            elif "-v" in sys.argv:
                print(report[report.index("FAILED") :])
    found = len(MUTANTS) - len(missed)
    print(f"{found} of {len(MUTANTS)} found, in {(time.monotonic() - began) / 60:.1f} minutes in all")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
