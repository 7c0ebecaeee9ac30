"""Why does a network not learn? Watch a training run, suspect a cause, and prove it by repeating the
recorded steps with one thing changed.

`watch` records what happened. The suspects examine this record. Each family of them has a file:
`bookkeeping`, `data`, `outputs`, `start`, `steps` and `evaluation`. `trial` repeats the recorded
steps, and `report` says what was found. `optim.diagnose` and the command `minigrad diagnose` use
them.
"""

from __future__ import annotations

from typing import Self

from .finding import Finding
from .report import Diagnosis, examine
from .watch import Watch

__all__ = ["Diagnosis", "Finding", "Watch", "diagnose", "examine"]


class diagnose:
    """Watch the training in this block, and print why it does not learn.

    The block changes nothing: losses, files and random numbers are the same as without it, and
    exceptions pass through. After the block, `result` is the Diagnosis, which is true if something
    was found.

    >>> import minigrad as mg
    >>> from optim import SGD
    >>> w = mg.Tensor([[1.0]], requires_grad=True, name="w")
    >>> optimizer = SGD([w], lr=0.1)
    >>> with diagnose() as diagnosis:
    ...     for step in range(5):
    ...         loss = mg.mean_squared_error([[1.0], [2.0]] @ w, [[3.0], [6.0]])
    ...         loss.backward()
    ...         optimizer.step()
    1. the gradients are not cleared: 4 of 5 steps used gradients that an earlier
    ...
    >>> diagnosis.result.findings[0].code
    'gradients-not-cleared'

    Errors: only those of the code in the block. Source: Schoop et al., UMLAUT (2021), and Zhang et
    al., AUTOTRAINER (2021), which watch training for symptoms.

    Since: 0.2.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self.result = Diagnosis()

    def __enter__(self) -> Self:
        self.watch = Watch()
        self.watch.__enter__()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.watch.__exit__(kind, error, trace)
        if isinstance(error, KeyboardInterrupt | SystemExit):
            return
        self.result = examine(self.watch)
        if not self.quiet:
            print(self.result)
