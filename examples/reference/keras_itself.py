"""1a in Keras itself, to see how far one seed lies from the next there. Needs Keras, which `make bench` installs.

KERAS_BACKEND=jax .venv-bench/bin/python examples/reference/keras_itself.py --seeds 0 1 2 3 4 5
"""

from __future__ import annotations

import sys
from pathlib import Path

import common  # before NumPy: it says how many threads BLAS may have

sys.path.append(str(Path(__file__).resolve().parents[2]))  # minigrad is not installed beside Keras

from minigrad.data import load_imdb

TITLE = "1a in Keras: SimpleRNN"


def run(seed: int) -> common.Figures:
    """Test loss and accuracy after each of 3 epochs."""
    import keras

    imdb = load_imdb()
    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Embedding(10_000, 128), keras.layers.SimpleRNN(32), keras.layers.Dense(1, "sigmoid")]
    model = keras.Sequential(layers)
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    test = imdb.test.ids, imdb.test.labels
    history = model.fit(
        imdb.train.ids, imdb.train.labels, batch_size=32, epochs=3, validation_data=test, verbose=0
    ).history
    print(f"  seed {seed}: {', '.join(f'{value:.4f}' for value in history['val_accuracy'])}", flush=True)
    return {
        f"SimpleRNN, {what}, epoch {number}": value
        for what in ("accuracy", "loss")
        for number, value in enumerate(history[f"val_{what}"], start=1)
    }


def main() -> None:
    """Read the command line and print the table."""
    given = common.parser(__doc__).parse_args()
    print("\n" + common.compare(TITLE, {}, run, given.seeds))


if __name__ == "__main__":
    main()
