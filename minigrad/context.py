"""What is switched on while a program runs: recording, scopes, fused layers, and hooks for those who watch.

Each switch is a context variable, so that every thread, and every task of asyncio, has its own. A reader finds here the
blocks that set them: `with no_grad():`, `with scope("encoder"):`. The engine reads the variables themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ContextDecorator
from contextvars import ContextVar
from copy import copy
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from .arrays import Array

Scope = tuple[str, ...]

RECORDING: ContextVar[bool] = ContextVar("recording", default=True)
SCOPE: ContextVar[Scope] = ContextVar("scope", default=())
FUSED: ContextVar[bool] = ContextVar("fused", default=False)

ON_RECORD: ContextVar[Callable[[Any], None] | None] = ContextVar("on_record", default=None)
"""Called with each node that is recorded."""

ON_GRADIENT: ContextVar[Callable[[Any, Any], None] | None] = ContextVar("on_gradient", default=None)
"""Called in a backward pass with each node and its gradient, before the gate's rule runs."""

ON_CUT: ContextVar[Callable[[Array], Array] | None] = ContextVar("on_cut", default=None)
"""Called with each array that a cut lets through; what it returns goes on instead."""


class setting(ContextDecorator):
    """Give a context variable another value within a block, or within each call of the function it decorates.

    >>> with setting(SCOPE, ("encoder",)):
    ...     SCOPE.get()
    ('encoder',)
    """

    def __init__(self, variable: ContextVar[Any], value: Any) -> None:
        self.variable, self.value = variable, value

    def __enter__(self) -> Self:
        self._before = self.variable.get()
        self.variable.set(self.value)
        return self

    def __exit__(self, *error: object) -> None:
        self.variable.set(self._before)

    def _recreate_cm(self) -> Self:
        return copy(self)  # a decorated function may call itself: each call restores what it found


class no_grad(setting):
    """Within this block, or the function it decorates, nothing is recorded and results want no gradient."""

    def __init__(self) -> None:
        super().__init__(RECORDING, False)


class enable_grad(setting):
    """Within this block recording is on, even inside `no_grad`."""

    def __init__(self) -> None:
        super().__init__(RECORDING, True)


class fused(setting):
    """Within this block layers that can run a whole sequence as one gate do: faster, and with less to look at.

    >>> with fused():
    ...     FUSED.get()
    True
    """

    def __init__(self, on: bool = True) -> None:
        super().__init__(FUSED, on)


class scope(setting):
    """Give a name to all that is recorded within this block: drawings, errors and reports speak of it.

    >>> with scope("encoder"), scope("t07"):
    ...     print(show(SCOPE.get()))
    encoder/t07
    """

    def __init__(self, name: str) -> None:
        super().__init__(SCOPE, name)

    def __enter__(self) -> Self:
        self._before = SCOPE.get()
        SCOPE.set((*self._before, self.value))
        return self


def show(scope: Scope) -> str:
    """A scope as people read it: `encoder/t07`, or `the top level`."""
    return "/".join(scope) or "the top level"
