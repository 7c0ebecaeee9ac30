"""Stop code that takes too long, such as a backward pass that never ends."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import FrameSummary, extract_tb
from typing import Any

PACKAGE = str(Path(__file__).parents[2]) + os.sep


class TooLong(BaseException):
    """The code has used up its processor time.

    This is not an Exception, because an engine may catch those.
    """


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise TooLong in the block after this much processor time, of Python and of the system.

    A signal interrupts the block. Where there are no such signals, as on Windows, in Pyodide and
    in threads, Python looks at the clock before each line, which makes the block slower.
    """
    if (
        hasattr(signal, "setitimer")
        and sys.platform != "emscripten"
        and threading.current_thread() is threading.main_thread()
    ):
        signal.signal(signal.SIGPROF, _stop)
        # Repeat, because Python ignores an exception in a destructor.
        signal.setitimer(signal.ITIMER_PROF, seconds, seconds)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        return
    end = time.process_time() + seconds

    def trace(*_: Any) -> Any:
        if time.process_time() > end:
            _stop()
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


def _stop(*_: Any) -> None:
    raise TooLong


def calls_outside(error: BaseException) -> list[FrameSummary]:
    """Return the calls that were running outside minigrad when the error was raised."""
    calls = extract_tb(error.__traceback__)
    outside = [one for one in calls if not one.filename.startswith(PACKAGE)]
    return outside or calls
