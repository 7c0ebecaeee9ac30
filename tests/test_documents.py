"""The code on the pages runs and prints what they say; links between the pages lead somewhere."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(path for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")] if "node_modules" not in path.parts)


@pytest.fixture(scope="module")
def first_script() -> str:
    scripts: list[str] = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    return scripts[0]


def test_the_first_graph_of_the_readme(first_script: str, tmp_path: Path) -> None:
    drawing = next(line for line in first_script.splitlines() if line.startswith("mg.draw"))
    # As DOT text, which needs no Graphviz; what `dot` makes of it is the drawing's own tests' business.
    script = first_script.replace(drawing, drawing.replace(".png", ".dot"))
    run = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    slope = 2 * (np.tanh(-1.0) - 1) * (1 - np.tanh(-1.0) ** 2)
    first_two = [float(number) for number in re.findall(r"-?\d+\.\d+", run.stdout)[:2]]
    assert first_two == pytest.approx([slope, 2 * slope], rel=1e-5)
    assert (tmp_path / "first.dot").stat().st_size > 0


def test_the_first_graph_is_short(first_script: str) -> None:
    assert len(first_script.splitlines()) <= 15


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_scripts_that_a_page_names_are_there(page: Path) -> None:
    named = set(re.findall(r"\bexamples/\w+\.py", page.read_text()))
    assert sorted(name for name in named if not (ROOT / name).is_file()) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text)
    dead = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert dead == []


ELSEWHERE = {
    "README.md": "test_the_first_graph_of_the_readme, above",
    "docs/errors.md": "tests/test_errors.py",
    "docs/gallery.md": "tests/test_gallery.py",
    "docs/gates.md": "the gates' doctests, whose examples tests/test_gates_page.py finds on the page",
}
"""Pages whose code other tests run. The lessons' is run by tests/minigrad/course/test_lessons.py."""
WITH_CODE = [page for page in PAGES if "```python\n" in page.read_text()]


@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_code_of_a_page_runs_and_prints_what_it_shows(page: Path, tmp_path: Path) -> None:
    if str(page.relative_to(ROOT)) in ELSEWHERE:
        return
    if "mg.draw(" in page.read_text() and shutil.which("dot") is None:
        pytest.skip("Graphviz's program dot is not installed")
    # A process of its own: pages define gates, and import from examples/ by bare names.
    path = os.pathsep.join([str(ROOT), str(ROOT / "examples")])
    command = [sys.executable, "-W", "error", "-m", "tests.run_page", str(page)]
    environment = os.environ | {"PYTHONPATH": path}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def test_pages_whose_code_is_run_elsewhere_have_code() -> None:
    assert set(ELSEWHERE) <= {str(page.relative_to(ROOT)) for page in WITH_CODE}


def test_what_is_written_as_a_session_is_run() -> None:
    """No block shows Python's prompt without being marked as Python."""
    for page in PAGES:
        for language, block in re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(), re.M | re.S):
            assert language == "python" or not block.startswith(">>>"), f"{page}: {block}"
