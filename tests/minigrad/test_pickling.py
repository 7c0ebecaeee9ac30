"""Pickled and copied tensors, graphs, tables and models compute the same gradients."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import minigrad as mg
from layers import RNN, Embedding
from minigrad.gates.table import Table, make_table
from optim import Adam


def pickled(x):
    return pickle.loads(pickle.dumps(x))


MAKE = """
import minigrad as mg, pickle, sys
tensors = [mg.Tensor([2.0], requires_grad=True) for _ in range(5000)]
pickle.dump(tensors[-1], sys.stdout.buffer)
"""


def test_pickled_tensor_of_another_process_gets_its_gradient():
    # There, its serial number was in the thousands: the first gates of this process could seem
    # to come before it.
    made = subprocess.run([sys.executable, "-c", MAKE], stdout=subprocess.PIPE, check=True)
    use = "import minigrad as mg, pickle, sys; t = pickle.load(sys.stdin.buffer); "
    use += "(t * t).sum().backward(); print(t.grad)"
    command = [sys.executable, "-c", use]
    done = subprocess.run(command, input=made.stdout, stdout=subprocess.PIPE)
    assert done.stdout.split() == [b"[4.]"]


def graph():
    rng = np.random.default_rng(0)
    W = mg.Tensor(rng.normal(size=(3, 3)), requires_grad=True, name="W")
    with mg.scope("here"):
        h = mg.tanh(rng.normal(size=(2, 3)) @ W)
    return W, (h @ W + h).sum()


@pytest.mark.parametrize("travel", [pickled, copy.deepcopy])
def test_pickled_or_copied_graph_has_the_same_gradients(travel):
    W, loss = graph()
    there_W, there = travel((W, loss))
    loss.backward()
    there.backward()
    assert_array_equal(there_W.grad, W.grad)
    assert there_W is not W
    assert there_W.name == "W"
    (mg.tanh(there) * 2.0).backward()  # and it can be used further
    assert not np.array_equal(there_W.grad, W.grad)


def test_graph_that_is_out_of_date_cannot_be_pickled():
    W, loss = graph()
    W.update(lambda array: array.__imul__(2))
    with pytest.raises(mg.MinigradError, match="MG123"):
        pickle.dumps(loss)


def test_pickled_table_is_up_to_date_and_has_no_optimizer():
    embedding = Embedding(20, 3)
    optimizer = Adam(embedding.named_parameters(), lr=0.1)
    for ids in ([1, 2], [3, 4]):
        optimizer.zero_grad()
        embedding([ids]).sum().backward()
        optimizer.step()
    data = pickle.dumps(embedding)
    there = pickle.loads(data).table
    assert isinstance(there.node, Table)
    assert there.node.pending is None
    assert b"optim" not in data
    assert_array_equal(there.array, embedding.table.array)


def test_pickled_lookup():
    with mg.no_grad():
        rows = mg.lookup(
            make_table(np.arange(6.0).reshape(3, 2)),
            [2, 0],
        )
    assert_array_equal(pickled(rows).array, [[4, 5], [0, 1]])


@pytest.mark.parametrize(
    "make",
    [lambda: RNN(30, 20), lambda: Embedding(300, 4)],
)
def test_pickled_model_can_be_trained(make):
    model = make()
    for name, tensor in pickled(model).named_parameters().items():
        before = tensor.array.copy()
        tensor.update(lambda array: array.__iadd__(1))
        assert_array_equal(tensor.array, before + 1)
        assert_array_equal(model.named_parameters()[name].array, before)
        with pytest.raises(ValueError, match="read-only"):
            tensor.array[...] = 0


def test_pickled_graph_keeps_the_arrays_that_it_read():
    W, old = (
        mg.Tensor(
            np.full((20, 20), size),
            requires_grad=True,
        )
        for size in (0.5, 3.0)
    )
    losses = (W * old).sum(), (W * W * W).sum()
    old.array = np.ones((20, 20))
    (first, second), there_W = pickled((losses, W))
    first.backward()
    assert_array_equal(there_W.grad, np.full((20, 20), 3.0))
    (slope,) = mg.grad(second, [there_W], create_graph=True)
    (second_slope,) = mg.grad(slope.sum(), [there_W])
    assert_allclose(second_slope.array, 6 * 0.5)


def test_pickled_graph_of_a_fused_layer_can_be_unfused():
    z = RNN(
        4,
        20,
        fused=True,
    )(Embedding(300, 4)([[1, 2, 1]]))
    there = pickled(z)
    assert_allclose(mg.unfuse(there).array, z.array, rtol=1e-5)
