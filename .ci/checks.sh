#!/bin/sh
# `checks.sh PYTHON` runs all checks: style, types, unit tests, doctests, and every example in a short form. minigrad-edu[dev]
# must be installed in this Python. The last line of the output is pytest's summary.
set -eu
cd "$(dirname "$0")/.."
unset PYTHONDONTWRITEBYTECODE # otherwise, each of the tests' hundreds of processes would compile minigrad again
"$1" -m ruff check .
"$1" -m ruff format --check .
"$1" -m mypy
# Run all tests of a file in one process, so that shared fixtures are made only once. Use three processes on two cores,
# because many tests wait for a browser or for the end of a time limit.
exec "$1" -m pytest -n 3 --dist loadfile --no-loadscope-reorder
