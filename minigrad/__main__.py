"""The command `minigrad`, also available as `python -m minigrad`."""

import argparse
import io
import os
import sys

from optim.diagnosis.command import add_diagnose
from optim.recording.command import add_record

from . import __version__
from .course.commands import add_course
from .errors import MinigradError
from .tools import commands
from .tools.check_engine import add_check_engine
from .tools.compare import add_compare


def main() -> int:
    """Run the command and return its exit code.

    The code is 0 for success, 1 for a wrong gradient, a fault of the training or graphs that differ,
    and 2 for an error.
    """
    parser = argparse.ArgumentParser(
        commands.program(),
        description="See how gradients flow: draw, explore, check and compare graphs, record and diagnose "
        "training.",
    )
    parser.add_argument("--version", action="version", version=f"minigrad {__version__}")
    parser.set_defaults(run=None, forwards=False)
    names = parser.add_subparsers(title="commands", metavar="COMMAND")
    commands.add_commands(names)
    add_check_engine(names)
    add_compare(names)
    add_diagnose(names)
    add_record(names)
    add_course(names)
    given = sys.argv[1:]
    end = given.index("--") if "--" in given else len(given)
    options, others = parser.parse_known_args(given[:end])
    if others and not options.forwards:
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    options.arguments = [*others, *given[end + 1 :]]
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # print ? for characters that the terminal lacks
    if options.run is None:
        parser.print_help()
        return 0
    try:
        return int(options.run(options))
    except MinigradError as error:
        print(commands.to_type(str(error)), file=sys.stderr)
        return 2
    except BrokenPipeError:  # the program that reads the output, such as `head`, ended
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("\nStopped by Ctrl-C.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
