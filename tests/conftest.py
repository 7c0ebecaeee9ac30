"""What every test shares: repeatable examples, and one thread for each of the processes that share the cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from hypothesis import settings

# Before anything imports NumPy: two workers, each with a thread for every core, would slow each other down.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("MPLBACKEND", "Agg")  # pictures go to files; no test opens a window

# Derandomised: a test that fails for one person fails for all. No deadline: a busy machine is not a failure.
settings.register_profile("minigrad", derandomize=True, deadline=None, database=None, max_examples=50)
settings.register_profile("sampled", settings.get_profile("minigrad"), max_examples=5)  # in WebAssembly, slower by far
settings.load_profile("minigrad")


def pytest_addoption(parser: pytest.Parser) -> None:
    help = "run with what only buys time left out of the engine (see test_core_alone.py)"
    parser.addoption("--without-appendix", action="store_true", help=help)


@contextmanager
def plain_engine() -> Iterator[None]:
    """The engine alone: gradients added up one by one, no written-out call, no sparse rows, nothing fused."""
    import layers.embedding
    import layers.fused
    from minigrad import Tensor
    from minigrad.fast import switch as speed
    from minigrad.gates import Scatter, indexing, rows

    def scatter(shape: tuple[int, ...], key: object, values: object) -> object:
        gate = Scatter(shape, key)
        return gate(values) if isinstance(values, Tensor) else gate.forward(values)

    def make_table(data: object, **options: object) -> Tensor:
        return Tensor(data, requires_grad=True)

    with pytest.MonkeyPatch.context() as patch:
        for module in (indexing, rows):
            patch.setattr(module, "scatter", scatter)
        patch.setattr(layers.embedding, "make_table", make_table)
        patch.setattr(layers.fused, "can_fuse", lambda cell: False)
        speed.unplug()
        try:
            yield
        finally:
            speed.plug_in()


@pytest.fixture
def without_appendix() -> Callable[[], AbstractContextManager[None]]:
    return plain_engine


@pytest.fixture(autouse=True, scope="session")
def _plain_engine_if_asked(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.config.getoption("--without-appendix"):
        with plain_engine():
            yield
    else:
        yield


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip tests that are of the appendix itself where it is out."""
    if item.get_closest_marker("appendix") and item.config.getoption("--without-appendix"):
        pytest.skip("a test of the appendix")


SLOW = (
    "tests/pyodide/",
    "tests/site/test_browser.py",
    "tests/minigrad/course/test_lessons.py",
    "tests/examples/test_imdb_sentiment.py",
    "tests/examples/test_check_gradients.py",
    "tests/test_readme_commands.py",
    "tests/minigrad/course/",
    "tests/examples/",
    "tests/benchmarks/",
    "tests/minigrad/explorer/test_web.py",
    "tests/site/",
    "tests/test_documents.py",
    "tests/optim/training/test_parallel.py",
    "tests/fuzz/",
    "tests/minigrad/gradient_checker/",
)
"""What takes long, the longest first. Two files that need the site are not neighbours: one would wait for its build."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of several processes, none should begin what takes long when the others are nearly done."""
    if hasattr(config, "workerinput"):  # of pytest-xdist, which gives out files in this order

        def place(item: pytest.Item) -> int:
            return next((place for place, path in enumerate(SLOW) if item.nodeid.startswith(path)), len(SLOW))

        items.sort(key=place)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Collect test files alone: doctests are the packages' affair, and a helper is not to be run as one."""
    return True if collection_path.is_file() and not collection_path.name.startswith("test_") else None


def pytest_terminal_summary(terminalreporter) -> None:
    """List the mistakes that the course's tests have seen named, and what was said of each on the third try."""
    found = [dict(report.user_properties).get("slip") for report in terminalreporter.getreports("passed")]
    rows = sorted(filter(None, found))
    if rows:
        terminalreporter.section("lesson, well-known mistake, what is said of it on the third try")
    for lesson, slip, said in rows:
        terminalreporter.write_line(f"{lesson:>2}  {slip}: {said.removeprefix(slip).lstrip('. ')}"[:200])
