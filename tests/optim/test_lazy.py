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
from minigrad.data import load_imdb
from minigrad.fast.accumulator import SparseGradient
from minigrad.fast.table import Table, make_table
from optim import SGD, Adagrad, Adam, AdamW, RMSprop, clip_gradients, lazy

ROWS, WIDTH = 40, 3


@pytest.fixture(params=["usual", "small"])
def thresholds(request, monkeypatch):
    """Run a test twice: with the thresholds of lazy.py as they are, and so small that both sides of each are taken."""
    if request.param == "small":
        for name, value in (("BLOCK", 3), ("LATE", 64), ("SHORTEST_SUMS", 2)):
            monkeypatch.setattr(lazy, name, value)


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


RULES: dict[str, Any] = {
    "adam": (lambda p: Adam(p, lr=1e-2), dense_adam, 1e-5),
    "adam without momentum": (lambda p: Adam(p, lr=1e-2, betas=(0.0, 0.999)), partial(dense_adam, beta1=0.0), 1e-12),
    "momentum": (lambda p: SGD(p, lr=1e-2, momentum=0.9), dense_sgd, 1e-10),
    "nesterov": (lambda p: SGD(p, lr=1e-2, momentum=0.9, nesterov=True), partial(dense_sgd, nesterov=True), 1e-10),
    "rmsprop": (lambda p: RMSprop(p, lr=1e-2), dense_rmsprop, 1e-12),
}


def run(name, steps, dtype=np.float64, read=None):
    """The table after so many steps of the optimizer, and the float64 dense rule's; some rows rest for long."""
    make, dense, tolerance = RULES[name]
    rng = np.random.default_rng(5)
    start = rng.normal(size=(ROWS, WIDTH)).astype(dtype)
    table = make_table(start)
    optimizer = make({"table": table})
    expected = [start.astype(np.float64), np.zeros((ROWS, WIDTH)), np.zeros((ROWS, WIDTH))]
    for t in range(1, steps + 1):
        optimizer.scale = 1 / (1 + 0.01 * t)  # a schedule: each step has its own rate
        # Words are rare and common: row r turns up once in some 2 + r * r / 2 steps, the last after 800.
        ids = np.flatnonzero(rng.uniform(size=ROWS) < 1 / (1 + np.arange(ROWS) ** 2 / 2))
        ids = np.concatenate([ids, ids[:2], [0]])
        # Gradients down to where eps matters beside √v.
        g = (rng.normal(size=(len(ids), WIDTH)) * 10 ** rng.uniform(-8, 0)).astype(dtype)
        optimizer.zero_grad()
        mg.lookup(table, ids).backward(g)
        optimizer.step()
        whole = np.zeros((ROWS, WIDTH))
        np.add.at(whole, ids, g)
        dense(expected, whole, optimizer.groups[0].lr * optimizer.scale, t)
        if read:
            read(t, table, expected[0])
    moved = np.abs(expected[0] - start).max()
    return optimizer, table, expected, tolerance, moved


@pytest.mark.parametrize("steps", [1, 2, 7, 60, 900])
@pytest.mark.parametrize("name", RULES)
def test_the_whole_table_is_as_the_dense_rule_leaves_it(name, steps, thresholds):
    optimizer, table, expected, tolerance, moved = run(name, steps)
    assert np.abs(table.array - expected[0]).max() <= tolerance * moved
    state = optimizer.state_dict()
    for slot, wanted in zip(optimizer.slots, expected[1:], strict=False):
        np.testing.assert_allclose(state[f"{slot}/table"], wanted, rtol=1e-9, atol=1e-20)


def test_a_thousand_batches_of_reviews_move_the_table_as_the_dense_rule_does():
    rng = np.random.default_rng(8)
    ids = load_imdb().train.ids
    start = rng.uniform(-0.05, 0.05, (10_000, 4)).astype(np.float32)
    table = make_table(start)
    optimizer = Adam({"table": table})
    expected = [start.astype(np.float64), np.zeros(start.shape), np.zeros(start.shape)]
    for t in range(1, 1001):
        batch = ids[rng.integers(0, len(ids), 32)]
        g = (rng.normal(size=(*batch.shape, 4)) * 10 ** rng.uniform(-7, -2)).astype(np.float32)
        optimizer.zero_grad()
        mg.lookup(table, batch).backward(g)
        optimizer.step()
        assert isinstance(table.node, Table)
        rows, sums = table.node.grad.rows()
        whole = np.zeros(start.shape)
        whole[rows] = sums
        dense_adam(expected, whole, 1e-3, t)
    moved = np.abs(expected[0] - start).max()
    assert np.abs(table.array - expected[0]).max() <= 1e-4 * moved


