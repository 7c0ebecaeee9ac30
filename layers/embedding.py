"""Layers that read or score ids. Embedding looks up a learned vector for each id, OneHot makes a
one-hot vector for each id, and TiedHead computes a score for each id.
"""

from typing import Any

import numpy as np

from minigrad import Tensor, lookup
from minigrad.gates.table import make_table
from minigrad.help.other_frameworks import answering

from .arguments import parameter
from .init import Initialiser, uniform, zeros
from .layer import Layer

_small = uniform(-0.05, 0.05)


class Embedding(Layer):
    """z = table[ids], for ids of any shape. Each id selects a row of the table (vocabulary, width).
    z has shape (*ids.shape, width).

    `init` initialises the table and is uniform within ±0.05 by default. To keep the vectors fixed,
    freeze the table: `embedding.table.requires_grad = False`. The table's gradient stores only the
    rows that were looked up. An optimizer's step changes these rows immediately. Other rows, which
    momentum or Adam may still move, are changed later, before they are next read.

    >>> Embedding(10, 4)([[1, 2, 2]]).shape
    (1, 3, 4)

    Errors: IndexRangeError (MG141) for an id outside the vocabulary; DtypeError (MG117) for ids
    that are not integers. Source: Bengio et al., A neural probabilistic language model (2003),
    section 2.

    Since: 0.1.
    """

    @answering
    def __init__(
        self,
        vocabulary: int,
        width: int,
        *,
        init: Initialiser = _small,
    ) -> None:
        self.table = parameter(init, (vocabulary, width), make_table)

    def forward(self, ids: Any) -> Tensor:
        return lookup(self.table, ids)

    def settings(self) -> str:
        vocabulary, width = self.table.shape
        return f"{vocabulary}, {width}"


class OneHot(Layer):
    """z[..., i] = 1 if i is the id, and 0 otherwise. z has shape (*ids.shape, size). The layer has
    no parameters.

    A fused recurrent layer looks up rows of its weight matrix instead of multiplying the matrix by
    these vectors.

    >>> OneHot(3)([0, 2]).array
    array([[1., 0., 0.],
           [0., 0., 1.]], dtype=float32)

    Errors: see Embedding. Source: Bishop, Pattern Recognition and Machine Learning (2006), 2.2
    (1-of-K).

    Since: 0.2.
    """

    def __init__(self, size: int) -> None:
        self._table = Tensor(np.eye(size, dtype=np.float32))

    def forward(self, ids: Any) -> Tensor:
        return lookup(self._table, ids)

    def settings(self) -> str:
        return str(len(self._table))


class TiedHead(Layer):
    """z = x @ tableᵀ + b, where the table (V, D) belongs to an Embedding. For x (..., D), z (...,
    V) contains a score for each of the V ids.

    Each id's vector is trained both as an input and as an output. b (V,) starts at 0. With
    `bias=False`, there is no b.

    >>> embedding = Embedding(10, 4)
    >>> head = TiedHead(embedding)
    >>> head(embedding([1, 2])).shape, list(head.named_parameters())
    ((2, 10), ['embedding.table', 'b'])

    Source: Press and Wolf, Using the output embedding to improve language models (2017).

    Since: 0.2.
    """

    def __init__(self, embedding: Embedding, bias: bool = True) -> None:
        self.embedding = embedding
        if bias:
            self.b = parameter(zeros, embedding.table.shape[:1])
        self._bias = bias

    def forward(self, x: Tensor) -> Tensor:
        z = x @ self.embedding.table.T
        return z + self.b if self._bias else z

    def settings(self) -> str:
        return "" if self._bias else "bias=False"
