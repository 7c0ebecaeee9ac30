"""Data parallelism: several processes ("ranks") train one model, each with its share of every batch.

Every rank holds the whole model. The gradient of a batch's mean loss is the sum of the ranks' gradients, each weighted
by its share of the batch. All ranks apply the same sum, so that their parameters stay equal, bit for bit. Nothing here
imports MPI: the user's script does, and gives `comm`. docs/parallel.md explains it, and says when it pays.
"""

import traceback
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np

from minigrad import Tensor
from minigrad.accumulator import SparseGradient, dense
from minigrad.errors import DataError
from minigrad.graph import Leaf
from minigrad.table import Table

from .interrupt import Interrupted
from .lazy import PendingRows
from .optimizer import Array


class Communicator(Protocol):
    """What connects the ranks: the part of MPI that is used here, which `mpi4py.MPI.COMM_WORLD` has.

    `rank` is the number of this process, from 0, and `size` how many there are. `bcast` gives an object of rank 0 to
    all, and `allgather` the objects of all ranks to all. `Alltoall` sends row i of an array to rank i and receives a
    row from each; `Allgather` receives an array from each. `Abort` ends all processes.
    """

    @property
    def rank(self) -> int: ...
    @property
    def size(self) -> int: ...
    def bcast(self, obj: Any) -> Any: ...
    def allgather(self, sendobj: Any) -> list[Any]: ...
    def Alltoall(self, sendbuf: Any, recvbuf: Any) -> Any: ...
    def Allgather(self, sendbuf: Any, recvbuf: Any) -> Any: ...
    def Abort(self, errorcode: int) -> Any: ...


def share_out(comm: Communicator | None, batch: Sequence[Any]) -> tuple[Sequence[Any], int]:
    """(this rank's rows of every array of the batch, how many they are); without `comm` all rows.

    Row numbers are split evenly. A rank for which there is no row takes the last one, and counts it as none: so every
    rank computes a loss.
    """
    rows = len(batch[-1])
    if comm is None:
        return batch, rows
    if odd := [np.shape(array) for array in batch if len(array) != rows]:
        raise DataError(
            "MG322",
            f"a batch with labels for {rows} rows cannot be shared out: one of its inputs has the shape {odd[0]}",
            cause="each process takes its rows of every input and of the labels, along the first axis",
            remedy="give batches whose arrays have a row for each example",
        )
    first, last = (-(-rows * rank // comm.size) for rank in (comm.rank, comm.rank + 1))
    start = min(first, rows - 1)
    return [array[start : max(last, start + 1)] for array in batch], last - first


def check_same(comm: Communicator, batch: Sequence[Any]) -> None:
    """DataError MG323 unless all ranks were given the same batch, by its labels."""
    if len({*comm.allgather(zlib.crc32(np.ascontiguousarray(batch[-1]).tobytes()))}) > 1:
        raise DataError(
            "MG323",
            "the processes were given different batches",
            cause="each takes its share of a batch that all are given, but they shuffle with different seeds, or were "
            "given only their share",
            remedy="give every process the whole batches, in the same order: minigrad.data.Batches does so",
        )


def all_reduce(comm: Communicator, array: Array) -> Array:
    """The sum of the ranks' arrays, of one shape, on every rank: Σᵣ arrayᵣ.

    Rank i adds up the i-th part of all arrays, in the order of the ranks, and sends the sum to all others (a
    reduce-scatter and an all-gather). So all ranks get the same bits, in every run and with any MPI.
    """
    width = -(-array.size // comm.size)
    parts = np.zeros((comm.size, width), array.dtype)
    parts.reshape(-1)[: array.size] = array.reshape(-1)
    arrived = np.empty_like(parts)
    comm.Alltoall(parts, arrived)
    comm.Allgather(arrived.sum(axis=0), parts)
    return parts.reshape(-1)[: array.size].reshape(array.shape)


def sum_gradients(comm: Communicator, parameters: Mapping[str, Tensor], share: float) -> None:
    """Replace every gradient g by Σᵣ shareᵣ gᵣ, the sum over the ranks.

    Dense gradients travel in one array. Of a row-sparse one only its rows do, and the result is row-sparse too. Rows of
    a table that one rank has read are read by all: otherwise they would catch up on some ranks earlier than on others.
    """
    leaves = {path: leaf for path, tensor in parameters.items() if isinstance(leaf := tensor.node, Leaf)}
    mine: dict[str, tuple[Array, Array] | None] = {}  # for each gradient its rows, or None if it is dense
    for path, leaf in leaves.items():
        if leaf.grad is not None:
            rows = leaf.grad.rows() if isinstance(leaf.grad, SparseGradient) else None
            mine[path] = rows and (rows[0], share * rows[1])
    tables = {path: leaf for path, leaf in leaves.items() if isinstance(leaf, Table)}
    read = {
        path: np.flatnonzero(pending.up_to == pending.t)
        for path, table in tables.items()
        if isinstance(pending := table.pending, PendingRows)
    }
    everyone = comm.allgather((mine, read))
    for path in read:
        tables[path].catch_up(np.concatenate([rows_read[path] for _, rows_read in everyone]))
    summed = []
    for path, leaf in leaves.items():
        terms = [theirs[path] for theirs, _ in everyone if path in theirs]
        if terms and all(terms):
            leaf.grad = SparseGradient(leaf.shape, leaf.dtype, terms)
        elif terms:
            summed.append(leaf)
    if summed:
        zeros = {leaf: np.zeros(leaf.shape, leaf.dtype) for leaf in summed if leaf.grad is None}
        arrays = [zeros[leaf] if leaf in zeros else share * dense(leaf.grad) for leaf in summed]
        total, start = all_reduce(comm, np.concatenate([array.reshape(-1) for array in arrays])), 0
        for leaf, array in zip(summed, arrays, strict=True):
            leaf.grad = total[start : start + array.size].reshape(array.shape).astype(leaf.dtype, copy=False)
            start += array.size


@contextmanager
def end_together(comm: Communicator | None) -> Iterator[None]:
    """Whatever ends this block on one rank alone ends all processes, because the others would wait for it forever.

    Otherwise all ranks leave the block at the same time: when rank 0 has written its files.
    """
    try:
        yield
    except Interrupted:  # comes to all ranks after the same step
        if comm is not None:
            comm.allgather(None)
        raise
    except BaseException:
        if comm is not None:
            traceback.print_exc()
            comm.Abort(1)  # which may return, and the end comes a moment later
        raise
    if comm is not None:
        comm.allgather(None)
