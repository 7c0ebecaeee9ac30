"""Checkpoints: what goes in comes out, a damaged file is an error, and a write that fails leaves
the old file.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import struct
import subprocess
import sys
import tracemalloc
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


def test_what_goes_in_comes_out_here_and_in_the_format_s_own_library(path: Path) -> None:
    checkpoint = mg.load(path)
    assert list(checkpoint) == sorted(ARRAYS) and checkpoint.info == INFO
    for found in (checkpoint, load_file(path)):
        for name, array in ARRAYS.items():
            np.testing.assert_array_equal(found[name], array)
            assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
    checkpoint["steps"][...] = 8  # the arrays are the caller's own
    mg.save(
        path,
        {"W": mg.Tensor([1.0, 2.0], requires_grad=True)},
        {"a": np.float32(0.5), "b": [np.bool_(True)]},
    )
    found = mg.load(path)
    assert (
        found["W"].tolist() == [1, 2]
        and found.info["b"][0] is True
        and type(found.info["a"]) is float
    )


@given(
    hnp.arrays(
        st.sampled_from(
            [
                "float16",
                "float32",
                "float64",
                "int8",
                "uint16",
                "int32",
                "uint64",
                "bool",
                ">f4",
                "<i8",
            ]
        ),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    ),
    st.text(max_size=20),
)
def test_any_array_under_any_name(
    tmp_path_factory: pytest.TempPathFactory, array: np.ndarray, name: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.safetensors"
    for layout in (array, np.asfortranarray(array), array[..., ::-1] if array.ndim else array):
        mg.save(path, {name: layout})
        np.testing.assert_array_equal(mg.load(path)[name], layout)


def test_the_same_arrays_give_the_same_bytes_in_every_process(path: Path, tmp_path: Path) -> None:
    code = "import sys; sys.path[:0] = [sys.argv[1]]; from test_checkpoint import *; mg.save(sys.argv[2], ARRAYS, INFO)"
    other = tmp_path / "other.safetensors"
    subprocess.run([sys.executable, "-c", code, Path(__file__).parent, other], check=True)
    assert other.read_bytes() == path.read_bytes()


# ---- damage ----


def test_every_byte_counts(tmp_path: Path) -> None:
    path = tmp_path / "small.safetensors"
    mg.save(path, {"W": np.ones(2, "float32")}, {"a": 1})
    content = path.read_bytes()
    changed = [content[:spot] + bytes([content[spot] ^ 1 << spot % 8]) + content[spot + 1 :] for spot in
               range(len(content))]  # fmt: skip
    cut = [content[:spot] for spot in range(len(content))]
    for harmed in [*changed, *cut, content + b"\0"]:
        path.write_bytes(harmed)
        with pytest.raises(CheckpointError, match="MG50[234]") as caught:
            mg.load(path)
        assert str(path) in caught.value.what


def forged(header: object, body: bytes = b"") -> bytes:
    """A file with a right checksum over a header of somebody's own making: JSON, or what `header`
    has as text.
    """
    text = (header if isinstance(header, str) else json.dumps(header)).encode(
        errors="surrogatepass"
    )
    content = struct.pack("<Q", len(text)) + text + body
    return content.replace(b"0" * 64, hashlib.sha256(content).hexdigest().encode(), 1)


META = {"minigrad": json.dumps({"sha256": "0" * 64, "info": {}})}
DEEP = "[" * 10**5 + "]" * 10**5


def entry(shape: Any = (1,), offsets: Any = (0, 4), dtype: Any = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ({"format": "pt"}, "MG503"),
        ([1], "MG502"),
        *(({"minigrad": text}, "MG504") for text in [
            "no JSON", DEEP, "[]", '{"sha256": 5, "info": {}}', json.dumps({"sha256": "\ud800" * 64, "info": {}}),
            json.dumps({"sha256": "0" * 64})]),
    ],
)  # fmt: skip
def test_metadata_that_another_wrote(tmp_path: Path, metadata: Any, code: str) -> None:
    (tmp_path / "forged").write_bytes(forged({"__metadata__": metadata}))
    with pytest.raises(CheckpointError, match=code):
        mg.load(tmp_path / "forged")


@pytest.mark.parametrize(
    "header",
    [
        *(
            {"W": entry(shape)}
            for shape in [(2**62, 4), (2,), (1,) * 10**5, (10**4000,) * 60, (1.0,), "1", ("1",)]
        ),
        *({"W": entry((0, 2**62, 2**62), offsets)} for offsets in [(0, 0), (0, 4, 8)]),
        *({"W": value} for value in [5, {}, entry(dtype="BF16")]),
        {"W": entry(), "V": entry()},
        {},  # and four bytes that belong to no array
        f'{{"W": {DEEP}}}',
        f'{{"W": {"1" * 10**5}}}',
        *("[]", "7", "", '{"\ud800": {}}'),
    ],
)
def test_a_strangers_header_is_an_error_in_little_time_and_memory(
    tmp_path: Path, header: Any
) -> None:
    path = tmp_path / "forged.safetensors"
    path.write_bytes(
        forged({"__metadata__": META, **header} if isinstance(header, dict) else header, b"abcd")
    )
    tracemalloc.start()
    try:
        for read in (mg.load, lambda path: import_weights(Dense(2, 2), path, "pytorch")):
            with pytest.raises(CheckpointError) as error:
                read(path)
            assert error.value.code in ("MG502", "MG252")
            assert len(str(error.value)) < 1000 and str(path) in error.value.what
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_loading_takes_the_memory_of_the_file_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    mg.save(path, {name: np.ones(500_000) for name in "abcd"})
    tracemalloc.start()
    try:
        found = mg.load(path)
        assert sum(array.nbytes for array in found.values()) == 16_000_000
        assert tracemalloc.get_traced_memory()[1] < 16_500_000
    finally:
        tracemalloc.stop()


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(2**42)  # more than the memory, and no room on the disk
    for path, cause in ((tmp_path / "none", "No such file"), (Path("/dev/zero"), "it is a folder or a device"),
                        (tmp_path / "large", "allocate")):  # fmt: skip
        with pytest.raises(CheckpointError) as error:
            mg.load(path)
        assert error.value.code == "MG501" and cause in error.value.cause


# ---- what cannot be stored ----


@pytest.mark.parametrize(
    ("arrays", "info", "said"),
    [
        *(
            ({"W": np.ones(2), name: np.ones(2)}, {}, repr(name))
            for name in ["__metadata__", 5, "W\ud800"]
        ),
        *((arrays, {}, type(arrays).__name__) for arrays in [None, [np.ones(2)]]),
        *(({"W": value}, {}, "'W'") for value in [np.array(["a"]), np.array([1j]), [[1], [2, 3]]]),
        *(({}, info, "the info for") for info in [{"f": len}, {"a": np.ones(2)}, {("a", 1): 2}, 5]),
    ],
)
def test_what_cannot_be_stored_is_refused_and_the_old_file_stays(
    path: Path, arrays: Any, info: Any, said: str
) -> None:
    with pytest.raises(DtypeError) as error:
        mg.save(path, arrays, info)
    assert error.value.code == "MG507" and said in error.value.what and error.value.remedy
    assert mg.load(path).info == INFO and names(path.parent) == [path.name]


def test_without_the_format_s_library(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(CheckpointError, match="MG509"):
        mg.save(path, ARRAYS)
    assert mg.load(path).info == INFO


def test_every_mismatch_is_named_at_once() -> None:
    here = {"a": np.ones(2), "b": np.ones((2, 3)), "c": np.ones(1), "d": np.ones(1, "float32")}
    found = {"b": np.ones((3, 2)), "c": np.ones(1), "d": np.ones(1), "e": np.ones(4)}
    with pytest.raises(CheckpointError) as error:
        check_match(found, here, "the model")
    assert error.value.code == "MG505" and "in 4 places" in error.value.what
    assert sorted(error.value.lines) == [
        "another dtype: d is float64, and float32 is needed",
        "another shape: b is (3, 2), and (2, 3) is needed",
        "missing: a (2,) float64",
        "unknown: e (4,)",
    ]
    check_match(here, here, "the model")
    many = {f"\x1b[2J{number}": np.ones(1) for number in range(1000)}
    with pytest.raises(CheckpointError, match="in 1000 places") as error:
        check_match(many, {}, "the model")
    assert "and 900 more" in str(error.value) and "\x1b" not in str(error.value)


# ---- writes that fail ----


def test_a_disk_that_is_full(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError) as error:
        mg.save(path, ARRAYS)
    assert error.value.code == "MG506" and error.value.cause == "No space left on device"
    assert str(path) in error.value.what and "unchanged" in error.value.remedy
    assert mg.load(path).info == INFO and names(path.parent) == [path.name]
