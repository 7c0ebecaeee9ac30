"""What every test shares: repeatable examples, and one thread for each of the processes that share
the cores.
"""

import os
import signal
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.database import DirectoryBasedExampleDatabase

# Some tests press Ctrl-C. Processes in the background of a script ignore it, and so do their children.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Before anything imports NumPy: two workers, each with a thread for every core, would slow each
# other down.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("MPLBACKEND", "Agg")  # pictures go to files; no test opens a window

# Derandomised: a test that fails for one person fails for all. A busy machine is not a failure.
settings.register_profile(
    "minigrad",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
)
# in WebAssembly, slower by far
settings.register_profile("sampled", settings.get_profile("minigrad"), max_examples=5)
# of `make fuzz`: other examples each time, and those again that failed the last time
settings.register_profile(
    "fuzz",
    settings.get_profile("minigrad"),
    derandomize=False,
    database=DirectoryBasedExampleDatabase(".hypothesis/examples"),
    max_examples=500,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)
settings.load_profile("minigrad")


SLOW = (
    "tests/pyodide/",
    "tests/site/test_verdicts.py",
    "tests/minigrad/course/checking/test_lesson.py",
    "tests/site/test_browser.py",
    "tests/test_readme_commands.py",
    "tests/site/",
    "tests/minigrad/course/",
    "tests/examples/",
    "tests/benchmarks/",
    "tests/minigrad/explorer/test_web.py",
    "tests/test_documents.py",
    "tests/minigrad/gradient_checker/engine/",
    "tests/optim/training/test_parallel.py",
    "tests/fuzz/",
    "tests/minigrad/gradient_checker/",
)
"""What takes long, the longest first. Of the first three, which begin together, one builds the site: a
second would wait for it."""


def pytest_collection_modifyitems(config, items):
    """Of several processes, none should begin what takes long when the others are nearly done."""
    if hasattr(config, "workerinput"):  # of pytest-xdist, which gives out files in this order

        def place(item):
            return next(
                (place for place, path in enumerate(SLOW) if item.nodeid.startswith(path)),
                len(SLOW),
            )

        items.sort(key=place)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter):
    """Before pytest's last line, print each reason for skipping tests once, with their number."""
    yield
    skipped = terminalreporter.getreports("skipped")
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped)
    for reason, number in reasons.most_common():
        terminalreporter.write_line(f"skipped {number}: {reason}")


def pytest_ignore_collect(collection_path):
    """Collect test files alone: doctests are the packages' affair, and a helper is not to be run as
    one.
    """
    helper = collection_path.is_file() and not collection_path.name.startswith("test_")
    return helper or None
