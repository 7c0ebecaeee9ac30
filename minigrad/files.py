"""Writing a file whole or not at all: under another name beside it, synced to the disk, and renamed at the end.

Whatever happens, there is the old file or the new one. Nothing here knows what is in the file.
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
    """Let `write(file)` write a file that takes the place of `path` at once, when it is complete and on the disk.

    If that fails, with whatever error, the old file stays and no part of the new one does. A link stays a link, and its
    target is replaced; permissions stay. Unfinished files that killed programs left for this path are removed.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.txt"
    >>> write_whole(path, lambda file: file.write(b"whole"))
    >>> path.read_text()
    'whole'

    Errors: OSError, and whatever `write` raises.
    """
    path = Path(os.path.realpath(path)) if os.path.islink(path) else Path(path)
    if not path.name or "\0" in str(path):
        raise OSError(22, "it is no name of a file", str(path))
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
                os.replace(unfinished, path)  # while it is locked: nobody takes it for abandoned in between
        if os.name != "posix":
            os.replace(unfinished, path)
        elif fcntl is not None:  # the new name itself is safe only when the folder is on the disk too
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)


def _begin(path: Path) -> tuple[Path, IO[bytes]]:
    """A new file beside `path`, open for writing, and locked: the sign that its writer is alive."""
    while True:
        unfinished = path.with_name(f".{path.name[-80:]}.{secrets.token_hex(4)}.unfinished")
        file = open(unfinished, "xb")  # noqa: SIM115  # the caller closes it
        if fcntl is None:
            return unfinished, file
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return unfinished, file
        file.close()  # before it was locked, somebody took it for abandoned and removed it


def clear_unfinished(folder: str | os.PathLike[str], name: str = "*") -> None:
    """Remove what killed programs left half-written in a folder, for files called `name` (a pattern).

    A file that a living program is writing is left alone.
    """
    for stray in Path(folder).glob(f".{name}.????????.unfinished"):
        with contextlib.suppress(OSError), open(stray, "rb") as file:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # BlockingIOError, an OSError, if it is being written
            else:
                file.close()  # Windows removes no open file
            stray.unlink()
