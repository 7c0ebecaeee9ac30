"""Milestones: the stub, solution, slips and right answers of each, finite differences, and the same
network by minigrad.
"""

import json
import re
import sys
import warnings
from itertools import repeat
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from layers import LSTM, RNN
from minigrad.course import commands
from minigrad.course.checking import child, feedback, key
from minigrad.course.checking.grade import grade, judge
from minigrad.course.checking.lesson import ENGINE, ENGINE_LESSON, progress
from minigrad.course.checking.registry import (
    lesson,
    milestone,
    milestones,
)
from minigrad.course.checking.sandbox import collected
from minigrad.course.classroom.submissions import File, Submission
from minigrad.course.workbook import READY, Workbook
from optim import SGD, Adam

from .conftest import alike, record, write

Value = ENGINE_LESSON.solved.Value
each = pytest.mark.parametrize("one", milestones(), ids=lambda one: one.word)
SOURCE = Path("course")


@pytest.fixture(autouse=True)
def engine(monkeypatch):
    """The solution's engine as my_engine, for files that this process runs."""
    monkeypatch.setitem(sys.modules, "my_engine", ENGINE_LESSON.solved)


def asked(one, text, only=None, instead=None):
    """The outcomes of a file that this process asks all questions without a training."""
    if only and one.questions[only[0]].training:
        return collected([], "not asked")
    questions = [i for i, question in enumerate(one.questions) if not question.training]
    lines: list[Any] = []
    with warnings.catch_warnings(action="ignore"):
        child.run(
            one,
            SOURCE / one.file,
            text,
            lines.append,
            only or questions,
        )
    answers = [line for line in lines if "training" not in line and "way" not in line]
    return collected(json.loads(json.dumps([*answers, {"done": True}])))


def verdict_on(one, text):
    """The verdict on a file without its training, whose question is the last."""
    return judge(
        one,
        text,
        asked(one, text),
        lambda *others: asked(one, *others),
    )


def said(verdict, tries):
    return " ".join(" ".join(feedback.lines(verdict, tries)).split())


@each
def test_exercise_is_not_written_yet(one):
    if one.word == "xor":  # which asks for no operation
        return
    verdict = verdict_on(one, one.exercise)
    assert (verdict.passed, verdict.right) == (False, 0)
    assert "is not written yet" in said(verdict, 1)


@each
def test_solution_trains_in_its_own_process(one):
    verdict = grade(one, SOURCE / one.file, one.solution, modules=one.engine)
    assert verdict.passed, said(verdict, 3)
    (found,) = verdict.trained
    assert found["loss"] < 0.7 * found["losses"][0]
    assert found["told"]
    assert found["seconds"] > 0


@pytest.mark.parametrize(
    ("one", "slip"),
    [
        pytest.param(one, slip, id=f"{one.word}: {slip.name}")
        for one in milestones()
        for slip in one.slips
    ],
)
def test_slip_is_rejected_and_named(one, slip):
    verdict = verdict_on(one, f"{one.solution}\n{slip.code}\n")
    assert verdict.problem.question is not None
    name = " ".join(str(slip).split())
    assert [name in said(verdict, tries) for tries in (1, 2, 3)] == [False, True, True]


@pytest.mark.parametrize(
    ("one", "code"),
    [
        pytest.param(one, code, id=f"{one.word}: {name}")
        for one in milestones()
        if one.word != "xor"
        for name, code in one._module("right").RIGHT.items()
    ],
)
def test_right_answer_has_only_the_training_left(one, code):
    verdict = verdict_on(one, f"{one.solution}\n{code}\n")
    assert verdict.right == one.asked - 1, said(verdict, 3)


def test_training_waits_for_the_other_answers():
    one = milestone("truncation")
    wrong = one.solution + "\n" + one.slips[-1].code  # which sends zeros
    runs: list[Any] = []

    def again(*others):
        runs.append(others[1])
        return asked(one, *others)

    verdict = judge(one, wrong, asked(one, wrong), again)
    assert (verdict.right, verdict.unanswered) == (4, 1)
    assert [len(one.questions) - 1] not in runs
    judge(one, one.solution, asked(one, one.solution), again)
    assert runs[-1] == [len(one.questions) - 1]


