"""Data parallelism: several processes ("ranks") train one model, each on its share of every batch.

Every rank has a copy of the whole model. The gradient of a batch's mean loss is the sum of the
ranks' gradients, weighted by each rank's share of the batch. All ranks apply the same sum, so their
parameters stay equal, bit for bit. This module does not import MPI. The user's script imports MPI
and passes `comm`. docs/parallel.md explains when data parallelism pays off.
"""

import sys
import traceback
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

import numpy as np

from minigrad import Gate, Tensor
from minigrad.context import SCOPE, SUM_OVER_RANKS, scope_label, setting
from minigrad.errors import DataError, OptionError
from minigrad.gradients import SparseGradient, dense, for_leaf

from ..optimizer import Array, Optimizer
from .interrupt import Interrupted

# all ranks raise these errors together, after the same exchange
ON_ALL_RANKS = "MG331", "MG332"


Communicator = Any
"""An object that connects the ranks, such as `mpi4py.MPI.COMM_WORLD`. It needs only these
attributes and methods:

`rank` is the number of this process, starting at 0, and `size` is the number of processes. `bcast`
sends an object from rank 0 to all ranks, and `allgather` sends the objects of all ranks to all
ranks. `Alltoall` sends row i of an array to rank i and receives a row from each rank. `Allgather`
sends an array to all ranks and receives an array from each rank. `Abort` ends all processes.
"""


def exchange(
    comm: Communicator,
    place: str,
    mine: Any,
) -> list[Any]:
    """Return the objects that all ranks pass at this point of a run, in rank order. Raises
    DataError MG331 if the ranks are at different points.

    All small messages use this function, and each large message follows a small one. If one rank is
    at a different point, all ranks therefore raise an error instead of waiting for each other.
    """
    everyone = comm.allgather((place, mine))
    if any(theirs != place for theirs, _ in everyone):
        raise DataError(
            "MG331",
            "the processes have reached different points of the run: "
            f"{_by_rank([theirs for theirs, _ in everyone])}",
            cause="the processes got different numbers of batches, or only some of them ran a step "
            "that all must run, such as an evaluation",
            remedy="pass the same batches to every process, and call the same methods of the "
            "Trainer in all of them",
        )
    return [theirs for _, theirs in everyone]


