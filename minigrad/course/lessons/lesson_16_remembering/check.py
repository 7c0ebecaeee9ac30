"""Lesson 16's questions and page. On the page, the learner's cell reads three words."""

import numpy as np

import layers
import minigrad as mg
from minigrad.course.checking.answers import described, difference
from minigrad.course.checking.lesson import Question, over_time, values
from minigrad.course.lessons.lesson_16_remembering.gates import gru_gates, lstm_gates

GRU_LAYOUT, LSTM_LAYOUT = "z | r | n", "i | f | g | o"


def made(cell, seed=0, digits=1):
    """Set the cell's parameters, including biases, to random float64 numbers. Return the cell."""
    rng = np.random.default_rng(seed)
    for tensor in cell.named_parameters().values():
        tensor.array = rng.normal(size=tensor.shape).round(digits)
    return cell


# the text's examples: the input, the state and the weights
BY_HAND = {
    "GRUCell": (
        (1.0, 0.8),
        ((0.6, -0.5, -0.3), (0.5, -0.5, -0.5), (0.4, -0.5, 0.1), (-0.3, 0.3, -0.4)),
    ),
    "LSTMCell": (
        (1.0, 0.5, 2.0),
        ((0.3, 1.5, -0.6, -0.5), (-0.4, 1.0, -0.8, 0.6), (-1.2, 0.2, 0.0, 0.2)),
    ),
}


def step(kind, B, D, H, seed=None):
    """One step of a cell, with all its weights as inputs. Without a seed, it is the text's example."""
    gru = kind == "GRUCell"

    def given(file):
        cell = made(getattr(file, kind)(D, H), seed or 0)
        cell.__doc__ = f"{kind}({D}, {H}) with the weights below"
        rng = np.random.default_rng(50 + (seed or 0))
        arrays = [rng.normal(size=size).round(1) for size in ((B, D), (B, H), (B, H))]
        if seed is None:
            numbers, weights = BY_HAND[kind]
            arrays = [np.array([[number]]) for number in (*numbers, 0.0)]
            for tensor, weight in zip(cell.named_parameters().values(), weights, strict=True):
                tensor.array = np.array(weight).reshape(tensor.shape)
        x, h, c = map(mg.Tensor, arrays[:3])
        state = {"h": h} if gru else {"h": h, "c": c}
        return {"cell": cell, "x": x, **state, **cell.named_parameters()}

    state = "h" if gru else "(h, c)"
    return Question(
        f"{kind}.forward", f"cell(x, {state})", given,
        f"cell(x, {state}), one step; the blocks of the weights are {GRU_LAYOUT if gru else LSTM_LAYOUT}",
        formula=GRU if gru else LSTM, compare=compared(gru),
        way=f"check.{(gru_gates if gru else lstm_gates).__name__}(cell, x, {state})",
    )  # fmt: skip


def compared(gru):
    """Return a comparison that says what is wrong with the form of an answer."""
    meant = "h' twice, as output and as state" if gru else "h' and the pair (h', c')"

    def compare(yours, right):
        if form(yours) != form(right):
            return f"    yours         {form(yours)}\n    it should be  {form(right)}: {meant}"
        return difference(yours, right, 1e-6)

    return compare


def form(answer):
    parts = ", ".join(map(form, answer)) if isinstance(answer, list) else ""
    return f"({parts})" if parts else described(answer)


def states(cell, xs, *state):
    """Runs the cell over all x_t. Returns h_1, h_2, ... (for an LSTM: (h_1, c_1), (h_2, c_2), ...)."""
    state, found = state[0] if len(state) == 1 else state, []
    for x in xs:
        state = cell(mg.Tensor(x), state)[1]
        found.append(state)
    return found


def last_output(cell, xs, *state):
    state = state[0] if len(state) == 1 else state
    for x in xs:
        output, state = cell(mg.Tensor(x), state)
    return output


def named_leaves(cell, state):
    return {**cell.named_parameters(), **dict(zip(("h0", "c0"), state, strict=False))}


