"""`write_whole`, `open_file` and `locked`: files are complete, whoever else writes."""

import errno
import hashlib
import os
import stat
import subprocess
import sys

import pytest

from minigrad.support.files import locked, open_file, write_whole

posix = pytest.mark.skipif(os.name != "posix", reason="needs Linux or macOS")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def write(path, content=b"new"):
    write_whole(path, lambda file: file.write(content))


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    return path


def test_write_whole_keeps_old_file_after_error(old):
    def half(file):
        file.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_whole(old, half)
    assert old.read_bytes() == b"old"
    assert names(old.parent) == ["a.bin"]


@posix
@pytest.mark.parametrize("mode", [0o640, 0o444])
def test_write_whole_keeps_links_and_permissions(old, tmp_path, mode):
    old.chmod(mode)
    hard_link = tmp_path / "other name"
    hard_link.hardlink_to(old)
    link = tmp_path / "link"
    link.symlink_to(old)
    write(link)
    assert link.is_symlink()
    assert old.read_bytes() == b"new"
    assert stat.S_IMODE(old.stat().st_mode) == mode
    assert hard_link.read_bytes() == b"old"


def test_write_whole_syncs_file_before_renaming(tmp_path, monkeypatch):
    steps = []

    def note(name):
        function = getattr(os, name)

        def noted(*arguments):
            steps.append((name, *names(tmp_path)))
            function(*arguments)

        monkeypatch.setattr(os, name, noted)

    note("fsync")
    note("replace")
    write(tmp_path / "a.bin")
    sync, replace, *others = steps
    assert sync == ("fsync", ".a.bin.unfinished")
    assert replace == ("replace", ".a.bin.unfinished")
    assert others in ([], [("fsync", "a.bin")])  # the folder, where it can be


SAVE = """
import hashlib, sys
from minigrad.support.files import write_whole
path, letter, times = sys.argv[1:]
for number in range(int(times)):
    body = f"{letter}{number} ".encode() * 1000
    parts = [hashlib.sha256(body).hexdigest().encode(), body[:2000], body[2000:]]
    write_whole(path, lambda file: [(file.write(part), file.flush()) for part in parts])
"""


@posix
def test_write_whole_survives_other_and_killed_programs(tmp_path):
    path = tmp_path / "a.bin"

    def start(letter, times):
        command = [sys.executable, "-c", SAVE, path, letter, str(times)]
        return subprocess.Popen(command)

    savers = [start(letter, 50) for letter in "abcd"]
    victims = {letter: start(letter, 10**6) for letter in "xyz"}
    alive = dict(victims)
    contents = set()
    try:
        while alive or any(saver.poll() is None for saver in savers):
            content = path.read_bytes() if path.exists() else b""
            contents.add(content)
            victim = alive.pop(content[64:65].decode(), None)
            if victim:  # it is in the midst of saving
                victim.kill()
            for program in alive.values():
                assert program.poll() is None, "a program failed to save"
    finally:
        for victim in victims.values():
            victim.kill()
            victim.wait()
    for saver in savers:
        assert saver.wait() == 0
    contents.discard(b"")
    assert len(contents) > 10
    for content in contents:
        digest = hashlib.sha256(content[64:]).hexdigest()
        assert content[:64] == digest.encode()
    write(path)
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("use", [open_file, write])
@pytest.mark.parametrize("path", ["", "a\0b", "\ud800", b"", 5, None])
def test_impossible_name_is_refused(use, path):
    with pytest.raises(OSError, match="no file can have that name"):
        use(path)


@posix
@pytest.mark.parametrize("use", [open_file, write])
@pytest.mark.parametrize("name", ["folder", "pipe", "/", "."])
def test_folder_or_device_is_refused(use, name, tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="it is a folder or a device"):
        use(tmp_path / name)
    assert names(tmp_path) == ["folder", "pipe"]


# up to 255 bytes of UTF-8
@pytest.mark.parametrize("name", ["n" * 250, "\U0001f600" * 63, "[a]*"])
def test_any_name_can_be_written(tmp_path, name):
    write(tmp_path / name)
    assert names(tmp_path) == [name]


@posix
def test_file_system_without_locks_and_sync_of_folders(tmp_path, monkeypatch):
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


def test_locked_waits_for_nobody_without_fcntl(tmp_path, monkeypatch):
    monkeypatch.setattr("minigrad.support.files.fcntl", None)  # as on Windows
    with locked(tmp_path), locked(tmp_path):
        write(tmp_path / "a.bin")
    assert names(tmp_path) == ["a.bin"]


LOCK = """
import sys
from pathlib import Path
from minigrad.support.files import locked
with locked(Path(sys.argv[1])):
    print('second')
"""


@posix
def test_locked_waits_for_other_program(tmp_path):
    command = [sys.executable, "-c", LOCK, tmp_path]
    with locked(tmp_path):
        other = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert other.stderr is not None
        message = f"waiting for another program that is using {tmp_path}\n"
        assert other.stderr.readline() == message
        assert other.poll() is None
    assert other.communicate() == ("second\n", "")
    assert names(tmp_path) == []
