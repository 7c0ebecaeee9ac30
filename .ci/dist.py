"""Build the wheel and the sdist in dist/ and check them: `make dist`.

The script builds everything twice and compares the results byte for byte, so that anyone can
rebuild a release from its tag and verify it. The sdist must contain only files that git tracks. If
a check fails, the script prints the reason and exits with code 1.
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

# Files that the wheel must contain, and the only folders allowed at its top level.
NEEDED = ("minigrad/py.typed", "layers/py.typed", "optim/py.typed", "licenses/LICENSE", "minigrad/data/imdb.npz",
          "minigrad/data/names.txt.gz", "minigrad/data/shakespeare.txt.gz", "minigrad/data/digits.csv.gz",
          "licenses/minigrad/data/LICENSE-texts", "minigrad/explorer/web/app.js", "optim/recording/web/app.js",
          "minigrad/course/lessons/lesson_01_by_hand/page.html")  # fmt: skip
TOP = {"minigrad", "layers", "optim"}
LARGEST = 6e6  # bytes of a wheel, of which the bundled reviews and texts are half


def build(folder: Path) -> list[Path]:
    """Build into `folder`, and return the paths of the two files."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the build failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return sorted(folder.iterdir())


def faults(wheel: Path, sdist: Path) -> list[str]:
    """Return descriptions of missing and unexpected files in the wheel and the sdist."""
    names = zipfile.ZipFile(wheel).namelist()
    problems = [
        f"the wheel does not contain {name}"
        for name in NEEDED
        if not any(path.endswith(name) for path in names)
    ]
    if wheel.stat().st_size > LARGEST:
        problems.append(f"the wheel has {wheel.stat().st_size:,} bytes, more than {LARGEST:,.0f}")
    extra = {path.split("/")[0] for path in names if ".dist-info/" not in path} - TOP
    problems += [f"the wheel contains {name} at its top level" for name in sorted(extra)]
    problems += [
        f"the wheel contains {path}"
        for path in names
        if "node_modules" in path or path.endswith(".pyc")
    ]
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if tracked.returncode == 0:
        with tarfile.open(sdist) as archive:
            packed = {member.name.partition("/")[2] for member in archive if member.isfile()}
        extra = packed - set(tracked.stdout.split("\0")) - {"PKG-INFO"}
        problems += [
            f"the sdist contains {name}, which git does not track" for name in sorted(extra)
        ]
    return problems


def main() -> None:
    """Build twice, compare, and check."""
    shutil.rmtree(DIST, ignore_errors=True)
    files = build(DIST)
    sdist, wheel = sorted(files, key=lambda path: path.suffix == ".whl")
    with tempfile.TemporaryDirectory() as folder:
        for first, second in zip(files, build(Path(folder)), strict=True):
            if first.read_bytes() != second.read_bytes():
                sys.exit(f"two builds of {first.name} differ")
    if problems := faults(wheel, sdist):
        sys.exit("\n".join(problems))
    subprocess.run([sys.executable, "-m", "twine", "check", "--strict", *files], check=True)
    subprocess.run([sys.executable, "-m", "check_wheel_contents", wheel], cwd=ROOT, check=True)
    for path in files:
        print(f"{path.relative_to(ROOT)}  {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
