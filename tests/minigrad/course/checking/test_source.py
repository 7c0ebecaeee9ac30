"""A learner's file as text, and the names in it."""

import ast
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from minigrad.course.checking.source import (
    LONGEST,
    as_text,
    bound,
    definitions,
    imported,
    parse,
)


def test_as_text_has_plain_line_ends():
    assert as_text("\ufeffa\r\nb\rc".encode()) == "a\nb\nc"


@pytest.mark.parametrize("order", ["le", "be"])
def test_as_text_reads_utf_16_with_its_mark(order):
    text = "\ufeff# größe\r\nx = 1"
    assert as_text(text.encode(f"utf-16-{order}")) == "# größe\nx = 1"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"x" * (LONGEST + 1), "longer than 1 MB"),
        (b"\xff\xfex", "not UTF-8"),
        (b"\xff", "not UTF-8"),
    ],
)
def test_as_text_says_why_it_cannot_read(data, why):
    with pytest.raises(OSError, match=why):
        as_text(data)


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ("def f(x): y = x", {"f"}),
        ("import a.b, c as d", {"a", "d"}),
        ("from a import b as c", {"c"}),
        ("x, (y, z) = 1, (2, 3)", {"x", "y", "z"}),
        ("print(x)", set()),
    ],
)
def test_bound_names_of_a_statement(statement, names):
    assert bound(ast.parse(statement).body[0]) == names


def test_definitions_are_the_last_ones_and_methods():
    text = "f = 1\ndef f(): pass\nclass C:\n    def m(self): pass"
    found = definitions(ast.parse(text))
    assert [*found] == ["f", "C", "C.m"]
    assert isinstance(found["f"], ast.FunctionDef)


def test_imported_are_only_files_of_the_folder():
    files = dict.fromkeys(["b.py", "c.py", "d.py"], "")
    files["a.py"] = "import b, numpy\n  from c import *"
    assert [*imported(files)] == ["b.py", "c.py"]


def test_parse_runs_in_one_thread_at_a_time(monkeypatch):
    inside, most, real = 0, 0, ast.parse
    lock = threading.Lock()

    def counted(text):
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        time.sleep(0.01)
        with lock:
            inside -= 1
        return real(text)

    monkeypatch.setattr(ast, "parse", counted)
    with ThreadPoolExecutor(4) as pool:
        trees = list(pool.map(parse, ["x = 1"] * 8))
    assert most == 1
    assert len(trees) == 8
    with pytest.raises(SyntaxError):
        parse("x = (")
    assert ast.dump(parse("x")) == ast.dump(real("x"))
