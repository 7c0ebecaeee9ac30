"""The registry: which lessons there are, and which one a user means."""

import pytest

from minigrad.course.checking.lesson import Lesson
from minigrad.course.checking.registry import VARIABLE, chosen, lesson, lessons
from minigrad.errors import OptionError


@pytest.mark.parametrize(
    "which",
    [3, "3", "03", "lesson_03_gates", "lesson_03_gates.py"],
)
def test_lesson_by_number_name_or_file(which):
    assert lesson(which).name == "lesson_03_gates"


@pytest.mark.parametrize(
    "which",
    [0, 99, "gates"],
)
def test_lesson_that_does_not_exist(which):
    with pytest.raises(OptionError, match="MG911"):
        lesson(which)


def test_lessons_are_in_order():
    assert [one.number for one in lessons()] == [*range(1, 21)]


def test_chosen_are_in_order_without_repeats():
    assert [one.number for one in chosen(["5-3,4", "1"])] == [1, 3, 4, 5]
    assert chosen(None) == [*lessons()]
    assert chosen([]) == [*lessons()]


def test_lessons_of_a_folder_replace_those_of_the_course(tmp_path, monkeypatch):
    for name in ("lesson_02_b", "lesson_01_a"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "check.py").touch()
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert [one.number for one in lessons()] == [1, 2]
    monkeypatch.delenv(VARIABLE)
    assert Lesson(tmp_path / "my_lesson").number == 1


@pytest.mark.parametrize(
    ("names", "number"),
    [
        (["squares", "cubes", "lesson_02_c"], 1),
        (["lesson_3_a", "lesson_03_b", "lesson_04"], 3),
    ],
)
def test_lessons_with_the_same_number_are_named(tmp_path, monkeypatch, names, number):
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "check.py").touch()
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(OptionError, match=f"MG934.*are both lesson {number}") as caught:
        lessons()
    assert all(name in str(caught.value) for name in names[:2])
