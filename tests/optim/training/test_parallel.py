"""One model on several ranks: the same as on one, to rounding; the same on all; and an end for all
if one fails.

Ranks are threads where that will do, with a communicator made of lists; elsewhere `mpiexec` starts
them (ranks.py).
"""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

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
from optim import SGD, Adam, Callback, Snapshots, Trainer, freeze
from optim.training.parallel import all_reduce, fingerprint, shard, sum_gradients
from tests.optim import ranks as programs

needs_mpi = pytest.mark.skipif(
    programs.mpiexec() is None, reason="there is no MPI: pip install '.[mpi]'"
)


class Threads:
    """A communicator between threads. What a rank gives is put on the table, and taken when all
    have given.
    """

    def __init__(
        self, rank: int, size: int, table: list[Any], barrier: threading.Barrier
    ) -> None:
        self.rank, self.size, self.table, self.barrier = rank, size, table, barrier

    def allgather(self, mine: Any) -> list[Any]:
        self.table[self.rank] = mine
        self.barrier.wait()
        everyone = list(self.table)
        self.barrier.wait()
        return everyone

    def bcast(self, mine: Any) -> Any:
        return self.allgather(mine)[0]

    def Alltoall(self, mine: Any, theirs: Any) -> None:
        theirs[...] = [sent[self.rank] for sent in self.allgather(mine.copy())]

    def Allgather(self, mine: Any, theirs: Any) -> None:
        theirs[...] = self.allgather(mine)

    def Abort(self, errorcode: int) -> None:
        self.barrier.abort()


def on_ranks(size: int, act: Any) -> list[Any]:
    """What act(comm) returns on each of so many ranks."""
    table, barrier = [None] * size, threading.Barrier(size)
    with ThreadPoolExecutor(size) as pool:
        return list(
            pool.map(lambda rank: act(Threads(rank, size, table, barrier)), range(size))
        )


@pytest.mark.parametrize(("rows", "size", "taken"), [
    (10, 4, [(0, 3), (3, 2), (5, 3), (8, 2)]),
    # the second takes a row as well, and counts it as none
    (2, 4, [(0, 1), (1, 0), (1, 1), (1, 0)]),
])  # fmt: skip
def test_rows_are_shared_out(
    rows: int, size: int, taken: list[tuple[int, int]]
) -> None:
    for rank, (first, count) in enumerate(taken):
        comm = SimpleNamespace(rank=rank, size=size)
        (inputs, labels), counted = shard(comm, (np.arange(rows), list(range(rows))))
        assert counted == count and labels == list(inputs)
        assert labels == list(range(first, first + max(count, 1)))


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_all_reduce_adds_up_in_the_order_of_the_ranks(size: int) -> None:
    parts = np.random.default_rng(0).normal(size=(size, 3, 4)) * 10.0 ** np.arange(
        12
    ).reshape(3, 4)
    total = np.zeros((3, 4))
    for part in parts:
        total += part
    for result in on_ranks(size, lambda comm: all_reduce(comm, parts[comm.rank])):
        assert np.array_equal(result, total)


def test_gradients_are_summed_by_shares_whatever_their_form() -> None:
    # Each rank reads its rows of a table; W has a gradient on one rank only, b is in another dtype,
    # and c has none.
    shares, ids = [0.75, 0.25], [[1, 1, 3], [3, 0]]

    def act(comm: Any) -> dict[str, Any]:
        tensors = {"table": make_table(np.zeros((5, 2)), dtype="float64")}
        tensors |= {name: mg.Tensor(np.zeros(3), requires_grad=True) for name in "Wc"}
        tensors["b"] = mg.Tensor(np.zeros(2, "float32"), requires_grad=True)
        mg.lookup(tensors["table"], np.array(ids[comm.rank])).sum().backward()
        (tensors["b"] * (1 + comm.rank)).sum().backward()
        if comm.rank:
            (tensors["W"] * [1.0, 2.0, 4.0]).sum().backward()
        sum_gradients(comm, tensors, shares[comm.rank])
        assert tensors["table"].node.grad.rows()[0].tolist() == [0, 1, 3]  # type: ignore[attr-defined]
        return {name: tensor.grad for name, tensor in tensors.items()}

    for gradients in on_ranks(2, act):
        assert gradients["table"].tolist() == [
            [0.25] * 2,
            [1.5] * 2,
            [0, 0],
            [1.0] * 2,
            [0, 0],
        ]
        assert gradients["W"].tolist() == [0.25, 0.5, 1.0] and gradients["c"] is None
        assert (
            gradients["b"].tolist() == [1.25, 1.25]
            and gradients["b"].dtype == np.float32
        )


