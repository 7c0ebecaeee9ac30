"""Marks in the formats of other programs: no cell or tag is interpreted, and no other cell changes."""

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
SOLUTION = ONE.read("solution.py")


def row(name, right=(5, 0), note="", id="", partial=False):
    marks = [Mark(one, count, "") for one, count in zip((ONE, TWO), right, strict=True)]
    return Row(name, marks, note, id, partial)


EVIL = [
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
]


def test_a_spreadsheet_reads_no_cell_as_a_formula():
    text = as_csv([row(name, note=name, id=name) for name in EVIL], None)
    assert text.startswith("\ufeff")
    for separator in ",;\t":  # depends on the country
        for line in csv.reader(io.StringIO(text[1:]), delimiter=separator):
            assert not [cell for cell in line if re.match(r"\s*[=+\-@＝]", cell)], (
                separator,
                line,
            )
    lines = list(csv.DictReader(io.StringIO(text[1:])))
    assert list(lines[0]) == [
        "name",
        "id",
        "points",
        "of",
        "lesson 1",
        "lesson 2",
        "note",
    ]
    assert (
        lines[0]["name"] == "'=1+1"
        and lines[0]["lesson 1"] == "1.0"
        and len(lines) == len(EVIL)
    )


@pytest.mark.parametrize("partial", [[], ["--partial"]])
def test_gradescope_s_tests_have_partial_credit_visibility_and_tags(typed, partial):
    Path("eve").mkdir()
    wrong = re.sub(r"^dy_da = .*", "dy_da = 2.0", SOLUTION, flags=re.M)
    Path("eve", ONE.file).write_text(wrong)
    words = ["--lesson", "1-2", "--visibility", "after_published", *partial]
    results = json.loads(typed("report", "eve", "--gradescope", *words)[1])
    first, second = results["tests"]
    right = int(re.findall(r"(\d) of 5 checks", first["output"])[0])
    assert results["visibility"] == first["visibility"] == "after_published"
    assert (first["score"], second["score"]) == (right / 5 if partial else 0, 0)
    assert results["score"] == first["score"] and first["status"] == "failed"
    assert first["tags"][:2] == ["wrong", "dy_da"] and second["tags"] == []
    assert {
        results[f"{what}_format"] for what in ("output", "test_output", "test_name")
    } == {"text"}


# The required fields and the patterns of schemas/result-v1.schema.json in foundation50/classroom50
# at commit 6e593c79
REQUIRED = {"schema", "classroom", "assignment", "assignment_type", "owner", "submission", "commit",
            "release", "review", "datetime", "score", "max-score", "tests"}  # fmt: skip
OPTIONAL = {"graded_at", "submitted_by"}
TEST = {"test-name": str, "passed": bool, "score": int, "max-score": int}
RUNNER = {"CLASSROOM": "cs", "ASSIGNMENT": "week-1", "USERNAME": "ada", "ASSIGNMENT_TYPE": "group",
          "SUBMISSION_TAG": "submit/2026-11-28T10-00-00Z-abc", "COMMIT_URL": "https://github.com/c",
          "RELEASE_URL": "https://github.com/r", "REVIEW_URL": "https://github.com/v"}  # fmt: skip


def require_valid(result):
    """Check the rules of Classroom 50's schema."""
    assert REQUIRED <= result.keys() <= REQUIRED | OPTIONAL
    assert result["schema"] == "classroom50/result/v1"
    assert all(
        isinstance(result[name], str) and result[name]
        for name in REQUIRED - {"score", "max-score", "tests"}
    )
    assert result["assignment_type"] in ("individual", "group") and result[
        "submission"
    ].startswith("submit/")
    assert re.match(
        r"^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$", result["datetime"]
    )
    for test in [result, *result["tests"]]:
        assert (
            type(test["score"]) is type(test["max-score"]) is int
            and 0 <= test["score"] <= test["max-score"]
        )
    for test in result["tests"]:
        assert (
            all(type(test[name]) is kind for name, kind in TEST.items())
            and test["test-name"]
        )


@pytest.mark.parametrize(
    ("partial", "score", "most"), [([], 1, 2), (["--partial"], 5, 23)]
)
def test_classroom_50_s_result_follows_its_schema(
    typed, monkeypatch, partial, score, most
):
    Path("work").mkdir()
    Path("work", ONE.file).write_text(SOLUTION)
    Path("work", "essay.pdf").write_text("")
    words = ["report", "work", "--classroom50", "--lesson", "1,2", *partial]
    for name in (*VARIABLES.values(), "ASSIGNMENT_TYPE"):
        monkeypatch.delenv(name, raising=False)
    assert "[MG928]" in typed(*words)[1]
    for name, value in RUNNER.items():
        monkeypatch.setenv(name, value)
    code, text = typed(*words)
    result = json.loads(text)
    require_valid(result)
    assert (code, result["owner"], result["score"], result["max-score"]) == (
        0,
        "ada",
        score,
        most,
    )
    assert "essay.pdf" in result["tests"][0]["note"]
