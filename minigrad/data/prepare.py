"""Turns the downloaded review archive into a data set that tensorflow-datasets reads, without TensorFlow.

The builder that comes with tensorflow-datasets reads the archive through TensorFlow. This subclass reads it with
`tarfile` instead, and leaves names, keys and features alone. So it writes the same rows in the same order (sorted by a
hash of the key, the file's path in the archive), and `tfds.data_source("imdb_reviews")` cannot tell the difference.
Only the 50,000 reviews without a label are left out.
"""

from __future__ import annotations

import gzip
import re
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from minigrad.data.download import Archive, cannot_write, download
from minigrad.errors import DataError

ARCHIVE = Archive(
    "http://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
    size=84_125_825,
    sha256="c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
)
FOLDER = Path("imdb_reviews", "plain_text", "1.0.0")  # below data_dir, where tensorflow-datasets looks
SPACE = 150_000_000  # bytes that downloading and preparing need at their peak: the archive and the reviews twice

_REVIEW = re.compile(r"aclImdb/(train|test)/(neg|pos)/\d+_\d+\.txt")


def prepare(data_dir: Path, archive: Archive) -> None:
    """Download `archive` into data_dir/downloads and write the data set to data_dir/imdb_reviews/plain_text/1.0.0.

    That folder appears only once it is complete. A run that fails or is stopped leaves none, and the next one reuses
    what was downloaded.

    Raises DataError: what `download` raises, MG425 for an archive that cannot be read as one of reviews, MG424 for a
    folder that cannot be written or is full.
    """
    import tensorflow_datasets as tfds

    path = download(archive, data_dir / "downloads")

    class ImdbReviews(tfds.builder_cls("imdb_reviews"), skip_registration=True):  # type: ignore[misc, call-arg]
        name = "imdb_reviews"

        def _split_generators(self, dl_manager: Any) -> list[Any]:
            return [
                tfds.core.SplitGenerator(
                    name=split, gen_kwargs={"archive": _reviews(path, split), "directory": f"aclImdb/{split}"}
                )
                for split in ("train", "test")
            ]

    try:
        builder = ImdbReviews(data_dir=data_dir, file_format="array_record")
        builder.download_and_prepare()
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise _not_reviews(path, str(error)) from error
    except DataError:
        raise
    except (OSError, RuntimeError) as error:  # array_record raises RuntimeError if a write fails
        raise cannot_write(data_dir, SPACE, error) from error


def _reviews(path: Path, split: str) -> Iterator[tuple[str, IO[bytes]]]:
    """One split's reviews: (path in the archive, open file). Nothing is unpacked to disk, so no path can do harm."""
    found = 0
    with tarfile.open(path, "r:gz") as archive:
        for member in archive:
            name = _REVIEW.fullmatch(member.name)
            if name and name[1] == split and member.isfile():
                file = archive.extractfile(member)
                assert file is not None  # a regular file has content
                yield member.name, file
                found += 1
    if not found:
        raise _not_reviews(path, f"it holds no review to {split} with")


def _not_reviews(path: Path, cause: str) -> DataError:
    return DataError(
        "MG425",
        f"{path} cannot be read as an archive of reviews",
        cause=f"it is cut, damaged or something else: {cause}",
        remedy=f"delete {path} and run this again",
    )
