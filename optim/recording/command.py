"""The command `minigrad record`: run a training script unmodified, and write the page of the run."""

from __future__ import annotations

import argparse
import sys
import traceback
from pathlib import Path
from typing import Any

from minigrad.errors import OptionError
from minigrad.tools.commands import check_exists, running, to_type

from .page import page, write
from .recorder import Recorder

DESCRIPTION = """Run a training script unmodified, and write a page that shows what happened over time.

    minigrad record train.py                   writes train_run.html
    minigrad record train.py -o run.html       writes another file
    minigrad record train.py --epochs 2        other options go to the script
    minigrad record train.py -- -o runs        after --, also -o goes to the script

The page has a slider over the recorded steps, and shows the weights, gradients and outputs of each
layer at each of them. Open it in a browser; it needs no network. docs/recording.md explains it.

After Ctrl-C or an error of the script, the page shows the steps so far.

Exit code: the script's own, 130 after Ctrl-C, 1 after an error, 2 if there is nothing to show.
"""


def add_record(commands: Any) -> None:
    """Add the command to argparse's subparsers."""
    parser = commands.add_parser(
        "record",
        help="run a training script, and write a page of what happened over time",
        description=to_type(DESCRIPTION),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=record_script, forwards=True)
    parser.add_argument(
        "script",
        type=Path,
        metavar="SCRIPT.py",
        help="the script to run",
    )
    parser.add_argument(
        "-o",
        dest="out",
        type=Path,
        metavar="FILE",
        help="the file to write (default: SCRIPT_run.html)",
    )


def record_script(options: argparse.Namespace) -> int:
    """Run the script inside a Recorder, write the page, and return the exit code."""
    check_exists(options.script)
    name, code = options.script.name, 0
    recorder = Recorder()
    try:
        with recorder:
            running(options.script, options.arguments)
    except SystemExit as end:
        code = int(end.code is not None)
        if isinstance(end.code, int):
            code = end.code
        elif end.code is not None:
            print(end.code, file=sys.stderr)
    except KeyboardInterrupt:
        code = 130
    except Exception:
        traceback.print_exc()
        code = 1
    check_recorded(recorder, name)
    out = options.out or Path(f"{options.script.stem}_run.html")
    write(out, page(recorder, name))
    steps = sum(len(run.losses) for run in recorder.runs)
    print(
        f"\n{out}: {steps:,} steps. Open it in a browser.",
        file=sys.stderr,
    )
    return code


def check_recorded(recorder: Recorder, name: str) -> None:
    """Raise OptionError MG809 if nothing was recorded."""
    if not recorder.runs:
        raise OptionError(
            "MG809",
            f"{name} has no step to record",
            cause="a step is a call of backward() on a loss with parameters, and the script ended "
            "before the first one",
            remedy="call loss.backward() in the training loop",
        )
