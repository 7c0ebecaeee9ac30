"""The benchmark runs, compares what was computed, and writes its page. Tiny sizes; no time is looked at."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

RUN = Path(__file__).with_name("run.py")
CONTENDERS = "numpy,minigrad,minigrad-fused,bare-loop,trainer,trainer-usual"


def command(*arguments: object) -> list[str]:
    return [sys.executable, str(RUN), "--smoke", *map(str, arguments)]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    out = tmp_path_factory.mktemp("benchmarks") / "benchmarks.md"
    run = subprocess.run(command("--contenders", CONTENDERS, "--out", out), capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr  # 1 where they did not compute the same
    return out.read_text(), out.parent


def differences(text: str, letter: str) -> list[float]:
    """What stands in the column "difference" of one workload's table."""
    section = re.findall(rf"## \({letter}\).*?(?=\n## |\Z)", text, re.DOTALL)[0]
    head, _, *rows = [line.split("|") for line in section.splitlines() if line.startswith("|")]
    column = [cell.strip() for cell in head].index("difference")
    return [float(row[column]) for row in rows if row[column].strip()]


def test_both_ways_of_minigrad_compute_the_same_language_model(page: tuple[str, Path]) -> None:
    assert max(differences(page[0], "h")) <= 1e-5


@pytest.mark.parametrize("letter", "abcefg")
def test_minigrad_computes_what_numpy_by_hand_does(page: tuple[str, Path], letter: str) -> None:
    found = differences(page[0], letter)
    assert found
    assert max(found) <= 1e-5


def test_the_page_is_whole(page: tuple[str, Path]) -> None:
    text, folder = page
    assert "did not run" not in text
    assert "Python 3" in text and "NumPy 2" in text
    for picture in re.findall(r"\]\((images/.*?)\)", text):
        assert (folder / picture).read_bytes().startswith(b"\x89PNG")
    assert len(list(folder.glob("images/*.png"))) == 3
    assert not [path for path in folder.rglob("*") if path.name.startswith(".")]


def run_changed(
    folder: Path, contender: str, before: str, after: str, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run a copy of the benchmark in which `before` reads `after` in that contender's module."""
    for path in RUN.parent.rglob("*.py"):
        target = folder / path.relative_to(RUN.parent)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(path.read_text())
    module = folder / "contenders" / contender
    assert before in module.read_text()
    module.write_text(module.read_text().replace(before, after))
    return subprocess.run(
        [sys.executable, folder / "run.py", "--smoke", "--contenders", "numpy,minigrad", *arguments],
        capture_output=True,
        text=True,
    )


def test_a_contender_that_computes_something_else_is_found(tmp_path: Path) -> None:
    run = run_changed(tmp_path, "minigrad_.py", "**rule)", "**rule | {'lr': 0.01})", "--only", "b")
    assert run.returncode == 1
    assert "DIFFERS" in run.stdout
    assert "minigrad rnn, minigrad gru, minigrad lstm" in run.stderr


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("import minigrad as mg", "import minigrad as mg, minigrat", "minigrad did not take part: ModuleNotFoundError"),
        ("loss = h.sum()", "loss = h.som()", "did not run: AttributeError: 'Tensor' object has no attribute 'som'"),
        ("loss = h.sum()", "raise SystemExit('quite gone')", "did not run: ended with status 1: quite gone"),
    ],
    ids=["not installed", "fails", "dies"],
)
def test_one_that_does_not_run_is_named_and_the_others_go_on(
    tmp_path: Path, before: str, after: str, said: str
) -> None:
    run = run_changed(tmp_path, "minigrad_.py", before, after, "--only", "a")
    assert run.returncode == 0, run.stderr
    assert said in run.stdout
    assert re.search(r"NumPy by hand +[\d.]+ +[\d.]+", run.stdout)


def test_an_unknown_name_is_refused() -> None:
    run = subprocess.run(command("--only", "z"), capture_output=True, text=True)
    assert run.returncode == 2
    assert "no workload z; there are a, b, c, d, e, f, g" in run.stderr


def test_interrupted_it_leaves_nothing(tmp_path: Path) -> None:
    out = tmp_path / "benchmarks.md"
    process = subprocess.Popen(
        command("--contenders", "numpy,minigrad", "--out", out),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "\n"  # the first table: it is in the middle of its work
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "no report was written" in errors
    assert list(tmp_path.iterdir()) == []
