"""The written-out call serves one Tensor and two; it leaves the same node behind as the general
one.
"""

import pytest

import minigrad as mg
from minigrad.fast.gate_call import call, general_call
from minigrad.gate import GATES, Gate


@pytest.mark.parametrize("inputs", [1, 2, 3])
def test_the_written_out_call_is_the_general_one(inputs):
    class Total(Gate):
        def forward(self, *arrays):
            return sum(arrays)

        def backward(self, dz, z, *arrays):
            return [dz] * len(arrays)

    try:
        tensors = [
            mg.Tensor([float(number)], requires_grad=number == 0) for number in range(inputs)
        ]
        with mg.scope("here"):
            nodes = [run(Total(), *tensors).node for run in (call, general_call)]
    finally:
        del GATES["Total"]
    one, other = nodes
    for name in (
        "inputs",
        "arrays",
        "output",
        "requires_grad",
        "scope",
        "name",
        "source",
        "upstream",
    ):
        assert getattr(one, name) == getattr(other, name), name
    assert one.scope == ("here",) and other.serial == one.serial + 1
    assert (
        type(one.inputs) is type(other.inputs) is tuple
        and type(one.arrays) is type(other.arrays) is tuple
    )
