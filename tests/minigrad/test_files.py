"""Files are written whole or not at all, whoever else writes there."""

import os
import stat
import subprocess
import sys

import pytest

from minigrad.files import clear_unfinished, write_whole

posix = pytest.mark.skipif(os.name != "posix", reason="needs links and permissions as POSIX has them")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_new_file_and_an_old_one(tmp_path):
    path = tmp_path / "a.bin"
    write_whole(path, lambda file: file.write(b"one"))
    write_whole(path, lambda file: file.write(b"two"))
    assert path.read_bytes() == b"two" and names(tmp_path) == ["a.bin"]


def test_an_error_half_way_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def write(file):
        file.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_whole(path, write)
    assert path.read_bytes() == b"old" and names(tmp_path) == ["a.bin"]


@posix
def test_a_link_stays_a_link_and_permissions_stay(tmp_path):
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / "a.bin", tmp_path / "a.bin"
    target.write_bytes(b"old")
    target.chmod(0o640)
    link.symlink_to(target)
    write_whole(link, lambda file: file.write(b"new"))
    assert link.is_symlink() and target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert names(tmp_path / "real") == ["a.bin"]


@posix
def test_a_new_file_has_the_permissions_that_the_umask_leaves(tmp_path):
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "a.bin", lambda file: file.write(b"x"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.bin").stat().st_mode) == 0o640


@posix
def test_a_writer_does_not_remove_what_another_is_writing(tmp_path):
    path = tmp_path / "a.bin"

    def write(file):
        file.write(b"first")
        write_whole(path, lambda inner: inner.write(b"second"))  # begins later, and is done sooner
        assert path.read_bytes() == b"second"
        assert len(names(tmp_path)) == 2

    write_whole(path, write)
    assert path.read_bytes() == b"first" and names(tmp_path) == ["a.bin"]


@posix
def test_many_writers_of_one_path_all_succeed(tmp_path):
    code = """
import sys
from minigrad.files import write_whole
for _ in range(40):
    write_whole(sys.argv[1], lambda file: file.write(sys.argv[2].encode() * 1000))
"""
    path = tmp_path / "a.bin"
    runs = [subprocess.Popen([sys.executable, "-c", code, path, letter]) for letter in "abc"]
    assert [run.wait() for run in runs] == [0, 0, 0]
    content = path.read_bytes()
    assert len(content) == 1000 and len(set(content)) == 1 and names(tmp_path) == ["a.bin"]


def test_what_a_killed_program_left_goes_with_the_next_write(tmp_path):
    path = tmp_path / "a.bin"
    (tmp_path / ".a.bin.0a1b2c3d.unfinished").write_bytes(b"half")
    (tmp_path / ".b.bin.0a1b2c3d.unfinished").write_bytes(b"half")
    write_whole(path, lambda file: file.write(b"whole"))
    assert names(tmp_path) == [".b.bin.0a1b2c3d.unfinished", "a.bin"]
    clear_unfinished(tmp_path)
    assert names(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("path", ["", "a\0b", ".", "/"])
def test_names_that_are_none(path):
    with pytest.raises(OSError):
        write_whole(path, lambda file: file.write(b"x"))


def test_a_long_name_can_be_written(tmp_path):
    path = tmp_path / ("n" * 250)
    write_whole(path, lambda file: file.write(b"x"))
    assert names(tmp_path) == [path.name]
