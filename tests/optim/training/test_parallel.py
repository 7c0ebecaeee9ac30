"""Ranks train one model as a single process does, stay equal, and end together if one fails.

Ranks are threads where that will do, with a communicator made of lists; elsewhere `mpiexec` starts
them (ranks.py).
"""

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import minigrad as mg
from layers import (
    RNN,
    BatchNorm,
    Conv2d,
    Dense,
    Embedding,
    Flatten,
    Layer,
    Sequential,
    Stateful,
    TruncatedBPTT,
)
from minigrad.errors import MinigradError
from minigrad.gates.table import make_table
from optim import SGD, Adam, Callback, Snapshots, freeze
from optim.training.parallel import fingerprint, sum_gradients
from tests.optim import ranks as programs
from tests.optim.training.runs import trainer_of

needs_mpi = pytest.mark.skipif(programs.mpiexec() is None, reason="no MPI (make setup)")


class Threads:
    """A communicator between threads. What a rank gives is put on the table, and taken when all
    have given.
    """

    def __init__(self, rank, size, table, barrier):
        self.rank, self.size = rank, size
        self.table, self.barrier = table, barrier

    def allgather(self, mine):
        self.table[self.rank] = mine
        self.barrier.wait()
        everyone = list(self.table)
        self.barrier.wait()
        return everyone

    def bcast(self, mine):
        return self.allgather(mine)[0]

    def Alltoall(self, mine, theirs):
        theirs[...] = [sent[self.rank] for sent in self.allgather(mine.copy())]

    def Allgather(self, mine, theirs):
        theirs[...] = self.allgather(mine)

    def Abort(self, errorcode):
        self.barrier.abort()


def on_ranks(size, act):
    """What act(comm) returns on each of so many ranks."""
    table, barrier = [None] * size, threading.Barrier(size, timeout=60)
    comms = [Threads(rank, size, table, barrier) for rank in range(size)]
    with ThreadPoolExecutor(size) as pool:
        return list(pool.map(act, comms))


def pairs(*shapes, count=1):
    """Batches of random inputs and labels, of these shapes or of one."""
    rng = np.random.default_rng(0)
    return [
        (
            rng.normal(size=shapes[0]),
            rng.normal(size=shapes[-1]),
        )
        for _ in range(count)
    ]


LOSS = mg.mean_squared_error


def fit(comm, make, batches, callbacks=(), rule=SGD, loss=LOSS, **options):
    """Train a new model in float64, equal on all ranks. Return its arrays and the optimizer's."""
    with programs.DRAWING:
        mg.seed(1)
        model = make()
    for tensor in model.named_parameters().values():
        tensor.array = tensor.array.astype(float)
    for layer in model.named_layers().values():
        if isinstance(layer, BatchNorm):
            layer.mean = layer.mean.astype(float)
            layer.variance = layer.variance.astype(float)
    trainer = trainer_of(model, loss, rule, callbacks=callbacks, comm=comm)
    trainer.fit(batches, 3, **options)
    return model.state_dict() | trainer.optimizer.state_dict()


def test_sum_gradients_weighs_every_kind_of_gradient():
    # Each rank reads its rows of a table; W has a gradient on one rank only, b is in another dtype,
    # and c has none.
    def act(comm):
        W, c = (
            mg.Tensor(
                [0.0, 0.0],
                requires_grad=True,
            ),
            mg.Tensor([0.0]),
        )
        b = mg.Tensor([0.0], requires_grad=True, dtype="float64")
        table: Any = make_table(np.zeros((5, 1)))
        mg.lookup(
            table,
            [[1, 1, 3], [3, 0]][comm.rank],
        ).sum().backward()
        (b * (1 + comm.rank)).sum().backward()
        if comm.rank:
            (W * [1.0, 2.0]).sum().backward()
        tensors = {"table": table, "W": W, "b": b, "c": c}
        sum_gradients(comm, tensors, [0.75, 0.25][comm.rank])
        ids, rows = table.node.grad.rows()
        assert ids.tolist() == [0, 1, 3] and rows.ravel().tolist() == [0.25, 1.5, 1]
        assert_array_equal(W.grad, np.array([0.25, 0.5], "float32"), strict=True)
        assert_array_equal(b.grad, np.array([1.25]), strict=True)
        assert c.grad is None

    on_ranks(2, act)


