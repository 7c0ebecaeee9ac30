"""Settings that change while a program runs: recording, the current scope, fused layers, and hooks.

Most settings are context variables, so every thread and every asyncio task has its own value.
Programs set them with blocks such as `with no_grad():` and `with scope("encoder"):`, and the engine
reads them. OBSERVERS, which the profiler uses, applies to the whole program.

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
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ContextDecorator, ExitStack
from contextvars import ContextVar
from typing import Any, Self, TypeVar

from .errors import OptionError
from .support.text import printable

Scope = tuple[str, ...]
Hook = Callable[..., Any]
F = TypeVar("F", bound=Callable[..., Any])

RECORDING: ContextVar[bool] = ContextVar("recording", default=True)
SCOPE: ContextVar[Scope] = ContextVar("scope", default=())
FUSED: ContextVar[bool | None] = ContextVar("fused", default=None)

ON_RECORD: ContextVar[Hook | None] = ContextVar("on_record", default=None)
"""A function that is called with each node when the node is recorded."""

ON_GRADIENT: ContextVar[Hook | None] = ContextVar("on_gradient", default=None)
"""A function that a backward pass calls with each node and its gradient, before it runs the node's
rule or stores a leaf's gradient. The gradient may be a Gradient (gradients.py)."""

# Gate calls and leaves read these settings. Bound methods save an attribute look-up each. They are
# written in C, so a debugger does not step into them.
is_recording = RECORDING.get
current_scope = SCOPE.get
on_record = ON_RECORD.get

OBSERVERS: list[Any] = []
"""Objects that watch the gate calls and backward passes of all threads.

An observer has two methods, which return a block (a context manager): `watch_call(gate)` and
`watch_backward(root)`. A gate call or a backward pass runs inside the blocks of all observers. Gates
that another gate calls are not watched. The list is empty unless, for example, a profile is open, so
it normally adds no overhead.
"""

ON_BACKWARD: ContextVar[Hook | None] = ContextVar("on_backward", default=None)
"""A function that is called with each tensor on which `backward` was called, after the pass."""

ON_CUT: ContextVar[Hook | None] = ContextVar("on_cut", default=None)
"""A function that is called with each array that passes through a cut. It returns the array that
continues after the cut."""

ON_LAYER: ContextVar[Hook | None] = ContextVar("on_layer", default=None)
"""A function that is called with each layer before the layer runs."""

ON_EVENT: ContextVar[Hook | None] = ContextVar("on_event", default=None)
"""A function that is called with the name of an event of training and its subjects:

    ("made", layer or optimizer)            when it is created
    ("called", layer, inputs, options, output)  after a call to a layer
    ("compared", loss, prediction, truth)   before a loss is computed, with arrays
    ("clipped", parameters, max_norm)       before gradients are clipped
    ("step", optimizer)                     before a step, whose settings and gradients are valid
    ("fit", trainer, validation)            when a Trainer starts
"""

SUM_OVER_RANKS: ContextVar[Hook | None] = ContextVar("sum_over_ranks", default=None)
"""A function that sums a Tensor over all processes that train the model, each on its share of a
batch; or None for a single process."""


_observing: ContextVar[bool] = ContextVar("observing", default=False)


def observed_call(gate: Any, inputs: Sequence[Any]) -> Any:
    """Call a gate inside the blocks of all OBSERVERS. Returns None if they are already open."""
    if _observing.get():
        return None
    with setting(_observing, True), observing("watch_call", gate):
        return gate(*inputs)


def observing(method: str, subject: Any) -> AbstractContextManager[Any]:
    """Return a block that opens `observer.method(subject)` of each of the OBSERVERS."""
    stack = ExitStack()
    for observer in OBSERVERS:
        stack.enter_context(getattr(observer, method)(subject))
    return stack


_OPEN: ContextVar[tuple[Any, ...]] = ContextVar("open", default=())
"""A pair (block, the variable's value before it) for each open block. The innermost is the last."""


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
        before = self.variable.get()
        _OPEN.set((*_OPEN.get(), (self, before)))
        self.variable.set(self.inner_value())
        return self

    def __exit__(self, *error: object) -> None:
        opened = list(_OPEN.get())
        if not any(block is self for block, _ in opened):
            return  # a block around this one was closed first
        block = None
        while block is not self:
            block, before = opened.pop()
            block.variable.set(before)
        _OPEN.set(tuple(opened))

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


class watching(setting):
    """Add a function to a hook within a block. The functions that were there before are called first.

    >>> with watching(ON_EVENT, print), watching(ON_EVENT, print):
    ...     tell("made", "a layer")
    made a layer
    made a layer
    """

    def inner_value(self) -> Hook:
        before, hook = self.variable.get(), self.value
        if before is None:
            return hook  # type: ignore[no-any-return]

        def both(*subjects: Any) -> None:
            before(*subjects)
            hook(*subjects)

        return both


def tell(event: str, *subjects: Any) -> None:
    """Tell the function in ON_EVENT about an event."""
    if (watch := ON_EVENT.get()) is not None:
        watch(event, *subjects)


class no_grad(setting):
    """Turn recording off within a block or a decorated function. Results require no gradient.

    Since: 0.1.
    """

    def __init__(self) -> None:
        super().__init__(RECORDING, False)


class enable_grad(setting):
    """Turn recording on within a block, even inside `no_grad`.

    Since: 0.1.
    """

    def __init__(self) -> None:
        super().__init__(RECORDING, True)


class fused(setting):
    """Let recurrent layers run a whole sequence as one gate within a block, where possible.

    This takes less time, but the graph does not show the time steps. `fused(False)` records every
    step. Outside such a block, layers are fused only if nothing is recorded. A layer's option
    `fused` overrides the block.

    >>> with fused():
    ...     FUSED.get()
    True

    Since: 0.1.
    """

    def __init__(self, on: bool = True) -> None:
        super().__init__(FUSED, on)


class scope(setting):
    """Name the part of the graph that a block records. Drawings, errors and reports show the name.

    >>> with scope("encoder"), scope("t07"):
    ...     print(scope_label(SCOPE.get()))
    in encoder/t07

    Errors: OptionError if the decorated function is a generator or a coroutine (MG131).

    Since: 0.1.
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
    if re.fullmatch(STEP_PATTERN, name):
        return int(name[1:])
    return None


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
