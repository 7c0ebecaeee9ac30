import os
import signal
import subprocess
import sys
import time

import pytest

from minigrad.data import download as module
from minigrad.data.download import Archive, download
from minigrad.errors import DataError

from .small_archive import REPOSITORY


def fails_with(code, archive, folder):
    with pytest.raises(DataError) as caught:
        download(archive, folder)
    assert caught.value.code == code
    assert caught.value.remedy
    return caught.value


def test_a_download_gives_the_servers_bytes_and_leaves_no_other_file(server, tmp_path):
    path = download(server.archive, tmp_path / "downloads")
    assert path == tmp_path / "downloads" / "aclImdb_v1.tar.gz"
    assert path.read_bytes() == server.content
    assert os.listdir(path.parent) == [path.name]


def test_what_is_there_and_right_is_not_downloaded_again(server, tmp_path):
    (tmp_path / "aclImdb_v1.tar.gz").write_bytes(server.content)
    download(server.archive, tmp_path)
    assert server.requests == []


def test_a_file_put_there_by_hand_that_is_not_the_archive_is_refused_and_kept(server, tmp_path):
    (tmp_path / "aclImdb_v1.tar.gz").write_bytes(b"something of the user's")
    error = fails_with("MG423", server.archive, tmp_path)
    assert "delete" in error.remedy
    assert (tmp_path / "aclImdb_v1.tar.gz").read_bytes() == b"something of the user's"


def test_a_cut_download_says_where_and_the_next_one_goes_on_from_there(server, tmp_path):
    half = len(server.content) // 2
    server.behaviour = "cut"
    error = fails_with("MG422", server.archive, tmp_path)
    assert f"{half} of {len(server.content)}" in error.cause
    assert os.listdir(tmp_path) == ["aclImdb_v1.tar.gz.part"]

    server.behaviour = "good"
    assert download(server.archive, tmp_path).read_bytes() == server.content
    assert server.requests == [None, f"bytes={half}-"]
    assert os.listdir(tmp_path) == ["aclImdb_v1.tar.gz"]


def test_a_server_without_ranges_is_read_from_the_start(server, tmp_path):
    (tmp_path / "aclImdb_v1.tar.gz.part").write_bytes(server.content[:100])
    server.behaviour = "no ranges"
    assert download(server.archive, tmp_path).read_bytes() == server.content


def test_a_complete_part_needs_no_server(server, tmp_path):
    (tmp_path / "aclImdb_v1.tar.gz.part").write_bytes(server.content)
    download(server.archive, tmp_path)
    assert server.requests == []
    assert os.listdir(tmp_path) == ["aclImdb_v1.tar.gz"]


def test_a_part_of_other_content_fails_the_checksum_and_the_next_run_is_clean(server, tmp_path):
    (tmp_path / "aclImdb_v1.tar.gz.part").write_bytes(b"x" * 100)
    fails_with("MG423", server.archive, tmp_path)
    assert os.listdir(tmp_path) == []
    assert download(server.archive, tmp_path).read_bytes() == server.content


def test_a_part_longer_than_the_archive_is_started_again(server, tmp_path):
    (tmp_path / "aclImdb_v1.tar.gz.part").write_bytes(server.content + b"x")
    assert download(server.archive, tmp_path).read_bytes() == server.content
    assert server.requests == [None]


def test_a_file_that_changed_on_the_server_is_not_appended(server, tmp_path):
    (tmp_path / "aclImdb_v1.tar.gz.part").write_bytes(server.content[:100])
    archive = server.archive
    server.content += b"another edition"
    fails_with("MG423", archive, tmp_path)
    assert os.listdir(tmp_path) == []


def test_a_wrong_checksum_keeps_nothing(server, tmp_path):
    server.behaviour = "one byte changed"
    error = fails_with("MG423", server.archive, tmp_path)
    assert server.archive.sha256 in error.what
    assert os.listdir(tmp_path) == []


def test_a_login_page_is_not_kept_as_a_beginning(server, tmp_path):
    server.behaviour = "login page"
    error = fails_with("MG423", server.archive, tmp_path)
    assert "it has 49 bytes" in error.what
    assert os.listdir(tmp_path) == []


