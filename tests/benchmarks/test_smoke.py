"""The benchmarks run, compare the results and write their page. The sizes are tiny, and no times are
checked.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
OWN = "minigrad,minigrad-fused,minigrad-uncached,bare-loop,trainer,trainer-usual"

sys.path.append(str(HERE))

from roster import CONTENDERS  # noqa: E402
from turns import Result, environment  # noqa: E402


def run(*arguments, folder=HERE, code=0):
    command = [sys.executable, *map(str, (folder / "run.py", "--smoke", *arguments))]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    out: Path = tmp_path_factory.mktemp("benchmarks") / "benchmarks.md"
    run("--contenders", f"numpy,{OWN}", "--out", out)
    return out


# (i), (k), (l) and (m) compare only with others
@pytest.mark.parametrize("letter", "abcdefghj")
def test_contenders_agree(page, letter):
    sections = re.split(r"\n## ", page.read_text())
    (section,) = [one for one in sections if one.startswith(f"({letter})")]
    found = re.findall(r"\| (\de[+-]\d\d) ", section)
    assert found
    assert max(map(float, found)) <= 1e-5


def test_page_is_complete(page):
    text = page.read_text()
    assert "did not run" not in text
    for part in ("Python 3", "NumPy 2", "| NumPy | "):
        assert part in text
    assert text.count("| yes |") + text.count("| NO |") >= 4
    (picture,) = re.findall(r"!\[.*?\]\((.*?)\)", text)
    assert (page.parent / picture).read_bytes().startswith(b"\x89PNG")


def test_other_processors_are_kept(page, tmp_path):
    shutil.copytree(page.parent, tmp_path, dirs_exist_ok=True)
    out = tmp_path / page.name
    (mine,) = out.with_suffix("").glob("*.json")
    other = json.loads(mine.read_text()) | {"processor": "Another"}
    other["targets"] = [
        {
            "letter": "b",
            "case": "rnn",
            "pair": "minigrad / JAX",
            "peer": True,
            "limit": 0.6,
            "quartiles": [0.7, 0.71, 0.74],
        }
    ]
    (mine.parent / "~another.json").write_text(json.dumps(other))
    run(
        "--contenders",
        "numpy,minigrad",
        "--only",
        "a",
        "--out",
        out,
    )
    text = out.read_text().replace("\N{NO-BREAK SPACE}", " ")
    assert re.search(r"\|  \| .+ \| Another \|", text)
    assert "| rnn |  | 0.71 (0.70 to 0.74) |" in text
    assert text.count("**Another**") == len(other["tables"])


def test_sections_that_a_run_leaves_out_are_kept(page, tmp_path):
    shutil.copytree(page.parent, tmp_path, dirs_exist_ok=True)
    out = tmp_path / page.name
    (mine,) = out.with_suffix("").glob("*.json")
    before = json.loads(mine.read_text())
    earlier = "Measured on another day."
    mine.write_text(json.dumps(before | {"machine": earlier, "remarks": "By hand."}))
    run("--only", "g", "--contenders", OWN, "--out", out)
    after = json.loads(mine.read_text())
    assert after["tables"].keys() == before["tables"].keys()
    assert after["tables"]["g"] != before["tables"]["g"]
    assert after["tables"]["a"] == before["tables"]["a"]
    count = len(before["targets"])
    assert len(after["targets"]) == count and after["remarks"] == "By hand."
    sections = dict(re.findall(r"\n## \((\w)\)(.*?)(?=\n## |$)", out.read_text(), re.DOTALL))
    kept = {letter for letter, text in sections.items() if earlier in text}
    assert kept == sections.keys() - {"g"}


def test_memory_that_did_not_grow_has_no_ratio():
    grown = {"memory": 6}
    same = {"memory": 0}
    contender = CONTENDERS[0]
    one = Result(contender, "", [{}, grown, grown])
    other = Result(contender, "", [{}, same, grown])
    assert one.ratios(other, "memory") == [1]


def test_calls_that_are_shorter_than_the_clock_s_resolution_have_no_ratio(tmp_path):
    shutil.copytree(HERE, tmp_path, dirs_exist_ok=True)
    worker = tmp_path / "worker.py"
    text = re.sub(r"return \(time.perf_counter.*", "return 0.0, 0.0", worker.read_text())
    worker.write_text(text)
    printed = run("--contenders", "numpy,minigrad", "--only", "a", folder=tmp_path)
    assert "| NumPy by hand | 0 | 0 |" in printed


@pytest.mark.parametrize(
    ("after", "code", "message"),
    [
        ("return h.sum() * 1.1", 1, "DIFFERS"),
        ("return h.som()", 0, "AttributeError: 'Tensor' object has no attribute"),
        ("import os; os._exit(7)", 0, "ended with status 7"),
    ],
    ids=["differs", "fails", "dies"],
)
def test_other_contenders_continue(tmp_path, after, code, message):
    shutil.copytree(HERE, tmp_path, dirs_exist_ok=True)
    module = tmp_path / "contenders/shared.py"
    module.write_text(module.read_text().replace("return h.sum()", after))
    only = ("--contenders", "numpy,minigrad", "--only", "a")
    printed = run(*only, folder=tmp_path, code=code)
    assert re.search(rf"minigrad, gate by gate .*{message}", printed)
    assert re.search(r"NumPy by hand [|] +[\d.]+", printed)


def test_unknown_name_is_rejected():
    assert "--only: z: choose from a, b, c, d, e, f, g" in run("--only", "z", code=2)


@pytest.mark.parametrize(
    ("case", "kept"),
    [("rnn", {"OPENBLAS_NUM_THREADS"}), ("rnn program", set())],
)
def test_environment_lets_blas_choose_its_kernels(monkeypatch, case, kept):
    for name in ("CORETYPE", "L2_SIZE", "NUM_THREADS"):
        monkeypatch.setenv(f"OPENBLAS_{name}", "1")
    names = environment(CONTENDERS[0], case)
    assert {name for name in names if name.startswith("OPENBLAS")} == kept
