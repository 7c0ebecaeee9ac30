"""Functions to write files atomically, to lock folders, and to open only regular files."""

import contextlib
import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # on WebAssembly and on Windows; Windows cannot remove an open file anyway
    fcntl = None  # type: ignore[assignment]

AnyPath = str | os.PathLike[str]
# A temporary file's name contains at most this many characters of the original name, so that the
# temporary name never exceeds 255 bytes.
LONGEST = 50


def to_path(path: AnyPath) -> Path:
    """Return `path` as a Path.

    Errors: OSError if `path` is empty, contains a NUL byte, or is not a path.
    """
    try:
        text = os.fsdecode(path)
        if text and b"\0" not in os.fsencode(text):
            return Path(text)
    except (TypeError, UnicodeError):
        pass
    raise OSError(errno.EINVAL, "no file can have that name", repr(path))


def open_file(path: AnyPath) -> IO[bytes]:
    """Open a regular file to read its bytes.

    Errors: OSError if the file cannot be opened, or if it is a folder or a device. Reading from a
    device may never end.
    """
    path = to_path(path)
    _permissions(path)
    return open(path, "rb")


def write_whole(path: AnyPath, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file atomically: to a temporary file, which is then renamed to `path`.

    `write(file)` writes the content. If writing fails, the old file is left unchanged and the
    temporary file is removed. If `path` is a link, its target is replaced. Permissions are kept. If
    a program is killed while writing, the next program that writes this file replaces the temporary
    file.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.txt"
    >>> write_whole(path, lambda file: file.write(b"whole"))
    >>> path.read_text()
    'whole'

    Errors: OSError, and any exception that `write` raises.
    """
    path = Path(os.path.realpath(to_path(path)))
    permissions = _permissions(path) if path.exists() else None
    unfinished = path.with_name(f".{path.name[-LONGEST:]}.unfinished")
    with _begin(unfinished) as file:
        try:
            write(file)
            file.flush()
            os.fsync(file.fileno())
            if permissions is not None:
                os.chmod(unfinished, permissions)
            if fcntl is not None:
                # renamed while it is locked, because another program may wait to write to it
                os.replace(unfinished, path)
        except BaseException:
            # Windows cannot remove an open file; the next call for this path replaces it
            with contextlib.suppress(OSError):
                unfinished.unlink()
            raise
    if fcntl is None:
        os.replace(unfinished, path)  # Windows cannot rename an open file
    # The new name survives a power failure only if the folder is synced too. Some file systems
    # cannot do this, and some folders cannot be opened. Such errors are ignored, because the file
    # itself is already written.
    with contextlib.suppress(OSError), _opened(path.parent) as folder:
        os.fsync(folder)


def save_text(path: AnyPath, text: str) -> None:
    """Write a UTF-8 text file atomically, with the line endings that `text` has. Errors: OSError."""
    write_whole(path, lambda file: file.write(text.encode()))


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        yield handle
    finally:
        os.close(handle)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock a folder within this block. Other programs and threads print a message and wait.

    The lock is released when the program ends for any reason, and leaves no file behind. Errors:
    OSError if the folder does not exist.
    """
    if fcntl is None:
        yield
        return
    with _opened(folder) as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for another program that is using {folder}", file=sys.stderr)
            _lock(handle)
        except OSError:
            pass  # a file system without locks
        yield


def _lock(file: IO[bytes] | int) -> None:
    """Wait for the lock of a file. Do nothing on file systems without locks."""
    if fcntl is not None:
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)


def _open_or_create(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CREAT, 0o666)


def _begin(unfinished: Path) -> IO[bytes]:
    """Open the temporary file, empty and locked. A second program that writes it has to wait."""
    while True:
        # the caller closes it
        file = open(unfinished, "r+b", opener=_open_or_create)  # noqa: SIM115
        _lock(file)
        # if the program that held the lock has renamed the file, try again
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.stat(unfinished), os.fstat(file.fileno())):
                file.truncate()
                return file
        file.close()


def _permissions(path: Path) -> int:
    """Return the permissions of a regular file.

    Errors: OSError if it does not exist or is not a regular file.
    """
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is a folder or a device", str(path))
    return stat.S_IMODE(mode)
