"""load_imdb("tfds"), from the network to ids: in the published order, prepared atomically."""

import subprocess
import sys
from itertools import islice
from typing import Any

import pytest
from numpy.testing import assert_array_equal

from minigrad.data import load_imdb, prepare
from minigrad.errors import DataError
from tests.needs import package

from .conftest import REPOSITORY, TEST, TRAIN

tfds = package("tensorflow_datasets")


@pytest.fixture(autouse=True)
def served(server, monkeypatch):
    """`load_imdb("tfds")` downloads from the loopback server."""
    monkeypatch.setattr(prepare, "ARCHIVE", server.archive)
    return server


def refused(data_dir):
    with pytest.raises(DataError, match="MG435") as caught:
        load_imdb("tfds", data_dir=data_dir)
    assert caught.value.remedy
    return caught.value


def prepared(data_dir):
    """The finished and unfinished folders in which a later run would look for prepared reviews."""
    return sorted(path.name for path in (data_dir / prepare.FOLDER).parent.glob("*"))


PROGRAM = """
import random
from minigrad.data import load_imdb, prepare
from minigrad.data.download import Archive
random.seed(0)  # tensorflow-datasets names its unfinished folder by this generator
prepare.ARCHIVE = Archive({0.url!r}, {0.size}, {0.sha256!r})
print(len(load_imdb("tfds", data_dir={1!r}).train))
"""


def test_prepare_the_published_order(tmp_path):
    data = load_imdb("tfds", data_dir=tmp_path, length=None, vocabulary_size=50)
    for reviews, published in (
        (data.train, TRAIN),
        (data.test, TEST),
    ):
        # The order is that of the data set tensorflow-datasets publishes: 8 rows by chance, 1 in
        # 40,320.
        names = sorted(published, key=lambda name: published[name][1])
        assert reviews.texts == [published[name][0] for name in names]
        assert reviews.labels.tolist() == [name.startswith("pos") for name in names]
    # Counted by hand in the eight training reviews: "a" and "the" 5 times, "is" and "this" 4.
    assert data.vocabulary.words[:4] == ["a", "the", "is", "this"]
    assert data.vocabulary.decode(data.train.ids[0][:4]).startswith("<start>")


def test_prepared_reviews_are_read_again_and_by_tfds(served, tmp_path, monkeypatch):
    monkeypatch.setattr(tfds.core.constants, "DATA_DIR", str(tmp_path))
    first = load_imdb("tfds")
    served.close()
    second = load_imdb("tfds", data_dir=tmp_path)
    assert served.requests == 1 and first.train.texts == second.train.texts
    assert_array_equal(first.test.ids, second.test.ids)
    assert first.test.ids.shape == (3, 40)
    source = tfds.data_source("imdb_reviews", data_dir=tmp_path, split="train")
    text = b"Bromwell High is a cartoon comedy."
    assert len(source) == 8 and source[0] == {"text": text, "label": 1}


def test_prepare_after_ctrl_c_begins_again(served, tmp_path, monkeypatch):
    read = prepare._reviews

    def interrupted(path, split):
        yield from islice(read(path, split), 5)
        raise KeyboardInterrupt

    monkeypatch.setattr(prepare, "_reviews", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load_imdb("tfds", data_dir=tmp_path)
    assert prepared(tmp_path) == []
    monkeypatch.setattr(prepare, "_reviews", read)
    data = load_imdb("tfds", data_dir=tmp_path)
    assert len(data.train) == 8 and served.requests == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs Linux or macOS")
def test_prepare_in_two_programs_at_once(served, tmp_path):
    code = PROGRAM.format(served.archive, str(tmp_path))
    command, pipe = [sys.executable, "-c", code], subprocess.PIPE
    options: Any = {"cwd": REPOSITORY, "stdout": pipe, "stderr": pipe, "text": True}
    runs = [
        subprocess.Popen(
            command,
            **options,
        )
        for _ in range(2)
    ]
    for run in runs:
        printed, _ = run.communicate()
        assert printed.splitlines()[-1] == "8"
    assert served.requests == 1 and prepared(tmp_path) == ["1.0.0"]


def test_prepared_reviews_that_are_damaged_are_refused(served, tmp_path):
    load_imdb("tfds", data_dir=tmp_path)
    (shard,) = (tmp_path / prepare.FOLDER).glob("*train*")
    content = shard.read_bytes()
    shard.write_bytes(content[:200] + b"0123456789" + content[210:])
    refused(tmp_path)
    shard.unlink()
    assert "1.0.0" in refused(tmp_path).what and served.requests == 1


def test_prepared_reviews_in_another_format_are_refused(served, tmp_path):
    (tmp_path / prepare.FOLDER).mkdir(parents=True)
    assert "not in the array_record format" in refused(tmp_path).cause
    assert served.requests == 0
