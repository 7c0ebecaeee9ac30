"""The system's rules for writing, without the hook that refuses the same in Python."""

import subprocess
import sys

import pytest

CODE = """
import os, sys
from minigrad.course.checking import landlock
inside, outside = sys.argv[1:]
landlock.write_only_in(inside)
for name in ("a", "b"):
    with open(f"{inside}/{name}", "w") as file:
        file.write(name)
os.rename(f"{inside}/a", f"{inside}/c")
os.remove(f"{inside}/b")
with open(os.devnull, "w") as file:
    file.write("nowhere")
print(sorted(os.listdir(inside)), open(f"{outside}/notes").read())
for change in (
    lambda: open(f"{outside}/notes", "w"),
    lambda: os.truncate(f"{outside}/notes", 0),
    lambda: os.remove(f"{outside}/notes"),
    lambda: os.mkdir(f"{outside}/folder"),
    lambda: os.symlink("notes", f"{outside}/link"),
    lambda: os.rename(f"{inside}/c", f"{outside}/c"),
):
    try:
        change()
    except OSError:
        print("refused")
"""

HAS_LANDLOCK = """
import ctypes
raise SystemExit(ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), 1) < 3)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
def test_write_only_in_a_folder(tmp_path):
    if subprocess.call([sys.executable, "-c", HAS_LANDLOCK]):
        pytest.skip("no Landlock in this kernel (needs Linux 6.2)")
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (outside / "notes").write_text("kept")
    command = [sys.executable, "-c", CODE, str(inside), str(outside)]
    printed = subprocess.check_output(command, text=True)
    assert printed == "['c'] kept\n" + "refused\n" * 6
    assert (outside / "notes").read_text() == "kept"
    assert [path.name for path in outside.iterdir()] == ["notes"]
