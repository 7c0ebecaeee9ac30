"""Checkpoints: what goes in comes out, a damaged file is an error, and a write that fails leaves the old file."""

from __future__ import annotations

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
from safetensors.numpy import load_file, save_file

import minigrad as mg
from layers import Dense, import_weights
from minigrad.checkpoint import check_match, replace_file
from minigrad.errors import CheckpointError, DtypeError
from minigrad.support.files import clear_unfinished

ARRAYS = {
    "rnn.cell.W": np.random.default_rng(0).normal(size=(20, 30)).astype("float32"),
    "steps": np.array(7, "int64"),
    "mask": np.array([[True, False]]),
    "empty": np.zeros((0, 4), "float64"),
}
INFO = {"epoch": 3, "history": [{"loss": 0.1}, {"loss": float("inf")}], "state": 2**127 + 1, "name": "naïve „x“ \n"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    mg.save(path, ARRAYS, INFO)
    return path


def test_what_goes_in_comes_out(path: Path) -> None:
    found = mg.load(path)
    assert list(found) == sorted(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
    assert found.info == INFO
    found["steps"][...] = 8  # the arrays are the caller's own


@given(
    hnp.arrays(
        st.sampled_from(["float16", "float32", "float64", "int8", "uint16", "int32", "uint64", "bool", ">f4", "<i8"]),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    ),
    st.text(max_size=20),
)
def test_any_array_under_any_name(tmp_path_factory: pytest.TempPathFactory, array: np.ndarray, name: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.safetensors"
    for layout in (array, np.asfortranarray(array), array[..., ::-1] if array.ndim else array):
        mg.save(path, {name: layout})
        np.testing.assert_array_equal(mg.load(path)[name], layout)


def test_a_tensor_counts_as_its_array(tmp_path: Path) -> None:
    mg.save(tmp_path / "t.safetensors", {"W": mg.Tensor([1.0, 2.0], requires_grad=True)})
    assert mg.load(tmp_path / "t.safetensors")["W"].tolist() == [1, 2]


def test_any_tool_that_knows_the_format_reads_it(path: Path) -> None:
    found = load_file(path)
    np.testing.assert_array_equal(found["rnn.cell.W"], ARRAYS["rnn.cell.W"])


def test_the_format_is_as_its_specification_says(path: Path) -> None:
    # Eight bytes of length, a JSON header, and the arrays' bytes at the offsets that it names.
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    entry = json.loads(content[8 : 8 + length])["rnn.cell.W"]
    first, last = entry["data_offsets"]
    assert (entry["dtype"], entry["shape"]) == ("F32", [20, 30])
    assert content[8 + length :][first:last] == ARRAYS["rnn.cell.W"].tobytes()


def test_the_same_arrays_give_the_same_bytes_in_every_process(path: Path, tmp_path: Path) -> None:
    code = "import sys; sys.path[:0] = [sys.argv[1]]; from test_checkpoint import *; mg.save(sys.argv[2], ARRAYS, INFO)"
    for hash_seed in ("1", "2"):
        other = tmp_path / f"{hash_seed}.safetensors"
        subprocess.run(
            [sys.executable, "-c", code, Path(__file__).parent, other],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            check=True,
        )
        assert other.read_bytes() == path.read_bytes()


# ---- damage ----


def damaged(content: bytes, seed: int) -> bytes:
    """One of many ways in which a file comes to harm, decided by the seed."""
    rng = np.random.default_rng(seed)
    kind = seed % 8
    spot = int(rng.integers(len(content)))
    if kind == 0:  # cut short
        return content[:spot]
    if kind == 1:  # one bit flipped
        return content[:spot] + bytes([content[spot] ^ (1 << int(rng.integers(8)))]) + content[spot + 1 :]
    if kind == 2:  # many bits flipped
        noise = rng.random(len(content)) < 0.01
        noise[spot] = True
        return bytes((np.frombuffer(content, "u1") ^ (noise * rng.integers(1, 256, len(content)))).astype("u1"))
    if kind == 3:  # a bit of the header flipped
        spot = int(rng.integers(8, 8 + int.from_bytes(content[:8], "little")))
        return content[:spot] + bytes([content[spot] ^ (1 << int(rng.integers(7)))]) + content[spot + 1 :]
    if kind == 4:  # a length that promises more than there is, up to 2**64
        return struct.pack("<Q", min(2 ** int(rng.integers(1, 65)), 2**64 - 1)) + content[8:]
    if kind == 5:  # a shape that promises more than there is, with offsets to match
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        entry = header["rnn.cell.W"]
        entry["shape"] = [2 ** int(rng.integers(5, 62)), 30]
        entry["data_offsets"][1] = entry["data_offsets"][0] + 120 * entry["shape"][0]
        text = json.dumps(header).encode()
        return struct.pack("<Q", len(text)) + text + content[8 + int.from_bytes(content[:8], "little") :]
    if kind == 6:  # not this format at all
        start = [b"", b"PK\3\4", b"\x93NUMPY", b"\x80\4cos\nsystem\n(S'true'\ntR.", b"{" * 100][int(rng.integers(5))]
        return start + rng.bytes(int(rng.integers(200)))
    return content + rng.bytes(int(rng.integers(1, 50)))  # something behind the end


def load_damaged(folder: str) -> None:
    """Load 200 damaged files with little memory to spare, and print what became of each: for a process of its own."""
    import resource

    path = Path(folder) / "whole.safetensors"
    mg.save(path, ARRAYS, INFO)
    content = path.read_bytes()
    mg.load(path)  # whatever loading imports is in memory now
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**26, used + 2**26))
    for seed in range(200):
        harmed = damaged(content, seed)
        path.write_bytes(harmed)
        try:
            mg.load(path)
            print("loaded", seed)
        except CheckpointError as error:
            print(error.code, bool(error.cause and error.remedy and path.name in error.what))


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux to limit a process's memory")
def test_two_hundred_damaged_files_are_two_hundred_errors(tmp_path: Path) -> None:
    code = "import sys; sys.path[:0] = [sys.argv[1]]; import test_checkpoint as t; t.load_damaged(sys.argv[2])"
    run = subprocess.run(
        [sys.executable, "-c", code, Path(__file__).parent, tmp_path], capture_output=True, text=True, timeout=200
    )
    assert run.returncode == 0, run.stderr
    lines = run.stdout.split("\n")[:-1]
    assert len(lines) == 200
    assert set(lines) <= {"MG502 True", "MG503 True", "MG504 True"}
    assert {line[:5] for line in lines} >= {"MG502", "MG504"}


def test_every_byte_counts(tmp_path: Path) -> None:
    path = tmp_path / "small.safetensors"
    mg.save(path, {"W": np.ones(2, "float32")}, {"a": 1})
    content = path.read_bytes()
    for spot in range(len(content)):
        harmed = bytearray(content)
        harmed[spot] ^= 1 << spot % 8
        path.write_bytes(harmed)
        with pytest.raises(CheckpointError):
            mg.load(path)


def forged(header: object, body: bytes = b"") -> bytes:
    """A file with a right checksum over a header of somebody's own making: JSON, or what `header` has as text."""
    text = (header if isinstance(header, str) else json.dumps(header)).encode(errors="surrogatepass")
    content = struct.pack("<Q", len(text)) + text + body
    return content.replace(b"0" * 64, hashlib.sha256(content).hexdigest().encode(), 1)


META = {"minigrad": json.dumps({"sha256": "0" * 64, "info": {}})}
DEEP = "[" * 10**6 + "]" * 10**6


def entry(shape: Any = (1,), offsets: Any = (0, 4), dtype: Any = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def twice(name: str, value: object) -> str:
    """A header in which one name comes two times."""
    return f'{{"__metadata__": {json.dumps(META)}, "{name}": {json.dumps(value)}, "{name}": {json.dumps(value)}}}'


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ({}, "MG503"),
        ({"format": "pt"}, "MG503"),
        ({"minigrad": "no JSON"}, "MG504"),
        ({"minigrad": "[" * 50_000}, "MG504"),
        ({"minigrad": '{"sha256": "' + "0" * 64 + '", "info": {"a": ' + DEEP + "}}"}, "MG504"),
        ({"minigrad": '{"sha256": "' + "0" * 64 + '", "info": {"a": 1, "a": 2}}'}, "MG504"),
        ({"minigrad": "[]"}, "MG504"),
        ({"minigrad": "7"}, "MG504"),
        ({"minigrad": '{"sha256": 5, "info": {}}'}, "MG504"),
        ({"minigrad": '{"sha256": "", "info": {}}'}, "MG504"),
        ({"minigrad": json.dumps({"sha256": [0] * 64, "info": {}})}, "MG504"),
        ({"minigrad": json.dumps({"sha256": "\ud800" * 64, "info": {}})}, "MG504"),
        ({"minigrad": '{"info": {}}'}, "MG504"),
        ({"minigrad": json.dumps({"sha256": "0" * 64})}, "MG504"),
        ({"minigrad": json.dumps({"sha256": "0" * 64, "info": [1]})}, "MG504"),
        ({"minigrad": json.dumps({"sha256": "0" * 64, "info": {}})}, None),
        ({"minigrad": 5}, "MG502"),
        ([1], "MG502"),
    ],
)
def test_hostile_headers(tmp_path: Path, metadata: dict[str, Any], code: str | None) -> None:
    path = tmp_path / "forged.safetensors"
    path.write_bytes(forged({"__metadata__": metadata}))
    if code is None:  # the forger can do what save can do
        assert mg.load(path) == {}
        return
    with pytest.raises(CheckpointError) as error:
        mg.load(path)
    assert error.value.code == code


