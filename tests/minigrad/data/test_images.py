"""load_digits against UCI's page, load_mnist against TensorFlow's files, and PNGs by hand."""

import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minigrad.data import load_digits, load_mnist
from minigrad.data.images import MNIST_COUNTS, read_png
from minigrad.errors import DataError

FOLDER = Path(__file__).parent  # mnist/ was written by make_mnist.py
TRAIN = Path("mnist", "3.0.1", "mnist-train.tfrecord-00000-of-00001")


@pytest.fixture(scope="module")
def digits():
    return load_digits()


def test_digits_have_the_counts_of_ucis_page(digits):
    images, labels = digits
    counts = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert np.bincount(labels).tolist() == counts
    assert images.shape == (1797, 8, 8) and images.dtype == np.uint8
    assert (images.min(), images.max()) == (0, 16)


def test_digits_begin_with_scikit_learns_zero(digits):
    # https://scikit-learn.org/stable/tutorial/basic/tutorial.html
    images, labels = digits
    assert labels[0] == 0
    rows = [0, 0, 5, 13, 9, 1, 0, 0], [0, 0, 13, 15, 10, 15, 5, 0]
    assert_array_equal(images[0, :2], rows)


def test_digits_seem_sorted_by_writer(digits):
    """docs/results.md: the most similar image of the same digit is close by for 45% of the digits;
    in a random order, it would be for 7%.
    """
    images, labels = digits
    close, chance = 0, 0.0
    for digit in range(10):
        (places,) = np.nonzero(labels == digit)
        x = images[places].reshape(-1, 64).astype(int)
        distances = ((x[:, None] - x) ** 2).sum(axis=2)
        np.fill_diagonal(distances, 10**6)
        near = np.abs(places[:, None] - places) <= 70
        close += near[range(len(x)), distances.argmin(axis=1)].sum()
        chance += (near.sum() - len(x)) / (len(x) - 1)
    assert round(close / 1797, 2) == 0.45 and round(chance / 1797, 2) == 0.07


# ---- MNIST ----


@pytest.fixture
def tiny(monkeypatch):
    """Let load_mnist expect as many images as mnist/ contains."""
    monkeypatch.setattr("minigrad.data.images.MNIST_COUNTS", {"train": 12, "test": 5})


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(
    ("number", "split"),
    [(0, "train"), (1, "test")],
)
def test_mnist_is_read_as_tensorflow_does(number, split):
    expected = np.load(FOLDER / "mnist" / "expected.npz", allow_pickle=False)
    images, labels = load_mnist(FOLDER)[number]
    assert_array_equal(images, expected[f"{split}_images"])
    assert_array_equal(labels, expected[f"{split}_labels"])
    assert images.dtype == np.uint8 and labels.dtype == np.intp


@pytest.mark.parametrize(
    "name",
    ["", b"\0", 7, FOLDER / "none"],
)
def test_mnist_is_not_in_a_folder(name):
    with pytest.raises(DataError, match=r"MG404") as caught:
        load_mnist(name)
    assert 'tfds.load("mnist", data_dir=...)' in caught.value.remedy


def test_mnist_has_60_000_and_10_000_images():
    assert MNIST_COUNTS == {"train": 60_000, "test": 10_000}
    with pytest.raises(DataError, match=r"MG405.*mnist-train") as caught:
        load_mnist(FOLDER)
    assert caught.value.cause == "it contains 12 images instead of 60,000"


@pytest.mark.usefixtures("tiny")
def test_mnist_refuses_damaged_records(tmp_path):
    shutil.copytree(FOLDER / "mnist", tmp_path / "mnist")
    path = tmp_path / TRAIN
    content = path.read_bytes()
    (length,) = struct.unpack_from("<Q", content)
    end = length + 16  # a record is a length in 8 bytes, 4 bytes, the data, 4 bytes
    first, rest = content[:end], content[end:]
    label = content.index(b"label\x12\x05\x1a\x03\x0a\x01") + 11
    damaged = [
        b"PK",
        rest,
        content + first,
        first[:-4] + content[-4:] + rest,  # with the checksum of another
        content[: -len(rest) // 2],
    ]
    for place in 0, 7, 8, 11, label, len(content) - 1:
        changed = bytearray(content)
        changed[place] ^= 1
        damaged.append(bytes(changed))
    for data in damaged:
        path.write_bytes(data)
        with pytest.raises(DataError, match=r"MG405.*mnist-train"):
            load_mnist(tmp_path)


# ---- PNG ----


def chunk(name, body):
    checksum = zlib.crc32(name + body)
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", checksum)


def png(rows, colour=0, interlaced=0):
    """A picture of rows of two pixels, with a chunk that is skipped and its data in two chunks."""
    header = struct.pack(
        ">IIBBBBB",
        2,
        len(rows),
        8,
        colour,
        0,
        0,
        interlaced,
    )
    content = zlib.compress(b"".join(map(bytes, rows)))
    chunks = [
        chunk(b"IHDR", header),
        chunk(b"gAMA", b"\0\0\xb1\x8f"),
        chunk(b"IDAT", content[:5]),
        chunk(b"IDAT", content[5:]),
        chunk(b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


ROW = [[1, 1, 2]]  # the number of the filter, and two pixels: 1, and 1 + 2


def test_read_png():
    assert read_png([png(ROW)]).tolist() == [[[1, 3]]]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([b"GIF89a"], "not a PNG"),
        (
            [b"\0" * 8 + png(ROW)[8:]],
            "not a PNG",
        ),
        ([png(ROW, colour=2)], "8-bit grey"),
        ([png(ROW, interlaced=1)], "interlaced"),
        ([png(ROW), png(ROW * 2)], "different sizes"),
        ([png([[0, 1]])], "reshape"),
        ([png([[5, 1, 2]])], "choice"),
        (
            [png(ROW).replace(b"IDAT", b"IDAT!", 1)],
            "checksum",
        ),
    ],
)
def test_read_png_refuses_other_files(files, message):
    with pytest.raises(
        (ValueError, struct.error),
        match=message,
    ):
        read_png(files)
