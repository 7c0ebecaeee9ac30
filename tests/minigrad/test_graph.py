"""Nodes and leaves: the order of a graph, cut, read-only arrays, and the end of a graph."""

import gc
import weakref

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import minigrad as mg
from minigrad.errors import DtypeError
from minigrad.graph import Leaf, ancestors


def parameter(value):
    return mg.Tensor(value, requires_grad=True, dtype=np.float64)


@pytest.mark.parametrize("truncated", [False, True], ids=["whole", "truncated"])
def test_graph_is_freed_without_the_garbage_collector(truncated):
    gc.collect()
    gc.disable()
    try:
        W = parameter(np.ones((3, 3)))
        h = mg.tanh(np.ones((2, 3)) @ W)
        h = mg.tanh((mg.cut(h) if truncated else h) @ W)
        loss = (h * h).sum()
        loss.backward()
        (second,) = mg.grad(loss, [W], create_graph=True)
        watched = [
            weakref.ref(one)
            for one in (
                loss,
                second,
                h,
            )
        ]
        del h, loss, second
        assert [reference() for reference in watched] == [None] * 3
        assert gc.collect() == 0, "a reference cycle was left"
    finally:
        gc.enable()


def test_arrays_are_copied_and_read_only():
    values = np.ones(3)
    x = mg.Tensor(values, requires_grad=True)
    values[0] = 7.0
    assert_array_equal(x.array, [1, 1, 1])
    for array in (
        x.array,
        (x * 2.0).array,
        x.array[1:],
        x.detach().array,
    ):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5.0


def test_cut_stops_the_gradient_and_remembers_the_node():
    x = parameter(2.0)
    y = x * 3.0
    fresh = mg.cut(y)
    (fresh * x).backward()
    assert x.grad == 6.0
    assert isinstance(fresh.node, Leaf)
    assert fresh.node.cut_from is y.node
    assert fresh.node.origin == "cut"
    assert y.detach().node.cut_from is None


@pytest.mark.parametrize("function", [mg.cut, mg.unfuse])
def test_cut_and_unfuse_accept_and_refuse_the_inputs_of_gates(function):
    assert_array_equal(
        function(np.array([1.0, 2.0])).array,
        [1.0, 2.0],
    )
    with pytest.raises(DtypeError, match="MG110"):
        function(None)
    state = parameter(2.0) * 1.0, parameter(3.0) * 1.0
    with pytest.raises(DtypeError, match="(?s)MG111.*one by one"):
        function(state)


def test_ancestors_are_newest_first_and_distinct():
    x = parameter(2.0)
    a = x * x
    b = mg.exp(a)
    c = a + b
    assert ancestors([c.node]) == [
        c.node,
        b.node,
        a.node,
        x.node,
    ]