@pytest.mark.parametrize(("cell", "rule", "dtype", "bound"), [
    ("RNN", "adam", "float64", 1e-12), ("GRU", "sgd", "float64", 1e-12), ("LSTM", "adam", "float32", 5e-4),
])  # fmt: skip
def test_a_run_on_several_ranks_is_that_on_one(
    cell: str, rule: str, dtype: str, bound: float
) -> None:
    def run(size: int) -> list[Any]:
        train = programs.train
        return on_ranks(
            size, lambda comm: train(comm, cell, rule, dtype, epochs=5, truncate=4)
        )

    (one,) = run(1)
    alone = programs.train(None, cell, rule, dtype, epochs=5, truncate=4)
    assert (
        programs.difference(alone, one)[1] < 1e-6
    )  # updates of a table are made at other times
    for size in (2, 4):
        outcomes = run(size)
        weights, history = programs.difference(one, outcomes[0])
        assert weights < bound and history < (1e-6 if dtype == "float64" else 5e-6)
        assert len({outcome["sha256"] for outcome in outcomes}) == 1
        assert all(outcome["history"] == outcomes[0]["history"] for outcome in outcomes)


def test_what_one_rank_asks_for_all_do() -> None:
    outcomes = on_ranks(
        3, lambda comm: programs.train(comm, epochs=5, trouble=("stop", 1))
    )
    found = {(outcome["steps"], outcome["stop"]) for outcome in outcomes}
    assert found == {(12, "rank 1 asked for it")}


class Bits(Callback):
    """On one rank alone, does something at a moment, of step 4 or of all."""

    def __init__(
        self,
        act: Any,
        rank: int = 0,
        moment: str = "on_gradients",
        step: int | None = None,
    ) -> None:
        self.act, self.rank, self.step = act, rank, step
        setattr(self, moment, self.on_this_rank)

    def on_this_rank(self, trainer: Any) -> None:
        if trainer.rank == self.rank and self.step in (None, trainer.step):
            self.act(trainer)


def batches_of(rows: int = 8, count: int = 4) -> list[Any]:
    rng = np.random.default_rng(0)
    return [(rng.integers(0, 60, (rows, 2)), np.arange(rows) % 2) for _ in range(count)]


def train_table(
    comm: Any,
    callbacks: Any = (),
    make: Any = Adam,
    batches: Any = None,
    validation: Any = None,
) -> list[bytes]:
    """The bytes of a table and of its optimizer after a run, in which most rows are touched now and
    then only.
    """
    with programs.DRAWING:
        mg.seed(1)
        model = Sequential(Embedding(60, 3), RNN(3, 2), Dense(2, 2))
    optimizer = make(model.named_parameters())
    trainer = Trainer(
        model, mg.softmax_cross_entropy, optimizer, callbacks=callbacks, comm=comm
    )
    trainer.fit(batches_of() if batches is None else batches, 3, validation)
    arrays = [tensor.array for tensor in model.named_parameters().values()]
    return [array.tobytes() for array in [*arrays, *optimizer.state_dict().values()]]


def check_refused(told: str, size: int = 2, **of_rank_1: Any) -> None:
    """A run that has these options on rank 1 alone ends on all ranks with this error."""

    def act(comm: Any) -> None:
        with pytest.raises(MinigradError, match=told):
            train_table(comm, **(of_rank_1 if comm.rank == 1 else {}))

    on_ranks(size, act)


READS = {
    "the table": lambda trainer: trainer.model.embedding.table.array,
    "some rows": lambda trainer: mg.lookup(
        trainer.model.embedding.table, np.arange(30)
    ),
    "the state": lambda trainer: trainer.optimizer.state_dict(),
    "an output": lambda trainer: trainer.model(np.arange(40).reshape(20, 2)),
}


@pytest.mark.parametrize(
    "moment", ["on_forward", "on_gradients", "on_step", "on_epoch_end"]
)
@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_ranks_stay_equal_whatever_one_of_them_reads(read: Any, moment: str) -> None:
    zero, one = on_ranks(2, lambda comm: train_table(comm, [Bits(read, 0, moment)]))
    assert zero == one


CHANGES: dict[str, Any] = {
    "scale: 1.0 on rank 0, 0.5 on rank 1": lambda trainer: setattr(
        trainer.optimizer, "scale", 0.5
    ),
    "lr of group 0: 0.001 on rank 0, 0.5 on rank 1": lambda trainer: setattr(
        trainer.optimizer, "lr", 0.5
    ),
    "requires_grad of rnn.cell.W_xh: True on rank 0, False on rank 1": lambda trainer: (
        freeze(trainer.model, "*W_xh")
    ),
    "dense.b: ": lambda trainer: trainer.model.dense.b.update(
        lambda b: b.__setitem__(0, 1.0)
    ),
    "rnn.cell.b_h: ": lambda trainer: trainer.model.rnn.cell.b_h.node.grad.__imul__(2),
}


