"""Sequences that are too long for one graph: TruncatedBPTT, Stateful, and `sample`, which writes
one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from minigrad import Tensor, concatenate, no_grad
from minigrad.context import setting
from minigrad.errors import GradientError, OptionError, ShapeError
from minigrad.tensor import as_tensors

from .cells import State, map_state
from .dropout import UNRECORDED_TRAINING
from .layer import Array, Layer, check_size
from .recurrent import Recurrent

SequenceModel = Callable[[Any, State], tuple[Tensor, State]]


class TruncatedBPTT:
    """Truncated backpropagation through time: every `k1` steps a gradient that reaches `k2` steps
    back.

    `walk(model, x)` yields (steps, outputs) for each window: the slice of its new time steps, and
    the model's outputs there, recorded. Call `backward` on a loss of them and update the parameters
    before the next window. The state is carried on detached, so that no graph is longer than k2
    steps. With k2 < k1, `steps` and `outputs` are only the last k2 of a window; those before run
    unrecorded.

    `model(x[:, a:b], state) -> (outputs (B, b - a, ...), state)`, where state None means zeros: an
    RNN made with return_sequences=True and return_state=True, or a model of your own around one. x
    has shape (B, T, ...): features, or ids if the model embeds them (vectors looked up before the
    walk would be out of date after the first update).

    >>> import numpy as np
    >>> from layers import RNN
    >>> rnn = RNN(3, 2, return_sequences=True, return_state=True)
    >>> for steps, outputs in TruncatedBPTT(k1=4, k2=8).walk(rnn, np.ones((1, 10, 3))):
    ...     print(steps, outputs.shape)      # here: loss(outputs, y[:, steps]).backward(); optimizer.step()
    slice(0, 4, None) (1, 4, 2)
    slice(4, 8, None) (1, 4, 2)
    slice(8, 10, None) (1, 2, 2)

    For one loss at the end, use only the last window, after the loop: its gradient reaches k2 steps
    back from the end.

    Errors: OptionError (MG210), also for a bidirectional layer with a state (MG244); ShapeError for
    x (MG231), or for what else a model returns (MG233). Source: Williams and Peng, An efficient
    gradient-based algorithm for on-line training of recurrent network trajectories (1990).
    """

    def __init__(self, k1: int, k2: int) -> None:
        check_size("TruncatedBPTT", k1=k1, k2=k2)
        self.k1, self.k2 = k1, k2

    def walk(
        self, model: SequenceModel, x: Any, state: State = None
    ) -> Iterator[tuple[slice, Tensor]]:
        """(steps, outputs) of each window in turn."""
        _check_directions(model)
        x = _with_steps(x)
        length = x.shape[1]
        position = 0  # of the step that follows `state`
        for start in range(0, length, self.k1):
            end = min(start + self.k1, length)
            next_end = min(end + self.k1, length)
            steps, outputs, state, position = self._window(
                model, x, state, position, start, end, next_end
            )
            yield steps, outputs
            del outputs  # frees the window's graph before the next one is recorded

    def _window(
        self,
        model: SequenceModel,
        x: Any,
        state: State,
        position: int,
        start: int,
        end: int,
        next_end: int,
    ) -> tuple[slice, Tensor, State, int]:
        """(steps, outputs) of the window from `start` to `end`, and the state and position where
        the next one begins.

        `state` is the one before the step `position`; `next_end` is where the next window will end.
        """
        begin = max(0, end - self.k2)  # the graph holds the steps from here
        if position < begin:
            with no_grad(), setting(UNRECORDED_TRAINING, True):
                _, state = _run(model, x[:, position:begin], state)
        first_output = max(start, begin)
        next_begin = min(max(0, next_end - self.k2), end)
        states, outputs = {begin: state}, []
        for a, b in pairwise(sorted({begin, next_begin, first_output, end})):
            output, states[b] = _run(model, x[:, a:b], states[a])
            if a >= first_output:
                outputs.append(output)
        joined = outputs[0] if len(outputs) == 1 else concatenate(outputs, axis=1)
        return slice(first_output, end), joined, _detached(states[next_begin]), next_begin


class _Memory(NamedTuple):
    """What a Stateful keeps from one call to the next."""

    x: Array | None = None  # the inputs that the next gradient reaches back to
    state: State = None  # the one before them
    evaluated: State = None  # the one after the last call, in evaluation mode


class Stateful(Layer):
    """A model that goes on where its last call ended: `TruncatedBPTT` for loops that know no state,
    as the Trainer's.

    In training, successive calls with windows x (B, k1, ...), such as `minigrad.data.Stream` makes,
    give what `bptt.walk` gives for the whole sequence: the outputs of the last min(k1, k2) steps,
    with a gradient that reaches k2 steps back. In evaluation, the first call after `eval()` begins
    with state None.

    >>> from layers import RNN
    >>> rnn = Stateful(RNN(3, 2, return_sequences=True, return_state=True), TruncatedBPTT(k1=4, k2=6))
    >>> rnn(np.ones((1, 4, 3))).shape, sorted(rnn.carried_state())
    ((1, 4, 2), ['state', 'x'])

    Layers before it may compute its inputs if k2 is at most k1. Otherwise put them into the model
    that is carried.
    In a Sequential it is the child `carried`.

    Errors: as for TruncatedBPTT; of a recurrent layer ShapeError (MG224) for a batch of another
    size; GradientError (MG237) for computed inputs that the next call would need again.
    """

    _memory = _Memory()
    _child_name = "carried"  # so that the paths in snapshots stay what they were

    def __init__(self, model: Layer, bptt: TruncatedBPTT) -> None:
        super().__init__()
        _check_directions(model)
        self.model, self._bptt = model, bptt
        self._training = True

    def forward(self, x: Any) -> Tensor:
        x = _with_steps(x)
        if not self.training:
            outputs, state = _run(self.model, x, self._memory.evaluated)
            self._memory = self._memory._replace(evaluated=_detached(state))
            return outputs
        computed = isinstance(x, Tensor) and x.requires_grad
        earlier = self._memory.x
        start = 0
        if earlier is not None and earlier.shape[1] and earlier.shape[::2] == x.shape[::2]:
            start = earlier.shape[1]
            x = np.concatenate([earlier, x], axis=1)
        end = x.shape[1]
        next_end = end + (end - start)
        _, outputs, state, kept = self._bptt._window(
            self.model, x, self._memory.state, 0, start, end, next_end
        )
        if computed and kept < end:
            raise GradientError(
                "MG237",
                f"a Stateful got inputs that another layer computed, and would need {end - kept} "
                "steps of them again",
                cause="with k2 larger than the window, the next gradient would go through that "
                "layer's graph, which is out of date after the optimizer's step",
                remedy="put that layer into the model that is carried: Stateful(model, bptt); or "
                "choose k2 up to k1",
            )
        # the caller may write the next window into x
        array = np.array(getattr(x, "array", x)[:, kept:])
        self._memory = self._memory._replace(x=array, state=state)
        return outputs

    @property
    def training(self) -> bool:
        return self._training

    @training.setter
    def training(self, on: bool) -> None:  # by `eval()` of a model around it too
        self._training, self._memory = on, self._memory._replace(evaluated=None)

    def settings(self) -> str:
        return f"TruncatedBPTT(k1={self._bptt.k1}, k2={self._bptt.k2})"

    def _carried(self) -> dict[str, Array]:
        x, state, evaluated = self._memory
        arrays = {} if x is None else {"x": x.copy(), **_named(state, "state", len(x))}
        return (
            arrays
            if evaluated is None
            else arrays | _named(evaluated, "evaluated", _batch_size(evaluated))
        )

    def _carry(self, arrays: Mapping[str, Array]) -> None:
        x = np.array(arrays["x"]) if "x" in arrays else None
        self._memory = _Memory(x, _from_named(arrays, "state"), _from_named(arrays, "evaluated"))


def sample(
    model: Layer,
    prompt: Sequence[int] | Array,
    count: int,
    *,
    temperature: float = 1.0,
    seed: int = 0,
) -> list[int]:
    """`count` ids that the model writes after `prompt`, drawn from softmax(logits / temperature).

    `model(ids (1, T), state) -> (logits (1, T, C), state)`, with state None at first. At a
    temperature below 1 likely ids become likelier: the text is more correct and less varied; at 0
    the likeliest is always taken.

    >>> class Next(Layer):
    ...     def forward(self, ids, state):
    ...         return Tensor(100.0 * np.eye(5)[(ids + 1) % 5]), state
    >>> sample(Next(), [2], 5)
    [3, 4, 0, 1, 2]

    Errors: OptionError (MG232) for an empty prompt or a number below 0; ShapeError (MG233). Source:
    Gumbel, Statistical theory of extreme values (1954): the largest of logits + temperature · noise
    is such a draw.
    """
    counts = all(hasattr(number, "__index__") and number >= 0 for number in (count, seed or 0))
    if np.ndim(prompt) != 1 or not len(prompt) or not counts or not 0 <= temperature < np.inf:
        raise OptionError(
            "MG232",
            f"cannot sample {count} ids after a prompt of shape {np.shape(prompt)}, at "
            f"{temperature=} and {seed=}",
            cause="the first id is drawn after reading a prompt, and a temperature divides the "
            "logits",
            remedy="give a prompt of one id or more, [3, 1, 4], and a temperature of 0 or more, "
            "such as 0.7",
        )
    rng, ids, state = np.random.default_rng(seed), list(prompt), None
    with model.evaluating(), no_grad():
        for _ in range(count):
            logits, state = _run(model, np.array([ids[-1:] if state is not None else ids]), state)
            scores = logits.array[0, -1]
            ids.append(int(np.argmax(scores + temperature * rng.gumbel(size=scores.shape))))
    return ids[len(prompt) :]


def _check_directions(model: Any) -> None:
    """Raise OptionError (MG244) for a model with a bidirectional layer that returns its state."""
    for path, layer in getattr(model, "named_layers", dict)().items():
        if isinstance(layer, Recurrent) and layer.bidirectional and layer.return_state:
            raise OptionError(
                "MG244",
                f"the state of {path or 'the model'}, a bidirectional {type(layer).__name__}, "
                "cannot be carried",
                cause="its backward cell ends at a window's first step, and must begin the next "
                "at that window's last",
                remedy="read the sequence in one direction, or as a whole",
            )


def _with_steps(x: Any) -> Any:
    """x as a Tensor or array. Errors: ShapeError (MG231) if it has no time steps."""
    x = x if isinstance(x, Tensor) else np.asarray(x)
    if x.ndim < 2 or not x.shape[1]:
        raise ShapeError(
            "MG231",
            f"there is nothing to walk: x has shape {x.shape}",
            cause="axis 1 is time, and has no steps"
            if x.ndim > 1
            else "there is no axis 1, which is time",
            remedy="give x as (batch, time, ...)",
        )
    return x


def _run(model: SequenceModel, x: Any, state: State) -> tuple[Tensor, State]:
    """What the model returns. Errors: ShapeError (MG233) if that is not (outputs for each step of
    x, state).
    """
    found: Any = model(x, state)
    if (
        isinstance(found, tuple)
        and len(found) == 2
        and getattr(found[0], "shape", ())[:2] == x.shape[:2]
    ):
        return found
    raise ShapeError(
        "MG233",
        f"for x of shape {x.shape} the model did not return outputs ({x.shape[0]}, {x.shape[1]}, "
        "...) and a state",
        cause="the next call goes on from the state, and each step needs its outputs",
        remedy="make a recurrent layer with return_sequences=True and return_state=True, and "
        "return its state too",
    )


def _detached(state: State) -> State:
    return map_state(lambda part: as_tensors([part])[0].detach(), state)


def _named(state: State, name: str, batch: int) -> dict[str, Array]:
    """{name: array} of the tensors of a state; those of a tuple are numbered: `state.0`, `state.1`.

    None becomes an array (batch, 0), so that it is found again, and each rank can have its rows.
    """
    if state is None:
        return {name: np.empty((batch, 0), bool)}
    if isinstance(state, Tensor):
        return {name: state.array}
    arrays: dict[str, Array] = {}
    for number, part in enumerate(state):
        arrays |= _named(part, f"{name}.{number}", batch)
    return arrays


def _batch_size(state: State) -> int:
    """The batch size of a state; 0 if it is None, or all of its parts are."""
    if isinstance(state, Tensor):
        return len(state)
    return max(map(_batch_size, state or ()), default=0)


def _from_named(arrays: Mapping[str, Array], name: str) -> State:
    if name in arrays:
        return None if arrays[name].shape[1:] == (0,) else Tensor(arrays[name])
    parts: list[State] = []
    while any(f"{path}.".startswith(f"{name}.{len(parts)}.") for path in arrays):
        parts.append(_from_named(arrays, f"{name}.{len(parts)}"))
    return tuple(parts) or None
