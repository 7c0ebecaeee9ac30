"""The bundled reviews are the published ones, and a damaged bundle is an error."""

import importlib.util
import random
import zlib
from pathlib import Path

import numpy as np
import pytest

from minigrad.data import IMDB, Reviews, Vocabulary, imdb, load_imdb
from minigrad.errors import DataError

SCRIPT = importlib.util.spec_from_file_location(
    "make_bundle", Path(__file__).resolve().parents[3] / "docs" / "make_bundle.py"
)
assert SCRIPT is not None and SCRIPT.loader is not None
make_bundle = importlib.util.module_from_spec(SCRIPT)
SCRIPT.loader.exec_module(make_bundle)


@pytest.fixture(scope="module")
def bundled():
    return load_imdb()


def test_the_bundled_reviews_are_the_published_ones(bundled):
    for reviews in (bundled.train, bundled.test):
        assert reviews.ids.shape == (25_000, 40)
        assert reviews.ids.dtype == reviews.labels.dtype == np.int64
        assert np.bincount(reviews.labels).tolist() == [
            12_500,
            12_500,
        ]  # as the authors say
        assert (
            0 <= reviews.ids.min()
            and reviews.ids.max() < len(bundled.vocabulary) == 10_000
        )
    # Keras's own word index of these reviews begins the same.
    assert bundled.vocabulary.words[:6] == ["the", "and", "a", "of", "to", "is"]
    # The first review of the training split, as tensorflow-datasets' catalogue shows it, ends like
    # this.
    assert bundled.vocabulary.decode(bundled.train.ids[0]).endswith(
        "christopher walken s good name i could barely sit through it"
    )


def test_fewer_ids_and_words_of_the_bundled_reviews(bundled):
    small = load_imdb(length=3, vocabulary_size=100)
    assert small.train.ids.shape == (25_000, 3)
    assert small.vocabulary.words == bundled.vocabulary.words[:97]
    last = bundled.train.ids[:, -3:]
    assert (small.train.ids == np.where(last < 100, last, 2)).all()


def test_the_sources_agree_and_the_bundle_is_built_from_them_byte_for_byte(
    bundled, whole_reviews, tmp_path
):
    data = load_imdb("tfds", data_dir=whole_reviews)
    for read, kept in ((data.train, bundled.train), (data.test, bundled.test)):
        assert (read.ids == kept.ids).all() and (read.labels == kept.labels).all()
    assert data.vocabulary.words == bundled.vocabulary.words
    assert data.train.texts is not None and data.train.texts[0].startswith(
        "This was an absolutely terrible movie."
    )
    make_bundle.write_bundle(data, tmp_path / "imdb.npz")
    if "ng" in zlib.ZLIB_RUNTIME_VERSION:
        pytest.skip("zlib-ng compresses to other bytes; the contents agree")
    assert (tmp_path / "imdb.npz").read_bytes() == imdb.BUNDLE.read_bytes()


def test_rows_are_selected_together():
    reviews = Reviews(
        [np.array([1, 3]), np.array([1]), np.array([1, 4, 5])],
        np.array([0, 1, 0]),
        ["a", "b", "c"],
    )
    assert [ids.tolist() for ids in reviews[1:].ids] == [[1], [1, 4, 5]]
    for rows, texts in (
        ([2, 0], ["c", "a"]),
        (reviews.labels == 0, ["a", "c"]),
        (1, ["b"]),
    ):
        assert reviews[rows].texts == texts
    with pytest.raises(IndexError):
        reviews[3]


def test_held_back_reviews_are_no_longer_in_the_rest():
    reviews = Reviews(np.arange(1000)[:, None], np.arange(1000) % 2)
    (rest, held), (_, again), (_, other) = (
        reviews.hold_back(100, seed=seed) for seed in (1, 1, 2)
    )
    assert (len(rest), len(held)) == (900, 100)
    assert sorted([*rest.ids.ravel(), *held.ids.ravel()]) == list(range(1000))
    assert (again.ids == held.ids).all() and not (other.ids == held.ids).all()


def test_a_bundle_with_any_byte_changed_is_refused_or_reads_the_same(
    monkeypatch, tmp_path
):
    path, choose = tmp_path / "imdb.npz", random.Random(0)
    monkeypatch.setattr(imdb, "BUNDLE", path)
    reviews = Reviews(
        3 + 7 * np.arange(80).reshape(2, 40), np.array([0, 1])
    )  # of one byte and two
    words = Vocabulary([f"w{number}" for number in range(600)])
    make_bundle.write_bundle(IMDB(reviews, reviews, words), path)
    content, refused = path.read_bytes(), 0
    for spot in choose.choices(range(len(content)), k=300):
        changed = bytearray(content)
        changed[spot] ^= 1 << choose.randrange(8)
        path.write_bytes(changed)
        try:
            data = load_imdb()
        except DataError as error:
            assert error.code == "MG405"
            refused += 1
        else:
            assert (data.train.ids == reviews.ids).all()
            assert (data.test.labels == reviews.labels).all()
    assert refused > 100
    np.savez(path, words=np.array([{"a": 1}], dtype=object))  # which would run code
    with pytest.raises(DataError, match="(?s)MG405.*allow_pickle"):
        load_imdb()


def test_without_the_bundle(monkeypatch, tmp_path):
    monkeypatch.setattr(imdb, "BUNDLE", tmp_path / "none.npz")
    with pytest.raises(DataError, match="MG404.*none.npz"):
        load_imdb()
