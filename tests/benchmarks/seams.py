"""What each way of saving time buys: the time without it, alone, to the time with everything in place.

    python tests/benchmarks/seams.py [--rounds 5] [--only NAME,NAME]

Each figure is the median over rounds of a ratio of CPU times, measured one right after the other on one core with one
BLAS thread. 1.10 says that everything takes a tenth longer without it. docs/design.md has the table.

Cases: the unrolled RNN of `make bench` (a), forward and backward; a training step of the IMDB RNN and LSTM, gate by
gate and fused (b); and of a network 784-256-128-10 on batches of 128, with Adam.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
CASES = ("unrolled", "rnn", "lstm", "fused rnn", "fused lstm", "dense")
SEAMS = {
    "accumulator": "accumulator.add: gradients that meet are added in place, late, as one product",
    "one product": "of it: a weight used at many steps gets one product of all its factors",
    "late sums": "of it: a bias used at many steps is summed over the batch once",
    "written-out call": "speed.call: Gate.__call__ for one and for two Tensors",
    "functions": "gradients given as functions: not computed unless wanted",
    "dot": "in MultiplyGate: ndarray.dot instead of @ for two matrices",
    "memory": "speed.keep_freed_memory: glibc keeps what a step frees",
    "sparse gradients": "SparseGradient: look-ups and slices send (index, values)",
    "pending updates": "Table: rows that no batch touches are left to be caught up with",
    "distinct words": "LookupProduct: each distinct word of a batch is multiplied once",
    "fused gates": "a whole sequence as one gate",
}


def leave_out(seam: str) -> None:
    """Put the plain way in the place of one fast one."""
    if seam == "memory":
        import ctypes

        ctypes.CDLL = lambda *arguments: object()  # type: ignore[misc, assignment]  # no mallopt to be found in it
        import minigrad  # noqa: F401

        return
    import layers.embedding
    import layers.fused
    import minigrad as mg
    from minigrad import backward
    from minigrad.fast import accumulator
    from minigrad.fast import kernels as arrays
    from minigrad.fast import switch as speed
    from minigrad.gates import basic, indexing, rows

    fast_add = accumulator.add

    def dense_scatter(shape: tuple[int, ...], key: Any, values: Any) -> Any:
        return mg.Scatter(shape, key).forward(values)

    def reduced_add(total: Any, gradient: Any, shape: tuple[int, ...]) -> Any:
        product = getattr(gradient, "func", None) is backward.transposed_product
        return fast_add(
            total,
            gradient if product else backward.unbroadcast(gradient() if callable(gradient) else gradient, shape),
            shape,
        )

    def eager(rule: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *arguments: [part() if callable(part) else part for part in rule(*arguments)]

    def plain_add(total: Any, gradient: Any, shape: tuple[int, ...]) -> Any:
        gradient = gradient() if callable(gradient) else gradient
        if isinstance(total, accumulator.SparseGradient) and isinstance(gradient, accumulator.SparseGradient):
            return fast_add(total, gradient, shape)  # another seam's
        return arrays.dense(total) + backward.unbroadcast(arrays.dense(gradient), shape)

    def put(place: Any, **others: Any) -> None:
        for name, other in others.items():
            setattr(place, name, other)

    if seam == "accumulator":
        put(backward, add=plain_add)
    elif seam == "one product":
        put(accumulator, transposed_product=None)  # recognises none
    elif seam == "late sums":
        put(backward, add=reduced_add)
    elif seam == "written-out call":
        put(mg.Gate, __call__=speed._general_call)
    elif seam == "functions":
        for gate in mg.GATES.values():
            put(gate, backward=eager(gate.backward))
    elif seam == "dot":
        put(mg.MultiplyGate, forward=lambda self, a, b: a @ b)
        for module in (backward, basic, accumulator):
            put(module, transposed_product=lambda a, dz: a.T @ dz)
    elif seam == "sparse gradients":
        put(indexing, scatter=dense_scatter)
        put(rows, scatter=dense_scatter)
        put(layers.fused, looked_up=lambda x: None)  # which makes a sparse gradient by itself
    elif seam == "pending updates":
        put(layers.embedding, make_table=lambda data: mg.Tensor(data, requires_grad=True))
    elif seam == "distinct words":
        put(layers.fused, looked_up=lambda x: None)
    elif seam == "fused gates":
        put(layers.fused, can_fuse=lambda cell: False)


def case(name: str) -> Callable[[], Any]:
    """A function that does one training step."""
    import minigrad as mg
    from layers import LSTM, RNN, Dense, Embedding, Sequential
    from optim import Adam

    rng = np.random.default_rng(0)
    mg.seed(0)
    if name == "unrolled":
        xs = [mg.Tensor(rng.normal(size=(32, 128)).astype(np.float32)) for _ in range(40)]
        shapes = ((128, 32), (32, 32), (32,))
        U, W, b = (mg.Tensor(rng.normal(size=s).astype(np.float32) / 9, requires_grad=True) for s in shapes)
        h0 = mg.Tensor(np.zeros((32, 32), np.float32))

        def unrolled() -> None:
            U.grad = W.grad = b.grad = None
            h = h0
            for x in xs:
                h = mg.tanh(x @ U + h @ W + b)
            h.sum().backward()

        return unrolled
    if name == "dense":
        model = Sequential(Dense(784, 256, mg.relu), Dense(256, 128, mg.relu), Dense(128, 10))
        x, labels = rng.normal(size=(128, 784)).astype(np.float32), rng.integers(0, 10, 128)
        batches = [(mg.Tensor(x), labels)]
    else:
        layer = {"rnn": RNN, "lstm": LSTM}[name.split()[-1]]
        model = Sequential(Embedding(10_000, 128), layer(128, 32), Dense(32, 2))
        words = np.minimum(rng.zipf(1.3, (50, 32, 40)) + 2, 9_999)
        batches = [(ids, rng.integers(0, 2, 32)) for ids in words]
    optimizer = Adam(model.named_parameters())
    count = 0

    def step() -> None:
        nonlocal count
        x, labels = batches[count % len(batches)]
        count += 1
        with mg.fused(name.startswith("fused")):
            loss = mg.softmax_cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    for _ in range(70 if name != "dense" else 2):  # Adam goes over all rows often at first
        step()
    return step


def measure(name: str) -> float:
    """Milliseconds of CPU time of one training step: the best of several stretches."""
    step = case(name)
    best = np.inf
    for _ in range(6):
        began, steps = time.process_time(), 0
        while time.process_time() - began < 0.15:
            step()
            steps += 1
        best = min(best, (time.process_time() - began) / steps)
    return 1000 * float(best)


def in_a_process(name: str, seam: str) -> float:
    dropped = ("OPENBLAS_CORETYPE",)
    environment = {key: value for key, value in os.environ.items() if key not in dropped}
    environment |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    environment["PYTHONPATH"] = str(ROOT)
    command = [sys.executable, __file__, "--case", name, "--without", seam]
    return float(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


def table(seams: list[str], rounds: int) -> Iterator[str]:
    yield f"{'without':<18}" + "".join(f"{name:>12}" for name in CASES)
    for seam in seams:
        cells = []
        for name in CASES:
            if seam in ("fused gates", "distinct words") and not name.startswith("fused"):
                cells.append("")
                continue
            ratios = [in_a_process(name, seam) / in_a_process(name, "") for _ in range(rounds)]
            cells.append(f"{statistics.median(ratios):.2f}")
        yield f"{seam:<18}" + "".join(f"{cell:>12}" for cell in cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="pairs of measurements for each figure (default: 5)")
    parser.add_argument("--only", default=",".join(SEAMS), help="names of seams, separated by commas")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    parser.add_argument("--without", default="", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        sys.path.insert(0, str(ROOT))
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        if arguments.without:
            leave_out(arguments.without)
        print(measure(arguments.case))
        return
    for line in table(arguments.only.split(","), arguments.rounds):
        print(line, flush=True)


if __name__ == "__main__":
    main()
