"""Vocabulary, Characters, tokenize, pad, mask and lengths: words to ids and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.data import Characters, Vocabulary, lengths, mask, pad, tokenize
from minigrad.errors import DataError, DtypeError, IndexRangeError, OptionError

rows_of_ids = st.lists(
    st.lists(st.integers(1, 9_999), max_size=12),
    max_size=8,
)
sides = st.sampled_from(["left", "right"])


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("A Film, and a GOOD one.", "a film and a good one"),
        ("it's snake_case -- well-made<br />", "it s snake case well made br"),
        ("Amélie: “très” naïve…", "amélie très naïve"),
        ("a\x96dash\x85and\ttabs\nand\xa0more", "a dash and tabs and more"),
        ("\u65e5\u672c 1984!", "\u65e5\u672c 1984"),
    ],
)
def test_tokenize(text, tokens):
    assert tokenize(text) == tokens.split(" ")


def test_vocabulary_counts_words():
    # c 3 times; a and b twice each, in alphabetical order; d once, and beyond the size.
    vocabulary = Vocabulary.build(
        iter(["c b a", ["c", "a", "b"], "D, C!"]),
        size=6,
    )
    words = ["<pad>", "<start>", "<unknown>", "c", "a", "b"]
    assert [vocabulary[id] for id in range(len(vocabulary))] == words
    assert vocabulary.encode("A d c").tolist() == [1, 4, 2, 3]
    assert vocabulary.encode("").tolist() == [1]


def test_vocabulary_is_saved_with_a_checksum(tmp_path):
    path, words = tmp_path / "words.txt", ["film", "très", "f"]
    Vocabulary(words).save(path)
    content = path.read_bytes()
    assert Vocabulary.load(path).words == words
    for spot in 0, 30, 100, len(content) - 2:
        flipped = bytearray(content)
        flipped[spot] ^= 1
        for damaged in content[:spot], flipped:
            path.write_bytes(damaged)
            with pytest.raises(DataError, match="MG405"):
                Vocabulary.load(path)


@pytest.mark.parametrize("start", ["", "\ufeff"])  # a byte-order mark, as Notepad writes
def test_vocabulary_loads_a_list_of_words(tmp_path, start):
    path = tmp_path / "words.txt"
    path.write_text(f"{start}film\ntrès\n", encoding="utf-8")
    assert Vocabulary.load(path).words == ["film", "très"]


def test_vocabulary_loads_windows_line_ends(tmp_path):
    path = tmp_path / "words.txt"
    # printf 'film\ntr\xe8s\n' | sha256sum
    checksum = "cca544bd96f0d50854eee921e8f99db57d0616960938d01c537ba53943706d02"
    head = f"# minigrad vocabulary: 2 words, SHA-256 {checksum}"
    path.write_bytes(f"{head}\r\nfilm\r\ntr\xe8s\r\n\r\n".encode())
    assert Vocabulary.load(path).words == ["film", "tr\xe8s"]


@pytest.mark.parametrize("content", [b"", b"a\nb", b"a\na\n", b"a\n\nb\n", b"\xff\xfe\n", b"a b\n"])
def test_vocabulary_refuses_a_damaged_list(tmp_path, content):
    path = tmp_path / "words.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match="MG405"):
        Vocabulary.load(path)


@pytest.mark.parametrize(
    "word",
    ["", "two words", "<unknown>", "\x1b[2J", "\ud800", 5],
)
def test_vocabulary_refuses_a_word(word):
    with pytest.raises(OptionError, match="MG401"):
        Vocabulary([word])


@given(st.text(), st.integers(2, 20))
def test_characters_encode_and_decode(text, size):
    characters = Characters.build(text + "a", size)
    assert len(characters) <= size
    ids = characters.encode(text)
    alphabet = characters.alphabet
    expected = [one if one in alphabet else "\ufffd" for one in text]
    assert list(characters.decode(ids)) == expected
    assert Characters(alphabet).encode(text).tolist() == ids.tolist()


@pytest.mark.parametrize("kind", [Vocabulary([]), Characters("ab")])
@pytest.mark.parametrize("id", [3, -1, 1.0])
def test_decode_refuses_an_id(kind, id):
    with pytest.raises(IndexRangeError, match="MG403.*of 3 ids"):
        kind.decode([id])


@given(rows_of_ids, st.integers(1, 15) | st.none(), sides)
def test_pad_keeps_the_last_ids(rows, length, side):
    padded = pad(rows, length, side=side)
    width = max(map(len, rows), default=0) if length is None else length
    assert padded.shape == (len(rows), width) and padded.dtype == np.int64
    for row, result in zip(rows, padded.tolist(), strict=True):
        kept = row[max(len(row) - width, 0) :]
        zeros = [0] * (width - len(kept))
        assert result == (zeros + kept if side == "left" else kept + zeros)


@given(rows_of_ids, sides)
def test_mask_and_lengths_give_padded_rows_back(rows, side):
    padded = pad(rows, side=side)
    assert lengths(padded).tolist() == [len(row) for row in rows]
    for row, ids, real in zip(
        rows,
        padded,
        mask(padded),
        strict=True,
    ):
        assert ids[real].tolist() == row


@pytest.mark.parametrize(
    "row",
    [
        [0.5],
        2,
        [[2]],
        ["word"],
        [2, [3]],
        None,
        [True],
        np.array([2], "u8"),
        [2**64],
    ],
)
def test_pad_refuses_a_row(row):
    with pytest.raises(DtypeError, match="MG407.*row 1 "):
        pad([[1], row])
