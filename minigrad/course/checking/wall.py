"""Run untrusted files in isolation. The *wall* around a file is bubblewrap, a program that
restricts access to files, processes and the network.

Behind the wall, a learner's file can read Python, its packages and one lesson's check. It cannot
see solutions, other submissions or home folders. It can write only to a small folder in memory,
which is deleted when the file ends. It sees no other processes and has no network access.
Source: https://github.com/containers/bubblewrap
"""

import glob
import os
import shutil
import site
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache

from ...errors import OptionError
from ...support.jobs import ROOT
from .lesson import Lesson
from .registry import FOLDER

INSIDE = "/learner"
"""The folder behind the wall in which a learner's file runs. No other folder is writable."""
SIZE = 64 << 20
"""The size of this folder, in bytes."""
NEEDED = ("check*", "gates", "reader", "trained", "shading", "weights")
"""The lesson's files that its questions need, as patterns. Behind the wall, the lesson's folder contains only
these files.
"""


@dataclass(frozen=True)
class Wall:
    """The wall on this machine, or the reason why there is no wall."""

    program: str | None
    """The path of bubblewrap, or None if submissions are graded without a wall."""
    missing: str = ""
    """The reason why there is no wall."""

    def __str__(self) -> str:
        if self.program is not None:
            return "Graded behind bubblewrap."
        return (
            f"Graded without a wall ({self.missing}): a submission can read any file you can read."
        )

    def require(self) -> None:
        """Require a wall. Errors: OptionError MG926 if there is no wall."""
        if self.program is None:
            raise OptionError(
                "MG926",
                "there is no sandbox for grading",
                cause=self.missing,
                remedy="install bubblewrap 0.8 or later (apt-get install bubblewrap), or grade "
                "in a container without --require-sandbox",
            )

    def before(self, lesson: Lesson | None = None) -> list[str]:
        """Return the command-line prefix that runs a program behind the wall, or [] if there is no
        wall.
        """
        if self.program is None:
            return []
        prefixes = {sys.base_prefix, sys.prefix}
        packages = {*site.getsitepackages(), *user_site()}
        for places in (prefixes, packages):
            places |= set(map(os.path.realpath, places))
        shown = {
            "/usr/lib",
            "/usr/lib64",
            "/lib",
            "/lib64",
            "/etc/ld.so.cache",
            "/etc/alternatives",
            *packages,
        }
        # Show only parts of each Python prefix, because the submissions may be stored in a virtual
        # environment's folder.
        shown |= {
            f"{place}/{part}"
            for place in prefixes
            for part in ("bin", "lib", "lib64", "pyvenv.cfg")
        }
        shown |= {str(ROOT / package) for package in ("minigrad", "layers", "optim")}
        options = [
            "--unshare-all",
            "--die-with-parent",
            "--new-session",
            "--cap-drop",
            "ALL",
            "--dev-bind",
            "/dev/null",
            "/dev/null",
        ]
        for path in sorted(shown):  # a folder comes before its contents
            options += ["--ro-bind-try", path, path]
        for place in prefixes:  # minigrad may be installed in any of them
            packages |= set(glob.glob(f"{glob.escape(place)}/lib/python3*/*-packages"))
        lessons = (f"{place}/minigrad/course/lessons" for place in packages)
        hidden = {str(FOLDER), *filter(os.path.isdir, lessons)}
        for path in sorted(hidden):
            options += ["--tmpfs", path]
        files = [FOLDER / name for name in ("__init__.py", "cells.py", "curves.py")]
        if lesson:
            for name in NEEDED:
                files += lesson.folder.glob(f"{name}.*")
                files += lesson.folder.glob(f"__pycache__/{name}.*")
        for path in map(str, files):
            options += ["--ro-bind", path, path]
        options += ["--size", str(SIZE), "--tmpfs", INSIDE, "--chdir", INSIDE]
        for path in (*hidden, "/"):
            options += ["--remount-ro", path]
        return [self.program, *options, "--"]


@lru_cache
def find() -> Wall:
    """Return this machine's wall. The first call tests bubblewrap, because containers often do not
    allow it.
    """
    program = shutil.which("bwrap")
    if program is None:
        return Wall(None, "bubblewrap is not installed")
    code = "import layers, minigrad, optim"
    command = [*Wall(program).before(), sys.executable, "-P", "-c", code]
    try:
        tried = subprocess.run(
            command,
            env=environment(INSIDE),
            capture_output=True,
            timeout=60,
            check=False,
        )
        said = tried.stderr.decode(errors="replace").strip()
        if tried.returncode == 0:
            return Wall(program)
    except (OSError, subprocess.TimeoutExpired) as error:
        said = str(error)
    return Wall(
        None,
        "bubblewrap does not work here: "
        f"{said.splitlines()[-1][:200] if said else 'it printed no error'}",
    )


def environment(folder: str) -> dict[str, str]:
    """Return the environment variables for a learner's file, which runs in `folder`."""
    keep = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT")
    return {name: os.environ[name] for name in keep if name in os.environ} | {
        "PYTHONPATH": os.pathsep.join([str(ROOT), *user_site()]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONIOENCODING": "utf-8",
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": folder,
        **dict.fromkeys(("HOME", "TMPDIR", "TEMP", "TMP"), folder),
    }


def user_site() -> list[str]:
    """Return the user's own site-packages, if Python uses them."""
    return [site.getusersitepackages()] if site.ENABLE_USER_SITE else []
