"""The digits against UCI's page, MNIST against files and images of TensorFlow, and PNGs by hand."""

import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from minigrad.data import load_digits, load_mnist
from minigrad.data.images import MNIST_COUNTS, crc32c, read_png
from minigrad.errors import DataError

FOLDER = Path(__file__).parent  # mnist/ was written by make_mnist.py
TRAIN = Path("mnist", "3.0.1", "mnist-train.tfrecord-00000-of-00001")


def test_the_digits_have_the_counts_of_ucis_page():
    images, labels = load_digits()
    counts = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert np.bincount(labels).tolist() == counts
    assert images.shape == (1797, 8, 8) and images.dtype == np.uint8
    assert (images.min(), images.max()) == (0, 16)


def test_the_first_digit_is_the_zero_that_scikit_learn_shows():
    # https://scikit-learn.org/stable/tutorial/basic/tutorial.html
    images, labels = load_digits()
    assert labels[0] == 0 and images[0, :3].tolist() == [
        [0, 0, 5, 13, 9, 1, 0, 0],
        [0, 0, 13, 15, 10, 15, 5, 0],
        [0, 3, 15, 2, 0, 11, 8, 0],
    ]


def test_the_file_seems_to_be_sorted_by_writer():
    """docs/results.md: the most similar image of the same digit is close by for 45% of the digits;
    in a random order, it would be for 7%.
    """
    images, labels = load_digits()
    nearby = np.abs(np.subtract.outer(np.arange(1797), np.arange(1797))) <= 70
    found, chance = 0, 0.0
    for digit in range(10):
        x, near = (
            images[labels == digit].reshape(-1, 64).astype(int),
            nearby[labels == digit],
        )
        near = near[:, labels == digit]
        distances = ((x[:, None] - x) ** 2).sum(axis=2)
        np.fill_diagonal(distances, distances.max() + 1)
        found += near[np.arange(len(x)), distances.argmin(axis=1)].sum()
        chance += (near.sum() - len(x)) / (len(x) - 1)
    assert (round(found / 1797, 2), round(chance / 1797, 2)) == (0.45, 0.07)


@pytest.fixture
def tiny(monkeypatch):
    """Let load_mnist expect as many images as mnist/ contains."""
    monkeypatch.setattr("minigrad.data.images.MNIST_COUNTS", {"train": 12, "test": 5})


def test_crc32c_has_the_values_of_rfc_3720_and_of_the_catalogue():
    # RFC 3720, B.4, and the check value at https://reveng.sourceforge.io/crc-catalogue/17plus.htm
    records = [bytes(32), b"\xff" * 32, b"123456789", b"", bytes(range(32))]
    expected = [0x8A9136AA, 0x62A8AB43, 0xE3069283, 0, 0x46DD794E]
    assert crc32c(records).tolist() == expected


@pytest.mark.usefixtures("tiny")
def test_mnist_is_what_tensorflow_reads():
    expected = np.load(FOLDER / "mnist" / "expected.npz", allow_pickle=False)
    for split, (images, labels) in zip(
        ("train", "test"), load_mnist(FOLDER), strict=True
    ):
        assert np.array_equal(images, expected[f"{split}_images"])
        assert np.array_equal(labels, expected[f"{split}_labels"])
        assert len(images) == {"train": 12, "test": 5}[split]
        assert images.dtype == np.uint8 and labels.dtype == np.intp


def test_a_folder_without_mnist(tmp_path):
    with pytest.raises(DataError, match=r"MG404.*mnist-train") as caught:
        load_mnist(tmp_path)
    assert 'tfds.load("mnist", data_dir=...)' in caught.value.remedy
    for name in ("", b"\0", 7):
        with pytest.raises(DataError, match="MG404"):
            load_mnist(name)  # type: ignore[arg-type]


def test_mnist_has_60_000_images_to_train_on_and_10_000_to_test_on():
    assert MNIST_COUNTS == {"train": 60_000, "test": 10_000}
    with pytest.raises(DataError, match=r"MG405.*mnist-train") as caught:
        load_mnist(FOLDER)
    assert caught.value.cause == "it contains 12 images instead of 60,000"


