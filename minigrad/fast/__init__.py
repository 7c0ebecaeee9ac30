"""Code whose only purpose is speed. `enable()` and `disable()` turn it on and off.

`import minigrad` calls `enable()`. The plain versions return the same results, up to rounding, and
are easier to follow in a debugger. `enable()` makes three changes:

- The functions of `context.SEAMS` become the fast versions in the table FAST below.
- `call` replaces `Gate.__call__`. It has separate code for the usual cases of one or two Tensors.
- On Linux, freed memory remains allocated for the next training step.

The optimizers use two types defined in this package: SparseGradient, which lets them update only
some rows, and Table, whose rows may have pending updates.
"""

from ..context import SEAMS
from ..gate import Gate
from . import accumulator, kernels, memory, table
from .gate_call import call, general_call

FAST = {
    "add": accumulator.add,
    "scatter": accumulator.scatter,
    "make_table": table.make_table,
    "read_rows": table.read_rows,
    "in_blocks": kernels.in_blocks,
    "distinct_ids": kernels.distinct_ids,
    "sum_by_place": kernels.sum_by_place,
    "fuse_layers": True,
}
"""The fast version of each seam."""


def enable() -> None:
    """Use the fast versions from now on, in all threads."""
    SEAMS.use(FAST)
    Gate.__call__ = call  # type: ignore[method-assign]
    memory.keep_freed(True)


def disable() -> None:
    """Use the plain versions from now on, in all threads, for example for debugging and tests.

    Existing tables keep their pending updates. A snapshot with pending updates can be resumed only
    while the fast versions are enabled. Otherwise, resuming raises MG505.
    """
    SEAMS.use(SEAMS.plain_versions)
    Gate.__call__ = general_call  # type: ignore[method-assign]
    memory.keep_freed(False)
