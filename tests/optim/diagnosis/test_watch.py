"""What a watch keeps, and that a run does not change by being watched."""

from contextlib import nullcontext
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import minigrad as mg
import optim
from layers import (
    BatchNorm,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Sequential,
)
from minigrad.context import ON_BACKWARD, ON_EVENT, ON_GRADIENT, ON_RECORD
from minigrad.errors import NonFiniteError, ShapeError
from optim.diagnosis import watch as module
from optim.diagnosis.trial import Trial, losses
from optim.diagnosis.watch import Clip, Pass, Update, Watch, users_line
from tests.optim.diagnosis.helpers import (
    TARGETS,
    X,
    Y,
    codes,
    crossed,
    network,
    squared,
)

momentum = partial(optim.SGD, momentum=0.9)
HOOKS: list[Any] = [ON_BACKWARD, ON_EVENT, ON_GRADIENT, ON_RECORD]


def run(steps=6, before: Any = None):
    """Train with everything random, and return all that could differ."""
    mg.seed(0)
    model = Sequential(
        Dense(4, 8, mg.relu),
        BatchNorm(8),
        Dropout(0.5),
        Dense(8, 2),
    )
    optimizer = optim.Adam(model.named_parameters(), lr=0.1)
    found = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = crossed(model(X), Y)
        loss.backward()
        optim.clip_gradients(model.named_parameters(), 0.5)
        optimizer.step()
        found.append(loss.item())
    arrays = {**model.state_dict(), **optimizer.state_dict()}
    numbers = mg.generator().random(4).tolist()
    return found, {name: array.tobytes() for name, array in arrays.items()}, numbers


def hooks():
    return [hook.get() for hook in HOOKS]


# ---- the run itself ----


def test_run_is_the_same_when_it_is_watched():
    alone = run()
    with Watch() as watch:
        assert run() == alone
    assert watch.losses == alone[0]
    with optim.diagnose(quiet=True), mg.trace_lines(), optim.diagnose(quiet=True):
        watched = run()
    assert watched == alone
    assert run() == alone  # nothing was left behind


def lazily(steps, passes, watch: Any, rule: Any):
    """Train a table whose rows have pending updates, watch some more steps, and train again."""
    mg.seed(0)
    rng = np.random.default_rng(0)
    model = Sequential(Embedding(40, 3), Flatten(), Dense(6, 2))
    optimizer = rule(model.named_parameters(), lr=0.1)
    found: list[float] = []

    def train():
        for _ in range(steps):
            optimizer.zero_grad()
            for _ in range(passes):
                ids = rng.integers(0, 40, (4, 2))
                loss = crossed(model(ids), ids[:, 0] % 2)
                loss.backward()
                found.append(loss.item())
            optimizer.step()

    train()
    with watch:
        train()
    train()
    state = {**optimizer.raw_state(), **model.state_dict()}
    return found, {name: array.tobytes() for name, array in state.items()}


@pytest.mark.parametrize("passes", [1, 2])
@pytest.mark.parametrize("rule", [momentum, optim.Adam, optim.AdamW])
def test_pending_updates_of_a_table_stay_pending(rule, passes):
    watch = Watch()
    diagnosis = optim.diagnose(quiet=True)
    alone = lazily(9, passes, nullcontext(), rule)
    assert lazily(9, passes, watch, rule) == alone
    assert lazily(9, passes, diagnosis, rule) == alone
    assert losses(watch, Trial()) == watch.losses
    assert watch.losses == alone[0][9 * passes : 18 * passes]


@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt, SystemExit])
def test_exceptions_pass_through(error, capsys):
    before = hooks()
    with pytest.raises(error), optim.diagnose() as diagnosis:
        run(3)
        assert hooks() != before
        raise error
    assert hooks() == before
    assert diagnosis.watch.error.__class__ is error
    assert bool(capsys.readouterr().out) == issubclass(error, Exception)


def test_quiet_block_prints_nothing(capsys):
    with optim.diagnose(quiet=True) as diagnosis:
        run(3)
    assert diagnosis.result.passes == 3
    assert capsys.readouterr().out == ""


def test_empty_block():
    with optim.diagnose(quiet=True) as diagnosis:
        pass
    assert codes(diagnosis.result) == []
    assert not diagnosis.result


def test_detect_anomaly_works_in_the_block():
    w = mg.Tensor([-1.0], requires_grad=True, name="w")
    with (
        np.errstate(all="ignore"),
        pytest.raises(NonFiniteError, match="Log") as error,
        optim.diagnose(quiet=True) as diagnosis,
        mg.detect_anomaly(),
    ):
        mg.log(w).sum().backward()
    assert "test_watch.py" in str(error.value)
    assert codes(diagnosis.result) == ["not-finite"]


def test_block_works_in_detect_anomaly():
    with mg.detect_anomaly(), optim.diagnose(quiet=True) as diagnosis:
        run(4)
    assert diagnosis.result.passes == 4


def test_two_watches_see_the_same():
    with Watch() as outer:
        run(2)
        with Watch() as inner:
            run(3)
    assert len(outer.losses) == 5
    assert outer.losses[2:] == inner.losses
    assert len(outer.optimizers) == 2


# ---- what is kept ----


