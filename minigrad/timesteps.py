"""The scopes of time steps: an unrolled layer records step 7 in the scope `t07`.

Drawings, reports and the profiler recognise a time step by that name.
"""

import re

from .context import Scope

PATTERN = r"t\d+"
ANY_STEP = "t*"
"""The name for all time steps together, where they share a row of a table."""


def step_name(t: int, steps: int) -> str:
    """The scope of step t out of `steps`: numbers as wide as the last one, so that the names sort.

    >>> step_name(7, 40)
    't07'
    """
    return f"t{t:0{max(2, len(str(steps - 1)))}d}"


def step_number(name: str) -> int | None:
    """The time step that a scope's name stands for, or None.

    >>> step_number("t07"), step_number("head")
    (7, None)
    """
    return int(name[1:]) if re.fullmatch(PATTERN, name) else None


def step_of(scope: Scope) -> tuple[Scope, int, Scope] | None:
    """(the scope that is unrolled, the time step, the scope within the step), or None if there is no time step.

    >>> step_of(("model", "rnn", "t07", "cell"))
    (('model', 'rnn'), 7, ('cell',))
    """
    for place, name in enumerate(scope):
        if (step := step_number(name)) is not None:
            return scope[:place], step, scope[place + 1 :]
    return None