@pytest.mark.parametrize(
    "header",
    [
        {"W": entry(shape=(2**62, 4))},  # 2**64 numbers: in 64 bits, as many as none
        {"W": entry(shape=(2,))},
        {"W": entry(shape=(0, 2**62, 2**62), offsets=(0, 0))},
        {"W": entry(shape=(0, 2**63), offsets=(0, 0))},
        {"W": entry(shape=(1,) * 65)},
        {"W": entry(shape=(1,) * 10**5)},
        {"W": entry(shape=(10**4000,) * 60)},
        {"W": entry(shape=(-1, -1))},
        {"W": entry(shape=(1.0,))},
        {"W": entry(shape=(True,))},
        {"W": entry(shape="1")},
        {"W": entry(shape=1)},
        {"W": entry(offsets=(0, 4, 8))},
        {"W": entry(offsets=(-4, 0))},
        {"W": entry(offsets=(4, 8))},
        {"W": entry(offsets=(0, 2**62), shape=(2**60,))},
        {"W": entry(), "V": entry()},
        {"W": entry(dtype="BF16", shape=(2,))},
        {"W": entry(dtype="F8_E4M3", shape=(4,))},
        {"W": entry(dtype="O", shape=())},
        {"W": entry(dtype=["F32"])},
        {"W": 5},
        {"W": {}},
        {"W": float("nan")},
        {},  # and four bytes that belong to no array
        twice("W", entry()),
        twice("__metadata__", META),
        f'{{"W": {DEEP}}}',
        '{"W": ' * 10**5 + "1" + "}" * 10**5,
        f'{{"W": {"1" * 10**5}}}',
        "[]",
        "7",
        "null",
        "",
        "\ufeff{}",
        '{"\ud800": {}}',
        f'{{"\\ud800": {json.dumps(entry())}}}',
    ],
)
def test_a_strangers_header_is_an_error_in_little_time_and_memory(tmp_path: Path, header: Any) -> None:
    path = tmp_path / "forged.safetensors"
    path.write_bytes(forged({"__metadata__": META, **header} if isinstance(header, dict) else header, b"abcd"))
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


