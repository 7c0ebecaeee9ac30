"""Words to ids and back: by hand, by random texts, and after a round trip through a file."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.data import Characters, Vocabulary, lengths, mask, pad, tokenize
from minigrad.errors import DataError, DtypeError, IndexRangeError, OptionError

words = st.text(alphabet="abcdé9", min_size=1, max_size=4)
rows_of_ids = st.lists(st.lists(st.integers(1, 9_999), max_size=12), max_size=8)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("A Film, and a GOOD one.", ["a", "film", "and", "a", "good", "one"]),
        (
            "it's snake_case -- well-made<br />",
            ["it", "s", "snake", "case", "well", "made", "br"],
        ),
        ("Amélie: “très” naïve…", ["amélie", "très", "naïve"]),
        (
            "a\x96dash\x85and\ttabs\nand\xa0more",
            ["a", "dash", "and", "tabs", "and", "more"],
        ),
        ("\u65e5\u672c 1984!", ["\u65e5\u672c", "1984"]),
    ],
)
def test_tokens_worked_out_by_hand(text, tokens):
    assert tokenize(text) == tokens


def test_vocabulary_counted_by_hand():
    # c 3 times; a and b twice each, in alphabetical order; d once, and beyond the size.
    vocabulary = Vocabulary.build(iter(["c b a", ["c", "a", "b"], "D, C!"]), size=6)
    assert len(vocabulary) == 6
    assert vocabulary.encode("A d c").tolist() == [1, 4, 2, 3]
    assert vocabulary.encode("").tolist() == [1]
    assert [vocabulary[id] for id in range(6)] == [
        "<pad>",
        "<start>",
        "<unknown>",
        "c",
        "a",
        "b",
    ]


def test_a_saved_file_loads_the_same_and_with_any_bit_changed_or_anything_cut_is_refused(
    tmp_path,
):
    path, words = tmp_path / "words.txt", ["film", "très", "f"]
    Vocabulary(words).save(path)
    content = path.read_bytes()
    assert Vocabulary.load(path).words == words
    for spot in range(len(content)):
        before, after = content[:spot], content[spot + 1 :]
        flipped = before + bytes([content[spot] ^ 1 << spot % 8]) + after
        for harmed in (before, after, before + after, flipped):
            path.write_bytes(harmed)
            with pytest.raises(DataError, match="MG405"):
                Vocabulary.load(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"film\ntr\xc3\xa8s\n", ["film", "très"]),
        # a byte-order mark, as Notepad writes
        (b"\xef\xbb\xbffilm\ntr\xc3\xa8s\n", ["film", "très"]),
        (
            b"# minigrad vocabulary: 2 words, SHA-256 "  # printf 'film\ntr\xe8s\n' | sha256sum
            b"cca544bd96f0d50854eee921e8f99db57d0616960938d01c537ba53943706d02\r\nfilm\r\ntr\xc3\xa8s\r\n\r\n",
            ["film", "tr\xe8s"],
        ),
    ],
)
def test_a_plain_list_of_words_is_read(tmp_path, content, words):
    (tmp_path / "words.txt").write_bytes(content)
    assert Vocabulary.load(tmp_path / "words.txt").words == words


@given(rows_of_ids, st.integers(1, 15) | st.none(), st.sampled_from(["left", "right"]))
def test_padded_rows_are_the_last_ids_and_zeros(rows, length, side):
    padded = pad(rows, length, side=side)
    width = max(map(len, rows), default=0) if length is None else length
    assert padded.shape == (len(rows), width) and padded.dtype == np.int64
    for row, result in zip(rows, padded.tolist(), strict=True):
        kept = row[max(len(row) - width, 0) :]
        zeros = [0] * (width - len(kept))
        assert result == (zeros + kept if side == "left" else kept + zeros)


@given(rows_of_ids, st.sampled_from(["left", "right"]))
def test_mask_and_lengths_give_the_rows_back(rows, side):
    padded = pad(rows, side=side)
    assert lengths(padded).tolist() == [len(row) for row in rows]
    real = mask(padded)
    assert [row[one].tolist() for row, one in zip(padded, real, strict=True)] == rows


@given(st.text(), st.integers(2, 20))
def test_characters_of_a_text_come_back_and_all_others_are_one(text, size):
    characters = Characters.build(text + "a", size)
    assert len(characters) <= size
    ids = characters.encode(text)
    expected = [one if one in characters.alphabet else "\ufffd" for one in text]
    assert list(characters.decode(ids)) == expected
    assert Characters(characters.alphabet).encode(text).tolist() == ids.tolist()


@pytest.mark.parametrize("word", ["", "two words", "<unknown>", "\x1b[2J", "\ud800", 5])
def test_what_cannot_be_a_word(word):
    with pytest.raises(OptionError, match="MG401"):
        Vocabulary([word])


@pytest.mark.parametrize("id", [3, -1, 1.0])
def test_what_is_no_id(id):
    for kind in (Vocabulary([]), Characters("ab")):
        with pytest.raises(IndexRangeError, match="MG403.*of 3 ids"):
            kind.decode([id])


@pytest.mark.parametrize(
    "row",
    [[0.5], 2, [[2]], ["word"], [2, [3]], None, [True], np.array([2], "u8"), [2**64]],
)
def test_what_is_no_row_of_ids(row):
    with pytest.raises(DtypeError, match="MG407.*row 1 "):
        pad([[1], row])


@pytest.mark.parametrize(
    "content", [b"", b"a\nb", b"a\na\n", b"a\n\nb\n", b"\xff\xfe\n", b"a b\n"]
)
def test_a_damaged_list_of_words(tmp_path, content):
    (tmp_path / "words.txt").write_bytes(content)
    with pytest.raises(DataError, match="MG405"):
        Vocabulary.load(tmp_path / "words.txt")
