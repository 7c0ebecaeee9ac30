"""A file is downloaded whole and right, or there is an error and no file."""

import os

import pytest

from minigrad.data import download as module
from minigrad.data.download import download
from minigrad.errors import DataError


def test_a_download_gives_the_servers_bytes_and_is_not_repeated(server, tmp_path):
    for _ in range(2):
        path = download(server.archive, tmp_path / "downloads")
        assert path.read_bytes() == server.content
        assert (
            os.listdir(tmp_path / "downloads") == [path.name] == ["aclImdb_v1.tar.gz"]
        )
    assert server.requests == 1


@pytest.mark.parametrize(
    ("behaviour", "code", "said"),
    [
        ("one byte changed", "MG423", "SHA-256"),
        ("endless", "MG423", "SHA-256"),
        ("cut", "MG422", "the connection ended after"),
        ("stalls", "MG422", "timed out"),
        ("gone", "MG421", "404"),
        ("closed", "MG421", "connection failed"),
    ],
)
def test_what_is_not_the_archive_is_an_error_and_leaves_nothing(
    server, tmp_path, monkeypatch, behaviour, code, said
):
    monkeypatch.setattr(module, "TIMEOUT", 0.2)
    server.behaviour, archive = behaviour, server.archive
    if behaviour == "closed":
        server.close()
    with pytest.raises(DataError) as caught:
        download(archive, tmp_path)
    assert (
        caught.value.code == code and said in str(caught.value) and caught.value.remedy
    )
    assert os.listdir(tmp_path) == []


def test_a_file_put_there_by_hand_that_is_not_the_archive_is_refused_and_kept(
    server, tmp_path
):
    (tmp_path / "aclImdb_v1.tar.gz").write_bytes(b"something of the user's")
    with pytest.raises(DataError, match="(?s)MG423.*delete"):
        download(server.archive, tmp_path)
    assert (tmp_path / "aclImdb_v1.tar.gz").read_bytes() == b"something of the user's"
