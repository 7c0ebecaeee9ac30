"""Train one transformer block on the last forty words, in the same way as the models of 1a.

    python examples/reference/transformer.py

The model is the one in keras.io's example "Text classification with Transformer". The word and
position vectors and the block are 32 wide, and the block has 2 heads. A network with 20 hidden
units classifies the mean of the block's outputs. Keras's example normalizes after each sum and has
only 32 units in the block's network. minigrad's block normalizes first, and has 128 units.

Source: https://keras.io/examples/nlp/text_classification_with_transformer/
"""

from __future__ import annotations

import common  # import this before NumPy, because it sets the number of BLAS threads
import keras_models

import minigrad as mg
from layers import Dense, Dropout, Embedding, PositionalEmbedding, Sequential, TransformerBlock

TITLE = "One transformer block"
# keras.io's model reads 200 words, from a vocabulary of 20,000
KNOWN = {
    "published for 200 words": {
        "transformer, accuracy, epoch 1": 0.8444, "transformer, accuracy, epoch 2": 0.8745,
        "transformer, loss, epoch 1": 0.3598, "transformer, loss, epoch 2": 0.2977,
    }
}  # fmt: skip


def transformer() -> Sequential:
    """Return a new model: ids (B, 40) -> logits (B, 1)."""

    def mean(x: mg.Tensor) -> mg.Tensor:
        return x.mean(axis=1)

    return Sequential(
        Embedding(10_000, 32),
        PositionalEmbedding(40, 32),
        TransformerBlock(32, 2, causal=False, dropout=0.1),
        mean,
        Dropout(0.1),
        Dense(32, 20, mg.relu),
        Dropout(0.1),
        Dense(20, 1),
    )


def run(seed: int, limit: int | None = None) -> common.Figures:
    """Return all figures for one seed."""
    return keras_models.run(seed, limit, {"transformer": transformer})


if __name__ == "__main__":
    common.main(__doc__, TITLE, KNOWN, run)
