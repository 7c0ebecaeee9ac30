"""Paths that cannot be read or written: every function that takes one says so, names it, and leaves
nothing behind.
"""

import pytest

import minigrad as mg
from layers import Dense, import_weights
from minigrad.data import Vocabulary, load_imdb
from minigrad.errors import shown

FOLDERS = {"MG424": lambda path: load_imdb("tfds", data_dir=path)}
CODES = {
    "MG506": lambda path: mg.save(path, {"W": [1.0]}),
    "MG501": mg.load,
    "MG408": lambda path: Vocabulary(["film"]).save(path),
    "MG404": Vocabulary.load,
    "MG252": lambda path: import_weights(Dense(2, 2), path, "keras"),
    **FOLDERS,
}
"""By the code of its error, a function that takes a path."""


def fails(function, path):
    if function in FOLDERS:
        pytest.importorskip(
            "tensorflow_datasets", reason="tensorflow-datasets is not installed"
        )
    with pytest.raises(mg.MinigradError) as caught:
        CODES[function](path)
    error = caught.value
    assert error.code == function and error.cause and error.remedy
    assert shown(path) in error.what


@pytest.mark.parametrize(
    "path",
    [
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
    ],
)
@pytest.mark.parametrize("function", CODES)
def test_names_that_no_file_can_have(function, path, tmp_path, monkeypatch):
    if function in FOLDERS and path is None:
        pytest.skip("None is the default folder")
    monkeypatch.chdir(tmp_path)
    fails(function, path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("function", CODES)
def test_a_folder_instead_of_a_file_and_a_file_instead_of_a_folder(function, tmp_path):
    (tmp_path / "file").write_text("in the way")
    fails(function, tmp_path / "file" / "x")
    if function not in FOLDERS:
        fails(function, str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_home_that_is_not_known(tmp_path):
    fails("MG424", "~nobody-of-this-name/data")