def share(
    rows: int,
    rank: int,
    size: int,
) -> tuple[int, int]:
    """Return (first, last + 1) for a rank's share if `rows` rows are split evenly among ranks."""
    first = -(-rows * rank // size)
    end = -(-rows * (rank + 1) // size)
    return first, end


def shard(
    comm: Communicator,
    batch: Sequence[Any],
) -> tuple[Sequence[Any], int]:
    """Return (this rank's rows of every array in the batch, the number of these rows). If `comm` is
    None, return all rows.

    If a rank's share is empty, the rank uses another rank's row to compute a loss, but its number
    of rows is 0.
    """
    rows = len(batch[-1])
    if comm is None:
        return batch, rows
    first, last = share(rows, comm.rank, comm.size)
    start = min(first, rows - 1)
    end = max(last, start + 1)
    return [array[start:end] for array in batch], last - first


def checksums(arrays: Mapping[str, Any]) -> dict[str, str]:
    """Return {name: shape, dtype and checksum} for the arrays. The checksum of an object array is
    always 0.
    """
    found = {}
    for name, values in arrays.items():
        array = np.asarray(values)
        content = b"" if array.dtype.hasobject else array.tobytes()
        checksum = zlib.crc32(content)
        found[name] = f"{array.shape} {array.dtype} (checksum {checksum:08x})"
    return found


def fingerprint(batch: Sequence[Any]) -> dict[str, str]:
    """Return the checksums of the arrays in a batch."""
    *inputs, labels = batch
    named = {f"input {number}": array for number, array in enumerate(inputs)}
    return checksums({**named, "labels": labels})


def check_equal(
    everyone: Sequence[Mapping[str, Any]],
) -> None:
    """Raise OptionError MG332 unless the dicts of all ranks are equal. The dicts describe batches,
    settings or parameters by name.
    """
    problems = []
    for name in dict.fromkeys(chain.from_iterable(everyone)):
        values = [str(theirs.get(name, "missing")) for theirs in everyone]
        if len({*values}) > 1:
            problems.append(f"{name}: {_by_rank(values)}")
    if problems:
        raise OptionError(
            "MG332",
            f"the processes differ: {'; '.join(problems)}",
            cause="all processes train the same model, each on its share of every batch; different "
            "batches or settings would make their models differ",
            remedy="pass the same complete batches, in the same order, and the same settings to "
            "every process; a callback that changes the run must make the same change on all ranks",
        )


def _by_rank(values: Sequence[str]) -> str:
    """Return text that lists each rank's value: "3 on rank 0, 4 on ranks 1 and 2"."""
    ranks: dict[str, list[str]] = {}
    for rank, value in enumerate(values):
        ranks.setdefault(value, []).append(str(rank))
    return ", ".join(
        f"{value} on rank{'s' * (len(numbers) > 1)} {' and '.join(numbers)}"
        for value, numbers in ranks.items()
    )


def settings(optimizer: Optimizer) -> dict[str, Any]:
    """Return {name: value} for the optimizer's type and hyperparameters."""
    return {"the optimizer": type(optimizer).__name__, **optimizer.hyperparameters()}


def agree(
    comm: Communicator,
    optimizer: Optimizer,
    batch: Sequence[Any],
) -> None:
    """Check before an update that all ranks have the same batch and settings. Errors: see
    check_equal.

    If one rank has read rows of a table, for example in a callback, all ranks bring these rows up
    to date. If some ranks caught up earlier than others, the last bits of the rows would differ.
    """
    pending = optimizer.pending
    read = {path: np.flatnonzero(rows.up_to == rows.t) for path, rows in pending.items()}
    mine = fingerprint(batch) | settings(optimizer)
    everyone = exchange(comm, "an update", (mine, read))
    check_equal([theirs for theirs, _ in everyone])
    for _, theirs in everyone:
        for path, ids in theirs.items():
            pending[path].catch_up(ids)


def all_reduce(comm: Communicator, array: Array) -> Array:
    """Σᵣ arrayᵣ on every rank, for arrays of the same shape.

    Rank i adds up part i of all arrays, in rank order, and sends the sum to all other ranks (a
    reduce-scatter and an all-gather). All ranks therefore get the same bits, in every run and with
    any MPI implementation.
    """
    width = -(-array.size // comm.size)
    parts = np.zeros((comm.size, width), array.dtype)
    flat = parts.reshape(-1)[: array.size]  # a view
    flat[:] = array.ravel()
    arrived = np.empty_like(parts)
    comm.Alltoall(parts, arrived)
    comm.Allgather(arrived.sum(axis=0), parts)
    return flat.reshape(array.shape)


def sum_gradients(
    comm: Communicator,
    parameters: Mapping[str, Tensor],
    share: float,
) -> None:
    """Replace every gradient g by Σᵣ shareᵣ gᵣ, the sum over the ranks.

    Dense gradients are sent in one array. For a row-sparse gradient, only its rows are sent, and
    the result is row-sparse as well.
    """
    leaves: dict[str, Any] = {path: tensor.node for path, tensor in parameters.items()}
    mine: dict[str, Any] = {}  # {path: rows of the gradient, or None if it is dense}
    for path, leaf in leaves.items():
        if leaf.grad is not None:
            rows = leaf.grad.rows() if isinstance(leaf.grad, SparseGradient) else None
            mine[path] = rows and (rows[0], share * rows[1])
    everyone = exchange(comm, "a backward pass", mine)
    summed = []
    arrays = []
    for path, leaf in leaves.items():
        terms = [theirs[path] for theirs in everyone if path in theirs]
        if terms and all(terms):
            leaf.grad = for_leaf(SparseGradient(leaf.shape, leaf.dtype, terms))
        elif terms:
            summed.append(leaf)
            term = dense(leaf.grad)
            if term is None:
                term = np.zeros(leaf.shape, leaf.dtype)
            arrays.append(share * term.ravel())
    if summed:
        total = all_reduce(comm, np.concatenate(arrays))
        ends = np.cumsum([array.size for array in arrays])
        # the last part is empty
        for leaf, part in zip(summed, np.split(total, ends), strict=False):
            whole = part.reshape(leaf.shape)
            leaf.grad = whole.astype(leaf.dtype, copy=False)


class SumOverRanks(Gate):
    """z = Σᵣ xᵣ on every rank, where xᵣ is a sum over rank r's share of a batch.

    `rows` is the number of rows in this rank's share. A rank with an empty share computes with
    another rank's row, which is not added. On each rank, a backward pass computes the gradient of
    the mean loss over the rank's rows. Every rank's loss depends on every x, so
    dxᵣ = Σₛ Nₛ dzₛ / Nᵣ, because `sum_gradients` multiplies it by Nᵣ / N later.
    """

    symbol = "Σ ranks"
    differentiable_twice = False  # the rule uses plain arrays

    def __init__(
        self,
        comm: Communicator,
        rows: int,
    ) -> None:
        self.comm = comm
        self.rows = rows
        self.place = f"the batch statistics {scope_label(SCOPE.get())}"

    def forward(self, x: Any) -> Any:
        return self._sum(self.place, x, 1)

    def backward(
        self,
        dz: Any,
        z: Any,
        x: Any,
    ) -> Any:
        total = self._sum(f"the gradient of {self.place}", dz, self.rows)
        return (total / max(self.rows, 1),)

    def shape(self, *shapes: Any) -> Any:
        return shapes[0]

    def _sum(
        self,
        place: str,
        array: Any,
        weight: int,
    ) -> Any:
        mine = weight * array if self.rows else np.zeros_like(array)
        return np.sum(exchange(self.comm, place, mine), axis=0)


def summing_over_ranks(comm: Communicator, rows: int) -> setting:
    """Let the layers in this block sum over all ranks. `rows` is the number of rows in this rank's
    share of the batch.
    """
    if comm is None:
        return setting(SUM_OVER_RANKS, None)
    return setting(SUM_OVER_RANKS, lambda x: SumOverRanks(comm, rows)(x))


@contextmanager
def end_together(comm: Communicator) -> Iterator[None]:
    """End all processes if an error ends this block on one rank, because the others would wait for
    that rank forever.

    Without an error, all ranks leave the block together, after rank 0 has written its files.
    """
    if comm is None:
        yield
        return
    try:
        yield
    except BaseException as error:
        code = getattr(error, "code", "")
        if code not in ON_ALL_RANKS and not isinstance(error, Interrupted):
            # one write, because Abort may cut off a second one
            sys.stderr.write(traceback.format_exc())
            comm.Abort(1)  # may return before the process ends
            raise
        exchange(comm, "the end", None)
        raise
    exchange(comm, "the end", None)
