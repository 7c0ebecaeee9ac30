"""Train on sequences that are too long for one graph (TruncatedBPTT, Stateful), and generate
sequences (`sample`).
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from minigrad import Tensor, concatenate, no_grad
from minigrad.errors import GradientError, OptionError, ShapeError
from minigrad.graph import Array
from minigrad.numpy_api import to_array

from .cells import State, map_state
from .layer import Layer, as_tensor
from .recurrent import Recurrent


class TruncatedBPTT:
    """Truncated backpropagation through time: every `k1` steps, compute a gradient that reaches
    `k2` steps back.

    `walk(model, x)` yields (steps, outputs) for each window. `steps` is the slice of the window's
    new time steps, and `outputs` contains the model's recorded outputs at these steps. Before the
    next window, call `backward` on a loss computed from the outputs, and update the parameters. The
    state is detached between windows, so no graph is longer than k2 steps. If k2 < k1, `steps` and
    `outputs` cover only the last k2 steps of a window.

    The model is called as `model(x[:, a:b], state) -> (outputs (B, b - a, ...), state)`, where a
    state of None means zeros. Use an RNN made with return_sequences=True and return_state=True, or
    your own model that contains such an RNN. x (B, T, ...) contains features, or ids if the model
    embeds them. Do not embed the ids before the walk, because the first update would make their
    vectors outdated.

    >>> import numpy as np
    >>> from layers import RNN
    >>> rnn = RNN(3, 2, return_sequences=True, return_state=True)
    >>> for steps, outputs in TruncatedBPTT(k1=4, k2=8).walk(rnn, np.ones((1, 10, 3))):
    ...     print(steps, outputs.shape)      # here: loss(outputs, y[:, steps]).backward(); optimizer.step()
    slice(0, 4, None) (1, 4, 2)
    slice(4, 8, None) (1, 4, 2)
    slice(8, 10, None) (1, 2, 2)

    If you need a single loss at the end of the sequence, compute it after the loop from the last
    window's outputs. The gradient of this loss reaches k2 steps back from the end.

    Errors: OptionError for k1 or k2 below 1 (MG210) and for a bidirectional layer with a state
    (MG244); ShapeError for x without time steps (MG231) and for a model that does not return
    outputs and a state (MG233). Source: Williams and Peng, An efficient gradient-based algorithm
    for on-line training of recurrent network trajectories (1990).

    Since: 0.1.
    """

    def __init__(self, k1: int, k2: int) -> None:
        for name, size in (("k1", k1), ("k2", k2)):
            if not hasattr(size, "__index__") or size < 1:
                raise OptionError(
                    "MG210",
                    f"TruncatedBPTT cannot have {name}={size!r}",
                    cause="k1 and k2 count time steps, so each must be an integer of 1 or more",
                    remedy="pass the steps between two updates as k1, and the steps that a gradient "
                    "reaches back as k2",
                )
        self.k1 = k1
        self.k2 = k2

    def walk(self, model: Any, x: Any, state: State = None) -> Iterator[tuple[slice, Tensor]]:
        """Yield (steps, outputs) for each window in turn."""
        _check_directions(model)
        x = _with_steps(x)
        length = x.shape[1]
        position = 0  # `state` is the state before this position
        for start in range(0, length, self.k1):
            end = min(start + self.k1, length)
            outputs, state, kept = self._window(
                model, x[:, position:end], state, start - position, min(self.k1, length - end)
            )
            position = end - kept
            yield slice(end - outputs.shape[1], end), outputs
            del outputs  # free the window's graph before recording the next one

    def _window(
        self, model: Any, x: Any, state: State, start: int, next_length: int
    ) -> tuple[Tensor, State, int]:
        """Run a window and return (outputs, state, kept). The returned `state` is the state at the
        start of the next window's graph, and `kept` is the number of steps from there to the end of
        x.

        The first step of x follows the argument `state`. The steps of x beginning at `start` are
        new. The next window will have `next_length` new steps.
        """
        end = x.shape[1]
        begin = max(0, end - self.k2)  # start of the graph
        next_begin = min(max(0, end + next_length - self.k2), end)
        first_output = max(start, begin)
        if begin:
            _, state = _run(model, x[:, :begin], state)
            state = _detached(state)
        states = {begin: state}
        outputs = []
        for a, b in pairwise(sorted({begin, next_begin, first_output, end})):
            output, states[b] = _run(model, x[:, a:b], states[a])
            if a >= first_output:
                outputs.append(output)
        joined = outputs[0] if len(outputs) == 1 else concatenate(outputs, axis=1)
        return joined, _detached(states[next_begin]), end - next_begin


class Stateful(Layer):
    """A model that continues from the state of its previous call. It applies `TruncatedBPTT` in
    loops that do not pass a state, such as the Trainer's.

    In training mode, call it with consecutive windows x (B, k1, ...), such as the batches of
    `minigrad.data.Stream`. Each call returns the outputs that the `walk` of the TruncatedBPTT
    yields on the whole sequence: the outputs of the last min(k1, k2) steps, with a gradient that
    reaches k2 steps back. A window may be shorter than k1, for example at the end of a sequence. If
    it is shorter than the previous window, its gradient may reach fewer than k2 steps back. To
    begin a new sequence, call `load_carried_state({})`. In evaluation mode, a window may have any
    length, and the first call after `eval()` starts with a state of None.

    >>> from layers import RNN
    >>> rnn = Stateful(RNN(3, 2, return_sequences=True, return_state=True), TruncatedBPTT(k1=4, k2=6))
    >>> rnn(np.ones((1, 4, 3))).shape, sorted(rnn.carried_state())
    ((1, 4, 2), ['state', 'x'])

    If k2 is at most k1, other layers may compute the inputs x. Otherwise, put those layers into the
    model that you pass to Stateful. In a Sequential, a Stateful is named `carried`.

    Errors: see TruncatedBPTT; ShapeError if the batch size changes (MG224) and for a window longer
    than k1 in training mode (MG255); GradientError (MG237) if another layer computed inputs that
    the next call would need again.

    Since: 0.2.
    """

    # x: the inputs that the next gradient flows back through; state: the state before x; evaluated:
    # the state after the last call in evaluation mode
    _memory: dict[str, Any] = {"x": None, "state": None, "evaluated": None}
    _child_name = "carried"  # the paths in snapshots begin with this name

    def __init__(self, model: Layer, bptt: TruncatedBPTT) -> None:
        _check_directions(model)
        self.model = model
        self._bptt = bptt

    def forward(self, x: Any) -> Tensor:
        x = _with_steps(x)
        if not self.training:
            outputs, state = _run(self.model, x, self._memory["evaluated"])
            self._memory = self._memory | {"evaluated": _detached(state)}
            return outputs
        length = x.shape[1]
        if length > self._bptt.k1:
            raise ShapeError(
                "MG255",
                f"a window has {length} steps, but k1={self._bptt.k1}",
                cause="in training, k1 is the number of steps between two updates, and each window "
                "leads to one update",
                remedy=f"use TruncatedBPTT(k1={length}, k2={self._bptt.k2}), or windows of "
                f"{self._bptt.k1} steps",
            )
        computed = isinstance(x, Tensor) and x.requires_grad
        earlier = self._memory["x"]
        if earlier is not None:
            one_step, expected = [(len(a), *a.shape[2:]) for a in (x, earlier)]
            if one_step != expected:
                raise ShapeError(
                    "MG224",
                    f"a step of this window has shape {one_step}, but a step of the previous window "
                    f"has shape {expected}",
                    cause="Stateful continues each sequence of the previous window, so the batch "
                    "must keep its size and its features",
                    remedy="make all windows of the same batch size; to begin new sequences, call "
                    "load_carried_state({}) on the model",
                )
            if earlier.size:
                x = np.concatenate([earlier.array, x], axis=1)
        outputs, state, kept = self._bptt._window(
            self.model, x, self._memory["state"], x.shape[1] - length, length
        )
        if computed and kept:
            raise GradientError(
                "MG237",
                f"Stateful cannot rerun the last {kept} step{'s' * (kept > 1)}, because a layer "
                "outside it computed their inputs",
                cause="k2 is larger than the window, so the backward pass of the next window also "
                "needs steps of this one, but the outside layer's weights will have been updated "
                "by then",
                remedy="wrap the whole model, as in Stateful(model, bptt), or choose k2 no larger "
                "than k1 (the window length)",
            )
        earlier = Tensor(to_array(x)[:, x.shape[1] - kept :])
        self._memory = self._memory | {"x": earlier, "state": state}
        return outputs

    def settings(self) -> str:
        return f"TruncatedBPTT(k1={self._bptt.k1}, k2={self._bptt.k2})"


def sample(
    model: Layer,
    prompt: Sequence[int] | Array,
    count: int,
    *,
    temperature: float = 1.0,
    seed: int = 0,
    context: int | None = None,
) -> list[int]:
    """Generate `count` ids that follow `prompt`, each drawn from softmax(logits / temperature).

    The model is called as `model(ids (1, T), state) -> (logits (1, T, C), state)`. In the first
    call, the state is `model.initial_state(1)` if the model has this method, and None otherwise.
    Later calls read only the newest id. A temperature below 1 favours likely ids, which makes the
    text more correct and less varied. At temperature 0, the most likely id is always chosen.

    `context` is the length of the longest sequence that the model can read, such as a transformer's
    number of positions. When there are more ids, the model starts again with the newest half of
    them.

    >>> class Next(Layer):
    ...     def forward(self, ids, state):
    ...         return Tensor(100.0 * np.eye(5)[(ids + 1) % 5]), state
    >>> sample(Next(), [2], 5)
    [3, 4, 0, 1, 2]

    Errors: OptionError (MG232) for an empty prompt or a temperature below 0; ShapeError (MG233).
    Source: Gumbel, Statistical theory of extreme values (1954): the index of the largest element of
    logits + temperature · noise is a draw from this distribution.

    Since: 0.2.
    """
    if not len(prompt):
        raise OptionError(
            "MG232",
            "cannot sample after an empty prompt",
            cause="the model must read at least one id before it can predict the next",
            remedy="pass a prompt of at least one id, such as [3, 1, 4]",
        )
    if not temperature >= 0:
        raise OptionError(
            "MG232",
            f"cannot sample at a temperature of {temperature}",
            cause="the temperature sets how random the ids are; at 0, the most likely id is always "
            "chosen",
            remedy="use a temperature of 0 or more, such as 0.7",
        )
    rng = np.random.default_rng(seed)
    ids = [*prompt]
    state = None
    start = 0
    initial_state = getattr(model, "initial_state", lambda batch: None)
    with model.evaluating(), no_grad():
        for _ in range(count):
            if context is not None and len(ids) - start > context:
                start = len(ids) - (context + 1) // 2
                state = None
            read = ids[-1:]
            if state is None:
                read = ids[start:]
                state = initial_state(1)
            logits, state = _run(model, np.array([read]), state)
            scores = logits.array[0, -1]
            noise = rng.gumbel(size=scores.shape)
            ids.append(int(np.argmax(scores + temperature * noise)))
    return ids[len(prompt) :]


def _check_directions(model: Any) -> None:
    """Raise OptionError (MG244) if a bidirectional layer of the model returns its state."""
    for path, layer in getattr(model, "named_layers", dict)().items():
        if isinstance(layer, Recurrent) and layer.bidirectional and layer.return_state:
            raise OptionError(
                "MG244",
                f"the state of {path or 'the model'}, a bidirectional {type(layer).__name__}, "
                "cannot be carried",
                cause="the layer's backward cell reads each window from the end, so its final "
                "state cannot start the next window",
                remedy="use a layer without bidirectional=True, or read the whole sequence in one "
                "call",
            )


def _detached(state: State) -> State:
    """Return the state as constants. Its parts may be Tensors or arrays."""
    return map_state(lambda part: as_tensor(part).detach(), state)


def _with_steps(x: Any) -> Any:
    """Convert x to an array unless it is a Tensor. Errors: ShapeError (MG231) for x without time
    steps.
    """
    x = x if isinstance(x, Tensor) else np.asarray(x)
    if x.ndim < 2 or not x.shape[1]:
        raise ShapeError(
            "MG231",
            f"x of shape {x.shape} has no time steps",
            cause="axis 1 is the time axis and needs at least one step",
            remedy="pass x with shape (batch, time, ...)",
        )
    return x


def _run(model: Any, x: Any, state: State) -> tuple[Tensor, State]:
    """Call the model. Errors: ShapeError (MG233) unless it returns (outputs for each step of x,
    state).
    """
    match model(x, state):
        case Tensor() as outputs, state if outputs.shape[:2] == x.shape[:2]:
            return outputs, state
    raise ShapeError(
        "MG233",
        f"for x of shape {x.shape}, the model did not return outputs of shape ({x.shape[0]}, "
        f"{x.shape[1]}, ...) and a state",
        cause="every step needs an output, and the next call continues from the state",
        remedy="use a recurrent layer with return_sequences=True and return_state=True, and "
        "return its state from the model",
    )
