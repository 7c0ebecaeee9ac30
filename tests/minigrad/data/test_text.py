import os
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.data import Characters, Vocabulary, lengths, mask, pad, tokenize
from minigrad.errors import DataError, DtypeError, IndexRangeError, OptionError

words = st.text(alphabet="abcdé9", min_size=1, max_size=4)
rows_of_ids = st.lists(st.lists(st.integers(1, 9_999), max_size=12), max_size=8)


def code_of(caught):
    assert caught.value.remedy
    return caught.value.code


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("A Film, and a GOOD one.", ["a", "film", "and", "a", "good", "one"]),
        ("it's don't o'clock", ["it", "s", "don", "t", "o", "clock"]),
        ("The end.<br /><br />10/10", ["the", "end", "br", "br", "10", "10"]),
        ("snake_case -- well-made", ["snake", "case", "well", "made"]),
        ("Amélie: “très” naïve…", ["amélie", "très", "naïve"]),
        ("a\x96dash\x85and\ttabs\nand\xa0more", ["a", "dash", "and", "tabs", "and", "more"]),
        ("\u65e5\u672c 1984!", ["\u65e5\u672c", "1984"]),
        ("?!... --", []),
        ("", []),
    ],
)
def test_tokens_worked_out_by_hand(text, tokens):
    assert tokenize(text) == tokens


@given(st.text())
def test_tokens_are_lower_case_letters_and_digits_and_tokenizing_again_changes_nothing(text):
    tokens = tokenize(text)
    assert all(token and "_" not in token and not any(char.isspace() for char in token) for token in tokens)
    assert tokenize(" ".join(tokens)) == tokens


def test_vocabulary_counted_by_hand():
    # c 3 times; a and b twice each, in alphabetical order; d once, and beyond the size.
    vocabulary = Vocabulary.build(["c b a", "C, a. b!", "d c"], size=6)
    assert vocabulary.words == ["c", "a", "b"]
    assert len(vocabulary) == 6
    assert vocabulary.encode("A d c").tolist() == [1, 4, 2, 3]
    assert vocabulary.encode("").tolist() == [1]
    assert vocabulary.encode("a").dtype == np.int64
    assert [vocabulary[id] for id in range(6)] == ["<pad>", "<start>", "<unknown>", "c", "a", "b"]
    assert "b" in vocabulary
    assert "d" not in vocabulary


def test_texts_may_be_lists_of_words_and_a_generator():
    assert Vocabulary.build(iter([["x", "y"], ("y",)]), size=10).words == ["y", "x"]


def test_fewer_words_than_the_size_is_no_mistake():
    assert len(Vocabulary.build(["one two"], size=10_000)) == 5


@given(st.lists(st.lists(words, max_size=10), max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_texts_does_not_change_the_ids(texts, random):
    shuffled = random.sample(texts, len(texts))
    assert Vocabulary.build(texts, size=8).words == Vocabulary.build(shuffled, size=8).words


@given(st.lists(words, max_size=20), st.integers(4, 12))
def test_decoding_gives_back_what_the_vocabulary_knows(text, size):
    vocabulary = Vocabulary.build([text], size=size)
    known = [word if word in vocabulary else "<unknown>" for word in text]
    assert vocabulary.decode(vocabulary.encode(text)) == " ".join(["<start>", *known])
    assert vocabulary.decode(pad([vocabulary.encode(text)], 30)) == " ".join(["<start>", *known])


@given(st.lists(words, unique=True))
def test_a_saved_vocabulary_loads_the_same(tmp_path_factory, words):
    path = tmp_path_factory.mktemp("vocabulary") / "words.txt"
    Vocabulary(words).save(path)
    assert Vocabulary.load(path).words == words
    assert [file.name for file in path.parent.iterdir()] == ["words.txt"]


def test_the_saved_file_is_text_that_says_what_it_is(tmp_path):
    Vocabulary(["film", "très"]).save(tmp_path / "words.txt")
    # printf 'film\ntrès\n' | sha256sum
    digest = "cca544bd96f0d50854eee921e8f99db57d0616960938d01c537ba53943706d02"
    first, rest = (tmp_path / "words.txt").read_bytes().split(b"\n", 1)
    assert first.decode() == f"# minigrad vocabulary: 2 words, SHA-256 {digest}"
    assert rest == b"film\ntr\xc3\xa8s\n\n"


def test_a_saved_file_with_any_bit_changed_or_anything_cut_is_refused_or_loads_the_same(tmp_path):
    path, words = tmp_path / "words.txt", ["film", "très", "f"]
    Vocabulary(words).save(path)
    content = path.read_bytes()
    changed = [content[:spot] for spot in range(len(content))] + [content[spot:] for spot in range(1, len(content))]
    changed += [content[:spot] + content[spot + 1 :] for spot in range(len(content))]
    for spot in range(len(content)):
        changed += [content[:spot] + bytes([content[spot] ^ 1 << bit]) + content[spot + 1 :] for bit in range(8)]
    refused = 0
    for harmed in changed:
        path.write_bytes(harmed)
        try:
            assert Vocabulary.load(path).words == words
        except DataError as error:
            refused += 1
            assert error.code == "MG405" and error.cause and "Vocabulary.save" in error.remedy
    assert refused == len(changed)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"film\ntr\xc3\xa8s\n", ["film", "très"]),
        (b"\xef\xbb\xbffilm\ntr\xc3\xa8s\n", ["film", "très"]),  # a byte-order mark, as Notepad writes
        (b"film\r\ntr\xc3\xa8s\r\n", ["film", "très"]),
        (b"#\nminigrad\n", ["#", "minigrad"]),
    ],
)
def test_a_plain_list_of_words_is_read(tmp_path, content, words):
    (tmp_path / "words.txt").write_bytes(content)
    assert Vocabulary.load(tmp_path / "words.txt").words == words