@pytest.mark.parametrize(
    ("cell", "rule", "dtype", "bound"),
    [
        ("RNN", "adam", "float64", 1e-12),
        ("GRU", "sgd", "float64", 1e-12),
        ("LSTM", "adam", "float32", 5e-4),
    ],
)
def test_ranks_train_as_one_process_does(cell, rule, dtype, bound):
    def run(comm):
        return programs.train(comm, cell, rule, dtype, truncate=4)

    (one,) = on_ranks(1, run)
    # updates of a table are made at other times
    check_history(run(None), one, 1e-6)
    for size in (2, 4):
        outcomes = on_ranks(size, run)
        check_history(one, outcomes[0], 1e-6 if dtype == "float64" else 5e-6)
        for path, array in outcomes[0]["weights"].items():
            assert_allclose(array, one["weights"][path], rtol=0, atol=bound)
        for outcome in outcomes:
            assert outcome["sha256"] == outcomes[0]["sha256"]
            assert outcome["history"] == outcomes[0]["history"]


def check_history(one, other, bound):
    for row, expected in zip(one["history"], other["history"], strict=True):
        assert row == pytest.approx(expected, rel=bound, abs=bound)


def test_stop_on_one_rank_stops_all():
    def run(comm):
        outcome = programs.train(comm, trouble=("stop", 1))
        return outcome["steps"], outcome["stop"]

    assert on_ranks(3, run) == [(12, "rank 1 asked for it")] * 3


class Act(Callback):
    """On one rank alone, does something at a moment, of step 4 or of all."""

    def __init__(self, act, rank=0, moment="on_gradients", step=None):
        self.act, self.rank, self.step = act, rank, step
        setattr(self, moment, self.on_this_rank)

    def on_this_rank(self, trainer):
        if trainer.rank == self.rank and self.step in (None, trainer.step):
            self.act(trainer)


def batches_of(rows=8, count=4):
    ids = np.random.default_rng(0).integers(0, 60, (count, rows, 2))
    return [(one, np.arange(rows) % 2) for one in ids]


def train_table(comm, batches=None, validation=None, callbacks=(), rule=Adam):
    """The bytes of a table and of its optimizer after a run, in which most rows are touched now and
    then only.
    """
    arrays = fit(
        comm,
        lambda: Sequential(
            Embedding(60, 3),
            RNN(3, 2),
            Dense(2, 2),
        ),
        batches_of() if batches is None else batches,
        callbacks,
        rule,
        mg.softmax_cross_entropy,
        validation=batches_of() if validation is None else validation,
    )
    return [array.tobytes() for array in arrays.values()]


def check_refused(match, size=2, **of_rank_1):
    """A run that has these options on rank 1 alone ends on all ranks with this error."""

    def act(comm):
        with pytest.raises(MinigradError, match=match):
            train_table(comm, **(of_rank_1 if comm.rank == 1 else {}))

    on_ranks(size, act)


READS: dict[str, Any] = {
    "table": lambda trainer: trainer.model.embedding.table.array,
    "rows": lambda trainer: mg.lookup(trainer.model.embedding.table, np.arange(30)),
    "state": lambda trainer: trainer.optimizer.state_dict(),
    "output": lambda trainer: trainer.model(np.arange(40).reshape(20, 2)),
}


@pytest.mark.parametrize("moment", ["on_forward", "on_gradients", "on_step", "on_epoch_end"])
@pytest.mark.parametrize("read", READS)
def test_ranks_stay_equal_if_a_callback_reads_on_one(read, moment):
    reads = Act(READS[read], 0, moment)
    zero, one = on_ranks(2, lambda comm: train_table(comm, callbacks=[reads]))
    assert zero == one


def double_b(trainer):
    trainer.model.rnn.cell.b_h.node.grad *= 2


def add_to_b(trainer):
    b = trainer.model.dense.b
    b.array = b.array + 1.0


CHANGES: dict[str, Any] = {
    "scale: 1.0 on rank 0, 0.5 on rank 1": (
        lambda trainer: setattr(trainer.optimizer, "scale", 0.5)
    ),
    "lr of group 0: 0.001 on rank 0, 0.5 on rank 1": (
        lambda trainer: setattr(trainer.optimizer, "lr", 0.5)
    ),
    "requires_grad of rnn.cell.W_xh: True on rank 0, False on rank 1": (
        lambda trainer: freeze(trainer.model, "*W_xh")
    ),
    "dense.b: ": add_to_b,
    "rnn.cell.b_h: ": double_b,
}


@pytest.mark.parametrize("match", CHANGES)
def test_a_setting_changed_on_one_rank_is_an_error_on_all(match):
    changes = [Act(CHANGES[match], 1, step=4)]
    check_refused(f"MG332.* {match}", callbacks=changes)


