"""Lazy updates: after any number of steps, whatever row is read is as the dense rule would have
left it.
"""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from layers import RNN, Dense, Embedding, Sequential
from minigrad.gates.table import make_table
from optim import SGD, Adagrad, Adam, AdamW, RMSprop, lazy

ROWS, WIDTH = 40, 3


def twins(make, start):
    """Optimizers of a table, and of a plain parameter in float64 with equal values, whose steps are
    dense.
    """
    whole = mg.Tensor(start, requires_grad=True, dtype="float64")
    return make({"table": make_table(start)}), make({"table": whole}), whole


def dense_step(optimizer, ids, g):
    """As `step_on`, for the plain parameter."""
    whole = optimizer.parameters()["table"]
    gradient = np.zeros(whole.shape)
    np.add.at(gradient, ids, g)
    whole.grad = gradient
    optimizer.step()


def step_on(optimizer, ids, g):
    """A step whose gradient is g at those rows of the table, added up where ids repeat."""
    optimizer.zero_grad()
    mg.lookup(optimizer.parameters()["table"], ids).backward(g)
    optimizer.step()


def train(optimizer, steps, step=step_on):
    for t in steps:
        optimizer.scale = 1 / (1 + 0.01 * t)  # a schedule: each step has its own rate
        step(optimizer, [t % 7, (3 * t) % 20, t % 7], np.full((3, WIDTH), 0.1 * t))


def after_60_steps():
    """A float32 table, and the values that the dense rule leaves."""
    start = np.random.default_rng(2).normal(size=(ROWS, WIDTH)).astype(np.float32)
    optimizer, dense, whole = twins(partial(Adam, lr=1e-2), start)
    train(optimizer, range(1, 61))
    train(dense, range(1, 61), dense_step)
    return optimizer.parameters()["table"], whole.array.copy()


def test_only_the_rows_that_are_read_are_caught_up_with():
    table, expected = after_60_steps()
    before = table.node.stored.copy()
    stale = np.flatnonzero(np.abs(before - expected).max(axis=1) > 1e-4)
    mg.lookup(table, stale[:1])
    assert np.flatnonzero((table.node.stored != before).any(axis=1)).tolist() == [
        stale[0]
    ]
    np.testing.assert_allclose(table.array, expected, rtol=1e-5)


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_a_second_optimizer_finds_the_table_as_the_first_leaves_it(momentum):
    table, expected = after_60_steps()
    step_on(SGD({"table": table}, lr=1.0, momentum=momentum), [39], np.ones((1, WIDTH)))
    expected[39] -= 1.0
    np.testing.assert_allclose(table.array, expected, rtol=1e-4, atol=1e-5)


OPTIMIZERS = {
    "adam": lambda p: Adam(p, lr=1e-2),
    "adam without momentum": lambda p: Adam(p, lr=1e-2, betas=(0.0, 0.99)),
    "momentum": lambda p: SGD(p, lr=1e-2, momentum=0.9),
    "sgd": lambda p: SGD(p, lr=1e-2),
    "rmsprop": lambda p: RMSprop(p, lr=1e-2),
}


@pytest.mark.parametrize("setting", [None, ("beta1", 0.5), ("beta1", np.float32(0.5))])
@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_the_raw_state_goes_on_bit_for_bit(make, setting):
    start = np.random.default_rng(2).normal(size=(ROWS, WIDTH)).astype(np.float32)
    unbroken, stored = (
        make({"table": make_table(start)}),
        make({"table": make_table(start)}),
    )
    for optimizer in unbroken, stored:
        train(optimizer, range(1, 60))
        if setting and hasattr(
            optimizer, setting[0]
        ):  # just before the state is stored
            setattr(optimizer, *setting)
    state = stored.raw_state()
    resumed = make({"table": make_table(stored.parameters()["table"].node.stored)})
    if setting and hasattr(resumed, setting[0]):
        setattr(resumed, *setting)
    resumed.load_state_dict(state)
    for optimizer in unbroken, stored, resumed:
        train(optimizer, range(60, 90))
        assert (
            optimizer.parameters()["table"].array.tobytes()
            == unbroken.parameters()["table"].array.tobytes()
        )
        for key, array in unbroken.state_dict().items():
            np.testing.assert_array_equal(array, optimizer.state_dict()[key])


