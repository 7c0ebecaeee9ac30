"""The commands of README.md, typed into a clean clone as they stand: all of them, in the order of the page.

What the clone's environment needs comes from the one that runs the tests, so that nothing is downloaded. Long runs get
options that shorten them, appended to what is on the page.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCED = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.M | re.S)
BLOCKS = [block.splitlines() for language, block in FENCED if not language]
SPANS = re.findall(r"`((?:make|\.venv/bin/\w+) [^`]+)`", README)

BY_HAND = {
    "windows": [command for block in BLOCKS for command in block if "\\" in command or command.startswith("py ")],
    "posix": next(block for block in BLOCKS if block[0].startswith("python3")),
    "wheel": next(command for command in SPANS if "dist/" in command),
}
ON_FIRST = [re.sub(" +#.*", "", command) for block in BLOCKS for command in block if "first.py" in command]
COURSE = next(block for block in BLOCKS if "course start" in block[0])
EXAMPLES = [command for command in SPANS if "examples/" in command]
SHORTER = {
    "imdb_sentiment.py": "--limit 100 --epochs 1",
    "compare_cells.py": "--limit 100 --epochs 1",
    "write_reviews.py": "--limit 30000 --hidden 16 --epochs 1 --length 60",
    "sweep.py": "--limit 50 --epochs 1 --lr 0.001 --truncate 4 --seeds 0",
    "run_all.py": "--limit 20 --seeds 0 --only bag",
}
MAKE = sorted({*(line for block in BLOCKS for line in block if line.startswith("make")),
               *(span for span in SPANS if span.startswith("make"))})  # fmt: skip

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="commands for the shell of Linux and macOS"),
    pytest.mark.skipif(not (ROOT / ".git").exists() or not shutil.which("make"), reason="needs git's clone, and make"),
]


def typed(command: str, folder: Path, expected: int = 0) -> str:
    """What a shell prints that is given the command in a folder, with this Python as `python3`."""
    # A make that runs these tests would have the make of a command say which folders it enters.
    dropped = ("PYTHONPATH", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    environment = {name: value for name, value in os.environ.items() if name not in dropped}
    environment |= {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]]),
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # which means: none
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    run = subprocess.run(
        ["sh", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=100
    )
    assert run.returncode == expected, f"{command}\n{run.stdout}{run.stderr}"
    return run.stdout


def clone(folder: Path) -> Path:
    """What git tracks, as it is in the working tree."""
    for name in typed("git ls-files -z", ROOT).split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone in which minigrad was installed by hand, and which `make` takes for set up."""
    folder = clone(tmp_path_factory.mktemp("minigrad"))
    environment, install, _ = BY_HAND["posix"]
    typed(environment, folder)
    (site,) = folder.glob(".venv/lib/python*/site-packages")
    (site / "lent.pth").write_text(sysconfig.get_path("purelib"))  # the packages of this environment
    typed(install, folder)
    for extra in ("plot", "dev", "site"):
        typed(f'printf "%s\\n" "$(cksum <pyproject.toml) $PWD" >.venv/.installed-{extra}', folder)
    typed("touch .venv/.tried-graphviz && make environment", folder)
    (folder / "first.py").write_text(re.findall(r"```python\n(.*?)```", README, re.S)[0], encoding="utf-8")
    return folder


def test_each_command_of_the_page_is_typed_below() -> None:
    """So that a command that is new on the page, and forgotten here, is found."""
    on_page = {re.sub(" +#.*", "", line) for block in BLOCKS for line in block} | set(SPANS)
    here = [*BY_HAND["windows"], *BY_HAND["posix"], BY_HAND["wheel"], *ON_FIRST, *COURSE, *EXAMPLES, *MAKE]
    assert on_page - set(here) == {".venv/bin/python first.py"}  # test_a_first_graph


@pytest.mark.parametrize("command", MAKE)
def test_make(made: Path, command: str) -> None:
    """What make would run: these tests are a part of `make test`, and most of the others take minutes."""
    assert typed(f"{command} --dry-run", made)


