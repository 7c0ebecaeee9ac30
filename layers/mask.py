"""Masks: which time steps are real and which are padding; and a warning for padding that is not
masked.
"""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad import Lookup, Tensor
from minigrad.errors import MinigradError, OptionError, ShapeError

Mask = NDArray[np.bool_]


def as_mask(mask: Any, lengths: Any, batch: int, steps: int) -> Mask | None:
    """Booleans (batch, steps), True at the real steps of each sequence, from a mask or lengths;
    None without either.

    Numbers in a mask count as True where they are not 0, so that `mask=ids != 0` and `mask=ids`
    mean the same.

    >>> as_mask(None, [1, 3], 2, 3)
    array([[ True, False, False],
           [ True,  True,  True]])

    Errors: ShapeError for a mask of another shape or a sequence without a real step (MG222) and for
    lengths that do not fit (MG223), OptionError for both at once (MG225).
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
            f"the mask has shape {real.shape}, but there are {batch} sequences of {steps} steps",
            cause="a mask says for each step of each sequence whether it is real: (batch, time)",
            remedy=f"make it of shape ({batch}, {steps}), for example ids != 0",
        )
    if not (some := real.any(axis=1)).all():
        raise ShapeError(
            "MG222",
            f"sequence {int(np.argmin(some))} has no real step in the mask ({int((~some).sum())} "
            f"of {batch} have none)",
            cause="an empty sequence has no last state and no mean",
            remedy="leave empty sequences out, or give each a start id",
        )
    return real


class PaddingWarning(UserWarning):
    """Warning (MG227): a last state is read after padding."""


def warn_of_padding(layer: str, x: Tensor) -> None:
    """Warn (MG227) if x was looked up with ids that are padded at the end. To be called where no
    mask is given.

    By convention id 0 is padding. Zeros are taken for padding if they stand only at the ends of
    sequences, and some sequence ends in two or more. Only a recorded look-up is checked, so that
    evaluation is not slowed down.
    """
    if not isinstance(x.node.gate, Lookup):
        return
    ids = x.node.arrays[1]
    if ids.ndim != 2 or ids[:, -1].all():
        return
    zero = ids == 0
    # zeros at the end of each sequence
    closing = np.logical_and.accumulate(zero[:, ::-1], axis=1).sum(axis=1)
    padded = (closing > 1) & (closing < ids.shape[1])
    if padded.any() and (closing == zero.sum(axis=1)).all():
        text = MinigradError(
            "MG227",
            f"{layer} takes its last state after up to {closing[padded].max()} steps of padding, "
            f"in {padded.sum()} of {len(ids)} sequences",
            cause="they end with id 0, and without a mask the cell runs on over it: little is "
            "left of the words",
            remedy="pass mask=ids != 0, or pad on the left; if 0 is a word here, "
            "mask=np.ones(ids.shape) says so",
        )
        warnings.warn(PaddingWarning(str(text)), stacklevel=4)  # where the model calls the layer


def _from_lengths(lengths: NDArray[Any], batch: int, steps: int) -> Mask:
    if lengths.shape != (batch,) or lengths.dtype.kind not in "iu":
        raise ShapeError(
            "MG223",
            f"lengths of shape {lengths.shape} and dtype {lengths.dtype} were given for a batch of "
            f"{batch}",
            cause="there must be one integer for each sequence",
            remedy=f"give {batch} integers",
        )
    if (wrong := (lengths < 1) | (lengths > steps)).any():
        first = int(np.argmax(wrong))
        raise ShapeError(
            "MG223",
            f"sequence {first} is said to have {lengths[first]} steps, but the sequences are "
            f"padded to {steps}",
            cause="the lengths belong to other sequences, or were taken before these were shortened"
            if lengths[first] > steps
            else "an empty sequence has no last state and no mean",
            remedy=f"lengths run from 1 to {steps}: np.minimum(lengths, {steps})",
        )
    return np.arange(steps) < lengths[:, None]
