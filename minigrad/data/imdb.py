"""The IMDB movie reviews as ids and labels, from the bundled file or through tensorflow-datasets.

Source: Andrew L. Maas, Raymond E. Daly, Peter T. Pham, Dan Huang, Andrew Y. Ng, Christopher Potts,
"Learning Word Vectors for Sentiment Analysis", ACL 2011,
https://ai.stanford.edu/~amaas/data/sentiment/.
"""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic

import numpy as np
import numpy.typing as npt

from minigrad.data.text import (
    UNKNOWN,
    Ids,
    Vocabulary,
    check_length,
    check_vocabulary_size,
    pad,
    reading,
)
from minigrad.errors import DataError, OptionError, pip_install, reason, shown
from minigrad.support.notebook import table

from ..help.other_frameworks import answering

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # typing.TypeVar has no default before Python 3.13

    # without a type argument, `Reviews` means padded ids in one array
    Rows = TypeVar("Rows", bound=Ids | list[Ids], default=Ids)
else:
    from typing import TypeVar

    Rows = TypeVar("Rows")

BUNDLE = Path(__file__).with_name("imdb.npz")
BUNDLED_LENGTH, BUNDLED_VOCABULARY = 40, 10_000
ONE_BYTE = 217
"""The file stores an id below 217 in one byte, and a larger one in two: with `rest = id - 217`,
these are `217 + rest // 256` and `rest % 256`. Smaller ids belong to more frequent words.
"""


@dataclass(frozen=True)
class Reviews(Generic[Rows]):
    """Reviews with labels, which are 0 for negative and 1 for positive.

    - `ids`: an integer array (reviews, length), or a list of integer arrays for whole reviews.
    - `labels`: an integer array (reviews,).
    - `texts`: the raw reviews, or None if they were not loaded.

    `reviews[rows]` selects rows with a slice, an array of indices, or a boolean mask.

    >>> reviews = Reviews(np.array([[1, 5], [1, 6], [1, 7]]), np.array([0, 1, 1]))
    >>> len(reviews[:2]), reviews[reviews.labels == 1].ids.tolist()
    (2, [[1, 6], [1, 7]])

    Since: 0.1.
    """

    ids: Rows
    labels: Ids
    texts: list[str] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        ids = "" if isinstance(self.ids, list) else f" of {self.ids.shape[1]} ids"
        return f"<{len(self):,} reviews{ids}, {np.count_nonzero(self.labels):,} of them positive>"

    def __getitem__(self, rows: slice | npt.ArrayLike) -> Reviews[Rows]:
        picked = rows if isinstance(rows, slice) else np.asarray(rows)
        chosen = np.atleast_1d(np.arange(len(self))[picked])
        ids: Any = self.ids
        ids = [ids[row] for row in chosen] if isinstance(ids, list) else ids[chosen]
        texts = None if self.texts is None else [self.texts[row] for row in chosen]
        return Reviews(ids, self.labels[chosen], texts)

    def hold_back(self, count: int, seed: int = 0) -> tuple[Reviews[Rows], Reviews[Rows]]:
        """Return (the remaining rows, `count` random rows for validation).

        Both parts keep the original order of the rows. `seed` determines the random choice.

        >>> rest, held = Reviews(np.zeros((10, 2), dtype=int), np.arange(10)).hold_back(3)
        >>> len(rest), len(held), sorted([*rest.labels.tolist(), *held.labels.tolist()]) == list(range(10))
        (7, 3, True)
        """
        order = np.random.default_rng(seed).permutation(len(self))
        return self[np.sort(order[count:])], self[np.sort(order[:count])]


@dataclass(frozen=True)
class IMDB(Generic[Rows]):
    """25,000 reviews for training, 25,000 for testing, and the vocabulary of their ids.

    Since: 0.1.
    """

    train: Reviews[Rows]
    test: Reviews[Rows]
    vocabulary: Vocabulary

    def __repr__(self) -> str:
        return (
            f"<IMDB: {len(self.train):,} reviews to train on, {len(self.test):,} to test on, "
            f"a vocabulary of {len(self.vocabulary):,}>"
        )

    def _repr_html_(self) -> str:
        shown = zip(self.train.ids[:4], self.train.labels[:4], strict=True)
        rows = [
            ("positive" if label else "negative", self.vocabulary.decode(ids))
            for ids, label in shown
        ]
        return table(repr(self), ("label", "the first reviews, decoded"), rows)


