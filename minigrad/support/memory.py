"""Make the C library keep freed memory for the next training step."""

import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # constants from malloc.h


def keep_freed() -> None:
    """Make glibc reuse blocks of up to 64 MB, and keep up to 256 MB of freed memory.

    A training step may allocate and free a hundred megabytes of arrays. By default, glibc returns
    this memory to the system and requests it again page by page, which can take longer than the
    arithmetic. On systems without glibc, this function has no effect.
    """
    if sys.platform != "linux":
        return
    import ctypes  # already loaded by NumPy

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc has mallopt, musl does not
    if mallopt is None:
        return
    mallopt(_TRIM_THRESHOLD, 256 << 20)
    accepted = mallopt(_MMAP_THRESHOLD, 64 << 20)
    if not accepted:  # older versions of glibc allow 32 MB at most
        mallopt(_MMAP_THRESHOLD, 32 << 20)
