"""1b: show the outputs of any layer of an untrained model, for any number of reviews.

python examples/reference/intermediate_outputs.py
"""

from __future__ import annotations

import common  # import this before NumPy, because it sets the number of BLAS threads
import numpy as np

import minigrad as mg
from layers import LSTM, Dense, Embedding, Sequential, outputs
from minigrad.data import load_imdb

TITLE = "1b. Intermediate outputs"
# Each path names a layer, or a gate of a cell. `print(model)` shows the layers.
PATHS = "embedding", "lstm", "lstm.cell.h", "lstm.cell.f", "dense"
PUBLISHED = {"embedding": (25_000, 40, 128)}


def report(limit: int | None = None) -> str:
    """Return a table with the shapes and ranges of the outputs for the training reviews."""
    mg.seed(0)
    model = Sequential(Embedding(10_000, 128), LSTM(128, 32), Dense(32, 1))
    arrays = outputs(model, load_imdb().train.ids[:limit], PATHS, batch_size=1000)
    rows = [["output of", "shape published", "shape measured", "lowest", "highest", "mean"]]
    for path, array in arrays.items():
        published = str(PUBLISHED[path]) if path in PUBLISHED else ""
        numbers = [
            f"{value:.4f}" for value in (array.min(), array.max(), array.mean(dtype=np.float64))
        ]
        rows.append([path, published, str(array.shape), *numbers])
    return f"### {TITLE}\n\n{common.table(rows)}\n"


def main() -> None:
    """Parse the command line and print the table."""
    print(report(common.parser(__doc__).parse_args().limit))


if __name__ == "__main__":
    main()
