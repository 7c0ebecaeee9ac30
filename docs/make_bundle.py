"""Write the bundled reviews, imdb.npz, from the dataset of tensorflow-datasets.

python docs/make_bundle.py DATA_DIR [OUT]

The output is reproducible byte for byte, with any NumPy 2 and any Python that uses the standard
zlib.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from minigrad.data.imdb import BUNDLE, IMDB, ONE_BYTE, load_imdb
from minigrad.support.files import write_whole


def write_bundle(data: IMDB, path: Path) -> None:
    """Write ids and labels as bytes, and the words as UTF-8 text, one per line.

    Rare ids have two bytes (see ONE_BYTE); the second ones are in an array of their own, because
    zlib compresses them better apart. The words are stored as bytes, because an array of strings
    would need pickle or a fixed width.
    """
    arrays: dict[str, Any] = {}
    for split, reviews in (("test", data.test), ("train", data.train)):
        ids = np.asarray(reviews.ids)
        rest = ids - ONE_BYTE
        first = np.where(rest < 0, ids, ONE_BYTE + rest // 256)
        arrays[f"{split}_ids"] = first.astype(np.uint8)
        arrays[f"{split}_second"] = (rest[rest >= 0] % 256).astype(np.uint8)
        arrays[f"{split}_labels"] = reviews.labels.astype(np.uint8)
    text = "\n".join(data.vocabulary.words)
    arrays["words"] = np.frombuffer(text.encode(), dtype=np.uint8)
    write_whole(path, lambda file: np.savez_compressed(file, **arrays))


def main() -> None:
    """Parse the command line, write the file and print its size."""
    parser = argparse.ArgumentParser(
        description="Write the bundled reviews from the dataset of tensorflow-datasets."
    )
    parser.add_argument(
        "data_dir", help="data folder of tensorflow-datasets, such as ~/tensorflow_datasets"
    )
    parser.add_argument(
        "out", nargs="?", type=Path, default=BUNDLE, help="output file (default: %(default)s)"
    )
    arguments = parser.parse_args()
    write_bundle(load_imdb("tfds", data_dir=arguments.data_dir), arguments.out)
    print(f"{arguments.out}: {arguments.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
