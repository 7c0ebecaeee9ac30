"""Two questions to every run: does the network learn, and does what it learned hold on other rows?

The answers come from the run itself: its loss is compared with the best constant output's, and its
evaluations with the training. If an answer is no and no suspect explains it, the answer itself is the
finding.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from minigrad.graph import Array

from .evidence import LITTLE, Evidence, final, joined_evaluation
from .finding import Finding, Findings, number
from .reading import loss_of_guessing, shares
from .start import glorot
from .trial import Trial
from .watch import Evaluation, compare

HARDLY = 0.05
"""A network has learned nothing if less than this share of the loss of guessing is gone. From batch
to batch, the loss of a network that only guesses varies by a few percent.
"""
KEPT = 0.1
"""What was learned holds on other rows if this share of it is left there. Overfitted networks keep
more, whereas a network that knows only single rows by heart keeps nothing.
"""
ROWS = 30
"""With fewer rows, a share of right answers says little."""
MANY = 200
"""Fewer steps of Adam do not show that the batches cannot be learned."""


class Result(NamedTuple):
    """The result of an evaluation, and the one of guessing. Unknown values are NaN."""

    loss: float
    guess: float
    """The loss of the best constant output."""
    right: float
    chance: float
    """The share of the most frequent label."""
    rows: int

    @property
    def gain(self) -> float:
        """How far the network is from guessing (0) to being perfect (1), by its loss or by its right
        answers, whichever is better.
        """
        by_loss = 1 - self.loss / self.guess if self.guess > 0 else np.nan
        noise = np.sqrt(self.chance * (1 - self.chance) / self.rows)
        by_answers = (self.right - self.chance - noise) / (1 - self.chance + 1e-9)
        return float(np.nanmax([by_loss, by_answers, -1.0]))

    def __str__(self) -> str:
        guess = number(self.guess)
        text = f"its loss is {number(self.loss)}, and the best constant output has {guess}"
        if np.isfinite(self.right):
            text += f"; {self.right:.0%} of the answers are right, and always answering "
            text += f"the most frequent label is right in {self.chance:.0%}"
        return text


def results(e: Evidence) -> list[Result]:
    """Return the best result of each evaluation during the run."""
    found = []
    for moments in [*e.held_out, *_by_numpy(e)]:
        results = [_result(e, one) for one in moments if e.term and one.gate.name == e.term.kind]
        usable = [one for one in results if one.rows >= ROWS and np.isfinite(one.guess)]
        if usable:
            found.append(max(usable, key=lambda one: one.gain))
    return found


def _result(e: Evidence, one: Evaluation) -> Result:
    assert e.term is not None
    guess = loss_of_guessing(e.term, one.truth.astype(np.float64))
    chance = float(shares(one.truth)[1].max()) if np.isfinite(one.right) else np.nan
    return Result(one.loss, guess, one.right, chance, one.truth.size)


def _by_numpy(e: Evidence) -> Iterator[list[Evaluation]]:
    """Yield the evaluations that call the model and compare its outputs in NumPy. The labels are not
    known, so each array is tried that may contain them.
    """
    with_loss = {line for one in e.watch.evaluations for line in one.place}
    models = {type(call.layer) for call in e.trained_calls}
    lines: dict[Any, dict[int, dict[str, list[Evaluation]]]] = {}
    for call in e.watch.calls:
        if call.trains or call.node is None or e.term is None or call.line in with_loss:
            continue
        if type(call.layer) not in models:
            continue  # a part of the model, which computes something else
        for name, truth in call.beside.items():
            one = _as_evaluation(e, call, truth)
            if one is not None:
                moments = lines.setdefault(call.line, {})
                moments.setdefault(call.passes, {}).setdefault(name, []).append(one)
    for moments in lines.values():
        last = moments[max(moments)]
        yield [joined_evaluation(batches) for batches in last.values()]


def _as_evaluation(e: Evidence, call: Any, truth: Array) -> Evaluation | None:
    """Return the evaluation of a call's output, if an array looks like labels for it."""
    assert e.term is not None
    labels, gate = e.labels, e.term.node.gate
    prediction = call.node.output
    classes = e.term.classes
    shape = prediction.shape[:-1] if classes else prediction.shape
    if truth.size != int(np.prod(shape)) or truth is call.inputs[0] or not hasattr(gate, "losses"):
        return None
    truth = truth.reshape(shape)
    if not _similar(truth, labels) or np.array_equal(truth, e.kept[0].labels[0].output):
        return None
    loss, right = compare(gate, prediction, truth.astype(labels.dtype))
    return Evaluation(gate, call.passes, loss, right, truth, ())


def _similar(truth: Array, labels: Array) -> bool:
    """Return whether numbers are in the range of the labels."""
    if truth.dtype.kind not in "iufb":
        return False
    low, high = labels.min(), labels.max()
    return bool(np.mean((low <= truth) & (truth <= high)) > 0.9)


