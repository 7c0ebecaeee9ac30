import hashlib
import importlib.util
import random
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

from minigrad.data import IMDB, Reviews, Vocabulary, imdb, load_imdb
from minigrad.errors import DataError, OptionError

SCRIPT = importlib.util.spec_from_file_location(
    "make_bundle", Path(__file__).resolve().parents[3] / "docs" / "make_bundle.py"
)
assert SCRIPT is not None and SCRIPT.loader is not None
make_bundle = importlib.util.module_from_spec(SCRIPT)
SCRIPT.loader.exec_module(make_bundle)

SHA256 = "a3c39990ad1a9e5685471473b15e27b0e762d4787b5b066f34a8d2bb8338014e"


def fails_with(code, kind, *arguments, **options):
    with pytest.raises(kind) as caught:
        load_imdb(*arguments, **options)
    assert caught.value.code == code
    assert caught.value.remedy
    return caught.value


@pytest.fixture(scope="module")
def bundled():
    return load_imdb()


def test_the_bundled_reviews_are_the_published_ones(bundled):
    for reviews in (bundled.train, bundled.test):
        assert reviews.ids.shape == (25_000, 40)
        assert reviews.ids.dtype == reviews.labels.dtype == np.int64
        assert np.bincount(reviews.labels).tolist() == [12_500, 12_500]  # as the authors say
        assert reviews.ids.min() >= 0
        assert reviews.ids.max() < len(bundled.vocabulary) == 10_000
        assert reviews.texts is None
    # Keras's own word index of these reviews begins the same (with "in" before "it": it keeps "it's" in one piece).
    assert bundled.vocabulary.words[:6] == ["the", "and", "a", "of", "to", "is"]
    assert set(bundled.vocabulary.words[:12]) == {*"the and a of to is br in it i this that".split()}
    # The first review of the training split, as tensorflow-datasets' catalogue shows it, ends like this.
    assert bundled.vocabulary.decode(bundled.train.ids[0]).endswith(
        "christopher walken s good name i could barely sit through it"
    )


def test_padding_and_the_start_id_stand_where_the_convention_says(bundled):
    ids = bundled.train.ids
    is_padding = ids == 0
    # Once a word has come, no padding follows: it is all on the left.
    assert not (is_padding[:, 1:] & ~is_padding[:, :-1]).any()
    # A review that is padded shows its start id right after the padding, and nowhere else is one.
    starts = (ids == 1).argmax(axis=1)
    padded = is_padding.any(axis=1)
    assert padded.sum() > 100
    assert (starts[padded] == is_padding.sum(axis=1)[padded]).all()
    assert ((ids == 1).sum(axis=1) <= 1).all()


def test_fewer_ids_and_words_of_the_bundled_reviews(bundled):
    small = load_imdb(length=3, vocabulary_size=100)
    assert small.train.ids.shape == (25_000, 3)
    assert small.vocabulary.words == bundled.vocabulary.words[:97]
    last = bundled.train.ids[:, -3:]
    assert (small.train.ids == np.where(last < 100, last, 2)).all()


def test_the_sources_agree_and_the_bundle_is_built_from_them_byte_for_byte(bundled, whole_reviews, tmp_path):
    data = load_imdb("tfds", data_dir=whole_reviews)
    for read, kept in ((data.train, bundled.train), (data.test, bundled.test)):
        assert (read.ids == kept.ids).all()
        assert (read.labels == kept.labels).all()
    assert data.vocabulary.words == bundled.vocabulary.words
    assert data.train.texts is not None and data.test.texts is not None
    assert data.train.texts[0].startswith("This was an absolutely terrible movie.")
    for row in (0, 1, 24_999):
        last = data.vocabulary.encode(data.test.texts[row])[-40:].tolist()
        assert bundled.test.ids[row].tolist() == [0] * (40 - len(last)) + last
    make_bundle.write_bundle(data, tmp_path / "imdb.npz")
    if "ng" in zlib.ZLIB_RUNTIME_VERSION:
        pytest.skip("zlib-ng compresses to other bytes; the contents agree")
    assert (tmp_path / "imdb.npz").read_bytes() == imdb.BUNDLE.read_bytes()


@pytest.mark.skipif("ng" in zlib.ZLIB_RUNTIME_VERSION, reason="zlib-ng compresses to other bytes")
def test_writing_the_bundle_again_gives_the_same_bytes(bundled, tmp_path):
    make_bundle.write_bundle(bundled, tmp_path / "imdb.npz")
    assert hashlib.sha256((tmp_path / "imdb.npz").read_bytes()).hexdigest() == SHA256
    assert hashlib.sha256(imdb.BUNDLE.read_bytes()).hexdigest() == SHA256
    assert [path.name for path in tmp_path.iterdir()] == ["imdb.npz"]


def test_the_script_writes_the_file(tmp_path, monkeypatch, capsys):
    reviews = Reviews(np.array([[0, 1, 3]]), np.array([1]), ["Good"])
    monkeypatch.setattr(make_bundle, "load_imdb", lambda source, data_dir: IMDB(reviews, reviews, Vocabulary(["good"])))
    monkeypatch.setattr(sys, "argv", ["make_bundle", "anywhere", str(tmp_path / "out.npz")])
    make_bundle.main()
    assert "bytes" in capsys.readouterr().out
    monkeypatch.setattr(imdb, "BUNDLE", tmp_path / "out.npz")
    data = load_imdb()
    assert data.test.ids.tolist() == [[0, 1, 3]]
    assert data.vocabulary.words == ["good"]


