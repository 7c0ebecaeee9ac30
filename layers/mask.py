"""Masks, which mark the real time steps of padded sequences, and a warning about padding without a
mask.
"""

import warnings
from typing import Any

import numpy as np

from minigrad import Lookup, Tensor
from minigrad.errors import MinigradError, ShapeError
from minigrad.graph import Array


def as_mask(mask: Any, lengths: Any, batch: int, steps: int) -> Array | None:
    """Combine a mask, lengths, or both into a boolean array (batch, steps), which is True at the
    real steps of each sequence. Returns None if both are None.

    Nonzero numbers in a mask count as True, so `mask=ids != 0` and `mask=ids` mean the same.

    >>> as_mask(None, [1, 3], 2, 3)
    array([[ True, False, False],
           [ True,  True,  True]])

    Errors: ShapeError for a mask or lengths of the wrong shape and for a sequence without real
    steps (MG222), and for lengths above `steps` (MG223).
    """
    if mask is None and lengths is None:
        return None
    real = np.ones((batch, steps), bool) if mask is None else np.asarray(mask).astype(bool)
    if lengths is not None:
        lengths = np.asarray(lengths)
        if lengths.shape != (batch,) or lengths.dtype.kind not in "iu":
            raise ShapeError(
                "MG222",
                f"lengths has shape {lengths.shape} and dtype {lengths.dtype} for {batch} sequences",
                cause="lengths must contain one integer for each sequence",
                remedy="pass an array of integers of shape (batch,)",
            )
        if np.max(lengths, initial=0) > steps:
            raise ShapeError(
                "MG223",
                f"lengths contains {np.max(lengths)}, but the sequences are padded to {steps} "
                "steps",
                cause="the lengths belong to other sequences, or were computed before these "
                "sequences were shortened",
                remedy=f"use lengths from 1 to {steps}, for example np.minimum(lengths, {steps})",
            )
        real = real & (np.arange(steps) < np.reshape(lengths, (-1, 1)))
    if real.shape != (batch, steps):
        raise ShapeError(
            "MG222",
            f"the mask has shape {real.shape}, but there are {batch} sequences of {steps} steps",
            cause="a mask of shape (batch, time) marks which steps of each sequence are real",
            remedy=f"use a mask of shape ({batch}, {steps}), for example ids != 0",
        )
    empty = ~real.any(axis=1)
    if empty.any():
        raise ShapeError(
            "MG222",
            f"the mask marks no real steps in sequence {int(np.argmax(empty))} (affects "
            f"{int(empty.sum())} of {batch} sequences)",
            cause="an empty sequence has no last state and no mean",
            remedy="leave out empty sequences, or add a start id to each sequence",
        )
    return real


class PaddingWarning(UserWarning):
    """Warning (MG227): a layer uses a state computed after padding.

    Since: 0.1.
    """


def warn_of_padding(layer: str, x: Tensor) -> None:
    """Warn (MG227) if x comes from ids that are padded at the end. Call this when there is no mask.

    By convention, id 0 is padding. Zeros count as padding if they occur only at the ends of
    sequences and at least one sequence ends in two or more zeros. Only recorded look-ups are
    checked, to keep evaluation fast.
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
            f"{layer} reads up to {zero[padded].sum(axis=1).max()} steps of padding before its "
            f"last state, in {padded.sum()} of {len(ids)} sequences",
            cause="these sequences end with id 0; without a mask, the padding overwrites most of "
            "what the cell remembers",
            remedy="pass mask=ids != 0, or pad on the left; if id 0 is a word, pass "
            "mask=np.ones(ids.shape)",
        )
        warnings.warn(PaddingWarning(str(text)), stacklevel=4)  # the model's call
