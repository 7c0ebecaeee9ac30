"""Layers and models: Dense, Embedding, Dropout, LayerNorm, the recurrent layers RNN, GRU and LSTM,
their cells, convolutions, and the layers of a transformer.

>>> import numpy as np
>>> from layers import RNN, Dense, Embedding, Sequential
>>> model = Sequential(Embedding(1000, 16), RNN(16, 8), Dense(8, 2))
>>> model(np.zeros((4, 12), int)).shape
(4, 2)
>>> list(model.named_parameters())
['embedding.table', 'rnn.cell.W_xh', 'rnn.cell.W_hh', 'rnn.cell.b_h', 'dense.W', 'dense.b']
"""

from typing import TYPE_CHECKING, Any

from minigrad.gates.unpacking import UnpackingWarning
from minigrad.help import other_frameworks as _other

from . import init
from .cells import Cell, GRUCell, LSTMCell, RNNCell
from .convolution import AveragePool2d, Conv1d, Conv2d, Flatten, MaxPool2d
from .dense import Dense
from .dropout import Dropout, ModeWarning
from .embedding import Embedding, OneHot, TiedHead
from .images import Images
from .inspect import gradient_flow, gradients, outputs
from .interop import export_weights, from_layout, import_weights, to_layout
from .layer import Layer, Sequential
from .mask import PaddingWarning
from .norm import BatchNorm, LayerNorm
from .parts import LayerError
from .recurrent import GRU, LSTM, RNN, Recurrent, pool
from .stream import Stateful, TruncatedBPTT, sample
from .transformer import (
    MultiHeadAttention,
    PositionalEmbedding,
    PositionalEncoding,
    TransformerBlock,
)
from .unroll import unroll

__all__ = [
    "GRU", "LSTM", "RNN", "AveragePool2d", "BatchNorm", "Cell", "Conv1d", "Conv2d", "Dense",
    "Dropout", "Embedding", "Flatten", "GRUCell", "Images", "LSTMCell", "Layer", "LayerError", "LayerNorm",
    "MaxPool2d", "ModeWarning", "MultiHeadAttention", "OneHot", "PaddingWarning",
    "PositionalEmbedding", "PositionalEncoding", "RNNCell", "Recurrent", "Sequential", "Stateful",
    "TiedHead", "TransformerBlock", "TruncatedBPTT", "UnpackingWarning", "export_weights",
    "from_layout", "gradient_flow", "gradients", "import_weights", "init", "outputs", "pool",
    "sample", "to_layout", "unroll",
]  # fmt: skip

if not TYPE_CHECKING:  # otherwise type checkers would accept any name

    def __getattr__(name: str) -> Any:
        return _other.answer_import(__name__, name)
