"""Masks, which mark the real time steps of padded sequences; and a warning for padding without a
mask.
"""

import warnings
from typing import Any

import numpy as np

from minigrad import Lookup, Tensor
from minigrad.errors import MinigradError, ShapeError
from minigrad.graph import Array


def as_mask(mask: Any, lengths: Any, batch: int, steps: int) -> Array | None:
    """Combine a mask, lengths, or both into booleans (batch, steps), True at the real steps of each
    sequence. Returns None if both are None.

    Nonzero numbers in a mask count as True, so `mask=ids != 0` and `mask=ids` mean the same.

    >>> as_mask(None, [1, 3], 2, 3)
    array([[ True, False, False],
           [ True,  True,  True]])

    Errors: ShapeError for a mask or lengths of the wrong shape or a sequence without a real step
    (MG222), and for lengths above `steps` (MG223).
    """
    if mask is None and lengths is None:
        return None
    real = np.ones((batch, steps), bool) if mask is None else np.asarray(mask).astype(bool)
    if lengths is not None:
        lengths = np.asarray(lengths)
        if lengths.shape != (batch,) or lengths.dtype.kind not in "iu":
            raise ShapeError(
                "MG222",
                f"lengths of shape {lengths.shape} and dtype {lengths.dtype}, for {batch} sequences",
                cause="each sequence has one length, a whole number of steps",
                remedy="pass an array of integers of shape (batch,)",
            )
        if np.max(lengths, initial=0) > steps:
            raise ShapeError(
                "MG223",
                f"a sequence is said to have {np.max(lengths)} steps, but the sequences are padded "
                f"to {steps}",
                cause="the lengths belong to other sequences, or were taken before these were "
                "shortened",
                remedy=f"lengths run from 1 to {steps}: np.minimum(lengths, {steps})",
            )
        real = real & (np.arange(steps) < np.reshape(lengths, (-1, 1)))
    if real.shape != (batch, steps):
        raise ShapeError(
            "MG222",
            f"the mask has shape {real.shape}, but there are {batch} sequences of {steps} steps",
            cause="a mask says for each step of each sequence whether it is real: (batch, time)",
            remedy=f"make it of shape ({batch}, {steps}), for example ids != 0",
        )
    empty = ~real.any(axis=1)
    if empty.any():
        raise ShapeError(
            "MG222",
            f"sequence {int(np.argmax(empty))} has no real step in the mask ({int(empty.sum())} "
            f"of {batch} have none)",
            cause="an empty sequence has no last state and no mean",
            remedy="leave empty sequences out, or give each a start id",
        )
    return real


class PaddingWarning(UserWarning):
    """Warning (MG227): a layer uses a state computed after padding."""


def warn_of_padding(layer: str, x: Tensor) -> None:
    """Warn (MG227) if x comes from ids that are padded at the end. Call this when there is no mask.

    By convention id 0 is padding. Zeros count as padding if they occur only at the ends of
    sequences and at least one sequence ends in two or more. Only recorded look-ups are checked, to
    keep evaluation fast.
    """
    if not isinstance(x.node.gate, Lookup):
        return
    ids = x.node.arrays[1]
    if ids.ndim != 2:
        return
    zero = ids == 0
    padded = zero[:, -2:].all(axis=1) & ~zero[:, 0]
    if padded.any() and (zero[:, :-1] <= zero[:, 1:]).all():  # zeros only at the ends
        text = MinigradError(
            "MG227",
            f"{layer} takes its last state after up to {zero[padded].sum(axis=1).max()} steps of "
            f"padding, in {padded.sum()} of {len(ids)} sequences",
            cause="they end with id 0, and without a mask the cell runs on over it: little is "
            "left of the words",
            remedy="pass mask=ids != 0, or pad on the left; if 0 is a word here, "
            "mask=np.ones(ids.shape) says so",
        )
        warnings.warn(PaddingWarning(str(text)), stacklevel=4)  # the model's call
