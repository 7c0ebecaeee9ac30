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
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import partial, wraps
from typing import Any, Self, TypeVar, cast

from .errors import OptionError
from .support.text import printable

Scope = tuple[str, ...]
F = TypeVar("F", bound=Callable[..., Any])

RECORDING: ContextVar[bool] = ContextVar("recording", default=True)
SCOPE: ContextVar[Scope] = ContextVar("scope", default=())
FUSED: ContextVar[bool] = ContextVar("fused", default=False)

ON_RECORD: ContextVar[Callable[[Any], None] | None] = ContextVar("on_record", default=None)
"""Called with each node that is recorded."""

ON_GRADIENT: ContextVar[Callable[[Any, Any], None] | None] = ContextVar("on_gradient", default=None)
"""Called during a backward pass with each node and its gradient, before the gate's rule runs."""

OBSERVERS: list[Any] = []
"""The last one, if there is any, is asked to run each gate's call and each backward pass of every thread.

`call(gate, inputs)` returns the gate's result, or None for the gate to compute it; `sweep(run)` returns what `run()`
returns. Empty unless a profile is open, so that all this costs a gate nothing.
"""

ON_CUT: ContextVar[Callable[[Any], Any] | None] = ContextVar("on_cut", default=None)
"""Called with each array that passes through a cut; the array that it returns is used instead."""


def observed(sweep: F) -> F:
    """A backward pass that the last of the OBSERVERS runs."""

    @wraps(sweep)
    def run(*arguments: Any, **options: Any) -> Any:
        if OBSERVERS:
            return OBSERVERS[-1].sweep(partial(sweep, *arguments, **options))
        return sweep(*arguments, **options)

    return cast(F, run)


class Seams:
    """The functions that `minigrad.fast` can replace by faster ones. Both give the same results, up to rounding.

    A seam is called as `SEAMS.add(...)`. Its plain version is where `@SEAMS.plain` stands: short and complete. The fast
    versions are listed in fast/__init__.py: `minigrad.fast.enable()` and `disable()` choose between the two for the
    whole program. Each is named here with the file that has the plain version:
    """

    add: Callable[..., Any]
    """backward.py: the sum of two gradients that arrive at one node."""

    scatter: Callable[..., Any]
    """gates/indexing.py: the gradient of indexing and look-ups, zeros with values added at a key."""

    make_table: Callable[..., Any]
    """gates/rows.py: a parameter that is read by rows."""

    read_rows: Callable[..., Any]
    """gates/rows.py: the array of a table, for code that reads only some of its rows."""

    in_blocks: Callable[[Any], bool]
    """gates/loss.py: whether an array is worked on block by block."""

    distinct_ids: Callable[..., Any]
    """gates/fused/lookup_product.py: the distinct ones of some ids, and the place of each id among them."""

    sum_by_place: Callable[..., Any]
    """gates/fused/lookup_product.py: the sums of the values of each place."""

    fuse_layers: bool = False
    """layers/fused.py: whether recurrent layers may choose to run a whole sequence as one gate."""

    def __init__(self) -> None:
        self.plain_versions: dict[str, Any] = {"fuse_layers": False}

    def plain(self, function: F) -> F:
        """Decorate the plain version of the seam of that name."""
        self.plain_versions[function.__name__] = function
        setattr(self, function.__name__, function)
        return function

    def use(self, versions: Mapping[str, Any]) -> None:
        """Call these versions from now on."""
        for name, version in versions.items():
            setattr(self, name, version)


SEAMS = Seams()

_OPEN: ContextVar[tuple[tuple["setting", ContextVar[Any], Any], ...]] = ContextVar("open", default=())
"""For each variable that a block has set, from the outside in: the block, the variable, and its value before."""


class setting:
    """Set a context variable within a block, or during each call of a decorated function.

    >>> with setting(SCOPE, ("encoder",)):
    ...     SCOPE.get()
    ('encoder',)

    One object may be entered several times, by functions that call themselves and by several threads.

    Errors: OptionError for decorating an async generator (MG131).
    """

    def __init__(self, variable: ContextVar[Any], value: Any) -> None:
        self.variable, self.value = variable, value

    def __enter__(self) -> Self:
        self._set(self.variable, self._inner_value())
        return self

    def _set(self, variable: ContextVar[Any], value: Any) -> None:
        # The value before is kept in the context and not in the block, which may be entered again before it is left.
        _OPEN.set((*_OPEN.get(), (self, variable, variable.get())))
        variable.set(value)

    def _inner_value(self) -> Any:
        """The value within the block."""
        return self.value

    def __exit__(self, *error: object) -> None:
        self._reset(self.variable)

    def _reset(self, variable: ContextVar[Any]) -> None:
        blocks = _OPEN.get()
        if blocks and blocks[-1][0] is self and blocks[-1][1] is variable:
            variable.set(blocks[-1][2])
            _OPEN.set(blocks[:-1])
            return
        # Generators that take turns may end their blocks in any order.
        inner = None  # the outermost block within this one that has set the variable too
        for place in reversed(range(len(blocks))):
            block, changed, before = blocks[place]
            if block is self and changed is variable:
                rest = [*blocks[:place], *blocks[place + 1 :]]
                if inner is None:
                    variable.set(before)
                else:
                    rest[inner - 1] = (*blocks[inner][:2], before)
                _OPEN.set(tuple(rest))
                return
            if changed is variable:
                inner = place

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
        with block:
            return function(*arguments, **options)

    return run


def _coroutine(function: Any, block: setting) -> Any:
    async def run(*arguments: Any, **options: Any) -> Any:
        with block:
            return await function(*arguments, **options)

    return run


def _generator(function: Any, block: setting) -> Any:
    def run(*arguments: Any, **options: Any) -> Any:
        generator = function(*arguments, **options)
        resume: Any = partial(next, generator)
        while True:
            with block:
                try:
                    item = resume()
                except StopIteration as stop:
                    return stop.value
            try:
                resume = partial(generator.send, (yield item))
            except GeneratorExit:
                with block:
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
