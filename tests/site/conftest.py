"""The site, built once for all tests, and a browser that reads it from a local port."""

import functools
import http.server
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from minigrad.course.checking.registry import VARIABLE
from minigrad.support.files import locked
from tests.minigrad.explorer.conftest import AXE, start_chromium
from tests.needs import CHROMIUM, DRIVER, NO_AXE, NO_BROWSER, NO_PYODIDE, package

from .reader import Reader

ROOT = Path(__file__).resolve().parents[2]


def sphinx(folder, **variables):
    """Build the site in `folder`/html as `make site` does; returns what was printed. Sphinx takes a
    warning, a link that leads nowhere for one, as an error.
    """
    options = f"-q -E -a -n -W --keep-going -d {folder}/doctrees docs {folder}/html"
    return subprocess.check_output(
        [sys.executable, "-m", "sphinx", *options.split()],
        cwd=ROOT,
        env={**os.environ, **variables},
        stderr=subprocess.STDOUT,
        text=True,
    )


def build(folder):
    """Build the site with a teacher's lesson."""
    own = folder / "lessons/lesson_21_slope"
    for command in "new", "test":
        words = [sys.executable, "-m", "minigrad", "course", command, own]
        subprocess.run(words, check=True)
    sphinx(folder, **{VARIABLE: str(own.parent)})


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The folder of the built site, which all processes that run tests share."""
    for name in ("furo", "myst_parser", "sphinx"):
        package(name)
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "site"
    folder.mkdir(exist_ok=True)
    with locked(folder):
        if not (folder / "built").exists():
            build(folder)
            (folder / "built").touch()
    return folder / "html"


@pytest.fixture(scope="session")
def python(site):
    """Skips a test that runs Python in a page, if the site was built without it."""
    if "built without Python" in (site / "readme.html").read_text("utf-8"):
        pytest.skip(NO_PYODIDE)


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves the site below /minigrad/, as a public host does, and notes what is asked for."""

    asked: list[str]

    def translate_path(self, path):
        root, name, below = path.partition("/minigrad/")
        return super().translate_path("/nowhere" if root or not name else f"/{below}")

    def log_message(self, *_):
        pass

    def send_error(self, code, *_):
        """Answer a wrong address with the site's page for it."""
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(Path(self.directory, "404.html").read_bytes())

    def do_GET(self):
        self.asked.append(self.path)
        super().do_GET()


@pytest.fixture(scope="module")
def reader(site, tmp_path_factory):
    """A browser that reads the site."""
    if not (CHROMIUM and DRIVER):
        pytest.skip(NO_BROWSER)
    if not AXE.is_file():
        pytest.skip(NO_AXE)
    Handler.asked = []
    handler = functools.partial(Handler, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://localhost:{server.server_port}/minigrad/"
        with start_chromium(tmp_path_factory.mktemp("profile")) as driver:
            yield Reader(driver, address, Handler.asked)
        server.shutdown()
