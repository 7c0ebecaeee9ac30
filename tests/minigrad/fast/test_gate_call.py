"""The written-out call serves one Tensor and two; it leaves the same node behind as the general
one.
"""

import pytest

import minigrad as mg
from minigrad.fast.gate_call import call, general_call
from minigrad.gate import Gate
from minigrad.graph import Node


class _Total(Gate):
    def forward(self, *arrays):
        return sum(arrays)


@pytest.mark.parametrize("inputs", [1, 2, 3])
def test_the_written_out_call_is_the_general_one(inputs):
    tensors = [mg.Tensor([float(number)], requires_grad=number == 0) for number in range(inputs)]
    with mg.scope("here"):
        one, other = (run(_Total(), *tensors).node for run in (call, general_call))
    assert one.scope == ("here",) and other.serial == one.serial + 1
    for name in set(Node.__slots__) - {"serial", "gate"}:
        assert getattr(one, name) == getattr(other, name), name
        assert type(getattr(one, name)) is type(getattr(other, name)), name
