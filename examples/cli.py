"""What the examples' command lines share: whether minigrad is there, types of options, commands
that can be copied.
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

# The matrices are small: with a thread for each core, BLAS would spend more time waiting than
# multiplying. It reads this when NumPy is first imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parents[1]

# A file or a pipe may be written in an encoding that lacks a character, as on Windows: it appears
# as its code then.
if isinstance(sys.stdout, io.TextIOWrapper):
    sys.stdout.reconfigure(errors="backslashreplace")


def install(extra: str) -> str:
    """The command that installs minigrad from this checkout with an extra."""
    return shlex.join([sys.executable, "-m", "pip", "install", "--editable", f"{ROOT}[{extra}]"])


if not importlib.util.find_spec("minigrad"):
    print(
        f"minigrad is not installed. In the folder {ROOT} type:  make demo\nor, for this Python:",
        file=sys.stderr,
    )
    print(f"  {install('plot')}", file=sys.stderr)
    raise SystemExit(2)


def whole(least: int) -> Callable[[str], int]:
    """A whole number of at least `least`."""

    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {least}")
        return int(text)

    return read


def positive(text: str, *, or_zero: bool = False) -> float:
    """A finite number above 0, or 0 where that is allowed too."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf") or value == 0 and not or_zero:
        wanted = (
            "0 or a number above it, such as 0.7" if or_zero else "a number above 0, such as 0.001"
        )
        raise argparse.ArgumentTypeError(f"{text!r} is not {wanted}")
    return value


def world() -> Any:
    """The communicator of all ranks that `mpiexec` started. On all but rank 0, nothing is printed
    from now on.
    """
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # RuntimeError: mpi4py is there, and no MPI
        python = shlex.quote(sys.executable)
        print(f"This needs MPI, which is not there ({error}). It comes with minigrad's extra mpi:\n"
              f"  {install('mpi')}\n"
              f"  mpiexec -n 2 {python} -m mpi4py {shlex.join(sys.argv)}", file=sys.stderr)  # fmt: skip
        raise SystemExit(2) from None
    if MPI.COMM_WORLD.rank:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # until the process ends
    return MPI.COMM_WORLD


def launched() -> int:
    """How many of this program `mpiexec` started (of MPICH, Intel MPI or Open MPI); 1 without
    it.
    """
    return int(os.environ.get("PMI_SIZE") or os.environ.get("OMPI_COMM_WORLD_SIZE") or 1)


def parser(text: str | None) -> argparse.ArgumentParser:
    """A parser of options whose `--help` opens with a script's docstring, its commands as they must
    be typed here.
    """
    folder = os.path.join(os.path.dirname(sys.argv[0]), "")

    def typed(found: re.Match[str]) -> str:
        return f"{shlex.quote(sys.executable)} {found[1] or ''}{folder}"

    text = re.sub(r"(?<!/)\bpython (-m mpi4py )?examples/(?:reference/)?", typed, text or "")
    return argparse.ArgumentParser(
        description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def command(script: str = "") -> str:
    """How to start a script, by default this one, in a form that can be copied into a terminal."""
    return f"{shlex.quote(sys.executable)} {shlex.quote(script or sys.argv[0])}"


def resumed(options: argparse.ArgumentParser, folder: Path) -> argparse.Namespace:
    """The options that the run in a folder was started with, overridden by those given now."""
    import minigrad as mg
    from optim import Snapshots

    newest = Snapshots.latest(folder / "snapshots")
    if newest is None:
        options.error(f"there is nothing to resume in {folder}: it holds no snapshot")
    options.set_defaults(**mg.load(newest).info["config"])
    return options.parse_args()


def finish(act: Callable[[], None], folder: Path, epochs: int = 0) -> int:
    """Do what a script is for, and return its exit code. A user's mistake ends in a message instead
    of a traceback, and Ctrl-C in the command that goes on with the run in the folder.
    """
    from minigrad.errors import MinigradError

    try:
        act()
    except (MinigradError, OSError) as error:
        print(f"\n{Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped by Ctrl-C.")
        if (folder / "snapshots").is_dir():
            print(f"To go on:  {command()} --resume {shlex.quote(str(folder))} --epochs {epochs}")
        return 130
    return 0