@pytest.mark.usefixtures("tiny")
def test_damaged_files(tmp_path):
    shutil.copytree(FOLDER / "mnist", tmp_path / "mnist")
    content = (tmp_path / TRAIN).read_bytes()
    starts = [0]  # of the records: a length in 8 bytes, 4 bytes, the data, 4 bytes
    while starts[-1] < len(content):
        (length,) = struct.unpack_from("<Q", content, starts[-1])
        starts.append(starts[-1] + length + 16)
    assert len(starts) == 13

    rng = np.random.default_rng(0)
    ends = [*starts[:-1], *rng.integers(len(content), size=50)]
    repeated = content + content[: starts[1]]
    swapped = (
        content[: starts[1] - 4]
        + content[starts[2] - 4 : starts[2]]
        + content[starts[1] :]
    )
    damaged = [b"PK", repeated, swapped, *(content[:end] for end in ends)]
    label = content.index(b"label\x12\x05\x1a\x03\x0a\x01") + 11
    for place in [
        0,
        7,
        8,
        11,
        label,
        len(content) - 1,
        *rng.integers(len(content), size=300),
    ]:
        changed = bytearray(content)
        changed[place] ^= 1 << rng.integers(8)
        damaged.append(bytes(changed))
    for data in damaged:
        (tmp_path / TRAIN).write_bytes(data)
        with pytest.raises(DataError, match=r"MG405.*mnist-train"):
            load_mnist(tmp_path)


def chunk(name, body):
    return (
        struct.pack(">I", len(body))
        + name
        + body
        + struct.pack(">I", zlib.crc32(name + body))
    )


def png(rows, *kind, width=2):
    header = struct.pack(">IIBBBBB", width, len(rows), *(kind or (8, 0, 0, 0, 0)))
    content = zlib.compress(b"".join(map(bytes, rows)))
    chunks = chunk(b"IHDR", header) + chunk(b"gAMA", b"\0\0\xb1\x8f")
    chunks += chunk(b"IDAT", content[:5]) + chunk(b"IDAT", content[5:])
    return b"\x89PNG\r\n\x1a\n" + chunks + chunk(b"IEND", b"")


def test_each_filter_by_hand():
    rows = [
        [0, 10, 200],  # stored as they are
        [1, 250, 10],  # 250; 250 + 10 = 260 -> 4
        [2, 7, 3],  # 250 + 7 = 257 -> 1; 4 + 3 = 7
        [3, 5, 1],  # 5 + (0 + 1) // 2 = 5; 1 + (5 + 7) // 2 = 7
        [
            4,
            1,
            2,
        ],  # 1 + 5 = 6; 5, 7, 6 of a + b - c = 6 + 7 - 5 = 8: 7 is closest, 2 + 7 = 9
    ]
    first = [[10, 200], [250, 4], [1, 7], [5, 7], [6, 9]]
    other = [[0, index, index] for index in range(5)]
    expected = [first, [[index, index] for index in range(5)]]
    assert read_png([png(rows), png(other)]).tolist() == expected


@pytest.mark.parametrize("filters", [None, 0, 1, 2, 3, 4])
def test_ties_of_the_fourth_filter_go_to_the_left_then_above(filters):
    # the specification's rule, pixel by pixel, in the direction in which an encoder uses it
    image = np.random.default_rng(0).integers(0, 4, (9, 7))
    padded = np.pad(image, ((1, 0), (1, 0)))
    rows = []
    for y in range(9):
        kind = y % 5 if filters is None else filters
        rows.append([kind])
        for x in range(7):
            a, b, c = (
                int(v) for v in (padded[y + 1, x], padded[y, x + 1], padded[y, x])
            )
            nearest = min(
                (abs(v - (a + b - c)), order, v) for order, v in enumerate((a, b, c))
            )[2]
            predicted = [0, a, b, (a + b) // 2, nearest][kind]
            rows[-1].append((int(image[y, x]) - predicted) % 256)
    assert np.array_equal(read_png([png(rows, width=7)])[0], image)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([b"GIF89a"], "not a PNG"),
        ([b"\0" * 8 + png([[0, 1, 2]])[8:]], "not a PNG"),
        ([png([[0, 1, 2]], 8, 2, 0, 0, 0)], "8-bit grey"),
        ([png([[0, 1, 2]], 16, 0, 0, 0, 0)], "8-bit grey"),
        ([png([[0, 1, 2]], 8, 0, 0, 0, 1)], "interlaced"),
        ([png([[0, 1, 2]]), png([[0, 1, 2]] * 2)], "different sizes"),
        ([png([[0, 1]])], "reshape"),
        ([png([[5, 1, 2]])], "choice"),
        ([png([[0, 1, 2]]).replace(b"IDAT", b"IDAT!", 1)], "checksum"),
    ],
)
def test_other_files_are_rejected(files, message):
    with pytest.raises((ValueError, struct.error), match=message):
        read_png(files)
