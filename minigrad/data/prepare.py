"""Turns the downloaded review archive into a data set that tensorflow-datasets reads, without
TensorFlow.

The builder that comes with tensorflow-datasets reads the archive through TensorFlow. This subclass
reads it with `tarfile` instead, and leaves names, keys and features alone. So it writes the same
rows in the same order (sorted by a hash of the key, the file's path in the archive), and
`tfds.data_source("imdb_reviews")` cannot tell the difference. Only the 50,000 reviews without a
label are left out.
"""

import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from minigrad.data.download import Archive, cannot_write, download
from minigrad.errors import DataError
from minigrad.support.files import locked

ARCHIVE = Archive(
    "http://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
    size=84_125_825,
    sha256="c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
)
# below data_dir, where tensorflow-datasets looks
FOLDER = Path("imdb_reviews", "plain_text", "1.0.0")
# bytes that downloading and preparing need at their peak: the archive and the reviews twice
SPACE = 150_000_000

_REVIEW = re.compile(r"aclImdb/(train|test)/(neg|pos)/\d+_\d+\.txt")


def prepare(data_dir: Path, archive: Archive) -> None:
    """Download `archive` into data_dir/downloads and write the data set to
    data_dir/imdb_reviews/plain_text/1.0.0.

    That folder appears only once it is complete. A run that fails or is stopped leaves none, and
    the next one reuses what was downloaded. A second program that prepares the same folder waits
    for the first.

    Errors: DataError, what `download` raises, MG424 for a folder that cannot be written or is full.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        with locked(data_dir):
            if not (data_dir / FOLDER).exists():  # unless another program has just prepared it
                _build(data_dir, download(archive, data_dir / "downloads"))
    except DataError:  # a RuntimeError too
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
                    name=split,
                    gen_kwargs={"archive": _reviews(path, split), "directory": f"aclImdb/{split}"},
                )
                for split in ("train", "test")
            ]

    ImdbReviews(data_dir=data_dir, file_format="array_record").download_and_prepare()


def _reviews(path: Path, split: str) -> Iterator[tuple[str, IO[bytes] | None]]:
    """One split's reviews: (path in the archive, open file). Nothing is unpacked to disk."""
    with tarfile.open(path) as archive:
        for member in archive:
            review = _REVIEW.fullmatch(member.name)
            if review and review[1] == split:
                yield member.name, archive.extractfile(member)
