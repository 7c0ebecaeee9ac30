"""Settings that change while a program runs: recording on or off, the current scope, fused layers, and hooks.

Each is a context variable, so that every thread and every asyncio task has its own. The engine reads the variables;
programs set them with blocks such as `with no_grad():` and `with scope("encoder"):`.

>>> from minigrad import Tensor
>>> x = Tensor(1.0, requires_grad=True)
>>> with no_grad():
...     y = 2 * x
...     with enable_grad():
...         z = 2 * x
>>> y.requires_grad, z.requires_grad
(False, True)
"""

import inspect
from collections.abc import Callable
from contextvars import ContextVar
from copy import copy
from functools import partial, wraps
from typing import Any, Self, TypeVar, cast

from .errors import OptionError
from .printing import printable

Scope = tuple[str, ...]
F = TypeVar("F", bound=Callable[..., Any])

RECORDING: ContextVar[bool] = ContextVar("recording", default=True)
SCOPE: ContextVar[Scope] = ContextVar("scope", default=())
FUSED: ContextVar[bool] = ContextVar("fused", default=False)

ON_RECORD: ContextVar[Callable[[Any], None] | None] = ContextVar("on_record", default=None)
"""Called with each node that is recorded."""

ON_GRADIENT: ContextVar[Callable[[Any, Any], None] | None] = ContextVar("on_gradient", default=None)
"""Called during a backward pass with each node and its gradient, before the gate's rule runs."""

ON_CUT: ContextVar[Callable[[Any], Any] | None] = ContextVar("on_cut", default=None)
"""Called with each array that passes through a cut; the array that it returns is used instead."""

_OPEN: ContextVar[tuple["setting", ...]] = ContextVar("open", default=())


class setting:
    """Set a context variable within a block, or during each call of a decorated function.

    >>> with setting(SCOPE, ("encoder",)):
    ...     SCOPE.get()
    ('encoder',)

    Errors: OptionError for decorating an async generator (MG131).
    """

    def __init__(self, variable: ContextVar[Any], value: Any) -> None:
        self.variable, self.value = variable, value

    def __enter__(self) -> Self:
        self._before = self.variable.get()
        self.variable.set(self._inner_value())
        _OPEN.set((*_OPEN.get(), self))
        return self

    def _inner_value(self) -> Any:
        """The value within the block."""
        return self.value

    def __exit__(self, *error: object) -> None:
        open_blocks = _OPEN.get()
        if open_blocks and open_blocks[-1] is self:
            self.variable.set(self._before)
            _OPEN.set(open_blocks[:-1])
        elif self in open_blocks:  # generators that take turns may end their blocks in any order
            place = open_blocks.index(self)
            inner = [block for block in open_blocks[place + 1 :] if block.variable is self.variable]
            if inner:
                inner[0]._before = self._before
            else:
                self.variable.set(self._before)
            _OPEN.set(open_blocks[:place] + open_blocks[place + 1 :])

    def __call__(self, function: F) -> F:
        """The function with this setting during each call; of a generator, whenever it runs, and not at a yield."""
        if inspect.isasyncgenfunction(function):
            raise OptionError(
                "MG131",
                f"{type(self).__name__} cannot decorate the async generator {function.__qualname__}",
                cause="the setting would hold for the caller too, whenever the generator waits at a yield",
                remedy="open the block inside, and close it before each yield",
            )
        kind = next(k for k in (inspect.iscoroutinefunction, inspect.isgeneratorfunction, callable) if k(function))
        return cast(F, wraps(function)(_DECORATED[kind](function, self)))


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

    Errors: OptionError for a name that is empty or no text (MG132); as decorator, MG131.
    """

    def __init__(self, name: str) -> None:
        if type(name) is not str or not name:
            raise OptionError(
                "MG132",
                f"a scope cannot be called {name!r}",
                cause="drawings, errors and reports show the name",
                remedy="give a name in text, such as 'encoder'",
            )
        super().__init__(SCOPE, name)

    def _inner_value(self) -> Scope:
        return (*SCOPE.get(), self.value)


def _function(function: Any, block: setting) -> Any:
    def run(*arguments: Any, **options: Any) -> Any:
        with copy(block):  # the function may call itself, and each call has a value of its own to restore
            return function(*arguments, **options)

    return run


def _coroutine(function: Any, block: setting) -> Any:
    async def run(*arguments: Any, **options: Any) -> Any:
        with copy(block):
            return await function(*arguments, **options)

    return run


def _generator(function: Any, block: setting) -> Any:
    def run(*arguments: Any, **options: Any) -> Any:
        generator = function(*arguments, **options)
        resume: Any = partial(next, generator)
        while True:
            with copy(block):
                try:
                    item = resume()
                except StopIteration as stop:
                    return stop.value
            try:
                resume = partial(generator.send, (yield item))
            except GeneratorExit:
                with copy(block):
                    generator.close()
                raise
            except BaseException as error:
                resume = partial(generator.throw, error)

    return run


_DECORATED: dict[Any, Any] = {
    inspect.iscoroutinefunction: _coroutine, inspect.isgeneratorfunction: _generator, callable: _function,
}  # fmt: skip


def place(scope: Scope) -> str:
    """Where a scope is, as errors and reports say it: `in encoder/t07`, or `at the top level`."""
    return printable("in " + "/".join(scope)) if scope else "at the top level"
