"""Atomic file writing: a file is written under a temporary name, synced to disk, and only then renamed.

Whatever happens, either the old file or the complete new one is there.
"""

from __future__ import annotations

import contextlib
import glob
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be removed anyway; and WebAssembly
    fcntl = None  # type: ignore[assignment]


def write_whole(path: str | os.PathLike[str], write: Callable[[IO[bytes]], object]) -> None:
    """Let `write(file)` write a new file, which replaces `path` atomically once it is complete and on disk.

    If that fails for any reason, the old file stays, and no part of the new one does. If `path` is a link, its target
    is replaced; permissions stay. Unfinished files that killed programs left for this path are removed.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.txt"
    >>> write_whole(path, lambda file: file.write(b"whole"))
    >>> path.read_text()
    'whole'

    Errors: OSError, and whatever `write` raises.
    """
    path = Path(os.path.realpath(path)) if os.path.islink(path) else Path(path)
    if not path.name or "\0" in str(path):
        raise OSError(22, "it is not a file name", str(path))
    clear_unfinished(path.parent, glob.escape(path.name[-80:]))
    unfinished, file = _begin(path)
    try:
        with file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
            if path.exists():
                shutil.copymode(path, unfinished)
            if os.name == "posix":
                os.replace(unfinished, path)  # still locked, so that nobody takes it for abandoned
        if os.name != "posix":
            os.replace(unfinished, path)
        elif fcntl is not None:  # the new name survives a power cut only if the folder is on disk too
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)


def _begin(path: Path) -> tuple[Path, IO[bytes]]:
    """A new file beside `path`, open for writing, and locked to show other programs that its writer is alive."""
    while True:
        unfinished = path.with_name(f".{path.name[-80:]}.{secrets.token_hex(4)}.unfinished")
        file = open(unfinished, "xb")  # noqa: SIM115  # the caller closes it
        if fcntl is None:
            return unfinished, file
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return unfinished, file
        file.close()  # another program took it for abandoned and removed it before it was locked


def clear_unfinished(folder: str | os.PathLike[str], name: str = "*") -> None:
    """Remove half-written files that killed programs left in a folder, for files called `name` (a pattern).

    A file that a running program is still writing is left alone.
    """
    for stray in Path(folder).glob(f".{name}.????????.unfinished"):
        with contextlib.suppress(OSError), open(stray, "rb") as file:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # BlockingIOError, an OSError, if it is being written
            else:
                file.close()  # Windows cannot remove an open file
            stray.unlink()
