"""The autograder's zip file, run as Gradescope's and Classroom 50's runners do."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

from minigrad.course.classroom.formats import SCRIPTS

from .test_formats import ONE, RUNNER, SOLUTION, require_results, require_valid

PROJECT = tomllib.loads((Path(__file__).parents[4] / "pyproject.toml").read_text())


def test_autograder_grades_and_imports_nothing_of_the_student(typed, tmp_path):
    assert typed("gradescope", "--lesson", "1-2") == (0, "autograder.zip is ready.\n")
    source, work = Path("autograder/source"), Path("autograder/submission")
    with zipfile.ZipFile("autograder.zip") as archive:
        for name in SCRIPTS:
            assert archive.getinfo(name).external_attr >> 16 == 0o100755
        assert not [name for name in archive.namelist() if "__pycache__" in name]
        archive.extractall(source)
    for name in ("setup.sh", "autograder.py"):
        text = (source / name).read_text()
        needed = {f'"{one}"' for one in PROJECT["project"]["dependencies"]}
        assert needed <= {*re.findall(r'"[^"\n]+"', text)}
        assert "LESSONS" not in text
    work.mkdir()
    Path("autograder/results").mkdir()
    (work / ONE.file).write_text(SOLUTION)
    for name in ("numpy", "minigrad", "json"):
        (work / f"{name}.py").write_text("raise SystemExit('imported')")
    environment = {**os.environ, **RUNNER, "PIP_NO_INDEX": "1"}
    environment.pop("PYTHONPATH", None)

    script = (source / "run_autograder").read_text()
    assert "LESSONS" not in script
    script = script.replace("/autograder/venv/bin/python", sys.executable)
    script = script.replace("/autograder", str(tmp_path / "autograder"))
    subprocess.run(
        ["sh", "-c", script],
        check=True,
        env=environment,
    )
    results = json.loads(Path("autograder/results/results.json").read_text())
    assert [test["score"] for test in results["tests"]] == [1, 0]

    grader = [
        sys.executable,
        str((source / "autograder.py").absolute()),
    ]
    subprocess.run(grader, check=True, env=environment, cwd=work)
    result = json.loads((work / "result.json").read_text())
    require_valid(result)
    assert result["score"] == 1

    # PrairieLearn: its question chooses the lessons, and the results' folder is missing
    grade = Path("grade").absolute()
    shutil.copytree(work, grade / "student")
    (grade / "data").mkdir()
    entrypoint = source / "prairielearn.py"
    entrypoint.write_text(entrypoint.read_text().replace('"/grade"', repr(str(grade))))
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    entrypoint.chmod(0o755)  # as PrairieLearn does
    for lessons, expected in (("1", 1), (None, 0.5), ("99", None)):
        params = {"lessons": lessons} if lessons else {}
        (grade / "data/data.json").write_text(json.dumps({"params": params}))
        subprocess.run([entrypoint], check=True, env=environment)
        results = require_results((grade / "results/results.json").read_text())
        assert results.get("score") == expected
        assert results["gradable"] is (expected is not None)
