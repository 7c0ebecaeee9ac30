"""Generators of random cases, each with an answer that comes from somewhere else, and the command
that runs them.
"""

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    # before NumPy is loaded: each process has a processor to itself
    os.environ.setdefault(variable, "1")