def test_a_login_page_does_not_cost_what_has_arrived_before(server, tmp_path):
    (tmp_path / "aclImdb_v1.tar.gz.part").write_bytes(server.content[:100])
    server.behaviour = "login page"
    fails_with("MG423", server.archive, tmp_path)
    server.behaviour = "good"
    assert download(server.archive, tmp_path).read_bytes() == server.content
    assert server.requests[-1] == "bytes=100-"


def test_a_server_that_sends_without_end_is_stopped(server, tmp_path):
    server.behaviour = "endless"
    fails_with("MG423", server.archive, tmp_path)
    assert os.listdir(tmp_path) == []


def test_an_address_that_is_gone(server, tmp_path):
    server.behaviour = "gone"
    error = fails_with("MG421", server.archive, tmp_path)
    assert "404" in error.cause
    assert os.listdir(tmp_path) == []


def test_no_server_at_all(server, tmp_path):
    archive = server.archive
    server.close()
    error = fails_with("MG421", archive, tmp_path)
    assert "no connection" in error.cause
    assert "load_imdb()" in error.remedy


def test_no_network(tmp_path, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    # RFC 2606: no name below .invalid ever resolves.
    error = fails_with("MG421", Archive("http://nowhere.invalid/a.tar.gz", 10, "0" * 64), tmp_path)
    assert "http://nowhere.invalid/a.tar.gz" in error.what


def test_a_silent_server_times_out(server, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT", 0.2)
    server.behaviour = "stalls"
    error = fails_with("MG422", server.archive, tmp_path)
    assert "timed out" in error.cause


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_full_disk(server, tmp_path):
    (tmp_path / "aclImdb_v1.tar.gz.part").symlink_to("/dev/full")
    error = fails_with("MG424", server.archive, tmp_path)
    assert "No space left" in error.what
    assert "data_dir" in error.remedy


def test_a_folder_that_cannot_be_made(server, tmp_path):
    (tmp_path / "file").write_text("in the way")
    fails_with("MG424", server.archive, tmp_path / "file" / "downloads")


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process on Windows")
def test_ctrl_c_leaves_a_part_that_the_next_run_completes(server, tmp_path):
    server.behaviour = "stalls"
    archive = server.archive
    program = (
        "from pathlib import Path; from minigrad.data.download import Archive, download; "
        f"download(Archive({archive.url!r}, {archive.size}, {archive.sha256!r}), Path({str(tmp_path)!r}))"
    )
    process = subprocess.Popen([sys.executable, "-c", program], cwd=REPOSITORY, stderr=subprocess.PIPE)
    part = tmp_path / "aclImdb_v1.tar.gz.part"
    deadline = time.monotonic() + 20
    while not part.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert b"KeyboardInterrupt" in process.communicate(timeout=20)[1]
    assert os.listdir(tmp_path) == ["aclImdb_v1.tar.gz.part"]

    server.behaviour = "good"
    assert download(archive, tmp_path).read_bytes() == server.content


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no locks on folders")
def test_a_second_download_of_the_same_file_waits_for_the_first_and_uses_it(server, tmp_path):
    server.behaviour = "stalls"
    archive = server.archive
    program = (  # the first must not lose patience before the second has started, on a busy machine
        "from pathlib import Path; from minigrad.data import download; download.TIMEOUT = 600; "
        f"archive = download.Archive({archive.url!r}, {archive.size}, {archive.sha256!r}); "
        f"print(download.download(archive, Path({str(tmp_path)!r})))"
    )

    def start():
        return subprocess.Popen(
            [sys.executable, "-c", program], cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    first, part = start(), tmp_path / "aclImdb_v1.tar.gz.part"
    while not part.exists() and first.poll() is None:
        time.sleep(0.01)
    server.behaviour = "good"
    second = start()
    assert second.stderr is not None and "waiting for another program" in second.stderr.readline()
    first.kill()  # its lock ends with it
    first.communicate()
    out, _ = second.communicate()
    assert second.returncode == 0 and (tmp_path / "aclImdb_v1.tar.gz").read_bytes() == server.content
    assert out.strip() == str(tmp_path / "aclImdb_v1.tar.gz") and os.listdir(tmp_path) == ["aclImdb_v1.tar.gz"]
    assert len(server.requests) == 2
