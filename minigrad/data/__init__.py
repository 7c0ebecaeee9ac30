"""Convert texts to batches of integer ids, and load texts and images.

This package contains a tokenizer, vocabularies, padding, batches, the IMDB data set, names,
Shakespeare, and handwritten digits.
"""

from typing import TYPE_CHECKING, Any

from minigrad.data.batches import Batches, Stream
from minigrad.data.corpora import load_names, load_shakespeare
from minigrad.data.images import load_digits, load_mnist
from minigrad.data.imdb import IMDB, Reviews, load_imdb
from minigrad.data.text import Characters, Vocabulary, lengths, mask, pad, tokenize
from minigrad.help import other_frameworks as _other

__all__ = [
    "IMDB", "Batches", "Characters", "Reviews", "Stream", "Vocabulary", "lengths", "load_digits", "load_imdb",
    "load_mnist", "load_names", "load_shakespeare", "mask", "pad", "tokenize",
]  # fmt: skip

if not TYPE_CHECKING:  # otherwise, type checkers would accept any name

    def __getattr__(name: str) -> Any:
        return _other.answer_import(__name__, name)
