"""Settings that change while a program runs: recording on or off, the current scope, fused layers,
and hooks.

Most are context variables, so that every thread and every asyncio task has its own. The engine
reads the variables; programs set them with blocks such as `with no_grad():` and `with
scope("encoder"):`. Two are for the whole program:
OBSERVERS, for the profiler, and SEAMS, the functions that `minigrad.fast` replaces by faster ones.

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
import re
from collections.abc import Callable, Mapping
from contextlib import ContextDecorator
from contextvars import ContextVar, Token
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
"""The last one, if there is any, is asked to run each gate's call and each backward pass of every
thread.

`call(gate, inputs)` returns the gate's result, or None for the gate to compute it; `sweep(run)`
returns what `run()` returns. Empty unless a profile is open, so that all this costs a gate nothing.
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
    """The functions that `minigrad.fast` can replace by faster ones. Both give the same results, up
    to rounding.

    A seam is called as `SEAMS.add(...)`. Its plain version is where `@SEAMS.plain` stands: short
    and complete. The fast versions are listed in fast/__init__.py: `minigrad.fast.enable()` and
    `disable()` choose between the two for the whole program. Each is named here with the file that
    has the plain version:
    """

    add: Callable[..., Any]
    """backward.py: the sum of two gradients that arrive at one node."""

    scatter: Callable[..., Any]
    """gates/indexing.py: the gradient of indexing and look-ups, zeros with values added at a
    key."""

    make_table: Callable[..., Any]
    """gates/rows.py: a parameter that is read by rows."""

    read_rows: Callable[..., Any]
    """gates/rows.py: the array of a table, for code that reads only some of its rows."""

    in_blocks: Callable[[Any], bool]
    """gates/loss.py: whether an array is worked on block by block."""

    distinct_ids: Callable[..., Any]
    """gates/fused/lookup_product.py: the distinct ones of some ids, and the place of each id among
    them."""

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

_OPEN: ContextVar[tuple[tuple["setting", Token[Any]], ...]] = ContextVar("open", default=())
"""The blocks that are open, from the outside in, each with the token that restores its variable."""


class setting(ContextDecorator):
    """Set a context variable within a block, or during each call of a decorated function.

    >>> with setting(SCOPE, ("encoder",)):
    ...     SCOPE.get()
    ('encoder',)

    One object may be entered several times, by functions that call themselves and by several
    threads. Blocks close in order: one that is left closes those that were opened within it, such
    as that of a generator which still waits.

    Errors: OptionError for decorating a generator or a coroutine (MG131).
    """

    def __init__(self, variable: ContextVar[Any], value: Any) -> None:
        self.variable, self.value = variable, value

    def inner_value(self) -> Any:
        """The value within the block."""
        return self.value

    def __enter__(self) -> Self:
        token = self.variable.set(self.inner_value())
        _OPEN.set((*_OPEN.get(), (self, token)))
        return self

    def __exit__(self, *error: object) -> None:
        tokens = []
        for block, token in reversed(_OPEN.get()):
            tokens.append(token)
            if block is self:
                for inner in tokens:
                    inner.var.reset(inner)
                _OPEN.set(_OPEN.get()[: -len(tokens)])
                return

    def __call__(self, function: F) -> F:
        """The function with this setting during each call."""
        for waits in (
            inspect.isgeneratorfunction,
            inspect.iscoroutinefunction,
            inspect.isasyncgenfunction,
        ):
            if waits(function):
                raise OptionError(
                    "MG131",
                    f"{type(self).__name__} cannot decorate {function.__qualname__}: it is a "
                    "generator or a coroutine",
                    cause="the setting would hold for the caller too, whenever the function waits "
                    "at a yield or await",
                    remedy="open the block inside, and close it before each yield",
                )
        return super().__call__(function)


class no_grad(setting):
    """Within this block, or a decorated function, nothing is recorded and results require no
    gradient.
    """

    def __init__(self) -> None:
        super().__init__(RECORDING, False)


class enable_grad(setting):
    """Within this block recording is on, even inside `no_grad`."""

    def __init__(self) -> None:
        super().__init__(RECORDING, True)


class fused(setting):
    """Within this block layers that can run a whole sequence as one gate do so: faster, but with no
    steps to look at.

    >>> with fused():
    ...     FUSED.get()
    True
    """

    def __init__(self, on: bool = True) -> None:
        super().__init__(FUSED, on)


class scope(setting):
    """Name everything that is recorded within this block: drawings, errors and reports show the
    name.

    >>> with scope("encoder"), scope("t07"):
    ...     print(scope_label(SCOPE.get()))
    in encoder/t07

    Errors: OptionError for decorating a generator (MG131).
    """

    def __init__(self, name: str) -> None:
        super().__init__(SCOPE, name)

    def inner_value(self) -> Scope:
        return (*SCOPE.get(), self.value)


def scope_label(scope: Scope) -> str:
    """Where a scope is, as errors and reports say it: `in encoder/t07`, or `at the top level`."""
    return printable("in " + "/".join(scope)) if scope else "at the top level"


# ---- the scopes of time steps: an unrolled layer records step 7 in the scope `t07` ----

STEP_PATTERN = r"t\d+"
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
    return int(name[1:]) if re.fullmatch(STEP_PATTERN, name) else None


def step_of(scope: Scope) -> tuple[Scope, int, Scope] | None:
    """(the scope that is unrolled, the time step, the scope within the step), or None if there is
    no time step.

    >>> step_of(("model", "rnn", "t07", "cell"))
    (('model', 'rnn'), 7, ('cell',))
    """
    for place, name in enumerate(scope):
        if (step := step_number(name)) is not None:
            return scope[:place], step, scope[place + 1 :]
    return None
