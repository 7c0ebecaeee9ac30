"""Formats of marks: no cell or tag is interpreted, and results follow the services' schemas."""

import csv
import io
import json
import re
from pathlib import Path

import pytest

from minigrad.course.checking.registry import lesson
from minigrad.course.classroom.formats import VARIABLES, as_csv
from minigrad.course.classroom.marks import Mark, Row

ONE, TWO = lesson(1), lesson(2)
SOLUTION = ONE.solution


def row(name, right=(5, 0), note="", id="", partial=False):
    marks = [Mark(one, count, "") for one, count in zip((ONE, TWO), right, strict=True)]
    return Row(name, marks, note, id, partial)


# --- as_csv


def test_csv_has_a_column_for_each_lesson():
    text = as_csv([row("ada", note="n", id="7")], None)
    assert text.splitlines() == [
        '\ufeff"name","id","points","of","lesson 1","lesson 2","note"',
        '"ada","7",1.0,2,1.0,0.0,"n"',
    ]


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "＝1",
        " =1",
        "a;=cmd|' /C calc'!A0",
        "a,=1",
        'a"=1',
        "a;+1\t@x",
    ],
)
@pytest.mark.parametrize("separator", [",", ";", "\t"])  # depends on the country
def test_csv_has_no_cell_that_is_a_formula(cell, separator):
    text = as_csv([row(cell, note=cell, id=cell)], None)
    for line in csv.reader(io.StringIO(text[1:]), delimiter=separator):
        for found in line:
            assert not re.match(r"\s*[=+\-@＝]", found)


# --- gradescope


@pytest.mark.parametrize("partial", [[], ["--partial"]])
def test_gradescope_has_partial_credit_visibility_and_tags(typed, partial):
    Path("eve").mkdir()
    wrong = re.sub(r"^dy_da = .*", "dy_da = 2.0", SOLUTION, flags=re.M)
    Path("eve", ONE.file).write_text(wrong)
    Path("eve", "second.txt").write_text("what is this?")
    words = ["--lesson", "1-2", "--visibility", "after_published", *partial]
    results = json.loads(typed("report", "eve", "--gradescope", *words)[1])
    first, second = results["tests"]
    right = int(re.findall(r"(\d) of 5 checks", first["output"])[0])
    score = right / 5 if partial else 0
    output = f"{score:g} of 2 points\nnot graded: second.txt"
    assert results["output"] == output
    assert results["visibility"] == first["visibility"] == "after_published"
    assert results["score"] == first["score"] == score
    assert second["score"] == 0
    assert first["status"] == "failed"
    assert first["tags"][:2] == ["wrong", "dy_da"]
    assert second["tags"] == []
    for name in ("output", "test_output", "test_name"):
        assert results[f"{name}_format"] == "text"


# --- classroom50

# The required fields and the patterns of schemas/result-v1.schema.json in foundation50/classroom50
# at commit 6e593c79
TEXTS = {
    "schema": r"classroom50/result/v1",
    "classroom": ".+",
    "assignment": ".+",
    "assignment_type": "individual|group",
    "owner": ".+",
    "submission": "submit/.*",
    "commit": ".+",
    "release": ".+",
    "review": ".+",
    "datetime": r"\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ",
}
OTHERS = {"score", "max-score", "tests"}
OPTIONAL = {"graded_at", "submitted_by"}
RUNNER = {
    "CLASSROOM": "cs",
    "ASSIGNMENT": "week-1",
    "USERNAME": "ada",
    "ASSIGNMENT_TYPE": "group",
    "SUBMISSION_TAG": "submit/2026-11-28T10-00-00Z-abc",
    "COMMIT_URL": "https://github.com/c",
    "RELEASE_URL": "https://github.com/r",
    "REVIEW_URL": "https://github.com/v",
}


def require_valid(result):
    """Check the rules of Classroom 50's schema."""
    assert result.keys() - OPTIONAL == TEXTS.keys() | OTHERS
    for name, pattern in TEXTS.items():
        assert re.fullmatch(pattern, result[name]), name
    for test in [result, *result["tests"]]:
        score, most = test["score"], test["max-score"]
        assert type(score) is type(most) is int
        assert 0 <= score <= most
    for test in result["tests"]:
        assert type(test["passed"]) is bool
        assert re.fullmatch(".+", test["test-name"])


@pytest.mark.parametrize(
    ("partial", "score", "most"),
    [([], 1, 2), (["--partial"], 5, 23)],
)
def test_classroom50_follows_its_schema(typed, monkeypatch, partial, score, most):
    Path("work").mkdir()
    Path("work", ONE.file).write_text(SOLUTION)
    Path("work", "essay.pdf").write_text("")
    words = ["report", "work", "--classroom50", "--lesson", "1,2", *partial]
    for name in VARIABLES.values():
        monkeypatch.delenv(name, raising=False)
    assert "[MG928]" in typed(*words)[1]
    for name, value in RUNNER.items():
        monkeypatch.setenv(name, value)
    code, text = typed(*words)
    assert code == 0
    result = json.loads(text)
    require_valid(result)
    assert result["owner"] == "ada"
    assert (result["score"], result["max-score"]) == (score, most)
    assert "essay.pdf" in result["tests"][0]["note"]