@pytest.mark.parametrize(("told", "change"), CHANGES.items(), ids=CHANGES)
def test_a_setting_that_one_rank_changes_is_an_error_on_all(
    told: str, change: Any
) -> None:
    check_refused(f"MG332.* {told}", callbacks=[Bits(change, 1, step=4)])


@pytest.mark.parametrize(
    "told",
    [
        "the optimizer: Adam on ranks 0 and 2, SGD on rank 1",
        "lr of group 0: 0.001 on ranks 0 and 2",
    ],
)
def test_optimizers_that_differ_at_the_start_are_an_error_on_all(told: str) -> None:
    check_refused(f"MG332.* {told}", size=3, make=SGD)


def with_other_inputs(number: int) -> list[Any]:
    batches = batches_of()
    batches[number][0][3, 1] += 1
    return batches


DATA: dict[str, Any] = {
    "the first batch": (
        with_other_inputs(0),
        r"MG332.* input 0: \(8, 2\) int64 \(checksum",
    ),
    "a later batch": (
        with_other_inputs(2),
        r"MG332.* input 0: \(8, 2\) int64 \(checksum",
    ),
    "labels": (
        [(x, 1 - y) for x, y in batches_of()],
        r"MG332.* labels: \(8,\) int64 \(checksum",
    ),
    "fewer rows": (
        batches_of(rows=6),
        r"MG332.* \(8, 2\) .* on rank 0, \(6, 2\) .* on rank 1",
    ),
    "fewer batches": (batches_of(count=3), "MG331.*, the end of an epoch on rank 1"),
    "no batches": (
        [],
        "MG331.* a batch of an epoch on rank 0, the end of an epoch on rank 1",
    ),
    "a further input": (
        [(x, x, y) for x, y in batches_of()],
        "MG332.* input 1: missing on rank 0",
    ),
}


@pytest.mark.parametrize("use", ["batches", "validation"])
@pytest.mark.parametrize(("batches", "told"), DATA.values(), ids=DATA)
def test_batches_that_differ_are_an_error_on_all_ranks(
    batches: Any, told: str, use: str
) -> None:
    def act(comm: Any) -> None:
        with pytest.raises(MinigradError, match=told):
            train_table(comm, **{use: batches if comm.rank == 1 else batches_of()})

    if use == "validation":
        told = told.replace("an epoch", "an evaluation")
    on_ranks(2, act)


def test_what_one_rank_does_alone_is_an_error_on_all() -> None:
    evaluates = [Bits(lambda trainer: trainer.evaluate(batches_of()), 1, "on_step")]
    told = "MG331.* between two batches on rank 0, a batch of an evaluation on rank 1"
    check_refused(told, callbacks=evaluates)


def test_objects_are_compared_by_their_number() -> None:
    found = fingerprint((["a", "b"], np.array(["a", None])))
    assert found["labels"] == "(2,) object (checksum 00000000)"


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_carried_state_of_fewer_rows_than_ranks_resumes_on_any_number_of_them(
    ranks: int, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    windows = [
        (rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 3, 2))) for _ in range(6)
    ]

    def act(comm: Any, *callbacks: Callback, newest: Path | None = None) -> Any:
        with programs.DRAWING:
            mg.seed(1)
            rnn = RNN(4, 2, return_sequences=True, return_state=True)
        for tensor in rnn.named_parameters().values():
            tensor.array = tensor.array.astype(np.float64)
        model = Stateful(rnn, TruncatedBPTT(k1=3, k2=6))
        optimizer = SGD(model.named_parameters())
        options: Any = {"callbacks": callbacks, "comm": comm, "metrics": {}}
        trainer = Trainer(model, mg.mean_squared_error, optimizer, **options)
        trainer.fit(windows, 1, resume=newest)
        return np.concatenate(
            [t.array.ravel() for t in model.named_parameters().values()]
        )

    unbroken = on_ranks(1, act)[0]
    stops = Bits(lambda trainer: trainer.stop("enough"), 0, "on_step", 4)
    on_ranks(3, lambda comm: act(comm, stops, Snapshots(tmp_path, every_steps=1)))
    newest = Snapshots.latest(tmp_path)
    assert newest is not None
    checkpoint = mg.load(newest)
    # as if interrupted
    mg.save(newest, dict(checkpoint), checkpoint.info | {"stop_reason": ""})
    for weights in on_ranks(ranks, lambda comm: act(comm, newest=newest)):
        np.testing.assert_allclose(weights, unbroken, rtol=1e-12)


