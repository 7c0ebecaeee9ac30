"""A slower computer: the browser's pages, and the Python in them, get a part of the processor's time.

Chromium's own throttling does not reach workers, where Python runs: in the session of a worker,
Emulation.setCPUThrottlingRate is refused ("Operation is only supported for pages, not workers"), and in
the session of its page, it slows down only the page's own thread.
"""

import contextlib
import os
import signal
import threading
import time
from pathlib import Path

SLICE = 0.01
"""How many seconds a page runs before it is stopped."""


@contextlib.contextmanager
def slowed(browser, times):
    """Slow down all pages of a browser. `browser` is the id of its process, or of one that started it."""
    ended = threading.Event()

    def throttle():
        pages, seen = [], 0.0
        while not ended.is_set():
            if time.monotonic() - seen > 1:
                pages, seen = renderers(browser), time.monotonic()
            send(pages, signal.SIGSTOP)
            ended.wait(SLICE * (times - 1))
            send(pages, signal.SIGCONT)
            time.sleep(SLICE)

    thread = threading.Thread(target=throttle)
    if times > 1:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        if times > 1:
            thread.join()


def send(processes, number):
    """Send a signal to the processes that still exist."""
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)


def renderers(ancestor):
    """Return the ids of the processes below `ancestor` that run a browser's pages. Linux only."""
    parents, found = {}, []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parents[int(folder.name)] = int(
                (folder / "stat").read_text().rpartition(")")[2].split()[1]
            )
            if b"--type=renderer" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))

    def below(process):
        return process == ancestor or (process in parents and below(parents[process]))

    return [process for process in found if below(process)]
