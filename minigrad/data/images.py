"""Images of handwritten digits: the bundled ones, and MNIST.

docs/data.md lists the sources and the licence.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.data.corpora import bundled_text
from minigrad.data.text import damaged_file, unreadable_file
from minigrad.errors import reason
from minigrad.support.files import AnyPath, open_file, to_path

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.intp]

MNIST_COUNTS = {"train": 60_000, "test": 10_000}
"""The number of images in each split of MNIST."""


def load_digits() -> tuple[Images, Labels]:
    """Load 1,797 handwritten digits: (images (1797, 8, 8) with values from 0 to 16, labels (1797,)).

    >>> images, labels = load_digits()
    >>> images.shape, labels[:5].tolist()
    ((1797, 8, 8), [0, 1, 2, 3, 4])
    >>> images[0, 3].tolist()
    [0, 4, 12, 0, 0, 8, 8, 0]

    The digits were written by 13 people, and the file does not tell who wrote which. If you split
    them, both parts contain digits by the same writers.

    Errors: DataError MG404 if the file is missing, MG405 if it is damaged. Source: E. Alpaydin and
    C. Kaynak, Optical Recognition of Handwritten Digits (1998), in the form of scikit-learn.
    """
    rows = np.loadtxt(bundled_text("digits.csv.gz").splitlines(), np.uint8, delimiter=",")
    return rows[:, :64].reshape(-1, 8, 8), rows[:, 64].astype(np.intp)


def load_mnist(data_dir: AnyPath) -> tuple[tuple[Images, Labels], tuple[Images, Labels]]:
    """Load MNIST as ((images, labels) for training, (images, labels) for testing).

    The images are (60000, 28, 28) and (10000, 28, 28), with values from 0 to 255. `data_dir` is the
    folder in which `tfds.load("mnist")` of tensorflow-datasets has stored MNIST. minigrad reads its
    files without tensorflow-datasets.

    >>> (images, labels), (test_images, test_labels) = load_mnist("~/missing")
    Traceback (most recent call last):
    minigrad.errors.DataError: [MG404] cannot read ...
      cause:  No such file or directory
      remedy: prepare MNIST with tensorflow-datasets: tfds.load("mnist", data_dir=...)

    Errors: DataError MG404 if a file is missing, MG405 if it is damaged or does not contain all
    images. Source: Y. LeCun, C. Cortes and C. J. C. Burges, The MNIST database of handwritten
    digits (1998).
    """
    return _split(data_dir, "train"), _split(data_dir, "test")


def _split(data_dir: AnyPath, split: str) -> tuple[Images, Labels]:
    remedy = 'prepare MNIST with tensorflow-datasets: tfds.load("mnist", data_dir=...)'
    path = data_dir
    try:
        folder = to_path(data_dir).expanduser() / "mnist" / "3.0.1"
        path = folder / f"mnist-{split}.tfrecord-00000-of-00001"
        with open_file(path) as file:
            content = file.read()
    except (OSError, RuntimeError) as error:  # RuntimeError: the home directory is unknown
        raise unreadable_file(path, error, remedy=remedy) from error
    try:
        records = _records(content)
        if len(records) != MNIST_COUNTS[split]:
            raise ValueError(
                f"it contains {len(records):,} images instead of {MNIST_COUNTS[split]:,}"
            )
        pngs, labels = zip(*map(_example, records), strict=True)
        return read_png(pngs), np.array(labels, np.intp)
    # struct, zlib and NumPy each raise their own exceptions for damaged bytes.
    except Exception as error:
        raise damaged_file(path, reason(error), remedy=remedy) from error


def _records(content: bytes) -> list[bytes]:
    """Return the records of a TFRecord file. Each consists of its length, a checksum of the length,
    its bytes, and a checksum of the bytes.

    Errors: ValueError if the file ends within a record, or a checksum is wrong.
    """
    lengths, records = list[bytes](), list[bytes]()
    stored = list[tuple[int, int]]()  # the checksums of the length and the bytes of each record
    start = 0
    while start < len(content):
        length, checksum = struct.unpack_from("<QI", content, start)
        end = start + 12 + length
        if end + 4 > len(content):
            raise ValueError("the file ends within a record")
        lengths.append(content[start : start + 8])
        records.append(content[start + 12 : end])
        stored.append((checksum, *struct.unpack_from("<I", content, end)))
        start = end + 4
    for column, parts in enumerate((lengths, records)):
        checksums = crc32c(parts)
        # The format rotates the checksum and adds a constant.
        masked = (checksums >> 15 | checksums << 17) + np.uint32(0xA282EAD8)
        wrong = np.flatnonzero(masked != np.array(stored, np.uint32)[:, column])
        if len(wrong):
            raise ValueError(f"the checksum of record {wrong[0]} is wrong")
    return records


def crc32c(parts: Sequence[bytes]) -> npt.NDArray[np.uint32]:
    """Return the CRC-32C of each part, which Python's library lacks. The parts' bytes are read one
    after another, and those of all parts at the same time.

    >>> crc32c([b"123456789"]).tolist() == [0xE3069283]
    True
    """
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table % 2, table >> 1 ^ np.uint32(0x82F63B78), table >> 1)
    lengths = np.array([len(part) for part in parts])
    starts = np.cumsum(lengths) - lengths
    content = np.frombuffer(b"".join(parts), np.uint8)
    result = np.full(len(parts), 0xFFFFFFFF, np.uint32)
    for index in range(lengths.max(initial=0)):
        rows = np.flatnonzero(lengths > index)
        old = result[rows]
        result[rows] = table[(old ^ content[starts[rows] + index]) & 255] ^ old >> 8
    return ~result


def _example(record: bytes) -> tuple[bytes, int]:
    """Return the PNG and the label in a serialized tf.train.Example.

    Its layout is Example.features = 1, Features.feature = 1 (a map of keys = 1 to values = 2), and
    Feature.bytes_list = 1 or int64_list = 3, whose values are field 1.
    """
    ((_, features),) = _fields(record)
    entries = (dict(_fields(entry)) for _, entry in _fields(features))
    feature = {entry[1]: dict(_fields(entry[2])) for entry in entries}
    png = dict(_fields(feature[b"image"][1]))[1]
    label, _ = _varint(dict(_fields(feature[b"label"][3]))[1], 0)
    return png, label


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Yield (number, value) for each field of a protocol buffer in which all values are bytes."""
    start = 0
    while start < len(message):
        key, start = _varint(message, start)
        length, start = _varint(message, start)
        if key % 8 != 2 or start + length > len(message):
            raise ValueError("a record is not an image with a label")
        yield key // 8, message[start : start + length]
        start += length


