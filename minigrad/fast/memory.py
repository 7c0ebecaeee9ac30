"""Telling the C library to keep freed memory for the next training step."""

import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # the numbers of malloc.h


def keep_freed(keep: bool) -> None:
    """Let glibc return memory to the system only when more than 256 MB are free, and reuse blocks
    of up to 64 MB.

    A training step may allocate and free a hundred megabytes of arrays. By default glibc returns
    them to the system and requests them again, page by page, which can take longer than the
    arithmetic. `keep=False` sets its default of 128 kB for both again. On other systems this does
    nothing.
    """
    if sys.platform != "linux":
        return
    import ctypes  # NumPy has loaded it already

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc has it, musl has not
    if mallopt is None:
        return
    mallopt(_TRIM_THRESHOLD, 256 << 20 if keep else 128 << 10)
    accepted = mallopt(_MMAP_THRESHOLD, 64 << 20 if keep else 128 << 10)
    if not accepted:  # older versions of glibc allow 32 MB at most
        mallopt(_MMAP_THRESHOLD, 32 << 20)
