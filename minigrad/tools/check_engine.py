"""The command `minigrad check-engine`: compare somebody else's engine with minigrad."""

import argparse
from typing import Any

from ..gradient_checker import check_engine
from .commands import to_type

DESCRIPTION = """Compare a class that computes gradients with minigrad.

    minigrad check-engine my_engine.py                a file with one class of Values
    minigrad check-engine my_engine.py:Value          one of the classes in a file
    minigrad check-engine micrograd.engine:Value      a class of an installed package

The command finds out what the class can do, and tries each operation alone, pairs of operations, and
random expressions. Where a value or a gradient differs, it names the operation and the probable
mistake, and prints Python code that reproduces it. docs/check_engine.md describes what a class needs,
and adapters for other kinds of engines. An expression that raises an error is not supported, which
is not a fault.

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
    parser.add_argument(
        "--accumulates",
        action="store_true",
        help="gradients of repeated calls to backward() must add up, also on the same graph",
    )
    parser.add_argument(
        "--limit",
        type=float,
        default=10.0,
        metavar="SECONDS",
        help="the processor time in which each expression must end (default: 10)",
    )


def _check(options: argparse.Namespace) -> int:
    report = check_engine(
        options.engine,
        count=options.count,
        seed=options.seed,
        accumulates=options.accumulates,
        limit=options.limit,
        progress=True,
    )
    print(report)
    return 0 if report else 1
