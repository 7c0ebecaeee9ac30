"""1a in Keras itself, to see how much its results vary with the seed. Needs Keras, which `make bench` installs.

KERAS_BACKEND=jax .venv-bench/bin/python examples/reference/keras_itself.py --seeds 0 1 2 3 4 5
KERAS_BACKEND=tensorflow .venv-bench/bin/python examples/reference/keras_itself.py --models SimpleRNN
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

import common  # before NumPy: it sets the number of BLAS threads

sys.path.append(str(Path(__file__).resolve().parents[2]))  # minigrad is not installed beside Keras

from minigrad.data import IMDB, Reviews, load_imdb

TITLE = "1a in Keras itself"
MODELS = ("SimpleRNN", "GRU", "LSTM")


def fit(kind: str, seed: int, train: Reviews, others: dict[str, Reviews]) -> dict[str, list[float]]:
    """Train for 3 epochs from that seed. Returns loss and accuracy on each of the other sets, by epoch."""
    import keras

    keras.utils.set_random_seed(seed)
    recurrent = getattr(keras.layers, kind)(32)
    model = keras.Sequential([keras.layers.Embedding(10_000, 128), recurrent, keras.layers.Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    history: dict[str, list[float]] = {}

    def measure(epoch: int, logs: Any) -> None:
        for name, part in others.items():
            for what, value in zip(
                ("loss", "accuracy"), model.evaluate(part.ids, part.labels, batch_size=500, verbose=0), strict=True
            ):
                history.setdefault(f"{name} {what}", []).append(value)

    after_each = keras.callbacks.LambdaCallback(on_epoch_end=measure)
    model.fit(train.ids, train.labels, batch_size=32, epochs=3, callbacks=[after_each], verbose=0)
    return history


def run(seed: int, imdb: IMDB, models: list[str]) -> common.Figures:
    """All figures of one seed, as keras_models.py has them."""
    figures: dict[str, float] = {}
    for kind in models:
        history = fit(kind, seed, imdb.train, {"test": imdb.test})
        for what in ("accuracy", "loss"):
            for number, value in enumerate(history[f"test {what}"], start=1):
                figures[f"{kind}, {what}, epoch {number}"] = value
        rest, held = imdb.train.hold_back(len(imdb.train) // 10, seed)
        history = fit(kind, seed, rest, {"held": held, "test": imdb.test})
        _, best = max(zip(history["held accuracy"], history["test accuracy"], strict=True), key=lambda pair: pair[0])
        figures[f"{kind}, accuracy, best epoch"] = best
        shown = ", ".join(f"{value:.4f}" for name, value in figures.items() if name.startswith(f"{kind}, acc"))
        print(f"  seed {seed}, {kind}: test accuracy after 1, 2, 3 epochs, and of the best: {shown}", flush=True)
    return figures


def main() -> None:
    """Read the command line and print the table."""
    options = common.parser(__doc__)
    options.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS), help="which (all three)")
    given = options.parse_args()
    imdb = load_imdb()
    imdb = IMDB(imdb.train[: given.limit], imdb.test[: given.limit], imdb.vocabulary)
    print("\n" + common.compare(TITLE, {}, partial(run, imdb=imdb, models=given.models), given.seeds))


if __name__ == "__main__":
    main()
