"""Run any cell over a sequence in either direction, with scopes, masks and truncation."""

from functools import partial
from typing import Any

from minigrad import Tensor, cut, scope, where
from minigrad.context import step_name
from minigrad.gates.fused.sequence import cuts
from minigrad.gates.steps import without_padding
from minigrad.graph import Array

from .cells import Cell, State, map_state, parts


def unroll(
    cell: Cell,
    inputs: Any,
    state: State,
    *,
    mask: Array | None = None,
    truncate: int | None = None,
    reverse: bool = False,
) -> tuple[list[Tensor], State]:
    """h_t, state_t = cell(x_t, state_(t-1)) for T steps. Returns all h_t, each (B, H), and the
    state after the last step.

    `inputs` is a Tensor or array (B, T, D), or a list of T Tensors (B, D). Each step is recorded in
    its own scope, such as `t07` for step 7. With reverse=True, the steps run from the last to the
    first, but outputs[t] is still the output of step t.

    `mask` (B, T) is True at the real steps of each sequence. At all other steps, the state does not
    change. Padding on either side therefore has no effect on outputs or gradients, even if it
    contains NaN.

    `truncate=k` lets gradients flow back only through the last k steps that run or, with a mask,
    through the last k real steps of each sequence. The values of the states do not change. If k is
    T or more, truncation has no effect.

    >>> import numpy as np
    >>> from layers import RNNCell
    >>> cell = RNNCell(3, 2)
    >>> outputs, state = unroll(cell, Tensor(np.ones((1, 5, 3))), cell.initial_state(1))
    >>> len(outputs), outputs[-1] is state
    (5, True)

    Errors: OptionError for truncate=0 (MG143), and any errors from the cell. Source: Werbos,
    Backpropagation through time (1990).

    Since: 0.1.
    """
    listed = isinstance(inputs, (list, tuple))
    steps = len(inputs) if listed else inputs.shape[1]
    order = slice(None, None, -1 if reverse else 1)
    mask_in_order = None if mask is None else mask[:, order]
    cut_before = cuts(steps, truncate, mask_in_order)
    outputs: list[Any] = [None] * steps
    for number, t in enumerate(range(steps)[order]):
        with scope(step_name(t, steps)):
            x = inputs[t] if listed else inputs[:, t]
            real = None
            if mask is not None and not mask[:, t].all():
                real = mask[:, t : t + 1]
                x = without_padding(x, real[:, 0])
            if number in cut_before:
                before = state
                state = map_state(cut, before)
                rows = cut_before[number]
                if rows is not None:
                    choose = partial(where, rows)
                    state = map_state(choose, state, before)
            # do not call cell(x, state), which would open another scope
            state = cell.masked_step(x, state, real)
            named = zip(cell.state_names, parts(state), strict=True)
            cell.note(**dict(named))
            outputs[t] = parts(state)[0]
    return outputs, state
