"""Settings that change while a program runs: recording, the current scope, fused layers, and hooks.

Most settings are context variables, so every thread and every asyncio task has its own value.
Programs set them with blocks such as `with no_grad():` and `with scope("encoder"):`, and the engine
reads them. Two settings apply to the whole program: OBSERVERS, for the profiler, and SEAMS, the
functions that `minigrad.fast` replaces with faster ones.

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
"""A function that is called with each node when the node is recorded."""

ON_GRADIENT: ContextVar[Callable[[Any, Any], None] | None] = ContextVar("on_gradient", default=None)
"""A function that a backward pass calls with each node and its gradient, before it runs the node's
rule."""

OBSERVERS: list[Any] = []
"""Objects that run the gate calls and backward passes of all threads. Only the last one is used.

An observer's `call(gate, inputs)` returns the gate's result, or None to let the gate compute the
result. Its `sweep(run)` returns the result of `run()`. The list is empty unless a profile is open,
so it normally adds no overhead.
"""

ON_CUT: ContextVar[Callable[[Any], Any] | None] = ContextVar("on_cut", default=None)
"""A function that is called with each array that passes through a cut. It returns the array that
continues after the cut."""

ON_LAYER: ContextVar[Callable[[Any], None] | None] = ContextVar("on_layer", default=None)
"""A function that is called with each layer before the layer runs."""

SUM_OVER_RANKS: ContextVar[Callable[[Any], Any] | None] = ContextVar("sum_over_ranks", default=None)
"""A function that sums a Tensor over all processes that train the model, each on its share of a
batch; or None for a single process."""


def observed(sweep: F) -> F:
    """Wrap a backward pass so that the last of the OBSERVERS, if any, runs it."""

    @wraps(sweep)
    def run(*arguments: Any, **options: Any) -> Any:
        if OBSERVERS:
            return OBSERVERS[-1].sweep(partial(sweep, *arguments, **options))
        return sweep(*arguments, **options)

    return cast(F, run)


class Seams:
    """The functions that `minigrad.fast` can replace with faster ones.

    The engine calls a seam as a method, such as `SEAMS.add(...)`. Each seam has a short plain
    version, decorated with `@SEAMS.plain`, and a fast version, listed in fast/__init__.py. Both
    versions return the same results, up to rounding. `minigrad.fast.enable()` and `disable()`
    choose the version for the whole program. Each description below starts with the file that
    contains the plain version.
    """

    add: Callable[..., Any]
    """backward.py: add two gradients of the same node."""

    scatter: Callable[..., Any]
    """gates/indexing.py: add values to an array of zeros at an index. The result is the gradient of
    indexing or of a look-up."""

    make_table: Callable[..., Any]
    """gates/rows.py: make a parameter whose rows can be read individually."""

    read_rows: Callable[..., Any]
    """gates/rows.py: return a table's array, for code that reads only some of its rows."""

    in_blocks: Callable[[Any], bool]
    """gates/loss.py: return whether to process an array block by block."""

    distinct_ids: Callable[..., Any]
    """gates/fused/lookup_product.py: return the distinct ids, and the position of each id among
    them."""

    sum_by_place: Callable[..., Any]
    """gates/fused/lookup_product.py: sum the values that share a position."""

    fuse_layers: bool = False
    """layers/fused.py: True if recurrent layers may run a whole sequence as one gate."""

    def __init__(self) -> None:
        self.plain_versions: dict[str, Any] = {"fuse_layers": False}

    def plain(self, function: F) -> F:
        """Register a function as the plain version of the seam with the same name."""
        self.plain_versions[function.__name__] = function
        setattr(self, function.__name__, function)
        return function

    def use(self, versions: Mapping[str, Any]) -> None:
        """Use these versions of the seams from now on."""
        for name, version in versions.items():
            setattr(self, name, version)


SEAMS = Seams()

_OPEN: ContextVar[Any] = ContextVar("open", default=None)
"""The innermost open block, the token that restores its variable, and the same for the block around
it; or None.
"""