def test_arrays_of_no_length_are_arrays(tmp_path: Path) -> None:
    path = tmp_path / "forged.safetensors"
    path.write_bytes(forged({"__metadata__": META, "a": entry((0, 5), (0, 0)), "b": entry((3, 0), (0, 0), "I64")}))
    assert {name: (array.shape, str(array.dtype)) for name, array in mg.load(path).items()} == {
        "a": ((0, 5), "float32"),
        "b": ((3, 0), "int64"),
    }


def test_names_that_would_confuse_a_terminal_are_shown_as_literals(tmp_path: Path) -> None:
    path = tmp_path / "forged.safetensors"
    names = {"\x1b[2J\0": entry(), "n" * 10**5: entry(offsets=(4, 8))}
    names.update({f"x{number}": entry((0,), (8, 8)) for number in range(1000)})
    path.write_bytes(forged({"__metadata__": META, **names}, b"abcdefgh"))
    with pytest.raises(CheckpointError) as error:
        Dense(2, 2).load_state_dict(mg.load(path))
    text = str(error.value)
    assert "in 1004 places" in text and "and 904 more" in text and r"'\x1b[2J\x00'" in text
    assert "\x1b" not in text and len(text) < 10_000


def test_a_header_of_a_gigabyte_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.safetensors"
    with path.open("wb") as file:
        file.write(struct.pack("<Q", 10**9))
        file.truncate(2 * 10**9)  # takes no room on the disk
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError, match="1,000,000,000 bytes, and can have at most") as error:
            mg.load(path)
        assert error.value.code == "MG502" and tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_a_file_that_is_larger_than_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.safetensors"
    content = forged({"__metadata__": META, "W": entry((2**42,), (0, 2**42), "U8")})
    with path.open("wb") as file:
        file.write(content)
        file.truncate(len(content) + 2**42)
    with pytest.raises(CheckpointError, match="allocate") as error:
        mg.load(path)
    assert error.value.code == "MG501"


