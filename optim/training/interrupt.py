"""Ctrl-C during training: the first one is only noted, so that the run can finish its step before
it ends.
"""

import signal
import threading


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, raised between two steps, where the state of a run is complete."""


class CtrlC:
    """Within `with ctrl_c:`, Ctrl-C is noted in `ctrl_c.came` instead of being raised.

    A second Ctrl-C is raised at once, in case a step hangs. Nothing changes where Ctrl-C is
    ignored, or in any thread but the main one, because Python delivers signals only to that.
    """

    came = False

    def __enter__(self) -> None:
        self._before = signal.getsignal(signal.SIGINT)
        self._watching = (
            threading.current_thread() is threading.main_thread()
            and self._before is not signal.SIG_IGN
        )
        if self._watching:
            signal.signal(signal.SIGINT, self._note)

    def __exit__(self, *error: object) -> None:
        came, self.came = self.came, False
        if self._watching:
            signal.signal(signal.SIGINT, self._before)
        if came and error[0] is None:  # it came after the last look at `came`
            raise Interrupted

    def _note(self, *_: object) -> None:
        self.came = True
        signal.signal(signal.SIGINT, self._before)
