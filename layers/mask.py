"""Which time steps are real: masks and lengths, checked; and padding that nobody masked. Knows no cell."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad import Lookup, Tensor
from minigrad.errors import MinigradError, OptionError, ShapeError

Mask = NDArray[np.bool_]


def as_mask(mask: Any, lengths: Any, batch: int, steps: int) -> Mask | None:
    """Booleans (batch, steps), True where a row has a step, from a mask or from lengths; None where neither is given.

    Numbers in a mask count as True where they are not 0, so that `mask=ids != 0` and `mask=ids` say the same.

    >>> as_mask(None, [1, 3], 2, 3)
    array([[ True, False, False],
           [ True,  True,  True]])

    Errors: ShapeError for a mask of another shape or a row without a step (MG222) and for lengths that do not fit
    (MG223), OptionError for both at once (MG225).
    """
    if mask is None and lengths is None:
        return None
    if mask is not None and lengths is not None:
        raise OptionError(
            "MG225",
            "both a mask and lengths were given",
            cause="either says by itself which steps are real",
            remedy="leave one out; lengths are for sequences padded at the end, a mask is for any",
        )
    if lengths is not None:
        return _from_lengths(np.asarray(lengths), batch, steps)
    real: Mask = np.asarray(mask).astype(np.bool_)
    if real.shape != (batch, steps):
        raise ShapeError(
            "MG222",
            f"the mask has shape {real.shape}, and the sequences are {batch} rows of {steps} steps",
            cause="a mask says for each row and step whether it is real: (batch, time)",
            remedy=f"make it of shape ({batch}, {steps}), for example ids != 0",
        )
    if not (some := real.any(axis=1)).all():
        raise ShapeError(
            "MG222",
            f"row {int(np.argmin(some))} of the mask has no step at all ({int((~some).sum())} of {batch} rows)",
            cause="an empty sequence has no last state and no mean",
            remedy="leave empty sequences out, or give each a start id",
        )
    return real


class PaddingWarning(UserWarning):
    """A last state that was read after padding (MG227)."""


def warn_of_padding(layer: str, x: Tensor) -> None:
    """Warn (MG227) if x was looked up for ids that are padded at the end: to be called where no mask says so.

    It goes by the convention that id 0 is padding, and takes zeros for that where they stand at the ends of rows alone
    and some row has two or more. Only a recorded look-up can be seen, so that evaluation is never held up.
    """
    if not isinstance(x.node.gate, Lookup):
        return
    ids = x.node.arrays[1]
    if ids[:, -1].all():
        return
    zero = ids == 0
    closing = np.logical_and.accumulate(zero[:, ::-1], axis=1).sum(axis=1)  # zeros at the end of each row
    padded = (closing > 1) & (closing < ids.shape[1])
    if padded.any() and (closing == zero.sum(axis=1)).all():
        text = MinigradError(
            "MG227",
            f"{layer} takes its last state after up to {closing[padded].max()} steps of padding, in {padded.sum()} of "
            f"{len(ids)} rows",
            cause="the rows end with id 0, and without a mask the cell runs on over it: little of the words is left",
            remedy="pass mask=ids != 0, or pad on the left; if 0 is a word here, mask=np.ones(ids.shape) says so",
        )
        warnings.warn(PaddingWarning(str(text)), stacklevel=4)  # where the model calls the layer


def _from_lengths(lengths: NDArray[Any], batch: int, steps: int) -> Mask:
    if lengths.shape != (batch,) or lengths.dtype.kind not in "iu":
        raise ShapeError(
            "MG223",
            f"lengths of shape {lengths.shape} and dtype {lengths.dtype} were given for a batch of {batch}",
            cause="there is one whole number for each row",
            remedy=f"give {batch} integers",
        )
    wrong = (lengths < 1) | (lengths > steps)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ShapeError(
            "MG223",
            f"row {row} is said to have {lengths[row]} steps, and the sequences are padded to {steps}",
            cause="the lengths belong to other sequences, or were taken before these were cut to size"
            if lengths[row] > steps
            else "an empty sequence has no last state and no mean",
            remedy=f"lengths run from 1 to {steps}: np.minimum(lengths, {steps})",
        )
    return np.arange(steps) < lengths[:, None]
