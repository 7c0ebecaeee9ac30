"""Reviews in, batches of integers out. Knows text, files and NumPy arrays; nothing of Tensors, layers or gradients."""

from minigrad.data.batches import Batches
from minigrad.data.imdb import IMDB, Reviews, load_imdb
from minigrad.data.text import Vocabulary, lengths, mask, pad, tokenize

__all__ = ["IMDB", "Batches", "Reviews", "Vocabulary", "lengths", "load_imdb", "mask", "pad", "tokenize"]
