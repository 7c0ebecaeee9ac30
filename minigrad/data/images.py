"""Images of handwritten digits: the bundled ones, and MNIST.

docs/data.md lists the sources and the licence.
"""

import os
import struct
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from minigrad.data.corpora import bundled_text
from minigrad.data.text import reading
from minigrad.support.files import AnyPath, open_file, to_path

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.intp]
Split = tuple[Images, Labels]

MNIST_COUNTS = {"train": 60_000, "test": 10_000}
"""The number of images in each split of MNIST."""


def load_digits() -> Split:
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

    Since: 0.2.
    """
    lines = bundled_text("digits.csv.gz").splitlines()
    rows = np.loadtxt(lines, np.uint8, delimiter=",")
    images = rows[:, :64].reshape(-1, 8, 8)
    return images, rows[:, 64].astype(np.intp)


def load_mnist(data_dir: AnyPath) -> tuple[Split, Split]:
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

    Since: 0.2.
    """
    return _split(data_dir, "train"), _split(data_dir, "test")


def _split(data_dir: AnyPath, split: str) -> Split:
    file = f"mnist/3.0.1/mnist-{split}.tfrecord-00000-of-00001"
    remedy = 'prepare MNIST with tensorflow-datasets: tfds.load("mnist", data_dir=...)'
    with reading(f"{data_dir}/{file}", remedy):
        folder = os.path.expanduser(to_path(data_dir))
        with open_file(os.path.join(folder, file)) as content:
            records = _records(content.read())
        count, expected = len(records), MNIST_COUNTS[split]
        if count != expected:
            raise ValueError(f"it contains {count:,} images instead of {expected:,}")
        pngs, labels = zip(*map(_example, records), strict=True)
        images = read_png(pngs)
        return images, np.array(labels, np.intp)


def _records(content: bytes) -> list[bytes]:
    """Return the records of a TFRecord file.

    Each record has two parts, its length and its bytes. A checksum follows each part.

    Errors: ValueError if the file ends within a record, or a checksum is wrong.
    """
    parts = []
    checksums = []
    start = 0
    while start < len(content):
        (length,) = struct.unpack_from("<Q", content, start)
        for size in (8, length):
            end = start + size
            parts.append(content[start:end])
            start = end + 4
            checksums.append(content[end:start])
    if start > len(content):
        raise ValueError("the file ends within a record")
    computed = crc32c(parts)
    # The format rotates the checksum and adds a constant.
    masked = (computed >> 15 | computed << 17) + np.uint32(0xA282EAD8)
    stored = np.frombuffer(b"".join(checksums), "<u4")
    wrong = np.flatnonzero(masked != stored)
    if wrong.size:
        raise ValueError(f"the checksum of record {wrong[0] // 2} is wrong")
    return parts[1::2]


def crc32c(parts: Sequence[bytes]) -> npt.NDArray[np.uint32]:
    """Return the CRC-32C checksum of each part. Python's library has no function for it.

    The loop goes through the positions in the parts. Each step handles one byte of every part.

    >>> crc32c([b"123456789"]).tolist() == [0xE3069283]
    True
    """
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        half = table >> 1
        table = np.where(table % 2, half ^ np.uint32(0x82F63B78), half)
    lengths = np.array(list(map(len, parts)))
    starts = np.cumsum(lengths) - lengths
    content = np.frombuffer(b"".join(parts), np.uint8)
    result = np.full(len(parts), 0xFFFFFFFF, np.uint32)
    for index in range(lengths.max(initial=0)):
        rows = np.flatnonzero(lengths > index)
        old = result[rows]
        byte = content[starts[rows] + index]
        result[rows] = table[(old ^ byte) & 255] ^ old >> 8
    return ~result


def _example(record: bytes) -> tuple[bytes, int]:
    """Return the PNG and the label in a serialized tf.train.Example.

    An Example contains Features, which contain entries of a map. An entry contains a key and a
    Feature, which contains a list, which contains one value.
    """
    (features,) = _fields(record)
    values = {}
    for entry in _fields(features):
        key, feature = _fields(entry)
        (in_list,) = _fields(feature)
        (values[key],) = _fields(in_list)
    (label,) = values[b"label"]  # an integer below 128 is stored in one byte
    return values[b"image"], label


def _fields(message: bytes) -> Iterator[bytes]:
    """Yield the fields of a protocol buffer message. A field has a key, a length and bytes."""
    start = 0
    while start < len(message):
        key, start = _varint(message, start)
        length, start = _varint(message, start)
        if key % 8 != 2 or start + length > len(message):
            raise ValueError("a record is not an image with a label")
        yield message[start : start + length]
        start += length


def _varint(message: bytes, start: int) -> tuple[int, int]:
    """Return (an integer stored in groups of 7 bits, the lowest first; the index after it)."""
    value = shift = 0
    while message[start] >= 128:
        value |= message[start] % 128 << shift
        start += 1
        shift += 7
    value |= message[start] << shift
    return value, start + 1


def read_png(files: Sequence[bytes]) -> Images:
    """Decode PNG files of equal size, N images of 8-bit grey values: (N, height, width).

    Each row of a PNG is stored as differences from a prediction, which is computed from the pixels
    to the left (a), above (b), and above to the left (c). The row's filter type selects the
    prediction: 0, a, b, (a + b) // 2, or the one of a, b, c that is closest to a + b - c. The loops
    go through the rows and columns. Each step decodes one pixel of every image.

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
    stored = stored.reshape(len(files), height, 1 + width)
    # The images are the last axis, so each step of the loop works on contiguous numbers.
    stored = stored.transpose(1, 2, 0).astype(np.int16)
    pixels = np.zeros((1 + height, *stored.shape[1:]), np.int16)
    for row in range(height):
        filters, *differences = stored[row]
        for column, difference in enumerate(differences):
            a = pixels[row + 1, column]
            b = pixels[row, column + 1]
            c = pixels[row, column]
            to_a = abs(b - c)
            to_b = abs(a - c)
            to_c = abs(a + b - 2 * c)
            b_or_c = np.where(to_b <= to_c, b, c)
            to_b_or_c = np.minimum(to_b, to_c)
            predictions = [
                0 * a,
                a,
                b,
                (a + b) // 2,
                np.where(to_a <= to_b_or_c, a, b_or_c),
            ]
            predicted = np.choose(filters, predictions)
            pixels[row + 1, column + 1] = (difference + predicted) % 256
    images = pixels[1:, 1:].transpose(2, 0, 1)
    return images.astype(np.uint8, order="C")


def _unpack(file: bytes) -> tuple[tuple[int, ...], bytes]:
    """Return (the numbers in the header, the rows with their filter types) of a PNG file.

    A PNG consists of chunks: the length of the content in 4 bytes, the name in 4 bytes, the
    content, and a checksum of the name and the content in 4 bytes.
    """
    if not file.startswith(b"\x89PNG\r\n\x1a\n"):
        raise ValueError("an image is not a PNG")
    chunks: dict[bytes, bytes] = defaultdict(bytes)
    start = 8
    while start < len(file):
        (length,) = struct.unpack_from(">I", file, start)
        end = start + 8 + length
        chunk = file[start + 4 : end]
        start = end + 4
        name = chunk[:4]
        if zlib.crc32(chunk).to_bytes(4) != file[end:start]:
            raise ValueError(f"the checksum of a PNG's {name!r} is wrong")
        chunks[name] += chunk[4:]
    header = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    return header, zlib.decompress(chunks[b"IDAT"])
