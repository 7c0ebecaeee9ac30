"""Damaged files are refused with an error, or mean the same as before; nothing is half-loaded."""

import copy
import functools
import shutil
import struct
import tempfile
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from layers import export_weights, import_weights
from minigrad.data import (
    Vocabulary,
    corpora,
    images,
    load_digits,
    load_mnist,
    load_names,
)
from optim import Snapshots

from .strategies import examples
from .training import Settings, Training, exact, require_same

MNIST = Path(__file__).parents[1] / "minigrad/data/mnist"
IMAGES = [f"mnist-{split}.tfrecord-00000-of-00001" for split in ("train", "test")]
BUNDLED = ["names.txt.gz", "digits.csv.gz"]
WRITTEN = ["checkpoint", "list", "snapshot", "weights", "words"]
WORDS = ["film", "naïve", "the", "名前", "x" * 40, "isn't"]
SETTINGS = Settings(model="words", rule="momentum", trainer_seed=1)


@functools.cache
def written_files() -> dict[str, bytes]:
    arrays = {
        "W": np.ones((3, 4), "f4"),
        "steps": np.array(7),
        "empty": np.zeros((0, 2)),
        "größe": np.ones(5) < 0,
    }
    info = {"epoch": 3, "history": [{"loss": 0.1}], "name": "naïve"}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = Training(SETTINGS)
        run.run(Snapshots(folder, every_epochs=1))
        next(folder.iterdir()).rename(folder / "snapshot")
        mg.save(folder / "checkpoint", arrays, info)
        export_weights(run.model, folder / "weights", "pytorch")
        Vocabulary(WORDS).save(folder / "words")
        (folder / "list").write_text("\n".join([*WORDS, ""]), "utf-8")
        return {kind: (folder / kind).read_bytes() for kind in WRITTEN}


@functools.cache
def content(kind: str) -> bytes:
    if kind in WRITTEN:
        return written_files()[kind]
    folder = corpora.FOLDER if kind in BUNDLED else MNIST / "3.0.1"
    return (folder / kind).read_bytes()


