"""Files are written whole or not at all, whoever else writes there."""

import errno
import hashlib
import os
import stat
import subprocess
import sys
from typing import Any

import pytest

from minigrad.support.files import locked, open_file, write_whole

posix = pytest.mark.skipif(
    os.name != "posix", reason="needs links and permissions as POSIX has them"
)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def write(path, content=b"new"):
    write_whole(path, lambda file: file.write(content))


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    return path


def test_an_error_half_way_leaves_the_old_file_alone(old):
    def half(file):
        file.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_whole(old, half)
    assert old.read_bytes() == b"old" and names(old.parent) == ["a.bin"]


@posix
@pytest.mark.parametrize("mode", [0o640, 0o444])
def test_a_link_stays_a_link_and_permissions_stay(old, tmp_path, mode):
    old.chmod(mode)
    os.link(old, tmp_path / "other name")
    (tmp_path / "link").symlink_to(old)
    write(tmp_path / "link")
    assert (tmp_path / "link").is_symlink() and old.read_bytes() == b"new"
    assert stat.S_IMODE(old.stat().st_mode) == mode
    assert (tmp_path / "other name").read_bytes() == b"old"


def test_a_file_is_on_the_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    done = []

    def note(name):
        step = getattr(os, name)

        def noted(*arguments):
            done.append((name, names(tmp_path)))
            step(*arguments)

        monkeypatch.setattr(os, name, noted)

    note("fsync")
    note("replace")
    write(tmp_path / "a.bin")
    begun = [".a.bin.unfinished"]
    assert done[:2] == [("fsync", begun), ("replace", begun)]
    assert done[2:] in ([], [("fsync", ["a.bin"])])  # the folder, where it can be


SAVE = """
import hashlib, sys
from minigrad.support.files import write_whole
path, letter, times = sys.argv[1:]
for number in range(int(times)):
    body = f"{letter}{number} ".encode() * 1000
    parts = [hashlib.sha256(body).hexdigest().encode(), body[:2000], body[2000:]]
    write_whole(path, lambda file: [(file.write(part), file.flush()) for part in parts])
"""


def whole(content):
    return content[:64] == hashlib.sha256(content[64:]).hexdigest().encode()


@posix
def test_two_hundred_saves_from_several_programs_while_others_are_killed(tmp_path):
    path = tmp_path / "a.bin"

    def start(letter, times):
        return subprocess.Popen([sys.executable, "-c", SAVE, path, letter, str(times)])

    savers = [start(letter, 50) for letter in "abcd"]
    victims = {letter: start(letter, 10**6) for letter in "xyz"}
    contents, alive = set(), set(victims)
    try:
        while alive or any(run.poll() is None for run in savers):
            content = path.read_bytes() if path.exists() else b""
            contents.add(content)
            if (
                letter := content[64:65].decode()
            ) in alive:  # it is in the midst of saving
                victims[letter].kill()
                alive.remove(letter)
            assert all(victims[one].poll() is None for one in alive), (
                "a program failed to save"
            )
    finally:
        for victim in victims.values():
            victim.kill()
            victim.wait()
    contents.discard(b"")
    assert [run.wait() for run in savers] == [0, 0, 0, 0]
    assert len(contents) > 10 and all(map(whole, contents))
    write(path)
    assert path.read_bytes() == b"new" and names(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("path", ["", "a\0b", "\ud800", b"", 5, None])
def test_names_that_no_file_can_have(path):
    for use in (open_file, write):
        with pytest.raises(OSError, match="no file can have that name"):
            use(path)


@posix
def test_nothing_but_a_file_is_read_or_replaced(tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "folder", tmp_path / "pipe", "/", "."):
        for use in (open_file, write):
            with pytest.raises(OSError, match="it is a folder or a device"):
                use(path)
    assert names(tmp_path) == ["folder", "pipe"]


# up to 255 bytes of UTF-8
@pytest.mark.parametrize("name", ["n" * 250, "\U0001f600" * 63, "[a]*"])
def test_any_name_can_be_written(tmp_path, name):
    write(tmp_path / name)
    assert names(tmp_path) == [name]


@posix
def test_file_systems_that_cannot_lock_nor_sync_a_folder(tmp_path, monkeypatch):
    def cannot_lock(file, how):
        raise OSError(errno.ENOSYS, "Function not implemented")

    sync = os.fsync

    def cannot_sync_folders(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        sync(handle)

    monkeypatch.setattr("fcntl.flock", cannot_lock)
    monkeypatch.setattr(os, "fsync", cannot_sync_folders)
    with locked(tmp_path):
        write(tmp_path / "a.bin")
    assert names(tmp_path) == ["a.bin"]


def test_without_locks_as_on_windows_files_are_written_too(tmp_path, monkeypatch):
    monkeypatch.setattr("minigrad.support.files.fcntl", None)
    with locked(tmp_path), locked(tmp_path):  # waits for nobody
        write(tmp_path / "a.bin")
    assert names(tmp_path) == ["a.bin"]


@posix
def test_a_second_program_waits_for_a_locked_folder_and_says_so(tmp_path):
    code = "import sys; from pathlib import Path; from minigrad.support.files import locked\n"
    code += "with locked(Path(sys.argv[1])): print('second')"
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with locked(tmp_path):
        run: Any = subprocess.Popen([sys.executable, "-c", code, tmp_path], **pipes)
        assert (
            run.stderr.readline()
            == f"waiting for another program that is using {tmp_path}\n"
        )
        assert run.poll() is None
    assert run.communicate() == ("second\n", "") and names(tmp_path) == []
