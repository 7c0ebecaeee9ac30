"""Files are written whole or not at all, whoever else writes there."""

import errno
import hashlib
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from minigrad.support.files import clear_unfinished, locked, open_file, to_path, write_whole

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


def test_a_file_is_on_the_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    done = []
    for name in ("fsync", "replace"):
        step = getattr(os, name)

        def noted(*arguments, name=name, step=step):
            done.append((name, names(tmp_path)))
            step(*arguments)

        monkeypatch.setattr(os, name, noted)
    write_whole(tmp_path / "a.bin", lambda file: file.write(b"x"))
    steps, files = [name for name, _ in done], [found for _, found in done]
    assert steps[:2] == ["fsync", "replace"] and steps[2:] in ([], ["fsync"])  # at last the folder, where it can be
    assert files[0] == files[1] and files[0][0].endswith(".unfinished") and files[2:] in ([], [["a.bin"]])


@posix
def test_another_name_of_the_old_file_keeps_the_old_content(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"old")
    os.link(tmp_path / "a.bin", tmp_path / "b.bin")
    write_whole(tmp_path / "a.bin", lambda file: file.write(b"new"))
    assert ((tmp_path / "a.bin").read_bytes(), (tmp_path / "b.bin").read_bytes()) == (b"new", b"old")


@posix
def test_a_write_protected_file_is_replaced_and_stays_protected(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    path.chmod(0o444)
    write_whole(path, lambda file: file.write(b"new"))
    assert path.read_bytes() == b"new" and stat.S_IMODE(path.stat().st_mode) == 0o444


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

    savers, victims = [start(letter, 50) for letter in "abcd"], {letter: start(letter, 10**6) for letter in "xyz"}
    contents, alive = set(), set("xyz")
    try:
        while alive or any(run.poll() is None for run in savers):
            content = path.read_bytes() if path.exists() else b""
            contents.add(content)
            if (letter := content[64:65].decode()) in alive:  # it is in the midst of saving
                victims[letter].kill()
                alive.remove(letter)
    finally:
        for victim in victims.values():
            victim.kill()
            victim.wait()
    contents.discard(b"")
    assert [run.wait() for run in savers] == [0, 0, 0, 0]
    assert len(contents) > 10 and all(map(whole, contents))
    write_whole(path, lambda file: file.write(b"the end"))
    assert path.read_bytes() == b"the end" and names(tmp_path) == ["a.bin"]


def test_what_a_killed_program_left_goes_with_the_next_write(tmp_path):
    path = tmp_path / "a.bin"
    (tmp_path / ".a.bin.0a1b2c3d.unfinished").write_bytes(b"half")
    (tmp_path / ".b.bin.0a1b2c3d.unfinished").write_bytes(b"half")
    write_whole(path, lambda file: file.write(b"whole"))
    assert names(tmp_path) == [".b.bin.0a1b2c3d.unfinished", "a.bin"]
    clear_unfinished(tmp_path)
    assert names(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("path", ["", "a\0b", "\ud800", b"", 5, None])
def test_names_that_no_file_can_have(path):
    for use in (to_path, open_file, lambda path: write_whole(path, lambda file: file.write(b"x"))):
        with pytest.raises(OSError) as caught:
            use(path)
        assert caught.value.strerror == "no file can have that name"


@posix
@pytest.mark.parametrize("kind", ["folder", "pipe", "dot", "root"])
def test_nothing_but_a_file_is_read_or_replaced(tmp_path, kind, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = {"folder": tmp_path / "x", "pipe": tmp_path / "x", "dot": ".", "root": "/"}[kind]
    if kind == "folder":
        (tmp_path / "x").mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    for use in (open_file, lambda path: write_whole(path, lambda file: file.write(b"x"))):
        with pytest.raises(OSError) as caught:
            use(path)
        assert caught.value.strerror == "it is a folder or a device"
    assert not Path(path).is_file() and names(tmp_path) == ["x"] * (kind in ("folder", "pipe"))


@pytest.mark.parametrize("name", ["n" * 250, "\u65e5" * 85, "\U0001f600" * 63])  # 250, 255 and 252 bytes of UTF-8
def test_a_long_name_can_be_written(tmp_path, name):
    (tmp_path / f".{name[-50:]}.0a1b2c3d.unfinished").write_bytes(b"half")
    write_whole(tmp_path / name, lambda file: file.write(b"x"))
    assert names(tmp_path) == [name]


@posix
def test_a_folder_that_may_not_be_listed_is_written_to(tmp_path):
    folder = tmp_path / "drop"
    folder.mkdir()
    for parent in [folder, *folder.parents]:
        if parent.stat().st_uid == os.getuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o555)
    folder.chmod(0o333)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)  # root may list everything
    try:
        write_whole(folder / "a.bin", lambda file: file.write(b"x"))
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o755)
    assert names(folder) == ["a.bin"]


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
        write_whole(tmp_path / "a.bin", lambda file: file.write(b"x"))
    assert names(tmp_path) == ["a.bin"]


@posix
def test_a_file_that_was_taken_for_abandoned_before_it_was_locked_is_begun_anew(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    lock = fcntl.flock
    taken: list[str] = []

    def late(file, how):
        if not taken:
            taken.extend(names(tmp_path))
            (tmp_path / taken[0]).unlink()  # what clear_unfinished of another program does
        lock(file, how)

    monkeypatch.setattr("fcntl.flock", late)
    write_whole(tmp_path / "a.bin", lambda file: file.write(b"x"))
    assert taken[0].endswith(".unfinished") and names(tmp_path) == ["a.bin"]


def test_without_locks_as_on_windows_files_are_written_and_cleared_too(tmp_path, monkeypatch):
    monkeypatch.setattr("minigrad.support.files.fcntl", None)
    (tmp_path / ".b.bin.0a1b2c3d.unfinished").write_bytes(b"half")
    with locked(tmp_path), locked(tmp_path):  # waits for nobody
        write_whole(tmp_path / "a.bin", lambda file: file.write(b"x"))
        clear_unfinished(tmp_path)
    assert names(tmp_path) == ["a.bin"]


@posix
def test_a_second_program_waits_for_a_locked_folder_and_says_so(tmp_path):
    code = """
import sys
from pathlib import Path
from minigrad.support.files import locked
with locked(Path(sys.argv[1])):
    with open(sys.argv[2], "a") as log:
        log.write("second ")
"""
    log = tmp_path / "log"
    (tmp_path / "folder").mkdir()
    with locked(tmp_path / "folder"):
        run = subprocess.Popen(
            [sys.executable, "-c", code, tmp_path / "folder", log], stderr=subprocess.PIPE, text=True
        )
        assert run.stderr is not None
        assert run.stderr.readline() == f"waiting for another program that works in {tmp_path / 'folder'}\n"
        with log.open("a") as file:
            file.write("first ")
    assert run.wait() == 0 and run.stderr.read() == ""
    run.stderr.close()
    assert log.read_text() == "first second " and names(tmp_path / "folder") == []
