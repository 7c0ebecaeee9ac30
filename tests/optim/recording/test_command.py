"""The command `minigrad record`: the script's behaviour, exit codes, and the page it writes."""

import runpy
from pathlib import Path

import pytest

from minigrad.__main__ import main

from .test_page import data_of

SCRIPT = Path(__file__).parents[1] / "diagnosis" / "scripts" / "learn.py"


@pytest.fixture
def record(monkeypatch, capsys, tmp_path):
    """Run the command in this process. Return its exit code, output, errors and the page's data."""

    def run(*words, script=SCRIPT):
        monkeypatch.chdir(tmp_path)
        path = tmp_path / "run.html"
        arguments = ["minigrad", "record", script, "-o", path, *words]
        monkeypatch.setattr("sys.argv", [str(word) for word in arguments])
        code = main()
        page = data_of(path.read_text("utf-8")) if path.exists() else None
        return code, *capsys.readouterr(), page

    return run


def test_script_runs_as_without_the_command(record, monkeypatch, capsys):
    code, out, err, page = record("--lr", "2")
    assert code == 0
    monkeypatch.setattr("sys.argv", [str(SCRIPT), "--lr", "2"])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    assert out == capsys.readouterr().out
    assert "run.html: 20 steps. Open it in a browser." in err
    assert page["title"] == "learn.py"
    (run,) = page["runs"]
    assert run["steps"] == list(range(1, 22))


@pytest.mark.parametrize(
    ("option", "expected", "shown", "steps"),
    [
        ("--exit", 3, "", 20),
        ("--fail", 1, "RuntimeError: a fault of the script", 16),
        ("--interrupt", 130, "", 16),
    ],
)
def test_scripts_that_end_early(record, option, expected, shown, steps):
    code, _, err, page = record(option)
    assert code == expected
    assert shown in err
    assert page["runs"][0]["count"] == steps


def test_message_of_the_exit_is_shown(record, tmp_path):
    script = tmp_path / "exit.py"
    script.write_text(SCRIPT.read_text() + "\nsys.exit('bad weather')\n")
    code, _, err, page = record(script=script)
    assert code == 1
    assert "bad weather" in err
    assert page is not None


def test_script_without_a_step(record, tmp_path):
    script = tmp_path / "empty.py"
    script.write_text("print('hello')\n")
    code, out, err, page = record(script=script)
    assert (code, out, page) == (2, "hello\n", None)
    assert "[MG809] empty.py has no step to record" in err


def test_default_name_and_missing_folder(record, monkeypatch, capsys, tmp_path):
    record()
    monkeypatch.setattr("sys.argv", ["minigrad", "record", str(SCRIPT)])
    assert main() == 0
    assert (tmp_path / "learn_run.html").exists()
    words = ["minigrad", "record", str(SCRIPT), "-o", "no/run.html"]
    monkeypatch.setattr("sys.argv", words)
    assert main() == 2
    assert "[MG803] cannot write the page to 'no/run.html'" in capsys.readouterr().err


def test_missing_script(record):
    code, out, err, _ = record(script="no.py")
    assert (code, out) == (2, "")
    assert "MG901" in err
