"""Prepare a release, but do not upload it: `make release VERSION=0.2.0`.

The script first checks the preconditions: a clean tree on main, a version newer than the last tag,
entries under "Unreleased" in CHANGELOG.md, and a passing `make test`. If one of them fails, it
stops without changing anything. Then it writes the version and the date into CHANGELOG.md, commits,
runs `make dist` and adds the tag. A second commit starts the next version. At the end, it prints
the commands that publish the release. Before you run them, you can undo everything:

git reset --hard origin/main && git tag -d v0.2.0
"""

import datetime
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VERSION = ROOT / "minigrad" / "__init__.py"  # the only file that contains the version
CHANGES = ROOT / "CHANGELOG.md"
HEADING = "## Unreleased\n"


def git(*words: str) -> str:
    """Run git and return its output."""
    return subprocess.run(
        ["git", *words], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()


def number(version: str) -> tuple[int, ...]:
    """Parse `0.10.1` as (0, 10, 1)."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        sys.exit(f"{version!r} is not a version: use three numbers, as in VERSION=0.2.0")
    return tuple(map(int, version.split(".")))


def check(version: str) -> None:
    """Exit with a message if the release cannot be made."""
    if git("status", "--porcelain"):
        sys.exit("the tree is not clean: commit or stash the changes that `git status` shows")
    if (branch := git("branch", "--show-current")) != "main":
        sys.exit(f"releases are made from main, but the current branch is {branch or 'detached'}")
    tags = [number(tag[1:]) for tag in git("tag", "--list", "v*").split()]
    if tags and number(version) <= max(tags):
        sys.exit(f"{version} is not newer than the last release, {'.'.join(map(str, max(tags)))}")
    if not re.search(f"^{HEADING}(?:(?!^## ).*\n)*?- ", CHANGES.read_text(encoding="utf-8"), re.M):
        sys.exit('CHANGELOG.md has no entry under "Unreleased": describe the changes first')


def write_version(version: str) -> None:
    """Write the version into its file."""
    text = VERSION.read_text(encoding="utf-8")
    VERSION.write_text(
        re.sub(r'(?m)^__version__ = ".*"$', f'__version__ = "{version}"', text), encoding="utf-8"
    )


def main() -> None:
    """Check, test, write the version, commit, build and tag."""
    if len(sys.argv) != 2:
        sys.exit("usage: make release VERSION=0.2.0")
    version = sys.argv[1]
    major, minor, _ = number(version)
    check(version)
    subprocess.run(["make", "test"], cwd=ROOT, check=True)
    write_version(version)
    text = CHANGES.read_text(encoding="utf-8")
    CHANGES.write_text(
        text.replace(HEADING, f"## {version} - {datetime.date.today()}\n", 1), encoding="utf-8"
    )
    git("commit", "--all", "--message", f"Release {version}")
    subprocess.run([sys.executable, ".ci/dist.py"], cwd=ROOT, check=True)
    git("tag", "--annotate", f"v{version}", "--message", f"minigrad {version}")
    write_version(f"{major}.{minor + 1}.0.dev0")
    text = CHANGES.read_text(encoding="utf-8")
    CHANGES.write_text(
        text.replace(f"## {version}", f"{HEADING}\n## {version}", 1), encoding="utf-8"
    )
    git("commit", "--all", "--message", f"Open {major}.{minor + 1}.0")
    print(f"\nRelease {version} is ready. To publish it:\n\n  git push --follow-tags")
    print(f"  {sys.executable} -m twine upload dist/*")


if __name__ == "__main__":
    main()
