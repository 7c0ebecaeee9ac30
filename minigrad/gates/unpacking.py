"""Results that other frameworks return in a pair, such as maxima and their indices, or the outputs and
the state of a recurrent layer.

Unpacking such a result with `a, b = result` would assign its first two rows.
"""

import sys
import warnings
from collections.abc import Iterator
from opcode import opmap
from types import FrameType
from typing import Any, ClassVar

from ..errors import ShapeError
from ..tensor import Tensor


def unpacks(frame: FrameType, count: int) -> bool:
    """Return whether the frame is executing an assignment to `count` names, such as `a, b = x`."""
    code, at = frame.f_code.co_code, frame.f_lasti
    return tuple(code[at : at + 2]) == (opmap["UNPACK_SEQUENCE"], count)


class UnpackingWarning(UserWarning):
    """Warning (MG234): a Tensor is unpacked into its two rows, probably because it was mistaken for
    a pair such as (output, state) or (values, indices).

    Since: 0.2.
    """


class Handle(Tensor):
    """Base class of Tensors that watch how they are used. They differ from Tensors in nothing else:
    a gate's output is an ordinary Tensor.
    """

    __slots__ = ()

    @classmethod
    def of(cls, tensor: Tensor) -> Any:
        """Return a handle of this class to the tensor's node."""
        handle = cls.__new__(cls)
        handle.node = tensor.node
        return handle


class Unpaired(Handle):
    """A Tensor that is not a pair. `a, b = tensor` raises a ShapeError (MG234), or causes an
    UnpackingWarning if there are two rows. Loops over the rows are allowed.
    """

    __slots__ = ()

    result: ClassVar[str]
    """A description of the tensor for the message."""

    cause: ClassVar[str]
    remedy: ClassVar[str]

    def __iter__(self) -> Iterator[Tensor]:  # type: ignore[override]
        if unpacks(sys._getframe(1), 2):
            two = self.shape[:1] == (2,)
            error = ShapeError(
                "MG234",
                f"you unpacked {self.result} of shape {self.shape} into "
                + ("its 2 rows" if two else "2 names"),
                cause=self.cause,
                remedy=f"{self.remedy}; if you want the rows, index them, as in z[0]",
            )
            if not two:
                raise error
            warnings.warn(UnpackingWarning(str(error)), stacklevel=2)
        return super().__iter__()
