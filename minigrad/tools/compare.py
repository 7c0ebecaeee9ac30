"""The command `minigrad compare`: run two scripts unmodified, and name the first difference between
their graphs.
"""

import argparse
import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np

from ..debug.comparison import compare
from ..drawing.render import suffix_of
from ..random import seed
from ..tensor import Tensor
from .commands import check_exists, find_tensor, run_script, to_type

DESCRIPTION = """Run two scripts unmodified, and name the first difference between their graphs.

    minigrad compare mine.py theirs.py                  prints the first difference
    minigrad compare mine.py theirs.py -o both.html     also writes a page: both graphs step together
    minigrad compare mine.py theirs.py -o both.svg      also draws both graphs in two columns
    minigrad compare mine.py theirs.py --json           prints JSON, and the scripts' output to stderr

The command compares the tensors of the last backward() calls. `--name loss` selects another tensor by
the name of its variable or by its own name. The random generators of minigrad and NumPy start with
the same seed in both scripts. Pass arguments to both scripts after `--`.

Exit code: 0 the graphs are equal, 1 they differ, 2 a script failed.
"""


def add_compare(commands: Any) -> None:
    """Add the command to argparse's subparsers."""
    parser = commands.add_parser(
        "compare",
        help="name the first difference between the graphs of two scripts",
        description=to_type(DESCRIPTION),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=compare_scripts)
    for name in ("mine", "theirs"):
        parser.add_argument(name, type=Path, metavar=f"{name.upper()}.py", help="a script to run")
    parser.add_argument(
        "--name",
        help="a variable's or a tensor's name (default: the tensor of the last backward())",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument(
        "-o",
        "--out",
        metavar="FILE",
        type=Path,
        help="write a page (.html) or a picture (.svg, .png, .pdf, .dot)",
    )


def compare_scripts(options: argparse.Namespace) -> int:
    """Run both scripts, print the first difference, and return the exit code."""
    scripts = options.mine, options.theirs
    for script in scripts:
        check_exists(script)
    if options.out is not None and options.out.suffix != ".html":
        suffix_of(options.out)
    losses = []
    for script in scripts:
        # Only JSON is on stdout.
        with redirect_stdout(sys.stderr if options.json else sys.stdout):
            try:
                losses.append(_loss_of(script, options))
            except SystemExit:
                print(f"\n{script} failed, so there is nothing to compare.", file=sys.stderr)
                return 2
    result = compare(losses[0], losses[1], (str(scripts[0]), str(scripts[1])))
    print(json.dumps(result.as_dict(), indent=1) if options.json else f"\n{result}")
    if options.out is not None:
        print(f"\n{result.save(options.out)}: both graphs", file=sys.stderr)
    return 0 if result else 1


def _loss_of(script: Path, options: argparse.Namespace) -> Tensor:
    """Run a script, and return the tensor to compare."""
    seed(0)
    np.random.seed(0)  # noqa: NPY002  # the scripts may use it
    loaded = set(sys.modules)
    variables, last = run_script(script, options.arguments)
    folder = script.resolve().parent
    # The other script may import other modules with the same names from its own folder.
    for name in set(sys.modules) - loaded:
        file = getattr(sys.modules[name], "__file__", None)
        if file and folder in Path(file).resolve().parents:
            del sys.modules[name]
    return find_tensor(options.name, variables, last, script)[1]