def gradients(cell, xs, *state):
    """Runs the cell over all x_t. Returns the gradients of the sum of the last output by name."""
    last = last_output(cell, xs, *state)
    if not isinstance(last, mg.Tensor) or not last.node.inputs:
        raise TypeError("The output has no graph. Did you use .array, NumPy or a new Tensor?")
    last.sum().backward()
    return {
        name: np.zeros(leaf.shape) if leaf.grad is None else leaf.grad
        for name, leaf in named_leaves(cell, state).items()
    }


def nudged(given):
    """Return the same gradients for the solution, by nudging each number up and down."""
    from . import solution  # not in the learner's process

    inputs, found = given(solution), {}
    cell, xs, *state = (inputs[name] for name in ("cell", "xs", "h0", "c0") if name in inputs)

    def loss(tensor, array):
        tensor.array = array
        return last_output(cell, xs, *state).array.sum()

    for name, tensor in named_leaves(cell, state).items():
        array, slope = tensor.array, np.zeros(tensor.shape)
        for index in np.ndindex(array.shape):
            nudge = np.zeros(array.shape)
            nudge[index] = 1e-5
            slope[index] = (loss(tensor, array + nudge) - loss(tensor, array - nudge)) / 2e-5
        tensor.array, found[name] = array, slope
    return found


def sequence(kind, run, T, B, D, H, seed, weights=True):
    """Several steps of a cell: all states, or the gradients."""
    gru = kind == "GRUCell"

    def given(file):
        cell = made(getattr(file, kind)(D, H), seed)
        cell.__doc__ = f"{kind}({D}, {H})" + (
            " with the weights below" if weights else " with random weights"
        )
        rng = np.random.default_rng(seed + 50)
        xs = rng.normal(size=(T, B, D)).round(1)
        state = {
            name: mg.Tensor(rng.normal(size=(B, H)).round(1), requires_grad=True)
            for name in ("h0", "c0")
        }
        shown = cell.named_parameters() if weights else {}
        start = {"h0": state["h0"]} if gru else state
        return {"cell": cell, "xs": xs, **start, run.__name__: run, **shown}

    arguments = "cell, xs, h0" if gru else "cell, xs, h0, c0"
    what = f"{T} step{'s' * (T > 1)}, B = {B}, D = {D}, H = {H}"
    common = {"formula": GRU if gru else LSTM}
    if run is states:
        names = over_time("h_{}" if gru else "(h, c)_{}", 1)
        asked = f"states({arguments}), the state after each of {what}"
        return Question(
            f"{kind}.forward", f"states({arguments})", given, asked, names=names, **common
        )
    asked = f"gradients({arguments}), the gradients of the sum of the last output, {what} (all values are right)"
    return Question(
        f"{kind}.forward", f"gradients({arguments})", given, asked, "nudging",
        names=lambda found: blocks(found, "zrn" if gru else "ifgo"), expect=lambda: nudged(given), **common,
    )  # fmt: skip


def blocks(gradients, letters):
    """Name gradients by blocks of columns, the states' last, and mark those that are 0."""
    for name, array in gradients.items():
        parts = {f"dL/d{name}": array}
        if name not in ("h0", "c0"):
            arrays = np.split(array, len(letters), axis=-1)
            parts = {
                f"dL/d{name}, block {one}": part for one, part in zip(letters, arrays, strict=True)
            }
        for label, part in parts.items():
            yield label if np.any(part) else f"{label} (no gradient)", part


def cell_questions(kind):
    """Return all questions about one cell, from one number to six steps."""
    return (
        step(kind, 1, 1, 1), step(kind, 1, 1, 2, 1), step(kind, 2, 3, 2, 2), step(kind, 3, 5, 4, 3),
        sequence(kind, states, 3, 1, 1, 1, 4), *(sequence(kind, gradients, T, 1, 1, 1, 5) for T in (1, 2)),
        sequence(kind, states, 6, 2, 3, 4, 6, weights=False), sequence(kind, gradients, 3, 2, 1, 2, 7),
    )  # fmt: skip


