"""download: a file is there complete and correct, or there is an error and no file."""

import os

import pytest

from minigrad.data import download as module
from minigrad.data.download import download
from minigrad.errors import DataError

NAME = "aclImdb_v1.tar.gz"


def test_download_writes_the_servers_bytes_once(server, tmp_path):
    folder = tmp_path / "downloads"
    for _ in range(2):
        path = download(server.archive, folder)
        assert path.read_bytes() == server.content
        assert os.listdir(folder) == [path.name] == [NAME]
    assert server.requests == 1


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        ("one byte changed", "MG423.*SHA-256"),
        ("endless", "MG423.*SHA-256"),
        ("cut", "MG422.*the connection ended after"),
        ("stalls", "MG422.*timed out"),
        ("gone", "MG421.*404"),
        ("closed", "MG421.*connection failed"),
    ],
)
def test_download_that_fails_leaves_nothing(server, tmp_path, monkeypatch, behaviour, message):
    monkeypatch.setattr(module, "TIMEOUT", 0.2)
    server.behaviour = behaviour
    if behaviour == "closed":
        server.close()
    with pytest.raises(DataError, match=f"(?s){message}") as caught:
        download(server.archive, tmp_path)
    assert caught.value.remedy and os.listdir(tmp_path) == []


def test_download_refuses_and_keeps_a_users_file(server, tmp_path):
    path = tmp_path / NAME
    path.write_bytes(b"something of the user's")
    with pytest.raises(DataError, match="(?s)MG423.*delete"):
        download(server.archive, tmp_path)
    assert path.read_bytes() == b"something of the user's"
