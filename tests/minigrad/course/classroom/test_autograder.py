"""The autograder's zip file grades for Gradescope and for Classroom 50, as their runners call it."""

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

from minigrad.course.checking.registry import lesson

from .test_formats import RUNNER, require_valid

ONE = lesson(1)
SOLUTION = ONE.read("solution.py")


def test_the_autograder_grades_for_both_services_and_imports_nothing_of_the_student(
    typed, tmp_path
):
    assert typed("gradescope", "--lesson", "1-2") == (0, "autograder.zip is ready.\n")
    with zipfile.ZipFile("autograder.zip") as archive:
        modes = {
            name: archive.getinfo(name).external_attr >> 16
            for name in ("setup.sh", "run_autograder")
        }
        assert (
            set(modes.values()) == {0o100755} and "autograder.py" in archive.namelist()
        )
        assert not [name for name in archive.namelist() if "__pycache__" in name]
        archive.extractall("autograder/source")
    project = (Path(__file__).parents[4] / "pyproject.toml").read_text()
    needed = set(
        re.findall(r'"[^"\n]+"', re.findall(r"^dependencies = (.*)$", project, re.M)[0])
    )
    work = Path("autograder/submission")
    work.mkdir()
    Path("autograder/results").mkdir()
    (work / ONE.file).write_text(SOLUTION)
    for name in ("numpy", "minigrad", "json"):
        (work / f"{name}.py").write_text("raise SystemExit('imported')")
    script = Path("autograder/source/run_autograder").read_text()
    for file in ("setup.sh", "autograder.py"):
        text = Path("autograder/source", file).read_text()
        assert needed <= set(re.findall(r'"[^"\n]+"', text)) and (
            "LESSONS" not in text + script
        )
    script = script.replace("/autograder/venv/bin/python", sys.executable)
    script = script.replace("/autograder", str(tmp_path / "autograder"))
    environment = {**os.environ, **RUNNER, "PIP_NO_INDEX": "1"}
    environment.pop("PYTHONPATH", None)
    subprocess.run(["sh", "-c", script], check=True, env=environment)
    results = json.loads(Path("autograder/results/results.json").read_text())
    assert [test["score"] for test in results["tests"]] == [1, 0]
    grader = [sys.executable, str(tmp_path / "autograder/source/autograder.py")]
    subprocess.run(grader, check=True, env=environment, cwd=work)
    result = json.loads((work / "result.json").read_text())
    require_valid(result)
    assert result["score"] == 1
