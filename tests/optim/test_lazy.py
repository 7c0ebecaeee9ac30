"""Lazy updates: after any number of steps, whatever row is read is as the dense rule would have left it."""

import copy
import pickle
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from layers import RNN, Dense, Embedding, Sequential
from minigrad.fast.accumulator import SparseGradient
from minigrad.fast.table import make_table
from optim import SGD, Adagrad, Adam, AdamW, RMSprop, clip_gradients, lazy

ROWS, WIDTH = 40, 3


def dense_adam(state, g, lr, t, beta1=0.9, beta2=0.999, eps=1e-7):
    p, m, v = state
    m[:] = beta1 * m + (1 - beta1) * g
    v[:] = beta2 * v + (1 - beta2) * g * g
    p -= lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)


def dense_sgd(state, g, lr, t, momentum=0.9, nesterov=False):
    p, velocity, _ = state
    velocity[:] = momentum * velocity + g
    p -= lr * (g + momentum * velocity if nesterov else velocity)


def dense_rmsprop(state, g, lr, t, decay=0.9, eps=1e-7):
    p, squares, _ = state
    squares[:] = decay * squares + (1 - decay) * g * g
    p -= lr * g / (np.sqrt(squares) + eps)


def dense_adagrad(state, g, lr, t, eps=1e-7):
    p, squares, _ = state
    squares += g * g
    p -= lr * g / (np.sqrt(squares) + eps)


def step_on(optimizer, ids, g):
    """A step whose gradient is g at those rows of the table, added up where ids repeat."""
    optimizer.zero_grad()
    mg.lookup(optimizer.parameters()["table"], ids).backward(g)
    optimizer.step()


def run(steps, dtype=np.float64):
    """An optimizer, its table after so many steps, and the dense rule's in float64; some rows rest for long."""
    rng = np.random.default_rng(5)
    start = rng.normal(size=(ROWS, WIDTH)).astype(dtype)
    table = make_table(start)
    optimizer = Adam({"table": table}, lr=1e-2)
    expected = [start.astype(np.float64), np.zeros((ROWS, WIDTH)), np.zeros((ROWS, WIDTH))]
    for t in range(1, steps + 1):
        optimizer.scale = 1 / (1 + 0.01 * t)  # a schedule: each step has its own rate
        # Words are rare and common: row r turns up once in some 2 + r * r / 2 steps, the last after 800.
        ids = np.flatnonzero(rng.uniform(size=ROWS) < 1 / (1 + np.arange(ROWS) ** 2 / 2))
        ids = np.concatenate([ids, ids[:2], [0]])
        # Gradients down to where eps matters beside √v.
        g = (rng.normal(size=(len(ids), WIDTH)) * 10 ** rng.uniform(-8, 0)).astype(dtype)
        step_on(optimizer, ids, g)
        whole = np.zeros((ROWS, WIDTH))
        np.add.at(whole, ids, g)
        dense_adam(expected, whole, optimizer.groups[0].lr * optimizer.scale, t)
    return optimizer, table, expected[0], np.abs(expected[0] - start).max()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_after_900_steps_the_whole_table_is_as_the_dense_rule_leaves_it(dtype):
    _, table, expected, moved = run(900, dtype)
    assert np.abs(table.array - expected).max() <= 1e-5 * moved


def test_only_the_rows_that_are_read_are_caught_up_with():
    _, table, expected, _ = run(60)
    before = table.node.stored.copy()
    stale = np.flatnonzero(np.abs(before - expected).max(axis=1) > 1e-4)
    mg.lookup(table, stale[:1])
    assert np.flatnonzero((table.node.stored != before).any(axis=1)).tolist() == [stale[0]]
    np.testing.assert_allclose(table.node.stored[stale[0]], expected[stale[0]], rtol=1e-5)


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_a_second_optimizer_finds_the_table_as_the_first_leaves_it(momentum):
    _, table, expected, _ = run(60)
    step_on(SGD({"table": table}, lr=1.0, momentum=momentum), [39], np.ones((1, WIDTH)))
    expected[39] -= 1.0
    np.testing.assert_allclose(table.array, expected, rtol=1e-4, atol=1e-5)


def test_a_replaced_table_leaves_the_pending_updates_to_the_old_one():
    optimizer, table, expected, _ = run(60)
    optimizer.groups[0].parameters["table"] = make_table(np.zeros((ROWS, WIDTH)))
    step_on(optimizer, [3], np.ones((1, WIDTH)))
    np.testing.assert_allclose(table.array, expected, rtol=1e-4, atol=1e-5)


