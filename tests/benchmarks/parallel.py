"""When does a second process pay? Steps of one process beside steps of several, each pinned to a core of its own.

    python tests/benchmarks/parallel.py [--ranks 2] [--steps 60] [--rounds 5]

A step is the Trainer's, on the network of examples/imdb_sentiment.py: an embedding of 10,000 words, a recurrent layer,
Dense, Adam. One process without `comm` and several take turns; a figure is the median over rounds of the ratio of their
times. Latency and bandwidth are measured by messages; docs/parallel.md has the model that they are put into.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(threads, "1")  # each rank has one core

import numpy as np  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
CASES = [("rnn", 32, 32), ("rnn", 32, 512), ("lstm", 32, 32), ("lstm", 32, 512), ("rnn", 256, 128), ("rnn", 256, 512)]


def steps(comm: Any, kind: str, hidden: int, batch: int, count: int) -> tuple[float, int, int]:
    """(seconds of a step, bytes of dense gradients, bytes of rows that this rank sends)."""
    import minigrad as mg
    from layers import LSTM, RNN, Dense, Embedding, Sequential
    from minigrad.fast.accumulator import SparseGradient
    from optim import Adam, Callback, Trainer

    rng = np.random.default_rng(0)
    ids = np.minimum(rng.zipf(1.2, (batch, 40)), 9_999)  # words are about as rare as in a language
    labels = rng.integers(0, 2, batch)
    mg.seed(0)
    model = Sequential(Embedding(10_000, 128), {"rnn": RNN, "lstm": LSTM}[kind](128, hidden), Dense(hidden, 2))
    times: list[float] = []
    sizes = {"dense": 0, "rows": 0}

    class Clock(Callback):
        def on_forward(self, trainer: Any) -> None:
            sizes["dense"] = sizes["rows"] = 0

        def on_gradients(self, trainer: Any) -> None:
            for tensor in model.named_parameters().values():
                gradient = tensor.node.grad  # type: ignore[attr-defined]
                if isinstance(gradient, SparseGradient):
                    ids_, values = gradient.terms[trainer.rank if trainer.comm else 0]
                    sizes["rows"] += ids_.nbytes + values.nbytes
                else:
                    sizes["dense"] += gradient.nbytes

        def on_step(self, trainer: Any) -> None:
            times.append(time.perf_counter())

    trainer = Trainer(model, mg.softmax_cross_entropy, Adam(model.named_parameters()), callbacks=[Clock()], comm=comm)
    trainer.fit([(ids, labels)] * (count + 10), 1)
    return (times[-1] - times[9]) / (len(times) - 10), sizes["dense"], sizes["rows"]


def messages(comm: Any) -> tuple[float, float]:
    """(latency in seconds, bandwidth in bytes per second) of a message between two ranks."""
    sizes = [8, 1 << 20]
    seconds = []
    for size in sizes:
        here, there = np.zeros(size, np.uint8), np.zeros(comm.size * size, np.uint8)
        takes = []
        for _ in range(30):
            comm.Allgather(np.zeros(1, np.uint8), np.zeros(comm.size, np.uint8))
            began = time.perf_counter()
            for _ in range(20):
                comm.Allgather(here, there)
            takes.append((time.perf_counter() - began) / 20)
        seconds.append(statistics.median(comm.bcast(takes)))
    return seconds[0], (sizes[1] - sizes[0]) / (seconds[1] - seconds[0])


def on_this_rank(arguments: list[str]) -> None:
    from mpi4py import MPI

    comm = MPI.COMM_WORLD
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[comm.rank % len(cores)]})
    kind, hidden, batch, count = arguments[0], *map(int, arguments[1:])
    several = comm if comm.size > 1 else None
    result = messages(comm) if kind == "messages" else steps(several, kind, hidden, batch, count)
    if comm.rank == 0:
        print(json.dumps(result))


def run(ranks: int, *arguments: Any) -> list[float]:
    """What rank 0 measured."""
    mpiexec = Path(sys.executable).with_name("mpiexec")
    command = [
        str(mpiexec) if mpiexec.exists() else "mpiexec",
        "-n",
        str(ranks),
        sys.executable,
        "-m",
        "mpi4py",
        __file__,
    ]
    done = subprocess.run([*command, "--rank", *map(str, arguments)], capture_output=True, text=True, check=True,
                          env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=600)  # fmt: skip
    return list(json.loads(done.stdout.splitlines()[-1]))


def ring(p: int, size: float, latency: float, bandwidth: float) -> float:
    """Seconds of an all-reduce of `size` bytes around a ring of p ranks."""
    return 2 * (p - 1) * latency + 2 * (p - 1) / p * size / bandwidth


def tree(p: int, size: float, latency: float, bandwidth: float) -> float:
    """The same up and down a binary tree."""
    return 2 * math.log2(p) * (latency + size / bandwidth)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    latency, bandwidth = run(2, "messages", 0, 0, 0)
    print(f"latency {latency * 1e6:.1f} us, bandwidth {bandwidth / 1e9:.2f} GB/s\n")
    print(f"| step | one process | {options.ranks} processes | faster by | predicted | error | 8 ranks | 64 | 512 |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for kind, hidden, batch in CASES:
        turns = (1, batch), (options.ranks, batch), (1, batch // options.ranks)
        rounds = [[run(p, kind, hidden, rows, options.steps) for p, rows in turns] for _ in range(options.rounds)]
        one, several, half = (statistics.median(r[i][0] for r in rounds) for i in range(3))
        faster = statistics.median(r[0][0] / r[1][0] for r in rounds)
        dense, rows = rounds[0][1][1:]
        # What a rank computes grows with its rows: t = fixed + each rows, by two batch sizes.
        each = (one - half) / (batch - batch // options.ranks)
        fixed = max(one - each * batch, 0.0)  # below 0 where larger arrays are slower by the row, as in a full cache

        def predicted(p: int) -> float:
            gathered = (p - 1) * (latency + rows * options.ranks / p / bandwidth)  # noqa: B023
            exchanged = ring(p, dense, latency, bandwidth) + gathered + 3 * math.log2(p) * latency  # noqa: B023
            return float(fixed + each * batch / p + exchanged)  # noqa: B023

        guess = predicted(options.ranks)
        more = " | ".join(f"{one / predicted(p):.1f}x" for p in (8, 64, 512))
        print(f"| {kind.upper()} {hidden}, batch {batch} | {one * 1e3:.2f} ms | {several * 1e3:.2f} ms | "
              f"{faster:.2f}x | {guess * 1e3:.2f} ms | {guess / several - 1:+.0%} | {more} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    if sys.argv[1:2] == ["--rank"]:
        on_this_rank(sys.argv[2:])
    else:
        main()
