"""`minigrad course explain`: what is typed, printed and recorded."""

import io
import json
import random
import re
import sys
from pathlib import Path

import pytest

from minigrad.course.checking.registry import lesson
from minigrad.course.checking.source import digest

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
    return [line.split()[-1].rstrip(".") for line in text.splitlines() if "answer is" in line]


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
    mixed = random.Random(0).choices(wrong, k=60)
    assert explain(*mixed, words=["--again"])[0] == 0
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
    # where `minigrad` is not on the PATH, its whole path is shown
    assert re.search(r"To answer the other questions: \S*minigrad course explain 3", text)
    assert entry()["explained"]["first"]


def test_next_run_asks_the_questions_that_are_still_open(explain, passed):
    wrong = [line for _ in range(8) for line in ("-77", "a", "")]
    code, text = explain(*wrong[:3])
    begun = len(entry()["explained"]["first"])
    assert (code, begun > 0, "To answer the other questions" in text) == (1, True, True)
    code, text = explain(*wrong)
    assert (code, f"Question {begun} of" in text) == (0, False)
    assert f"Question {begun + 1} of" in text
    code, text = explain()
    assert (code, "Question" in text) == (0, False)
    assert "minigrad course explain 3 --again" in text
    code, text = explain(words=["--again"])  # stopped at once, but nothing is open
    assert (code, "Question 1 of" in text, "the other" in text) == (0, True, False)


@pytest.mark.parametrize("explained", ["damaged", {}, {"seed": "ada"}, {"first": 3}])
def test_damaged_record_begins_again(explain, passed, explained):
    progress = json.loads(Path("progress.json").read_text())
    whole = {"file": digest(Path(lesson(3).file).read_text())}
    if isinstance(explained, dict):
        explained = whole | explained
    progress[lesson(3).name]["explained"] = explained
    Path("progress.json").write_text(json.dumps(progress))
    assert explain()[0] == 1
    assert entry()["explained"] == {**whole, "seed": "ada", "first": {}}


def test_file_without_questions_is_told_why(explain, passed):
    text = Path(lesson(3).file).read_text()
    short = re.sub(r"\n +return (.*)", r"\n        pass; return \1", text)
    Path(lesson(3).file).write_text(short)
    assert passed("check", "3")[0] == 0
    code, text = explain()
    assert (code, "can carry a question" in text) == (0, True)
    assert "one statement each" in " ".join(text.split())
