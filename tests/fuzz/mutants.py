"""Faults planted in the source, one at a time: do the fuzzers find each of them?

    python -m tests.fuzz.mutants                            # all of them, one on each processor; prints a table
    python -m tests.fuzz.mutants --only 3 7                 # by number
    python -m tests.fuzz.mutants --minutes 5 --more faults.py --processes 2 -v

Each is a change of a line, made in a copy of the packages in a temporary folder. A file of more
faults is Python that defines MUTANTS, a list of tuples (file, old, new, what).
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
from pathlib import Path

Mutant = tuple[str, str, str, str]
"""A file, a text that it has once, what the text becomes, and what is wrong then."""

ROOT = Path(__file__).resolve().parents[2]
MUTANTS: list[Mutant] = [
    (
        "minigrad/gates/basic.py",
        "lambda: -dz * z / b",
        "lambda: -dz * z * b",
        "a quotient's second gradient",
    ),
    (
        "minigrad/gates/elementwise.py",
        "dz * z * np.log(floats(a).astype(z.dtype))",
        "dz * np.log(floats(a).astype(z.dtype))",
        "a power: the exponent's gradient",
    ),
    (
        "minigrad/gates/activation.py",
        "z * (dz - (dz * z).sum(axis=self.axis, keepdims=True))",
        "z * (dz - (dz * z).sum(axis=-1, keepdims=True))",
        "softmax along another axis than the last",
    ),
    (
        "minigrad/gates/indexing.py",
        "self.key = plain_key(key)",
        "self.key = getattr(key, 'array', key)",
        "index arrays not copied",
    ),
    (
        "minigrad/gates/convolution.py",
        "W[:, :, ::-1].transpose",
        "W.transpose",
        "a convolution's gradient, with the rows of the kernel in the wrong order",
    ),
    (
        "minigrad/gradients.py",
        "GradientSum(np.array(total)).add",
        "GradientSum(np.asarray(total)).add",
        "gradients added up in an array that others share",
    ),
    (
        "layers/unroll.py",
        "mask_in_order = None if mask is None else mask[:, order]",
        "mask_in_order = mask",
        "truncation of a masked layer that runs backwards",
    ),
    (
        "minigrad/gates/fused/recurrent.py",
        "                copyto(through_z, dh_t, where=padded)\n",
        "                pass\n",
        "a fused GRU's gradient through padding",
    ),
    (
        "optim/adam.py",
        "scratch *= lr * root / correct1",
        "scratch *= lr * root",
        "Adam without a bias correction",
    ),
    (
        "optim/sgd.py",
        "** (missed + self.nesterov)",
        "**missed",
        "Nesterov's rule, in lazy updates alone",
    ),
    (
        "minigrad/checkpoint.py",
        "whole = digest == actual.hexdigest()",
        "whole = bool(digest)",
        "a checksum that nobody compares",
    ),
    (
        "minigrad/support/files.py",
        'path.with_name(f".{path.name[-LONGEST:]}.unfinished")',
        "path",
        "files that are written in place",
    ),
    (
        "optim/training/snapshot.py",
        "        trainer.optimizer.load_state_dict(raw_state)",
        "        pass",
        "taking a snapshot changes the run's last bits",
    ),
    (
        "optim/training/snapshot.py",
        '        generator().bit_generator.state = info["generators"][trainer.rank]',
        "        pass",
        "a resumed run draws other dropout",
    ),
    (
        "layers/layer.py",
        "return {path: array.copy() for path, array in arrays",
        "return {path: array for path, array in arrays",
        "a state_dict that changes with the model",
    ),
]


def plant(mutant: Mutant, root: Path) -> None:
    file, old, new, _ = mutant
    text = (root / file).read_text("utf-8")
    assert text.count(old) == 1, f"{file} has {text.count(old)} times: {old}"
    (root / file).write_text(text.replace(old, new), "utf-8")


def hunt(mutant: Mutant, minutes: float, processes: int) -> tuple[float, str]:
    """How many seconds the fuzzers took, and what they printed."""
    with tempfile.TemporaryDirectory() as name:
        for package in ("minigrad", "layers", "optim", "tests/fuzz"):
            skipped = shutil.ignore_patterns("node_modules", "__pycache__")
            shutil.copytree(ROOT / package, Path(name, package), ignore=skipped)
        shutil.copy(ROOT / "tests/__init__.py", Path(name, "tests"))
        plant(mutant, Path(name))
        command = [sys.executable, "-m", "tests.fuzz.run", "--first"]
        command += ["--minutes", str(minutes), "--processes", str(processes)]
        environment = {**os.environ, "PYTHONPATH": name}
        began = time.monotonic()
        done = subprocess.run(
            command, cwd=name, env=environment, capture_output=True, text=True
        )
        if done.returncode and "FAILED" not in done.stdout:  # it broke off
            raise RuntimeError(done.stderr)
        return time.monotonic() - began, done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description="Do the fuzzers find planted faults?")
    parser.add_argument(
        "--minutes", type=float, default=1.5, help="for each, if nothing is found"
    )
    parser.add_argument("--only", nargs="+", type=int, help="numbers of faults, from 1")
    parser.add_argument(
        "--more", help="a Python file with further MUTANTS, instead of those here"
    )
    parser.add_argument(
        "--processes",
        type=int,
        default=1,
        help="for each; several faults are tried at once",
    )
    parser.add_argument("-v", action="store_true", help="print what was found")
    options = parser.parse_args()
    mutants = runpy.run_path(options.more)["MUTANTS"] if options.more else MUTANTS
    numbers = options.only or range(1, len(mutants) + 1)
    missed = 0
    print(f"{'number':>6}{'seconds':>9}  {'found by':12}  fault")
    with ThreadPoolExecutor(max(1, (os.cpu_count() or 1) // options.processes)) as pool:
        chosen = [mutants[number - 1] for number in numbers]
        hunts = pool.map(
            lambda one: hunt(one, options.minutes, options.processes), chosen
        )
        for number, (file, *_, what), (seconds, output) in zip(
            numbers, chosen, hunts, strict=True
        ):
            finder = re.search("FAILED: ([a-z ]+),", output)
            name = finder[1] if finder else "NOBODY"
            missed += finder is None
            print(f"{number:6}{seconds:9.1f}  {name:12}  {file}: {what}", flush=True)
            if options.v:
                print(output)
    print(f"{len(chosen) - missed} of {len(chosen)} found")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
