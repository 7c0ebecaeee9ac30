"""Checkpoints: what goes in comes out, a damaged file is an error, and a write that fails leaves
the old file.
"""

from __future__ import annotations

import hashlib
import json
import struct
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import load_file

import minigrad as mg
from layers import Dense, import_weights
from minigrad.checkpoint import check_match
from minigrad.errors import CheckpointError, DtypeError

ARRAYS = {
    "rnn.cell.W": np.random.default_rng(0).normal(size=(20, 30)).astype("float32"),
    "steps": np.array(7, "int64"),
    "mask": np.array([[True, False]]),
    "empty": np.zeros((0, 4), "float64"),
}
INFO = {
    "epoch": 3,
    "history": [{"loss": 0.1}, {"loss": float("inf")}],
    "state": 2**127 + 1,
    "name": "naïve „x“ \n",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    mg.save(path, ARRAYS, INFO)
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_goes_in_comes_out_here_and_in_the_format_s_own_library(
    path: Path,
) -> None:
    checkpoint = mg.load(path)
    assert list(checkpoint) == sorted(ARRAYS) and checkpoint.info == INFO
    for found in (checkpoint, load_file(path)):
        for name, array in ARRAYS.items():
            np.testing.assert_array_equal(found[name], array, strict=True)
    checkpoint["steps"][...] = 8  # the arrays are the caller's own
    mg.save(
        path,
        {"W": mg.Tensor([1.0, 2.0])},
        {"a": np.float32(0.5), "b": [np.bool_(True)]},
    )
    found = mg.load(path)
    assert found["W"].tolist() == [1, 2] and found.info == {"a": 0.5, "b": [True]}


@given(
    hnp.arrays(
        hnp.scalar_dtypes().filter(
            lambda dtype: dtype.kind in "fiub" and dtype.itemsize < 9
        ),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    ),
    st.text(max_size=20),
)
def test_any_array_under_any_name(
    tmp_path_factory: pytest.TempPathFactory, array: np.ndarray, name: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.safetensors"
    for layout in (array, array.T, array[..., ::-1] if array.ndim else array):
        mg.save(path, {name: layout})
        np.testing.assert_array_equal(mg.load(path)[name], layout)


def test_the_same_arrays_give_the_same_bytes_in_any_order(
    path: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.safetensors"
    mg.save(other, dict(reversed(ARRAYS.items())), INFO)
    assert other.read_bytes() == path.read_bytes()


# ---- damage ----


def test_every_byte_counts(tmp_path: Path) -> None:
    path = tmp_path / "small.safetensors"
    mg.save(path, {"W": np.ones(2, "float32")}, {"a": 1})
    content = path.read_bytes()
    harmed = [content + b"\0"]
    for spot, byte in enumerate(content):
        before, after = content[:spot], content[spot + 1 :]
        harmed += [before, before + bytes([byte ^ 1 << spot % 8]) + after]
    for one in harmed:
        path.write_bytes(one)
        with pytest.raises(CheckpointError, match="MG50[234]") as caught:
            mg.load(path)
        assert str(path) in caught.value.what


def forged(header: object, body: bytes = b"") -> bytes:
    """A file with a right checksum over a header of somebody's own making: JSON, or what `header`
    has as text.
    """
    text = header if isinstance(header, str) else json.dumps(header)
    written = text.encode(errors="surrogatepass")
    content = struct.pack("<Q", len(written)) + written + body
    return content.replace(b"0" * 64, hashlib.sha256(content).hexdigest().encode(), 1)


META = {"minigrad": json.dumps({"sha256": "0" * 64, "info": {}})}
DEEP = "[" * 10**5 + "]" * 10**5


def entry(
    shape: Any = (1,), offsets: Any = (0, 4), dtype: Any = "F32"
) -> dict[str, Any]:
    return {"W": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


@pytest.mark.parametrize(
    "header",
    [
        *map(entry, [(2**62, 4), (2,), (1,) * 10**5, (10**4000,) * 60, (1.0,), "1"]),
        entry((0, 2**62, 2**62), (0, 0)), entry(offsets=(0, 4, 8)), entry(dtype="BF16"), {"W": 5},
        {**entry(), "V": entry()["W"]}, {},  # and four bytes that belong to no array
        f'{{"W": {DEEP}}}', f'{{"W": {"1" * 10**5}}}', "[]", "", '{"\ud800": {}}', {**entry(), "__metadata__": [1]},
        {**entry(), "__metadata__": {"minigrad": DEEP}}, {**entry(), "__metadata__": {"minigrad": '{"sha256": 5}'}},
    ],
)  # fmt: skip
def test_a_strangers_header_is_an_error_in_little_time_and_memory(
    tmp_path: Path, header: Any
) -> None:
    path = tmp_path / "forged.safetensors"
    header = {"__metadata__": META, **header} if isinstance(header, dict) else header
    path.write_bytes(forged(header, b"abcd"))
    for read in (mg.load, lambda path: import_weights(Dense(2, 2), path, "pytorch")):
        with traced() as peak:
            with pytest.raises(CheckpointError) as error:
                read(path)
            assert peak() < 10_000_000
        assert len(str(error.value)) < 1000


@contextmanager
def traced() -> Iterator[Callable[[], int]]:
    """Give a function that returns the most memory that was in use at once."""
    tracemalloc.start()
    try:
        yield lambda: tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_loading_takes_the_memory_of_the_file_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    mg.save(path, {name: np.ones(500_000) for name in "abcd"})
    with traced() as peak:
        found = mg.load(path)
        assert sum(array.nbytes for array in found.values()) == 16_000_000
        assert peak() < 16_500_000


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(2**42)  # more than the memory, and no room on the disk
    with pytest.raises(CheckpointError, match="(?s)MG501.*allocate"):
        mg.load(tmp_path / "large")


# ---- what cannot be stored ----


@pytest.mark.parametrize(
    ("arrays", "info"),
    [
        (None, {}),
        ({"W": np.array(["a"])}, {}),
        ({"W": np.array([1j])}, {}),
        ({}, {"f": len}),
        ({}, 5),
    ],
)
def test_what_cannot_be_stored_is_refused_and_the_old_file_stays(
    path: Path, arrays: Any, info: Any
) -> None:
    with pytest.raises(DtypeError, match="MG507"):
        mg.save(path, arrays, info)
    assert mg.load(path).info == INFO and names(path.parent) == [path.name]


def test_without_the_format_s_library(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(CheckpointError, match="MG509"):
        mg.save(path, ARRAYS)
    assert mg.load(path).info == INFO


def test_every_mismatch_is_named_at_once() -> None:
    here, found = {"d": np.ones(1, "float32")}, {"d": np.ones(1)}
    with pytest.raises(
        CheckpointError, match="(?s)1 problem.*dtype: d is float64, but must be float32"
    ):
        check_match(found, here, "the model")
    check_match(here, here, "the model")
    many = {f"\x1b[2J{number}": np.ones(1) for number in range(1000)}
    with pytest.raises(
        CheckpointError, match="(?s)1000 problems.*and 900 more"
    ) as error:
        check_match(many, {}, "the model")
    assert "\x1b" not in str(error.value)


# ---- writes that fail ----
