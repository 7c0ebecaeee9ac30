"""Paths that cannot be read or written: the error names the path, and no file is left behind."""

import pytest

import minigrad as mg
from layers import Dense, import_weights
from minigrad.data import Vocabulary, load_imdb
from minigrad.errors import shown
from tests.needs import package

# By the code of its error, a function that takes a path.
CODES = {
    "MG506": lambda path: mg.save(path, {"W": [1.0]}),
    "MG501": mg.load,
    "MG408": lambda path: Vocabulary(["film"]).save(path),
    "MG404": Vocabulary.load,
    "MG252": lambda path: import_weights(Dense(2, 2), path, "keras"),
    "MG424": lambda path: load_imdb("tfds", data_dir=path),
}


def fails(code, path):
    if code == "MG424":
        package("tensorflow_datasets")
    with pytest.raises(mg.MinigradError) as caught:
        CODES[code](path)
    error = caught.value
    assert error.code == code
    assert error.cause
    assert error.remedy
    assert shown(path) in error.what


INVALID = [
    "",
    "a\0b",
    "\0",
    "\ud800",
    "n" * 300,
    "n" * 300 + "/a",
    "a/" * 3000,
    5,
    None,
    b"a\0b",
]
CASES = [(code, path) for code in CODES for path in INVALID]
CASES.remove(("MG424", None))  # None is the default folder


@pytest.mark.parametrize(("code", "path"), CASES)
def test_invalid_path_is_refused(code, path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fails(code, path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("code", CODES)
def test_folder_and_file_in_place_of_each_other_are_refused(code, tmp_path):
    (tmp_path / "file").write_text("in the way")
    fails(code, tmp_path / "file" / "x")
    if code != "MG424":
        fails(code, str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_unknown_home_is_refused():
    fails("MG424", "~nobody-of-this-name/data")
