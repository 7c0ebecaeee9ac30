"""Download one large file, and accept it only if its checksum is correct.

The downloader in tensorflow-datasets never times out if a server stops answering, and takes more
than a minute to report a missing network. This downloader times out, and reports a missing network
immediately.
"""

import hashlib
import http.client
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from minigrad.errors import DataError, reason, shown
from minigrad.support.files import locked, write_whole

TIMEOUT = 30  # seconds to wait for data from the server


@dataclass(frozen=True)
class Archive:
    """A file to download: its URL, its size in bytes, and the SHA-256 of its content."""

    url: str
    size: int
    sha256: str

    @property
    def name(self) -> str:
        """The file name, which is the last part of the URL."""
        return self.url.rsplit("/", 1)[-1]


def download(archive: Archive, folder: Path) -> Path:
    """Download `archive` into `folder`, unless it is already there, and return its path.

    The file appears in the folder only when it is complete. You may also put it there yourself. In
    either case, its checksum is verified. If two programs download the same file, the second waits
    for the first.

    Errors: DataError MG421 if the server cannot be reached or refuses the request, MG422 if the
    connection is lost, MG423 if the content is not the archive, MG424 if the folder is full or
    cannot be written.
    """
    path = folder / archive.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder):
            if path.exists():
                with path.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                _verify(archive, digest, remedy=f"delete {path} and try again")
            else:
                content = _fetch(archive)
                write_whole(path, lambda file: file.write(content))
    except OSError as error:
        raise cannot_write(folder, archive.size, error) from error
    return path


def cannot_write(folder: object, size: int, error: Exception) -> DataError:
    """Return the error for a folder that cannot be used.

    The folder may be full or read-only, it may belong to someone else, or its name may be invalid.
    """
    return DataError(
        "MG424",
        f"cannot write into {shown(folder)}: {reason(error)}",
        cause="the disk is full, the folder is not writable, or its name is not allowed",
        remedy=f"free {max(1, round(size / 1e6))} MB of disk space, or choose another folder with "
        "data_dir=...",
    )


def _fetch(archive: Archive) -> bytes:
    """Download the archive and return its content. Errors: DataError, as for `download`."""
    from tqdm import tqdm

    content, expected = bytearray(), archive.size
    try:
        with (
            urllib.request.urlopen(archive.url, timeout=TIMEOUT) as response,
            tqdm(
                desc=archive.name, total=archive.size, unit="B", unit_scale=True, disable=None
            ) as bar,
        ):
            expected = min(int(response.headers.get("Content-Length", 0)), archive.size)
            while len(content) <= archive.size and (block := response.read1()):
                content += block
                bar.update(len(block))
            cause = f"the connection ended after {len(content)} of {expected} bytes"
    except urllib.error.HTTPError as error:
        error.close()
        cause = f"the server answered {error.code} {error.reason}"
    except (OSError, http.client.HTTPException) as error:
        cause = f"the connection failed: {getattr(error, 'reason', reason(error))}"
        expected = archive.size
    if content and len(content) < expected:
        raise DataError(
            "MG422",
            f"the download of {archive.url} is incomplete",
            cause=cause,
            remedy="try the download again",
        )
    if len(content) < expected:
        raise DataError(
            "MG421",
            f"cannot download {archive.url}",
            cause=cause,
            remedy="connect to the network and try again, or put the file into the folder "
            "data_dir/downloads yourself; load_imdb() without arguments works without a network",
        )
    _verify(archive, hashlib.sha256(content).hexdigest(), remedy="try the download again")
    return bytes(content)


def _verify(archive: Archive, digest: str, *, remedy: str) -> None:
    if digest != archive.sha256:
        raise DataError(
            "MG423",
            f"{archive.name} has SHA-256 {digest} instead of {archive.sha256}",
            cause="the file was changed in transit, or a login page or a proxy answered the request",
            remedy=remedy,
        )