@pytest.mark.parametrize(
    "match",
    [
        "the optimizer: Adam on ranks 0 and 2, SGD on rank 1",
        "lr of group 0: 0.001 on ranks 0 and 2",
    ],
)
def test_optimizers_that_differ_are_an_error_on_all_ranks(match):
    check_refused(f"MG332.* {match}", size=3, rule=SGD)


def with_other_inputs(number):
    batches = batches_of()
    batches[number][0][3, 1] += 1
    return batches


INPUT = r"MG332.* input 0: \(8, 2\) int64 \(checksum"
DATA: dict[str, Any] = {
    "first batch": (with_other_inputs(0), INPUT),
    "later batch": (with_other_inputs(2), INPUT),
    "labels": (
        [(x, 1 - y) for x, y in batches_of()],
        r"MG332.* labels: \(8,\) int64 \(checksum",
    ),
    "fewer rows": (
        batches_of(rows=6),
        r"MG332.* \(8, 2\) .* on rank 0, \(6, 2\) .* on rank 1",
    ),
    "fewer batches": (
        batches_of(count=3),
        "MG331.*, the end of an {} on rank 1",
    ),
    "no batches": (
        [],
        "MG331.* a batch of an {} on rank 0, the end of an {} on rank 1",
    ),
    "further input": (
        [(x, x, y) for x, y in batches_of()],
        "MG332.* input 1: missing on rank 0",
    ),
}


@pytest.mark.parametrize("difference", DATA)
@pytest.mark.parametrize("use", ["epoch", "evaluation"])
def test_batches_that_differ_are_an_error_on_all_ranks(difference, use):
    batches, match = DATA[difference]
    argument = {"epoch": "batches", "evaluation": "validation"}[use]
    check_refused(match.format(use, use), **{argument: batches})


def test_evaluate_on_one_rank_is_an_error_on_all():
    evaluates = Act(lambda trainer: trainer.evaluate(batches_of()), 1, "on_step")
    match = "MG331.* between two batches on rank 0, a batch of an evaluation on rank 1"
    check_refused(match, callbacks=[evaluates])


def test_fingerprint_of_objects_is_their_number():
    found = fingerprint((["a", "b"], np.array(["a", None])))
    assert found["labels"] == "(2,) object (checksum 00000000)"


@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_resume_a_carried_state_on_other_ranks(ranks, tmp_path):
    windows = pairs((2, 3, 4), (2, 3, 2), count=6)

    def stateful():
        rnn = RNN(4, 2, return_sequences=True, return_state=True)
        return Stateful(rnn, TruncatedBPTT(k1=3, k2=6))

    (unbroken,) = on_ranks(1, lambda comm: fit(comm, stateful, windows))
    snapshots = Snapshots(tmp_path, every_steps=1, keep=99)
    on_ranks(3, lambda comm: fit(comm, stateful, windows, [snapshots]))
    path = tmp_path / "step-000000004.safetensors"
    for arrays in on_ranks(ranks, lambda comm: fit(comm, stateful, windows, resume=path)):
        for name, array in arrays.items():
            assert_allclose(array, unbroken[name], rtol=1e-12, err_msg=name)


# ---- on MPI ----

OPTIONS: dict[str, Any] = {
    "cell": "GRU",
    "dropout": 0.3,
    "truncate": 4,
    "dtype": "float32",
}


# the last of 4 batches has 3 rows: one row for one of two ranks, and one for each of three
NORM: dict[str, Any] = {"rule": "sgd", "rows": 99, "norm": True, "epochs": 3}


def hashes(outcomes):
    return {outcome["sha256"] for outcome in outcomes}


@pytest.fixture(scope="module")
def whole():
    return programs.run(**OPTIONS)


@needs_mpi
def test_mpi_runs_are_equal_bit_for_bit(whole, tmp_path):
    again = programs.run(folder=str(tmp_path), **OPTIONS)
    assert len(hashes([*whole, *again])) == 1
    assert all(outcome["history"] == whole[0]["history"] for outcome in again)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"best.safetensors", "log.csv", "snapshots"}


@needs_mpi
def test_mpi_trains_as_threads_do(tmp_path):
    threads = on_ranks(2, lambda comm: programs.train(comm, **NORM))
    processes = programs.run(folder=str(tmp_path), draw=True, **NORM)
    assert len(hashes([*threads, *processes])) == 1
    assert (tmp_path / "graph.dot").exists()  # drawing runs another backward pass