ROWS = """
def rows(W, ids):
    def rule(dz):
        dW = np.zeros(W.array.shape)
        np.add.at(dW, ids, dz)
        return (dW,)
    return Value(W.array[ids], (W,), rule)
"""


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("(dW,)", "dW"), "A rule must return a tuple"),
        (("(dW,)", "dW, dW"), "2 gradients, but there are 1 inputs"),
        (("(W,)", "W"), "must be a tuple, such as (x,)"),
        (("(W,)", "()"), "No gradient can reach W"),
        (("(W,)", "(W.array,)"), "must be Values. Yours contain an array"),
        ((", rule)", ")"), "has inputs, and no rule"),
        (("return Value(W.array[ids], (W,), rule)", "return W.array[ids]"), "must return a new Value"),
    ],
)  # fmt: skip
def test_wrong_form_of_a_value_is_named(change, told):
    one = milestone("words")
    assert told in said(verdict_on(one, one.solution + ROWS.replace(*change)), 1)
    assert verdict_on(one, one.solution + ROWS).right == one.asked - 1


def test_network_that_did_not_learn_is_described_by_its_numbers():
    found = {
        "told": "75.7% of 300 new points are right",
        "losses": [1.2, 0.6],
        "loss": 0.5,
        "facts": {"at least 95% of the new points are right": False},
    }
    compare = milestone("spiral").questions[-1].compare
    assert compare is not None
    assert compare(found, 1) == (
        "Your network: 75.7% of 300 new points are right; its loss went from 1.2 to 0.5.\n"
        "It should be so: at least 95% of the new points are right."
    )


def test_parameters_with_wrong_gradients_are_named():
    one = milestone("xor")
    hidden = "\ndef network(x, W1, b1, W2, b2):\n    return Value((x @ W1 + b1).tanh().array) @ W2 + b2\n"
    assert "They differ for W1, b1." in said(verdict_on(one, one.exercise + hidden), 1)


def test_file_that_is_not_written_ends_without_a_traceback(tmp_path):
    one = milestone("truncation")
    file = child.load(tmp_path / one.file, one.exercise)
    with pytest.raises(SystemExit, match=rf"cut in .*{one.file}, line \d+: not written yet"):
        file.show(file)


@each
def test_block_from_an_earlier_milestone_is_its_solution(one):
    for kind, number, name in READY.findall(one.exercise):
        assert kind == "milestone"
        earlier = milestone(number)
        assert key.code_of(one.exercise, name) == key.code_of(earlier.solution, name)


@each
def test_key_belongs_to_the_files(one):
    assert key.sources(one).encode() in key._stored(one), "build the key again"


@each
def test_hints_contain_no_line_of_the_solution(one):
    lines = {
        line.strip() for line in one.read("solution.py").splitlines() if len(line.strip()) > 20
    }
    assert len(one.hints) >= 3
    assert not [line for line in lines for hint in one.hints if line in hint]


# The same networks, written for minigrad. `w` contains the parameters.


def dense(x, W1, b1, W2, b2):
    return mg.tanh(x @ W1 + b1) @ W2 + b2


def xor(file, w):
    return ((dense(file.X, *w) - file.Y) ** 2).mean()


def spiral(file, w):
    return mg.softmax_cross_entropy(dense(file.X, *w), file.LABELS)


def words(file, w, ids, labels, last=None):
    E, *recurrent, W, b = w
    layer = RNN(16, 32, truncate=last)
    layer.cell.W_xh, layer.cell.W_hh, layer.cell.b_h = recurrent
    return mg.softmax_cross_entropy(layer(mg.lookup(E, ids)) @ W + b, labels)


def truncation(file, w, ids, labels):
    return words(file, w, ids, labels, last=10)


def lstm(file, w, x, y):
    layer = LSTM(1, 8)
    layer.cell.W_xh, layer.cell.W_hh, layer.cell.b, W = w
    return ((layer(x[:, :, None]) @ W - y) ** 2).mean()


def attention(x, heads):
    """The sum of the heads, each with four matrices."""
    mask, z = np.tri(x.shape[1], dtype=bool), 0
    for W_q, W_k, W_v, W_out in zip(*(heads[k::4] for k in range(4)), strict=True):
        z = z + mg.scaled_dot_product_attention(x @ W_q, x @ W_k, x @ W_v, mask) @ W_out
    return z


def sorting(file, w, ids, answer):
    tokens, places, W, *heads = w
    x = mg.lookup(tokens, ids) + places
    logits = ((x + attention(x, heads)) @ W)[:, 5:]
    return mg.softmax_cross_entropy(logits.reshape(-1, 10), answer.reshape(-1))


def names(file, w, ids):
    tokens, places, W, b, *blocks = w
    length = int((ids > 0).sum(axis=1).max()) + 1
    x = mg.lookup(tokens, ids[:, :length]) + places[:length]
    for first in (0, 12):
        *heads, W1, b1, W2, b2 = blocks[first : first + 12]
        x = x + attention(normalized(x), heads)
        x = x + mg.relu(normalized(x) @ W1 + b1) @ W2 + b2
    labels = ids[:, 1 : length + 1].copy()
    labels[:, 1:][ids[:, 1:length] == 0] = -100  # minigrad leaves these positions out
    logits = normalized(x) @ W + b
    return mg.cross_entropy(logits.reshape(-1, 27), labels.reshape(-1))