def test_the_demo(made: Path) -> None:
    """The command that `make demo` runs, with few reviews."""
    command = typed("make demo --dry-run", made).splitlines()[-1]
    assert "Test accuracy" in typed(f"{command} {SHORTER['imdb_sentiment.py']}", made)
    assert {"weights.safetensors", "history.csv", "vocabulary.txt"} <= {
        path.name for path in (made / "runs/demo").iterdir()
    }


def test_a_first_graph(made: Path) -> None:
    if not shutil.which("dot"):
        pytest.skip("Graphviz's program dot is not installed")
    for command in (".venv/bin/python first.py", *ON_FIRST):
        assert typed(command, made)
    assert (made / "first.png").read_bytes().startswith(b"\x89PNG") and (made / "first.html").is_file()


def test_the_course(made: Path) -> None:
    *before, last = COURSE
    assert "lesson 1, By hand" in typed(" && ".join([*before, f"{last}"]), made, expected=1)  # not passed yet


def shorter(command: str) -> str:
    return f"{command} {next((options for script, options in SHORTER.items() if script in command), '')}"


@pytest.mark.parametrize("command", EXAMPLES, ids=lambda command: command.split("/")[-1])
def test_an_example(made: Path, command: str) -> None:
    if "watch_units" in command and not (made / "runs/writer").exists():  # it looks at what the row above has trained
        typed(shorter(EXAMPLES[EXAMPLES.index(command) - 1]), made)
    assert typed(shorter(command), made)


def test_without_make(made: Path) -> None:
    """The first two commands of the three made the clone."""
    assert "Test accuracy" in typed(f"{BY_HAND['posix'][2]} {SHORTER['imdb_sentiment.py']}", made)


def test_the_wheel(made: Path) -> None:
    typed("python3 -m build --wheel --no-isolation --outdir dist .", made)
    typed(f"{BY_HAND['wheel']} --force-reinstall --no-deps", made)
    where = typed(".venv/bin/python -P -c 'import minigrad; print(minigrad.__file__)'", made)
    assert Path(where.strip()).is_relative_to(made / ".venv")


def test_windows_has_the_same_commands() -> None:
    """They run on Windows alone; here they are compared with those above, which run."""
    translated = [line.replace("\\", "/").replace("Scripts", "bin") for line in BY_HAND["windows"]]
    assert [re.sub("^py ", "python3 ", line) for line in translated] == BY_HAND["posix"]


HELP = [shlex.split(command)[1] for command in EXAMPLES]


@pytest.mark.parametrize("script", HELP)
def test_help_shows_commands_that_can_be_copied(made: Path, script: str) -> None:
    help = typed(f".venv/bin/python {script} --help", made)
    shown = re.findall(r"^ +(\S+python\S*) (\S+\.py)", help, re.M)
    assert all(Path(python) == made / ".venv/bin/python" and (made / path).is_file() for python, path in shown)
    assert "    python " not in help


DOCS = [ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_the_other_pages_name_scripts_and_targets_and_options_that_there_are(page: Path) -> None:
    """Not run, for many take minutes: each script is a file that knows each option, each target is one of make's."""
    text = re.sub(r"^```(python|py|text)\n.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M)
    assert [one for one in re.findall(r"(?:^|`)make (\w+)", text, re.M) if one not in targets] == []
    for path, options in re.findall(r"python (?:-m mpi4py )?([\w/.]+\.py)([^`\n#]*)", text):
        if "/" not in path:
            continue  # a script of the reader's
        known = (ROOT / path).read_text(encoding="utf-8") + "".join(
            module.read_text(encoding="utf-8") for module in (ROOT / path).parent.glob("*.py")
        )
        known += '"--help"' + (ROOT / "minigrad/support/jobs.py").read_text(encoding="utf-8")
        assert [one for one in re.findall(r"--[\w-]+", options) if f'"{one}"' not in known] == []
