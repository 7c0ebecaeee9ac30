"""The counts of a class with known mistakes are exact, as a table and as a page."""

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
SOLUTION, EXERCISE = GATES.read("solution.py"), GATES.read("exercise.py")
# how many students replace this method with this function, and the mistake's name
PLANTED = [
    (17, "Tanh.backward", "(1 - z * z,)", "upstream gradient forgotten"),
    (13, "Multiply.backward", "(dz + b, dz + a)", "added instead of multiplied"),
    (7, "Exp.backward", "(dz,)", "missing local derivative"),
    (
        4,
        "Tanh.backward",
        "(dz * (1 - np.tanh(z) ** 2),)",
        "derivative taken at the output",
    ),
    (
        3,
        "Multiply.backward",
        "(dz * z, dz * z)",
        "the product instead of the other factor",
    ),
    (4, "Multiply.backward", "(b, a)", "upstream gradient forgotten"),
    (2, "Tanh.backward", "(dz,)", "missing local derivative"),
    (
        1,
        "Tanh.backward",
        "(dz * (1 - x * x),)",
        "wrong local derivative: x instead of z",
    ),
]
# counted by hand
STUCK = [("24", "Tanh.backward"), ("20", "Multiply.backward"), ("7", "Exp.backward"),
         ("6", "the file cannot be run")]  # fmt: skip
MISTAKES = [("21", "upstream gradient forgotten"), ("13", "added instead of multiplied"),
            ("9", "missing local derivative"), ("4", "derivative taken at the output"),
            ("3", "the product instead of the other factor")]  # fmt: skip


@pytest.fixture
def hundred(typed, monkeypatch):
    """A hundred submissions: 30 right ones, 51 with planted mistakes, 6 that cannot be run, 7 of the
    original exercise, 6 empty folders.
    """
    texts = [SOLUTION] * 30 + [SOLUTION + "\n)"] * 6 + [EXERCISE] * 7 + [""] * 6
    for count, name, result, _ in PLANTED:
        inputs = "a, b" if name.startswith("M") else "x"
        texts += [
            f"{SOLUTION}\n\n{name} = lambda self, dz, z, {inputs}: {result}\n"
        ] * count
    assert len(texts) == 100
    for number, text in enumerate(texts):
        folder = Path("class", f"student {number:03}")
        folder.mkdir(parents=True)
        if text:
            (folder / GATES.file).write_text(text)

    @lru_cache
    def once(text):
        return grade.grade(GATES, Path(GATES.file), text)

    monkeypatch.setattr(marks, "grade", lambda one, path, text, *_: once(text))
    return lambda *words: typed(
        "report", "class", "--statistics", "--lesson", "3", *words
    )


def test_the_counts_of_a_hundred_submissions_are_exact(hundred):
    code, text = hundred("--keep", "marks")
    assert code == 0
    assert (
        re.search(r"^ 3  Gates +30 +57 +13$", text, re.M)
        and "\n100 submissions" in text
    )
    counts = re.findall(r"^ +(\d+)  (\S.*)$", text, re.M)[1:]
    assert counts == STUCK + MISTAKES
    for _, name, _, mistake in PLANTED[:5]:
        known = (
            slip for slip in GATES.slips if slip.name == mistake and name in slip.code
        )
        assert " ".join(next(known).kind.split()) in " ".join(text.split())
    assert "student" not in text
    assert hundred("--keep", "marks") == (
        0,
        text,
    )  # stored marks contain the same facts
    named = hundred("--keep", "marks", "--names")[1]
    names = " ".join(named.split()).partition("derivative taken at the output")[2]
    assert names.count("student") == 4 + 3


def test_the_page_shows_the_same_counts_without_names(hundred):
    for words, named in (([], False), (["--names"], True)):
        assert hundred("-o", "page.html", "--keep", "marks", *words) == (0, "")
        page = Path("page.html").read_text("utf-8")
        assert re.findall(r'flex: (\d+)">\1</i>', page) == ["30", "57", "13"]
        counts = re.findall(r"<b>(\d+)</b> ([^<]+)<", page)
        assert counts == STUCK + MISTAKES
        # 57 are stuck and 50 have one of the five mistakes
        assert page.count("student ") == (57 + 50 if named else 0)


def sample(name="ada", function="f", mistake="m", hint="h"):
    mark = Mark(GATES, 1, "", True, "wrong", function, mistake, hint)
    return [Row(name, [mark], ""), Row("bob", [Mark(GATES, GATES.asked, "")], "")]


def test_a_class_that_has_passed_has_no_lists():
    (one,) = counted(sample()[1:])
    assert one == (GATES, (1, 0, 0), {name: {} for name in one[2]})


def test_nothing_is_interpreted_by_the_page():
    evil = "</p><script>`alert(1)`</script>&COUNT PICTURE"
    options = argparse.Namespace(out=Path("x.HTML"), names=True)
    page = statistics(sample(evil, evil, evil, evil), options)
    assert (
        "<code>alert(1)</code>" in page
        and "<script" not in page
        and page.count("&lt;script&gt;") == 5
        and "&amp;COUNT PICTURE" in page
    )


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_the_screen(chromium, tmp_path, width):  # noqa: F811
    path = tmp_path / "page.html"
    long = "a_very_long_name" * 8
    options = argparse.Namespace(out=path, names=True)
    path.write_text(
        statistics(sample(long, long, long, "A hint. " * 30), options), "utf-8"
    )
    chromium.set_window_size(width, 900)
    chromium.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
    )
    chromium.get(path.as_uri())
    size = "return [document.documentElement.scrollWidth, innerWidth]"
    shown, inner = chromium.execute_script(size)
    assert shown <= inner == width
