"""Turns the downloaded review archive into a data set that tensorflow-datasets reads, without TensorFlow.

The builder that comes with tensorflow-datasets reads the archive through TensorFlow. This subclass reads it with
`tarfile` instead, and leaves names, keys and features alone. So it writes the same rows in the same order (sorted by a
hash of the key, the file's path in the archive), and `tfds.data_source("imdb_reviews")` cannot tell the difference.
Only the 50,000 reviews without a label are left out.
"""

import gzip
import io
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from minigrad.data.download import Archive, cannot_write, download
from minigrad.errors import DataError, reason, shown
from minigrad.support.files import locked

ARCHIVE = Archive(
    "http://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
    size=84_125_825,
    sha256="c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
)
FOLDER = Path("imdb_reviews", "plain_text", "1.0.0")  # below data_dir, where tensorflow-datasets looks
SPACE = 150_000_000  # bytes that downloading and preparing need at their peak: the archive and the reviews twice
UNPACKED = 10**9  # bytes that the whole archive may unpack to: it has some 300 MB, in 100,000 reviews and a few tables
LONGEST = 10**6  # bytes of a review; the longest that was published has 14,000

_REVIEW = re.compile(r"aclImdb/(train|test)/(neg|pos)/\d+_\d+\.txt")


def prepare(data_dir: Path, archive: Archive) -> None:
    """Download `archive` into data_dir/downloads and write the data set to data_dir/imdb_reviews/plain_text/1.0.0.

    That folder appears only once it is complete. A run that fails or is stopped leaves none, and the next one reuses
    what was downloaded. A second program that prepares the same folder waits for the first.

    Errors: DataError, what `download` raises, MG425 for an archive that cannot be read as one of reviews, MG424 for a
    folder that cannot be written or is full.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        with locked(data_dir):
            if not (data_dir / FOLDER).exists():  # unless another program has just prepared it
                _build(data_dir, download(archive, data_dir / "downloads"))
    except DataError:
        raise
    except (OSError, RuntimeError) as error:  # array_record raises RuntimeError if a write fails
        raise cannot_write(data_dir, SPACE, error) from error


def _build(data_dir: Path, path: Path) -> None:
    import tensorflow_datasets as tfds

    class ImdbReviews(tfds.builder_cls("imdb_reviews"), skip_registration=True):  # type: ignore[misc, call-arg]
        name = "imdb_reviews"

        def _split_generators(self, dl_manager: Any) -> list[Any]:
            return [
                tfds.core.SplitGenerator(
                    name=split, gen_kwargs={"archive": _reviews(path, split), "directory": f"aclImdb/{split}"}
                )
                for split in ("train", "test")
            ]

    ImdbReviews(data_dir=data_dir, file_format="array_record").download_and_prepare()


class _Unpacked(gzip.GzipFile):
    """The archive without its compression. It remembers what was read last, and reads at once what a review may have.

    `tarfile` by itself would try to read as many gigabytes of a header as the archive says it has.
    """

    last = b""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= LONGEST:
            raise tarfile.ReadError(f"a part of it claims to have {size} bytes")
        self.last = super().read(size)
        return self.last


def _reviews(path: Path, split: str) -> Iterator[tuple[str, IO[bytes]]]:
    """One split's reviews: (path in the archive, open file). Nothing is unpacked to disk, so no path can do harm."""
    found: set[str] = set()
    name = "its beginning"
    try:
        with _Unpacked(path) as unpacked, tarfile.open(fileobj=unpacked, mode="r:") as archive:
            while (member := archive.next()) is not None:
                archive.members.clear()  # type: ignore[attr-defined]  # 100,000 would take 100 MB, and none is needed
                name = member.name
                review = _REVIEW.fullmatch(name)
                if fault := _fault(member, review is not None, name in found):
                    raise _not_reviews(path, f"{shown(name)} {fault}")
                if review and review[1] == split and (file := archive.extractfile(member)):
                    content = file.read()
                    content.decode()
                    found.add(name)
                    yield name, io.BytesIO(content)
            if unpacked.last != bytes(tarfile.BLOCKSIZE):
                raise _not_reviews(path, f"it ends after {shown(name)}, without the mark of its end")
            while unpacked.tell() <= UNPACKED and unpacked.read(LONGEST):
                pass  # up to the checksum behind its end
    except DataError:
        raise
    except Exception as error:  # tarfile, gzip and zlib each have their own, and a forged header gets still others
        raise _not_reviews(path, f"at {shown(name)}: {reason(error)}") from error
    if not found:
        raise _not_reviews(path, f"it holds no review to {split} with")


def _fault(member: tarfile.TarInfo, review: bool, repeated: bool) -> str:
    """What is wrong with one member of the archive, if anything is."""
    if member.name.startswith("/") or ".." in member.name.split("/"):
        return "has a path that leads out of the archive"
    if not (member.isdir() or member.isreg()) or member.issparse():
        return "is a link, a device or a sparse file"
    if not 0 <= member.size <= (LONGEST if review else UNPACKED) or member.offset_data + member.size > UNPACKED:
        return f"claims to have {member.size:,} bytes"
    return "is in it twice" if repeated else ""


def _not_reviews(path: Path, cause: str) -> DataError:
    return DataError(
        "MG425",
        f"{shown(path)} cannot be read as an archive of reviews",
        cause=f"it is cut, damaged or something else: {cause}",
        remedy=f"delete {shown(path)} and run this again",
    )
