"""The command `minigrad diagnose`: exit codes, what it prints and writes, Ctrl-C."""

import json
import runpy
from pathlib import Path

import pytest

from minigrad.__main__ import main

SCRIPT = str(Path(__file__).parent / "scripts" / "learn.py")


@pytest.fixture
def diagnose(monkeypatch, capsys):
    """Run the command in this process, and return its exit code, output and errors."""

    def run(*words, script=SCRIPT):
        arguments = ["minigrad", "diagnose", script, *map(str, words)]
        monkeypatch.setattr("sys.argv", arguments)
        code = main()
        return code, *capsys.readouterr()

    return run


def test_script_without_a_fault(diagnose):
    code, out, err = diagnose()
    assert code == 0
    assert out.startswith("options:\nloss:")
    last = out.splitlines()[-1]
    assert last.startswith("No fault was found in 20 backward passes. The loss ends at")
    assert "the best constant output has 0.6" in last
    assert err == "\nLooking for the cause ...\n"


def test_script_with_a_fault(diagnose):
    code, out, _ = diagnose("--keep")
    assert code == 1
    assert "1. the gradients are not cleared" in out
    assert "scripts/learn.py:23   loss.backward()" in out


def test_script_prints_the_same_without_the_command(diagnose, monkeypatch, capsys):
    _, out, _ = diagnose("--keep")
    monkeypatch.setattr("sys.argv", [SCRIPT, "--keep"])
    runpy.run_path(SCRIPT, run_name="__main__")
    assert out.startswith(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("option", "shown"),
    [("--fail", "RuntimeError: a fault of the script"), ("--exit", "Looking")],
)
def test_script_that_fails_without_a_fault_of_training(diagnose, option, shown):
    code, out, err = diagnose(option)
    assert code == 2
    assert "No fault was found" in out
    assert shown in err


def test_script_that_fails_with_a_fault(diagnose):
    assert diagnose("--fail", "--keep")[0] == 1
    assert diagnose("--exit", "--keep")[0] == 1


def test_error_of_minigrad_is_a_finding(diagnose):
    code, out, err = diagnose("--shapes")
    assert code == 1
    assert "the run stopped" in out
    assert "y[1:]" in out
    assert "Traceback" in err


def test_ctrl_c_ends_the_script_and_is_diagnosed(diagnose):
    code, out, _ = diagnose("--interrupt", "--keep")
    assert code == 130
    assert "15 of 16 steps" in out


def test_json_is_all_of_stdout(diagnose):
    code, out, err = diagnose("--json", "--keep")
    result = json.loads(out)
    assert code == 1
    assert result["passes"] == 20
    (found,) = result["findings"]
    assert found["code"] == "gradients-not-cleared"
    assert found["file"] == SCRIPT
    assert Path(SCRIPT).read_text().splitlines()[found["line"] - 1].strip() == ("loss.backward()")
    assert err.startswith("options: --keep\nloss:")


def test_json_of_no_findings(diagnose):
    code, out, _ = diagnose("--json")
    assert code == 0
    assert json.loads(out) == {"passes": 20, "findings": []}


def test_page_is_written(diagnose, tmp_path):
    path = tmp_path / "page.html"
    code, _, err = diagnose("--keep", "-o", path)
    assert code == 1
    assert str(path) in err
    text = path.read_text(encoding="utf-8")
    assert "Why does learn.py not learn?" in text
    assert "The gradients are not cleared" in text


def test_page_in_a_missing_folder(diagnose, tmp_path):
    code, out, err = diagnose("-o", tmp_path / "no" / "page.html")
    assert code == 2
    assert "No fault was found" in out
    assert "MG803" in err


@pytest.mark.parametrize(
    ("words", "passed"),
    [
        (["--epochs", "2"], "--epochs 2"),
        (["two", "--lr=0.1", "-v"], "two --lr=0.1 -v"),
        (["--", "--json", "-o", "x"], "--json -o x"),
    ],
)
def test_other_options_go_to_the_script(diagnose, words, passed):
    _, out, _ = diagnose(*words)
    assert out.startswith(f"options: {passed}\n")


def test_missing_script(diagnose):
    code, out, err = diagnose(script="no.py")
    assert (code, out) == (2, "")
    assert "MG901" in err


def test_other_commands_refuse_unknown_options(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["minigrad", "check", SCRIPT, "--epochs", "2"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert "unrecognized arguments: --epochs 2" in capsys.readouterr().err
