"""Damaged files are refused with an error, or mean the same as before; nothing is half-loaded."""

import copy
import functools
import shutil
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
IMAGES = Path("mnist/3.0.1/mnist-test.tfrecord-00000-of-00001")
WORDS = ["film", "naïve", "the", "名前", "x" * 40, "isn't"]
SETTINGS = Settings(model="words", rule="momentum", trainer_seed=1)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return a folder with a file of each kind."""
    folder = tmp_path_factory.mktemp("files")
    run = Training(SETTINGS)
    run.run(Snapshots(folder, every_epochs=1))
    next(folder.iterdir()).rename(folder / "snapshot")
    arrays = {
        "W": np.ones((3, 4), "f4"),
        "steps": np.array(7),
        "empty": np.zeros((0, 2)),
        "größe": np.ones(5) < 0,
    }
    info = {"epoch": 3, "history": [{"loss": 0.1}], "name": "naïve"}
    mg.save(folder / "checkpoint", arrays, info)
    export_weights(run.model, folder / "weights", "pytorch")
    Vocabulary(WORDS).save(folder / "words")
    (folder / "list").write_text("\n".join([*WORDS, ""]), "utf-8")
    for name in ("names.txt.gz", "digits.csv.gz"):
        shutil.copy(corpora.FOLDER / name, folder)
    shutil.copytree(MNIST, folder / "mnist")
    return folder


def load(folder, name):
    """Return the contents of a file."""
    path = folder / name
    if name in ("snapshot", "weights"):
        return load_into_model(path)
    if name in ("words", "list"):
        return Vocabulary.load(path).words
    if name == "checkpoint":
        checkpoint = mg.load(path)
        return dict(checkpoint), checkpoint.info
    with (
        patch.object(corpora, "FOLDER", folder),
        patch.dict(images.MNIST_COUNTS, train=12, test=5),
    ):
        if name == IMAGES:
            return load_mnist(folder)
        return load_names() if name == "names.txt.gz" else load_digits()


def load_into_model(path):
    run = Training(SETTINGS)
    before = run.model.state_dict()
    try:
        if path.name == "snapshot":
            return run.run(resume=path)
        import_weights(run.model, path, "pytorch")
    except mg.MinigradError:
        assert exact(run.model.state_dict()) == exact(before), "half-loaded"
        raise
    return run.model.state_dict()


@st.composite
def damaged(draw, content):
    """Change, insert, delete or cut off bytes, more often near the beginning."""
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 5]))):
        last = len(content) - 1
        place = draw(st.integers(0, max(last, 0)) | st.integers(0, 200))
        removed = draw(st.sampled_from([1, 0, 1, 8, 100, 10**6]))
        added = draw(st.sampled_from([1, 0, 1, 8, 100]))
        byte = draw(st.sampled_from([b"\0", b"\n", b"9", b'"']) | st.binary(max_size=1))
        content = content[:place] + byte * added + content[place + removed :]
    return content


@pytest.mark.parametrize(
    "name",
    [
        "checkpoint",
        "snapshot",
        "weights",
        "words",
        "list",
        "names.txt.gz",
        "digits.csv.gz",
        IMAGES,
    ],
    ids=str,
)
@examples(0.6)
@given(st.data())
def test_damaged_file_is_refused(files, name, data):
    whole = (files / name).read_bytes()
    content = data.draw(damaged(whole))
    expected = load(files, name)
    try:
        (files / name).write_bytes(content)
        found = load(files, name)
    except mg.MinigradError as error:
        assert error.code and error.cause and error.remedy
        return
    finally:
        (files / name).write_bytes(whole)
    # A list of words, even one that lost its first bytes, and exported weights have no checksum.
    if name in ("list", "weights") or (name == "words" and content[:8] != whole[:8]):
        assert type(found) is type(expected)
    else:
        assert exact(found) == exact(expected)


# ---- snapshots with a right checksum that lack a part, or hold another in its place ----

RUNS = [
    Settings(
        model="words",
        rule="momentum",
        trainer_seed=1,
        callbacks=["early", "schedule"],
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
def snapshots(number):
    """Return the snapshots of a run, how it ends, and its state after an empty file is refused."""
    run = Training(RUNS[number])
    with tempfile.TemporaryDirectory() as folder:
        end = run.run(Snapshots(folder, every_steps=2, keep=99))
        loaded = [mg.load(path) for path in sorted(Path(folder).iterdir())]
        empty = Path(folder, "empty")
        empty.touch()
        run = Training(RUNS[number])
        with pytest.raises(mg.MinigradError):
            run.run(resume=empty)
    return loaded, end, copy.deepcopy(run.state())


def paths(info, before=()):
    """Return the path of each part: each item, each element of a list, and all its elements."""
    found = []
    if isinstance(info, list) and info:
        found.append((*before, slice(None)))
    for key, part in info.items() if isinstance(info, dict) else enumerate(info):
        found.append((*before, key))
        if isinstance(part, (dict, list)):
            found += paths(part, (*before, key))
    return found


@st.composite
def incomplete_snapshots(draw):
    """Draw a run, the arrays and the info of one of its snapshots, and which part is missing."""
    number = draw(st.integers(0, len(RUNS) - 1))
    snapshot = draw(st.sampled_from(snapshots(number)[0]))
    content = {"info": copy.deepcopy(snapshot.info), "arrays": dict(snapshot)}
    path = draw(st.sampled_from([one for one in paths(content) if len(one) > 1]))
    part: Any = content
    for key in path[:-1]:
        part = part[key]
    if path[0] == "arrays" and draw(st.booleans()):
        part[path[-1]] = np.zeros(5)
    else:
        del part[path[-1]]
    return number, content, path


@examples(2)
@given(incomplete_snapshots())
def test_incomplete_snapshot_is_refused(case):
    number, content, path = case
    _, end, untouched = snapshots(number)
    run = Training(RUNS[number])
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "snapshot")
        mg.save(file, content["arrays"], content["info"])
        try:
            found = run.run(resume=file)
        except Exception as error:
            require_same(run.state(), untouched | {"generator": run.state()["generator"]})
            assert isinstance(error, mg.MinigradError), f"without {path}: {error!r}"
            assert error.code and error.cause and error.remedy
            return
    require_same(found, end)
