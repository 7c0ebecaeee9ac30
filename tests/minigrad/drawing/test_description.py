"""The picture in words."""

import minigrad as mg
from tests.blocks import parameter


def test_description_names_the_inputs_and_numbers_of_each_box():
    a, b = parameter(2.0, "a"), parameter(-3.0, "b")
    y = mg.tanh(a * b + 6.5)
    y.backward()
    told = mg.draw(y, values=True, grads=True).description
    # dy/ds = 1 - tanh(0.5)² = 0.7864, dy/da = -3 · 0.7864
    short, *lines = told.splitlines()
    assert short == "A graph with 6 boxes and 5 arrows, from the bottom up."
    assert lines[0].startswith("1. a: ") and "‖grad‖ 2.359" in lines[0]
    assert lines[2].startswith("3. Hadamard, of a (1) and b (2): ")
    assert lines[5].startswith("6. Tanh, of AddGate (5): ") and "= 0.4621" in lines[5]


def test_description_tells_apart_steps_scopes_and_cuts():
    w, h = parameter(2.0, "w"), parameter(1.0, "h")
    for t in range(20):
        with mg.scope("rnn"), mg.scope(f"t{t:02d}"):
            h = mg.cut(h) * w if t == 10 else h * w
    lines = mg.draw(h, mode="unrolled").description.splitlines()[1:]
    products = [line for line in lines if "Hadamard in" in line]
    assert len(products) == 20
    number = int(products[0].partition(".")[0])
    second = f"{number + 1}. Hadamard in rnn/t01, of Hadamard ({number}, state) and w ("
    assert products[1].startswith(second)
    assert "cut before rnn/t10)" in products[10]
