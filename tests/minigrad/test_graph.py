"""Nodes and leaves: what a graph holds, in which order it is walked, and that it goes when nobody
needs it.
"""

import gc
import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import DtypeError
from minigrad.graph import Leaf, ancestors


def parameter(value, name=None):
    return mg.Tensor(value, requires_grad=True, name=name, dtype=np.float64)


@pytest.mark.parametrize("truncated", [False, True])
def test_a_graph_goes_with_its_last_tensor_without_the_collector(truncated):
    gc.collect()
    gc.disable()
    try:
        W = parameter(np.ones((3, 3)))
        h = mg.tanh(np.ones((2, 3)) @ W)
        h = mg.tanh((mg.cut(h) if truncated else h) @ W)
        loss = (h * h).sum()
        loss.backward()
        (second,) = mg.grad(loss, [W], create_graph=True)
        watched = weakref.ref(loss), weakref.ref(second), weakref.ref(h)
        del h, loss, second
        assert [ref() for ref in watched] == [None] * 3
        assert gc.collect() == 0, (
            "something was left for the collector: a reference cycle"
        )
    finally:
        gc.enable()


def test_arrays_cannot_be_written_behind_the_graphs_back():
    given = np.ones(3)
    x = mg.Tensor(given, requires_grad=True)
    given[0] = 7.0
    np.testing.assert_array_equal(x.array, [1, 1, 1])
    y = x * 2.0
    for array in (x.array, y.array, x.array[1:], x.detach().array):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5.0
    with pytest.raises(mg.MinigradError, match="MG113"):
        x[0] = 5.0


def test_cut_stops_the_gradient_and_remembers_where():
    x = parameter(2.0)
    y = x * 3.0
    fresh = mg.cut(y)
    z = fresh * x
    z.backward()
    assert x.grad == 6.0
    assert isinstance(fresh.node, Leaf)
    assert fresh.node.cut_from is y.node and fresh.node.origin == "cut"
    assert y.detach().node.cut_from is None


@pytest.mark.parametrize("function", [mg.cut, mg.unfuse])
def test_cut_and_unfuse_take_what_gates_take(function):
    np.testing.assert_array_equal(function(np.array([1.0, 2.0])).array, [1.0, 2.0])
    with pytest.raises(DtypeError, match="MG110"):
        function(None)
    with pytest.raises(DtypeError, match="(?s)MG111.*one by one"):  # a state (h, c)
        function((parameter(2.0) * 1.0, parameter(3.0) * 1.0))


def test_order_is_newest_first_and_holds_each_node_once():
    x = parameter(2.0)
    a = x * x
    b = mg.exp(a)
    c = a + b
    nodes = ancestors([c.node])
    assert nodes == [c.node, b.node, a.node, x.node]