# ---- on MPI ----


@needs_mpi
def test_two_runs_on_mpi_are_equal_to_the_last_bit_on_all_ranks(tmp_path: Path) -> None:
    options: Any = dict(cell="GRU", dropout=0.3, truncate=4, dtype="float32", epochs=5)  # noqa: C408
    outcomes = [
        *programs.run(2, folder=str(tmp_path), **options),
        *programs.run(2, **options),
    ]
    assert len({outcome["sha256"] for outcome in outcomes}) == 1
    assert all(outcome["history"] == outcomes[0]["history"] for outcome in outcomes)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"best.safetensors", "log.csv", "snapshots"}


@needs_mpi
@pytest.mark.parametrize(("kind", "rank", "module", "told"), [
    ("raise", 1, False, "ZeroDivisionError"),
    ("exit", 0, True, "SystemExit: 0"),
    ("kill", 1, True, "signal 9"),
])  # fmt: skip
def test_a_rank_that_fails_ends_all(
    tmp_path: Path, kind: str, rank: int, module: bool, told: str
) -> None:
    options: Any = {"folder": str(tmp_path), "trouble": (kind, rank), "dropout": 0.3}
    status, printed = programs.ended(programs.training(module=module, **options))
    assert status != 0 and told in printed and not programs.left_over()
    if kind != "kill":
        before, _, _ = printed.partition(
            "Abort"
        )  # which MPI does not always come to print
        assert printed.startswith("Traceback") and told in before
    newest = Snapshots.latest(tmp_path / "snapshots")
    assert newest is not None and mg.load(newest).info["step"] in (5, 10)


@needs_mpi
def test_ctrl_c_leaves_a_place_from_which_the_run_ends_the_same_on_as_many_ranks(
    tmp_path: Path,
) -> None:
    options: dict[str, Any] = {"dropout": 0.3, "dtype": "float32", "epochs": 12}
    process = programs.training(folder=str(tmp_path), trouble=("slow", 1), **options)
    while Snapshots.latest(tmp_path / "snapshots") is None and process.poll() is None:
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    status, printed = programs.ended(process)
    assert status != 0 and "To resume: fit(" in printed and not programs.left_over()
    resumed = programs.run(2, folder=str(tmp_path), resume=True, **options)
    whole = programs.run(2, **options)
    assert len({outcome["sha256"] for outcome in [*resumed, *whole]}) == 1


@needs_mpi
def test_ranks_of_mpi_that_differ_end_with_an_error() -> None:
    status, printed = programs.ended(programs.training(trouble=("rate", 1)))
    told = "MG332] the processes differ: lr of group 0: 0.01 on rank 0, 0.5"
    assert status != 0 and told in printed and not programs.left_over()


@needs_mpi
def test_batch_norm_on_mpi_is_that_of_one_process(tmp_path: Path) -> None:
    # the last of 7 batches has 3 rows: one row for one of two ranks, and one for each of three
    options: dict[str, Any] = {"rule": "sgd", "rows": 195, "norm": True, "epochs": 2}
    alone, sha256 = programs.train(None, **options), {}
    for size in (1, 2, 3):
        outcomes = programs.run(size, **options)
        sha256[size] = outcomes[0]["sha256"]
        weights, history = programs.difference(alone, outcomes[0])
        assert outcomes[0]["steps"] == 14 and weights < 1e-13 and history < 1e-6
        assert len({outcome["sha256"] for outcome in outcomes}) == 1
    programs.ended(
        programs.training(2, folder=str(tmp_path), trouble=("raise", 1), **options)
    )
    newest = Snapshots.latest(tmp_path / "snapshots")
    assert newest is not None and mg.load(newest).info["step"] in (5, 10)
    assert (tmp_path / "graph.dot").exists()  # drawing runs another backward pass
    for size in (1, 2, 3):
        folder = tmp_path / str(size)
        shutil.copytree(tmp_path / "snapshots", folder / "snapshots")
        outcomes = programs.run(size, folder=str(folder), resume=True, **options)
        assert programs.difference(alone, outcomes[0])[0] < 1e-13
        assert len({outcome["sha256"] for outcome in outcomes}) == 1
        assert (
            size != 2 or outcomes[0]["sha256"] == sha256[2]
        )  # the same number of ranks as before


# ---- BatchNorm, whose statistics are sums over the ranks ----


