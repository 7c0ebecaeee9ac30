"""The whole data set where it is prepared, and a server on loopback that sends a small one in good and bad ways."""

import hashlib
import http.server
import os
import re
import threading
from pathlib import Path

import pytest

from minigrad.data.download import Archive

from .small_archive import REPOSITORY, TEST, TRAIN, tar_of


@pytest.fixture(scope="session")
def whole_reviews():
    """The folder of the whole data set, or a skip."""
    folder = Path(os.environ.get("MINIGRAD_DATA") or REPOSITORY.parent / "shared" / "tfds")
    if not (folder / "imdb_reviews").is_dir():
        pytest.skip("no prepared reviews: set MINIGRAD_DATA to a tensorflow-datasets folder that has imdb_reviews")
    pytest.importorskip("tensorflow_datasets", reason="tensorflow-datasets is not installed")
    return folder


@pytest.fixture(scope="session")
def archive_bytes():
    """An archive of the published layout: test before train, unlabelled reviews, and what else lies in there."""
    members = [("aclImdb/README", b"Large Movie Review Dataset v1.0"), ("aclImdb/imdb.vocab", b"the\nand\n")]
    for split, reviews in (("test", TEST), ("train", TRAIN)):
        members += [(f"aclImdb/{split}/{name}.txt", f"  {text}\n".encode()) for name, (text, _) in reviews.items()]
        members += [
            (f"aclImdb/{split}/urls_pos.txt", b"http://www.imdb.com/"),
            (f"aclImdb/{split}/labeledBow.feat", b""),
        ]
    members += [("aclImdb/train/unsup/0_0.txt", b"No label here.")]
    return tar_of(members)


class Server:
    """Serves `content` at /aclImdb_v1.tar.gz; `behaviour` says how, `requests` remembers the Range of each request."""

    def __init__(self, content):
        self.content, self.behaviour, self.requests = content, "good", []
        self.stall = threading.Event()
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                owner.answer(self)

            def log_message(self, *_):
                pass

        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def archive(self):
        url = f"http://127.0.0.1:{self._http.server_port}/aclImdb_v1.tar.gz"
        return Archive(url, len(self.content), hashlib.sha256(self.content).hexdigest())

    def answer(self, handler):
        wanted = handler.headers.get("Range")
        self.requests.append(wanted)
        if self.behaviour == "gone":
            return handler.send_error(404)
        start = int(re.findall(r"^bytes=(\d+)-$", wanted)[0]) if wanted and self.behaviour != "no ranges" else 0
        body = self.content[start:]
        if self.behaviour == "login page":
            start, body = 0, b"<html>Please log in to the hotel's network</html>"
        if self.behaviour == "one byte changed":
            body = body[:-1] + bytes([body[-1] ^ 1])
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(self.content) - 1}/{len(self.content)}")
        if self.behaviour == "endless":  # no Content-Length, and more than the archive
            body += body
        else:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if self.behaviour in ("cut", "stalls"):
            handler.wfile.write(body[: len(body) // 2])
            handler.wfile.flush()
            if self.behaviour == "stalls":
                self.stall.wait(600)
            return None
        handler.wfile.write(body)
        return None

    def close(self):
        self.stall.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


@pytest.fixture
def server(archive_bytes, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY"):  # loopback is reached without any proxy the machine may have
        monkeypatch.delenv(name, raising=False)
    server = Server(archive_bytes)
    yield server
    server.close()
