"""What each library costs that minigrad may use, for docs/design.md: `python docs/measure_dependencies.py`.

On disk: the library with what it needs in turn, each file that pip put there, without what NumPy brings anyway. At
import: the time that Python itself reports (`python -X importtime`), the best of seven, without what `import minigrad`
has loaded.
"""

import re
import subprocess
import sys
from importlib import metadata

IMPORTED = {
    "numpy": "numpy",
    "graphviz": "graphviz",
    "tqdm": "tqdm",
    "safetensors": "safetensors.numpy",
    "matplotlib": "matplotlib.figure",
    "graphviz-pure": "",  # a program
    "mpi4py": "mpi4py.MPI",
    "mpich": "",  # the program mpiexec, and its library
    "tensorflow-datasets": "tensorflow_datasets",
}
"""The library as pip calls it, and the module that minigrad imports of it."""


def needed(name: str) -> set[str]:
    """A distribution, and what it needs in turn, without extras."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        one = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        try:
            wanted = metadata.requires(one) or []
        except metadata.PackageNotFoundError:  # of another system, or another Python
            continue
        if one not in found:
            found.add(one)
            waiting += [re.split(r"[^\w.-]", line)[0] for line in wanted if ";" not in line]
    return found


def megabytes(names: set[str]) -> float:
    """What the files of some distributions take on disk."""
    files = [file.locate() for name in names for file in metadata.files(name) or []]
    return sum(path.stat().st_size for path in files if path.is_file()) / 1e6  # type: ignore[attr-defined]


def milliseconds(module: str) -> float:
    """How long an import takes."""
    first = "" if module == "numpy" else "import minigrad; "
    times = []
    for _ in range(7):
        command = [sys.executable, "-X", "importtime", "-c", f"{first}import {module}"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
        total = re.findall(rf"\| +(\d+) \| {re.escape(module)}$", said, re.M)
        # A module stands below all that it loads, and its own package loads before it, on a line of its own.
        package = [] if "." not in module else re.findall(rf"\| +(\d+) \| {module.split('.')[0]}$", said, re.M)
        times.append(sum(int(one) for one in total + package) / 1000)
    return min(times)


def main() -> None:
    """Print a line for each library."""
    numpy = needed("numpy")
    for name, module in IMPORTED.items():
        more = needed(name) - (set() if name == "numpy" else numpy)
        if not more:
            print(f"{name}: not installed")
            continue
        time = f"{milliseconds(module):.0f} ms" if module else "-"
        print(f"{name:<20} {time:>8} {megabytes(more):>7.1f} MB  with {len(more) - 1} more")


if __name__ == "__main__":
    main()