@pytest.mark.parametrize("change", [lambda text: b"\xef\xbb\xbf" + text, lambda text: text.replace(b"\n", b"\r\n")])
def test_a_saved_file_that_an_editor_of_windows_saved_again_is_read(tmp_path, change):
    path = tmp_path / "words.txt"
    Vocabulary(["film", "très"]).save(path)
    path.write_bytes(change(path.read_bytes()))
    assert Vocabulary.load(path).words == ["film", "très"]


def test_a_save_that_fails_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "words.txt"
    Vocabulary(["film"]).save(path)

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError) as caught:
        Vocabulary(["other"]).save(path)
    assert code_of(caught) == "MG408" and caught.value.cause == "No space left on device"
    assert Vocabulary.load(path).words == ["film"] and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "words",
    [
        *(["a", "b", "a"], [""], ["two words"], ["<unknown>"], ["line\n"], ["a\u2028"], ["\x1b[2J"], ["a\0"]),
        *(["\ufeffa"], ["\ud800"], [5], [None], [["a"]]),
    ],
)
def test_words_that_cannot_have_an_id(words):
    with pytest.raises(OptionError) as caught:
        Vocabulary(words)
    assert code_of(caught) == "MG401"
    assert repr(words[0]) in str(caught.value)


@pytest.mark.parametrize("size", [3, 0, -1, 5.0, "many", None, True])
def test_a_size_without_room(size):
    with pytest.raises(OptionError) as caught:
        Vocabulary.build(["a b"], size=size)
    assert code_of(caught) == "MG402"
    assert f"size {size!r} " in caught.value.what


@pytest.mark.parametrize("id", [5, -1, 10_000, 3.0, 3.9])
def test_an_id_outside_the_vocabulary(id):
    with pytest.raises(IndexRangeError) as caught:
        Vocabulary(["a", "b"]).decode([id, 1])
    assert code_of(caught) == "MG403"
    assert f"id {id} " in caught.value.what
    assert "0 to 4" in caught.value.remedy


def test_a_vocabulary_file_that_is_not_there(tmp_path):
    with pytest.raises(DataError) as caught:
        Vocabulary.load(tmp_path / "none.txt")
    assert code_of(caught) == "MG404"
    assert "none.txt" in caught.value.what


@pytest.mark.parametrize(
    "content",
    [b"", b"\xef\xbb\xbf", b"\n", b"a\nb", b"a\na\n", b"a\n\nb\n", b"a\n\n", b"\xff\xfe\n", b"a b\n", b"\0\n"],
)
def test_a_damaged_vocabulary_file(tmp_path, content):
    (tmp_path / "words.txt").write_bytes(content)
    with pytest.raises(DataError) as caught:
        Vocabulary.load(tmp_path / "words.txt")
    assert code_of(caught) == "MG405"
    assert caught.value.cause


def test_padding_by_hand():
    rows = [[1, 2, 3], [4], []]
    assert pad(rows).tolist() == [[1, 2, 3], [0, 0, 4], [0, 0, 0]]
    assert pad(rows, side="right").tolist() == [[1, 2, 3], [4, 0, 0], [0, 0, 0]]
    assert pad(rows, 2).tolist() == [[2, 3], [0, 4], [0, 0]]
    assert pad(rows, 2, keep="first").tolist() == [[1, 2], [0, 4], [0, 0]]
    assert pad(rows, 2, side="right", keep="last").tolist() == [[2, 3], [4, 0], [0, 0]]
    assert pad(rows, 5).tolist() == [[0, 0, 1, 2, 3], [0, 0, 0, 0, 4], [0, 0, 0, 0, 0]]


