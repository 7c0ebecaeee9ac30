#!/bin/sh
# `checks.sh PYTHON`: everything that a change has to pass, with that Python, where minigrad[dev] is installed: style, types,
# unit tests, doctests, and every example in a short form. The last line printed is pytest's summary.
set -eu
cd "$(dirname "$0")/.."
unset PYTHONDONTWRITEBYTECODE # where it is set, each of the hundreds of processes that tests start compiles minigrad anew
"$1" -m ruff check .
"$1" -m ruff format --check .
"$1" -m mypy
# A file belongs to one process, so that what its tests share is made once. There are three processes for two cores,
# because many tests wait: for a browser, for the end of a time limit.
exec "$1" -m pytest -n 3 --dist loadfile --no-loadscope-reorder
