"""The bundled texts are the published ones, and a damaged or missing file is an error."""

import hashlib

import pytest

from minigrad.data import corpora, load_digits, load_names, load_shakespeare
from minigrad.errors import DataError

from .conftest import REPOSITORY

PAGE = (REPOSITORY / "docs" / "data.md").read_text()


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("names.txt", lambda: "\n".join(load_names())),
        ("shakespeare.txt", load_shakespeare),
        ("digits.csv", lambda: corpora.bundled_text("digits.csv.gz")),
    ],
)
def test_texts_have_the_published_checksums(name, read):
    checksum = hashlib.sha256(read().encode()).hexdigest()
    assert f"\n{checksum}  {name}\n" in PAGE


def test_load_names_has_makemores_counts():
    # Karpathy's lecture: 32,033 words, of 2 to 15 letters, and 228,146 bigrams with both ends
    lengths = [len(name) for name in load_names()]
    assert (
        len(lengths),
        min(lengths),
        max(lengths),
    ) == (32_033, 2, 15)
    assert sum(lengths) + len(lengths) == 228_146


def test_load_shakespeare_has_nanogpts_counts():
    # nanoGPT's data/shakespeare_char/readme.md: train.bin and val.bin, and 65 characters
    text = load_shakespeare()
    assert (len(text), len(set(text))) == (1_003_854 + 111_540, 65)


@pytest.mark.parametrize("load", [load_names, load_shakespeare, load_digits])
def test_load_without_the_file(load, monkeypatch, tmp_path):
    monkeypatch.setattr(corpora, "FOLDER", tmp_path)
    with pytest.raises(DataError, match=r"MG404.*\.gz"):
        load()


@pytest.mark.parametrize("size", [0, 5, 40_000])
def test_load_names_refuses_a_truncated_file(size, monkeypatch, tmp_path):
    content = (corpora.FOLDER / "names.txt.gz").read_bytes()
    (tmp_path / "names.txt.gz").write_bytes(content[:size])
    monkeypatch.setattr(corpora, "FOLDER", tmp_path)
    with pytest.raises(DataError, match="MG405"):
        load_names()
