"""Downloads one large file: an interrupted download is resumed, and only a file with the right checksum is accepted.

tensorflow-datasets has a downloader of its own, but that one starts an 84 MB file again from its first byte whenever
the connection drops, never times out on a server that has gone silent, and tries for over a minute before it reports
that there is no network. This one resumes, and reports errors at once.
"""

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from minigrad.errors import DataError, reason, shown
from minigrad.support.files import locked

TIMEOUT = 30  # seconds without a single byte from the server
BLOCK = 1 << 16


@dataclass(frozen=True)
class Archive:
    """A file to download: its address, its size in bytes, and the SHA-256 of its content."""

    url: str
    size: int
    sha256: str

    @property
    def name(self) -> str:
        """The file's own name, the last part of its address."""
        return self.url.rsplit("/", 1)[-1]


def download(archive: Archive, folder: Path) -> Path:
    """The path of `archive` in `folder`: downloaded if it is not there yet, and verified in either case.

    Until it is complete and verified the file is called NAME.part, and a later call resumes it. A file that you put at
    the final path by hand is accepted if its checksum is right. A second program that downloads it waits for the first.

    Errors: DataError, MG421 for a server that cannot be reached or refuses, MG422 for a connection lost on the way,
    MG423 for content that is not the archive, MG424 for a folder that cannot be written or is full.
    """
    path = folder / archive.name
    unfinished = folder / (archive.name + ".part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder):
            if path.exists():
                _verify(path, archive, remedy=f"delete {path} and run this again")
                return path
            _fetch(archive, unfinished)
            try:
                _verify(unfinished, archive, remedy="run this again: it starts from the first byte")
            except DataError:
                unfinished.unlink()
                raise
            os.replace(unfinished, path)
    except OSError as error:
        raise cannot_write(folder, archive.size, error) from error
    return path


def cannot_write(folder: object, size: int, error: Exception) -> DataError:
    """The error for a folder that cannot be used: full, read-only, someone else's, or of a name that none can have."""
    return DataError(
        "MG424",
        f"cannot write into {shown(folder)}: {reason(error)}",
        cause="the disk is full, or the folder is not yours to write, or cannot have that name",
        remedy=f"make room for {size / 1e6:.0f} MB there, or name another folder with data_dir=...",
    )


def _fetch(archive: Archive, unfinished: Path) -> None:
    """Download into `unfinished` what is missing from it."""
    from tqdm import tqdm

    have = unfinished.stat().st_size if unfinished.exists() else 0
    if have > archive.size:  # not something this function wrote
        unfinished.unlink()
        have = 0
    if have == archive.size:
        return
    with _open(archive, have) as response:
        resumed = response.status == http.client.PARTIAL_CONTENT
        have = have if resumed else 0  # a server that ignores Range sends the whole file
        if response.length is not None and response.length != archive.size - have:
            if resumed:
                unfinished.unlink()  # it cannot be the beginning of what the server has
            raise _other_content(
                archive, f"{have + response.length} bytes", f"{archive.size} bytes", remedy="try again later"
            )
        with (
            unfinished.open("ab" if resumed else "wb") as file,
            tqdm(desc=archive.name, total=archive.size, initial=have, unit="B", unit_scale=True, disable=None) as bar,
        ):
            for block in _blocks(archive, response):
                file.write(block)
                have += len(block)
                bar.update(len(block))
                if have > archive.size:
                    break  # without a Content-Length it may never end; the checksum will reject it
    if have < archive.size:
        raise _cut(archive, f"the connection ended after {have} of {archive.size} bytes")


def _open(archive: Archive, have: int) -> http.client.HTTPResponse:
    request = urllib.request.Request(archive.url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        cause = f"the server answered {error.code} {error.reason}"
    except (OSError, http.client.HTTPException) as error:
        cause = f"no connection: {getattr(error, 'reason', error)}"
    else:
        return response
    raise DataError(
        "MG421",
        f"cannot download {archive.url}",
        cause=cause,
        remedy="connect to the network and run this again, or fetch that file by other means and put it into the "
        "folder downloads/ of the data_dir; load_imdb() with no arguments needs no network",
    )


def _blocks(archive: Archive, response: http.client.HTTPResponse) -> Iterator[bytes]:
    """What the server sends. Separate, because an OSError here is the network's fault, and elsewhere the disk's."""
    while True:
        try:
            block = response.read(BLOCK)
        except (OSError, http.client.HTTPException) as error:
            raise _cut(archive, f"the connection broke: {str(error) or type(error).__name__}") from error
        if not block:
            return
        yield block


def _verify(path: Path, archive: Archive, *, remedy: str) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != archive.sha256:
        raise _other_content(archive, f"SHA-256 {found}", archive.sha256, remedy=remedy)


def _cut(archive: Archive, cause: str) -> DataError:
    return DataError(
        "MG422",
        f"the download of {archive.url} was cut short",
        cause=cause,
        remedy="run this again: what has arrived is kept, and the download goes on from there",
    )


def _other_content(archive: Archive, found: str, expected: str, *, remedy: str) -> DataError:
    return DataError(
        "MG423",
        f"this is not {archive.name}: it has {found}, and should have {expected}",
        cause="bytes were changed on the way, or something else answered in the server's place (a login page of the "
        "network, a proxy)",
        remedy=remedy,
    )
