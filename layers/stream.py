"""TruncatedBPTT: training on a sequence that is too long for one graph, window by window."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from minigrad import Tensor, concatenate, no_grad
from minigrad.errors import OptionError, ShapeError

from .cells import State
from .dropout import unrecorded_training
from .unroll import over


class TruncatedBPTT:
    """Truncated backpropagation through time: every `k1` steps a gradient that reaches `k2` steps back.

    `walk(model, x)` yields (steps, outputs) for each window: the slice of its new time steps, and the model's outputs
    there, recorded. Call `backward` on a loss of them and update the parameters before the next window. The state is
    carried on detached, so that no graph is longer than k2 steps. With k2 < k1, `steps` and `outputs` are only the last
    k2 of a window; those before run unrecorded.

    `model(x[:, a:b], state) -> (outputs (B, b - a, ...), state)`, where state None means zeros: an RNN made with
    return_sequences=True and return_state=True, or a model of your own around one. x has shape (B, T, ...): features,
    or ids if the model embeds them (vectors looked up before the walk would be out of date after the first update).

    >>> import numpy as np
    >>> from layers import RNN
    >>> rnn = RNN(3, 2, return_sequences=True, return_state=True)
    >>> for steps, outputs in TruncatedBPTT(k1=4, k2=8).walk(rnn, np.ones((1, 10, 3))):
    ...     print(steps, outputs.shape)      # here: loss(outputs, y[:, steps]).backward(); optimizer.step()
    slice(0, 4, None) (1, 4, 2)
    slice(4, 8, None) (1, 4, 2)
    slice(8, 10, None) (1, 2, 2)

    For one loss at the end, use only the last window, after the loop: its gradient reaches k2 steps back from the end.

    Errors: OptionError (MG230) for k1 or k2 below 1, ShapeError (MG231) for a sequence without steps. Source: Williams
    and Peng, An efficient gradient-based algorithm for on-line training of recurrent network trajectories (1990).
    """

    def __init__(self, k1: int, k2: int) -> None:
        for name, value in (("k1", k1), ("k2", k2)):
            if value < 1:
                raise OptionError(
                    "MG230",
                    f"TruncatedBPTT cannot have {name}={value}",
                    cause="k1 is the number of steps from one window to the next, k2 how far back its gradient reaches",
                    remedy="give 1 or more for both; with k1 = k2 the windows do not overlap",
                )
        self.k1, self.k2 = k1, k2

    def walk(
        self, model: Callable[[Any, State], tuple[Tensor, State]], x: Any, state: State = None
    ) -> Iterator[tuple[slice, Tensor]]:
        """(steps, outputs) of each window in turn."""
        length = x.shape[1]
        if length == 0:
            raise ShapeError(
                "MG231",
                f"there is nothing to walk: x has shape {x.shape}",
                cause="axis 1 is time, and has no steps",
                remedy="give x as (batch, time, ...)",
            )
        at = 0  # `state` is the one before this step
        for start in range(0, length, self.k1):
            end = min(start + self.k1, length)
            begin = max(0, end - self.k2)
            if at < begin:
                with no_grad(), unrecorded_training():
                    state = model(x[:, at:begin], state)[1]
            new = max(start, begin)
            at = min(max(0, min(end + self.k1, length) - self.k2), end)
            outputs, state = _run(model, x, state, begin, at, new, end)
            yield slice(new, end), outputs
            del outputs  # frees the window's graph before the next one is recorded


def _run(model: Any, x: Any, state: State, begin: int, at: int, new: int, end: int) -> tuple[Tensor, State]:
    """The outputs of steps `new` to `end`, recorded from `begin` on, and the detached state before step `at`."""
    outputs = []
    carried = None
    for a, b in pairwise(sorted({begin, at, new, end})):
        if a == at:
            carried = state
        output, state = model(x[:, a:b], state)
        if a >= new:
            outputs.append(output)
    if at == end:
        carried = state
    joined = outputs[0] if len(outputs) == 1 else concatenate(outputs, axis=1)
    return joined, None if carried is None else over(Tensor.detach, carried)