def test_rows_are_selected_together():
    reviews = Reviews([np.array([1, 3]), np.array([1]), np.array([1, 4, 5])], np.array([0, 1, 0]), ["a", "b", "c"])
    last_two = reviews[1:]
    assert [ids.tolist() for ids in last_two.ids] == [[1], [1, 4, 5]]
    assert last_two.texts == ["b", "c"]
    assert reviews[[2, 0]].texts == ["c", "a"]
    assert reviews[reviews.labels == 0].texts == ["a", "c"]
    assert reviews[np.argsort(reviews.labels, kind="stable")].labels.tolist() == [0, 0, 1]
    assert len(reviews[1]) == 1
    with pytest.raises(IndexError):
        reviews[3]


def test_held_back_reviews_are_no_longer_in_the_rest(bundled):
    rest, held = bundled.train.hold_back(2_500, seed=1)
    assert (len(rest), len(held)) == (22_500, 2_500)
    assert 0.45 < held.labels.mean() < 0.55
    rows = np.concatenate([rest.ids, held.ids])
    assert (rows[np.lexsort(rows.T)] == bundled.train.ids[np.lexsort(bundled.train.ids.T)]).all()
    again, other = (bundled.train.hold_back(2_500, seed=seed)[1] for seed in (1, 2))
    assert (again.ids == held.ids).all()
    assert not (other.ids == held.ids).all()


@pytest.mark.parametrize("count", [0, 3, -1, 2_500])
def test_a_count_that_cannot_be_held_back(count):
    with pytest.raises(OptionError) as caught:
        Reviews(np.ones((3, 2), dtype=int), np.array([0, 1, 1])).hold_back(count)
    assert caught.value.code == "MG431"
    assert f"{count} of 3" in caught.value.what


def test_an_unknown_source():
    assert "'imdb'" in fails_with("MG432", OptionError, "imdb").what


@pytest.mark.parametrize("options", [{"length": None}, {"length": 41}, {"vocabulary_size": 20_000}])
def test_more_than_the_bundle_holds(options):
    assert "tfds" in fails_with("MG433", OptionError, **options).remedy


def test_a_folder_for_the_bundled_reviews(tmp_path):
    assert "tfds" in fails_with("MG436", OptionError, data_dir=tmp_path).remedy


def test_a_bundle_whose_words_repeat(monkeypatch, tmp_path):
    reviews, vocabulary = Reviews(np.array([[1, 3]]), np.array([1])), Vocabulary(["good"])
    vocabulary.words *= 2
    make_bundle.write_bundle(IMDB(reviews, reviews, vocabulary), tmp_path / "imdb.npz")
    monkeypatch.setattr(imdb, "BUNDLE", tmp_path / "imdb.npz")
    assert "'good'" in fails_with("MG405", DataError).cause


def test_sizes_that_make_no_sense():
    fails_with("MG406", OptionError, length=0)
    fails_with("MG402", OptionError, vocabulary_size=3)


def test_no_tensorflow_datasets(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    assert "pip install tensorflow-datasets" in fails_with("MG434", DataError, "tfds").remedy


def test_no_bundled_file(monkeypatch, tmp_path):
    monkeypatch.setattr(imdb, "BUNDLE", tmp_path / "imdb.npz")
    assert "imdb.npz" in fails_with("MG404", DataError).what


@pytest.mark.parametrize("part", [0, 1, 1000, 1_300_000, 2_600_000])
def test_a_cut_bundle(monkeypatch, tmp_path, part):
    (tmp_path / "imdb.npz").write_bytes(imdb.BUNDLE.read_bytes()[:part])
    monkeypatch.setattr(imdb, "BUNDLE", tmp_path / "imdb.npz")
    fails_with("MG405", DataError)


def test_a_bundle_with_any_byte_changed_is_refused_or_reads_the_same(monkeypatch, tmp_path):
    ids, labels = np.arange(80).reshape(2, 40) + 3, np.array([0, 1])
    path = tmp_path / "imdb.npz"
    monkeypatch.setattr(imdb, "BUNDLE", path)
    reviews = Reviews(ids, labels)
    make_bundle.write_bundle(IMDB(reviews, reviews, Vocabulary([f"w{number}" for number in range(90)])), path)
    content, refused, generator = path.read_bytes(), 0, random.Random(0)
    for _ in range(300):
        changed = bytearray(content)
        changed[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
        path.write_bytes(changed)
        try:
            data = load_imdb()
        except DataError as error:
            assert error.code == "MG405"
            refused += 1
        else:
            assert (data.train.ids == ids).all()
            assert (data.test.labels == labels).all()
            assert data.vocabulary.words[89] == "w89"
    assert refused > 100


def test_a_bundle_that_would_run_code_is_refused(monkeypatch, tmp_path):
    np.savez(tmp_path / "imdb.npz", words=np.array([{"a": 1}], dtype=object))
    monkeypatch.setattr(imdb, "BUNDLE", tmp_path / "imdb.npz")
    assert "allow_pickle" in fails_with("MG405", DataError).cause
