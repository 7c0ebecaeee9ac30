"""Ctrl-C between steps: a first one is noted, to be acted on when the step is done. Knows signals, no Trainer."""

from __future__ import annotations

import signal
import threading
from types import FrameType


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, raised where the state of a run is whole."""


class CtrlC:
    """Within `with ctrl_c:`, Ctrl-C is noted in `ctrl_c.came` in place of being raised.

    A second Ctrl-C acts at once, as it would without this, for a step that hangs. Outside the main thread, where
    Python delivers no signals, nothing changes.
    """

    came = False

    def __enter__(self) -> None:
        self.came = False
        self._before = None
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._note)

    def __exit__(self, *error: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.came = True
        signal.signal(signal.SIGINT, self._before)