@needs_mpi
@pytest.mark.parametrize(
    ("kind", "rank", "module", "message"),
    [
        ("raise", 1, False, "ZeroDivisionError"),
        ("exit", 0, True, "SystemExit: 0"),
        ("kill", 1, True, "signal 9"),
        (
            "rate",
            1,
            True,
            "MG332] the processes differ: lr of group 0: 0.01 on rank 0, 0.5",
        ),
    ],
)
def test_mpi_ends_all_ranks_if_one_fails(kind, rank, module, message, tmp_path):
    options: Any = {"folder": str(tmp_path), "trouble": (kind, rank)}
    status, printed = programs.ended(programs.training(module, **options))
    assert status != 0 and message in printed and not programs.left_over()
    if kind != "kill":
        # MPI does not always come to print "Abort"
        before, _, _ = printed.partition("Abort")
        assert printed.startswith("Traceback") and message in before
    newest = Snapshots.latest(tmp_path / "snapshots")
    assert newest is not None and mg.load(newest).info["step"] in (5, 10)


@needs_mpi
def test_mpi_resumes_after_ctrl_c(whole, tmp_path):
    options = {"folder": str(tmp_path), **OPTIONS}
    process = programs.training(trouble=("slow", 1), **options)
    while Snapshots.latest(tmp_path / "snapshots") is None and process.poll() is None:
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    status, printed = programs.ended(process)
    assert status != 0 and "To resume: fit(" in printed and not programs.left_over()
    assert hashes(programs.run(resume=True, **options)) == hashes(whole)


# ---- BatchNorm, whose statistics are sums over the ranks ----


class Selected(Layer):
    """Normalize the rows whose first number is positive. All other rows of the output are 0."""

    def __init__(self):
        self.norm = BatchNorm(2)

    def forward(self, x):
        kept = np.flatnonzero(x[:, 0] > 0)
        return np.eye(len(x))[:, kept] @ self.norm(x[kept])


def images(x):
    scales = np.arange(1.0, 10).reshape(3, 3)
    return mg.Tensor(x.reshape(-1, 2, 1, 1) * scales)


NORMS: dict[str, Any] = {
    "rows": lambda: Sequential(
        Dense(2, 3),
        BatchNorm(3),
        mg.tanh,
        Dense(3, 2),
    ),
    "images": lambda: Sequential(
        images,
        Conv2d(2, 3, 2),
        BatchNorm(3),
        mg.relu,
        BatchNorm(3),
        Flatten(),
        Dense(12, 2),
    ),
    # the ranks normalize different numbers of rows
    "selected rows": lambda: Sequential(Selected(), Dense(2, 2)),
}


@pytest.mark.parametrize("kind", NORMS)
@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_batch_norm_on_ranks_is_that_of_one_process(size, kind):
    # 5 rows leave one of three ranks one row, and 4 rows leave one of five ranks none
    batches = [
        *pairs((12, 2)),
        *pairs((7, 2)),
        *pairs((5, 2)),
        *pairs((4, 2)),
    ]
    alone = fit(None, NORMS[kind], batches)
    first, *others = on_ranks(size, lambda comm: fit(comm, NORMS[kind], batches))
    for path, array in alone.items():
        assert_allclose(first[path], array, rtol=1e-11, atol=1e-13, err_msg=path)
        for other in others:
            assert_array_equal(other[path], first[path], err_msg=path)


def test_batch_norm_of_one_row_is_an_error_on_all_ranks():
    def act(comm):
        with pytest.raises(MinigradError) as caught:
            fit(comm, NORMS["rows"], pairs((1, 2)))
        return str(caught.value)

    assert "MG225" in act(None) and "not (1, 3)" in act(None)
    # The first rank that raises the error ends the other, which may then still be in an exchange.
    assert any("MG225" in message for message in on_ranks(2, act))


def test_batch_norm_in_eval_mode_on_one_rank_is_an_error_on_all():
    freezes = Act(lambda trainer: trainer.model.batchnorm.eval(), 1, "on_step", 2)
    match = "MG331.*batch statistics in sequential/batchnorm"

    def act(comm):
        with pytest.raises(MinigradError, match=match):
            fit(
                comm,
                NORMS["rows"],
                pairs((4, 2), count=3),
                [freezes],
            )

    on_ranks(2, act)


class MeanOfBatch(Layer):
    """A buffer that each rank computes from its own rows."""

    def __init__(self):
        self.buffer("mean", np.zeros(1))

    def forward(self, x):
        if self.training:
            self.mean = x.mean(axis=0)
        return x


def test_buffers_of_rank_0_are_taken_by_all_ranks():
    x = np.arange(8.0).reshape(8, 1)

    def act(comm):
        arrays = fit(
            comm,
            lambda: Sequential(MeanOfBatch(), Dense(1, 1)),
            [(x, x)],
        )
        return arrays["meanofbatch.mean"].tolist()

    # the mean of the first half, which rank 0 has read
    assert on_ranks(2, act) == [[1.5], [1.5]]