class setting(ContextDecorator):
    """Set a context variable within a block, or during each call of a decorated function.

    >>> with setting(SCOPE, ("encoder",)):
    ...     SCOPE.get()
    ('encoder',)

    The same object can be entered several times, for example in a recursive function or in several
    threads. Closing a block also closes the blocks inside it that are still open, such as a block
    in an unfinished generator.

    Errors: OptionError if the decorated function is a generator or a coroutine (MG131).
    """

    def __init__(self, variable: ContextVar[Any], value: Any) -> None:
        self.variable, self.value = variable, value

    def inner_value(self) -> Any:
        """Return the variable's value within the block."""
        return self.value

    def __enter__(self) -> Self:
        token = self.variable.set(self.inner_value())
        _OPEN.set((self, token, _OPEN.get()))
        return self

    def __exit__(self, *error: object) -> None:
        tokens, around = [], _OPEN.get()
        while around:
            block, token, around = around
            tokens.append(token)
            if block is self:
                for inner in tokens:
                    inner.var.reset(inner)
                _OPEN.set(around)
                return

    def __call__(self, function: F) -> F:
        """Decorate a function: the setting applies during each call."""
        for waits in (
            inspect.isgeneratorfunction,
            inspect.iscoroutinefunction,
            inspect.isasyncgenfunction,
        ):
            if waits(function):
                raise OptionError(
                    "MG131",
                    f"{type(self).__name__} cannot decorate {function.__qualname__}, which is a "
                    "generator or a coroutine",
                    cause="the setting would also apply to the caller whenever the function "
                    "pauses at a yield or await",
                    remedy="open a `with` block inside the function, and close it before each "
                    "yield or await",
                )
        return super().__call__(function)


class no_grad(setting):
    """Turn recording off within a block or a decorated function. Results require no gradient."""

    def __init__(self) -> None:
        super().__init__(RECORDING, False)


class enable_grad(setting):
    """Turn recording on within a block, even inside `no_grad`."""

    def __init__(self) -> None:
        super().__init__(RECORDING, True)


class fused(setting):
    """Let recurrent layers run a whole sequence as one gate within a block, where possible.

    This is faster, but the graph does not show the time steps.

    >>> with fused():
    ...     FUSED.get()
    True
    """

    def __init__(self, on: bool = True) -> None:
        super().__init__(FUSED, on)


class scope(setting):
    """Name the part of the graph that a block records. Drawings, errors and reports show the name.

    >>> with scope("encoder"), scope("t07"):
    ...     print(scope_label(SCOPE.get()))
    in encoder/t07

    Errors: OptionError if the decorated function is a generator or a coroutine (MG131).
    """

    def __init__(self, name: str) -> None:
        super().__init__(SCOPE, name)

    def inner_value(self) -> Scope:
        return (*SCOPE.get(), self.value)


def scope_label(scope: Scope) -> str:
    """Return the text that errors and reports use for a scope: `in encoder/t07`, or `at the top level`."""
    return printable("in " + "/".join(scope)) if scope else "at the top level"


# ---- scopes of time steps: an unrolled layer records step 7 in the scope `t07` ----

STEP_PATTERN = r"t\d+"
ANY_STEP = "t*"
"""The scope name of a table row that combines all time steps."""


def step_name(t: int, steps: int) -> str:
    """Return the scope name of time step t out of `steps`. Leading zeros make the names sort in
    time order.

    >>> step_name(7, 40)
    't07'
    """
    return f"t{t:0{max(2, len(str(steps - 1)))}d}"


def step_number(name: str) -> int | None:
    """Return the number of the time step that a scope name represents, or None.

    >>> step_number("t07"), step_number("head")
    (7, None)
    """
    return int(name[1:]) if re.fullmatch(STEP_PATTERN, name) else None


def step_of(scope: Scope) -> tuple[Scope, int, Scope] | None:
    """Split a scope at its time step: (the scope before, the step's number, the scope after).

    Returns None if the scope contains no time step.

    >>> step_of(("model", "rnn", "t07", "cell"))
    (('model', 'rnn'), 7, ('cell',))
    """
    for place, name in enumerate(scope):
        if (step := step_number(name)) is not None:
            return scope[:place], step, scope[place + 1 :]
    return None
