"""Provide command-line helpers for the examples: an installation check, option types, and commands
to copy.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import os
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

# The matrices are small. With a thread for each core, BLAS would spend more time waiting than
# multiplying. BLAS reads this variable when NumPy is first imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parents[1]

# On Windows, the encoding of a file or a pipe may lack a character. Print its code instead.
if isinstance(sys.stdout, io.TextIOWrapper):
    sys.stdout.reconfigure(errors="backslashreplace")


def install_command(extra: str) -> str:
    """Return a command that installs minigrad from this checkout, with an extra."""
    return shlex.join([sys.executable, "-m", "pip", "install", "--editable", f"{ROOT}[{extra}]"])


if not importlib.util.find_spec("minigrad"):
    print(
        f"minigrad is not installed. In the folder {ROOT}, run:  make demo\nOr, in this Python:",
        file=sys.stderr,
    )
    print(f"  {install_command('plot')}", file=sys.stderr)
    raise SystemExit(2)


def integer(least: int) -> Callable[[str], int]:
    """Return an argparse type that accepts an integer of at least `least`."""

    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not an integer of at least {least}")
        return int(text)

    return read


def positive(text: str, *, or_zero: bool = False) -> float:
    """Return an argparse type for a finite number above 0, or also 0 if `or_zero` is True."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf") or value == 0 and not or_zero:
        expected = (
            "a number of at least 0, such as 0.7" if or_zero else "a number above 0, such as 0.001"
        )
        raise argparse.ArgumentTypeError(f"{text!r} is not {expected}")
    return value


def world() -> Any:
    """Return the communicator of all ranks that `mpiexec` started. Also silences stdout on all
    ranks except rank 0.
    """
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # RuntimeError: mpi4py without MPI
        python = shlex.quote(sys.executable)
        print(f"This option needs MPI, which is not installed ({error}). Install minigrad's extra mpi:\n"
              f"  {install_command('mpi')}\n"
              f"  mpiexec -n 2 {python} -m mpi4py {shlex.join(sys.argv)}", file=sys.stderr)  # fmt: skip
        raise SystemExit(2) from None
    if MPI.COMM_WORLD.rank:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # stays open until the process ends
    return MPI.COMM_WORLD


def process_count() -> int:
    """Return the number of processes that `mpiexec` started (MPICH, Intel MPI or Open MPI), or 1
    without `mpiexec`.
    """
    return int(os.environ.get("PMI_SIZE") or os.environ.get("OMPI_COMM_WORLD_SIZE") or 1)


def parser(text: str | None) -> argparse.ArgumentParser:
    """Return an argument parser. Its `--help` output starts with `text`, a script's docstring, with
    the commands adapted to the current Python and folder.
    """
    folder = os.path.join(os.path.dirname(sys.argv[0]), "")

    def as_typed(match: re.Match[str]) -> str:
        return f"{shlex.quote(sys.executable)} {match[1] or ''}{folder}"

    text = re.sub(r"(?<!/)\bpython (-m mpi4py )?examples/(?:reference/)?", as_typed, text or "")
    return argparse.ArgumentParser(
        description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def command(script: str = "") -> str:
    """Return a terminal command that starts a script. The default is the current script."""
    return f"{shlex.quote(sys.executable)} {shlex.quote(script or sys.argv[0])}"


def resumed(options: argparse.ArgumentParser, folder: Path) -> argparse.Namespace:
    """Return the original options of a folder's run, updated from the current command line."""
    import minigrad as mg
    from optim import Snapshots

    newest = Snapshots.latest(folder / "snapshots")
    if newest is None:
        options.error(f"there is no snapshot to resume from in {folder}")
    options.set_defaults(**mg.load(newest).info["config"])
    return options.parse_args()


def read_text(path: Path) -> str:
    """Return the text of a file. Errors: OSError if the file is empty or is not a text file (for
    example, a picture or a .docx file).
    """
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    if not text or "\0" in text:
        problem = "it contains null bytes" if text else "it is empty"
        raise OSError(
            f"{path} is not a text file: {problem}. Save its content as plain text in UTF-8"
        )
    return text


def finish(action: Callable[[], None], folder: Path, epochs: int = 0) -> int:
    """Run `action` and return the script's exit code. For a user error, print a message instead of
    a traceback. After Ctrl-C, print the command that resumes the run in the folder.
    """
    from minigrad.errors import MinigradError

    try:
        action()
    except (MinigradError, OSError) as error:
        print(f"\n{Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped by Ctrl-C.")
        if (folder / "snapshots").is_dir():
            print(f"To resume:  {command()} --resume {shlex.quote(str(folder))} --epochs {epochs}")
        return 130
    return 0
