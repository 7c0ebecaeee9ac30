"""The command `minigrad diagnose`: run a training script unmodified, and say why it does not learn."""

from __future__ import annotations

import argparse
import json
import sys
import traceback
from contextlib import ExitStack, redirect_stdout
from pathlib import Path
from typing import Any

from minigrad.tools.commands import check_exists, running, to_type

from ..recording.page import write
from ..recording.recorder import Recorder
from .page import page
from .report import examine
from .watch import Watch

DESCRIPTION = """Run a training script unmodified, watch it, and say why it does not learn.

    minigrad diagnose train.py                     the script's output, then at most three findings
    minigrad diagnose train.py --epochs 2          other options go to the script
    minigrad diagnose train.py -o page.html        also writes the page of the run with the findings
    minigrad diagnose train.py --json              prints JSON, and the script's output to stderr
    minigrad diagnose train.py -- -o runs          after --, also -o and --json go to the script

To test a suspicion, the command repeats the recorded steps with one thing changed, and shows both loss
curves. docs/diagnosis.md explains each finding.

Exit code: 0 nothing found, 1 a fault was named or nothing was learned, 2 the script failed and no
fault was named.
"""


def add_diagnose(commands: Any) -> None:
    """Add the command to argparse's subparsers."""
    parser = commands.add_parser(
        "diagnose",
        help="run a training script, and say why the network does not learn",
        description=to_type(DESCRIPTION),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,  # the script may have an option such as --js
    )
    parser.set_defaults(run=diagnose_script, forwards=True)
    parser.add_argument("script", type=Path, metavar="SCRIPT.py", help="the script to run")
    parser.add_argument("-o", dest="out", type=Path, metavar="FILE", help="write a page (HTML)")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def diagnose_script(options: argparse.Namespace) -> int:
    """Run the script inside a Watch, print the diagnosis, and return the exit code."""
    check_exists(options.script)
    watch, failed, stopped = Watch(), False, False
    recorder = Recorder()
    with ExitStack() as stack:
        if options.out is not None:
            stack.enter_context(recorder)
        if options.json:  # so that only JSON is on stdout
            stack.enter_context(redirect_stdout(sys.stderr))
        try:
            with watch:
                running(options.script, options.arguments)
        except SystemExit as end:
            failed = bool(end.code)
        except KeyboardInterrupt:
            stopped = True
        except Exception:
            failed = True
            traceback.print_exc()
    print("\nLooking for the cause ...", file=sys.stderr)
    result = examine(watch)
    if options.json:
        print(json.dumps(result.as_dict(), allow_nan=False, indent=1))
    else:
        print(f"\n{result}")
    if options.out is not None:
        write(options.out, page(result, recorder, options.script.name))
        print(f"\n{options.out}: the page of the run, with the findings", file=sys.stderr)
    if stopped:
        return 130
    return 1 if result else 2 * failed