class Selected(Layer):
    """Normalize the rows whose first number is positive. All other rows of the output are 0."""

    def __init__(self) -> None:
        self.norm = BatchNorm(2)

    def forward(self, x: Any) -> Any:
        kept = np.flatnonzero(x[:, 0] > 0)
        return np.eye(len(x))[:, kept] @ self.norm(x[kept])


NORMS: dict[str, Any] = {
    "rows": lambda: Sequential(Dense(2, 3), BatchNorm(3), mg.tanh, Dense(3, 2)),
    "images": lambda: Sequential(
        lambda x: mg.Tensor(x.reshape(-1, 2, 1, 1) * np.arange(1.0, 10).reshape(3, 3)),
        Conv2d(2, 3, 2), BatchNorm(3), mg.relu, BatchNorm(3), Flatten(), Dense(12, 2),
    ),
    # the ranks normalize different numbers of rows
    "selected rows": lambda: Sequential(Selected(), Dense(2, 2)),
}  # fmt: skip


def train_norm(comm: Any, make: Any, batches: Any, callbacks: Any = ()) -> Any:
    with programs.DRAWING:
        mg.seed(1)
        model = make()
    for tensor in model.named_parameters().values():
        tensor.array = tensor.array.astype(np.float64)
    for layer in model.named_layers().values():
        if isinstance(layer, BatchNorm):
            layer.mean, layer.variance = (
                np.array(a, float) for a in (layer.mean, layer.variance)
            )
    optimizer = SGD(model.named_parameters(), lr=0.1, momentum=0.9)
    options: Any = {"metrics": {}, "callbacks": callbacks, "comm": comm}
    Trainer(model, mg.mean_squared_error, optimizer, **options).fit(batches, 3)
    return model.state_dict()


def rows_of(*sizes: int) -> list[Any]:
    rng = np.random.default_rng(0)
    return [(rng.normal(size=(rows, 2)), rng.normal(size=(rows, 2))) for rows in sizes]


@pytest.mark.parametrize("make", NORMS.values(), ids=NORMS)
@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_batch_norm_on_several_ranks_is_that_of_one_process(
    size: int, make: Any
) -> None:
    # 5 rows leave one of three ranks one row, and 4 rows leave one of five ranks none
    batches = rows_of(12, 7, 5, 4)
    alone = train_norm(None, make, batches)
    first, *others = on_ranks(size, lambda comm: train_norm(comm, make, batches))
    for path, array in alone.items():
        np.testing.assert_allclose(
            first[path], array, rtol=1e-11, atol=1e-13, err_msg=path
        )
        assert all(np.array_equal(first[path], other[path]) for other in others), path


def test_a_batch_of_one_row_has_no_variance_on_any_number_of_ranks() -> None:
    def act(comm: Any) -> str:
        with pytest.raises(MinigradError) as caught:
            train_norm(comm, NORMS["rows"], rows_of(1))
        return str(caught.value)

    with pytest.raises(MinigradError, match=r"MG225.*not \(1, 3\)"):
        train_norm(None, NORMS["rows"], rows_of(1))
    # The first rank that raises the error ends the other, which may then still be in an exchange.
    assert any("MG225" in message for message in on_ranks(2, act))


def test_a_batch_norm_in_another_mode_on_one_rank_is_an_error_on_all() -> None:
    def act(comm: Any) -> None:
        freezes = Bits(lambda trainer: trainer.model.batchnorm.eval(), 1, "on_step", 2)
        with pytest.raises(
            MinigradError, match="MG331.*batch statistics in sequential/batchnorm"
        ):
            train_norm(comm, NORMS["rows"], rows_of(4, 4, 4), [freezes])

    on_ranks(2, act)


class MeanOfBatch(Layer):
    """A buffer that each rank computes from its own rows."""

    def __init__(self) -> None:
        self.buffer("mean", np.zeros(1))

    def forward(self, x: Any) -> Any:
        if self.training:
            self.mean = x.mean(axis=0)
        return x


def test_buffers_of_rank_0_are_taken_by_all_at_the_end_of_an_epoch() -> None:
    x = np.arange(8, dtype=np.float32).reshape(8, 1)

    def act(comm: Any) -> Any:
        with programs.DRAWING:
            model = Sequential(MeanOfBatch(), Dense(1, 1))
        optimizer = SGD(model.named_parameters(), lr=0.01)
        Trainer(
            model, mg.mean_squared_error, optimizer, metrics={}, callbacks=[], comm=comm
        ).fit([(x, x)], 1)
        return model.meanofbatch.mean

    # the mean of the first half, which rank 0 has read
    assert [mean.tolist() for mean in on_ranks(2, act)] == [[1.5], [1.5]]