def normalized(x):
    return mg.layer_norm(x, np.ones(24), np.zeros(24), 1e-5)


def digits(file, w, x, labels):
    filters, b, filters2, b2, W, c = w
    x = mg.relu(convolution(x.transpose(0, 3, 1, 2), filters, 3) + b.reshape(-1, 1, 1))
    x = mg.max_pool(x, (2, 2))
    x = mg.relu(convolution(x, filters2, 3) + b2.reshape(-1, 1, 1))
    z = convolution(x, W, 2).reshape(-1, 10) + c
    return mg.softmax_cross_entropy(z, labels.reshape(-1))


def convolution(x, filters, size):
    kernels = filters.reshape(size, size, x.shape[1], -1).transpose(3, 2, 0, 1)
    return mg.conv(x, kernels)


LOSSES = (
    xor,
    spiral,
    words,
    truncation,
    lstm,
    sorting,
    names,
    digits,
)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
def test_twenty_steps_are_minigrads(loss):
    steps, file = 20, milestone(loss.__name__).solved
    parameters = file.start()
    weights = [mg.Tensor(one.array, requires_grad=True) for one in parameters]
    file.learn(parameters, steps)
    rate = {
        "xor": 0.2,
        "spiral": 1.0,
        "lstm": 0.01,
        "sorting": 0.01,
        "names": 0.01,
        "digits": 0.02,
    }
    lr = rate.get(loss.__name__, 0.005)
    plain = loss in (xor, spiral)
    optimizer = SGD(weights, lr=lr) if plain else Adam(weights, lr=lr)
    batches = repeat(()) if plain else file.batches()
    for step, batch in zip(range(steps), batches, strict=False):
        if not plain:
            optimizer.lr = lr * (1 - step / steps)
        optimizer.zero_grad()
        loss(file, weights, *batch).backward()
        optimizer.step()
    alike([one.array for one in parameters], weights, 1e-6)


@each
def test_operations_agree_with_finite_differences(one):
    for f, *arrays in one.check.TRIES.values():
        slopes = np.random.default_rng(0).normal(
            size=f(one.solved, *map(Value, arrays)).array.shape
        )
        values = [Value(array) for array in arrays]
        (f(one.solved, *values) * slopes).sum().backward()
        for number, array in enumerate(arrays):

            def total(
                nudged,
                f=f,
                arrays=arrays,
                number=number,
                slopes=slopes,
            ):
                changed = [
                    *arrays[:number],
                    nudged,
                    *arrays[number + 1 :],
                ]
                return (f(one.solved, *map(Value, changed)).array * slopes).sum()

            alike(
                values[number].grad,
                ENGINE_LESSON.solved.numeric_gradient(total, array),
                1e-6,
            )


# The command line.


def with_engine(change=("", "")):
    """Write my_engine.py: lesson 7's solution with a change."""
    Path(ENGINE).write_text(lesson(7).solution.replace(*change))


def solve(word):
    one = milestone(word)
    Path(one.file).write_text(one.solution)


def test_engine_is_kept_when_lesson_7_passes_and_never_overwritten(
    course,
):
    code, text = course("milestones", "xor")
    assert (code, "[MG931] there is no my_engine.py" in text) == (
        2,
        True,
    )
    write(7)
    code, text = course("check", "7")
    assert "my_engine.py is now a copy of lesson_07_engine.py" in text
    assert "minigrad course milestones 7" in text
    assert Path(ENGINE).read_text() == Path(lesson(7).file).read_text()
    Path(ENGINE).write_text("mine = 1\n")
    write(7, "changed = True")
    assert "my_engine" not in course("check", "7")[1]
    assert "was not changed" in course("milestones", "--engine")[1]
    assert Path(ENGINE).read_text() == "mine = 1\n"


def test_milestone_is_checked_trained_recorded_and_listed(course):
    record(9, tries={"step": 2})
    before = json.loads(Path("progress.json").read_text())
    assert "is now the course's engine" in course("milestones", "--engine")[1]
    code, text = course("milestones", "9")
    assert (code, "milestone_09_spiral.py is new" in text) == (
        1,
        True,
    )
    assert "cross_entropy is not written yet" in " ".join(text.split())
    solve("spiral")
    code, text = course("milestones", "spiral")
    assert (code, "300 new points are right" in text) == (
        0,
        True,
    ), text
    assert re.search("Next: .*minigrad course milestones 7", text)
    page = Path("pages/milestone_09_spiral_graph.html").read_text()
    assert page.count('role="img"') == 2
    after = json.loads(Path("progress.json").read_text())
    entry = after.pop("milestone_09_spiral")
    # lesson 7's check has accepted this engine
    assert list(after.pop("course")) == ["engine"]
    assert after == before  # the entries of the lessons
    assert entry["loss"] < 0.02
    listed = course("milestones")[1]
    assert re.search(
        r"^✓  9  1988  Lang, Witbrock +milestone_09_spiral.py +0.00\d +\d+.\d s$",
        listed,
        re.M,
    )
    assert "1 of 8 done" in listed
    assert max(map(len, listed.splitlines())) <= 80
    assert "0 of 20 lessons passed" in course("list")[1]
    for one in milestones():
        with Workbook(Path(".")).changed(one) as entry:
            entry["passed"] = "today"
    assert "All eight networks run on your own engine." in course("milestones")[1]


