"""The bundled texts are the published ones, and a damaged or missing file is an error."""

import gzip
import hashlib
import random
import re
from pathlib import Path

import pytest

from minigrad.data import corpora, load_digits, load_names, load_shakespeare
from minigrad.errors import DataError

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "data.md").read_text()
CHECKSUMS = {
    name: digest for digest, name in re.findall(r"^([0-9a-f]{64})  (\S+)$", PAGE, re.M)
}


def test_the_texts_are_the_published_ones():
    texts = {
        "names.txt": "\n".join(load_names()),
        "shakespeare.txt": load_shakespeare(),
        "digits.csv": corpora.bundled_text("digits.csv.gz"),
    }
    assert CHECKSUMS.keys() == texts.keys()
    for name, text in texts.items():
        assert hashlib.sha256(text.encode()).hexdigest() == CHECKSUMS[name]


def test_the_texts_have_the_counts_that_makemore_and_nanogpt_print():
    names, text = load_names(), load_shakespeare()
    # Karpathy's lecture: 32,033 words, of 2 to 15 letters, and 228,146 bigrams with both ends
    assert (len(names), min(map(len, names)), max(map(len, names))) == (32_033, 2, 15)
    assert sum(len(name) + 1 for name in names) == 228_146
    # nanoGPT's data/shakespeare_char/readme.md: train.bin and val.bin, and 65 characters
    assert (len(text), len(set(text))) == (1_003_854 + 111_540, 65)


@pytest.mark.parametrize("load", [load_names, load_shakespeare, load_digits])
def test_without_the_file(load, monkeypatch, tmp_path):
    monkeypatch.setattr(corpora, "FOLDER", tmp_path)
    with pytest.raises(DataError, match=r"MG404.*\.gz"):
        load()


def test_a_file_with_any_byte_changed_is_refused_or_reads_the_same(
    monkeypatch, tmp_path
):
    monkeypatch.setattr(corpora, "FOLDER", tmp_path)
    path, choose = tmp_path / "names.txt.gz", random.Random(0)
    names = [f"name{number}" for number in range(50)]
    content, refused = gzip.compress("\n".join(names).encode(), mtime=0), 0
    for spot in range(len(content)):
        changed = bytearray(content)
        changed[spot] ^= 1 << choose.randrange(8)
        for damaged in (bytes(changed), content[:spot]):
            path.write_bytes(damaged)
            try:
                assert load_names() == names
            except DataError as error:
                assert error.code == "MG405"
                refused += 1
    assert refused > 1.8 * len(content)
