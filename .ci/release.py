"""Makes a release, all but the upload: `make release VERSION=0.2.0`.

It stops at the first thing that is wrong, before anything is changed: the tree must be clean and on
main, the version newer than the last tag, CHANGELOG.md must have entries under "Unreleased", and
`make test` must be green. Then that heading gets the version and today's date, one commit gets the
tag, and `make dist` builds and checks. A second commit opens the next version. The last lines
printed say what to type to publish. Until then, this undoes it all:

    git reset --hard origin/main && git tag -d v0.2.0
"""

import datetime
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VERSION = ROOT / "minigrad" / "__init__.py"  # the one place where the version stands
CHANGES = ROOT / "CHANGELOG.md"
HEADING = "## Unreleased\n"


def git(*words: str) -> str:
    """Run git, and give what it printed."""
    return subprocess.run(
        ["git", *words], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()


def number(version: str) -> tuple[int, ...]:
    """`0.10.1` as (0, 10, 1)."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        sys.exit(f"{version!r} is no version: give three numbers, as in VERSION=0.2.0")
    return tuple(map(int, version.split(".")))


def check(version: str) -> None:
    """Everything that must hold before anything is changed."""
    if git("status", "--porcelain"):
        sys.exit("the tree is not clean: commit or stash what `git status` shows")
    if (branch := git("branch", "--show-current")) != "main":
        sys.exit(f"releases are made from main, and this is {branch or 'no branch'}")
    tags = [number(tag[1:]) for tag in git("tag", "--list", "v*").split()]
    if tags and number(version) <= max(tags):
        sys.exit(f"{version} is not newer than the last release, {'.'.join(map(str, max(tags)))}")
    if not re.search(f"^{HEADING}(?:(?!^## ).*\n)*?- ", CHANGES.read_text(encoding="utf-8"), re.M):
        sys.exit('CHANGELOG.md has no entry under "Unreleased": what would the release be for?')


def write_version(version: str) -> None:
    """Write the version where it stands."""
    text = VERSION.read_text(encoding="utf-8")
    VERSION.write_text(
        re.sub(r'(?m)^__version__ = ".*"$', f'__version__ = "{version}"', text), encoding="utf-8"
    )


def main() -> None:
    """Check, test, write, build, commit, tag."""
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
    print(f"\nReleased {version} here. To publish it:\n\n  git push --follow-tags")
    print(f"  {sys.executable} -m twine upload dist/*")


if __name__ == "__main__":
    main()
