"""Settings that change while a program runs: recording on or off, the current scope, fused layers, and hooks.

Each is a context variable, so that every thread and every asyncio task has its own. The engine reads the variables;
programs set them with blocks such as `with no_grad():` and `with scope("encoder"):`.
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
"""Called during a backward pass with each node and its gradient, before the gate's rule runs."""

ON_CUT: ContextVar[Callable[[Array], Array] | None] = ContextVar("on_cut", default=None)
"""Called with each array that passes through a cut; the array that it returns is used instead."""


class setting(ContextDecorator):
    """Set a context variable within a block, or during each call of a decorated function.

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
        return copy(self)  # a decorated function may call itself, and each call has a value of its own to restore


class no_grad(setting):
    """Within this block, or a decorated function, nothing is recorded and results require no gradient."""

    def __init__(self) -> None:
        super().__init__(RECORDING, False)


class enable_grad(setting):
    """Within this block recording is on, even inside `no_grad`."""

    def __init__(self) -> None:
        super().__init__(RECORDING, True)


class fused(setting):
    """Within this block layers that can run a whole sequence as one gate do so: faster, but with no steps to look at.

    >>> with fused():
    ...     FUSED.get()
    True
    """

    def __init__(self, on: bool = True) -> None:
        super().__init__(FUSED, on)


class scope(setting):
    """Name everything that is recorded within this block: drawings, errors and reports show the name.

    >>> with scope("encoder"), scope("t07"):
    ...     print(place(SCOPE.get()))
    in encoder/t07
    """

    def __init__(self, name: str) -> None:
        super().__init__(SCOPE, name)

    def __enter__(self) -> Self:
        self._before = SCOPE.get()
        SCOPE.set((*self._before, self.value))
        return self


def place(scope: Scope) -> str:
    """Where a scope is, as errors and reports say it: `in encoder/t07`, or `at the top level`."""
    return "in " + "/".join(scope) if scope else "at the top level"