def _varint(message: bytes, start: int) -> tuple[int, int]:
    """Return (an integer stored in groups of 7 bits, the lowest first; the index after it)."""
    value = shift = 0
    while message[start] >= 128:
        value |= (message[start] - 128) << shift
        start, shift = start + 1, shift + 7
    return value | message[start] << shift, start + 1


def read_png(files: Sequence[bytes]) -> Images:
    """Decode PNG files of equal size, N images of 8-bit grey values: (N, height, width).

    Each row of a PNG is stored as differences from a prediction, which is computed from the pixels
    to the left (a), above (b), and above to the left (c). The row's filter type selects the
    prediction: 0, a, b, (a + b) // 2, or the one of a, b, c that is closest to a + b - c. The rows
    and columns are decoded one after another, and all images at the same time.

    Errors: ValueError for another format, and also struct.error or zlib.error for a damaged file.
    Source: Portable Network Graphics (PNG) Specification, https://www.w3.org/TR/png/.
    """
    headers, contents = zip(*map(_unpack, files), strict=True)
    if len(set(headers)) > 1:
        raise ValueError("the images have different sizes")
    width, height, *kind = headers[0]
    if kind != [8, 0, 0, 0, 0]:
        raise ValueError("an image does not have 8-bit grey values, or is interlaced")
    stored = np.frombuffer(b"".join(contents), np.uint8)
    # The images are the last axis, so each step of the loop works on contiguous numbers.
    stored = stored.reshape(len(files), height, 1 + width).transpose(1, 2, 0).astype(np.int16)
    pixels = np.zeros((1 + height, 1 + width, len(files)), np.int16)
    for row in range(height):
        for column in range(width):
            a, b, c = pixels[row + 1, column], pixels[row, column + 1], pixels[row, column]
            to_a, to_b, to_c = abs(b - c), abs(a - c), abs(a + b - 2 * c)
            closest = np.where(to_b <= to_c, b, c)
            closest = np.where((to_a <= to_b) & (to_a <= to_c), a, closest)
            predicted = np.choose(stored[row, 0], [0 * a, a, b, (a + b) // 2, closest])
            pixels[row + 1, column + 1] = (stored[row, column + 1] + predicted) % 256
    return pixels[1:, 1:].transpose(2, 0, 1).astype(np.uint8, order="C")


def _unpack(file: bytes) -> tuple[tuple[int, ...], bytes]:
    """Return (the numbers in the header, the rows with their filter types) of a PNG file."""
    if file[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError("an image is not a PNG")
    chunks, start = {b"IHDR": b"", b"IDAT": b"", b"IEND": b""}, 8
    while start < len(file):
        length, name = struct.unpack_from(">I4s", file, start)
        body = file[start + 8 : start + 8 + length]
        (checksum,) = struct.unpack_from(">I", file, start + 8 + length)
        if zlib.crc32(name + body) != checksum:
            raise ValueError(f"the checksum of a PNG's {name!r} is wrong")
        chunks[name] = chunks.get(name, b"") + body
        start += 12 + length
    return struct.unpack(">IIBBBBB", chunks[b"IHDR"]), zlib.decompress(chunks[b"IDAT"])