def test_in_float32_too():
    _, table, expected, _, moved = run("adam", 900, np.float32)
    assert np.abs(table.array - expected[0]).max() <= 1e-5 * moved


@pytest.mark.parametrize("name", RULES)
def test_a_row_is_up_to_date_whenever_it_is_read(name, thresholds):
    checked = []

    def read(t, table, expected):
        ways = {
            17: lambda: (mg.lookup(table, [3, 39, 3]), expected[[3, 39, 3]]),
            33: lambda: (table[5:9], expected[5:9]),
            58: lambda: (table @ np.ones((WIDTH, 1)), expected @ np.ones((WIDTH, 1))),
            71: lambda: (table.detach(), expected),
            90: lambda: (table * 1.0, expected),
        }
        if t in ways:
            found, wanted = ways[t]()
            np.testing.assert_allclose(found.array, wanted, rtol=1e-4, atol=1e-6)
            checked.append(t)

    run(name, 90, read=read)
    assert len(checked) == 5


def test_reading_makes_a_difference():
    """The test above could not fail if no update were ever pending."""
    _, table, expected, _, _ = run("adam", 60)
    lying = table.node.stored.copy()
    assert np.abs(lying - expected[0]).max() > 1e-4
    assert np.abs(table.array - lying).max() > 1e-4


def test_only_the_rows_that_are_read_are_caught_up_with():
    _, table, expected, _, _ = run("adam", 60)
    before = table.node.stored.copy()
    mg.lookup(table, [30])
    changed = np.flatnonzero((table.node.stored != before).any(axis=1))
    assert set(changed) <= {30}
    np.testing.assert_allclose(table.node.stored[30], expected[0][30], rtol=1e-6)


def test_a_stray_id_is_still_the_look_ups_own_error():
    _, table, *_ = run("adam", 3)
    with pytest.raises(mg.MinigradError, match="MG141"):
        mg.lookup(table, [ROWS])


def test_steps_with_the_whole_table_and_with_rows_may_alternate():
    rng = np.random.default_rng(1)
    start = rng.normal(size=(6, 2))
    table = make_table(start)
    optimizer = Adam({"table": table}, lr=1e-2)
    expected = [start.copy(), np.zeros((6, 2)), np.zeros((6, 2))]
    for t in range(1, 50):
        optimizer.zero_grad()
        g = np.zeros((6, 2))
        if t % 5 == 0:
            g[:] = rng.normal(size=(6, 2))
            (table * g if rng.random() < 0.5 else table[:] * g).sum().backward()
        else:
            g[t % 3] = rng.normal(size=2)
            mg.lookup(table, [t % 3]).backward(g[[t % 3]])
        optimizer.step()
        dense_adam(expected, g, 1e-2, t)
    np.testing.assert_allclose(table.array, expected[0], rtol=1e-5)


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_a_second_optimizer_finds_the_table_as_the_first_leaves_it(momentum):
    _, table, expected, *_ = run("adam", 60)
    second = SGD({"table": table}, lr=1.0, momentum=momentum)
    second.zero_grad()
    mg.lookup(table, [39]).sum().backward()
    second.step()
    expected[0][39] -= 1.0
    np.testing.assert_allclose(table.array, expected[0], rtol=1e-4, atol=1e-5)


def train(optimizer, table, steps):
    for t in steps:
        optimizer.zero_grad()
        mg.lookup(table, [t % 7, (3 * t) % 20]).backward(np.full((2, WIDTH), 0.1 * t))
        optimizer.step()


