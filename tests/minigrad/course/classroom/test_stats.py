"""Statistics: the counts of a class with known mistakes, as a table and as a page."""

import argparse
import re
from functools import lru_cache
from pathlib import Path

import pytest

from minigrad.course.checking import grade
from minigrad.course.checking.registry import lesson
from minigrad.course.classroom import marks
from minigrad.course.classroom.marks import Mark, Row
from minigrad.course.classroom.stats import counted, statistics
from tests.minigrad.explorer.conftest import chromium  # noqa: F401

GATES = lesson(3)
SOLUTION = GATES.solution
# how many students replace this method with this function, and the mistake's name
PLANTED = [
    (17, "Tanh", "(1 - z * z,)", "upstream gradient forgotten"),
    (13, "Multiply", "(dz + b, dz + a)", "added instead of multiplied"),
    (7, "Exp", "(dz,)", "missing local derivative"),
    (4, "Tanh", "(dz * (1 - np.tanh(z) ** 2),)", "derivative taken at the output"),
    (3, "Multiply", "(dz * z, dz * z)", "the product instead of the other factor"),
    (4, "Multiply", "(b, a)", "upstream gradient forgotten"),
    (2, "Tanh", "(dz,)", "missing local derivative"),
    (1, "Tanh", "(dz * (1 - x * x),)", "wrong local derivative: x instead of z"),
]
# counted by hand: where students are stuck, and the most frequent mistakes
COUNTS = [
    ("24", "Tanh.backward"),
    ("20", "Multiply.backward"),
    ("7", "Exp.backward"),
    ("6", "the file cannot be run"),
    ("21", "upstream gradient forgotten"),
    ("13", "added instead of multiplied"),
    ("9", "missing local derivative"),
    ("4", "derivative taken at the output"),
    ("3", "the product instead of the other factor"),
]


@lru_cache
def graded_once(text):
    return grade.grade(GATES, Path(GATES.file), text)


@pytest.fixture
def hundred(typed, monkeypatch):
    """A hundred submissions: 30 right ones, 51 with planted mistakes, 6 that cannot be run, 7 of the
    original exercise, 6 empty folders. Runs `minigrad course report class --statistics ...`.
    """
    texts = [SOLUTION] * 30 + [SOLUTION + "\n)"] * 6 + [GATES.exercise] * 7
    for count, gate, result, _ in PLANTED:
        inputs = "a, b" if gate == "Multiply" else "x"
        code = f"{gate}.backward = lambda self, dz, z, {inputs}: {result}"
        texts += [f"{SOLUTION}\n\n{code}\n"] * count
    for number in range(100):
        folder = Path("class", f"student {number:03}")
        folder.mkdir(parents=True)
        if number < len(texts):
            (folder / GATES.file).write_text(texts[number])
    monkeypatch.setattr(marks, "grade", lambda one, path, text, *_: graded_once(text))
    words = ["report", "class", "--statistics", "--lesson", "3", "--keep", "marks"]
    return lambda *more: typed(*words, *more)


def test_statistics_count_a_hundred_submissions(hundred):
    code, text = hundred()
    assert code == 0
    assert re.search(r"^ 3  Gates +30 +57 +13$", text, re.M)
    assert "\n100 submissions" in text
    assert re.findall(r"^ +(\d+)  (\S.*)$", text, re.M)[1:] == COUNTS
    words = " ".join(text.split())
    for _, gate, _, mistake in PLANTED[:5]:
        (kind,) = {
            slip.kind
            for slip in GATES.slips
            if slip.name == mistake and f"{gate}.backward" in slip.code
        }
        assert " ".join(kind.split()) in words
    assert "student" not in text
    assert hundred() == (0, text)  # stored marks contain the same facts
    named = " ".join(hundred("--names")[1].split())
    with_names = named.partition("derivative taken at the output")[2]
    assert with_names.count("student") == 4 + 3


@pytest.mark.parametrize(
    ("words", "names"),
    [([], 0), (["--names"], 57 + 50)],  # 57 are stuck, 50 have one of the five mistakes
)
def test_page_of_statistics_shows_the_same_counts(hundred, words, names):
    assert hundred("-o", "page.html", *words) == (0, "")
    page = Path("page.html").read_text("utf-8")
    bars = re.findall(r'flex: (\d+)">\1 (.*?)</i>', page)
    assert bars == [("30", "passed"), ("57", "stuck"), ("13", "not begun")]
    assert re.findall(r"<b>(\d+)</b> ([^<]+)<", page) == COUNTS
    assert page.count("student ") == names


def sample(name, hint):
    """A submission whose names are all this one."""
    return Row(
        name,
        [Mark(GATES, 1, "", True, "wrong", name, name, hint)],
        "",
    )


def test_counted_of_a_class_that_has_passed_has_no_lists():
    (one,) = counted([Row("bob", [Mark(GATES, GATES.asked, "")], "")])
    assert one == (
        GATES,
        (1, 0, 0),
        {name: {} for name in one[2]},
    )


def test_page_of_statistics_interprets_no_tags():
    evil = "</p><script>`alert(1)`</script>&COUNT PICTURE"
    options = argparse.Namespace(out=Path("x.HTML"), names=True)
    page = statistics([sample(evil, evil)], options)
    assert "<code>alert(1)</code>" in page
    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 5
    assert "&amp;COUNT PICTURE" in page


@pytest.mark.parametrize("width", [390, 1280])
def test_page_of_statistics_fits_the_screen(chromium, tmp_path, width):  # noqa: F811
    path = tmp_path / "page.html"
    options = argparse.Namespace(out=path, names=True)
    page = statistics([sample("a_very_long_name" * 8, "A hint. " * 30)], options)
    path.write_text(page, "utf-8")
    screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    chromium.get(path.as_uri())
    size = "return [document.documentElement.scrollWidth, innerWidth]"
    shown, inner = chromium.execute_script(size)
    assert shown <= inner == width
