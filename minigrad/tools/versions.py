"""Print the versions of Python and of libraries for bug reports: `show_versions`."""

import os
import platform
import shutil
import subprocess
from importlib import metadata

import numpy as np

from .. import __version__

LIBRARIES = (
    "array_record", "graphviz", "graphviz-pure", "importlib_resources", "matplotlib", "mpi4py", "safetensors",
    "tensorflow-datasets", "tqdm",
)  # fmt: skip
"""Optional dependencies of minigrad."""


def show_versions() -> None:
    """Print the versions of Python, NumPy, BLAS, all optional libraries, and Graphviz's `dot`.

    Paste the complete output into a bug report. The output contains no user names or file names.

    >>> import minigrad as mg
    >>> mg.show_versions()
    minigrad...
    Python...

    Since: 0.2.
    """
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    python, system = platform.python_implementation(), platform.system()
    facts = {
        "minigrad": __version__,
        "Python": f"{platform.python_version()} ({python})",
        "system": f"{system} {platform.release()}, {platform.machine()}, {os.cpu_count()} cores",
        "numpy": f"{np.__version__} ({blas['name']} {blas.get('version', 'unknown version')})",
        **{name: _version(name) for name in LIBRARIES},
        "dot": _dot(),
    }
    width = max(map(len, facts))
    print("\n".join(f"{name.ljust(width)}  {value}" for name, value in facts.items()))


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _dot() -> str:
    if shutil.which("dot") is None:
        return "not installed"
    said = subprocess.run(["dot", "-V"], capture_output=True, text=True, errors="replace").stderr
    return said.strip().removeprefix("dot - ")