def train(optimizer, steps):
    for t in steps:
        step_on(optimizer, [t % 7, (3 * t) % 20], np.full((2, WIDTH), 0.1 * t))


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
    unbroken, stored = make({"table": make_table(start)}), make({"table": make_table(start)})
    for optimizer in unbroken, stored:
        train(optimizer, range(1, 60))
        if setting:  # just before the state is stored
            setattr(optimizer, *setting)
    state = stored.raw_state()
    resumed = make({"table": make_table(stored.parameters()["table"].node.stored)})
    if setting:
        setattr(resumed, *setting)
    resumed.load_raw_state(state)
    for optimizer in unbroken, stored, resumed:
        train(optimizer, range(60, 90))
        assert optimizer.parameters()["table"].array.tobytes() == unbroken.parameters()["table"].array.tobytes()
        for key, array in unbroken.state_dict().items():
            np.testing.assert_array_equal(array, optimizer.state_dict()[key])


def test_the_raw_state_holds_nothing_that_a_read_table_would_lose():
    states = []
    for read in (False, True):
        table = make_table(np.ones((3, 2)))
        optimizer = SGD({"table": table}, lr=0.1, momentum=0.9)
        for step, ids in enumerate([[0, 1, 2]] * 9 + [[0]]):
            if read and step == 9:
                assert (table.array < 1).all()  # no row has updates pending, so that reading changes none
            step_on(optimizer, ids, np.ones((len(ids), 2)))
        states.append(optimizer.raw_state())
    assert states[0].keys() == states[1].keys() > {"pending sums/table"}
    for name, array in states[0].items():
        np.testing.assert_array_equal(states[1][name], array, err_msg=name)


@pytest.mark.parametrize("dtype", ["int8", "uint16", "uint64"])
def test_ids_of_any_integer_type_pick_the_same_rows(dtype):
    tables = [make_table(np.ones((40_000, 2))) for _ in range(2)]
    for table, kind in zip(tables, (dtype, "int64"), strict=True):
        optimizer = Adam({"table": table})
        for ids in ([1, 2, 100], [100, 7]):
            optimizer.zero_grad()
            more = np.array([3, 100], kind), np.array([39_999])  # a sum of gradients whose ids are of several types
            (mg.lookup(table, np.array(ids, kind)).sum() + sum(mg.lookup(table, one).sum() for one in more)).backward()
            optimizer.step()
    np.testing.assert_array_equal(tables[0].array, tables[1].array)
    assert np.flatnonzero((tables[0].array != 1).any(axis=1)).tolist() == [1, 2, 3, 7, 100, 39_999]


@pytest.mark.parametrize("read", [False, True])
def test_the_sums_of_pending_updates_do_not_grow_with_the_run(read):
    table = make_table(np.ones((20, 2)))
    optimizer, longest = SGD({"table": table}, momentum=0.5), 0
    for t in range(1, 2500 if read else 9000):
        table.node.grad = SparseGradient((20, 2), table.dtype, [(np.array([t % 3]), np.ones((1, 2)))])
        optimizer.step()
        longest = max(longest, *(len(total) for total in optimizer._pending["table"].sums), 0)
        if read:
            table.array  # noqa: B018
    assert longest <= (1024 if read else 8192)


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


SPOILS = {
    "no sums": lambda state: state.pop("pending sums/table"),
    "fewer rows": lambda state: state.update({"pending up_to/table": np.zeros(3, np.int64)}),
    "one sum": lambda state: state.update({"pending sums/table": np.zeros((1, 2))}),
    "a number": lambda state: state.update({"pending sums/table": np.array(1.0)}),
    "another table": lambda state: state.update({"pending table/other": np.zeros((3, 2))}),
    "no table at all": lambda state: state.update({"pending table/b": np.zeros(1, np.float32)}),
}


@pytest.mark.parametrize("spoil", SPOILS.values(), ids=SPOILS)
def test_a_raw_state_that_does_not_fit_changes_nothing(spoil):
    table, b = make_table(np.ones((ROWS, WIDTH), np.float32)), mg.Tensor([1.0], requires_grad=True)
    optimizer = Adam({"table": table, "b": b})
    train(optimizer, range(1, 20))
    state = optimizer.raw_state()
    train(optimizer, range(20, 30))
    before = optimizer.raw_state()
    spoil(state)
    with pytest.raises(mg.MinigradError, match=r"MG505.*\n.*pending (sums|table|up_to)/(table|other|b)"):
        optimizer.load_raw_state(state)
    after = optimizer.raw_state()
    assert before.keys() == after.keys()
    for name, array in before.items():
        np.testing.assert_array_equal(after[name], array, err_msg=name)


