"""The commands of README.md and docs/install.md, typed into a clean clone in the order of the pages.

The clone uses the packages of the environment that runs the tests, so nothing is downloaded. Long
runs get options that shorten them, appended to the command of the page. make runs with `--dry-run`.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from functools import cache
from pathlib import Path

import pytest

from tests.needs import DOT, NO_CLONE, NO_DOT

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = README + (ROOT / "docs/install.md").read_text(encoding="utf-8")
LINES = []
for language, block in re.findall(r"^```(\w*)\n(.*?)\n```$", PAGES, re.M | re.S):
    if not language:
        joined = block.replace("\n", " && ") if "cd " in block else block
        LINES += joined.split("\n")
LINES += re.findall(r"`((?:make|\.venv/bin/\w+) [^`]+)`", PAGES)
COMMANDS = list(dict.fromkeys(re.sub(" +#.*", "", line) for line in LINES))
WINDOWS = [one for one in COMMANDS if "\\" in one or one.startswith("py ")]
BY_HAND = [
    re.sub("^py ", "python3 ", line.replace("\\", "/").replace("Scripts", "bin"))
    for line in WINDOWS
]
TYPED = [command for command in COMMANDS if command not in WINDOWS + BY_HAND]
EXAMPLES = [command.split()[1] for command in TYPED if "python examples/" in command]
SHORTER = {
    "imdb_sentiment.py": " --limit 100 --epochs 1",
    "compare_cells.py": " --limit 100 --epochs 1",
    "names.py": " --short",
    # tests/examples runs these two whole
    "digits.py": " --help",
    "check_gradients.py": " --help",
    "write_reviews.py": " --limit 30000 --hidden 16 --epochs 1 --length 60",
    "gpt.py": " --epochs 1 --blocks 1 --width 16 --context 16 --length 60",
    "sweep.py": " --limit 50 --epochs 1 --lr 0.001 --truncate 4 --seeds 0",
    "run_all.py": " --limit 20 --seeds 0 --only bag",
    "make": " --dry-run",
}
WRITER = f".venv/bin/python examples/write_reviews.py {SHORTER['write_reviews.py']}"
FIRST = {  # part of a command: the command that has to run before
    "dist/": "python3 -m build --wheel --no-isolation --outdir dist .",
    "watch_units": WRITER,
}
EXIT_1 = "course start", "minigrad compare", "minigrad diagnose"
"""Commands that find something: an unsolved lesson, a difference, a fault."""
NAMED = [ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md"))]

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="needs Linux or macOS"),
    pytest.mark.skipif(
        not (ROOT / ".git").exists() or not shutil.which("make"),
        reason=NO_CLONE,
    ),
]


@cache
def run(command, folder, expected=0):
    """What a shell prints for a command in a folder, with this Python as `python3`. An equal command
    is not run again.
    """
    environment = dict(os.environ)
    # a make that runs these tests would have the command's make print the folders that it enters
    for name in ("PYTHONPATH", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
        environment.pop(name, None)
    environment |= {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # which means: none
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == expected, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def shorter(command):
    options = [more for name, more in SHORTER.items() if name in command]
    return command + "".join(options[:1])


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone in which minigrad was installed by hand, and which `make` takes for set up."""
    folder: Path = tmp_path_factory.mktemp("minigrad")
    for name in run("git ls-files -z", ROOT).split("\0"):
        if name and (ROOT / name).is_file():  # as it is in the working tree
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    # Windows has the same commands
    assert {*BY_HAND} <= {*COMMANDS}
    run(BY_HAND[0], folder)
    (site,) = folder.glob(".venv/lib/python*/site-packages")
    # the packages of this environment
    (site / "lent.pth").write_text(sysconfig.get_path("purelib"))
    run(BY_HAND[1], folder)
    stamp = 'printf "%s\\n" "$(cksum <pyproject.toml) $PWD" >.venv/.installed'
    for extra in ("plot", "dev", "site"):
        run(f"{stamp}-{extra}", folder)
    run("touch .venv/.tried-graphviz && make environment", folder)
    (script,) = re.findall(r"```python\n(.*?)```", README, re.S)[:1]
    (folder / "first.py").write_text(script, encoding="utf-8")
    return folder


@pytest.mark.parametrize("command", [*BY_HAND[2:], *TYPED])
def test_command(clone, command):
    if "first.py" in command and not DOT:
        pytest.skip(NO_DOT)
    for part, preparation in FIRST.items():
        if part in command:
            run(preparation, clone)
    # an activated environment, the clone's
    command = re.sub("^python ", ".venv/bin/python ", command)
    code = 1 if any(part in command for part in EXIT_1) else 0
    assert run(shorter(command), clone, code)


def test_first_script_prints_the_gradient(clone):
    printed = run(".venv/bin/python first.py", clone)
    [comment] = re.findall(r"print\(W\.grad\) +# (.*)", README)
    for text in (comment, printed):
        numbers = [float(number) for number in re.findall(r"-\d\.\d+", text)]
        assert numbers == pytest.approx([-1.479649, -2.959297], abs=1e-6)
    assert (clone / "first.png").read_bytes().startswith(b"\x89PNG")


def test_faulty_example(clone):
    """What README.md shows and says about examples/broken.py."""
    [shown] = re.findall(r"```text\n(.*?)```", README, re.S)
    printed = run(".venv/bin/minigrad diagnose examples/broken.py", clone, 1)
    assert shown in printed
    [wrong] = re.findall(r"but (\d+)% of the digits remain wrong", README)
    [right] = re.findall(r"(\d+)% of the digits are right", printed)
    # processors round differently
    assert int(wrong) + int(right) == pytest.approx(100, abs=2)
    [command] = [one for one in TYPED if "minigrad compare" in one]
    assert "The first difference is ReLU, which only examples/broken.py has" in run(
        command, clone, 1
    )


def test_make_demo(clone):
    """The command that `make demo` runs, with few reviews."""
    command = run("make demo --dry-run", clone).splitlines()[-1]
    assert "Test accuracy" in run(shorter(command), clone)
    assert (clone / "runs/demo/weights.safetensors").is_file()


@pytest.mark.parametrize("script", EXAMPLES)
def test_help_shows_commands_to_copy(clone, script):
    text = run(f".venv/bin/python {script} --help", clone)
    for python, path in re.findall(r"^ +(\S+python\S*) (\S+\.py)", text, re.M):
        assert Path(python) == clone / ".venv/bin/python"
        assert (clone / path).is_file()
    assert "    python " not in text


@pytest.mark.parametrize("page", NAMED, ids=lambda page: page.name)
def test_pages_name_known_scripts_and_options(page):
    """Many of these commands take minutes, so they are not run."""
    text = page.read_text(encoding="utf-8")
    text = re.sub(r"^```(python|py|text)\n.*?^```$", "", text, flags=re.M | re.S)
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M)
    assert {*re.findall(r"(?:^|`)make (\w+)", text, re.M)} <= {*targets}
    command = r"python (?:-m mpi4py )?([\w.]+/[\w/.]+\.py)([^`\n#]*)"
    for path, options in re.findall(command, text):
        assert (ROOT / path).is_file()
        sources = [*(ROOT / path).parent.glob("*.py")]
        sources.append(ROOT / "minigrad/support/jobs.py")
        known = "".join(source.read_text(encoding="utf-8") for source in sources)
        for option in re.findall(r"--[\w-]+", options):
            assert option == "--help" or f'"{option}"' in known
