"""Lesson 13's questions and page. On the page, the learner's cell reads three words."""

import numpy as np

import layers
import minigrad as mg
from minigrad.course.lesson import Question

SIZES = [(1, 1, 1), (2, 3, 4), (3, 5, 2)]


def _numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def _made(cell):
    """Set the cell's parameters, including biases, to random float64 numbers. Return the cell."""
    for seed, tensor in enumerate(cell.named_parameters().values()):
        tensor.array = 0.6 * _numbers(*tensor.shape, seed=seed)
    return cell


def _state(cell, B, seed=7):
    parts = [
        mg.Tensor(
            0.8 * np.tanh(_numbers(B, cell.hidden, seed=seed + n)),
            requires_grad=True,
            name=f"{name}0",
        )
        for n, name in enumerate(cell.state_names)
    ]
    return parts[0] if len(parts) == 1 else tuple(parts)


def _arrays(cell, output, state):
    """{"output": ..., "h": ..., "c": ...}"""
    parts = state if isinstance(state, tuple | list) else (state,)
    names = ["output", *cell.state_names]
    return {name: np.array(part.array) for name, part in zip(names, (output, *parts), strict=True)}


def _leaves(cell, state):
    parts = state if isinstance(state, tuple) else (state,)
    return {**cell.named_parameters(), **{part.name: part for part in parts}}


def _returned(Cell):
    """Describe the cell's result, for example '(Tensor[2, 4], Tensor[2, 4])'."""

    def described(value):
        if isinstance(value, tuple | list):
            return f"({', '.join(map(described, value))})"
        return f"{type(value).__name__}{list(value.shape) if isinstance(value, mg.Tensor) else ''}"

    cell = Cell(3, 4)
    result = cell(mg.Tensor(np.ones((2, 3), "f4")), cell.initial_state(2))
    return None if result is None else described(result)


def _hand(Cell):
    """Run one step with B = D = H = 1. All weights are 0, so the biases alone set the gates."""
    cell = Cell(1, 1)
    for name, tensor in cell.named_parameters().items():
        tensor.array = np.zeros(tensor.shape)
        if name in ("b", "b_xh"):  # the gates are 3/4, 1/4 (and 0.9); the candidate is tanh(0.5)
            odds = [3.0, 1 / 3, 1.0, 9.0][: tensor.size]
            tensor.array = np.log(odds) + np.where(np.arange(tensor.size) == 2, 0.5, 0.0)
    state = [mg.Tensor(np.array([[value]])) for value in (0.8, -2.0)][: len(cell.state_names)]
    return _arrays(
        cell, *cell(mg.Tensor(np.ones((1, 1))), state[0] if len(state) == 1 else tuple(state))
    )


def _one(Cell, B, D, H):
    cell = _made(Cell(D, H))
    return _arrays(cell, *cell(mg.Tensor(_numbers(B, D, seed=20)), _state(cell, B)))


def _unrolled(Cell):
    cell = _made(Cell(3, 4))
    xs, state = mg.Tensor(_numbers(2, 6, 3, seed=21)), _state(cell, 2)
    outputs, last = layers.unroll(cell, xs, state)
    return _arrays(cell, outputs[-1], last)


def _weighted(cell, xs, state):
    """Return a number that depends on the outputs of all steps and on the last state."""
    outputs, last = layers.unroll(cell, xs, state)
    parts = [*outputs, *(last if isinstance(last, tuple) else (last,))]
    return sum((part * _numbers(*part.shape, seed=30 + n)).sum() for n, part in enumerate(parts))


def _gradients(Cell):
    cell = _made(Cell(3, 4))
    state = _state(cell, 2)
    _weighted(cell, mg.Tensor(_numbers(2, 3, 3, seed=22)), state).backward()
    leaves = _leaves(cell, state)
    return {
        name: np.zeros(leaf.shape) if leaf.grad is None else leaf.grad
        for name, leaf in leaves.items()
    }