GRU = (
    "z = σ(a_z + s_z), r = σ(a_r + s_r), n = tanh(a_n + r ⊙ s_n), h' = (1 - z) ⊙ n + z ⊙ h, "
    "where a = x @ W_xh + b_xh and s = h @ W_hh + b_hh"
)
LSTM = "i, f, o = σ(a_i), σ(a_f), σ(a_o), g = tanh(a_g), c' = f ⊙ c + i ⊙ g, h' = o ⊙ tanh(c')"
LEFT = "f to the power of the number of steps, where f = σ(bias) = 1 / (1 + e^-bias)"
# mg.sigmoid of a plain number is accurate to 7 digits, and 39 steps multiply its error
ROUNDED = 1e-4


def bias_question(**given):
    return Question(
        "first_bias", "first_bias(hidden, forget)", values(**given),
        f"first_bias(hidden, forget): the blocks are {LSTM_LAYOUT}", formula="elements H to 2H - 1 belong to f",
        names=lambda b: [(f"b[{k}] (block {'ifgo'[4 * k // len(b)]})", one) for k, one in enumerate(b)],
    )  # fmt: skip


SHARES_LEFT = "{f'share after step {t}': memory_left(bias, t) for t in (1, 2, 3)}"


def left_question(factor="", way="", **given):
    call = f"{factor}memory_left(bias, steps)"
    return Question("memory_left", call, values(**given), tolerance=ROUNDED, formula=LEFT, way=way)


def stretch_question(function, call, formula, **given):
    return Question(function, call, values(**given), formula=formula, stretch=True)


NEEDED = "f is the steps-th root of share, and the bias is log(f / (1 - f))"
SHARES = "share_t = i_t · f_{t+1} · f_{t+2} · ... · f_T"
QUESTIONS = (
    *cell_questions("GRUCell"),
    *cell_questions("LSTMCell"),
    bias_question(hidden=1, forget=1.0),
    bias_question(hidden=2, forget=2.5),
    bias_question(hidden=3, forget=-0.5),
    left_question(way=SHARES_LEFT, bias=0.0, steps=3),
    left_question(bias=1.0, steps=1),
    left_question(bias=0.0, steps=0),
    left_question(bias=-1.0, steps=2),
    left_question(bias=3.0, steps=39),
    left_question("1e6 * ", bias=1.0, steps=39),
    stretch_question("bias_needed", "bias_needed(share, steps)", NEEDED, share=0.25, steps=2),
    stretch_question("bias_needed", "bias_needed(share, steps)", NEEDED, share=0.6, steps=39),
    stretch_question("shares", "shares(f, i)", SHARES, f=[0.9, 0.5, 0.8], i=[1.0, 0.5, 0.2]),
    stretch_question("shares", "shares(f, i)", SHARES, f=[0.3], i=[0.7]),
    stretch_question("shares", "shares(f, i)", SHARES, f=[0.5, 0.0, 0.5, 1.0], i=[1.0, 1.0, 0.5, 0.25]),
)  # fmt: skip


def page(file, path, failed):
    """Write the page: the cell that failed, or the LSTM's cell, reads three words, one in each
    column.
    """
    words, kind = (
        ["not", "so", "bad"],
        "GRUCell" if failed and failed.startswith("GRUCell") else "LSTMCell",
    )
    cell, rng = made(getattr(file, kind)(2, 2)), np.random.default_rng(0)
    xs = [mg.Tensor(rng.normal(size=(1, 2)), name=word) for word in words]
    state = [
        mg.Tensor(np.tanh(rng.normal(size=(1, 2))), requires_grad=True, name=f"{name}0")
        for name in cell.state_names
    ]
    output = layers.unroll(cell, xs, state[0] if len(state) == 1 else tuple(state))[0][-1]
    mg.explore((output * output).sum(), path, words=words)
