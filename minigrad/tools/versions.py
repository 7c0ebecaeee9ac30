"""What a report of a fault should open with: `show_versions` prints what minigrad runs on."""

import os
import platform
import re
import shutil
import subprocess
from importlib import metadata

import numpy as np

from .. import __version__


def show_versions() -> None:
    """Print the versions of Python, NumPy and its BLAS, every library that minigrad may use, and
    Graphviz's `dot`.

    For reports of faults: paste the output whole. It names no user and no file.

    >>> import minigrad as mg
    >>> mg.show_versions()
    minigrad...
    Python...
    """
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    facts = {
        "minigrad": __version__,
        "Python": f"{platform.python_version()} ({platform.python_implementation()})",
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}, "
        f"{os.cpu_count()} cores",
        "numpy": f"{np.__version__} ({blas['name']} {blas.get('version', 'of no version')})",
        **{name: _version(name) for name in _libraries() if name not in ("minigrad", "numpy")},
        "dot": _dot(),
    }
    facts |= {
        name: value
        for name, value in sorted(os.environ.items())
        if re.search("_NUM_THREADS$|^OPENBLAS", name)
    }
    width = max(map(len, facts))
    print("\n".join(f"{name.ljust(width)}  {value}" for name, value in facts.items()))


def _libraries() -> list[str]:
    """The libraries that this installation of minigrad asks for, in order; those of development
    left out.
    """
    try:
        wanted = metadata.requires("minigrad") or []
    except metadata.PackageNotFoundError:  # run from a folder where it is not installed
        wanted = ["graphviz", "tqdm", "safetensors"]
    return sorted(
        {re.split(r"[^\w.-]", line)[0] for line in wanted if not re.search(r"extra == .dev", line)}
    )


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _dot() -> str:
    if shutil.which("dot") is None:
        return "not installed"
    said = subprocess.run(
        ["dot", "-V"], capture_output=True, text=True, errors="replace", check=False
    ).stderr
    return said.strip().removeprefix("dot - ") or "gives no version"
