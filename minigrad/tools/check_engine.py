"""The command `minigrad check-engine`: compare somebody else's engine with minigrad."""

import argparse
import os
import sys
from pathlib import Path
from traceback import extract_tb
from typing import Any

from ..gradient_checker import check_engine
from .commands import to_type

PACKAGE = str(Path(__file__).parents[1]) + os.sep
DESCRIPTION = """Compare a class that computes gradients with minigrad.

    minigrad check-engine my_engine.py                a file with one class of Values
    minigrad check-engine my_engine.py:Value          one of the classes in a file
    minigrad check-engine micrograd.engine:Value      a class of an installed package

The command finds out what the class can do, and tries each operation alone, pairs of operations, and
random expressions. Where a value or a gradient differs, it names the operation and the probable
mistake, and prints Python code that reproduces it. docs/check_engine.md describes what a class needs,
and adapters for other kinds of engines. If your engine never ends, press Ctrl-C to see which
line was running.

Exit code: 0 nothing differs, 1 something differs, 2 the class cannot be checked.
"""


def add_check_engine(commands: Any) -> None:
    """Add the command to argparse's subparsers."""
    parser = commands.add_parser(
        "check-engine",
        help="compare a class of yours that computes gradients with minigrad",
        description=to_type(DESCRIPTION),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=_check)
    parser.add_argument(
        "engine",
        metavar="MODULE:CLASS",
        help="a module or a file, a colon, and the name of a class or of an adapter",
    )
    parser.add_argument(
        "--count",
        type=int,
        default=200,
        help="how many random expressions to try (default: 200)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        help="the seed for the numbers and the expressions (default: 0)",
    )


def _check(options: argparse.Namespace) -> int:
    try:
        report = check_engine(
            options.engine,
            count=options.count,
            seed=options.seed,
            progress=True,
        )
    except KeyboardInterrupt as stop:
        lines = extract_tb(stop.__traceback__)
        # the check's own lines run, too, because it notes which methods are called
        engine = [one for one in lines if not one.filename.startswith(PACKAGE)]
        running = (engine or lines)[-1]
        place = f"line {running.lineno} of {running.filename}"
        print(f"\nStopped by Ctrl-C in {place}:\n    {running.line}", file=sys.stderr)
        return 130
    print(report)
    return 0 if report else 1
