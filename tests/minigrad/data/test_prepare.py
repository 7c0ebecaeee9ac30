"""Whole reviews, from the network to ids: in the published order, prepared whole or not at all."""

import subprocess
import sys
from itertools import islice
from typing import Any

import pytest

from minigrad.data import load_imdb, prepare
from minigrad.errors import DataError

from .conftest import REPOSITORY, TEST, TRAIN

tfds = pytest.importorskip(
    "tensorflow_datasets", reason="tensorflow-datasets is not installed"
)


@pytest.fixture(autouse=True)
def served(server, monkeypatch):
    """`load_imdb("tfds")` downloads from the loopback server."""
    monkeypatch.setattr(prepare, "ARCHIVE", server.archive)
    return server


def fails_with(code, data_dir):
    with pytest.raises(DataError) as caught:
        load_imdb("tfds", data_dir=data_dir)
    assert caught.value.code == code and caught.value.remedy
    return caught.value


def prepared(data_dir):
    """The finished and unfinished folders in which a later run would look for prepared reviews."""
    return sorted(path.name for path in (data_dir / prepare.FOLDER).parent.glob("*"))


def program(server, data_dir, before=""):
    """What a second Python runs: `before`, and then this test's `load_imdb`."""
    archive = server.archive
    code = (
        "import os, random, resource; from minigrad.data import load_imdb, prepare; "
        "from minigrad.data.download import Archive; "
        "random.seed(0); "  # tensorflow-datasets names its unfinished folder by this generator
        f"prepare.ARCHIVE = Archive({archive.url!r}, {archive.size}, {archive.sha256!r})\n"
        f"{before}\nprint(len(load_imdb('tfds', data_dir={str(data_dir)!r}).train))"
    )
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", code], cwd=REPOSITORY, **pipes)


def test_whole_reviews_from_the_network_to_ids(tmp_path):
    data = load_imdb("tfds", data_dir=tmp_path, length=None, vocabulary_size=50)
    for reviews, published in ((data.train, TRAIN), (data.test, TEST)):
        expected = sorted(published.items(), key=lambda item: item[1][1])
        # The order is that of the data set tensorflow-datasets publishes: 8 rows by chance, 1 in
        # 40,320.
        assert reviews.texts == [text for _, (text, _) in expected]
        assert reviews.labels.tolist() == [
            int(name.startswith("pos")) for name, _ in expected
        ]
    # Counted by hand in the eight training reviews: "a" and "the" 5 times, "is" and "this" 4.
    assert data.vocabulary.words[:4] == ["a", "the", "is", "this"]
    assert data.vocabulary.decode(data.train.ids[0][:4]).startswith("<start>")


def test_a_second_call_and_tensorflow_datasets_itself_read_what_is_there(
    served, tmp_path, monkeypatch
):
    monkeypatch.setattr(tfds.core.constants, "DATA_DIR", str(tmp_path))
    first = load_imdb("tfds")
    served.close()
    second = load_imdb("tfds", data_dir=tmp_path)
    assert served.requests == 1 and first.train.texts == second.train.texts
    assert (first.test.ids == second.test.ids).all() and first.test.ids.shape == (3, 40)
    source = tfds.data_source("imdb_reviews", data_dir=tmp_path, split="train")
    assert len(source) == 8 and source[0] == {
        "text": b"Bromwell High is a cartoon comedy.",
        "label": 1,
    }


def test_ctrl_c_while_preparing_leaves_nothing_that_looks_prepared(
    served, tmp_path, monkeypatch
):
    read = prepare._reviews

    def interrupted(path, split):
        yield from islice(read(path, split), 5)
        raise KeyboardInterrupt

    monkeypatch.setattr(prepare, "_reviews", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load_imdb("tfds", data_dir=tmp_path)
    assert prepared(tmp_path) == []
    monkeypatch.setattr(prepare, "_reviews", read)
    assert len(load_imdb("tfds", data_dir=tmp_path).train) == 8 and served.requests == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no locks on folders")
def test_programs_that_prepare_the_same_folder_at_the_same_time_wait_for_each_other(
    served, tmp_path
):
    runs = [program(served, tmp_path) for _ in range(2)]
    printed = [run.communicate()[0] for run in runs]
    assert [out.splitlines()[-1] for out in printed] == [
        "8",
        "8",
    ] and served.requests == 1
    assert prepared(tmp_path) == ["1.0.0"]


def test_prepared_reviews_that_are_damaged_or_in_another_format(served, tmp_path):
    load_imdb("tfds", data_dir=tmp_path)
    (shard,) = (tmp_path / prepare.FOLDER).glob("*train*")
    content = shard.read_bytes()
    shard.write_bytes(content[:200] + b"0123456789" + content[210:])
    fails_with("MG435", tmp_path)
    shard.unlink()
    assert "1.0.0" in fails_with("MG435", tmp_path).what
    (tmp_path / "other" / prepare.FOLDER).mkdir(parents=True)
    assert (
        "not in the array_record format"
        in fails_with("MG435", tmp_path / "other").cause
        and served.requests == 1
    )
