"""Runs of one model on several ranks of MPI, for test_parallel.py. A run is a process of its own,
started by `mpiexec`:

mpiexec -n 2 python -m mpi4py tests/optim/ranks.py '{"cell": "rnn", ...}'
"""

import hashlib
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

import layers
import minigrad as mg
import optim
from layers import BatchNorm, Dense, Dropout, Embedding, Layer
from minigrad.data import Batches

ROOT = Path(__file__).resolve().parents[2]
RULES: dict[str, Any] = {
    "sgd": lambda parameters: optim.SGD(parameters, lr=0.05, momentum=0.9),
    "adam": lambda parameters: optim.Adam(parameters, lr=0.01),
}
# the last of 6 batches has one row: fewer than there are ranks
WORDS, LENGTH, ROWS, BATCH = 400, 10, 161, 32

DRAWING = threading.Lock()  # ranks that are threads share one generator


class Model(Layer):
    """Ids and a mask, both (B, T), to logits (B, 2)."""

    def __init__(self, cell, dropout, truncate, norm):
        super().__init__()
        self.embedding = Embedding(WORDS, 8)
        self.cell = getattr(layers, cell)(8, 6, truncate=truncate)
        self.between = BatchNorm(6) if norm else Dropout(dropout)
        self.head = Dense(6, 2)

    def forward(self, ids, mask):
        h = self.cell(self.embedding(ids), mask=mask)
        return self.head(self.between(h))


TROUBLE: dict[str, Any] = {
    "slow": lambda trainer: time.sleep(0.03),
    "raise": lambda trainer: 1 / 0,
    "exit": lambda trainer: sys.exit(0),
    "kill": lambda trainer: os.kill(os.getpid(), signal.SIGKILL),
    "rate": lambda trainer: setattr(trainer.optimizer, "lr", 0.5),
    "stop": lambda trainer: trainer.stop(f"rank {trainer.rank} asked for it"),
}


class Trouble(optim.Callback):
    """`rank` does one of these at step 12, or is slow at each step."""

    def __init__(self, kind, rank):
        self.kind, self.rank = kind, rank

    def on_step(self, trainer):
        now = trainer.step == 12 or self.kind == "slow"
        if now and trainer.rank == self.rank:
            TROUBLE[self.kind](trainer)


def train(
    comm,
    cell="RNN",
    rule="adam",
    dtype="float64",
    *,
    epochs=5,
    dropout=0.0,
    truncate=None,
    norm=False,
    rows=ROWS,
    folder=None,
    draw=False,
    resume=False,
    trouble=None,
):
    """Train with everything on, and return what came of it."""
    rng = np.random.default_rng(0)
    ids = rng.integers(1, WORDS, (rows, LENGTH))
    mask = np.arange(LENGTH) >= rng.integers(0, LENGTH - 3, rows)[:, None]
    ids *= mask
    labels = (ids[:, -3:].sum(axis=1) > 1.5 * WORDS).astype(int)
    with DRAWING:
        # ranks begin with different weights, and those of rank 0 count
        mg.seed(1 if comm is None else 1 + comm.rank)
        model = Model(cell, dropout, truncate, norm)
    if comm is not None:
        # a Trainer seeds the generator that other threads still draw from
        comm.allgather(None)
    for tensor in model.named_parameters().values():
        tensor.array = tensor.array.astype(dtype)
    if norm:
        model.between.mean = np.zeros(6, dtype)
        model.between.variance = np.ones(6, dtype)
    held = Batches(ids[:77], mask[:77], labels[:77], batch_size=BATCH, shuffle=False)
    callbacks = [
        optim.ClipGradients(1.0),
        optim.Evaluate(held, "test", every_steps=20),
        optim.Statistics(every_steps=10),
        optim.BestWeights(folder and Path(folder, "best.safetensors")),
    ]
    if trouble:
        callbacks.append(Trouble(*trouble))
    if folder:
        callbacks.append(optim.Snapshots(Path(folder, "snapshots"), every_steps=5))
        callbacks.append(optim.LogFile(Path(folder, "log.csv")))
        if draw:
            callbacks.append(optim.GraphPicture(Path(folder, "graph.dot"), grads=True))
    trainer = optim.Trainer(
        model,
        mg.softmax_cross_entropy,
        RULES[rule](model.named_parameters()),
        callbacks=callbacks,
        seed=3,
        comm=comm,
    )
    newest = optim.Snapshots.latest(Path(folder, "snapshots")) if resume else None
    batches = Batches(ids, mask, labels, batch_size=BATCH)
    history = trainer.fit(batches, epochs, held, resume=newest)
    for row in history.rows:
        row.pop("seconds", None)
    weights = model.state_dict()
    arrays = weights | trainer.optimizer.state_dict()
    state = {name: array.tobytes() for name, array in arrays.items()}
    return {
        "weights": weights,
        "history": history.rows,
        "steps": trainer.step,
        "stop": trainer.stop_reason,
        "sha256": hashlib.sha256(pickle.dumps(state)).hexdigest(),
    }


def on_this_rank(text):
    """What `mpiexec` starts: do as the JSON says, and leave the outcome of each rank in a file."""
    from mpi4py import MPI

    options = json.loads(text)
    out = options.pop("out", "")
    result = train(MPI.COMM_WORLD, **options)
    Path(f"{out}.{MPI.COMM_WORLD.rank}").write_bytes(pickle.dumps(result))


# ---- starting them ----


def mpiexec():
    """The program that starts ranks, if this Python has MPI."""
    try:
        import mpi4py  # noqa: F401
    except ImportError:
        return None
    beside = shutil.which("mpiexec", path=os.path.dirname(sys.executable))
    return beside or shutil.which("mpiexec")


def start(ranks, arguments, module=True):
    """Start a script on `ranks` ranks, as a new group of processes."""
    python = [sys.executable, *(["-m", "mpi4py"] if module else [])]
    return subprocess.Popen(
        [str(mpiexec()), "-n", str(ranks), *python, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )


def training(module=True, **options):
    """Start `train` with these options on two ranks."""
    return start(2, [__file__, json.dumps(options)], module)


def run(**options):
    """The outcome on each of two ranks; an AssertionError with what was printed if it failed."""
    with tempfile.TemporaryDirectory() as name:
        status, printed = ended(training(out=f"{name}/out", **options))
        assert status == 0, printed
        return [pickle.loads(path.read_bytes()) for path in sorted(Path(name).iterdir())]


def ended(process):
    """(exit status, what was printed) of a run."""
    printed, _ = process.communicate(timeout=300)
    return process.returncode, printed


def left_over():
    """The numbers of ranks that are still there three seconds after `mpiexec` has ended."""
    for _ in range(60):
        command = ["pgrep", "-f", __file__]
        found = subprocess.run(command, capture_output=True, text=True).stdout
        if not found:
            break
        time.sleep(0.05)
    return found


if __name__ == "__main__":
    on_this_rank(sys.argv[1])
