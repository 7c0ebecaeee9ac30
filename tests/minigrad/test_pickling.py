"""Tensors that travel to another process, or are copied, get the gradients that they got at
home.
"""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest

import minigrad as mg
from layers import RNN, Embedding
from minigrad.gates.table import Table, make_table
from optim import Adam


def test_a_tensor_of_another_process_gets_its_gradient(tmp_path):
    # There its serial number was in the thousands; the first gates of this program would come
    # before it.
    make = "import minigrad as mg, pickle, sys; ts = [mg.Tensor([2.0], requires_grad=True) for _ in range(5000)]; "
    make += "pickle.dump(ts[-1], open(sys.argv[1], 'wb'))"
    use = "import minigrad as mg, pickle, sys; t = pickle.load(open(sys.argv[1], 'rb')); (t * t).sum().backward(); "
    use += "print(t.grad)"
    path = tmp_path / "t.pickle"
    subprocess.run([sys.executable, "-c", make, path], check=True)
    assert (
        subprocess.run(
            [sys.executable, "-c", use, path], capture_output=True, text=True
        ).stdout
        == "[4.]\n"
    )


def graph():
    rng = np.random.default_rng(0)
    W = mg.Tensor(rng.normal(size=(3, 3)), requires_grad=True, name="W")
    with mg.scope("here"):
        h = mg.tanh(rng.normal(size=(2, 3)) @ W)
    return W, (h @ W + h).sum()


@pytest.mark.parametrize(
    "travel", [lambda x: pickle.loads(pickle.dumps(x)), copy.deepcopy]
)
def test_a_whole_graph_travels(travel):
    W, loss = graph()
    there_W, there = travel((W, loss))
    loss.backward()
    there.backward()
    np.testing.assert_array_equal(there_W.grad, W.grad)
    assert there_W is not W and there_W.name == "W"
    (mg.tanh(there) * 2.0).backward()  # and it can be used further
    assert not np.array_equal(there_W.grad, W.grad)


def test_a_graph_that_is_out_of_date_does_not_travel():
    W, loss = graph()
    W.update(lambda array: array.__imul__(2))
    with pytest.raises(mg.MinigradError, match="MG123"):
        pickle.dumps(loss)


def test_a_table_catches_up_and_leaves_its_optimizer_behind():
    embedding = Embedding(20, 3)
    optimizer = Adam(embedding.named_parameters(), lr=0.1)
    for ids in ([1, 2], [3, 4]):
        optimizer.zero_grad()
        embedding([ids]).sum().backward()
        optimizer.step()
    data = pickle.dumps(embedding)
    there = pickle.loads(data).table
    assert (
        isinstance(there.node, Table)
        and there.node.pending is None
        and b"optim" not in data
    )
    np.testing.assert_array_equal(there.array, embedding.table.array)
    with mg.no_grad():
        rows = mg.lookup(make_table(np.arange(6.0).reshape(3, 2)), [2, 0])
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(rows)).array, [[4, 5], [0, 1]]
    )


def test_an_unpickled_model_can_be_trained():
    for model in (RNN(30, 20), Embedding(300, 4)):
        there = pickle.loads(pickle.dumps(model))
        for name, tensor in there.named_parameters().items():
            before = tensor.array.copy()
            tensor.update(lambda array: array.__iadd__(1))
            np.testing.assert_array_equal(tensor.array, before + 1)
            np.testing.assert_array_equal(model.named_parameters()[name].array, before)
            with pytest.raises(ValueError, match="read-only"):
                tensor.array[...] = 0


def test_an_unpickled_graph_of_large_arrays_can_be_differentiated_twice_and_unfused():
    W, old = (
        mg.Tensor(np.full((20, 20), size), requires_grad=True) for size in (0.5, 3.0)
    )
    losses = (W * old).sum(), (W * W * W).sum()
    old.array = np.ones((20, 20))  # the graph keeps the array that it read
    (first, second), there_W = pickle.loads(pickle.dumps((losses, W)))
    first.backward()
    np.testing.assert_array_equal(there_W.grad, np.full((20, 20), 3.0))
    (slope,) = mg.grad(second, [there_W], create_graph=True)
    np.testing.assert_allclose(mg.grad(slope.sum(), [there_W])[0].array, 6 * 0.5)
    there = pickle.loads(
        pickle.dumps(RNN(4, 20, fused=True)(Embedding(300, 4)([[1, 2, 1]])))
    )
    np.testing.assert_allclose(mg.unfuse(there).array, there.array, rtol=1e-5)
