"""Zip files and single files of learners are opened, and nothing else is."""

import zipfile
from pathlib import Path

import pytest

from minigrad.course.lesson import lesson
from minigrad.course.zips import LARGEST, unpack
from minigrad.errors import DataError

FIRST = lesson(1).file


def zipped(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return Path(path)


def test_unpack_returns_the_folder_with_the_lesson_files(tmp_path):
    flat = zipped(tmp_path / "flat.zip", {FIRST: "a = 1", "progress.json": "{}"})
    assert (unpack(flat, tmp_path / "1") / FIRST).read_text() == "a = 1"
    deep = zipped(tmp_path / "deep.zip", {f"anna/{FIRST}": "b = 2", f"__MACOSX/._{FIRST}": "x"})
    assert (unpack(deep, tmp_path / "2") / FIRST).read_text() == "b = 2"
    single = tmp_path / f"anna_17_{FIRST}"
    single.write_text("c = 3")
    assert (unpack(single, tmp_path / "3") / FIRST).read_text() == "c = 3"


def test_unpack_writes_nothing_outside_the_folder(tmp_path):
    names = {"../../outside.py": "x", "/outside.py": "y", FIRST: "z"}
    found = unpack(zipped(tmp_path / "a.zip", names), tmp_path / "deep/in/a/folder")
    assert (found / FIRST).read_text() == "z"
    assert not list(tmp_path.glob("outside.py")) and not Path("/outside.py").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"print(1)"])
def test_unpack_refuses_what_is_no_zip_file(tmp_path, content):
    path = tmp_path / "work.zip"
    path.write_bytes(content)
    with pytest.raises(DataError, match="MG924"):
        unpack(path, tmp_path / "out")


def test_unpack_refuses_a_zip_file_that_would_fill_the_disk(tmp_path):
    path = zipped(tmp_path / "bomb.zip", {"zeros": bytes(LARGEST + 1)})
    assert path.stat().st_size < 100_000
    with pytest.raises(DataError, match="more than 1000 files or 50 MB"):
        unpack(path, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())
