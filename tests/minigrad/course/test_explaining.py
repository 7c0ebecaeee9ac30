"""`minigrad course explain`: what is typed, printed and recorded."""

import io
import json
import random
import sys
from pathlib import Path

import pytest

from minigrad.course.checking.registry import lesson

from .conftest import write


@pytest.fixture
def explain(course, monkeypatch):
    """Runs `minigrad course explain` with lines that are typed; returns (exit code, printed)."""

    def run(*lines, words=()):
        typed = io.StringIO("".join(f"{line}\n" for line in lines))
        monkeypatch.setattr(sys, "stdin", typed)
        return course("explain", *words)

    return run


@pytest.fixture
def passed(course, monkeypatch):
    """Lesson 3 is passed. Its questions are drawn with the same seed each time."""
    monkeypatch.setattr("secrets.token_hex", lambda count: "ada")
    write(3)
    assert course("check", "3")[0] == 0
    return course


def entry():
    return json.loads(Path("progress.json").read_text())[lesson(3).name]


def answers(text):
    return [
        line.split()[-1].rstrip(".")
        for line in text.splitlines()
        if "answer is" in line
    ]


def test_explain_needs_a_file_that_passes(explain, course):
    code, text = explain()
    assert (code, "not passed a lesson yet" in text) == (1, True)
    code, text = explain(words=["3"])
    assert (code, "minigrad course check 3" in text) == (1, True)
    write(3)
    course("check", "3")
    write(3, "# changed")
    assert explain()[0] == 1


def test_first_answers_are_recorded_without_changing_the_mark(explain, passed):
    before = entry()
    code, text = explain("nonsense")
    assert code == 1
    assert "Answer with" in text
    assert entry()["explained"]["first"] == {}
    # a number is never the right answer to choices, nor a letter to a number
    wrong = [line for _ in range(8) for line in ("-77", "a", "")]
    code, text = explain(*wrong)
    assert code == 0
    first = entry()["explained"]["first"]
    assert len(first) >= 3
    assert f"{sum(first.values())} of {len(first)} answered at the first try" in text
    assert explain(*random.Random(0).choices(wrong, k=60))[0] == 0
    assert entry()["explained"]["first"] == first
    assert {key: entry()[key] for key in before} == before


def test_ctrl_c_keeps_what_was_answered(explain, passed, monkeypatch):
    lines = iter(["-77", "a", "b"])

    def interrupted(prompt):
        for line in lines:
            return line
        raise KeyboardInterrupt

    monkeypatch.setattr("builtins.input", interrupted)
    code, text = passed("explain")
    assert (code, "Stopped by Ctrl-C" in text) == (130, True)
    assert entry()["explained"]["first"]
