"""Check the gradients of every gate, every layer and the IMDB models against finite differences.

Prints a table with one line per gate, layer and model, then describes the wrong gradients. --break
first gives one gate a wrong rule, to show how the checker reports it. --curve plots the error
against the step size.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any

# The matrices are small. With a thread for each core, BLAS would spend more time waiting than
# multiplying.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

import minigrad as mg
from layers import GRU, LSTM, RNN, Dense, Embedding, LayerNorm, Sequential

BREAKS: dict[str, tuple[str, str, Callable[..., Any]]] = {
    "tanh": ("Tanh", "1 - z² forgotten", lambda self, dz, z, x: (dz,)),
    "sigmoid": ("Sigmoid", "a sign", lambda self, dz, z, x: (-dz * z * (1 - z),)),
    "softmax": ("Softmax", "a backward of zeros", lambda self, dz, z, x: (0 * dz,)),
    "multiply": (
        "MultiplyGate",
        "the left factor not transposed",
        lambda self, dz, z, a, b: (dz @ b, a.T @ dz),
    ),
    "mean": (
        "MeanSquaredError",
        "no division by N",
        lambda self, dz, z, x, t: (2 * (x - t) * dz, -2 * (x - t) * dz),
    ),
    "add": ("AddGate", "the second input forgotten", lambda self, dz, z, a, b: (dz, None)),
    "lookup": (
        "Lookup",
        "= instead of +=",
        lambda self, dz, z, table, ids: (overwritten(table, ids, dz), None),
    ),
}


def overwritten(table: Any, ids: Any, dz: Any) -> Any:
    """Return a wrong gradient of a lookup. The gradient of a repeated word overwrites the earlier
    gradient instead of being added to it.
    """
    whole = np.zeros(table.shape)
    whole[ids] = dz
    return whole


def main() -> None:
    """Run all checks, then print the table and the wrong gradients."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--break",
        dest="broken",
        choices=sorted(BREAKS),
        help="break this gate's backward rule first",
    )
    parser.add_argument(
        "--curve",
        metavar="FILE",
        help="save the step curve of the IMDB model to FILE (.png, .svg or .pdf)",
    )
    arguments = parser.parse_args()
    if arguments.broken:
        gate, mistake, rule = BREAKS[arguments.broken]
        print(f"{gate} is broken on purpose: {mistake}\n")
        mg.GATES[gate].backward = rule  # type: ignore[method-assign]

    mg.seed(0)
    reports = {}
    print(
        "order: the power of h at which the Taylor remainder |L(x + h u) - L(x) - h ∇L · u| "
        "shrinks; 2 if the gradient is right\n"
    )
    print(f"{'gate or model':<42} {'compared':>8} {'error':>8} {'order':>6}  {'ms':>6}  verdict")
    for name, check in [*gates(), *layers(), *models()]:
        start = time.perf_counter()
        report = reports[name] = check()
        print_row(name, report, 1000 * (time.perf_counter() - start))

    wrong = {name: report for name, report in reports.items() if not report}
    print(f"\n{len(reports) - len(wrong)} of {len(reports)} right")
    for name in dict.fromkeys([*list(wrong)[:3], *list(wrong)[-1:]]):
        print(f"\n{name}\n{wrong[name]}")
    model = list(reports.values())[-1]
    if not model.inputs:  # a rule raised an error, so nothing was compared
        return
    print("\n" + str(model.step_curve()))
    if arguments.curve:
        model.step_curve().save(arguments.curve)
        print(f"\nThe curve is in {arguments.curve}")
    if wrong and not arguments.broken:
        raise SystemExit(1)


def gates() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield (name, check) for every gate. Each check uses the gate's sample inputs and includes
    second derivatives if the gate supports them.
    """
    for name, kind in mg.GATES.items():
        for gate, arrays in islice(kind.sample_inputs(), 1):
            if not name.startswith("_"):  # a base class of several gates
                order = 2 if gate.differentiable_twice else 1
                yield name, partial(mg.gradcheck, gate, *arrays, order=order)


def layers() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield (name, check) for every layer. The layers are small enough to check every element of
    every parameter.
    """
    rng = np.random.default_rng(1)
    x, steps, labels = rng.normal(size=(4, 6)), rng.normal(size=(4, 8, 6)), np.array([0, 2, 1, 2])
    mask = np.arange(8) >= np.array([[0], [3], [5], [1]])
    cases = {
        "Dense(6, 3, tanh)": (Dense(6, 3, mg.tanh), (x, labels)),
        "LayerNorm, Dense": (Sequential(LayerNorm(6), Dense(6, 3)), (x, labels)),
        "Embedding, RNN": (
            Sequential(Embedding(9, 6), RNN(6, 3)),
            (rng.integers(0, 9, (4, 8)), labels),
        ),
        "RNN(6, 5)": (Sequential(RNN(6, 5), Dense(5, 3)), (steps, labels)),
        "RNN(6, 5, truncate=3)": (Sequential(RNN(6, 5, truncate=3), Dense(5, 3)), (steps, labels)),
        "RNN(6, 5, layers=2, bidirectional)": (
            Sequential(RNN(6, 5, layers=2, bidirectional=True), Dense(10, 3)),
            (steps, labels),
        ),
        "GRU(6, 5)": (Sequential(GRU(6, 5), Dense(5, 3)), (steps, labels)),
        "GRU(6, 5, reset_after=False)": (
            Sequential(GRU(6, 5, reset_after=False), Dense(5, 3)),
            (steps, labels),
        ),
        "LSTM(6, 5)": (Sequential(LSTM(6, 5), Dense(5, 3)), (steps, labels)),
        "LSTM(6, 5, pooling='mean')": (
            Sequential(LSTM(6, 5, pooling="mean"), Dense(5, 3)),
            (steps, labels),
        ),
    }
    for name, (model, batch) in cases.items():
        yield name, partial(mg.gradcheck_model, model, mg.softmax_cross_entropy, batch, sample=None)
    masked = LSTM(6, 3)
    yield "LSTM(6, 3) with a mask", lambda: mg.gradcheck(lambda x: masked(x, mask=mask), steps)


def models() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield (name, check) for the full-size IMDB models, over 40 steps, along random directions."""
    rng = np.random.default_rng(2)
    batch = (rng.integers(0, 10_000, (32, 40)), rng.integers(0, 2, 32))
    for kind in (GRU, LSTM, RNN):
        model = Sequential(Embedding(10_000, 128), kind(128, 32), Dense(32, 2))
        name = f"IMDB model, {kind.__name__}, 40 steps"
        yield name, partial(mg.gradcheck_model, model, mg.softmax_cross_entropy, batch, fast=True)


def print_row(name: str, report: Any, milliseconds: float) -> None:
    """Print one line of the table."""
    compared = sum(row.compared for row in report.inputs)
    error = max((row.error for row in report.inputs), default=float("nan"))
    order = "" if report.slope is None else f"{report.slope:.2f}"
    verdict = "right" if report else f"WRONG: {report.kind or 'see below'}"
    print(f"{name:<42} {compared:>8} {error:>8.1e} {order:>6}  {milliseconds:>6.0f}  {verdict}")


if __name__ == "__main__":
    main()
