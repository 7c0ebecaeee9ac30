"""Files on disk: written whole or not at all, and opened only where there is a file to read."""

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
except ImportError:  # Windows, where an open file cannot be removed anyway; and WebAssembly
    fcntl = None  # type: ignore[assignment]

AnyPath = str | os.PathLike[str]
# characters of a file's name in its unfinished one's, which may have 255 bytes of UTF-8
LONGEST = 50


def to_path(path: AnyPath) -> Path:
    """`path` as a Path. Errors: OSError for what cannot name a file: nothing at all, a NUL byte,
    another type.
    """
    try:
        text = os.fsdecode(path)
        if text and b"\0" not in os.fsencode(text):
            return Path(text)
    except (TypeError, UnicodeError):
        pass
    raise OSError(errno.EINVAL, "no file can have that name", repr(path))


def open_file(path: AnyPath) -> IO[bytes]:
    """Open a regular file to read its bytes. Errors: OSError, also for a folder, and a device,
    which may not end.
    """
    path = to_path(path)
    _permissions(path)
    return open(path, "rb")


def write_whole(path: AnyPath, write: Callable[[IO[bytes]], object]) -> None:
    """Let `write(file)` write a new file, under a temporary name until it is on disk, and then
    rename it to `path`.

    If that fails for any reason, the old file stays, and no part of the new one does. If `path` is
    a link, its target is replaced; permissions stay. What a killed program left unfinished, the
    next one that writes this file replaces.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.txt"
    >>> write_whole(path, lambda file: file.write(b"whole"))
    >>> path.read_text()
    'whole'

    Errors: OSError, and whatever `write` raises.
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
                # still locked, so that no other program writes into it
                os.replace(unfinished, path)
        except BaseException:
            # Windows removes no open file; the next to write this one replaces it
            with contextlib.suppress(OSError):
                unfinished.unlink()
            raise
    if fcntl is None:
        os.replace(unfinished, path)  # Windows renames no open file
    # The new name survives a power cut only if the folder is on disk too. Not every file system can
    # sync a folder, and not every folder may be opened; the file itself is written by now, so that
    # is no failure.
    with contextlib.suppress(OSError), _opened(path.parent) as folder:
        os.fsync(folder)


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        yield handle
    finally:
        os.close(handle)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Within this block no other program or thread is in a block for the same folder; it waits, and
    says so.

    The lock ends with the program, however it ends, and leaves no file behind. Errors: OSError for
    no such folder.
    """
    if fcntl is None:
        yield
        return
    with _opened(folder) as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for another program that works in {folder}", file=sys.stderr)
            _lock(handle)
        except OSError:
            pass  # a file system without locks
        yield


def _lock(file: IO[bytes] | int) -> None:
    """Wait for the lock of a file, if its file system has locks: some that are mounted over a
    network have none.
    """
    if fcntl is not None:
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)


def _open_or_create(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CREAT, 0o666)


def _begin(unfinished: Path) -> IO[bytes]:
    """The unfinished file, empty and locked, so that a second program that writes the same file
    waits.
    """
    while True:
        # the caller closes it
        file = open(unfinished, "r+b", opener=_open_or_create)  # noqa: SIM115
        _lock(file)
        # the program that was waited for has renamed it
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.stat(unfinished), os.fstat(file.fileno())):
                file.truncate()
                return file
        file.close()


def _permissions(path: Path) -> int:
    """The permissions of a regular file. Errors: OSError if there is none, or something else has
    that name.
    """
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is a folder or a device", str(path))
    return stat.S_IMODE(mode)
