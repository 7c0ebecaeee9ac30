"""Test that the benchmark runs, compares the results, and writes its page. The sizes are tiny, and
no times are checked.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CONTENDERS = (
    "numpy,minigrad,minigrad-fused,minigrad-uncached,bare-loop,trainer,trainer-usual"
)


def run(*arguments, folder=HERE, code=0):
    command = [sys.executable, *map(str, (folder / "run.py", "--smoke", *arguments))]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    out: Path = tmp_path_factory.mktemp("benchmarks") / "benchmarks.md"
    run("--contenders", CONTENDERS, "--out", out)
    return out


@pytest.mark.parametrize(
    "letter", "abcdefghj"
)  # (i), (k), (l) and (m) compare only with others
def test_all_compute_the_same(page, letter):
    section = re.findall(
        rf"## \({letter}\).*?(?=\n## |\Z)", page.read_text(), re.DOTALL
    )[0]
    head, _, *rows = [
        line.split("|") for line in section.splitlines() if line.startswith("|")
    ]
    column = [cell.strip() for cell in head].index("difference")
    differences = [float(row[column]) for row in rows if row[column].strip()]
    assert differences and max(differences) <= 1e-5


def test_the_page_is_whole(page):
    text = page.read_text()
    assert "did not run" not in text
    assert "Python 3" in text and "NumPy 2" in text
    assert re.search(r"\| NumPy \| \w+ \|", text)
    assert text.count("| yes |") + text.count("| NO |") >= 4
    pictures = re.findall(r"\]\((images/.*?)\)", text)
    assert len(pictures) == 3
    assert all(
        (page.parent / picture).read_bytes().startswith(b"\x89PNG")
        for picture in pictures
    )


@pytest.mark.parametrize(
    ("after", "code", "message"),
    [
        ("return h.sum() * 1.1", 1, "DIFFERS"),
        ("return h.som()", 0, "AttributeError: 'Tensor' object has no attribute 'som'"),
        ("import os; os._exit(7)", 0, "ended with status 7"),
    ],
    ids=["differs", "fails", "dies"],
)
def test_a_wrong_contender_is_named_and_the_others_continue(
    tmp_path, after, code, message
):
    shutil.copytree(HERE, tmp_path, dirs_exist_ok=True)
    module = tmp_path / "contenders/shared.py"
    module.write_text(module.read_text().replace("return h.sum()", after))
    printed = run(
        "--contenders", "numpy,minigrad", "--only", "a", folder=tmp_path, code=code
    )
    assert re.search(rf"minigrad, gate by gate .*{message}", printed)
    assert re.search(r"NumPy by hand [|] +[\d.]+", printed)


def test_an_unknown_name_is_refused():
    assert "--only z: choose from a, b, c, d, e, f, g" in run("--only", "z", code=2)


@pytest.mark.parametrize(
    ("case", "expected"), [("rnn", ["OPENBLAS_NUM_THREADS"]), ("rnn program", [])]
)
def test_the_contenders_blas_chooses_its_own_kernels(monkeypatch, case, expected):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("OPENBLAS_L2_SIZE", "512")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    code = f"import roster, turns; print(*turns.environment(roster.CONTENDERS[0], {case!r}))"
    command = [sys.executable, "-c", code]
    names = subprocess.run(
        command, cwd=HERE, capture_output=True, text=True, check=True
    ).stdout
    chosen = [name for name in names.split() if name.startswith("OPENBLAS")]
    assert chosen == expected
