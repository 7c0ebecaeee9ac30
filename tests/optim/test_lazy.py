"""Lazy updates of sparse gradients: a row that is read is as the dense rule would have left it."""

import copy
import pickle
import random
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import minigrad as mg
from layers import RNN, Dense, Embedding, Sequential
from minigrad.gates.table import make_table
from optim import SGD, Adagrad, Adam, AdamW, RMSprop, lazy

ROWS, WIDTH = 40, 3


def sparse_step(optimizer, ids, g):
    """A step whose gradient is g at those rows of the table, added up where ids repeat."""
    table = optimizer.parameters()["table"]
    optimizer.zero_grad()
    mg.lookup(table, ids).backward(g)
    optimizer.step()


def dense_step(optimizer, ids, g):
    """The same for a parameter that is no table."""
    p = optimizer.parameters()["table"]
    gradient = np.zeros(p.shape)
    np.add.at(gradient, ids, g)
    p.grad = gradient
    optimizer.step()


def make_dense(start):
    return mg.Tensor(start, requires_grad=True, dtype="float64")


def train(optimizer, steps, step=sparse_step):
    for t in steps:
        optimizer.scale = 1 / (1 + 0.01 * t)  # a schedule: each step has its own rate
        ids = [t % 7, 3 * t % 20, t % 7]
        step(
            optimizer,
            ids,
            np.full((3, WIDTH), 0.1 * t),
        )


@pytest.fixture
def start():
    rng = np.random.default_rng(2)
    return rng.normal(size=(ROWS, WIDTH)).astype("float32")


@pytest.fixture
def trained(start):
    """A table after 60 steps, and the values that the dense rule leaves."""
    table, dense = make_table(start), make_dense(start)
    train(
        Adam({"table": table}, lr=1e-2),
        range(1, 61),
    )
    train(
        Adam({"table": dense}, lr=1e-2),
        range(1, 61),
        dense_step,
    )
    return table, dense.array.copy()


def test_lookup_catches_up_with_its_rows_of_a_sparse_update_only(trained):
    table, expected = trained
    before = table.node.stored.copy()
    row = np.abs(before - expected).max(axis=1).argmax()
    mg.lookup(table, [row])
    changed = (table.node.stored != before).any(axis=1)
    assert np.flatnonzero(changed).tolist() == [row]
    assert_allclose(table.array, expected, rtol=1e-5)


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_sparse_updates_of_a_second_optimizer_follow_the_first(trained, momentum):
    table, expected = trained
    second = SGD({"table": table}, lr=1.0, momentum=momentum)
    sparse_step(second, [39], np.ones((1, WIDTH)))
    expected[39] -= 1.0
    assert_allclose(table.array, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", ["int8", "uint16", "uint64"])
def test_sparse_gradients_of_ids_of_any_integer_type(dtype):
    table = make_table(np.ones((40_000, 2)))
    # a sum of gradients whose ids are of two types
    narrow = np.array([3, 100, 1], dtype)
    loss = mg.lookup(table, narrow).sum() + mg.lookup(table, [39_999, 3]).sum()
    loss.backward()
    SGD({"table": table}, lr=1.0).step()
    assert np.flatnonzero(table.array[:, 0] == 0).tolist() == [1, 100, 39_999]
    assert table.array[3, 0] == -1


def test_sparse_updates_interrupted_in_catch_up_are_not_applied_twice(monkeypatch):
    start = np.random.default_rng(0).normal(size=(3000, 2))
    table, whole = make_table(start), make_table(start)
    for one in table, whole:
        optimizer = Adam({"table": one}, lr=0.1)
        for ids in np.arange(3000), [0], [1]:
            sparse_step(optimizer, ids, start[ids])
    catch_up, calls = Adam.catch_up, []

    def interrupted(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        catch_up(*arguments)

    monkeypatch.setattr(Adam, "catch_up", interrupted)
    with pytest.raises(KeyboardInterrupt):
        table.array  # noqa: B018
    assert_array_equal(table.array, whole.array)


def test_sparse_updates_pending_while_eight_threads_read(busy_threads):
    rng = np.random.default_rng(3)
    model = Sequential(
        Embedding(300, 4),
        RNN(4, 3),
        Dense(3, 2),
    )
    optimizer = Adam(model.named_parameters(), lr=1e-2)

    @mg.no_grad()
    def infer(ids):
        return model(ids).array

    def table():
        return model.embedding.table.array.copy()

    for trial in range(60):
        for _ in range(3):
            optimizer.zero_grad()
            model(rng.integers(0, 300, (4, 5))).sum().backward()
            optimizer.step()
        pending = optimizer.raw_state()
        assert "pending up_to/embedding.table" in pending
        reads = [partial(infer, ids) for ids in rng.integers(0, 300, (8, 6, 10))]
        if trial % 2:  # two of the eight read the whole table
            reads[3] = reads[6] = partial(table)
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda read: read(), reads))
        after = model.state_dict()
        optimizer.load_state_dict(pending)
        for one, read in zip(found, reads, strict=True):
            assert_array_equal(one, read())
        for path, array in model.state_dict().items():
            assert_array_equal(array, after[path], err_msg=path)


GAPS = {1: 1, 3: 7, 20: 2, 90: 30, 300: 400}