@pytest.fixture
def busy_threads():
    """Threads take turns after every few instructions, not after 5 ms."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def in_threads(functions):
    """What the functions return, each called in a thread of its own, all at the same moment."""
    start = threading.Barrier(len(functions))

    def call(function):
        start.wait()
        return function()

    with ThreadPoolExecutor(len(functions)) as pool:
        return [future.result() for future in [pool.submit(call, function) for function in functions]]


def test_one_model_computes_in_eight_threads_while_updates_of_its_rows_are_pending(busy_threads):
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

        reads: list[Any] = [partial(infer, ids) for ids in rng.integers(0, 300, (8, 6, 10))]
        if trial % 2:  # two of the eight read the whole table
            reads[3] = reads[6] = lambda: model.embedding.table.array.copy()
        found = in_threads(reads)
        afterwards = model.state_dict()
        optimizer.load_raw_state(pending)
        for one, read in zip(found, reads, strict=True):
            np.testing.assert_array_equal(one, read())
        for path, array in model.state_dict().items():
            np.testing.assert_array_equal(array, afterwards[path], err_msg=path)


def test_all_rows_catch_up_ever_more_rarely():
    """At first at every step, then twice while t doubles, in the end after every 4096 steps."""
    expected = [1, 2, 3, *(t << k for k in range(11) for t in (4, 6)), *range(8192, 17_000, 4096)]
    assert [t for t in range(1, 17_000) if lazy.all_catch_up(t)] == expected


BETAS = [(beta1, beta2, 300, 400) for beta1 in (0.0, 0.5, 0.9, 0.99) for beta2 in (0.0, 0.5, 0.9, 0.99, 0.999, 0.9999)]


@pytest.mark.parametrize(("beta1", "beta2", "before", "gap"), [*BETAS, (0.9, 0.999, 4500, 5000), (0.9, 0.9, 10, 5000)])
def test_a_row_that_adam_did_not_touch_for_a_while_catches_up_whatever_the_betas(beta1, beta2, before, gap):
    scales = np.logspace(-9, 4, 14)  # of the gradients: some far below eps, some far above
    for last, missed in (before, gap), (1, 1), (3, 7), (20, 2), (90, 30):
        table = make_table(np.zeros((2, 14)))
        optimizer = Adam({"table": table}, lr=1.0, betas=(beta1, beta2), eps=1e-4)
        expected = [np.zeros(14), np.zeros(14), np.zeros(14)]
        for t in range(1, last + missed + 1):
            touched = t <= last
            step_on(optimizer, [0 if touched else 1], [scales if touched else np.ones(14)])
            dense_adam(expected, touched * scales, 1.0, t, beta1, beta2, 1e-4)
            if t == last:
                start = expected[0].copy()
        error = np.abs(table.array[0] - expected[0])
        assert (error <= 1.6e-5 * np.abs(expected[0] - start) + 1e-11 * np.abs(start)).all(), (last, missed)


MIXED: dict[str, Any] = {
    "sgd": (lambda p: SGD(p, lr=1e-2), partial(dense_sgd, momentum=0.0), {}),
    "momentum": (
        lambda p: SGD(p, lr=1e-2, momentum=0.9), dense_sgd, {"momentum": [0.0, 0.5, 0.9], "nesterov": [True, False]},
    ),
    "nesterov": (
        lambda p: SGD(p, lr=1e-2, momentum=0.9, nesterov=True), partial(dense_sgd, nesterov=True), {"momentum": [0.5]},
    ),
    "adam": (
        lambda p: Adam(p, lr=1e-2), dense_adam,
        {"beta1": [0, 0.9], "beta2": [0.9, 0.999], "eps": [1e-7, np.float32(1e-2)]},
    ),
    "adamw": (lambda p: AdamW(p, lr=1e-2, weight_decay=0.0), dense_adam, {"beta1": [0.5], "eps": [1e-7, 1e-2]}),
    "rmsprop": (lambda p: RMSprop(p, lr=1e-2), dense_rmsprop, {"decay": [0.5, 0.9], "eps": [1e-7, 1e-2]}),
    "adagrad": (lambda p: Adagrad(p, lr=1e-2), dense_adagrad, {"eps": [1e-7, 1e-2]}),
}  # fmt: skip


@pytest.mark.parametrize("kind", [make_table, partial(mg.Tensor, requires_grad=True)], ids=["lazy", "dense"])
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", MIXED)
def test_whatever_happens_between_the_steps_they_are_the_textbook_rules(name, seed, kind, monkeypatch):
    """Gradients by rows, whole, None or clipped; schedules, decay, freezing; reading, copying and saving in between."""
    rng = np.random.default_rng(seed)
    for threshold in ("BLOCK", "LATE", "SHORTEST_SUMS")[: seed % 2 * 3]:
        monkeypatch.setattr(lazy, threshold, 4)
    make, dense, changes = MIXED[name]
    start = rng.normal(size=(9, 2))
    optimizer = make({"table": kind(start, dtype="float64"), "b": mg.Tensor([0.0], requires_grad=True)})
    expected, steps, settings = [start.copy(), np.zeros((9, 2)), np.zeros((9, 2))], 0, {}

    def renewed(table, load, state):
        new = make({"table": kind(table, dtype="float64"), "b": mg.Tensor([0.0], requires_grad=True)})
        new.groups[0].lr, new.groups[0].weight_decay = optimizer.groups[0].lr, optimizer.groups[0].weight_decay
        vars(new).update(optimizer.settings())
        getattr(new, load)(state)
        return new

    for _ in range(150):
        table, group = optimizer.parameters()["table"], optimizer.groups[0]
        what = rng.choice(["", "setting", "lr", "decay", "freeze", "read", "row", "assign", "state", "load", "resume",
                           "exact", "copy", "pickle", "none"], p=[0.3, *[0.05] * 14])  # fmt: skip
        match what:
            case "setting" if changes:
                setting = rng.choice(list(changes))
                settings[setting] = changes[setting][rng.integers(len(changes[setting]))]
                setattr(optimizer, setting, settings[setting])
            case "lr":
                group.lr = 10 ** rng.uniform(-3, -1)
            case "decay":
                group.weight_decay = rng.choice([0.0, 0.0, 0.1])
            case "freeze":
                table.requires_grad = not table.requires_grad
            case "read":
                np.testing.assert_allclose(table.array, expected[0], rtol=1e-4, atol=1e-7)
            case "row":
                np.testing.assert_allclose(table[4:6].array, expected[0][4:6], rtol=1e-4, atol=1e-7)
            case "assign":
                table.array = expected[0][:] = rng.normal(size=(9, 2))
            case "state":
                optimizer.state_dict()
            case "load":
                optimizer.load_state_dict(optimizer.state_dict())
            case "resume":
                optimizer = renewed(table.array, "load_state_dict", optimizer.state_dict())
            case "exact":
                optimizer = renewed(expected[0], "load_raw_state", optimizer.raw_state())
            case "copy":
                optimizer = copy.deepcopy(optimizer)
            case "pickle" if optimizer.parameters()["table"].requires_grad:
                optimizer = pickle.loads(pickle.dumps(optimizer))
        table, group = optimizer.parameters()["table"], optimizer.groups[0]
        optimizer.scale = rng.uniform(0.1, 1)
        optimizer.zero_grad()
        optimizer.parameters()["b"].grad = np.ones(1)
        if not table.requires_grad:
            optimizer.step()
            continue
        g = rng.normal(size=(9, 2)) * 10.0 ** rng.uniform(-6, 0)
        if rng.random() < 0.1:
            (table * g if rng.random() < 0.5 else table[:] * g).sum().backward()
        elif what != "none":
            ids = np.flatnonzero(rng.random(9) < 0.15)
            mg.lookup(table, ids).backward(g[ids])
            g *= np.isin(np.arange(9), ids)[:, None]
        else:
            optimizer.step()
            continue
        if rng.random() < 0.2:
            norm = clip_gradients(optimizer.parameters(), 0.5)
            g *= min(1.0, 0.5 / norm)
        optimizer.step()
        steps, lr = steps + 1, group.lr * optimizer.scale
        if group.weight_decay and name == "adamw":
            expected[0] *= 1 - lr * group.weight_decay
        elif group.weight_decay:
            g += group.weight_decay * expected[0]
        dense(expected, g, lr, steps, **settings)
    np.testing.assert_allclose(optimizer.parameters()["table"].array, expected[0], rtol=1e-4, atol=1e-7)
    for slot, wanted in zip(optimizer.slots, expected[1:], strict=False):
        np.testing.assert_allclose(optimizer.state_dict()[f"{slot}/table"], wanted, rtol=1e-4, atol=1e-12)
