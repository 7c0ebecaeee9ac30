"""Files on disk: written whole or not at all, and opened only where there is a file to read."""

import contextlib
import errno
import glob
import os
import secrets
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be removed anyway; and WebAssembly
    fcntl = None  # type: ignore[assignment]

AnyPath = str | os.PathLike[str]


def to_path(path: AnyPath) -> Path:
    """`path` as a Path. Errors: OSError for what cannot name a file: nothing at all, a NUL byte, another type."""
    try:
        text = os.fsdecode(path)
        if text and b"\0" not in os.fsencode(text):
            return Path(text)
    except (TypeError, UnicodeError):
        pass
    raise OSError(errno.EINVAL, "no file can have that name", repr(path))


def open_file(path: AnyPath) -> IO[bytes]:
    """Open a regular file to read its bytes. Errors: OSError, also for a folder, and a device, which may not end."""
    path = to_path(path)
    _permissions(path)
    return open(path, "rb")


def write_whole(path: AnyPath, write: Callable[[IO[bytes]], object]) -> None:
    """Let `write(file)` write a new file, under a temporary name until it is on disk, and then rename it to `path`.

    If that fails for any reason, the old file stays, and no part of the new one does. If `path` is a link, its target
    is replaced; permissions stay. Unfinished files that killed programs left for this path are removed.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.txt"
    >>> write_whole(path, lambda file: file.write(b"whole"))
    >>> path.read_text()
    'whole'

    Errors: OSError, and whatever `write` raises.
    """
    path = to_path(path)
    if path.is_symlink():
        path = Path(os.path.realpath(path))
    permissions = None
    with contextlib.suppress(FileNotFoundError):
        permissions = _permissions(path)
    clear_unfinished(path.parent, glob.escape(_stem(path)))
    unfinished, file = _begin(path)
    try:
        with file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
            if permissions is not None:
                os.chmod(unfinished, permissions)
            if os.name == "posix":
                os.replace(unfinished, path)  # still locked, so that nobody takes it for abandoned
        if os.name != "posix":
            os.replace(unfinished, path)
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
    # The new name survives a power cut only if the folder is on disk too. Not every file system can sync a folder, and
    # not every folder may be opened; the file itself is written by now, so that is no failure.
    with contextlib.suppress(OSError):
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def clear_unfinished(folder: AnyPath, name: str = "*") -> None:
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


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Within this block no other program or thread is in a block for the same folder; it waits, and says so.

    The lock ends with the program, however it ends, and leaves no file behind. Errors: OSError for no such folder.
    """
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for another program that works in {folder}", file=sys.stderr)
            _lock(handle)
        except OSError:
            pass  # a file system without locks
        yield
    finally:
        os.close(handle)


def _lock(file: IO[bytes] | int) -> None:
    """Wait for the lock of a file, if its file system has locks: some that are mounted over a network have none."""
    if fcntl is not None:
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)


def _begin(path: Path) -> tuple[Path, IO[bytes]]:
    """A new file beside `path`, open for writing, and locked to show other programs that its writer is alive."""
    while True:
        unfinished = path.with_name(f".{_stem(path)}.{secrets.token_hex(4)}.unfinished")
        file = open(unfinished, "xb")  # noqa: SIM115  # the caller closes it
        _lock(file)
        if unfinished.exists():
            return unfinished, file
        file.close()  # another program took it for abandoned and removed it before it was locked


def _stem(path: Path) -> str:
    """So much of a file's name that the unfinished one's, in UTF-8, stays below the 255 bytes that systems allow."""
    return path.name[-50:]


def _permissions(path: Path) -> int:
    """The permissions of a regular file. Errors: OSError if there is none, or something else has that name."""
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is a folder or a device", str(path))
    return stat.S_IMODE(mode)
