"""Test the wheel in dist/ in new environments: `make wheel`, or `python .ci/try_wheel.py` after
`python .ci/dist.py`. `python .ci/try_wheel.py 3.13` tests only Python 3.13.

The script makes an environment for each supported Python on this machine. It makes another
environment for the oldest Python with the oldest supported libraries (tests/oldest.txt). Each
environment contains only the wheel and its extra `draw`. In an empty folder, without Graphviz's
`dot`, the script runs these steps:

    train   run examples/imdb_sentiment.py on 400 of the bundled reviews; it also draws its graph
    draw    run the README's first script, which draws a PNG, and `minigrad draw`, which draws an SVG
    course  check the first lesson, which must fail unchanged and pass with its solution

It prints a row for each environment, then the output of the failed steps. The exit code is 1 if a
step failed.
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
    """Return {"3.12": (version, path)} for the installed Pythons in the wanted series. "3.13t" is
    free-threaded.
    """
    names = [f"python{series}{free}" for series in wanted for free in ("", "t")]
    found = [shutil.which(name) for name in names]
    found += [
        str(path) for path in sorted(Path.home().glob(".pyenv/versions/*/bin/python"), reverse=True)
    ]
    usable: dict[str, tuple[str, str]] = {}
    for path in [sys.executable, *filter(None, found)]:
        run = subprocess.run(
            [path, "-c", FACTS],
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode == 0:  # a pyenv shim without a selected version fails
            series, version, itself = json.loads(run.stdout)
            if {series, series.removesuffix("t")} & {*wanted}:
                usable.setdefault(series, (version, itself))
    return usable


class Failed(Exception):
    """Raised if a step fails, with its output."""


class Environment:
    """A virtual environment that contains the wheel, and an empty working folder."""

    def __init__(self, python: str, wheel: Path, folder: Path, oldest: bool) -> None:
        self.bin, self.work = folder / "venv" / BIN, folder / "work"
        self.work.mkdir()
        hidden = {"PYTHONPATH", "VIRTUAL_ENV"}  # would make other packages importable
        self.environment = {name: value for name, value in os.environ.items() if name not in hidden}
        self.environment["PATH"] = str(self.bin)  # without Graphviz's dot
        self.run(python, "-m", "venv", str(folder / "venv"))
        limits = ["--constraint", str(ROOT / "tests/oldest.txt")] if oldest else []
        quiet = ["--quiet", "--disable-pip-version-check"]
        self.run("python", "-m", "pip", "install", *quiet, f"{wheel}[draw]", *limits)

    def run(self, program: str, *arguments: str, expected: int = 0) -> str:
        """Run a program of this environment and return its output. Raises Failed for an unexpected exit
        code.
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
        """Raise Failed unless the file `name` exists and begins with `start`."""
        path = self.work / name
        if not path.is_file() or not path.read_bytes().startswith(start):
            raise Failed(f"no {name} was written")


def train(environment: Environment) -> None:
    """Run the main example in a short form."""
    short = "--limit 400 --epochs 1 --out run".split()
    output = environment.run("python", str(ROOT / "examples/imdb_sentiment.py"), *short)
    if "Test accuracy" not in output:
        raise Failed(output)
    environment.wrote("run/graph.png", b"\x89PNG")


def draw(environment: Environment) -> None:
    """Run the README's first script and draw its graph."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    script = re.findall(r"```python\n(.*?)```", readme, re.S)[0]
    (environment.work / "first.py").write_text(script, encoding="utf-8")
    environment.run("python", "first.py")
    environment.wrote("first.png", b"\x89PNG")
    environment.run("minigrad", "draw", "first.py", "-o", "first.svg")
    environment.wrote("first.svg", b"<?xml")


def course(environment: Environment) -> None:
    """Check the first lesson: the original exercise must fail and the solution must pass."""
    environment.run("minigrad", "course", "start", ".")
    environment.run("minigrad", "course", "check", "1", expected=1)
    solution = environment.run("minigrad", "course", "solution", "1", "--yes")
    (environment.work / "lesson_01_by_hand.py").write_text(solution, encoding="utf-8")
    environment.run("minigrad", "course", "check", "1")


STEPS = (train, draw, course)


def try_python(python: str, wheel: Path, oldest: bool) -> Iterator[tuple[str, str]]:
    """Yield (outcome, error message) for the installation and for each step."""
    with tempfile.TemporaryDirectory(prefix="minigrad-wheel-") as folder:
        try:
            environment = Environment(python, wheel, Path(folder), oldest)
        except Failed as error:
            yield "failed", str(error)
            return
        numpy = environment.run("python", "-c", "import numpy; print(numpy.__version__)").strip()
        yield f"NumPy {numpy}", ""
        for step in STEPS:
            try:
                step(environment)
                yield "ok", ""
            except Failed as error:
                yield "failed", str(error)


def main() -> int:
    """Test each Python version and print the table."""
    wheels = sorted(ROOT.glob("dist/*.whl"))
    if not wheels:
        print(f"there is no wheel in {ROOT / 'dist'}: run make dist first", file=sys.stderr)
        return 2
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    supported = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))
    wanted = sys.argv[1:] or supported
    installed = pythons(wanted)
    titles = ("Python", "installed", *(step.__name__ for step in STEPS))
    print(f"{wheels[-1].name}\n\n" + "".join(f"{title:<14}" for title in titles))
    failures = []
    for name in [f"{series}{free}" for series in wanted for free in ("", "t")]:
        if name not in installed:
            if name in wanted:
                print(f"{name:<14}not installed on this machine")
            continue
        version, path = installed[name]
        for oldest in [False, True] if name == supported[0] else [False]:
            print(f"{version:<14}", end="", flush=True)
            for outcome, message in try_python(path, wheels[-1], oldest):
                print(f"{outcome:<14}", end="", flush=True)
                failures += [message] * (outcome == "failed")
            print()
    print(*failures, sep="\n")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