def test_saved_state_goes_on_as_the_unbroken_run_does():
    start = np.random.default_rng(2).normal(size=(ROWS, WIDTH)).astype(np.float32)
    one, other = make_table(start), make_table(start)
    unbroken = Adam({"table": one}, lr=1e-2)
    train(unbroken, one, range(1, 30))
    state, values = unbroken.state_dict(), one.array.copy()  # a snapshot reads, in the unbroken run as well
    train(unbroken, one, range(30, 80))
    resumed = Adam({"table": other}, lr=1e-2)
    other.array = values
    resumed.load_state_dict(state)
    train(resumed, other, range(30, 80))
    np.testing.assert_array_equal(one.array, other.array)
    for key, array in unbroken.state_dict().items():
        np.testing.assert_array_equal(array, resumed.state_dict()[key])


def test_assigning_the_array_wins_over_what_was_pending():
    optimizer, table, *_ = run("adam", 60)
    table.array = np.zeros((ROWS, WIDTH))
    assert not table.array.any()
    assert optimizer.state_dict()["m/table"].any()


OPTIMIZERS = {
    "adam": lambda p: Adam(p, lr=1e-2),
    "adam without momentum": lambda p: Adam(p, lr=1e-2, betas=(0.0, 0.99)),
    "momentum": lambda p: SGD(p, lr=1e-2, momentum=0.9),
    "sgd": lambda p: SGD(p, lr=1e-2),
    "rmsprop": lambda p: RMSprop(p, lr=1e-2),
}


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_the_exact_state_goes_on_bit_for_bit_whatever_the_rule(make, thresholds):
    start = np.random.default_rng(2).normal(size=(ROWS, WIDTH)).astype(np.float32)
    one = make_table(start)
    unbroken = make({"table": one})
    train(unbroken, one, range(1, 60))
    assert isinstance(one.node, Table)
    state, lying = unbroken.exact_state(), one.node.stored.copy()
    train(unbroken, one, range(60, 90))
    other = make_table(lying)
    resumed = make({"table": other})
    resumed.load_exact_state(state)
    train(resumed, other, range(60, 90))
    np.testing.assert_array_equal(one.array, other.array)
    for key, array in unbroken.state_dict().items():
        np.testing.assert_array_equal(array, resumed.state_dict()[key])


def test_the_exact_state_holds_nothing_that_a_read_table_would_lose():
    states = []
    for read in (False, True):
        table = make_table(np.ones((3, 2)))
        optimizer = SGD({"table": table}, lr=0.1, momentum=0.9)
        for step, ids in enumerate([[0, 1, 2]] * 9 + [[0]]):
            if read and step == 9:
                assert (table.array < 1).all()  # no row has updates pending, so that reading changes none
            optimizer.zero_grad()
            mg.lookup(table, np.array(ids)).sum().backward()
            optimizer.step()
        states.append(optimizer.exact_state())
    assert states[0].keys() == states[1].keys() > {"pending sums/table"}
    for name, array in states[0].items():
        np.testing.assert_array_equal(states[1][name], array, err_msg=name)


@pytest.mark.parametrize("others", [[], [2, 39_999]])
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint64"])
def test_ids_of_any_integer_type_pick_the_same_rows(dtype, others):
    tables = [make_table(np.ones((40_000, 2))) for _ in range(2)]
    for table, kind in zip(tables, (dtype, "int64"), strict=True):
        optimizer = Adam({"table": table})
        for ids in ([1, 2, 100], [100, 7]):
            optimizer.zero_grad()
            loss = mg.lookup(table, np.array(ids, kind)).sum() + mg.lookup(table, np.array([3, 100], kind)).sum()
            for other in others:  # a sum of gradients whose ids are of several types
                loss = loss + mg.lookup(table, np.array([other])).sum()
            loss.backward()
            optimizer.step()
    np.testing.assert_array_equal(tables[0].array, tables[1].array)
    changed = np.flatnonzero((tables[0].array != 1).any(axis=1))
    assert changed.tolist() == sorted({1, 2, 3, 7, 100, *others})


@pytest.mark.parametrize("read", [False, True])
def test_the_sums_of_pending_updates_do_not_grow_with_the_run(read):
    table = make_table(np.ones((20, 2)))
    optimizer = SGD({"table": table}, momentum=0.5)
    longest = 0
    for t in range(1, 2500 if read else 9000):
        gradient = SparseGradient((20, 2), table.dtype, [(np.array([t % 3]), np.ones((1, 2)))])
        table.node.grad = gradient  # type: ignore[attr-defined]
        optimizer.step()
        longest = max(longest, *(len(total) for total in optimizer._pending["table"].sums), 0)
        if read:
            table.array  # noqa: B018
    assert longest <= (1024 if read else 8192)


