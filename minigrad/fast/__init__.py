"""Everything that only saves time, and the switch for it: `enable()`, which `import minigrad`
calls, and `disable()`.

Without it all results are the same, up to rounding, and the plain versions are easier to follow
with a debugger. When enabled:

- the functions of `context.SEAMS` are the fast ones of the table FAST below;
- `call` replaces `Gate.__call__`: it is written out for one Tensor and for two, which nearly all
  calls have;
- memory that is freed stays allocated for the next training step, on Linux.

The optimizers know two types that are defined here: SparseGradient, which lets them update rows,
and Table, whose rows may have updates pending. docs/design.md has how much time each part saves.
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
    """Use the plain versions from now on, in all threads: to step through them in a debugger, and
    for tests.

    Tables that were made before keep their pending updates. A snapshot with pending updates needs
    such tables: it can be resumed only when enabled (otherwise MG505).
    """
    SEAMS.use(SEAMS.plain_versions)
    Gate.__call__ = general_call  # type: ignore[method-assign]
    memory.keep_freed(False)