def test_passed_operation_replaces_the_ready_one_in_later_milestones(
    course,
):
    with_engine()
    for word in ("words", "spiral"):
        course("milestones", word)
    solve("spiral")
    assert (
        "milestone_12_words.py now contains your own cross_entropy" in course("milestones", "9")[1]
    )
    assert "This is your own version" in Path(milestone(12).file).read_text()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("np.tanh(self.array)", "1.01 * np.tanh(self.array)"), "Value.tanh (my_engine.py, line"),
        (("arrived.get(source, 0.0) + gradient", "gradient"), "Value.backward (my_engine.py, line"),
        (("return dz @ other.array.T, ", 'raise NotImplementedError("not written yet")\n            return 0, '),
         "Value.__matmul__ is not written yet"),
    ],
)  # fmt: skip
def test_wrong_engine_is_blamed_instead_of_the_operation(course, change, told):
    with_engine(change)
    solve("words" if "arrived" in change[0] else "xor")
    code, text = course("milestones", "12" if "arrived" in change[0] else "7")
    text = " ".join(text.split())
    assert code == 1
    assert "The mistake is in my_engine.py: with a correct my_engine.py" in text
    assert told in text


def test_wrong_operation_is_found_with_a_wrong_engine_too(course):
    with_engine(("np.tanh(self.array)", "1.01 * np.tanh(self.array)"))
    solve("spiral")
    slip = milestone(9).slips[0]
    Path(milestone(9).file).write_text(f"{milestone(9).solution}\n{slip.code}")
    assert "cross_entropy (milestone_09_spiral.py, line" in course("milestones", "9")[1]


def test_mistake_in_an_engine_that_learned_is_told(course):
    with_engine(("for value in root.order() if value.name", "for value in ()"))
    code, text = course("milestones", "xor")
    text = " ".join(text.split())
    assert code == 0
    assert "The network has learned, but other graphs may not." in text
    assert "gradients (my_engine.py, line" in text
    write(7)
    record(7, passed="today")
    Path(ENGINE).unlink()
    text = course("milestones", "xor")[1]
    assert "my_engine.py was missing. It is a new copy of lesson_07_engine.py." in text
    assert "but other graphs" not in text


def test_engine_without_gate_is_told_where_to_copy_it_from(course):
    with_engine(("class Gate", "class Gates"))
    text = " ".join(course("milestones", "xor")[1].split())
    assert "'Gate' from 'my_engine': copy it back from lesson_07_engine.py" in text


def test_new_file_names_the_milestones_it_gives_away(course):
    with_engine()
    text = " ".join(course("milestones", "names", "truncation")[1].split())
    assert "what you write in milestone 9 and 12 and 18." in text
    assert "what you write in milestone 9 and 12." in text


def test_stopped_training_says_that_the_other_checks_are_right(course, monkeypatch):
    def stop(*_, **__):
        progress(0.114)
        raise KeyboardInterrupt

    with_engine()
    monkeypatch.setattr(commands, "grade", stop)
    code, text = course("milestones", "xor")
    assert code == 130
    assert "All other checks are right. The training was stopped at 11%." in text


def test_lesson_commands_take_a_milestones_name(course):
    with_engine()
    assert "Milestone 9, hint 1 of 3" in course("hint", "spiral")[1]
    assert "Milestone 9: Two spirals" in course("show", "spiral", "--text")[1]
    assert "milestone 9 yet" in course("solution", "spiral")[1]
    assert "def cross_entropy" in course("solution", "spiral", "--yes")[1]
    assert "original exercise" in course("reset", "spiral")[1]
    assert "[MG911]" in course("milestones", "nine")[1]


def test_hand_ins_have_no_milestones():
    texts = {
        ENGINE: lesson(7).solution,
        **{one.file: one.solution for one in milestones()},
    }
    files = [File(PurePosixPath(name), 0.0, text) for name, text in texts.items()]
    submission = Submission("ada", files)
    assert (submission.chosen, submission.notes) == ({}, [])
