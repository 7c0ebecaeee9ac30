"""save and load: arrays come back, a damaged file is an error, a failed save changes nothing."""

import hashlib
import json
import struct
import sys
import tracemalloc
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal
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
def path(tmp_path):
    path = tmp_path / "model.safetensors"
    mg.save(path, ARRAYS, INFO)
    return path


def test_load_and_safetensors_return_what_was_saved(path):
    checkpoint = mg.load(path)
    assert list(checkpoint) == sorted(ARRAYS)
    assert checkpoint.info == INFO
    for found in (checkpoint, load_file(path)):
        for name, array in ARRAYS.items():
            assert_array_equal(found[name], array, strict=True)
    checkpoint["steps"][...] = 8  # the arrays are the caller's own


def test_save_takes_tensors_and_numpy_numbers(path):
    info = {"a": np.float32(0.5), "b": [np.bool_(True)]}
    mg.save(path, {"W": mg.Tensor([1.0, 2.0])}, info)
    found = mg.load(path)
    assert found["W"].tolist() == [1, 2]
    assert found.info == {"a": 0.5, "b": [True]}


DTYPES = st.sampled_from(["bool", "int8", "uint16", "int64", "float16", ">f4", "float64"])


@given(
    hnp.arrays(DTYPES, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)),
    st.text(max_size=20),
)
def test_save_any_array_under_any_name(tmp_path_factory, array, name):
    path = tmp_path_factory.getbasetemp() / "any.safetensors"
    for layout in (array, array.T, array[..., ::-1] if array.ndim else array):
        mg.save(path, {name: layout})
        assert_array_equal(mg.load(path)[name], layout)


def test_save_writes_equal_bytes_for_arrays_in_any_order(path, tmp_path):
    other = tmp_path / "other.safetensors"
    mg.save(other, dict(reversed(ARRAYS.items())), INFO)
    assert other.read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("arrays", "info"),
    [
        (
            None,
            {},
        ),
        (
            {"W": np.array([1j])},
            {},
        ),
        (
            {},
            {"f": len},
        ),
        ({}, 5),
    ],
)
def test_save_refuses_values_and_keeps_the_old_file(path, arrays, info):
    with pytest.raises(DtypeError, match="MG507"):
        mg.save(path, arrays, info)
    assert mg.load(path).info == INFO
    assert [*path.parent.iterdir()] == [path]


def test_load_works_without_safetensors(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    assert mg.load(path).info == INFO


def test_check_match_names_every_mismatch():
    here, found = {"d": np.ones(1, "float32")}, {"d": np.ones(1)}
    check_match(here, here, "the model")
    message = "(?s)1 problem.*dtype: d is float64, but must be float32"
    with pytest.raises(CheckpointError, match=message):
        check_match(found, here, "the model")
    many = {f"\x1b[2J{number}": np.ones(1) for number in range(1000)}
    with pytest.raises(CheckpointError, match="(?s)1000 problems.*900 more") as error:
        check_match(many, {}, "the model")
    assert "\x1b" not in str(error.value)


# Damaged files


def test_load_detects_damage_at_every_byte(tmp_path):
    path = tmp_path / "small.safetensors"
    mg.save(path, {"W": np.ones(2, "float32")}, {"a": 1})
    content = path.read_bytes()
    damaged = [content + b"\0"]
    for spot, byte in enumerate(content):
        before, after = content[:spot], content[spot + 1 :]
        damaged += [before, before + bytes([byte ^ 1 << spot % 8]) + after]
    for one in damaged:
        path.write_bytes(one)
        with pytest.raises(CheckpointError, match="MG50[234]") as caught:
            mg.load(path)
        assert str(path) in caught.value.what


def forged(header):
    """Return a file with a correct checksum over any header, which may be invalid JSON."""
    text = header if isinstance(header, str) else json.dumps(header)
    encoded = text.encode(errors="surrogatepass")
    content = struct.pack("<Q", len(encoded)) + encoded + b"abcd"
    checksum = hashlib.sha256(content).hexdigest()
    return content.replace(b"0" * 64, checksum.encode(), 1)


META = {"minigrad": json.dumps({"sha256": "0" * 64, "info": {}})}
DEEP = "[" * 10**5 + "]" * 10**5


def entry(shape: Any = (1,), offsets: Any = (0, 4), dtype="F32", meta: Any = META):
    array = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
    return {"__metadata__": meta, "W": array}


@contextmanager
def traced():
    """Provide a function that returns the most memory that was in use at once."""
    tracemalloc.start()
    try:
        yield lambda: tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "header",
    [
        entry((2**62, 4)),
        entry((2,)),
        entry((1,) * 10**5),
        entry((10**4000,) * 60),
        entry((1.0,)),
        entry("1"),
        entry(
            (0, 2**62, 2**62),
            (0, 0),
        ),
        entry(offsets=(0, 4, 8)),
        entry(dtype="BF16"),
        entry(meta=[1]),
        entry(meta={"minigrad": DEEP}),
        entry(meta={"minigrad": '{"sha256": 5}'}),
        {"__metadata__": META, "W": 5},
        {**entry(), "V": entry()["W"]},
        {"__metadata__": META},  # and four bytes that belong to no array
        f'{{"W": {DEEP}}}',
        f'{{"W": {"1" * 10**5}}}',
        "[]",
        "",
        '{"\ud800": {}}',
    ],
)
@pytest.mark.parametrize(
    "read", [mg.load, lambda path: import_weights(Dense(2, 2), path, "pytorch")]
)
def test_load_refuses_forged_headers_in_little_memory(tmp_path, header, read):
    path = tmp_path / "forged.safetensors"
    path.write_bytes(forged(header))
    with traced() as peak:
        with pytest.raises(CheckpointError) as error:
            read(path)
        assert peak() < 10_000_000
    assert len(str(error.value)) < 1000


def test_load_takes_the_memory_of_the_file(tmp_path):
    path = tmp_path / "model.safetensors"
    mg.save(path, {name: np.ones(500_000) for name in "abcd"})
    with traced() as peak:
        found = mg.load(path)
        assert sum(array.nbytes for array in found.values()) == 16_000_000
        assert peak() < 16_500_000


def test_load_refuses_a_file_larger_than_the_memory(tmp_path):
    with (tmp_path / "large").open("wb") as file:
        file.truncate(2**42)  # takes no room on the disk
    with pytest.raises(CheckpointError, match="(?s)MG501.*allocate"):
        mg.load(tmp_path / "large")
