"""The whole data set where it is prepared, and a server on loopback that sends a small one in good
and bad ways.
"""

import hashlib
import http.server
import io
import os
import tarfile
import threading
from pathlib import Path

import pytest

from minigrad.data.download import Archive
from tests.needs import package

REPOSITORY = Path(__file__).resolve().parents[3]

# Reviews of the published archive: the files that they came from, how they begin, and the row that
# each has in the data set that tensorflow-datasets publishes. Names and beginnings are common
# knowledge of the archive.
TRAIN = {
    "neg/0_3": ("Story of a man who has unnatural feelings for a pig.", 11791),
    "neg/10000_4": ("Airport '77 starts as a brand new luxury 747 plane", 4456),
    "neg/10002_1": ("Sorry everyone,,, I know this is supposed to be an", 11638),
    "neg/10004_3": (
        '"It appears that many critics find the idea of a Woody Allen drama',
        844,
    ),
    "pos/0_9": ("Bromwell High is a cartoon comedy.", 83),
    "pos/10002_7": (
        "This is easily the most underrated film inn the Brooks cannon.",
        3872,
    ),
    "pos/10003_8": ("This is not the typical Mel Brooks film.", 23615),
    "pos/10004_8": ("This isn't the comedic Robin Williams", 6206),
}
TEST = {
    "neg/0_2": (
        "Once again Mr. Costner has dragged out a movie for far longer than necessary.",
        4208,
    ),
    "neg/10002_3": ("Not even the Beatles could write songs everyone liked", 19384),
    "pos/10001_9": ("As a recreational golfer with some knowledge", 21897),
}


@pytest.fixture(scope="session")
def whole_reviews():
    """The folder of the whole data set, or a skip."""
    shared = REPOSITORY.parent / "shared" / "tfds"
    folder = Path(os.environ.get("MINIGRAD_DATA") or shared)
    if not (folder / "imdb_reviews").is_dir():
        pytest.skip("no prepared reviews (set MINIGRAD_DATA: see CONTRIBUTING.md)")
    package("tensorflow_datasets")
    return folder


def archive_bytes():
    """An archive of the published layout: test before train, unlabelled reviews, and tables."""
    members = {
        "README": "Large Movie Review Dataset v1.0",
        "train/unsup/0_0.txt": "No label here.",
    }
    for split, reviews in (("test", TEST), ("train", TRAIN)):
        for name, (text, _) in reviews.items():
            members[f"{split}/{name}.txt"] = f"  {text}\n"
        members[f"{split}/urls_pos.txt"] = "http://www.imdb.com/"
        members[f"{split}/labeledBow.feat"] = ""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, text in members.items():
            member = tarfile.TarInfo(f"aclImdb/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


class Handler(http.server.BaseHTTPRequestHandler):
    server: "Server"

    def do_GET(self):
        served, how, body = self.server, self.server.behaviour, self.server.content
        served.requests += 1
        if how == "gone":
            self.send_error(404)
            return
        self.send_response(200)
        if how == "endless":  # no Content-Length, and more than the archive
            body += body
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if how == "one byte changed":
            body = body[:-1] + b"x"
        if how in ("cut", "stalls"):
            body = body[: len(body) // 2]
        self.wfile.write(body)
        self.wfile.flush()
        if how == "stalls":
            served.stall.wait(600)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    """Serves `content` at /aclImdb_v1.tar.gz; `behaviour` says how, and `requests` counts them."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.behaviour, self.requests = archive_bytes(), "good", 0
        self.stall = threading.Event()
        self.archive = Archive(
            f"http://127.0.0.1:{self.server_port}/aclImdb_v1.tar.gz",
            len(self.content),
            hashlib.sha256(self.content).hexdigest(),
        )
        threading.Thread(target=self.serve_forever, args=(0.01,)).start()

    def close(self):
        self.stall.set()
        self.shutdown()
        self.server_close()


@pytest.fixture
def server(monkeypatch):
    # loopback is reached without any proxy the machine may have
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = Server()
    yield server
    server.close()