def test_events_in_their_order():
    with Watch() as watch:
        run(2)
    kinds = [type(event) for event in watch.events]
    assert kinds == [Pass, Clip, Update] * 2
    one, clip, update = watch.events[:3]
    assert isinstance(clip, Clip) and clip.max_norm == 0.5
    assert isinstance(update, Update) and (update.optimizer, update.scale) == (0, 1)
    assert isinstance(one, Pass)
    for event, text in (one, "loss.backward()"), (clip, "optim.clip_gradients("):
        assert event.line.text.startswith(text)
        assert str(event.line).startswith("tests/optim/diagnosis/test_watch.py:")


def test_layers_and_optimizers_with_their_lines():
    with Watch() as watch:
        run(1)
    made = {type(layer).__name__: line.text for layer, line in watch.layers.values()}
    assert made["BatchNorm"] == "BatchNorm(8),"
    assert watch.optimizers[0].line.text.startswith("optimizer = optim.Adam")
    assert watch.optimizers[0].steps == 1
    paths = {".".join(scope): type(layer).__name__ for scope, layer in watch.scopes.items()}
    assert paths["sequential.dense_2"] == "Dense"


def test_optimizer_that_was_made_before():
    model = network()
    optimizer = optim.SGD(model.named_parameters())
    with Watch() as watch:
        crossed(model(X), Y).backward()
        optimizer.step()
    assert [made.optimizer for made in watch.optimizers] == [optimizer]
    assert watch.start is not optimizer


def test_first_values_of_parameters():
    w = mg.Tensor([2.0], requires_grad=True)
    optimizer = optim.SGD([w], lr=0.25)
    with Watch() as watch:
        for _ in range(3):
            optimizer.zero_grad()
            (w * w).sum().backward()
            optimizer.step()
    assert watch.losses == [4, 1, 0.25]
    assert_array_equal(watch.first[w.node], [2.0])
    assert watch.start.parameters()["0"].array == [2.0]
    assert w.array == [0.25]


def test_leaves_that_had_a_gradient():
    a, b = (mg.Tensor(1.0, requires_grad=True) for _ in range(2))
    with Watch() as watch:
        (2 * a).backward()
        (a * b).backward()
    first, second = watch.events
    assert isinstance(first, Pass) and isinstance(second, Pass)
    assert (first.kept, first.clear) == ([], [a.node])
    assert (second.kept, second.clear) == ([a.node], [b.node])


def test_drawing_is_not_a_pass(tmp_path):
    w = mg.Tensor(1.0, requires_grad=True)
    with Watch() as watch:
        for _ in range(2):
            w.grad = None
            loss = 2 * w
            loss.backward()
            mg.draw(loss, tmp_path / "graph.png", grads=True)
    assert [one.kept for one in watch.events if isinstance(one, Pass)] == [[], []]


def test_calls_and_whether_they_train():
    model = network()
    with Watch() as watch:
        loss = crossed(model(X), Y)
        loss.backward()
        model.eval()
        model(X)
        with mg.no_grad():
            model(X)
        crossed(model(X), Y).backward()
    assert [call.trains for call in watch.calls] == [True, False, False, True]
    assert [call.training for call in watch.calls] == [True, False, False, False]
    assert [type(call.layer).__name__ for call in watch.inner] == ["Dense", "Dense"]


def test_losses_that_do_not_go_backward(monkeypatch):
    monkeypatch.setattr(module, "PASSES_KEPT", 1)
    w = mg.Tensor([[2.0, 0.0]], requires_grad=True)
    with Watch() as watch:
        for _ in range(3):
            crossed(-w, [0])
            crossed(w, [0]).backward()
        with mg.no_grad():
            crossed(w, [1])
    found = [(one.passes, one.loss, one.right) for one in watch.evaluations]
    high = np.log(1 + np.exp(2))
    assert_allclose(found, [(0, high, 0), (1, high, 0), (2, high, 0), (3, high, 0)])


@pytest.mark.parametrize(
    ("name", "value"),
    [("PASSES_KEPT", 2), ("BYTES_KEPT", 2 * X.nbytes)],
)
def test_memory_is_limited(monkeypatch, name, value):
    monkeypatch.setattr(module, name, value)
    with Watch() as watch:
        run(5)
    passes = [event for event in watch.events if isinstance(event, Pass)]
    graphs = [one.graph is not None for one in passes]
    assert graphs == sorted(graphs, reverse=True)
    assert 1 <= sum(graphs) <= 2
    assert len(watch.losses) == 5


def test_kept_graphs_have_no_outputs():
    model = network()
    with Watch() as watch:
        crossed(model(X), Y).backward()
    (one,) = watch.events
    assert isinstance(one, Pass) and one.graph is not None
    assert not hasattr(one.graph.output, "nbytes")


def test_pass_that_failed_is_kept():
    w = mg.Tensor([[1.0]], requires_grad=True)
    x = np.array([[np.nan]])
    with pytest.raises(NonFiniteError), Watch() as watch:
        loss = squared(x @ w, [[1.0]])
        loss.backward()
    assert watch.losses == []
    assert watch.failed is not None
    assert watch.failed[1].text == "loss.backward()"


def test_other_errors_are_kept():
    model = network(4, 1)
    with pytest.raises(ShapeError), Watch() as watch:
        squared(model(X), TARGETS[:5])
    assert isinstance(watch.error, ShapeError)
    assert watch.failed is None


def test_line_of_the_user():
    line = users_line()
    assert line.text == "line = users_line()"
    assert line.file == __file__
    assert str(line) == f"tests/optim/diagnosis/test_watch.py:{line.number}"
    assert module.Line("no such file", 3).text == ""
