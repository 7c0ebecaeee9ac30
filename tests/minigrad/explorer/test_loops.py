"""`find_loops`: the steps of loops that are written without scopes."""

from collections import defaultdict

import numpy as np
import pytest

import minigrad as mg
from layers import GRU, LSTM, Dense, Sequential
from layers import RNN as Recurrent
from minigrad.context import step_of
from minigrad.drawing.boxes import history
from minigrad.explorer.layout import arrange
from minigrad.explorer.loops import find_loops
from tests.blocks import blocks, parameter

STEPS = 6
RNN = ["MultiplyGate", "MultiplyGate", "AddGate", "AddGate", "Tanh"]


def weights(name):
    rng = np.random.default_rng(len(name))
    return parameter(rng.normal(size=(4, 4)), name)


def inputs(steps=STEPS):
    return mg.Tensor(np.ones((2, steps, 4)), name="x")


def steps_of(output):
    """The names of the gates in each step of each loop."""
    gates = [cell for cell in arrange(history([output.node])).cells if cell.inputs]
    loops = find_loops(gates)
    return [[[cell.node.gate.name for cell in step] for step in loop] for loop in loops]


def rnn(steps=STEPS, h0=None, cut_after=None, head=True):
    """A recurrent network. Without `h0`, the first step has no state."""
    x, W, U, b = inputs(steps), weights("W"), weights("U"), parameter(np.ones(4), "b")
    h = h0
    for t in range(steps):
        a = x[:, t] @ W
        if h is not None:
            a = a + h @ U
        h = mg.tanh(a + b)
        if t == cut_after:
            h = mg.cut(h)
    return h @ weights("head") if head else h


@pytest.mark.parametrize("cut_after", [None, 2])
@pytest.mark.parametrize("head", [True, False])
def test_steps_of_rnn(cut_after, head):
    (loop,) = steps_of(rnn(h0=np.zeros((2, 4)), cut_after=cut_after, head=head))
    assert loop == [RNN] * STEPS


def test_first_step_without_state_is_shorter():
    (loop,) = steps_of(rnn())
    assert loop == [["MultiplyGate", "AddGate", "Tanh"]] + [RNN] * (STEPS - 1)


def test_first_state_is_no_step():
    z = mg.tanh(inputs()[:, 0] @ weights("encoder") + parameter(np.ones(4), "c"))
    (loop,) = steps_of(rnn(h0=z))
    assert loop == [RNN] * STEPS


def test_steps_of_gru():
    x = [parameter(np.ones((2, 4)), f"x{t}") for t in range(STEPS)]
    Wz, Uz, Wr, Ur, Wh, Uh = map(weights, ("Wz", "Uz", "Wr", "Ur", "Wh", "Uh"))
    h = mg.Tensor(np.zeros((2, 4)))
    for t in range(STEPS):
        z = mg.sigmoid(x[t] @ Wz + h @ Uz)
        r = mg.sigmoid(x[t] @ Wr + h @ Ur)
        h = (1 - z) * h + z * mg.tanh(x[t] @ Wh + (r * h) @ Uh)
    (loop,) = steps_of(h)
    assert [len(step) for step in loop] == [17] * STEPS
    assert loop[0][:4] == ["MultiplyGate", "MultiplyGate", "AddGate", "Sigmoid"]


def test_steps_of_gradient_descent():
    w = parameter(np.ones(3), "w")
    X = np.arange(6.0).reshape(2, 3)
    for _ in range(STEPS):
        w = w - 0.1 * (X.T @ (X @ w))
    (loop,) = steps_of(w)
    step = ["MultiplyGate", "MultiplyGate", "Hadamard", "Subtract"]
    assert loop == [step] * STEPS


def test_steps_begin_before_their_mark():
    table, W = weights("table"), weights("W")
    x = table[np.arange(STEPS) % 4]  # a slice of it uses no leaf
    h = mg.Tensor(np.zeros(4))
    for t in range(STEPS):
        h = mg.tanh(x[t] @ W + h)
    (loop,) = steps_of(h @ weights("head"))
    assert loop == [["Slice", "MultiplyGate", "AddGate", "Tanh"]] * STEPS


@pytest.mark.parametrize(
    "layer",
    [LSTM(4, 4), GRU(4, 4), Recurrent(4, 4, truncate=4), Recurrent(4, 4, layers=2)],
)
def test_loops_of_layers_are_their_time_steps(layer):
    z = Sequential(layer, Dense(4, 1))(parameter(np.ones((2, 7, 4)), "x"))
    nodes = history([z.node])
    steps = defaultdict(list)
    for node in nodes:
        if node.gate and (place := step_of(node.scope)):
            steps[place[:2]].append(node.gate.name)
        node.scope = ()  # as if the program had opened none
    assert sum(steps_of(z), []) == list(steps.values())


def test_two_loops_and_one_without_state():
    W, U, W2, U2, V = map(weights, ("W", "U", "W_2", "U_2", "head"))
    x = inputs(20)
    h = g = mg.Tensor(np.zeros((2, 4)))
    states = []
    for t in range(20):
        h = mg.tanh(x[:, t] @ W + h @ U)
        states.append(h)
    for t in range(20):
        g = mg.tanh(states[t] @ W2 + g @ U2)
        states[t] = g
    output = mg.stack([state @ V for state in states])
    first, second, third = steps_of(output)
    assert first == second == [["MultiplyGate"] * 2 + ["AddGate", "Tanh"]] * 20
    assert third == [["MultiplyGate"]] * 20
    layout = arrange(history([output.node]))
    assert layout.bands == [
        ((), "loop"),
        ((), "loop 2"),
        ((), "loop 3"),
        ((), "end"),
    ]
    assert [column["kind"] for column in layout.columns] == [
        "shared",
        *["step"] * 20,
        "after",
    ]


def test_loop_of_layer_is_in_its_scope():
    with mg.scope("net"), mg.scope("mine"):
        h = rnn(h0=np.zeros((2, 4)), head=False)
    with mg.scope("net"), mg.scope("head"):
        z = h @ weights("head")
    bands = arrange(history([z.node])).bands
    assert bands == [(("net", "mine"), "loop"), (("net", "head"), "")]


def heads():
    x = inputs(4)[0]
    made = []
    for n in range(8):
        scores = x @ weights(f"q{n}") @ x.T
        made.append(mg.softmax(scores) @ x)
    return mg.concatenate(made, axis=1)


def scalars():
    """A layer of sixteen neurons, each with a sum of products that grows term by term."""
    x = [mg.Tensor(float(n), name=f"x{n}") for n in range(16)]
    made = []
    for _ in range(16):
        total = parameter(0.0, "b")
        for one in x:
            total = total + parameter(1.0, "w") * one
        made.append(mg.tanh(total))
    return mg.stack(made).sum()


def sums():
    rng = np.random.default_rng(0)
    values = [parameter(1.0, f"x{n}") for n in range(9)]
    for _ in range(200):
        one, other = rng.integers(0, len(values), 2)
        values.append(values[one] + values[other])
    return values[-1]


@pytest.mark.parametrize("make", [heads, scalars, sums, blocks, lambda: rnn(3, np.zeros((2, 4)))])
def test_graph_without_loop_stays_as_it_is(make):
    assert steps_of(make()) == []