def test_loading_takes_the_memory_of_the_arrays_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    mg.save(path, {name: np.ones(500_000) for name in "abcd"})
    tracemalloc.start()
    try:
        found = mg.load(path)
        assert sum(array.nbytes for array in found.values()) == 16_000_000
        assert tracemalloc.get_traced_memory()[1] < 16_500_000
    finally:
        tracemalloc.stop()


def test_a_dtype_that_numpy_has_not(tmp_path: Path) -> None:
    meta = {"minigrad": json.dumps({"sha256": "0" * 64, "info": {}})}
    path = tmp_path / "bf16.safetensors"
    path.write_bytes(
        forged({"__metadata__": meta, "W": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}, b"ab")
    )
    with pytest.raises(CheckpointError, match="BF16") as error:
        mg.load(path)
    assert error.value.code == "MG502"


def test_files_of_other_programs_are_named_as_such(tmp_path: Path) -> None:
    save_file({"W": np.ones(3)}, tmp_path / "foreign.safetensors")
    with pytest.raises(CheckpointError) as error:
        mg.load(tmp_path / "foreign.safetensors")
    assert error.value.code == "MG503" and "load_file" in error.value.remedy


@pytest.mark.parametrize("kind", ["nothing", "folder", "device"])
def test_no_file_there(tmp_path: Path, kind: str) -> None:
    path = {"nothing": tmp_path / "x", "folder": tmp_path, "device": Path("/dev/zero")}[kind]
    with pytest.raises(CheckpointError) as error:
        mg.load(path)
    assert error.value.code == "MG501"
    assert error.value.cause == ("No such file or directory" if kind == "nothing" else "it is a folder or a device")


# ---- what cannot be stored ----


