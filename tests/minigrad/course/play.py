"""Plays the whole course as a learner with nothing but the wheel: `python tests/minigrad/course/play.py`.

Builds the wheel, installs it into a bare virtual environment, starts a course in an empty folder, checks every stub
(no points) and every solution (passes), prints a line for each lesson, and the time. Exit code 1 if anything differs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def main() -> int:
    """Play; return the exit code."""
    with tempfile.TemporaryDirectory(prefix="minigrad-play-") as folder:
        where = Path(folder)
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", str(where), str(ROOT)], check=True)
        venv.create(where / "venv", with_pip=True)
        programs = where / "venv" / ("Scripts" if os.name == "nt" else "bin")
        (wheel,) = where.glob("*.whl")
        subprocess.run([programs / "python", *pip[1:], "install", str(wheel)], check=True)
        return play(programs, where)


def play(programs: Path, where: Path) -> int:
    """Start a course in `where` and play it with the command `minigrad` that lies in `programs`."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def minigrad(*words: str, folder: Path) -> tuple[int, str]:
        run = subprocess.run(
            [programs / "minigrad", *words], cwd=folder, env=environment, capture_output=True, text=True
        )
        return run.returncode, run.stdout + run.stderr

    script = "import minigrad.course.lesson as l; print(*(one.folder for one in l.lessons()), sep='\\n')"
    run = subprocess.run(
        [programs / "python", "-c", script], cwd=where, env=environment, capture_output=True, text=True
    )
    folders = list(map(Path, run.stdout.split()))
    begun, wrong = time.perf_counter(), []
    minigrad("course", "start", "c", folder=where)
    course = where / "c"
    for lesson in folders:
        number = str(int(lesson.name.split("_")[1]))
        stub, text = minigrad("course", "check", number, folder=course)
        (course / f"{lesson.name}.py").write_bytes((lesson / "solution.py").read_bytes())
        solved, more = minigrad("course", "check", number, folder=course)
        good = (stub, solved) == (1, 0) and "not written yet" in text
        wrong += [] if good else [f"{text}\n{more}"]
        print(f"{'ok   ' if good else 'WRONG'} {lesson.name}", flush=True)
    listed = minigrad("course", "list", folder=course)[1].strip().splitlines()[-1]
    print(f"{listed}; {time.perf_counter() - begun:.0f} s")
    print(*wrong, sep="\n")
    return 0 if not wrong and listed == f"{len(folders)} of {len(folders)} passed" else 1


if __name__ == "__main__":
    sys.exit(main())
