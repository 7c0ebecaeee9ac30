"""Engines: how a class is found, and what it can do."""

import numpy as np
import pytest

from minigrad.errors import OptionError
from minigrad.gradient_checker.engine.operations import OPERATIONS
from minigrad.gradient_checker.engine.programs import NEW, TWICE, Program
from minigrad.gradient_checker.engine.target import Engine, load

from .engines import ARRAY, SCALAR, engine

MULTIPLY = OPERATIONS[1]
FILE = SCALAR.replace("class Value", "class Number").replace("Value", "Number")


@pytest.mark.parametrize("address", ["found.py", "found.py:Number", "found:Number"])
def test_load_finds_the_class(tmp_path, monkeypatch, address):
    (tmp_path / "found.py").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    assert load(address).__name__ == "Number"


def test_load_ignores_classes_without_operators(tmp_path, monkeypatch):
    rule = "class Tanh:\n    def backward(self, dz): ...\n"
    (tmp_path / "ruled.py").write_text(FILE + rule)
    monkeypatch.chdir(tmp_path)
    assert load("ruled.py").__name__ == "Number"


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("missing.py", "cannot be imported"),
        ("json", "does not contain exactly one class"),
        ("json:Nothing", "json does not contain Nothing"),
    ],
)
def test_load_explains_what_is_missing(address, message):
    with pytest.raises(OptionError, match=message):
        load(address)


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("def __init__(self, data,", "def __init__(self,", "2.5"),
        ("self.data = data", "self.data = str(data)", "contains 2.5"),
        ("self.grad", "self.slope", "no grad"),
        ("def backward", "def back", "no backward"),
    ],
)
def test_class_that_is_no_engine_is_rejected(right, wrong, message):
    with pytest.raises(OptionError, match=message):
        Engine(engine(SCALAR, right, wrong))


def found(*source):
    one = Engine(engine(*source))
    one.find_operations()
    return one


def test_engine_finds_what_a_class_can_do():
    one = found()
    assert (one.scalar, one.value_name, one.grad_name) == (True, "data", "grad")
    assert one.calls["__sub__"] == {"__neg__", "__add__", "__mul__"}
    assert one.calls["__mul__"] == set()
    assert "tanh" in one.missing
    array = found(ARRAY)
    assert (array.scalar, array.value_name) == (False, "array")
    assert "sigmoid({0})" in array.texts.values()


def test_run_returns_the_numbers_by_hand():
    one = Engine(engine())
    for calls, times in (("", 1), (NEW, 2), (TWICE, 2)):
        program = Program.of(MULTIPLY, [np.array(2.0), np.array(3.0)], calls)
        results = [float(one) for one in one.run(program).values()]
        assert results == [6, 2, 3, 3 * times, 2 * times]


@pytest.mark.parametrize("calls", ["", NEW, TWICE])
def test_lines_run_and_print_the_gradients(calls, capsys):
    one = Engine(engine())
    program = Program.of(MULTIPLY, [np.array(2.0), np.array(3.0)], calls)
    exec("\n".join(one.lines(program)), {})
    times = 2 if calls else 1
    assert capsys.readouterr().out.split() == [
        "6.0",
        f"{3.0 * times}",
        f"{2.0 * times}",
    ]


def test_lines_of_an_array_engine_run(capsys):
    one = found(ARRAY)
    (sigmoid,) = [key for key, text in one.texts.items() if text == "sigmoid({0})"]
    exec("\n".join(one.lines(Program.of(sigmoid, [np.zeros(2)]))), {})
    assert capsys.readouterr().out.split() == ["[0.5", "0.5]", "[0.25", "0.25]"]