def test_an_interrupted_catch_up_applies_nothing_twice(monkeypatch):
    start = np.random.default_rng(0).normal(size=(3000, 2))
    tables = [make_table(start) for _ in range(2)]
    optimizers = [Adam({"table": table}, lr=0.1) for table in tables]
    for table, optimizer in zip(tables, optimizers, strict=True):
        for ids in (np.arange(3000), [0], [1]):
            optimizer.zero_grad()
            mg.lookup(table, ids).sum().backward()
            optimizer.step()
    table, catch_up, calls = tables[0], Adam.catch_up, []

    def interrupted(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        catch_up(*arguments)

    monkeypatch.setattr(Adam, "catch_up", interrupted)
    with pytest.raises(KeyboardInterrupt):
        table.array  # noqa: B018
    assert len(calls) == 2
    np.testing.assert_array_equal(table.array, tables[1].array)


SPOILS = {
    "no sums": lambda state: state.pop("pending sums/table"),
    "no table": lambda state: state.pop("pending table/table"),
    "fewer rows": lambda state: state.update({"pending up_to/table": np.zeros(3, np.int64)}),
    "a smaller table": lambda state: state.update({"pending table/table": np.zeros((3, 2), np.float32)}),
    "one sum": lambda state: state.update({"pending sums/table": np.zeros((1, 2))}),
    "a flat sum": lambda state: state.update({"pending sums/table": np.zeros(3)}),
    "a number": lambda state: state.update({"pending sums/table": np.array(1.0)}),
    "fractions": lambda state: state.update({"pending up_to/table": np.full(ROWS, 0.5)}),
    "another table": lambda state: state.update({"pending table/other": np.zeros((3, 2))}),
    "no table at all": lambda state: state.update({"pending table/b": np.zeros(1, np.float32)}),
}


@pytest.mark.parametrize("spoil", SPOILS.values(), ids=SPOILS)
def test_an_exact_state_that_does_not_fit_changes_nothing(spoil):
    table, b = make_table(np.ones((ROWS, WIDTH), np.float32)), mg.Tensor([1.0], requires_grad=True)
    optimizer = Adam({"table": table, "b": b})
    train(optimizer, table, range(1, 20))
    state = optimizer.exact_state()
    assert "pending sums/table" in state
    train(optimizer, table, range(20, 30))
    before = optimizer.exact_state()
    spoil(state)
    with pytest.raises(mg.MinigradError, match=r"MG505.*\n.*pending (sums|table|up_to)/(table|other|b)"):
        optimizer.load_exact_state(state)
    after = optimizer.exact_state()
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


@pytest.mark.parametrize("make", [OPTIMIZERS["adam"], OPTIMIZERS["momentum"]], ids=["adam", "momentum"])
def test_one_model_computes_in_eight_threads_while_updates_of_its_rows_are_pending(make, busy_threads):
    rng = np.random.default_rng(3)
    model = Sequential(Embedding(300, 4), RNN(4, 3), Dense(3, 2))
    optimizer = make(model.named_parameters())
    table = model.embedding.table.node
    for trial in range(100):
        for _ in range(3):
            optimizer.zero_grad()
            model(rng.integers(0, 300, (4, 5))).sum().backward()
            optimizer.step()
        pending = optimizer.exact_state()
        assert "pending up_to/embedding.table" in pending
        batches = rng.integers(0, 300, (8, 6, 10))

        @mg.no_grad()
        def infer(ids):
            return model(ids).array

        reads: list[Any] = [partial(infer, ids) for ids in batches]
        if trial % 2:  # two of the eight read the whole table
            reads[3] = reads[6] = lambda: model.embedding.table.array.copy()
        found = in_threads(reads)
        afterwards = model.state_dict()
        optimizer.load_exact_state(pending)
        assert table.pending is not None
        for one, read in zip(found, reads, strict=True):
            np.testing.assert_array_equal(one, read())
        for path, array in model.state_dict().items():
            np.testing.assert_array_equal(array, afterwards[path], err_msg=path)


def test_all_rows_catch_up_ever_more_rarely(monkeypatch):
    """At first at every step, then twice while t doubles, in the end after every 4096 steps."""
    expected = [1, 2, 3, *(t << k for k in range(11) for t in (4, 6)), *range(8192, 17_000, 4096)]
    assert [t for t in range(1, 17_000) if lazy.all_catch_up(t)] == expected
    monkeypatch.setattr(lazy, "EARLY", 8)
    monkeypatch.setattr(lazy, "LATE", 4)
    assert [t for t in range(1, 25) if lazy.all_catch_up(t)] == [*range(1, 9), 10, 12, 14, 16, 20, 24]


def step_on_row(optimizer, table, row, g):
    optimizer.zero_grad()
    mg.lookup(table, [row]).backward(np.asarray(g)[None])
    optimizer.step()


BETAS = [(beta1, beta2, 300, 400) for beta1 in (0.0, 0.5, 0.9, 0.99) for beta2 in (0.0, 0.5, 0.9, 0.99, 0.999, 0.9999)]


@pytest.mark.parametrize(("beta1", "beta2", "before", "gap"), [*BETAS, (0.9, 0.999, 4500, 5000), (0.9, 0.9, 10, 5000)])
def test_a_row_that_adam_did_not_touch_for_a_while_catches_up_whatever_the_betas(beta1, beta2, before, gap):
    scales = np.logspace(-9, 4, 14)  # of the gradients: some far below eps, some far above
    for last, missed in (before, gap), (1, 1), (3, 7), (20, 2), (90, 30):
        table = make_table(np.zeros((2, 14)))
        optimizer = Adam({"table": table}, lr=1.0, betas=(beta1, beta2), eps=1e-4)
        expected = [np.zeros(14), np.zeros(14), np.zeros(14)]
        for t in range(1, last + missed + 1):
            g = (t <= last) * scales
            step_on_row(optimizer, table, int(t > last), g if t <= last else np.ones(14))
            dense_adam(expected, g, 1.0, t, beta1, beta2, 1e-4)
            if t == last:
                start = expected[0].copy()
        error = np.abs(table.array[0] - expected[0])
        assert (error <= 1.6e-5 * np.abs(expected[0] - start) + 1e-11 * np.abs(start)).all(), (last, missed)


CHANGES: dict[str, Any] = {
    "momentum": (lambda p: SGD(p, lr=0.1, momentum=0.9), dense_sgd, {"momentum": [0.5, 0, 0.99]}),
    "nesterov": (lambda p: SGD(p, lr=0.1, momentum=0.9), dense_sgd, {"nesterov": [True, False]}),
    "beta1": (lambda p: Adam(p, lr=0.1), dense_adam, {"beta1": [0.5, 0, 0.95]}),
    "beta2": (lambda p: Adam(p, lr=0.1), dense_adam, {"beta2": [0.99, 0.5, 0.9999]}),
    "eps": (lambda p: Adam(p, lr=0.1), dense_adam, {"eps": [1.0, np.float32(0.5), 1e-7]}),
    "decay": (lambda p: RMSprop(p, lr=0.1), dense_rmsprop, {"decay": [0.5, 0, 0.99]}),
    "lr": (lambda p: SGD(p, lr=0.1, momentum=0.9), dense_sgd, {"lr": [1.0, 0, 0.1]}),
    "scale": (lambda p: Adam(p, lr=0.1), dense_adam, {"scale": [3.0, 0, 0.1]}),
}


@pytest.mark.parametrize("read", [False, True])
@pytest.mark.parametrize(("make", "dense", "change"), CHANGES.values(), ids=CHANGES)
def test_a_setting_that_is_changed_applies_to_later_steps_only(make, dense, change, read):
    rng = np.random.default_rng(4)
    table = make_table(np.ones((4, 2)))
    optimizer = make({"table": table})
    expected, settings = [np.ones((4, 2)), np.zeros((4, 2)), np.zeros((4, 2))], {}
    ((name, values),) = change.items()
    for t in range(1, 60):
        if t % 13 == 0 and (t // 13) <= len(values):
            setattr(optimizer, name, values[t // 13 - 1])
            settings = {name: values[t // 13 - 1]} if name not in ("lr", "scale") else {}
            if read:
                np.testing.assert_allclose(table.array, expected[0], rtol=1e-5)
        g = np.zeros((4, 2))
        g[3 if t % 5 else t % 3] = rng.normal(size=2)  # row 3 nearly always, so that the others miss steps
        optimizer.zero_grad()
        mg.lookup(table, np.arange(4)[g.any(axis=1)]).backward(g[g.any(axis=1)])
        optimizer.step()
        dense(expected, g, optimizer.lr * optimizer.scale, t, **settings)
    np.testing.assert_allclose(table.array, expected[0], rtol=1e-5)
    for slot, wanted in zip(optimizer.slots, expected[1:], strict=False):
        np.testing.assert_allclose(optimizer.state["table"][slot], wanted, rtol=1e-9)


@pytest.mark.parametrize(("name", "value"), [("beta1", 1.0), ("beta2", -0.5), ("eps", -1e-7), ("eps", np.nan)])
def test_a_setting_that_leaves_its_range_is_an_error_at_the_next_step_and_changes_nothing(name, value):
    optimizer, table, *_ = run("adam", 20)
    before = table.array.copy()
    setattr(optimizer, name, value)
    with pytest.raises(mg.MinigradError, match=f"MG305.* {name} is"):
        optimizer.step()
    np.testing.assert_array_equal(table.array, before)


MIXED: dict[str, Any] = {
    "sgd": (lambda p: SGD(p, lr=1e-2), partial(dense_sgd, momentum=0.0), {}),
    "momentum": (lambda p: SGD(p, lr=1e-2, momentum=0.9), dense_sgd, {"momentum": [0.0, 0.5, 0.9]}),
    "nesterov": (
        lambda p: SGD(p, lr=1e-2, momentum=0.9, nesterov=True), partial(dense_sgd, nesterov=True), {"momentum": [0.5]},
    ),
    "adam": (lambda p: Adam(p, lr=1e-2), dense_adam, {"beta1": [0, 0.9], "beta2": [0.9, 0.999], "eps": [1e-7, 1e-2]}),
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
                optimizer = renewed(expected[0], "load_exact_state", optimizer.exact_state())
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


def test_the_exact_state_goes_on_bit_for_bit_though_a_setting_was_just_changed():
    tables = [make_table(np.ones((ROWS, WIDTH), np.float32)) for _ in range(3)]
    unbroken, stored = Adam({"table": tables[0]}, lr=1e-2), Adam({"table": tables[1]}, lr=1e-2)
    for optimizer, table in (unbroken, tables[0]), (stored, tables[1]):
        train(optimizer, table, range(1, 60))
        optimizer.beta1 = 0.5
    state, lying = stored.exact_state(), tables[1].node.stored.copy()  # type: ignore[attr-defined]
    tables[2] = make_table(lying)
    resumed = Adam({"table": tables[2]}, lr=1e-2, betas=(0.5, 0.999))
    resumed.load_exact_state(state)
    for optimizer, table in zip((unbroken, stored, resumed), tables, strict=True):
        train(optimizer, table, range(60, 90))
        np.testing.assert_array_equal(table.array, tables[0].array)


def test_a_replaced_table_leaves_the_pending_updates_to_the_old_one():
    optimizer, table, expected, *_ = run("momentum", 60)
    other = make_table(np.zeros((ROWS, WIDTH)))
    optimizer.groups[0].parameters["table"] = other
    mg.lookup(other, [3]).sum().backward()
    optimizer.step()
    np.testing.assert_allclose(table.array, expected[0], rtol=1e-10)


def test_storing_after_a_setting_became_a_float32_of_numpy_changes_nothing() -> None:
    def run(storing: bool) -> bytes:
        rng = np.random.default_rng(0)
        table = make_table(rng.normal(size=(30, 4)).astype("float32"))
        optimizer = Adam({"t": table}, lr=0.02, betas=(0.5, 0.999))
        for step in range(9):
            optimizer.zero_grad()
            (table[rng.integers(0, 30, 6)] * rng.normal(size=(6, 4))).sum().backward()
            optimizer.step()
            if step == 0:
                optimizer.beta1 = np.float32(0.5)  # type: ignore[assignment]
            if storing:
                optimizer.load_exact_state(optimizer.exact_state())
        return table.array.tobytes()

    assert run(True) == run(False)
