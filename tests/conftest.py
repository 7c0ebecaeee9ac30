"""What every test shares: repeatable examples, and one thread for each of the processes that share the cores."""

import os

from hypothesis import settings

# Before anything imports NumPy: two workers, each with a thread for every core, would slow each other down.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("MPLBACKEND", "Agg")  # pictures go to files; no test opens a window

# Derandomised: a test that fails for one person fails for all. No deadline: a busy machine is not a failure.
settings.register_profile("minigrad", derandomize=True, deadline=None, database=None, max_examples=50)
settings.load_profile("minigrad")
