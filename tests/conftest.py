"""What every test shares: repeatable examples, and one thread for each of the processes that share the cores."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import settings

# Before anything imports NumPy: two workers, each with a thread for every core, would slow each other down.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("MPLBACKEND", "Agg")  # pictures go to files; no test opens a window

# Derandomised: a test that fails for one person fails for all. No deadline: a busy machine is not a failure.
settings.register_profile("minigrad", derandomize=True, deadline=None, database=None, max_examples=50)
settings.load_profile("minigrad")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Collect test files alone: doctests are the packages' affair, and a helper is not to be run as one."""
    return True if collection_path.is_file() and not collection_path.name.startswith("test_") else None
