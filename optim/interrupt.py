"""Ctrl-C between steps: a first one is noted, to be acted on when the step is done. Knows signals, no Trainer."""

from __future__ import annotations

import signal
import threading
from types import FrameType


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, raised where the state of a run is whole."""


class CtrlC:
    """Within `with ctrl_c:`, Ctrl-C is noted in `ctrl_c.came` in place of being raised.

    A second Ctrl-C acts at once, as it would without this, for a step that hangs. Where Ctrl-C is ignored, and outside
    the main thread, to which Python delivers signals, nothing changes.
    """

    came = False

    def __enter__(self) -> None:
        self._before = signal.getsignal(signal.SIGINT)
        self._watching = threading.current_thread() is threading.main_thread() and self._before is not signal.SIG_IGN
        if self._watching:
            signal.signal(signal.SIGINT, self._note)

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        came, self.came = self.came, False
        if self._watching:
            signal.signal(signal.SIGINT, self._before)
        if came and kind is None:  # it came after the last time that anybody looked
            raise Interrupted

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.came = True
        signal.signal(signal.SIGINT, self._before)
