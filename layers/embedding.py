"""Embedding: a table that holds a learned vector for each id."""

from __future__ import annotations

from typing import Any

from minigrad import Tensor, lookup
from minigrad.table import make_table

from .checks import check_size
from .init import Initialiser, uniform
from .layer import Layer

_small = uniform(-0.05, 0.05)


class Embedding(Layer):
    """z = table[ids]: row `id` of the table (vocabulary, width) for each id; ids of any shape, z (*ids.shape, width).

    The rows start uniform within ±0.05, or as `init` says, and are learned. For fixed vectors freeze the table:
    `embedding.table.requires_grad = False`.

    >>> Embedding(10, 4)([[1, 2, 2]]).shape
    (1, 3, 4)

    Errors: IndexRangeError (MG141) for an id outside the vocabulary, DtypeError (MG117) for ids that are not integers.
    Source: Bengio et al., A neural probabilistic language model (2003), section 2.
    """

    def __init__(self, vocabulary: int, width: int, *, init: Initialiser = _small) -> None:
        super().__init__()
        check_size("Embedding", vocabulary=vocabulary, width=width)
        self.table = make_table(init((vocabulary, width)))

    def forward(self, ids: Any) -> Tensor:
        return lookup(self.table, ids)

    def settings(self) -> str:
        return ", ".join(map(str, self.table.shape))
