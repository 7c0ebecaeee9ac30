"""The registry of gates, and the one call that all gates share."""

from unittest import mock

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import ShapeError
from minigrad.gate import GATES, Gate


@pytest.fixture(autouse=True)
def registry():
    """The registry, from which the gates of a test are removed again."""
    with mock.patch.dict(GATES):
        yield GATES


def test_base_classes_are_no_gates(registry):
    class _Shared(Gate):
        pass

    class Own(_Shared):
        pass

    assert "Own" in registry
    assert not [name for name in registry if name.rpartition(".")[2].startswith("_")]


def test_a_gate_of_the_users_does_not_take_the_place_of_ours(registry):
    class Tanh(Gate):
        pass

    assert registry["Tanh"] is mg.Tanh
    assert registry[f"{__name__}.Tanh"] is Tanh


def test_a_notebooks_cell_may_be_run_twice(registry):
    def cell():
        class Quintic(Gate):
            pass

        return Quintic

    cell()
    again = cell()
    assert registry["Quintic"] is again and f"{__name__}.Quintic" not in registry


def test_what_forward_saves_reaches_backward_and_not_the_output():
    class Saves(Gate):
        def forward(self, x):
            return x * 2.0, {"slope": 2.0}

        def backward(self, dz, z, x, saved):
            return (dz * saved["slope"],)

    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    z = Saves()(x)
    z.sum().backward()
    assert (
        x.grad is not None
        and z.array.tolist() == [2.0, 4.0]
        and x.grad.tolist() == [2.0, 2.0]
    )


class _Same(mg.Gate):
    """A user's gate that hands on what it got, as a debugging aid or a straight-through step
    does.
    """

    def forward(self, *arrays):
        return arrays[-1]

    def backward(self, dz, z, *arrays):
        return (*[None] * (len(arrays) - 1), dz)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("recording", [mg.enable_grad, mg.no_grad])
def test_a_gate_that_returns_its_input_gives_a_value_that_no_update_changes(
    count, recording
):
    W = mg.Tensor([1.0, 2.0], requires_grad=True)
    constant = mg.Tensor([5.0, 5.0])
    with recording():
        z = _Same()(*[constant] * (count - 1), W)
    W.update(lambda a: a.__imul__(10))
    assert z.array.tolist() == [1.0, 2.0]
    if z.requires_grad:
        with pytest.raises(mg.MinigradError, match="MG123"):
            z.sum().backward()
    z = _Same()(*[constant] * (count - 1), W)
    (z * z).sum().backward()
    assert W.grad is not None and W.grad.tolist() == [20.0, 40.0]


@pytest.mark.parametrize(
    "write", ["dz *= 2", "np.negative(dz, out=dz)", "dz[...] = 0", "dz.T[0] = 1"]
)
def test_a_rule_that_writes_into_dz_is_named(write):
    class Greedy(mg.Gate):
        def forward(self, x):
            return 2 * x

        def backward(self, dz, z, x):
            exec(write, {"np": np, "dz": dz})
            return (dz,)

    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    y = x * 3.0  # whose gradient is the dz of the sum, and of the gate: one array
    with pytest.raises(
        mg.MinigradError,
        match="(?s)MG125.*Greedy.*writes into an array that other gates also use",
    ):
        (y + Greedy()(y)).backward([1.0, 1.0])
    assert x.grad is None


def test_gradients_can_be_written_to_after_backward():
    a, b = (mg.Tensor([1.0, 2.0], requires_grad=True) for _ in "ab")
    upstream = np.ones(2, "float32")
    (a + b).backward(upstream)
    assert a.grad is not None and b.grad is not None
    a.grad *= 2.0
    upstream *= 3.0
    assert a.grad.tolist() == [2.0, 2.0] and b.grad.tolist() == [1.0, 1.0]


class Saves(Gate):
    def forward(self, x):
        self.save_for_backward(x)  # type: ignore[attr-defined]
        return x


class WithContext(Gate):
    def forward(self, ctx, x):
        return x


def test_pytorchs_way_to_write_and_call_a_gate_is_answered():
    x = mg.Tensor([1.0])
    with pytest.raises(
        AttributeError, match=r"(?s)MG119.*Saves has no apply.*Saves\(\)\(x\)"
    ):
        Saves.apply(x)
    with pytest.raises(ShapeError, match=r"(?s)MG106.*return the pair \(z, value\)"):
        Saves()(x)
    with pytest.raises(
        ShapeError, match=r"(?s)MG106.*define forward\(self, \*arrays\).*without ctx"
    ):
        WithContext()(x)


def test_a_failed_forward_suggests_floats_only_where_an_input_has_none():
    class Half(Gate):
        def forward(self, x):
            return x[: len(x) / 2]

        def shape(self, *shapes):
            return shapes[0]

    for dtype, named in (("int64", True), ("float32", False)):
        with pytest.raises(ShapeError, match="MG106") as caught:
            Half()(np.ones(4, dtype))
        assert ("astype" in str(caught.value)) == named
