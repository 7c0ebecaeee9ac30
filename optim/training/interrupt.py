"""Handle Ctrl-C during training, so the run finishes its current step before it ends."""

import signal
import threading


class Interrupted(KeyboardInterrupt):
    """Raised for Ctrl-C between two steps, when the state of a run is complete."""


class CtrlC:
    """Within `with ctrl_c:`, the first Ctrl-C sets `ctrl_c.came` instead of raising
    KeyboardInterrupt.

    A second Ctrl-C raises KeyboardInterrupt immediately, in case a step hangs. The block has no
    effect if the program ignores Ctrl-C. It also has no effect outside the main thread, because
    Python delivers signals only to the main thread.
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
        came = self.came
        self.came = False
        if self._watching:
            signal.signal(signal.SIGINT, self._before)
        if came and error[0] is None:  # Ctrl-C arrived after the last check of `came`
            raise Interrupted

    def _note(self, *_: object) -> None:
        self.came = True
        signal.signal(signal.SIGINT, self._before)
