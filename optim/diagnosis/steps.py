"""Faults of the steps' size: the learning rate, its schedule, momentum, weight decay, clipping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .evidence import Evidence, final
from .finding import (
    FACTOR,
    Finding,
    Findings,
    number,
    prove,
    proved,
)
from .trial import Trial
from .watch import Clip

FASTER = (10.0, 100.0, 1000.0)
SLOWER = (0.1, 0.01, 0.001)
FEW_UPDATES = 30


def _rate(e: Evidence) -> float:
    return float(e.watch.start.lr)


def weight_decay_too_large(e: Evidence) -> Findings:
    """The penalty pulls every weight to 0. If it is stronger than the gradient, nothing is left of
    the weights.
    """
    decay = e.watch.start.weight_decay
    if not decay or e.learns:
        return
    zero = {f"weight_decay of group {n}": 0.0 for n in range(len(e.watch.start.groups))}
    finding = Finding(
        "weight-decay-too-large",
        f"the weight decay of {decay:g} is stronger than the gradient",
        "each step shrinks the weights more than the gradient lets them grow",
        "use a much smaller weight_decay, such as 1e-4 for SGD or 1e-2 for AdamW, or none",
        e.optimizer_line,
    )
    yield from proved(e, finding, Trial(settings=zero), "without weight decay")


def clip_too_small(e: Evidence) -> Findings:
    """Clipping shortens each gradient to the same tiny length."""
    clips = [event for event in e.watch.events if isinstance(event, Clip)]
    if not clips or e.learns:
        return
    finding = Finding(
        "clip-too-small",
        f"gradients are clipped to the length {clips[0].max_norm:g}, which is far below theirs",
        "every step has the same tiny length, however steep the loss is",
        "clip only gradients that are much longer than usual: print the norms that clip_gradients "
        "returns, and choose a value above most of them",
        clips[0].line,
    )
    yield from proved(e, finding, Trial(clip=False), "without clipping")


def schedule(e: Evidence) -> Findings:
    """The schedule keeps the rate near 0 for the whole run."""
    scales = [update.scale for update in e.updates]
    if not scales or float(np.median(scales)) > 0.5 or e.learns:
        return
    rising = scales[-1] > scales[0]
    finding = Finding(
        "schedule",
        f"the schedule keeps the learning rate small: its factor goes from {number(scales[0])} to "
        f"{number(scales[-1])} in {len(scales)} steps",
        "each step is the gradient times a rate near 0",
        "choose a warm-up that ends after a few percent of the run's steps"
        if rising
        else "let the rate fall more slowly, towards the end of the run",
        e.source.call("WarmUp", "StepSchedule", "CosineSchedule", "LearningRate")
        or e.optimizer_line,
    )
    trial = Trial(settings={"scale": 1.0})
    yield from proved(e, finding, trial, "with the full rate from the start")


def rate_too_large(e: Evidence) -> Findings:
    """Steps that are too long jump over the minimum: the loss explodes, swings, or the network is
    thrown to where its gradients are 0.
    """
    summed = e.scale > 1
    what = f"the learning rate of {_rate(e):g} is too large"
    if summed:
        what = (
            f"the loss is a sum over {e.scale:.0f} numbers, so the rate of {_rate(e):g} acts like "
            f"{_rate(e) * e.scale:g} for a mean: the steps are too long"
        )
    finding = Finding(
        "rate-too-large",
        what,
        "each step goes past the minimum along its gradient",
        "",
        e.loss_line if summed else e.optimizer_line,
    )
    best = _with_another_rate(e, finding, SLOWER)
    if best and summed:
        best.remedy = 'use reduction="mean", or divide the rate by the number of rows'
    if best:
        yield best


def rate_too_small(e: Evidence) -> Findings:
    """If steps are too short, the loss falls in every step, but hardly."""
    finding = Finding(
        "rate-too-small",
        f"the learning rate of {_rate(e):g} is too small for {len(e.updates)} steps",
        "each step follows the gradient, but only by a tiny part of the way",
        "",
        e.optimizer_line,
    )
    best = None if e.watch.failed else _with_another_rate(e, finding, FASTER)
    if best and len(e.updates) <= FEW_UPDATES:
        best.remedy += ", and train for more steps (smaller batches, more epochs)"
    if best:
        yield best


def _with_another_rate(e: Evidence, finding: Finding, factors: Sequence[float]) -> Finding | None:
    """Try the run's rate times each of these factors. Return the finding with the proof that the
    first helpful rate gives, or a later rate if it is clearly better. Return None if no rate helps.
    """
    best: Finding | None = None
    for factor in factors if not e.learns else ():
        rate = f"a rate of {_rate(e) * factor:g}"
        one = replace(finding, remedy=f"try {rate}")
        one.what += f": the loss goes from {number(e.losses[0])} to {number(final(e.losses))}"
        helps = prove(e, one, Trial(rate=factor), f"with {rate}")
        if best and not (helps and final(one.trial) < FACTOR * final(best.trial)):
            break
        best = one if helps else None
    return best


def too_few_steps(e: Evidence) -> Findings:
    """The run ends while the loss still falls."""
    if len(e.updates) > FEW_UPDATES or e.learns or len(e.losses) < 2 or e.watch.failed:
        return
    trial = Trial(epochs=max(2, 300 // len(e.updates)))
    losses = e.attempt(trial)
    if e.repeatable and losses and e.progress(losses) > e.learned + 0.3:
        yield Finding(
            "too-few-steps",
            f"the run has only {len(e.updates)} steps",
            "the gradient points in the right direction, but the run ends before the loss is low",
            "train for more epochs, or with smaller batches",
            e.batches_line,
            certainty="proved",
            run=e.control,
            trial=losses,
            changed=f"with {trial.epochs} times as many steps",
        )


SUSPECTS = (
    weight_decay_too_large,
    clip_too_small,
    schedule,
    rate_too_large,
    rate_too_small,
    too_few_steps,
)
