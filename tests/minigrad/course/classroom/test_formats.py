"""Formats of marks: no cell or tag is interpreted, and results follow the services' schemas."""

import csv
import io
import json
import re
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
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
        '\ufeff"name","id","points","of","lesson 1","lesson 2","note","flags"',
        '"ada","7",1.0,2,1.0,0.0,"n",""',
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


# --- prairielearn

# https://prairielearn.readthedocs.io/en/latest/externalGrading/#grading-results: the score is needed unless
# the submission is not gradable; pl-external-grader-results shows the other fields
IMAGES = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["url"],
        "properties": {
            "url": {
                "type": "string",
                "pattern": "^data:[a-z+/]+;base64,[A-Za-z0-9+/=]+$",
            },
            "label": {"type": "string"},
        },
        "additionalProperties": False,
    },
}
TEXT = {"type": "string"}
POINTS = {"type": "number", "minimum": 0}
TEST = {
    "type": "object",
    "required": ["name", "points", "max_points"],
    "properties": {
        **dict.fromkeys(("name", "description", "message", "output"), TEXT),
        **dict.fromkeys(("points", "max_points"), POINTS),
        "images": IMAGES,
    },
    "additionalProperties": False,
}
SCHEMA = {
    "type": "object",
    "properties": {
        "gradable": {"type": "boolean"},
        "score": {"type": "number", "minimum": 0, "maximum": 1},
        "message": TEXT,
        "output": TEXT,
        "images": IMAGES,
        "tests": {"type": "array", "items": TEST},
        "format_errors": {"type": ["string", "array"], "items": TEXT},
    },
    "additionalProperties": False,
    "if": {"properties": {"gradable": {"const": True}}},
    "then": {"required": ["score"]},
    "else": {"not": {"required": ["score"]}},
}


def require_results(text):
    """The results, which must be valid and at most 1 MB."""
    assert len(text.encode()) <= 1_000_000
    results = json.loads(text)
    jsonschema.validate(results, SCHEMA)
    return results


@pytest.fixture
def prairielearn(typed):
    def run(text, *words):
        Path("student").mkdir()
        Path("student", lesson(3).file).write_text(text)
        command = ["report", "student", "--prairielearn", "--lesson", "3", *words]
        code, printed = typed(*command)
        assert code == 0
        return require_results(printed)

    return run


def test_prairielearn_shows_a_pass_with_the_graph(prairielearn):
    results = prairielearn(lesson(3).solution)
    assert (results["gradable"], results["score"]) == (True, 1)
    (test,) = results["tests"]
    assert (test["points"], test["max_points"], test["message"]) == (1, 1, "passed")
    (image,) = test["images"]
    assert "YourTanh" in image["label"]


def test_prairielearn_shows_a_failure_and_its_graph(prairielearn):
    wrong = lesson(3).solution.replace("dz * (1 - z * z)", "dz * (1 - z)")
    results = prairielearn(wrong, "--partial")
    (test,) = results["tests"]
    assert 0 < results["score"] == test["points"] < 1
    assert test["message"] == "wrong"
    assert "Tanh.backward" in test["output"]
    assert len(test["images"]) == 1


def test_prairielearn_gives_no_point_to_a_file_that_never_ends(prairielearn, monkeypatch):
    monkeypatch.setattr("minigrad.course.checking.sandbox.SECONDS", 0.5)
    results = prairielearn("while True: pass")
    assert (results["gradable"], results["score"]) == (True, 0)
    (test,) = results["tests"]
    assert test["message"] == "stopped"
    assert "took longer than" in test["output"]
    assert not test["images"]


@pytest.mark.parametrize("text", ["def f(:", "", "import nothing"])
def test_prairielearn_does_not_grade_what_cannot_be_run(prairielearn, text):
    results = prairielearn(text)
    assert results["gradable"] is False
    assert results["format_errors"]
