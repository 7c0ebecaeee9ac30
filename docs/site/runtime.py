"""Copy the files that a page needs to run Python to a folder, with `gather(folder)`.

The folder then contains

- `pyodide.mjs`, `pyodide.asm.js`, `pyodide.asm.wasm`, `python_stdlib.zip`: Python for WebAssembly,
  from npm;
- `pyodide-lock.json`, reduced to NumPy and minigrad, with checksums that Pyodide verifies;
- the wheels of NumPy and of minigrad, without the files that match LEFT_OUT, such as the reviews;
- `viz.js`, Graphviz for WebAssembly;
- `imdb.npz`, the reviews, and two texts and the digits (DATA), fetched only when a program reads them.

A worker (of type "module") in the same folder starts with

    import { loadPyodide } from "./pyodide.mjs";
    import { instance } from "./viz.js";
    const viz = await instance();
    const python = await loadPyodide({ packages: ["minigrad"] });       // and NumPy, on which minigrad depends
    const data = python.runPython("import minigrad.data; minigrad.data.__path__[0]");
    python.FS.createLazyFile(data, "imdb.npz", new URL("imdb.npz", import.meta.url).href, true, false);

Then `load_imdb()` works, and `viz.renderString(dot, { format: "svg" })` draws the text of
`mg.draw(loss).dot`.

NumPy's wheel is not in npm. It comes from the folder in the environment variable MINIGRAD_PYODIDE.
Without this variable, it comes from `../shared/pyodide` next to the repository, or else it is
downloaded from Pyodide's server into `build/pyodide`. Its SHA-256 must match Pyodide's lock file.
"""

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

from minigrad.support.files import write_whole

ROOT = Path(__file__).resolve().parents[2]
NPM = Path(__file__).with_name("node_modules")
PYODIDE = NPM / "pyodide"
VIZ = NPM / "@viz-js/viz/dist/viz.js"
CACHE = ROOT / "build/pyodide"
ADDRESS = "https://cdn.jsdelivr.net/pyodide/v{version}/full/{file}"
DATA = ("imdb.npz", "names.txt.gz", "shakespeare.txt.gz", "digits.csv.gz")
# Files left out of minigrad's wheel: the reviews, the texts, the digits, and the course, because it runs in a terminal.
# The course's lessons are pages of the site.
LEFT_OUT = re.compile(r"minigrad/(data/imdb\.npz|data/\w+\.(txt|csv)\.gz|course/\S+|__main__\.py)")
# Files left out of NumPy's wheel: its compiler for Fortran, and the declarations for other compilers.
NUMPY_LEFT_OUT = re.compile(r"numpy/(f2py/\S+|\S+\.(pyi|pxd|h|a|c|pyx|in|build))(?![\w.])")
WHERE = (
    "Build again with a connection to the internet, or set MINIGRAD_PYODIDE to a folder that contains "
    "this file."
)
LIMIT = 10e6  # maximum number of bytes to fetch before the first cell runs


class Unavailable(Exception):
    """Raised if Python is not available for the pages, with the reason. The site is then built
    without Python.
    """


def gather(folder: Path) -> dict[str, int]:
    """Fill `folder`. Returns {file: size compressed by gzip} for the files that a page fetches
    before its first run.

    Raises Unavailable, without changing the folder, if a part is not available. Raises ValueError
    if a wheel does not match the lock file, or if these files have more than 10 MB in
    total.
    """
    names = ("pyodide.mjs", "pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip")
    files = [*(PYODIDE / name for name in names), VIZ]
    with tempfile.TemporaryDirectory() as built:
        files.append(lighter(numpy_wheel(), NUMPY_LEFT_OUT, Path(built)))
        files.append(lighter(minigrad_wheel(Path(built)), LEFT_OUT, Path(built)))
        lock = pyodide_lock()
        numpy = lock["packages"]["numpy"] | {"sha256": _sha256(files[-2].read_bytes())}
        lock["packages"] = {"numpy": numpy, "minigrad": _entry(files[-1])}
        folder.mkdir(parents=True, exist_ok=True)
        for file in files:
            shutil.copyfile(file, folder / file.name)
    (folder / "pyodide-lock.json").write_text(json.dumps(lock))
    for name in DATA:
        shutil.copyfile(ROOT / "minigrad/data" / name, folder / name)
    sizes = {
        name: len(gzip.compress((folder / name).read_bytes(), 6))
        for name in (*(file.name for file in files), "pyodide-lock.json")
    }
    if sum(sizes.values()) > LIMIT:
        raise ValueError(
            f"a page fetches {sum(sizes.values()):,} bytes before its first run, more than "
            f"{LIMIT:,.0f}: {sizes}"
        )
    return sizes


