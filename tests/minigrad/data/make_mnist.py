"""Write the folder mnist/, which test_images.py reads: a tiny MNIST, written by TensorFlow and
tensorflow-datasets (versions 2.21 and 4.9.10), and expected.npz, read back by them.

    python tests/minigrad/data/make_mnist.py

This needs TensorFlow, which no other test needs.
"""

import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

FOLDER = Path(__file__).parent / "mnist"


class MNIST(tfds.builder_cls("mnist"), skip_registration=True):  # type: ignore[misc, call-arg]
    """MNIST with other images: strokes, ramps and noise, for which a PNG uses all filters."""

    name = "mnist"

    def _split_generators(self, dl_manager):
        return {"train": self._images(12, 0), "test": self._images(5, 1)}

    def _images(self, count, seed):
        rng = np.random.default_rng(seed)
        y, x = np.mgrid[:28, :28] / 28
        for index in range(count):
            a, b = rng.normal(size=2)
            ramp = 128 + 99 * np.sin(9 * (a * x + b * y))
            noise = rng.normal(size=(28, 28)) * 9 * (index % 3)
            image = np.where(
                (x - y + a / 9) ** 2 < 0.05 * (index % 4),
                ramp + noise,
                0,
            )
            yield (
                index,
                {
                    "image": image.clip(0, 255).astype(np.uint8)[:, :, None],
                    "label": rng.integers(10),
                },
            )


def main():
    """Write the folder."""
    with tempfile.TemporaryDirectory() as folder:
        MNIST(data_dir=folder).download_and_prepare()
        shutil.rmtree(FOLDER, ignore_errors=True)
        (FOLDER / "3.0.1").mkdir(parents=True)
        expected: Any = {}
        for split in ("train", "test"):
            name = f"mnist-{split}.tfrecord-00000-of-00001"
            shutil.copy(Path(folder, "mnist", "3.0.1", name), FOLDER / "3.0.1" / name)
            rows = list(
                tfds.load("mnist", split=split, data_dir=folder, download=False).as_numpy_iterator()
            )
            expected[f"{split}_images"] = np.stack([row["image"][:, :, 0] for row in rows])
            expected[f"{split}_labels"] = np.array([row["label"] for row in rows])
        np.savez_compressed(FOLDER / "expected.npz", **expected)


if __name__ == "__main__":
    main()