def learns(e: Evidence) -> bool | None:
    """Whether the loss ends below the best constant output's. None if this one is unknown."""
    if not e.updates or not np.isfinite(e.baseline):
        return None
    return e.most_learned >= HARDLY or any(one.gain >= HARDLY for one in results(e))


def holds(e: Evidence) -> bool | None:
    """Whether what was learned is left in each evaluation. None if there is no evaluation."""
    found = results(e)
    if not found:
        return None
    return min(one.gain for one in found) >= KEPT * max(e.learned, 0)


def not_learned(e: Evidence) -> Findings:
    """The loss ends where it would be without inputs. Adam with new weights shows whether all batches,
    or at least one, can be learned.
    """
    if learns(e) is not False:
        return
    every = e.attempt(Trial(start=glorot, adam=True, clear=True))
    one = e.attempt(Trial(start=glorot, adam=True, clear=True, one_batch=True))
    alone = bool(one) and e.progress(one) > LITTLE
    finding = Finding(
        "not-learned",
        f"the network has not learned: its loss ends at {number(final(e.losses) / e.scale)}, and the "
        f"best constant output has {number(e.baseline)}",
        _excluded(e),
        "print the shape and a few numbers of each step from the inputs to the loss, and find where "
        "rows with different labels become equal",
        e.line,
    )
    if every and e.progress(every) > LITTLE:
        finding.remedy = (
            "compare your initial weights, optimizer and settings with the defaults: with new weights "
            "and Adam, the same batches are learned"
        )
    elif alone and len(every) >= MANY:
        finding.effect = (
            "one batch can be learned by heart, but all batches together cannot, not even with Adam"
        )
        finding.remedy = (
            "print some inputs with their labels: do the inputs determine the labels? If so, find the "
            "step on the way to the loss that loses what does, such as an axis, a position or a state"
        )
        finding = _about_rows(e, finding)
        finding.run, finding.curve = every, "all batches, with Adam"
        finding.trial, finding.changed = one, "with Adam, and one batch only"
    yield finding


def _excluded(e: Evidence) -> str:
    if not e.repeatable:
        return "unknown: the recorded steps could not be repeated, so nothing was tried"
    tried = list(dict.fromkeys(e.excluded))
    if not tried:
        return "unknown: no change could be tried"
    last = tried.pop()
    others = ", ".join(tried) + " or " if tried else ""
    return f"unknown; the same steps did not learn {others}{last} either"


def does_not_hold(e: Evidence) -> Findings:
    """The training rows are learned, but an evaluation shows nothing of it."""
    if not learns(e) or holds(e) is not False:
        return
    finding = Finding(
        "does-not-hold",
        "what the network learned does not hold where it is evaluated: in training, its loss ends at "
        f"{number(final(e.losses) / e.scale)}; in the evaluation, {_worst(e)}",
        "the gradients fit what is peculiar to the training rows, or the evaluated rows are prepared "
        "differently",
        "evaluate the training rows in the same way: if they fail, too, the evaluation prepares inputs or "
        "labels differently; otherwise, see whether each label belongs to its inputs, and use more rows",
        e.line,
    )
    yield _about_rows(e, finding)


def _worst(e: Evidence) -> Result:
    return min(results(e), key=lambda one: one.gain)


def _about_rows(e: Evidence, finding: Finding) -> Finding:
    """If the script reorders or reshapes its data, the labels probably belong to other rows."""
    lines = e.source.reordering()
    if not lines:
        origins = e.source.origins(0)
        lines = [line for line in e.source.calls("reshape") if line in origins]
    if lines:
        look = ", ".join(f"line {line.number}" for line in lines[:4])
        finding = Finding(
            "labels-misaligned",
            f"the labels do not seem to belong to the inputs: {finding.what}",
            finding.effect,
            "keep inputs and labels together: shuffle both with one order (x[order], y[order]), leave "
            "out the same rows of both, and transpose a table instead of reshaping it; look at "
            f"{look}",
            lines[0],
        )
    finding.certainty = "likely"
    finding.decide = "print a few rows of the inputs with their labels: do they belong together?"
    return finding


SUSPECTS = (not_learned, does_not_hold)


def sentence(e: Evidence) -> str:
    """Return the answers to both questions, as far as they are known."""
    if not e.losses:
        return ""
    if not e.updates:
        return " No optimizer made a step, so nothing was trained."
    end = number(final(e.losses) / e.scale)
    if learns(e) is None:
        return f" The loss goes from {number(e.losses[0] / e.scale)} to {end}."
    text = f" The loss ends at {end}; the best constant output has {number(e.baseline)}."
    if results(e):
        text += f" In the evaluation, {_worst(e)}."
    return text