def load(kind: str, content: bytes) -> Any:
    """Return the contents of a file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / kind
        if kind in IMAGES:
            shutil.copytree(MNIST, folder / "mnist")
            path = folder / "mnist/3.0.1" / kind
        path.write_bytes(content)
        match kind:
            case "checkpoint":
                checkpoint = mg.load(path)
                return dict(checkpoint), checkpoint.info
            case "words" | "list":
                return Vocabulary.load(path).words
            case "snapshot" | "weights":
                return load_into_model(kind, path)
            case "names.txt.gz" | "digits.csv.gz":
                with patch.object(corpora, "FOLDER", folder):
                    return load_names() if kind == "names.txt.gz" else load_digits()
        with patch.dict(getattr(images, "MNIST_COUNTS", {}), train=12, test=5):
            return load_mnist(folder)


def load_into_model(kind: str, path: Path) -> Any:
    run = Training(SETTINGS)
    before = run.model.state_dict()
    try:
        if kind == "snapshot":
            return run.run(resume=path)
        import_weights(run.model, path, "pytorch")
    except mg.MinigradError:
        assert exact(run.model.state_dict()) == exact(before), "half-loaded"
        raise
    return run.model.state_dict()


def record_ends(content: bytes) -> list[int]:
    """Return where each record of a TFRecord file ends, after its length, checksums and data."""
    ends = [0]
    while ends[-1] < len(content):
        (length,) = struct.unpack_from("<Q", content, ends[-1])
        ends.append(ends[-1] + 8 + 4 + length + 4)
    return ends[:-1]


@st.composite
def damaged(draw, kind):
    """Bytes are changed, inserted, deleted or cut off, more often near the beginning."""
    damaged = content(kind)
    places = st.integers(0, len(damaged) - 1) | st.integers(
        0, min(200, len(damaged) - 1)
    )
    if kind in IMAGES:
        places |= st.sampled_from(record_ends(damaged))
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 5]))):
        place = draw(places)
        removed = draw(st.sampled_from([1, 0, 1, 8, 100, 10**6]))
        byte = draw(st.sampled_from([b"\0", b"\n", b"9", b'"']) | st.binary(max_size=1))
        added = byte * draw(st.sampled_from([1, 0, 1, 8, 100]))
        damaged = damaged[:place] + added + damaged[place + removed :]
    return damaged


@pytest.mark.parametrize("kind", [*WRITTEN, *IMAGES, *BUNDLED])
@examples(0.6)
@given(st.data())
def test_damaged_file_is_refused(kind, data):
    whole = content(kind)
    damaged_content = data.draw(damaged(kind))
    try:
        found = load(kind, damaged_content)
    except mg.MinigradError as error:
        assert error.code and error.cause and error.remedy
        return
    expected = load(kind, whole)
    # A list of words, even one that lost its first bytes, and exported weights have no checksum.
    if kind in ("list", "weights") or (
        kind == "words" and damaged_content[:8] != whole[:8]
    ):
        assert type(found) is type(expected)
    else:
        assert exact(found) == exact(expected)


# ---- snapshots with a right checksum that lack a part, or hold another in its place ----

RUNS = [
    Settings(
        model="words", rule="momentum", trainer_seed=1, callbacks=["early", "schedule"]
    ),
    Settings(
        rule="Adam",
        epochs=2,
        shuffle=True,
        validation="test",
        callbacks=["best", "statistics"],
    ),
    Settings(model="carried", epochs=2, callbacks=["often", "clip"]),
]


@functools.cache
def snapshots(number: int) -> tuple[list[Any], dict[str, Any]]:
    """Return the snapshots of a run, and how it ends."""
    with tempfile.TemporaryDirectory() as folder:
        end = Training(RUNS[number]).run(Snapshots(folder, every_steps=2, keep=99))
        return [mg.load(path) for path in sorted(Path(folder).iterdir())], end


def paths(info: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of each part: each item, each element of a list, and all its elements."""
    parts = list(info.items() if isinstance(info, dict) else enumerate(info))
    found = [(*before, key) for key, _ in parts]
    if isinstance(info, list) and info:
        found.append((*before, slice(None)))
    for key, part in parts:
        if isinstance(part, (dict, list)):
            found += paths(part, (*before, key))
    return found


@st.composite
def incomplete_snapshots(draw):
    """Draw a run, the arrays and the info of one of its snapshots, and which part is missing."""
    number = draw(st.integers(0, len(RUNS) - 1))
    snapshot = draw(st.sampled_from(snapshots(number)[0]))
    arrays, info = dict(snapshot), copy.deepcopy(snapshot.info)
    everything = paths(info)
    path = draw(
        st.sampled_from([(key,) for key in info])
        | st.sampled_from(everything + [("array", name) for name in arrays])
        | st.sampled_from([one for one in everything if not isinstance(one[-1], str)])
    )
    part: Any = {"array": arrays, **info}
    for key in path[:-1]:
        part = part[key]
    if path[0] == "array" and draw(st.booleans()):
        part[path[-1]] = np.zeros(5)
    else:
        del part[path[-1]]
    return number, arrays, {key: info[key] for key in info if path != (key,)}, path


@functools.cache
def untouched(number: int) -> dict[str, Any]:
    """Return the state after an empty file was refused."""
    run = Training(RUNS[number])
    with tempfile.NamedTemporaryFile() as file, pytest.raises(mg.MinigradError):
        run.run(resume=Path(file.name))
    return copy.deepcopy(run.state())


@given(incomplete_snapshots())
def test_incomplete_snapshot_is_refused(case):
    number, arrays, info, path = case
    run, expected = Training(RUNS[number]), untouched(number)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "snapshot")
        mg.save(file, arrays, info)
        try:
            found = run.run(resume=file)
        except Exception as error:
            require_same(run.state(), expected)
            assert isinstance(error, mg.MinigradError), f"without {path}: {error!r}"
            assert error.code and error.cause and error.remedy
            return
    require_same(found, snapshots(number)[1])
