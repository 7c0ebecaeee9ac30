"""Convert words to integer ids and back, with a tokenizer, vocabularies, and padding.

The ids follow Keras's convention.

Errors: none if the argument is a string or an array of integers.
"""

import hashlib
import io
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt

from minigrad.errors import DataError, DtypeError, IndexRangeError, OptionError, reason, shown
from minigrad.support.files import open_file, write_whole

from ..help.other_frameworks import answering

PADDING, START, UNKNOWN = 0, 1, 2
SPECIAL = ("<pad>", "<start>", "<unknown>")
# The start of a saved file. It contains white space, so no word can start with it.
FIRST_LINE = "# minigrad vocabulary"

Ids = npt.NDArray[np.int64]

# A run of letters and digits in any alphabet. `\w` alone would include the underscore.
_WORD = re.compile(r"[^\W_]+")

# Text without white space, control characters, byte-order marks and surrogates (halves of
# characters).
_NO_SPACE = re.compile(r"[^\s\x00-\x1f\x7f-\x9f\ufeff\ud800-\udfff]+")


def tokenize(text: str) -> list[str]:
    """Split `text` into lower-case words, which are runs of letters and digits.

    The rule is deliberately simple, and does not handle HTML. As in Keras's own IMDB vocabulary,
    the line break `<br />` in a raw review becomes the word `br`. An apostrophe splits a word in
    two.

    >>> tokenize("Don't miss it!<br />10/10")
    ['don', 't', 'miss', 'it', 'br', '10', '10']

    Since: 0.1.
    """
    return _WORD.findall(text.lower())