@pytest.mark.parametrize("name", ["__metadata__", 5, None, ("a", "b"), b"W", "W\ud800", "n" * 2**24])
def test_names_that_cannot_be_stored(path: Path, name: Any) -> None:
    with pytest.raises(DtypeError) as error:
        mg.save(path, {"W": np.ones(2), name: np.ones(2)})
    assert error.value.code == "MG507" and error.value.remedy and len(str(error.value)) < 1000
    assert mg.load(path).info == INFO
    assert [other.name for other in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("arrays", [None, [np.ones(2)], Dense(2, 2)])
def test_arrays_without_names(tmp_path: Path, arrays: Any) -> None:
    with pytest.raises(DtypeError) as error:
        mg.save(tmp_path / "x.safetensors", arrays)
    assert error.value.code == "MG507" and type(arrays).__name__ in error.value.what


def test_info_that_is_longer_than_a_header_can_be(path: Path) -> None:
    with pytest.raises(DtypeError, match="at most 16,777,216") as error:
        mg.save(path, {}, {"text": "n" * 2**24})
    assert error.value.code == "MG507" and "info" in error.value.what
    assert mg.load(path).info == INFO


@pytest.mark.parametrize(
    "value", [np.array(["a"]), np.array([{}]), np.array([1j]), np.array(["2020"], "M8[D]"), [[1], [2, 3]]]
)
def test_arrays_that_the_format_has_no_room_for(tmp_path: Path, value: np.ndarray) -> None:
    with pytest.raises(DtypeError) as error:
        mg.save(tmp_path / "x.safetensors", {"W": value})
    assert error.value.code == "MG507" and "'W'" in error.value.what and error.value.remedy
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("info", [{"f": len}, {"a": np.ones(2)}, {("a", 1): 2}, {1: "a", "1": "b"}, 5])
def test_info_that_is_no_json(tmp_path: Path, info: dict[Any, Any]) -> None:
    with pytest.raises(DtypeError) as error:
        mg.save(tmp_path / "x.safetensors", {}, info)
    assert error.value.code == "MG507" and "JSON" in error.value.cause
    assert list(tmp_path.iterdir()) == []


def test_numbers_of_numpy_come_back_as_numbers_of_python(path: Path) -> None:
    mg.save(path, {}, {"a": np.float32(0.5), "b": [np.int64(2), np.bool_(True)]})
    info = mg.load(path).info
    assert info == {"a": 0.5, "b": [2, True]} and type(info["a"]) is float and info["b"][1] is True


def test_every_mismatch_is_named_at_once() -> None:
    here = {"a": np.ones(2), "b": np.ones((2, 3)), "c": np.ones(1), "d": np.ones(1, "float32")}
    found = {"b": np.ones((3, 2)), "c": np.ones(1), "d": np.ones(1), "e": np.ones(4)}
    with pytest.raises(CheckpointError) as error:
        check_match(found, here, "the model")
    assert error.value.code == "MG505"
    assert "in 4 places" in error.value.what
    for line in (
        "missing: a (2,) float64",
        "unknown: e (4,)",
        "another shape: b is (3, 2), and (2, 3) is needed",
        "another dtype: d is float64, and float32 is needed",
    ):
        assert line in error.value.lines
    check_match(here, here, "the model")


# ---- writes that fail ----


def assert_unharmed(path: Path, error: CheckpointError) -> None:
    assert error.code == "MG506" and str(path) in error.what and "unchanged" in error.remedy
    assert mg.load(path).info == INFO
    assert [other.name for other in path.parent.iterdir()] == [path.name]


def test_a_write_that_fails_half_way(path: Path) -> None:
    def write(file) -> None:
        file.write(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(CheckpointError) as error:
        replace_file(path, write)
    assert error.value.cause == "No space left on device"
    assert_unharmed(path, error.value)


def test_an_error_of_another_kind_leaves_nothing_either(path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        replace_file(path, lambda file: 1 / 0)
    assert [other.name for other in path.parent.iterdir()] == [path.name]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that can limit the size of a file")
def test_a_disk_that_is_full(path: Path) -> None:
    # A limit on the size of files makes the operating system itself refuse the write.
    code = """
import resource, signal, sys, numpy as np, minigrad as mg
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    mg.save(sys.argv[1], {"W": np.ones(100_000)})
except mg.MinigradError as error:
    print(error.code, error.cause)
"""
    run = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert run.stdout == "MG506 File too large\n"
    assert mg.load(path).info == INFO
    assert [other.name for other in path.parent.iterdir()] == [path.name]


@pytest.mark.skipif(os.name != "posix", reason="needs permissions as POSIX has them")
def test_a_folder_that_cannot_be_written_to(path: Path) -> None:
    for folder in [path.parent, *path.parent.parents]:
        if folder.stat().st_uid == os.getuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o555)
    path.parent.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)  # root may write everywhere
    try:
        with pytest.raises(CheckpointError) as error:
            mg.save(path, ARRAYS)
    finally:
        if root:
            os.seteuid(0)
        path.parent.chmod(0o755)
    assert error.value.cause == "Permission denied"
    assert_unharmed(path, error.value)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError) as error:
        mg.save(tmp_path / "none" / "x.safetensors", ARRAYS)
    assert error.value.code == "MG506" and "a file that was there is unchanged" in error.value.remedy


def test_what_a_killed_run_left_is_cleared_away(path: Path) -> None:
    code = """
import os, sys
from minigrad.checkpoint import replace_file
replace_file(sys.argv[1], lambda file: (file.write(b"half"), file.flush(), os.kill(os.getpid(), 9)))
"""
    run = subprocess.run([sys.executable, "-c", code, path])
    assert run.returncode == -9
    assert len(list(path.parent.iterdir())) == 2  # or this test would not be testing anything
    neighbour = path.with_name(".other.safetensors.0a1b2c3d.unfinished")
    neighbour.write_bytes(b"")
    assert mg.load(path).info == INFO
    mg.save(path, ARRAYS, INFO)
    assert sorted(path.parent.iterdir()) == sorted([neighbour, path])
    clear_unfinished(path.parent)
    assert list(path.parent.iterdir()) == [path]


def test_a_name_with_wildcards_in_it(tmp_path: Path) -> None:
    stray = tmp_path / ".a.safetensors.0a1b2c3d.unfinished"
    stray.write_bytes(b"")
    mg.save(tmp_path / "[a]*.safetensors", ARRAYS)
    assert stray.exists() and (tmp_path / "[a]*.safetensors").exists()
