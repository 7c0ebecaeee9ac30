"""An error of the engine tells its code, the caller's own numbers, and what to do (docs/errors.md
has the others).
"""

import numpy as np
import pytest

import minigrad as mg


def parameter(value, name=None):
    return mg.Tensor(value, requires_grad=True, name=name, dtype=np.float64)


PAIR, STEP = parameter([1.0, 2.0]), parameter(1.0) * 2.0
with mg.no_grad():
    UNRECORDED = parameter(1.0) * 2.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("UNRECORDED.backward()", "(?s)MG122.*inside no_grad"),
        ("STEP.detach().backward()", "(?s)MG122.*detached"),
        ("(mg.Tensor(1.0) * 2.0).backward()", "(?s)MG122.*none of the tensors"),
        ("mg.cut(STEP).backward()", "(?s)MG122.*cut"),
        ("(PAIR * 2.0).backward(np.ones(3))", r"MG102.*\(3,\).*\(2,\)"),
        ("(PAIR * 2.0).backward()", r"MG120.*\(2,\)"),
        ("(STEP * np.inf).backward()", "(?s)MG130.*Hadamard"),
        ("mg.grad(STEP, [np.ones(2)])", "MG127.*array"),
        ("setattr(STEP, 'grad', 1.0)", "MG126.*Hadamard"),
        ("STEP.update(print)", "MG126.*Hadamard"),
    ],
)
def test_the_message_names_what_is_wrong(call, message):
    with pytest.raises(mg.MinigradError, match=message):
        eval(call)


def test_a_rule_that_fails_names_gate_scope_and_shapes():
    class Broken(mg.Gate):
        def forward(self, x):
            return x + 1

        def backward(self, dz, z, x):
            return (dz[:-1],)

    class Short(Broken):
        def backward(self, dz, z, x):
            return ()

    class Generous(Broken):
        def backward(self, dz, z, x):
            return dz, dz

    for cls in (Broken, Short, Generous):
        del mg.GATES[cls.__name__]
        with (
            mg.scope("lesson"),
            pytest.raises(mg.MinigradError, match="MG125") as caught,
        ):
            cls()(PAIR).sum().backward()
        assert (
            f"{cls.__name__} in lesson" in caught.value.where
            and "(2,)" in caught.value.where
        )
