"""The bundled reviews are the published ones, and a damaged bundle is an error."""

import importlib.util
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minigrad.data import IMDB, Reviews, Vocabulary, imdb, load_imdb
from minigrad.errors import DataError

from .conftest import REPOSITORY

script: Any = importlib.util.spec_from_file_location(
    "make_bundle", REPOSITORY / "docs" / "make_bundle.py"
)
make_bundle = importlib.util.module_from_spec(script)
script.loader.exec_module(make_bundle)


@pytest.fixture(scope="module")
def bundled():
    return load_imdb()


def test_bundle_has_the_published_reviews(bundled):
    words = bundled.vocabulary.words
    for reviews in (bundled.train, bundled.test):
        assert reviews.ids.shape == (25_000, 40)
        assert reviews.ids.dtype == reviews.labels.dtype == np.int64
        # as the authors say
        assert_array_equal(np.bincount(reviews.labels), [12_500, 12_500])
        assert reviews.ids.min() >= 0
        assert reviews.ids.max() < len(bundled.vocabulary) == 10_000
    # Keras's own word index of these reviews begins the same.
    assert words[:6] == ["the", "and", "a", "of", "to", "is"]
    # The first review of the training split, as tensorflow-datasets' catalogue shows it, ends like
    # this.
    end = "christopher walken s good name i could barely sit through it"
    assert bundled.vocabulary.decode(bundled.train.ids[0]).endswith(end)


def test_load_imdb_with_fewer_ids_and_words(bundled):
    small = load_imdb(length=3, vocabulary_size=100)
    last = bundled.train.ids[:, -3:]
    assert small.vocabulary.words == bundled.vocabulary.words[:97]
    assert_array_equal(
        small.train.ids,
        np.where(last < 100, last, 2),
    )


def test_bundle_is_built_from_tfds_byte_for_byte(bundled, whole_reviews, tmp_path):
    data = load_imdb("tfds", data_dir=whole_reviews)
    for read, kept in (
        (data.train, bundled.train),
        (data.test, bundled.test),
    ):
        assert_array_equal(read.ids, kept.ids)
        assert_array_equal(read.labels, kept.labels)
    assert data.vocabulary.words == bundled.vocabulary.words
    assert data.train.texts is not None
    assert data.train.texts[0].startswith("This was an absolutely terrible movie.")
    make_bundle.write_bundle(data, tmp_path / "imdb.npz")
    if "ng" not in zlib.ZLIB_RUNTIME_VERSION:  # zlib-ng compresses to other bytes
        assert (tmp_path / "imdb.npz").read_bytes() == imdb.BUNDLE.read_bytes()


def test_reviews_are_selected_together():
    ids = [
        np.array([1, 3]),
        np.array([1]),
        np.array([1, 4, 5]),
    ]
    reviews = Reviews(
        ids,
        np.array([0, 1, 0]),
        ["a", "b", "c"],
    )
    assert [row.tolist() for row in reviews[1:].ids] == [[1], [1, 4, 5]]
    assert reviews[[2, 0]].texts == ["c", "a"]
    assert reviews[reviews.labels == 0].texts == ["a", "c"]
    assert reviews[1].texts == ["b"]
    with pytest.raises(IndexError):
        reviews[3]


def test_hold_back():
    reviews = Reviews(
        np.arange(1000)[:, None],
        np.arange(1000) % 2,
    )
    rest, held = reviews.hold_back(100, seed=1)
    assert (len(rest), len(held)) == (900, 100)
    both = np.concatenate([rest.ids, held.ids])
    assert_array_equal(
        np.sort(both.ravel()),
        np.arange(1000),
    )
    assert_array_equal(
        reviews.hold_back(100, seed=1)[1].ids,
        held.ids,
    )
    assert np.any(reviews.hold_back(100, seed=2)[1].ids != held.ids)


def test_bundle_with_any_byte_changed_is_refused_or_the_same(monkeypatch, tmp_path):
    path, refused = tmp_path / "imdb.npz", 0
    monkeypatch.setattr(imdb, "BUNDLE", path)
    ids = 3 + 7 * np.arange(80).reshape(2, 40)  # of one byte and two
    reviews = Reviews(ids, np.array([0, 1]))
    words = Vocabulary([f"w{number}" for number in range(600)])
    make_bundle.write_bundle(IMDB(reviews, reviews, words), path)
    content = path.read_bytes()
    for spot in range(0, len(content), 7):
        changed = bytearray(content)
        changed[spot] ^= 1 << spot % 8
        path.write_bytes(changed)
        try:
            data = load_imdb()
        except DataError as error:
            assert error.code == "MG405"
            refused += 1
        else:
            assert_array_equal(data.train.ids, ids)
            assert_array_equal(data.test.labels, reviews.labels)
    assert refused > 100


def test_bundle_with_code_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(imdb, "BUNDLE", tmp_path / "imdb.npz")
    words = np.array(
        [{"a": 1}],
        dtype=object,
    )
    np.savez(imdb.BUNDLE, words=words)
    with pytest.raises(DataError, match="(?s)MG405.*allow_pickle"):
        load_imdb()


def test_load_imdb_without_the_bundle(monkeypatch, tmp_path):
    monkeypatch.setattr(imdb, "BUNDLE", tmp_path / "none.npz")
    with pytest.raises(DataError, match="MG404.*none.npz"):
        load_imdb()
