"""The commands, as a learner types them."""

from __future__ import annotations

import io
import json
import os
import re
import sys
import time
import warnings
import webbrowser
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from minigrad.__main__ import main
from minigrad.course import report
from minigrad.course.grade import grade, line_of
from minigrad.course.lesson import lesson, lessons
from minigrad.course.workbook import Workbook


@pytest.fixture
def course(tmp_path: Path, monkeypatch, capsys):
    """Runs `minigrad course ...` in a fresh course; returns (exit code, what was printed)."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["minigrad", "course", *words])
        code = main()
        shown = capsys.readouterr()
        return code, shown.out + shown.err

    assert run("start", "c")[0] == 0
    monkeypatch.chdir(tmp_path / "c")
    return run


def write(number: int, file: str) -> None:
    Path(lesson(number).file).write_text(lesson(number).read(file))


def test_the_first_minutes(course) -> None:
    code, text = course()
    assert code == 1
    assert f"0 of {len(lessons())} lessons passed. At hand: lesson 1, By hand." in text
    assert "dy_ds is not written yet" in text
    write(1, "solution.py")
    code, text = course()
    assert code == 0
    assert "passed" in text and "Next: lesson 2" in text
    code, text = course("list")
    assert f"1 of {len(lessons())} passed" in text
    assert course("check", "1")[0] == 0


def test_the_ladder_climbs_with_each_try(course) -> None:
    slip = lesson(1).slips[0]
    Path(lesson(1).file).write_text(lesson(1).read("solution.py") + "\n" + slip.code)
    tries = [" ".join(course("check", "1")[1].split()) for _ in range(4)]
    assert [slip.name in text for text in tries] == [False, True, True, True]
    assert [" ".join(slip.formula.split()) in text for text in tries] == [False, False, True, True]
    assert ["minigrad course solution 1" in text for text in tries] == [False, False, False, True]


def test_start_never_overwrites(course, tmp_path: Path) -> None:
    Path(lesson(1).file).write_text("mine")
    Path(lesson(2).file).unlink()
    code, text = course("start", ".")
    assert code == 0
    assert f"1 lessons copied; {len(lessons()) - 1} were there already" in text
    assert Path(lesson(1).file).read_text() == "mine"
    assert Path(lesson(2).file).read_text() == lesson(2).read("exercise.py")


def test_reset_keeps_a_copy_each_time(course) -> None:
    for text in ("first", "second"):
        Path(lesson(1).file).write_text(text)
        course("reset", "1")
    assert sorted(path.read_text() for path in Path("backups").iterdir()) == ["first", "second"]
    assert Path(lesson(1).file).read_text() == lesson(1).read("exercise.py")


def test_hints_come_one_after_the_other(course) -> None:
    hints = lesson(3).hints
    shown = [course("hint", "3")[1] for _ in range(len(hints) + 1)]
    for hint, text in zip([*hints, hints[-1]], shown, strict=True):
        assert hint in text


def test_the_solution_asks_first(course, monkeypatch) -> None:
    line = "dy_ds"
    assert course("solution", "1")[0] == 1
    code, text = course("solution", "1", "--yes")
    assert code == 0 and line in text
    write(1, "solution.py")
    course()
    assert course("solution", "1")[0] == 0


def test_questions_are_answered_and_remembered(course) -> None:
    code, text = course("answer", "zebra", "--lesson", "1")
    assert code == 2 and "MG916" in text
    code, text = course("answer", "123456")
    assert code == 0 and "Not so" in text
    assert Workbook(Path(".")).answers(lesson(1)) == {"0": "123456"}
    assert "questions 0/" in course("list")[1]


def test_questions_come_one_after_the_other(course) -> None:
    assert course("answer")[1].startswith("Lesson 1: A gate computes m = a * b")
    code, text = course("answer", "1.2")  # dy/dm = 0.6 times b = 2
    assert code == 0 and "✓" in text and "And: In y = tanh(a*b + c)" in text
    code, text = course("answer", "d")  # (1 - tanh² 0.8) 0.5 = 0.280 becomes (1 - tanh² 2.8) 1 = 0.015
    assert code == 0 and "✓" in text and "And:" not in text
    assert "questions 2/2" in course("list")[1]


@pytest.fixture
def at_terminal(course, monkeypatch):
    """Runs a command as `course` does, at a terminal where somebody types these lines, which must all be asked for."""

    def run(*words: str, typed: list[str]) -> tuple[int, str]:
        for stream in (sys.stdin, sys.stdout):
            monkeypatch.setattr(stream, "isatty", lambda: True)
        monkeypatch.setattr("builtins.input", lambda prompt: typed.pop(0))
        code, text = course(*words)
        assert not typed
        return code, text

    return run


def test_a_terminal_asks_the_questions_before_the_check(at_terminal) -> None:
    write(1, "solution.py")
    code, text = at_terminal("check", "1", typed=["many", "1.2", "e", ""])  # the second question is left for later
    told = ["Before you run it: A gate", "a number, please", "✓", "And: In y = tanh", "one of a, b, c, d", "passed"]
    places = [text.index(part) for part in told]
    assert code == 0 and places == sorted(places)
    assert "✗" in at_terminal("check", "1", typed=["B"])[1]
    assert "Before you run it" not in at_terminal("check", "1", typed=[])[1]
    assert Workbook(Path(".")).answers(lesson(1)) == {"0": "1.2", "1": "B"}


def test_a_terminal_asks_whether_to_show_the_solution(at_terminal) -> None:
    solution = lesson(1).read("solution.py").rstrip()
    code, text = at_terminal("solution", "1", typed=[""])
    assert code == 1 and solution not in text
    code, text = at_terminal("solution", "1", typed=["Yes"])
    assert code == 0 and solution in text


def test_watch_checks_whenever_the_file_is_saved(course, monkeypatch) -> None:
    saved = [lambda: write(1, "solution.py"), lambda: Path(lesson(2).file).write_text("raise ValueError")]

    def sleep(seconds: float) -> None:
        if not saved:
            raise KeyboardInterrupt
        saved.pop(0)()

    monkeypatch.setattr("minigrad.course.commands.time", SimpleNamespace(sleep=sleep, strftime=time.strftime))
    code, text = course("watch")
    assert code == 130
    files = re.findall(r"^--- \d\d:\d\d:\d\d (.*)$", text, re.M)
    assert files == [lesson(1).file, lesson(1).file, lesson(2).file, lesson(2).file]  # on to lesson 2 once 1 is passed
    assert "Stopped by Ctrl-C" in text


def test_after_the_last_lesson(course) -> None:
    book = Workbook(Path("."))
    for one in lessons()[:-1]:
        book.record(one, passed="2026-01-01 00:00")
    write(len(lessons()), "solution.py")
    assert f"That was the last one: all {len(lessons())} lessons passed." in course("check")[1]
    code, text = course()
    assert code == 0 and f"All {len(lessons())} lessons passed. To read one again:" in text


def test_what_a_file_prints_is_shown_up_to_twenty_lines(course) -> None:
    Path(lesson(1).file).write_text(lesson(1).read("solution.py") + "\nfor i in range(23): print('line', i)\n")
    text = course("check", "1")[1]
    assert "Your file printed:\n  | line 0\n" in text
    assert "  | line 19\n... 3 more lines\n" in text and "line 20" not in text


@pytest.mark.parametrize(
    "code",
    [
        "print('\\x1b[2J\\x1b]0;owned\\x07')",
        "raise ValueError('\\x1b[2J')",
        "dy_ds = type('\\x1b[2J', (), {})()",
        "raise type('\\x1b[2J', (Exception,), {})('\\x9b2J')",
        "x = '\\\x1b[2J'; print(x); raise ValueError  # \x1b[2J",
        "dy_ds = '\\x1b[2J'",
    ],
)
def test_escapes_of_a_file_are_not_printed_raw(course, code) -> None:
    Path(lesson(1).file).write_text(lesson(1).read("solution.py") + "\n" + code + "\n")
    text = course("check", "1")[1] + course("check", "1")[1]
    assert all(char.isprintable() or char == "\n" for char in text)
    assert "x1b[2J" in text


def test_a_warning_of_python_s_prints_nothing_of_a_file() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert line_of("x = '\\\x1b[2J'\ndef f(): pass", "f") == 2
    assert not caught


def test_a_long_file_is_not_parsed_by_the_grader(monkeypatch) -> None:
    monkeypatch.setattr("minigrad.course.grade.LONGEST_PARSED", 18)
    assert line_of("\ndef f(): return 1", "f") == 2 and line_of("\ndef f(): return 123", "f") is None


def test_a_folder_s_name_is_not_printed_raw(course) -> None:
    for command in ("start", "export"):
        code, text = course(command, "a\x1b[2Jb c")
        assert code == 0 and "\x1b" not in text and "a\\x1b[2Jb c" in text
    assert "jupyter lab '" in text


@pytest.mark.parametrize("text", ["x = 'é'".encode("latin-1"), "x = 1".encode("utf-16"), b"#" * 2**21])
def test_a_file_that_is_no_text_says_why(course, text) -> None:
    Path(lesson(1).file).write_bytes(text)
    code, said = course("check", "1")
    assert code == 2 and "[MG915]" in said and ("it is not text in UTF-8" in said or "longer than 1 MB" in said)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="makes a named pipe")
def test_a_pipe_in_place_of_a_file_does_not_hang(course) -> None:
    Path(lesson(1).file).unlink()
    os.mkfifo(lesson(1).file)
    assert "[MG915]" in course("check", "1")[1]


def test_windows_line_ends_and_a_byte_order_mark_pass(course) -> None:
    text = lesson(1).read("solution.py").replace("\n", "\r\n")
    Path(lesson(1).file).write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert course("check", "1")[0] == 0


def test_a_full_disk_costs_no_verdict_and_no_traceback(course, monkeypatch) -> None:
    def full(*_: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    write(1, "solution.py")
    write(3, "solution.py")
    monkeypatch.setattr("minigrad.course.workbook.write_whole", full)
    monkeypatch.setattr("minigrad.course.sandbox.write_whole", full)
    monkeypatch.setattr("shutil.copyfile", full)
    code, text = course("check", "1")
    assert code == 0 and "passed" in text and "your graph could not be written: No space left on device" in text
    assert "This is not remembered: progress.json cannot be written (No space left on device)." in text
    assert course("answer", "1.2")[0] == 0
    code, text = course("reset", "3")
    assert code == 2 and "[MG921] a file cannot be used: No space left on device" in text
    assert Path(lesson(3).file).read_text() == lesson(3).read("solution.py")


def test_ctrl_d_leaves_the_question_for_later(at_terminal, monkeypatch) -> None:
    def ended(prompt: str) -> str:
        raise EOFError

    write(1, "solution.py")
    for words, code in ((("check", "1"), 0), (("solution", "2"), 1)):
        monkeypatch.setattr("minigrad.course.commands.input", ended, raising=False)
        assert at_terminal(*words, typed=[])[0] == code


def test_watch_outlives_a_file_that_cannot_be_read_and_forgets_no_answer(course, monkeypatch) -> None:
    def answer() -> None:  # in another terminal
        Workbook(Path(".")).record(lesson(1), answers={"0": "1.2"})
        write(1, "solution.py")

    saved: list[Callable[[], object]] = [
        lambda: Path(lesson(1).file).write_bytes(b"\xff\xfe"),
        Path(lesson(1).file).unlink,
        answer,
    ]

    def sleep(seconds: float) -> None:
        if not saved:
            raise KeyboardInterrupt
        saved.pop(0)()

    monkeypatch.setattr("minigrad.course.commands.time", SimpleNamespace(sleep=sleep, strftime=time.strftime))
    code, text = course("watch", "1")
    assert code == 130 and "[MG915]" in text and "passed" in text
    book = Workbook(Path("."))
    assert book.answers(lesson(1)) == {"0": "1.2"} and book.passed(lesson(1))


@pytest.mark.parametrize(
    "text",
    ['{"lesson_01_by_hand": {"hints": "3"}}', '{"lesson_01_by_hand": {"hints": -1}}', "[]", "7", "null", "[" * 9999,
     '{"lesson_01_by_hand": {"answers": ["b"]}}', '{"lesson_01_by_hand": {"answers": {"0": 5}}}', "\xff",
     '{"lesson_01_by_hand": {"tries": {"dy_ds": "many"}}}', '{"lesson_01_by_hand": 1}'],
    ids=range(11),
)  # fmt: skip
def test_damaged_progress_is_named_and_kept(course, text) -> None:
    Path("progress.json").write_text(text, encoding="latin-1")
    write(1, "solution.py")
    for words in ((), ("check", "1"), ("hint",), ("answer", "1.2"), ("list",), ("show", "--text"), ("reset", "1")):
        code, said = course(*words)
        assert code == 2 and "[MG913]" in said
    assert Path("progress.json").read_text(encoding="latin-1") == text
    assert Path(lesson(1).file).read_text() == lesson(1).read("solution.py")


def test_progress_of_another_version_is_read_and_kept(course) -> None:
    entry = {"answers": {"7": "b", "x": "c", "0": "1.2"}, "hints": 99, "stars": 3}
    Path("progress.json").write_text(json.dumps({"lesson_01_by_hand": entry, "lesson_99_later": {"passed": "yes"}}))
    assert "questions 1/2" in course("list")[1]
    assert course("hint", "1")[0] == 0
    found = json.loads(Path("progress.json").read_text())
    assert found == {
        "lesson_01_by_hand": {**entry, "hints": len(lesson(1).hints)},
        "lesson_99_later": {"passed": "yes"},
    }


def test_two_programs_lose_no_entry_of_each_other(course) -> None:
    books = [Workbook(Path(".")) for _ in range(2)]
    for number in range(1, 5):
        books[number % 2].record(lesson(number), passed="now")
        books[0].count_try(lesson(1), "dy_ds")
    assert [Workbook(Path(".")).passed(lesson(number)) for number in range(1, 6)] == [True] * 4 + [False]
    assert books[1].count_try(lesson(1), "dy_ds") == 5


def test_export_says_what_it_left_alone_and_keeps_the_learner_s_work(course) -> None:
    write(2, "solution.py")
    assert "were there" not in course("export")[1]
    work = json.loads(Path(f"{lesson(2).name}.ipynb").read_text())["cells"]
    assert any(lesson(2).read("solution.py").rstrip() in cell["source"] for cell in work)
    assert f"({len(lessons())} were there already, and are as they were)" in course("export")[1]


def test_a_terminal_without_the_signs_gets_plain_ones(course, monkeypatch) -> None:
    write(1, "solution.py")
    course("check", "1")
    terminal = io.TextIOWrapper(io.BytesIO(), "ascii")
    monkeypatch.setattr(sys, "stdout", terminal)
    course("list")
    terminal.flush()
    first, second, third = terminal.buffer.getvalue().decode("ascii").splitlines()[:3]
    assert (first[:7], second[:4], third[:6]) == ("[ok]  1", ">  2", "[ ]  3")


def test_show_prints_the_text(course) -> None:
    assert course("show", "2", "--text")[1].strip() == lesson(2).text.strip()


@pytest.mark.parametrize("can_open", [True, False])
def test_show_opens_the_page_and_after_a_pass_the_learner_s_graph(course, monkeypatch, can_open) -> None:
    opened: list[str] = []

    def open_(address):
        opened.append(address)
        return can_open

    monkeypatch.setattr(webbrowser, "open", open_)
    pages = [Path("pages", f"{lesson(1).name}{end}.html").resolve() for end in ("", "_graph")]
    pages[0].parent.mkdir(exist_ok=True)
    for page in pages:
        page.touch()  # a graph is drawn after wrong numbers too
    for passed in (False, True):
        if passed:
            Workbook(Path(".")).record(lesson(1), passed="2026-01-01 00:00")
        code, text = course("show", "1")
        wanted = pages[: 1 + passed]
        assert code == 0 and opened == [page.as_uri() for page in wanted]
        lines = list(map(str, wanted)) + ["No browser could be opened: open it by hand."] * (not can_open)
        assert text.splitlines() == lines
        opened.clear()


def test_export_says_where_the_notebooks_are(course) -> None:
    code, text = course("export", "books")
    found = sorted(Path("books").glob("*.ipynb"))
    assert (code, len(found)) == (0, len(lessons()))
    assert text == f"{len(found)} notebooks in books; open one with: jupyter lab {found[0]}\n"


def test_another_folder_says_what_to_do(course, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, text = course("list")
    assert code == 2 and "minigrad course start my-course" in text


def test_the_course_is_found_from_a_folder_below(course, monkeypatch) -> None:
    monkeypatch.chdir("pages" if Path("pages").is_dir() else ".")
    assert course("list")[0] == 0


def test_report_of_a_class(course, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, file in (("ada", "solution.py"), ("bob", "exercise.py")):
        folder = tmp_path / "class" / name
        folder.mkdir(parents=True)
        for number in (1, 2):
            (folder / lesson(number).file).write_text(lesson(number).read(file))
    code, text = course("report", "class", "--lesson", "1", "--lesson", "2")
    assert code == 0
    assert re.search(r"^ada +2/2 +x  x$", text, re.M) and re.search(r"^bob +0/2 +\.  \.$", text, re.M)
    code, text = course("report", "class", "--json", "--lesson", "1")
    found = json.loads(text)["submissions"]
    assert [(one["name"], one["points"], one["of"]) for one in found] == [("ada", 1, 1), ("bob", 0, 1)]
    assert course("report", "class/ada", "--gradescope", "-o", "results.json")[0] == 0
    results = json.loads(Path("results.json").read_text())
    assert results["score"] == 2.0
    assert [test["score"] for test in results["tests"]] == [1.0, 1.0] + [0.0] * (len(lessons()) - 2)
    assert {test["max_score"] for test in results["tests"]} == {1.0}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="makes a named pipe")
def test_marks_are_kept_and_only_changed_files_are_graded_again(course, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    graded = []

    def noted(one, path, *rest):
        graded.append(path.parent.name)
        return grade(one, path, *rest)

    monkeypatch.setattr(report, "grade", noted)
    for name in ("ada", "bob", "eve"):
        (tmp_path / "class" / name).mkdir(parents=True)
        (tmp_path / "class" / name / lesson(1).file).write_text(lesson(1).read("solution.py"))
    os.mkfifo("class/eve/" + lesson(2).file)  # would keep its reader waiting for ever
    options = ("report", "class", "--lesson", "1", "--lesson", "2", "--jobs", "2", "--json", "--keep", "marks")
    code, first = course(*options)
    assert code == 1 and sorted(graded) == ["ada", "bob", "eve"]  # the pipe is not graded
    assert course(*options) == (code, first) and len(graded) == 3
    (tmp_path / "class" / "bob" / lesson(1).file).write_text("raise ValueError")
    assert course(*options, "-o", "marks.json")[0] == 1
    found = json.loads(Path("marks.json").read_text())["submissions"]
    assert graded[3:] == ["bob"] and [one["points"] for one in found] == [1, 0, 1]


def test_a_file_whose_grading_fails_loses_only_itself(course, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)

    def failing(one, path, *rest):
        if path.parent.name == "bob":
            raise RecursionError("too deep")
        return grade(one, path, *rest)

    monkeypatch.setattr(report, "grade", failing)
    for name in ("ada", "bob"):
        (tmp_path / "class" / name).mkdir(parents=True)
        (tmp_path / "class" / name / lesson(1).file).write_text(lesson(1).read("solution.py"))
    code, text = course("report", "class", "--lesson", "1", "--json", "-o", "marks.json")
    found = json.loads(Path("marks.json").read_text())["submissions"]
    assert code == 1 and "RecursionError: too deep" in text and [one["points"] for one in found] == [1, 0]
    assert found[1]["lessons"][0]["said"] == "could not be graded"


def test_fourteen_files_are_copied(course) -> None:
    assert sorted(path.name for path in Path(".").glob("lesson_*.py")) == [one.file for one in lessons()]
