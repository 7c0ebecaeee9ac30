"""The registry of gates, and the call that all gates share."""

from typing import Any
from unittest import mock

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import minigrad as mg
from minigrad.errors import ShapeError
from minigrad.gate import GATES, Gate


@pytest.fixture(autouse=True)
def registry():
    """The registry, from which the gates of a test are removed again."""
    with mock.patch.dict(GATES):
        yield GATES


@pytest.fixture
def x() -> Any:
    return mg.Tensor([1.0, 2.0], requires_grad=True)


def test_registry_has_no_base_classes(registry):
    class _Shared(Gate):
        pass

    class Own(_Shared):
        pass

    assert "Own" in registry
    assert not [name for name in registry if name.rpartition(".")[2].startswith("_")]


def test_registry_keeps_our_gate_beside_a_user_s_of_the_same_name(registry):
    class Tanh(Gate):
        pass

    assert registry["Tanh"] is mg.Tanh
    assert registry[f"{__name__}.Tanh"] is Tanh


def test_registry_has_the_latest_gate_of_a_notebook_s_cell(registry):
    def cell():
        class Quintic(Gate):
            pass

        return Quintic

    cell()
    again = cell()
    assert registry["Quintic"] is again
    assert f"{__name__}.Quintic" not in registry


def test_forward_can_save_values_for_backward(x):
    class Saves(Gate):
        def forward(self, x):
            return x * 2.0, {"slope": 2.0}

        def backward(self, dz, z, x, saved):
            return (dz * saved["slope"],)

    z = Saves()(x)
    z.sum().backward()
    assert z.array.tolist() == [2.0, 4.0]
    assert x.grad.tolist() == [2.0, 2.0]


class _Same(Gate):
    """Returns an input itself, as a straight-through step does."""

    def forward(self, *arrays):
        return arrays[-1]

    def backward(self, dz, z, *arrays):
        return (*[None] * (len(arrays) - 1), dz)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("recording", [mg.enable_grad, mg.no_grad])
def test_gate_that_returns_its_input_keeps_its_value(count, recording, x):
    constants = [mg.Tensor([5.0, 5.0])] * (count - 1)
    with recording():
        z = _Same()(*constants, x)
    x.update(lambda array: array.__imul__(10))
    assert z.array.tolist() == [1.0, 2.0]
    if z.requires_grad:
        with pytest.raises(mg.MinigradError, match="MG123"):
            z.sum().backward()
    z = _Same()(*constants, x)
    (z * z).sum().backward()
    assert x.grad.tolist() == [20.0, 40.0]


@pytest.mark.parametrize(
    "write",
    [
        lambda dz: np.negative(dz, out=dz),
        lambda dz: dz.fill(0),
        lambda dz: dz.__imul__(2),
        lambda dz: dz.T.__setitem__(0, 1),
    ],
)
def test_backward_rule_that_writes_into_dz_is_named(write, x):
    class Greedy(Gate):
        def forward(self, x):
            return 2 * x

        def backward(self, dz, z, x):
            write(dz)
            return (dz,)

    y = x * 3.0  # whose gradient is the dz of the sum, and of the gate: one array
    message = "(?s)MG125.*Greedy.*writes into an array that other gates also use"
    with pytest.raises(mg.MinigradError, match=message):
        (y + Greedy()(y)).backward([1.0, 1.0])
    assert x.grad is None


def test_gradients_can_be_written_to_after_backward(x):
    other = mg.Tensor([1.0, 2.0], requires_grad=True)
    upstream = np.ones(2, "float32")
    (x + other).backward(upstream)
    x.grad *= 2.0
    upstream *= 3.0
    assert_array_equal(x.grad, [2, 2])
    assert_array_equal(other.grad, [1, 1])


class Saves(Gate):
    def forward(self, x):
        self.save_for_backward(x)  # type: ignore[attr-defined]
        return x


class WithContext(Gate):
    def forward(self, ctx, x):
        return x


def test_pytorch_s_way_to_write_and_call_a_gate_is_explained(x):
    with pytest.raises(AttributeError, match=r"(?s)MG119.*no apply.*Saves\(\)\(x\)"):
        Saves.apply(x)
    with pytest.raises(ShapeError, match=r"(?s)MG106.*return the pair \(z, value\)"):
        Saves()(x)
    message = r"(?s)MG106.*define forward\(self, \*arrays\).*without ctx"
    with pytest.raises(ShapeError, match=message):
        WithContext()(x)


@pytest.mark.parametrize(("dtype", "advice"), [("int64", True), ("float32", False)])
def test_failed_forward_suggests_floats_only_for_integers(dtype, advice):
    class Half(Gate):
        def forward(self, x):
            return x[: len(x) / 2]

        def shape(self, *shapes):
            return shapes[0]

    with pytest.raises(ShapeError, match="MG106") as caught:
        Half()(np.ones(4, dtype))
    assert ("astype" in str(caught.value)) == advice