def _checked(Cell):
    """Return whether a gradient check of the cell over two steps passes."""
    cell = _made(Cell(2, 3))
    state, xs = _state(cell, 2), mg.Tensor(_numbers(2, 2, 2, seed=23))
    return bool(
        mg.gradcheck(
            lambda *leaves: _weighted(cell, xs, state), *_leaves(cell, state).values(), sample=8
        )
    )


def _cell_questions(kind, formula):
    """Return all questions about one cell: one step, six steps, the gradients, and a gradient
    check.
    """

    def question(what, run, *arguments):
        return Question(
            f"{kind}, {what}", f"{kind}.forward", lambda file: run(getattr(file, kind), *arguments),
            f"layers.{kind}", formula=formula, expect=lambda: run(getattr(layers, kind), *arguments),
        )  # fmt: skip

    return (
        question("the type of the result of one step with B = 2, H = 4", _returned),
        question("one step with H = 1 and all weights 0", _hand),
        *(question(f"one step with B = {B}, D = {D}, H = {H}", _one, B, D, H) for B, D, H in SIZES),
        question("the last state after six steps", _unrolled),
        question("the gradients after three steps", _gradients),
        Question(f"whether the gradient check of  {kind} pass", f"{kind}.forward",
                 lambda file: _checked(getattr(file, kind)), "right", formula=formula),
    )  # fmt: skip


GRU = (
    "z = σ(a_z + s_z), r = σ(a_r + s_r), n = tanh(a_n + r ⊙ s_n), h' = (1 - z) ⊙ n + z ⊙ h, "
    "where a = x @ W_xh + b_xh and s = h @ W_hh + b_hh"
)
LSTM = "i, f, o = σ(a_i), σ(a_f), σ(a_o), g = tanh(a_g), c' = f ⊙ c + i ⊙ g, h' = o ⊙ tanh(c')"
LEFT = "f to the power of the number of steps, where f = σ(bias) = 1 / (1 + e^-bias)"
# mg.sigmoid of a plain number is accurate to 7 digits, and 39 steps multiply its error
ROUNDED = 1e-4
QUESTIONS = (
    *_cell_questions("GRUCell", GRU),
    *_cell_questions("LSTMCell", LSTM),
    Question("the initial bias for H = 2 and forget = 1", "first_bias", lambda file: file.first_bias(2, 1.0),
             formula="elements H to 2H - 1 belong to f"),
    Question("the initial bias for H = 3 and forget = 2.5", "first_bias", lambda file: file.first_bias(3, 2.5),
             formula="elements H to 2H - 1 belong to f"),
    Question("the share left after 3 steps with forget bias 0", "memory_left", lambda file: file.memory_left(0.0, 3),
             tolerance=ROUNDED, formula=LEFT),
    Question("the shares left after 1 and 10 steps with forget bias 1", "memory_left",
             lambda file: [file.memory_left(1.0, steps) for steps in (1, 10)], tolerance=ROUNDED, formula=LEFT),
    Question("the millionths left after 39 steps with forget bias 1", "memory_left",
             lambda file: 1e6 * file.memory_left(1.0, 39), tolerance=ROUNDED, formula=LEFT),
    Question("the shares left after 39 steps with forget biases 3 and 5", "memory_left",
             lambda file: [file.memory_left(bias, 39) for bias in (3.0, 5.0)], tolerance=ROUNDED, formula=LEFT),
)  # fmt: skip


def page(file, path, failed):
    """Write the page: the cell that failed, or the LSTM's cell, reads three words, one in each
    column.
    """
    words, kind = (
        ["not", "so", "bad"],
        "GRUCell" if failed and failed.startswith("GRUCell") else "LSTMCell",
    )
    cell = _made(getattr(file, kind)(2, 2))
    xs = [mg.Tensor(_numbers(1, 2, seed=n), name=word) for n, word in enumerate(words)]
    state = _state(cell, 1)

    output = layers.unroll(cell, xs, state)[0][-1]
    mg.explore((output * output).sum(), path, words=words)
