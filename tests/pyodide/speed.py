"""CPU times of NumPy and of the lessons' checks, natively and in Pyodide under Node.

`python tests/pyodide/speed.py` prints the table of docs/performance.md, in milliseconds.
It takes a minute or two.
"""

import json
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from timeit import Timer
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
SIZES = (32, 32, 32), (64, 128, 128), (100, 784, 256), (768, 128, 384)


def operations():
    """Yield what is computed, and a function that computes it."""
    rng = np.random.default_rng(0)
    for m, k, n in SIZES:
        for kind in ("float32", "float64"):
            a = rng.normal(size=(m, k)).astype(kind)
            b = rng.normal(size=(k, n)).astype(kind)
            name = f"({m}, {k}) @ ({k}, {n}) {kind}"
            yield name, partial(np.matmul, a, b)
            yield f"{name} einsum", partial(np.einsum, "ij,jk", a, b)
    x = rng.normal(size=(256, 384)).astype("float32")
    ids = rng.integers(0, 256, 256)
    yield "tanh", partial(np.tanh, x)
    yield "exp", partial(np.exp, x)
    yield "addition", lambda: x + x
    yield "sum over rows", lambda: x.sum(axis=0)
    yield "rows by ids", lambda: x[ids]
    yield "Python loop", lambda: sum(i * i for i in range(1000))


def checks():
    """Yield a lesson, and a function that asks its solution all questions."""
    from minigrad.course.checking.child import run
    from minigrad.course.checking.registry import lessons

    for one in lessons():
        path = Path(one.file)
        text = one.read("solution.py")
        lines: list[Any] = []
        yield one.name, partial(run, one, path, text, lines.append)


def measure(clock):
    """Return {what: CPU seconds}: the least of three times, or of a check the first."""
    found = {}
    for name, call in operations():
        timer = Timer(call, timer=clock)
        number, _ = timer.autorange()
        seconds = timer.repeat(3, number)
        found[name] = min(seconds) / number
    for name, call in checks():
        found[name] = Timer(call, timer=clock).timeit(1)
    return found


def in_pyodide():
    site = HERE.parents[1] / "docs/site"
    sys.path.insert(0, str(site))
    import runtime

    with TemporaryDirectory() as folder:
        runtime.gather(Path(folder))
        script = str(HERE / "speed.mjs")
        command = ["node", script, folder, str(HERE.parents[1])]
        return json.loads(subprocess.check_output(command))


def main():
    there = in_pyodide()
    here = measure(time.process_time)
    for name, seconds in there.items():
        native = here[name]
        ratio = seconds / native
        print(f"{name:42}{1e3 * native:10.3f}{1e3 * seconds:12.3f}{ratio:8.1f}")


if __name__ == "__main__":
    main()