@answering
def load_imdb(
    source: str = "bundled",
    *,
    data_dir: str | os.PathLike[str] | None = None,
    length: int | None = BUNDLED_LENGTH,
    vocabulary_size: int = BUNDLED_VOCABULARY,
) -> IMDB[Any]:
    """Load the IMDB reviews, from the bundled file or through tensorflow-datasets.

    Each review is cut to its last `length` ids. A shorter review is padded on the left. The
    vocabulary is built from the training split alone.

    - `source="bundled"`: at most 40 ids per review, and a vocabulary of at most 10,000. This source
      does not need a network or any other package.
    - `source="tfds"`: any `vocabulary_size` and any `length`. `length=None` loads whole reviews, as
      a list of rows of different lengths. `.texts` contains the raw reviews. The reviews are read
      from `data_dir`, by default `$TFDS_DATA_DIR` or `~/tensorflow_datasets`. If they are not
      there, they are first downloaded (84 MB) and prepared.

    As in tensorflow-datasets, the rows are sorted by a hash of the file name. As a result, the
    classes are mixed, and the order is the same on every machine and for both sources.

    >>> data = load_imdb()
    >>> data.train.ids.shape, data.train.labels[:5].tolist(), len(data.vocabulary)
    ((25000, 40), [0, 0, 0, 1, 1], 10000)
    >>> data.vocabulary.decode(data.train.ids[0])[-60:]
    'christopher walken s good name i could barely sit through it'

    Errors: OptionError MG432 for an unknown source, MG433 for sizes that the bundled file cannot
    provide, MG436 if data_dir is used with the bundled reviews, MG406 and MG402 for invalid sizes;
    DataError MG404 if the bundled file is missing, MG405 if it is damaged, MG434 if
    tensorflow-datasets cannot be imported, MG435 if the prepared reviews cannot be read, and MG421
    to MG424 if the download fails.

    Since: 0.1.
    """
    check_vocabulary_size(vocabulary_size)
    check_length(length)
    if source == "bundled":
        if data_dir is not None:
            raise OptionError(
                "MG436",
                f"data_dir={str(data_dir)!r} does not apply to the bundled reviews",
                cause="the bundled reviews are a file inside minigrad; data_dir is for reviews that "
                "tensorflow-datasets prepared",
                remedy='load that folder with load_imdb("tfds", data_dir=...), or leave out '
                "data_dir",
            )
        return _bundled(length, vocabulary_size)
    if source == "tfds":
        return _from_tfds(data_dir, length, vocabulary_size)
    raise OptionError(
        "MG432",
        f"load_imdb has no source {source!r}",
        cause="reviews come from the file inside minigrad or from tensorflow-datasets",
        remedy='use "bundled" for the file that comes with minigrad, or "tfds" for full-length '
        "reviews",
    )


def _bundled(length: int | None, vocabulary_size: int) -> IMDB:
    if length is None or length > BUNDLED_LENGTH or vocabulary_size > BUNDLED_VOCABULARY:
        raise OptionError(
            "MG433",
            f"the bundled reviews cannot provide length={length} with "
            f"vocabulary_size={vocabulary_size}",
            cause=f"the bundled reviews contain the last {BUNDLED_LENGTH} ids of each review, from "
            f"a vocabulary of {BUNDLED_VOCABULARY}",
            remedy='load full-length reviews with load_imdb("tfds", ...)',
        )
    with reading(BUNDLE, "reinstall minigrad, because the file is part of the package"):
        with np.load(io.BytesIO(BUNDLE.read_bytes()), allow_pickle=False) as members:
            arrays = dict(members)
        words = arrays["words"].tobytes().decode().split("\n")
        return IMDB(
            _split(arrays, "train", length, vocabulary_size),
            _split(arrays, "test", length, vocabulary_size),
            Vocabulary(words).limit(vocabulary_size),
        )


def _split(arrays: dict[str, Any], split: str, length: int, vocabulary_size: int) -> Reviews:
    """Return the last `length` ids of a split's reviews, with the unknown id in place of ids
    outside the vocabulary.

    The result is the same as if the reviews had been encoded with the smaller vocabulary.
    """
    ids = _joined(arrays[f"{split}_ids"], arrays[f"{split}_second"])[:, -length:]
    labels = arrays[f"{split}_labels"].astype(np.int64)
    return Reviews(np.where(ids < vocabulary_size, ids, UNKNOWN), labels)


def _joined(first: Ids, second: Ids) -> Ids:
    """Return the ids that are stored in these bytes. `second` has a byte for each byte in `first`
    that is ONE_BYTE or more.

    The ids have the dtype intp, because np.bincount accepts no larger one in WebAssembly.

    >>> _joined(np.array([[5, 216, 217, 218]]), np.array([3, 4])).tolist()
    [[5, 216, 220, 477]]
    """
    ids = first.astype(np.intp)
    two = ids >= ONE_BYTE
    ids[two] = ONE_BYTE + (ids[two] - ONE_BYTE) * 256 + second
    return ids


def _from_tfds(
    data_dir: str | os.PathLike[str] | None, length: int | None, vocabulary_size: int
) -> IMDB[Any]:
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise DataError(
            "MG434",
            f"full-length reviews need tensorflow-datasets, which cannot be imported: {error}",
            cause="tensorflow-datasets is an optional dependency (the extra `data`), and part of "
            "it is not installed",
            remedy="install it with "
            f"`{pip_install('tensorflow-datasets', 'importlib_resources', 'array_record')}`; "
            "load_imdb() without arguments does not need it",
        ) from error
    from minigrad.data import prepare

    root = prepare.prepare(tfds.core.constants.DATA_DIR if data_dir is None else data_dir)
    try:
        source = tfds.data_source("imdb_reviews", data_dir=root, download=False)
        train, test = (_read(source[split]) for split in ("train", "test"))
    # protobuf, array_record and tensorflow-datasets each raise their own exceptions.
    except Exception as error:
        raise DataError(
            "MG435",
            f"the prepared reviews in {shown(root / prepare.FOLDER)} cannot be read",
            cause="a file is missing or damaged, or the reviews are not in the array_record format: "
            + reason(error),
            remedy="delete that folder or choose another with data_dir=..., and try again",
        ) from error
    vocabulary = Vocabulary.build(train[0], vocabulary_size)
    return IMDB(
        _encoded(*train, vocabulary, length), _encoded(*test, vocabulary, length), vocabulary
    )


def _read(rows: Any) -> tuple[list[str], Ids]:
    """Return the texts and labels of a split that tensorflow-datasets prepared."""
    found = rows.__getitems__(range(len(rows)))
    return [row["text"].decode() for row in found], np.array(
        [row["label"] for row in found], dtype=np.int64
    )


def _encoded(
    texts: list[str], labels: Ids, vocabulary: Vocabulary, length: int | None
) -> Reviews[Any]:
    ids = [vocabulary.encode(text) for text in texts]
    return Reviews(ids if length is None else pad(ids, length), labels, texts)