@pytest.mark.parametrize("dtype", ["int8", "uint16", "uint64"])
def test_ids_of_any_integer_type_pick_the_same_rows(dtype):
    table = make_table(np.ones((40_000, 2)))
    # a sum of gradients whose ids are of several types
    parts = np.array([3, 100, 1], dtype), np.array([39_999, 3])
    loss: Any = sum(mg.lookup(table, ids).sum() for ids in parts)
    loss.backward()
    SGD({"table": table}, lr=1.0).step()
    assert np.flatnonzero(table.array[:, 0] == 0).tolist() == [1, 100, 39_999]
    assert table.array[3, 0] == -1


def test_an_interrupted_catch_up_applies_nothing_twice(monkeypatch):
    start = np.random.default_rng(0).normal(size=(3000, 2))
    tables = [make_table(start) for _ in range(2)]
    for table in tables:
        optimizer = Adam({"table": table}, lr=0.1)
        for ids in (np.arange(3000), [0], [1]):
            step_on(optimizer, ids, np.ones((len(ids), 2)))
    catch_up, calls = Adam.catch_up, []

    def interrupted(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        catch_up(*arguments)

    monkeypatch.setattr(Adam, "catch_up", interrupted)
    with pytest.raises(KeyboardInterrupt):
        tables[0].array  # noqa: B018
    np.testing.assert_array_equal(tables[0].array, tables[1].array)


def test_one_model_computes_in_eight_threads_while_updates_of_its_rows_are_pending(
    busy_threads,
):
    rng = np.random.default_rng(3)
    model = Sequential(Embedding(300, 4), RNN(4, 3), Dense(3, 2))
    optimizer = Adam(model.named_parameters(), lr=1e-2)
    for trial in range(100):
        for _ in range(3):
            optimizer.zero_grad()
            model(rng.integers(0, 300, (4, 5))).sum().backward()
            optimizer.step()
        pending = optimizer.raw_state()
        assert "pending up_to/embedding.table" in pending

        @mg.no_grad()
        def infer(ids):
            return model(ids).array

        reads: list[Any] = [
            partial(infer, ids) for ids in rng.integers(0, 300, (8, 6, 10))
        ]
        if trial % 2:  # two of the eight read the whole table
            reads[3] = reads[6] = lambda: model.embedding.table.array.copy()
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda read: read(), reads))
        afterwards = model.state_dict()
        optimizer.load_state_dict(pending)
        for one, read in zip(found, reads, strict=True):
            np.testing.assert_array_equal(one, read())
        for path, array in model.state_dict().items():
            np.testing.assert_array_equal(array, afterwards[path], err_msg=path)


BETAS = [
    (beta1, beta2, 300, 400)
    for beta1 in (0.0, 0.5, 0.9, 0.99)
    for beta2 in (0.0, 0.5, 0.9, 0.99, 0.999, 0.9999)
]


@pytest.mark.parametrize(
    ("beta1", "beta2", "before", "gap"),
    [*BETAS, (0.9, 0.999, 4500, 5000), (0.9, 0.9, 10, 5000)],
)
def test_a_row_that_adam_did_not_touch_for_a_while_catches_up_whatever_the_betas(
    beta1, beta2, before, gap
):
    scales = np.logspace(
        -9, 4, 14
    )  # of the gradients: some far below eps, some far above
    make = partial(Adam, lr=1.0, betas=(beta1, beta2), eps=1e-4)
    for last, missed in (before, gap), (1, 1), (3, 7), (20, 2), (90, 30):
        optimizer, dense, whole = twins(make, np.zeros((2, 14)))
        for t in range(1, last + missed + 1):
            ids, g = ([0], [scales]) if t <= last else ([1], [np.ones(14)])
            step_on(optimizer, ids, g)
            dense_step(dense, ids, g)
            if t == last:
                start = whole.array[0].copy()
        error = np.abs(optimizer.parameters()["table"].array[0] - whole.array[0])
        assert (
            error <= 1.6e-5 * np.abs(whole.array[0] - start) + 1e-11 * np.abs(start)
        ).all(), (
            last,
            missed,
        )


