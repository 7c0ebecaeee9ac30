"""Files that are cut, changed or lack a part: they are refused with an error of minigrad and nothing is
half-loaded, or they mean the same as before.
"""

from __future__ import annotations

import copy
import functools
import shutil
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.data import corpora, images, load_digits, load_mnist, load_names
from optim import Snapshots

from .training import Settings, Training, difference, exact

MNIST = Path(__file__).parents[1] / "minigrad" / "data" / "mnist"


Damage = tuple[str, str, int, int]
"""A file's name, what happens to it, at which byte, and the byte that is put there."""


@st.composite
def damages(draw: Any, files: dict[str, bytes], ends: dict[str, list[int]]) -> Damage:
    """Most places of a large file are alike, so the first ones and the ends of its records come
    more often.
    """
    name = draw(st.sampled_from(sorted(files)))
    last = len(files[name]) - 1
    places = st.integers(0, last) | st.integers(0, 200)
    if name in ends:
        places |= st.sampled_from(ends[name])
    kind = draw(st.sampled_from(["cut", "cut", "change", "put in", "take out"]))
    return name, kind, draw(places), draw(st.integers(0, 255))


def damaged(content: bytes, kind: str, place: int, byte: int) -> bytes:
    before, after, new = content[:place], content[place:], bytes([byte])
    rest = {
        "cut": b"",
        "change": new + after[1:],
        "put in": new + after,
        "take out": after[1:],
    }
    return before + rest[kind]


def records(content: bytes) -> list[int]:
    """Where each record of a TFRecord file ends: a length in 8 bytes, 4 bytes, the record, 4 bytes."""
    ends = [0]
    while ends[-1] < len(content):
        (length,) = struct.unpack_from("<Q", content, ends[-1])
        ends.append(ends[-1] + 8 + 4 + length + 4)
    return ends[:-1]


IMAGES = {
    f"mnist-{split}.tfrecord-00000-of-00001": (
        MNIST / "3.0.1" / f"mnist-{split}.tfrecord-00000-of-00001"
    ).read_bytes()
    for split in ("train", "test")
}
TEXTS = {
    name: (corpora.FOLDER / name).read_bytes()
    for name in ("names.txt.gz", "digits.csv.gz")
}


@functools.cache
def whole_mnist() -> Any:
    return load_mnist(MNIST.parent)


@given(damages(IMAGES, {name: records(content) for name, content in IMAGES.items()}))
def test_images_of_mnist(damage):
    name, *rest = damage
    counts = getattr(images, "MNIST_COUNTS", {})
    with patch.dict(counts, train=12, test=5), tempfile.TemporaryDirectory() as folder:
        shutil.copytree(MNIST, Path(folder, "mnist"))
        Path(folder, "mnist", "3.0.1", name).write_bytes(damaged(IMAGES[name], *rest))
        require_same_or_refused(lambda: load_mnist(folder), whole_mnist())


@settings(max_examples=30)
@given(damages(TEXTS, {}))
def test_bundled_texts(damage):
    name, *rest = damage
    load: Callable[[], Any] = {
        "names.txt.gz": load_names,
        "digits.csv.gz": load_digits,
    }[name]
    expected = load()
    with (
        tempfile.TemporaryDirectory() as folder,
        patch.object(corpora, "FOLDER", Path(folder)),
    ):
        Path(folder, name).write_bytes(damaged(TEXTS[name], *rest))
        require_same_or_refused(load, expected)


def require_same_or_refused(load: Callable[[], Any], expected: Any) -> None:
    try:
        found = load()
    except mg.MinigradError as error:
        assert error.code == "MG405" and error.cause and error.remedy
        return
    assert exact(found) == exact(expected), "other content"


# ---- snapshots with a right checksum that lack a part, or hold another in its place ----

