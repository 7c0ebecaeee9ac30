"""Batches of rows, shuffled with a seed. Iteration can resume at any batch."""

import operator
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.data.text import is_count, pad, row_of_ids
from minigrad.errors import DataError, DtypeError, OptionError, ShapeError

from ..help.other_frameworks import answering

Array = npt.NDArray[Any]
Column = Array | list[Array]


class Batches:
    """Iterate over batches, which are tuples with `batch_size` rows of each array.

    The last batch may have fewer rows. The rows of an array are along axis 0. Pass rows of
    different lengths, such as whole reviews, as a list. Each batch of such rows is an integer
    array, padded on the left with 0 to the length of its longest row.

    A pass over all rows is an epoch. With `shuffle`, epoch e has the order
    `np.random.default_rng([seed, e]).permutation(rows)`. Each epoch therefore has a different
    order, but every run uses the same orders. A pass that stops early, for example after one batch,
    does not count. The next pass starts the same epoch again.

    >>> batches = Batches(np.arange(5), [[1], [1, 2], [1, 2, 3], [1], [1]], batch_size=2, shuffle=False)
    >>> len(batches)
    3
    >>> for numbers, ids in batches:
    ...     print(numbers, ids.tolist())
    [0 1] [[0, 1], [1, 2]]
    [2 3] [[1, 2, 3], [0, 0, 1]]
    [4] [[1]]

    `state_dict()` returns the current position, even in the middle of a pass. After
    `load_state_dict`, the next pass continues from there.

    Errors: DataError MG411 if there are no arrays or no rows, OptionError MG412 for a batch size
    below 1, ShapeError MG413 for arrays of different lengths, DtypeError MG416 for an argument
    without rows and MG407 for rows of different lengths that do not contain integers.

    Since: 0.1.
    """

    @answering
    def __init__(
        self,
        *arrays: npt.ArrayLike | Sequence[npt.ArrayLike],
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int = 0,
    ) -> None:
        self.columns = [_column(array, number) for number, array in enumerate(arrays)]
        self.shuffle, self.seed = shuffle, operator.index(seed)
        counts = [len(column) for column in self.columns]
        if not counts or not counts[0] and len(set(counts)) == 1:
            raise DataError(
                "MG411",
                f"cannot make batches from {len(counts)} arrays" + " with 0 rows" * bool(counts),
                cause="the data, or the selected part of it, is empty",
                remedy="pass at least one array with at least one row",
            )
        if len(set(counts)) > 1:
            raise ShapeError(
                "MG413",
                f"the arrays have different numbers of rows: {', '.join(map(str, counts))}",
                cause="row i of every array must belong to example i",
                remedy="select the same rows from every array",
            )
        check_size(batch_size=batch_size)
        self.rows, self.batch_size = counts[0], int(batch_size)
        self.epoch = 0  # the number of finished passes
        self._start = 0  # the first batch of the next pass; only load_state_dict sets it
        self._position = 0  # the number of batches that the current pass has yielded

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        return -(-self.rows // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Array, ...]]:
        epoch, self._position = self.epoch, self._start
        for position, rows in enumerate(self._picked(epoch)[self._start :], self._start):
            # Set `epoch` too, because another pass may have begun and ended in the meantime.
            self.epoch, self._position = epoch, position + 1
            yield tuple(
                pad([one[row] for row in rows]) if isinstance(one, list) else one[rows]
                for one in self.columns
            )
        self.epoch, self._start, self._position = epoch + 1, 0, 0

    def _picked(self, epoch: int) -> Sequence[Any]:
        """Return the row indices of each batch in an epoch."""
        order = np.arange(self.rows)
        if self.shuffle:
            order = np.random.default_rng([self.seed, epoch]).permutation(order)
        return [
            order[start : start + self.batch_size] for start in range(0, self.rows, self.batch_size)
        ]

    def state_dict(self) -> dict[str, int]:
        """Return the position (`epoch`, and `position` in batches) and the order's settings."""
        return {"epoch": self.epoch, "position": self._position, **self._order()}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Continue from `state`. Errors: OptionError MG414 if the state is from different batches."""
        here = self._order()
        different = [
            f"{name} was {state.get(name)!r} and is now {here[name]}"
            for name in here
            if state.get(name) != here[name]
        ]
        if different:
            raise OptionError(
                "MG414",
                "the saved position belongs to different batches: " + ", ".join(different),
                cause="in a different order, some rows would be used twice and others never",
                remedy="create the Batches with the same data, batch_size, shuffle and seed as "
                "when the state was saved",
            )
        self.epoch, self._start = state["epoch"], state["position"]
        self._position = self._start

    def _order(self) -> dict[str, int]:
        return {
            "rows": self.rows,
            "batch_size": self.batch_size,
            "shuffle": int(self.shuffle),
            "seed": self.seed,
        }


class Stream(Batches):
    """Iterate over a long sequence of ids in windows (x, y), where y is one step ahead of x.

    x and y have shape (batch_size, steps). The ids are cut into `batch_size` rows of equal length.
    Each window continues where the previous window ended. This suits a model that carries its state
    from window to window; see `layers.Stateful`.

    An epoch is a pass over all windows. With `windows=n`, an epoch is the next n windows, and the
    first window follows the last. The position, `state_dict` and `load_state_dict` work as in
    `Batches`.

    >>> for x, y in Stream(np.arange(10), batch_size=2, steps=2):
    ...     print(x.tolist(), y.tolist())
    [[0, 1], [4, 5]] [[1, 2], [5, 6]]
    [[2, 3], [6, 7]] [[3, 4], [7, 8]]

    Errors: DataError MG417 for fewer ids than a window needs, OptionError MG412 for a size below 1,
    DtypeError MG407 if `ids` is not a row of integers.

    Since: 0.2.
    """

    @answering
    def __init__(
        self,
        ids: npt.ArrayLike,
        batch_size: int = 32,
        steps: int = 50,
        *,
        windows: int | None = None,
    ) -> None:
        ids = row_of_ids(ids, 0)
        check_size(batch_size=batch_size, steps=steps, windows=1 if windows is None else windows)
        count = (len(ids) - 1) // (batch_size * steps)
        if count < 1:
            raise DataError(
                "MG417",
                f"{len(ids)} ids are too few for a window of {batch_size} rows (batch_size) and "
                f"{steps} steps",
                cause=f"at least {batch_size * steps + 1} ids are needed, because every step "
                "predicts the next id",
                remedy="use a smaller batch_size, fewer steps, or a longer text",
            )
        used = count * batch_size * steps
        shape = (batch_size, count, steps)
        x, y = (part.reshape(shape).swapaxes(0, 1) for part in (ids[:used], ids[1 : used + 1]))
        super().__init__(x, y, batch_size=1, shuffle=False)
        self.shape, self._windows = (batch_size, steps), windows or count

    def __len__(self) -> int:
        """The number of windows in an epoch."""
        return self._windows

    def _picked(self, epoch: int) -> Any:
        return (epoch * len(self) + np.arange(len(self))) % self.rows

    def _order(self) -> dict[str, int]:
        return {**super()._order(), "steps": self.shape[1], "windows": len(self)}


def check_size(**sizes: object) -> None:
    """Raise OptionError MG412 unless each size is an integer of at least 1."""
    for name, size in sizes.items():
        if not is_count(size, 1):
            raise OptionError(
                "MG412",
                f"batches cannot have {name}={size!r}",
                cause=f"{name} counts rows, steps or windows, so it must be at least 1",
                remedy=f"set {name} to an integer of 1 or more",
            )


def _column(array: Any, number: int) -> Column:
    """Convert an argument to an array, or to a list if its rows have different lengths.

    The rows of a list are padded batch by batch.
    """
    column = np.empty(())
    with suppress(ValueError):  # lists of lists of different lengths
        if isinstance(array, (list, tuple)):
            rows = list(map(np.asarray, array))
            if len({row.shape for row in rows}) > 1:
                return [row_of_ids(row, place) for place, row in enumerate(rows)]
        # Without this check, NumPy would split anything with a length, such as Reviews, into rows.
        if isinstance(array, Sequence) or hasattr(array, "__array__"):
            column = np.asarray(array)
    if column.ndim == 0 or column.dtype == object:
        raise DtypeError(
            "MG416",
            f"array {number} has no rows that can be put into batches: its type is "
            f"{type(array).__name__}",
            cause="batches are made from arrays of numbers and lists of rows",
            remedy="pass each array separately, as in Batches(reviews.ids, reviews.labels)",
        )
    return column