RULES: dict[str, Any] = {
    "sgd": (SGD, {}),
    "momentum": (
        partial(SGD, momentum=0.9),
        {"momentum": [0.0, 0.5, 0.9], "nesterov": [True, False]},
    ),
    "adam": (
        Adam,
        {"beta1": [0, 0.9], "beta2": [0.9, 0.999], "eps": [1e-7, np.float32(1e-2)]},
    ),
    "adamw": (partial(AdamW, weight_decay=0.0), {"beta1": [0.5], "eps": [1e-7, 1e-2]}),
    "rmsprop": (RMSprop, {"decay": [0.5, 0.9], "eps": [1e-7, 1e-2]}),
    "adagrad": (Adagrad, {"eps": [1e-7, 1e-2]}),
}
ACTS = " setting group freeze read row assign load resume copy pickle whole".split(" ")


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", RULES)
def test_whatever_happens_between_the_steps_rows_end_as_the_dense_rule_leaves_them(
    name, seed, monkeypatch
):
    """Schedules, clipping, decay, freezing, settings that change; reading, copying and storing in
    between.
    """
    rng = np.random.default_rng(seed)
    for threshold in ("BLOCK", "LATE")[: seed % 2 * 2]:
        monkeypatch.setattr(lazy, threshold, 4)
    make, changes = RULES[name]
    make = partial(make, lr=1e-2)
    optimizer, dense, whole = twins(make, rng.normal(size=(9, 2)))

    def check(found, expected):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-7)

    for _ in range(150):
        table, both = optimizer.parameters()["table"], (optimizer, dense)
        act = rng.choice(ACTS)
        if act == "setting" and changes:
            setting = rng.choice(list(changes))
            value = changes[setting][rng.integers(len(changes[setting]))]
            for one in both:
                setattr(one, setting, value)
        elif act == "group":
            lr, decay = 10 ** rng.uniform(-3, -1), rng.choice([0, 0.1])
            for one in both:
                one.groups[0].lr, one.groups[0].weight_decay = lr, decay
        elif act == "freeze":
            table.requires_grad = whole.requires_grad = not whole.requires_grad
        elif act == "read":
            check(table.array, whole.array)
        elif act == "row":
            check(table[4:6].array, whole.array[4:6])
        elif act == "assign":
            table.array = whole.array = rng.normal(size=(9, 2))
        elif act == "load":
            optimizer.load_state_dict(optimizer.state_dict())
        elif act == "resume":
            state, former = optimizer.raw_state(), optimizer
            optimizer = make({"table": make_table(table.node.stored)})
            optimizer.load_hyperparameters(former.hyperparameters())
            optimizer.load_state_dict(state)
        elif act == "copy":
            optimizer = copy.deepcopy(optimizer)
        elif act == "pickle":
            optimizer = pickle.loads(pickle.dumps(optimizer))
        if not whole.requires_grad:
            continue
        optimizer.scale = dense.scale = rng.uniform(0.1, 1)
        ids = np.arange(9) if act == "whole" else np.flatnonzero(rng.random(9) < 0.15)
        g = rng.normal(size=(len(ids), 2)) * 10.0 ** rng.uniform(-6, 0)
        if len(g):
            g *= min(1.0, 0.5 / np.linalg.norm(g))
        optimizer.zero_grad()
        table = optimizer.parameters()["table"]
        (table * g if act == "whole" else mg.lookup(table, ids) * g).sum().backward()
        optimizer.step()
        dense_step(dense, ids, g)
    check(optimizer.parameters()["table"].array, whole.array)
    for key, array in dense.state_dict().items():
        np.testing.assert_allclose(
            optimizer.state_dict()[key], array, rtol=1e-4, atol=1e-12
        )
