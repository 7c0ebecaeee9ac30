"""Convert the downloaded reviews into a tensorflow-datasets data set, without TensorFlow.

The builder in tensorflow-datasets reads the archive through TensorFlow. The subclass in this file
reads it with `tarfile` instead. It uses the same names, keys and features, so it writes the same
rows in the same order, and `tfds.data_source("imdb_reviews")` can read them. The rows are sorted by
a hash of the key, which is the file's path in the archive. The 50,000 reviews without a label are
left out.
"""

import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from minigrad.data.download import Archive, cannot_write, download
from minigrad.errors import DataError
from minigrad.support.files import AnyPath, locked, to_path

ARCHIVE = Archive(
    "http://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
    size=84_125_825,
    sha256="c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
)
# the folder inside data_dir where tensorflow-datasets looks for the reviews
FOLDER = Path("imdb_reviews", "plain_text", "1.0.0")
# the peak disk space in bytes: the archive, and two copies of the reviews
SPACE = 150_000_000

_REVIEW = re.compile(r"aclImdb/(train|test)/(neg|pos)/\d+_\d+\.txt")


def prepare(data_dir: AnyPath) -> Path:
    """Prepare the data set in data_dir, unless it is already there. Return the folder `data_dir`.

    ARCHIVE is downloaded into data_dir/downloads. The data set's folder,
    imdb_reviews/plain_text/1.0.0, appears only when it is complete. If a run fails or is stopped,
    the next one reuses the download. If two programs prepare the same folder, the second waits for
    the first.

    Errors: DataError from `download`, or MG424 if the folder is full or cannot be written.
    """
    try:
        root = to_path(data_dir).expanduser()
        prepared = root / FOLDER
        if not prepared.exists():
            root.mkdir(parents=True, exist_ok=True)
            with locked(root):
                if not prepared.exists():  # unless another program has just prepared it
                    _build(root, download(ARCHIVE, root / "downloads"))
        return root
    except DataError:  # a DataError is a RuntimeError, which the next clause would catch
        raise
    # RuntimeError: array_record cannot write, or the home directory is unknown
    except (OSError, RuntimeError) as error:
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
    """Yield (path in the archive, open file) for each review of a split.

    The archive is not unpacked.
    """
    with tarfile.open(path) as archive:
        for member in archive:
            review = _REVIEW.fullmatch(member.name)
            if review and review[1] == split:
                yield member.name, archive.extractfile(member)
