"""Tries the wheel in dist/ as strangers get it: `make wheel`, or `python .ci/try_wheel.py` after
`python .ci/dist.py`. `python .ci/try_wheel.py 3.13` tries that one alone.

For each supported Python of this machine, and for the oldest once more with the oldest libraries
(tests/oldest.txt), it makes an environment that holds the wheel, its extra `draw` and nothing else.
There, in an empty folder and without Graphviz's `dot`, it does what people do first:

    train   examples/imdb_sentiment.py on 400 of the bundled reviews, with a picture of the graph
    draw    the README's first script, which draws a PNG; `minigrad draw` makes an SVG of it
    course  the first lesson, which is refused as it is handed out, and passes with its solution

It prints a row for each, and what a step that failed had to say. Exit code 1 if one did.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = "Scripts" if os.name == "nt" else "bin"
FACTS = """
import json, platform, sys, sysconfig
free = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
print(json.dumps(["%d.%d" % sys.version_info[:2] + free, platform.python_version() + free, sys._base_executable]))
"""


def pythons(wanted: list[str]) -> dict[str, tuple[str, str]]:
    """{"3.12": (version, path)} of a Python for each series that is wanted and found; "3.13t" is
    free-threaded.
    """
    names = [f"python{series}{free}" for series in wanted for free in ("", "t")]
    found = [shutil.which(name) for name in names]
    found += [
        str(path) for path in sorted(Path.home().glob(".pyenv/versions/*/bin/python"), reverse=True)
    ]
    usable: dict[str, tuple[str, str]] = {}
    for path in [sys.executable, *filter(None, found)]:
        run = subprocess.run([path, "-c", FACTS], capture_output=True, text=True, check=False)
        if run.returncode == 0:  # pyenv's stand-in for a version that is not chosen fails
            series, version, itself = json.loads(run.stdout)
            if {series, series.removesuffix("t")} & {*wanted}:
                usable.setdefault(series, (version, itself))
    return usable


class Failed(Exception):
    """A step that did not do what it should, and what it said."""


class Environment:
    """A Python with the wheel, and an empty folder to work in."""

    def __init__(self, python: str, wheel: Path, folder: Path, oldest: bool) -> None:
        self.bin, self.work = folder / "venv" / BIN, folder / "work"
        self.work.mkdir()
        hidden = {"PYTHONPATH", "VIRTUAL_ENV"}  # what would bring packages from elsewhere
        self.environment = {name: value for name, value in os.environ.items() if name not in hidden}
        self.environment["PATH"] = str(self.bin)  # so that there is no dot
        self.run(python, "-m", "venv", str(folder / "venv"))
        limits = ["--constraint", str(ROOT / "tests/oldest.txt")] if oldest else []
        quiet = ["--quiet", "--disable-pip-version-check"]
        self.run("python", "-m", "pip", "install", *quiet, f"{wheel}[draw]", *limits)

    def run(self, program: str, *arguments: str, expected: int = 0) -> str:
        """What a program of this environment prints. Errors: Failed for another exit code than the
        expected one.
        """
        command = [str(self.bin / program), *arguments]
        done = subprocess.run(
            command,
            cwd=self.work,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != expected:
            raise Failed(
                f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
            )
        return done.stdout

    def wrote(self, name: str, start: bytes) -> None:
        """Errors: Failed unless there is a file of that name that begins so."""
        path = self.work / name
        if not path.is_file() or not path.read_bytes().startswith(start):
            raise Failed(f"no {name} was written")


def train(there: Environment) -> None:
    """The main job, in a short form."""
    short = "--limit 400 --epochs 1 --out run".split()
    said = there.run("python", str(ROOT / "examples/imdb_sentiment.py"), *short)
    if "Test accuracy" not in said:
        raise Failed(said)
    there.wrote("run/graph.png", b"\x89PNG")


def draw(there: Environment) -> None:
    """The README's first script, and a picture of its graph."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    script = re.findall(r"```python\n(.*?)```", readme, re.S)[0]
    (there.work / "first.py").write_text(script, encoding="utf-8")
    there.run("python", "first.py")
    there.wrote("first.png", b"\x89PNG")
    there.run("minigrad", "draw", "first.py", "-o", "first.svg")
    there.wrote("first.svg", b"<?xml")


def course(there: Environment) -> None:
    """The first lesson: what is handed out does not pass, the solution does."""
    there.run("minigrad", "course", "start", ".")
    there.run("minigrad", "course", "check", "1", expected=1)
    solution = there.run("minigrad", "course", "solution", "1", "--yes")
    (there.work / "lesson_01_by_hand.py").write_text(solution, encoding="utf-8")
    there.run("minigrad", "course", "check", "1")


STEPS = (train, draw, course)


def tried(python: str, wheel: Path, oldest: bool) -> Iterator[tuple[str, str]]:
    """(ok or failed, what was said) for the installation and each step."""
    with tempfile.TemporaryDirectory(prefix="minigrad-wheel-") as folder:
        try:
            there = Environment(python, wheel, Path(folder), oldest)
        except Failed as error:
            yield "failed", str(error)
            return
        numpy = there.run("python", "-c", "import numpy; print(numpy.__version__)").strip()
        yield f"NumPy {numpy}", ""
        for step in STEPS:
            try:
                step(there)
                yield "ok", ""
            except Failed as error:
                yield "failed", str(error)


def main() -> int:
    """Try every Python, and print the table."""
    wheels = sorted(ROOT.glob("dist/*.whl"))
    if not wheels:
        print(f"there is no wheel in {ROOT / 'dist'}: make dist", file=sys.stderr)
        return 2
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    supported = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))
    wanted = sys.argv[1:] or supported
    here = pythons(wanted)
    titles = ("Python", "installed", *(step.__name__ for step in STEPS))
    print(f"{wheels[-1].name}\n\n" + "".join(f"{title:<14}" for title in titles))
    failures = []
    for name in [f"{series}{free}" for series in wanted for free in ("", "t")]:
        if name not in here:
            if name in wanted:
                print(f"{name:<14}not on this machine")
            continue
        version, path = here[name]
        for oldest in [False, True] if name == supported[0] else [False]:
            print(f"{version:<14}", end="", flush=True)
            for outcome, said in tried(path, wheels[-1], oldest):
                print(f"{outcome:<14}", end="", flush=True)
                failures += [said] * (outcome == "failed")
            print()
    print(*failures, sep="\n")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
