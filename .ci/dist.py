"""Builds the wheel and the sdist into dist/, twice, and checks them: `make dist`.

Two builds must be equal byte for byte: then whoever rebuilds a release from its tag can tell that
it is the one published. The sdist holds what git tracks. Exit code 1 and the reason if anything is
not as it should be.
"""

import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"

# What a user would miss, or be surprised to find.
NEEDED = ("minigrad/py.typed", "layers/py.typed", "optim/py.typed", "licenses/LICENSE", "minigrad/data/imdb.npz",
          "minigrad/explorer/web/app.js", "minigrad/course/lessons/lesson_01_by_hand/page.html")  # fmt: skip
TOP = {"minigrad", "layers", "optim"}


def build(folder: Path) -> list[Path]:
    """Build into `folder`, and give the two files."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the build failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return sorted(folder.iterdir())


def faults(wheel: Path, sdist: Path) -> list[str]:
    """What is missing from the two files, or should not be there."""
    names = zipfile.ZipFile(wheel).namelist()
    found = [
        f"the wheel lacks {name}"
        for name in NEEDED
        if not any(path.endswith(name) for path in names)
    ]
    more = {path.split("/")[0] for path in names if ".dist-info/" not in path} - TOP
    found += [f"the wheel holds {name} at its top" for name in sorted(more)]
    found += [
        f"the wheel holds {path}"
        for path in names
        if "node_modules" in path or path.endswith(".pyc")
    ]
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if tracked.returncode == 0:
        with tarfile.open(sdist) as archive:
            held = {member.name.partition("/")[2] for member in archive if member.isfile()}
        more = held - set(tracked.stdout.split("\0")) - {"PKG-INFO"}
        found += [f"the sdist holds {name}, which git does not track" for name in sorted(more)]
    return found


def main() -> None:
    """Build, compare, check."""
    shutil.rmtree(DIST, ignore_errors=True)
    files = build(DIST)
    sdist, wheel = sorted(files, key=lambda path: path.suffix == ".whl")
    with tempfile.TemporaryDirectory() as folder:
        for first, second in zip(files, build(Path(folder)), strict=True):
            if first.read_bytes() != second.read_bytes():
                sys.exit(f"two builds of {first.name} differ")
    if found := faults(wheel, sdist):
        sys.exit("\n".join(found))
    subprocess.run([sys.executable, "-m", "twine", "check", "--strict", *files], check=True)
    # W009: several packages at the top of the wheel, which is how this project is laid out.
    subprocess.run(
        [sys.executable, "-m", "check_wheel_contents", "--ignore", "W009", wheel], check=True
    )
    for path in files:
        print(f"{path.relative_to(ROOT)}  {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
