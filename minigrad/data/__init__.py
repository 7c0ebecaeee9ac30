"""Movie reviews as batches of integer ids: tokens and vocabulary, padding, batches, and the IMDB data set."""

from minigrad.data.batches import Batches
from minigrad.data.imdb import IMDB, Reviews, load_imdb
from minigrad.data.text import Vocabulary, lengths, mask, pad, tokenize

__all__ = ["IMDB", "Batches", "Reviews", "Vocabulary", "lengths", "load_imdb", "mask", "pad", "tokenize"]