def pyodide_lock() -> dict[str, Any]:
    """Return Pyodide's list of packages, with their file names and checksums. Raises Unavailable if
    Pyodide is not installed from npm.
    """
    try:
        lock: dict[str, Any] = json.loads((PYODIDE / "pyodide-lock.json").read_text())
    except FileNotFoundError:
        raise Unavailable(
            "the packages from npm are not installed. Run `sh .ci/setup.sh site`, which needs npm."
        ) from None
    return lock


def numpy_wheel() -> Path:
    """Return the path of NumPy's wheel for Pyodide, after verifying its checksum. Raises
    Unavailable if the wheel is not found and cannot be downloaded.
    """
    lock = pyodide_lock()
    numpy: dict[str, str] = lock["packages"]["numpy"]
    name, sha256 = numpy["file_name"], numpy["sha256"]
    given = os.environ.get("MINIGRAD_PYODIDE")
    for folder in [Path(given)] if given else [ROOT.parent / "shared/pyodide", CACHE]:
        if (folder / name).exists():
            _check((folder / name).read_bytes(), sha256, folder / name)
            return folder / name
    if given:
        raise Unavailable(f"{name} is not in the folder MINIGRAD_PYODIDE={given}. {WHERE}")
    address = ADDRESS.format(version=lock["info"]["version"], file=name)
    try:
        with urllib.request.urlopen(address, timeout=30) as response:
            content = response.read()
    except OSError as error:
        cause = getattr(error, "reason", error)  # URLError's own text is "<urlopen error ...>"
        raise Unavailable(
            f"NumPy for Pyodide is missing, and {address} cannot be downloaded ({cause}). {WHERE}"
        ) from None
    _check(content, sha256, address)
    CACHE.mkdir(parents=True, exist_ok=True)
    write_whole(CACHE / name, lambda file: file.write(content))
    return CACHE / name


def minigrad_wheel(folder: Path) -> Path:
    """Build minigrad's wheel into `folder`."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"minigrad's wheel cannot be built: {done.stderr.strip()}")
    (whole,) = folder.glob("*.whl")
    return whole


def lighter(wheel: Path, left_out: re.Pattern[str], folder: Path) -> Path:
    """Write a copy of a wheel without the files that match `left_out` into `folder`/light. Leaving
    them out reduces the size of minigrad's wheel to a sixth.
    """
    light = folder / "light" / wheel.name
    light.parent.mkdir(exist_ok=True)
    with (
        zipfile.ZipFile(wheel) as source,
        zipfile.ZipFile(light, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target,
    ):
        for member in source.infolist():
            content = source.read(member)
            if member.filename.endswith(".dist-info/RECORD"):
                lines = content.decode().splitlines(keepends=True)
                content = "".join(line for line in lines if not left_out.match(line)).encode()
            if not left_out.match(member.filename):
                target.writestr(member, content, zipfile.ZIP_DEFLATED, 9)
    return light


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _check(content: bytes, sha256: str, origin: object) -> None:
    found = _sha256(content)
    if found != sha256:
        raise ValueError(
            f"{origin} does not match Pyodide's lock file: its SHA-256 is {found}, not {sha256}"
        )


def _entry(wheel: Path) -> dict[str, Any]:
    """Return minigrad's entry in the lock file."""
    return {
        "name": "minigrad",
        "version": wheel.name.split("-")[1],
        "file_name": wheel.name,
        "sha256": _sha256(wheel.read_bytes()),
        "install_dir": "site",
        "package_type": "package",
        "imports": ["minigrad", "layers", "optim"],
        "depends": ["numpy"],
        "unvendored_tests": False,
    }