@given(
    rows_of_ids, st.integers(1, 15) | st.none(), st.sampled_from(["left", "right"]), st.sampled_from(["last", "first"])
)
def test_padded_rows_are_the_kept_ids_and_zeros(rows, length, side, keep):
    padded = pad(rows, length, side=side, keep=keep)
    width = max(map(len, rows), default=0) if length is None else length
    assert padded.shape == (len(rows), width)
    assert padded.dtype == np.int64
    for row, result in zip(rows, padded.tolist(), strict=True):
        kept = (row[len(row) - width :] if keep == "last" else row[:width]) if len(row) > width else row
        zeros = [0] * (width - len(kept))
        assert result == (zeros + kept if side == "left" else kept + zeros)


@given(rows_of_ids, st.sampled_from(["left", "right"]))
def test_mask_and_lengths_give_the_rows_back(rows, side):
    padded = pad(rows, side=side)
    assert lengths(padded).tolist() == [len(row) for row in rows]
    assert [result[real].tolist() for result, real in zip(padded, mask(padded), strict=True)] == rows
    assert mask(padded).dtype == bool


@pytest.mark.parametrize(
    "options", [{"side": "pre"}, {"keep": "middle"}, {"length": 0}, {"length": -3}, {"length": 2.0}, {"length": "2"}]
)
def test_unknown_padding(options):
    with pytest.raises(OptionError) as caught:
        pad([[1, 2]], **options)
    assert code_of(caught) == "MG406"
    assert repr(*options.values()) in caught.value.what


@pytest.mark.parametrize(
    "rows",
    [
        *([[1], [0.5]], [[1], 2], [[1], [[2]]], [[1], ["word"]], [[1], [2, [3]]], [[1], None], [[1], [True]]),
        *([[1], np.array([2], object)], [[1], np.array([2], "u8")], [[1], [2**63]], [[1], [2**64]], [[1], {2}]),
    ],
)
def test_rows_that_are_not_rows_of_ids(rows):
    with pytest.raises(DtypeError) as caught:
        pad(rows)
    assert code_of(caught) == "MG407"
    assert "row 1 " in caught.value.what


@pytest.mark.parametrize("rows", [5, None, "film", np.array([1, 2])])
def test_what_has_no_rows_to_pad(rows):
    with pytest.raises(DtypeError) as caught:
        pad(rows)
    assert code_of(caught) == "MG407"


@pytest.mark.parametrize("rows", [[], [[]], [[], []]])
def test_rows_without_ids(rows):
    assert pad(rows).shape == (len(rows), 0)
    assert pad(rows, 2).tolist() == [[0, 0]] * len(rows)


@given(st.text(), st.integers(2, 20))
def test_characters_of_a_text_come_back_and_all_others_are_one(text, size):
    characters = Characters.build(text + "a", size)
    assert len(characters) <= size
    ids = characters.encode(text)
    assert ids.shape == (len(text),)
    expected = "".join(one if one in characters.alphabet else "\ufffd" for one in text)
    assert characters.decode(ids) == expected
    assert Characters(characters.alphabet).encode(text).tolist() == ids.tolist()


def test_the_most_frequent_characters_have_ids_in_the_order_of_their_code_points():
    characters = Characters.build("ééé bb cc a", size=4)
    assert characters.alphabet == " bé"
    assert characters.encode("é a").tolist() == [3, 1, 0]
    with pytest.raises(OptionError, match="(?s)MG402.*text that is not empty"):
        Characters("")
    sizes: list[Any] = [1, 0, -1, 2.5, None, True]
    for size in sizes:
        with pytest.raises(OptionError, match="MG402"):
            Characters.build("abc", size=size)


def test_an_id_without_a_character_is_refused_and_a_large_alphabet_needs_more_than_16_bits():
    characters = Characters("ab")
    wrong: list[Any] = [[3], [-1], [1.0], [np.nan], "ab", None]
    for ids in wrong:
        with pytest.raises(IndexRangeError, match="MG403"):
            characters.decode(ids)
    text = "".join(map(chr, range(0x10000, 0x10000 + 70_000)))
    assert Characters(text).encode(text).tolist() == list(range(1, 70_001))