class Vocabulary:
    """The words that have their own ids.

    Ids 0, 1 and 2 stand for padding, the start of a review, and an unknown word.
    `Vocabulary(words)` assigns ids to the words in order, starting with 3.
    `Vocabulary.build(texts)` counts words and keeps the most frequent ones. Build the vocabulary
    from the training split alone. Counting words in the test split would leak test data into
    training.

    >>> vocabulary = Vocabulary.build(["the film", "the end"], size=5)
    >>> len(vocabulary), vocabulary.words
    (5, ['the', 'end'])
    >>> vocabulary.encode("The film: the END")
    array([1, 3, 2, 3, 4])
    >>> vocabulary.decode([0, 0, 1, 3, 2])
    '<start> the <unknown>'

    Errors: OptionError MG401 for repeated words, and for strings that are not valid words.

    Since: 0.1.
    """

    @answering
    def __init__(self, words: Iterable[str]) -> None:
        self.words = list(words)
        for word in self.words:
            if not _is_word(word):
                raise OptionError(
                    "MG401",
                    f"{word!r} cannot be a word of a vocabulary",
                    cause="a word must be text without white space or control characters, and must differ from "
                    + ", ".join(SPECIAL),
                    remedy="split text into words with minigrad.data.tokenize",
                )
        self._ids = {word: id for id, word in enumerate(self.words, start=len(SPECIAL))}
        if len(self._ids) < len(self.words):
            repeated, times = Counter(self.words).most_common(1)[0]
            raise OptionError(
                "MG401",
                f"the word {repeated!r} occurs {times} times in the vocabulary",
                cause="each word must have exactly one id",
                remedy="list each word once, or build the vocabulary from texts with "
                "Vocabulary.build",
            )

    @classmethod
    def build(cls, texts: Iterable[str | Iterable[str]], size: int = 10_000) -> "Vocabulary":
        """Build a vocabulary of at most `size` ids: three special ones, then the most common words.

        A text is a string, which is tokenized, or a list of words. Words of equal frequency are
        sorted alphabetically, so the ids do not depend on the order of the texts.

        Errors: OptionError MG402 if the size leaves no room for a word.
        """
        count = Counter(chain.from_iterable(map(_words, texts)))
        return cls(sorted(count, key=lambda word: (-count[word], word))).limit(size)

    def limit(self, size: int) -> "Vocabulary":
        """Return a vocabulary of only the first `size` ids.

        Errors: OptionError MG402 if the size leaves no room for a word.
        """
        check_vocabulary_size(size)
        return Vocabulary(self.words[: size - len(SPECIAL)])

    def encode(self, text: str | Iterable[str]) -> Ids:
        """Return the start id, followed by an id for each word of a string or list.

        The result has shape (1 + words,).

        >>> Vocabulary(["good", "film"]).encode(["good", "grief"])
        array([1, 3, 2])
        """
        ids = (self._ids.get(word, UNKNOWN) for word in _words(text))
        return np.array([START, *ids], dtype=np.int64)

    def decode(self, ids: npt.ArrayLike) -> str:
        """Return the words of `ids` in one string, without padding.

        Errors: IndexRangeError MG403 for an id outside the vocabulary.
        """
        return " ".join(self[id] for id in np.asarray(ids).ravel().tolist() if id != PADDING)

    def __len__(self) -> int:
        return len(SPECIAL) + len(self.words)

    def __contains__(self, word: str) -> bool:
        return word in self._ids

    def __getitem__(self, id: int) -> str:
        """Return the word for an id."""
        special = _checked_id(id, len(self)) < len(SPECIAL)
        return SPECIAL[id] if special else self.words[id - len(SPECIAL)]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the vocabulary to a UTF-8 text file.

        The first line contains the number of words and a checksum. The words follow, one on each
        line. The last line is empty.

        Errors: DataError MG408 if the file cannot be written. In this case, an existing file is
        unchanged.
        """
        try:
            write_whole(path, lambda file: file.write(self._text().encode()))
        except OSError as error:
            raise DataError(
                "MG408",
                f"cannot write {shown(path)}",
                cause=reason(error),
                remedy="choose a folder that exists and is writable, or free some disk space",
            ) from error

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Vocabulary":
        """Read a file written by `save`, or a plain list with one word per line.

        Errors: DataError MG404 if the file cannot be read; MG405 if it is damaged or empty, or if a
        line is not a word.
        """
        remedy = "write it again with Vocabulary.save; if you write a list of words yourself, put one word on each line"
        missing = "check the path, or write the file with Vocabulary.save"
        with reading(path, remedy, missing):
            # utf-8-sig skips a byte-order mark
            with io.TextIOWrapper(open_file(path), encoding="utf-8-sig") as file:
                text = file.read()
            if not text:
                raise ValueError("it is empty")
            if not text.endswith("\n"):
                raise ValueError("its last line does not end with a line break")
            saved = text.startswith(FIRST_LINE)
            vocabulary = cls(text.split("\n")[saved : -1 - saved])
            if saved and vocabulary._text() != text:
                raise ValueError("its words do not match the checksum in its first line")
        return vocabulary

    def _text(self) -> str:
        words = "".join(word + "\n" for word in self.words)
        digest = hashlib.sha256(words.encode()).hexdigest()
        # A plain list of words does not end with an empty line. So a saved file without its first
        # line is not mistaken for a plain list.
        return f"{FIRST_LINE}: {len(self.words)} words, SHA-256 {digest}\n{words}\n"


class Characters:
    """The characters that have their own ids.

    The ids start at 1 and follow the order of the code points. All other characters have id 0,
    which is decoded as "\ufffd".

    >>> characters = Characters.build("to be or not to be", size=6)
    >>> characters.alphabet, characters.encode("to boot")
    (' beot', array([5, 4, 1, 2, 4, 4, 5], dtype=uint16))
    >>> characters.decode(characters.encode("born"))
    'bo��'

    Errors: OptionError MG402 for an empty alphabet, IndexRangeError MG403 for an id out of range.

    Since: 0.2.
    """

    @answering
    def __init__(self, alphabet: str) -> None:
        self.alphabet = "".join(sorted(set(alphabet)))
        check_vocabulary_size(len(self), least=2)
        self._ids = {one: id for id, one in enumerate(self.alphabet, start=1)}

    @classmethod
    def build(cls, text: str, size: int = 128) -> "Characters":
        """Assign ids to the most frequent characters of `text`: at most `size` ids, including 0."""
        check_vocabulary_size(size, least=2)
        count = Counter(text)
        return cls("".join(sorted(count, key=lambda one: (-count[one], one))[: size - 1]))

    def encode(self, text: str) -> npt.NDArray[Any]:
        """Return the id of each character, in an array of shape (len(text),).

        The ids are 16-bit integers if the alphabet is small enough.
        """
        dtype = np.uint16 if len(self) <= 1 << 16 else int
        return np.array([self._ids.get(one, 0) for one in text], dtype)

    def decode(self, ids: npt.ArrayLike) -> str:
        """Return the characters of `ids` in one string."""
        known = "\ufffd" + self.alphabet
        return "".join(known[_checked_id(id, len(self))] for id in np.asarray(ids).ravel().tolist())

    def __len__(self) -> int:
        return 1 + len(self.alphabet)


@answering
def pad(
    sequences: Iterable[npt.ArrayLike],
    length: int | None = None,
    *,
    side: str = "left",
) -> Ids:
    """Put rows of ids into one array (rows, length), padded with 0 on one side.

    - `length`: the length of each row, by default the length of the longest row. If a row is
      longer, only its last ids are kept.
    - `side`: where the padding goes, "left" or "right". The default suits a recurrent network that
      classifies from its last state, because the last steps are then words and not padding.

    >>> pad([[1, 5, 6], [1]], 2)
    array([[5, 6],
           [0, 1]])
    >>> pad([[1, 5, 6], [1]], side="right")
    array([[1, 5, 6],
           [1, 0, 0]])

    Errors: OptionError MG406 for a length below 1 or an unknown side; DtypeError MG407 for rows
    that are not one-dimensional or contain anything but integers. Source: Keras's `pad_sequences`.

    Since: 0.1.
    """
    if side not in ("left", "right"):
        raise OptionError(
            "MG406",
            f"pad does not accept side={side!r}",
            cause="each row is padded either on the left or on the right",
            remedy="use side='left' or side='right'",
        )
    given: Any = sequences
    if not isinstance(given, Iterable):
        given = [given]
    rows = [row_of_ids(row, number) for number, row in enumerate(given)]
    check_length(length)
    if length is None:
        length = max(map(len, rows), default=0)
    padded = np.full((len(rows), length), PADDING, dtype=np.int64)
    for target, row in zip(padded, rows, strict=True):
        row = row[-length:]
        start = length - len(row) if side == "left" else 0
        target[start : start + len(row)] = row
    return padded


def mask(ids: Ids) -> npt.NDArray[np.bool_]:
    """Return a mask that is True for words and start ids, and False for padding.

    The mask has the shape of `ids`.

    >>> mask(np.array([[0, 1, 7]]))
    array([[False,  True,  True]])

    Since: 0.1.
    """
    return np.not_equal(ids, PADDING)


def lengths(ids: Ids) -> Ids:
    """Count the non-padding ids in each row: (rows, time) to (rows,).

    >>> lengths(np.array([[0, 1, 7], [1, 7, 7]]))
    array([2, 3])

    Since: 0.1.
    """
    return np.asarray(mask(ids).sum(axis=-1, dtype=np.int64))


def is_count(value: object, least: int) -> TypeGuard[int]:
    """Return whether `value` is an integer of at least `least`, and not a bool."""
    return (
        isinstance(value, (int, np.integer)) and not isinstance(value, bool) and int(value) >= least
    )


def check_length(length: object) -> None:
    """Raise OptionError MG406 unless `length` is None or an integer of at least 1."""
    if length is not None and not is_count(length, 1):
        raise OptionError(
            "MG406",
            f"rows cannot have length {length!r}",
            cause="a row must have at least one id",
            remedy="use a length of 1 or more, or None to keep all ids",
        )


def check_vocabulary_size(size: object, least: int = len(SPECIAL) + 1) -> None:
    """Raise OptionError MG402 unless `size` is an integer of at least `least`."""
    if not is_count(size, least):
        raise OptionError(
            "MG402",
            f"a vocabulary of size {size!r} has no room for a word or a character",
            cause=f"the ids below {least - 1} are reserved",
            remedy=f"use a size of at least {least}, and a text that is not empty",
        )


def _checked_id(id: Any, size: int) -> int:
    """Return the id. Errors: IndexRangeError MG403 unless it is an integer from 0 to size - 1."""
    if not is_count(id, 0) or id >= size:
        raise IndexRangeError(
            "MG403",
            f"the id {id} is outside the vocabulary of {size} ids",
            cause="the id comes from a larger vocabulary, or the number is not an id",
            remedy="decode with the vocabulary that encoded the ids; this vocabulary has ids from 0 "
            f"to {size - 1}",
        )
    return id


@contextmanager
def reading(path: object, remedy: str, missing: str = "") -> Iterator[None]:
    """Report errors in this block, which reads a file.

    `missing` is the remedy if the file cannot be read, by default `remedy`.

    Errors: DataError MG404 if the file cannot be read, and MG405 for all other errors.
    """
    try:
        yield
    except (OSError, MemoryError) as error:
        raise DataError(
            "MG404",
            f"cannot read {shown(path)}",
            cause=reason(error),
            remedy=missing or remedy,
        ) from error
    # zipfile, zlib, struct and NumPy each raise their own exceptions for damaged files.
    except Exception as error:
        raise DataError(
            "MG405",
            f"the file {shown(path)} is damaged",
            cause=shown(getattr(error, "what", reason(error))),
            remedy=remedy,
        ) from error


def _is_word(word: object) -> bool:
    return isinstance(word, str) and word not in SPECIAL and bool(_NO_SPACE.fullmatch(word))


def _words(text: str | Iterable[str]) -> Iterable[str]:
    return tokenize(text) if isinstance(text, str) else text


def row_of_ids(row: npt.ArrayLike, number: int) -> npt.NDArray[Any]:
    """Return one row as an array.

    Errors: DtypeError MG407 unless the row is one-dimensional and contains integers.
    """
    try:
        array = np.asarray(row)
    except ValueError:  # lists of different lengths
        array = np.empty((0, 0))
    usable = np.issubdtype(array.dtype, np.integer) and np.can_cast(array.dtype, np.int64)
    if array.ndim != 1 or array.size and not usable:
        raise DtypeError(
            "MG407",
            f"row {number} is not a row of ids: shape {array.shape}, dtype {array.dtype}",
            cause="pad takes a list of rows; each row is a list or one-dimensional array of "
            "integers of up to 64 bits",
            remedy="encode text with Vocabulary.encode first; to pad a single row, pass [row]",
        )
    return array