RUNS = [
    Settings(model="words", rule="momentum", trainer_seed=1, callbacks=("early", "schedule")),
    Settings(model="dense", rule="Adam", epochs=2, shuffle=True, validation="test", callbacks=("best", "statistics")),
    Settings(model="nested", rule="SGD", epochs=2, callbacks=("evaluate often", "clip")),
]  # fmt: skip


@functools.cache
def snapshots(
    number: int,
) -> tuple[list[tuple[dict[str, Any], dict[str, Any]]], dict[str, Any]]:
    """The arrays and the info of each snapshot of a run, and what the run ends with."""
    with tempfile.TemporaryDirectory() as folder:
        end = Training(RUNS[number]).run(Snapshots(folder, every_steps=2, keep=99))
        loaded = [mg.load(path) for path in sorted(Path(folder).iterdir())]
        return [(dict(one), one.info) for one in loaded], end


def paths(info: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of each part of the info: of each item of a dictionary, each element of a list, and
    all elements of a list.
    """
    parts = list(info.items() if isinstance(info, dict) else enumerate(info))
    found = [(*before, key) for key, _ in parts]
    if isinstance(info, list) and info:
        found.append((*before, slice(None)))
    for key, part in parts:
        if isinstance(part, (dict, list)):
            found += paths(part, (*before, key))
    return found


@st.composite
def missing_parts(draw: Any) -> tuple[int, int, tuple[Any, ...], bool]:
    """A run, one of its snapshots, what is missing there, and whether another array is in its place."""
    run = draw(st.integers(0, len(RUNS) - 1))
    which = draw(st.integers(0, len(snapshots(run)[0]) - 1))
    arrays, info = snapshots(run)[0][which]
    names = [("array", name) for name in arrays]
    path = draw(
        st.sampled_from([(key,) for key in info] + paths(info) + names)
        | st.sampled_from([one for one in paths(info) if not isinstance(one[-1], str)])
    )
    return run, which, path, path[0] == "array" and draw(st.booleans())


def state(run: Training) -> dict[str, Any]:
    return {
        "weights": run.model.state_dict(),
        "optimizer": run.optimizer.raw_state(),
        "hyperparameters": run.optimizer.hyperparameters(),
        "batches": [run.train.state_dict(), run.test.state_dict()],
        "callbacks": [one.state_dict() for one in run.trainer.callbacks],
        "history": run.trainer.history.rows,
        "position": [run.trainer.epoch, run.trainer.step, run.trainer.stop_reason],
        "carried": getattr(run.model, "carried_state", dict)(),
        "modes": {
            name: layer.training for name, layer in run.model.named_layers().items()
        },
        "generator": mg.generator().bit_generator.state,
    }


@functools.cache
def untouched(number: int) -> dict[str, Any]:
    """The state after an empty file was refused."""
    with tempfile.NamedTemporaryFile() as file:
        run = Training(RUNS[number])
        try:
            run.run(resume=Path(file.name))
        except mg.MinigradError:
            return copy.deepcopy(state(run))
    raise AssertionError("an empty file was not refused")


@settings(max_examples=60)
@given(missing_parts())
def test_snapshots_without_a_part(case):
    number, which, path, replaced = case
    arrays, info = copy.deepcopy(snapshots(number)[0][which])
    end, start = snapshots(number)[1], untouched(number)
    part: Any = {"array": arrays, **info}
    for key in path[:-1]:
        part = part[key]
    del part[path[-1]]
    if len(path) == 1:
        del info[path[0]]
    if replaced:
        part[path[-1]] = np.zeros(5)
    run = Training(RUNS[number])
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "snapshot")
        mg.save(file, arrays, info)
        try:
            found = run.run(resume=file)
        except Exception as error:
            fault = difference(state(run) | {"generator": 0}, start | {"generator": 0})
            assert not fault, f"half-loaded: {fault}"
            assert isinstance(error, mg.MinigradError), f"bare: {error!r}"
            assert error.code and error.cause and error.remedy
            return
    fault = difference(found, end)
    assert not fault, f"without {path}, the run ends with other {fault}"