@pytest.mark.parametrize(
    "beta1",
    [0.0, 0.5, 0.9, 0.99],
)
@pytest.mark.parametrize(
    "beta2",
    [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999],
)
def test_sparse_updates_of_adam_catch_up(beta1, beta2):
    for last, missed in GAPS.items():
        check_adam(beta1, beta2, last, missed)


@pytest.mark.parametrize(
    ("beta2", "last"),
    [(0.999, 1500), (0.9, 10)],
)
def test_sparse_updates_of_adam_catch_up_late(beta2, last, monkeypatch):
    monkeypatch.setattr(lazy, "LATE", 512)
    check_adam(0.9, beta2, last, 2000)


def check_adam(beta1, beta2, last, missed):
    """A row that has a gradient in the first `last` steps catches up with the next `missed`."""
    # of the gradients: some far below eps, some far above
    scales = np.logspace(-9, 4, 14)
    make = partial(
        Adam,
        lr=1.0,
        betas=(beta1, beta2),
        eps=1e-4,
    )
    start = np.zeros((2, 14))
    table, dense = make_table(start), make_dense(start)
    optimizers = make({"table": table}), make({"table": dense})
    for t in range(last + missed):
        row, g = (0, scales) if t < last else (1, np.ones(14))
        if t == last:
            before = dense.array[0].copy()
        sparse_step(optimizers[0], [row], [g])
        dense_step(optimizers[1], [row], [g])
    moved = np.abs(dense.array[0] - before)
    bound = 1.6e-5 * moved + 1e-11 * np.abs(before)
    assert np.all(np.abs(table.array[0] - dense.array[0]) <= bound)


EPS = [1e-7, 1e-2, np.float32(1e-2)]
SETTINGS: dict[Any, dict[str, Any]] = {
    SGD: {},
    partial(SGD, momentum=0.9): {
        "momentum": [0.0, 0.5, 0.9],
        "nesterov": [True, False],
    },
    Adam: {
        "beta1": [0, 0.9],
        "beta2": [0.9, 0.999],
        "eps": EPS,
    },
    partial(AdamW, weight_decay=0.0): {"beta1": [0.5], "eps": EPS},
    RMSprop: {"decay": [0.5, 0.9], "eps": EPS},
    Adagrad: {"eps": EPS},
}
ACTS = (
    "set",
    "group",
    "freeze",
    "read",
    "row",
    "assign",
    "load",
    "resume",
    "copy",
    "pickle",
    "whole",
    "none",
)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "rule", SETTINGS, ids=["sgd", "momentum", "adam", "adamw", "rmsprop", "adagrad"]
)
def test_sparse_updates_equal_dense_ones(rule, seed, monkeypatch):
    """Schedules, clipping, decay, freezing, settings that change; reading, copying and storing in
    between.
    """
    rng, choose = np.random.default_rng(seed), random.Random(seed).choice
    if seed % 2:
        monkeypatch.setattr(lazy, "BLOCK", 4)
        monkeypatch.setattr(lazy, "LATE", 4)
    start = rng.normal(size=(9, 2))
    whole = make_dense(start)
    optimizer = rule({"table": make_table(start)}, lr=1e-2)
    dense = rule({"table": whole}, lr=1e-2)
    check = partial(assert_allclose, rtol=1e-4, atol=1e-7)

    def set_both(name, value):
        setattr(optimizer, name, value)
        setattr(dense, name, value)

    for _ in range(150):
        table = optimizer.parameters()["table"]
        act = choose(ACTS)
        match act:
            case "set" if SETTINGS[rule]:
                name = choose(list(SETTINGS[rule]))
                set_both(name, choose(SETTINGS[rule][name]))
            case "group":
                set_both("lr", choose([1e-3, 1e-2, 1e-1]))
                set_both("weight_decay", choose([0, 0.1]))
            case "freeze":
                table.requires_grad = not whole.requires_grad
                whole.requires_grad = table.requires_grad
            case "read":
                check(table.array, whole.array)
            case "row":
                check(
                    table[4:6].array,
                    whole.array[4:6],
                )
            case "assign":
                table.array = whole.array = rng.normal(size=(9, 2))
            case "load":
                optimizer.load_state_dict(optimizer.state_dict())
            case "resume":
                state = optimizer.raw_state()
                settings = optimizer.hyperparameters()
                optimizer = rule({"table": make_table(table.node.stored)})
                optimizer.load_hyperparameters(settings)
                optimizer.load_state_dict(state)
            case "copy":
                optimizer = copy.deepcopy(optimizer)
            case "pickle":
                optimizer = pickle.loads(pickle.dumps(optimizer))
        if not whole.requires_grad:
            continue
        set_both("scale", rng.uniform(0.1, 1))
        ids = np.flatnonzero(rng.random(9) < 0.15)
        if act == "whole":
            ids = np.arange(9)
        g = 10.0 ** rng.uniform(-6, -1) * rng.normal(size=(len(ids), 2))
        optimizer.zero_grad()
        table = optimizer.parameters()["table"]
        rows = table if act == "whole" else mg.lookup(table, ids)
        (rows * g).sum().backward()
        optimizer.step()
        dense_step(dense, ids, g)
    check(optimizer.parameters()["table"].array, whole.array)
    state = optimizer.state_dict()
    for key, array in dense.state_dict().items():
        assert_allclose(state[key], array, rtol=1e-4, atol=1e-12)
