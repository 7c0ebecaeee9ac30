"""Random recurrent layers, computed in four ways that must agree: fused, unrolled, opened, and by hand.

By hand means: one sequence at a time, one step at a time, with the equations of the textbooks written out here. It
shares nothing with `layers` but the parameters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

import minigrad as mg
from layers import GRU, LSTM, RNN, Carried, Embedding, Sequential, TruncatedBPTT, gradients, outputs
from layers.fused import can_fuse

from . import layouts
from .fuzzer import Fuzzer, Generator
from .layouts import laid_out, relaid

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Configuration:
    """A layer and its input. The defaults are what a case is shrunk to; numbers are drawn from `seed`."""

    cell: str = "RNN"
    seed: int = 0
    batch: int = 1
    steps: int = 2
    inputs: int = 1
    hidden: int = 1
    layers: int = 1
    bidirectional: bool = False
    pooling: str = "last"
    return_sequences: bool = False
    return_state: bool = False
    truncate: int | None = None
    mask: str = ""  # "", "left" and "right" (where the padding is), "anywhere", or "lengths"
    state: bool = False  # whether a first state is given
    vocabulary: int = 0  # of an Embedding that looks the input up, if it is not 0
    dtype: str = "float64"
    layout: str = "C"  # of all arrays
    garbage: float = 0.0  # what the padded steps of the input hold, if it is not 0
    twice: bool = False  # whether the input is used by something else too, and its gradient is asked of `mg.grad`

    def options(self) -> dict[str, Any]:
        names = ("layers", "bidirectional", "pooling", "return_sequences", "return_state", "truncate")
        return {name: getattr(self, name) for name in names}


class Recurrent(Fuzzer):
    """Outputs, states and gradients of one configuration, in all the ways there are."""

    name = "recurrent"
    share = 1.5

    def case(self, rng: Generator) -> Configuration:
        def yes(probability: float = 0.5) -> bool:
            return bool(rng.random() < probability)

        def number(low: int, high: int) -> int:
            return int(rng.integers(low, high + 1))

        steps, sequences = number(1, 8), yes(0.3)
        return Configuration(
            cell=str(rng.choice(["RNN", "RNN relu", "GRU", "GRU", "GRU before", "LSTM", "LSTM"])),
            seed=number(0, 10**6),
            batch=number(1, 4) if yes(0.95) else 0,
            steps=steps,
            inputs=number(1, 4),
            hidden=number(1, 4),
            layers=number(1, 3) if yes(0.4) else 1,
            bidirectional=yes(0.4),
            pooling="last" if sequences else str(rng.choice(["last", "mean", "max"])),
            return_sequences=sequences,
            return_state=yes(0.3),
            truncate=number(1, steps + 1) if yes() else None,
            mask=str(rng.choice(["", "left", "right", "anywhere", "lengths"], p=[0.4, 0.15, 0.15, 0.15, 0.15])),
            state=yes(0.3),
            vocabulary=number(2, 7) if yes(0.3) else 0,
            dtype="float64" if yes(0.8) else "float32",
            layout=layouts.draw(rng),
            garbage=float(rng.choice([0.0, np.nan, np.inf, -1e30], p=[0.5, 0.2, 0.2, 0.1])),
            twice=yes(0.3),
        )

    def fault(self, case: Configuration) -> str:
        expected = Run(case).results("by hand") if case.batch else empty(case)
        ways = ["unrolled", "not recorded"]
        if all(map(can_fuse, Run(case).layer.cells().values())):
            ways += ["fused", "opened"]
        tolerance = 1e-9 if case.dtype == "float64" else 2e-3
        for way in ways:
            found = Run(case).results(way)
            for name, array in found.items():
                there = expected[name]
                if array.dtype != case.dtype or array.shape != there.shape:
                    return f"form: {name}, {way}, is {array.dtype} {array.shape} instead of {there.shape}"
                if not np.abs(array - there).max(initial=0) <= tolerance * (1 + np.abs(there).max(initial=0)):
                    return f"{way}: {name} is {array.tolist()}\n    by hand: {there.tolist()}"
        return Run(case).in_batches() if case.batch and not case.mask else ""

    def smaller(self, case: Configuration) -> Iterator[Configuration]:
        for one in fields(Configuration):
            if one.name != "seed" and repr(getattr(case, one.name)) != repr(one.default):
                changed: Any = {one.name: one.default}
                yield replace(case, **changed)
        for name in ("batch", "steps", "inputs", "hidden", "layers", "truncate", "vocabulary"):
            if (getattr(case, name) or 0) > 2:
                yield replace(case, **{name: getattr(case, name) - 1})

    def as_test(self, case: Configuration) -> str:
        changed = [f"{f.name}={getattr(case, f.name)!r}" for f in fields(case) if getattr(case, f.name) != f.default]
        return (
            "from numpy import inf, nan\nfrom tests.fuzz.recurrent import Configuration, Recurrent\n\n\n"
            "def test_a_recurrent_layer():\n"
            f"    assert Recurrent().fault(Configuration({', '.join(changed)})) == ''\n"
        )


def empty(case: Configuration) -> dict[str, Array]:
    """What a batch without rows gives: arrays without rows, and gradients of 0."""
    one = Run(replace(case, batch=1)).results("by hand")
    inner = {"the output", "the gradient of x", "the gradient of the vectors"}
    return {
        name: array[:0] if name in inner or name.startswith(("state", "the gradient of first")) else 0 * array
        for name, array in one.items()
    }


class Run:
    """One layer with its parameters and input, made anew from the seed, to be computed in one of the ways."""

    def __init__(self, case: Configuration) -> None:
        self.case = case
        rng = np.random.default_rng(case.seed)
        kind: Any = {"RNN": RNN, "GRU": GRU, "LSTM": LSTM}[case.cell.split()[0]]
        special: Any = {"RNN relu": {"activation": mg.relu}, "GRU before": {"reset_after": False}}.get(case.cell, {})
        dropout = 0.5 if case.layers > 1 else 0.0  # which does nothing in evaluation mode
        self.layer = kind(case.inputs, case.hidden, dropout=dropout, **special, **case.options()).eval()
        self.parameters = dict(self.layer.named_parameters())
        if case.vocabulary:
            self.embedding = Embedding(case.vocabulary + 1, case.inputs)
            self.parameters["table"] = self.embedding.table
            # No id is 0: at the end of a sequence it would be taken for padding, with a warning.
            self.ids = rng.integers(1, case.vocabulary, (case.batch, case.steps))
        for parameter in self.parameters.values():
            parameter.array = laid_out(rng.normal(size=parameter.shape).astype(case.dtype), case.layout)
        x = rng.normal(size=(case.batch, case.steps, case.inputs))
        cells = list(self.layer.cells().values())
        sizes = [(case.batch, case.hidden)] * len(cells[0].state_names)
        self.states = [[self._leaf(rng, size) for size in sizes] for _ in cells]
        self.mask = self._mask(rng)
        if self.mask is not None and case.garbage:
            x[~self.mask] = case.garbage
            if case.vocabulary:
                self.ids[~self.mask] = case.vocabulary
                self.embedding.table.array = np.concatenate(
                    [self.embedding.table.array[:-1], np.full((1, case.inputs), case.garbage, case.dtype)]
                )
        if self.mask is not None:
            self.mask = laid_out(self.mask, case.layout)
            self.mask = self.mask if self.mask.flags.writeable else self.mask.copy()
        if case.vocabulary:
            self.ids = laid_out(self.ids, case.layout if case.layout not in ("broadcast", "read-only") else "C")
        self.x = mg.Tensor(laid_out(x.astype(case.dtype), case.layout), requires_grad=True)
        self.vectors = self.x
        self.upstream = rng

    def _leaf(self, rng: Generator, shape: tuple[int, ...]) -> mg.Tensor:
        array = laid_out(rng.normal(size=shape).astype(self.case.dtype), self.case.layout)
        return mg.Tensor(array, requires_grad=True)

    def _mask(self, rng: Generator) -> Array | None:
        case = self.case
        lengths = rng.integers(1, case.steps + 1, case.batch)
        if case.mask in ("right", "lengths"):
            return np.arange(case.steps) < lengths[:, None]
        if case.mask == "left":
            return np.arange(case.steps) >= case.steps - lengths[:, None]
        if case.mask == "anywhere":
            mask = rng.random((case.batch, case.steps)) < 0.6
            mask[np.arange(case.batch), rng.integers(0, case.steps, case.batch)] = True
            return mask
        return None

    def results(self, way: str) -> dict[str, Array]:
        """Output, states and gradients by name."""
        case, rng = self.case, self.upstream
        if way == "by hand":
            output, finals = self.by_hand()
        else:
            self.layer.fused = {"fused": True, "opened": True, "unrolled": False}.get(way)
            with mg.no_grad() if way == "not recorded" else mg.enable_grad():
                output, finals = self.by_layer()
        # One number that depends on everything that was returned, in a way without a pattern.
        parts = [output, *(part for state in finals for part in state)] if case.return_state else [output]
        parts = [relaid(part, "C", case.layout) for part in parts] if way != "not recorded" else parts
        total: Any = sum((part * rng.normal(size=part.shape).astype(case.dtype)).sum() for part in parts)
        if case.twice:
            weights = rng.normal(size=self.vectors.shape).astype(case.dtype)
            if self.mask is not None:  # what else uses the vectors skips the padding as well
                total = total + (mg.where(self.mask[..., None].copy(), self.vectors, 0.0) * weights).sum()
            else:
                total = total + (self.vectors * weights).sum()
        found = {"the output": output.array}
        if case.return_state:
            found |= {f"state {n}.{k}": part.array for n, state in enumerate(finals) for k, part in enumerate(state)}
        if way == "not recorded":
            return found
        if way == "opened":
            total = mg.opened(total)
        if self.mask is not None:
            self.mask[...] = False  # the caller's own arrays may change once the layer has run
        if case.vocabulary:
            self.ids[...] = 0
        leaves = {"x": self.x, **self.parameters}
        if case.state:
            leaves |= {f"first {n}.{k}": part for n, state in enumerate(self.states) for k, part in enumerate(state)}
        if case.twice and case.vocabulary and way != "opened":
            (gradient,) = mg.grad(total, [self.vectors])
            found["the gradient of the vectors"] = gradient.array
        total.backward()
        return found | {
            f"the gradient of {name}": np.zeros_like(leaf.array) if leaf.grad is None else leaf.grad
            for name, leaf in leaves.items()
        }

    def in_batches(self) -> str:
        """Whether the values and gradients inside a model depend on how many rows are computed at a time."""
        case, layer = self.case, self.layer
        if case.return_state != case.return_sequences or case.bidirectional:
            return ""
        model: Any = Sequential(Carried(layer, TruncatedBPTT(2, 3))) if case.return_state else layer
        path = "carried.model" if case.return_state else ""
        x, y, weights = self.x.array, np.arange(case.batch), self.upstream.normal(size=(case.batch, 1, case.hidden))

        def loss(output: mg.Tensor, rows: Array) -> mg.Tensor:
            chosen = weights[rows].astype(case.dtype)
            return (output * (chosen if output.ndim == 3 else chosen[:, 0])).sum() / len(rows)

        reads: dict[str, Any] = {
            "outputs": lambda k: outputs(model, x, [path], batch_size=k),
            "gradients": lambda k: gradients(model, x, y, [path], loss=loss, batch_size=k),
        }
        for name, read in reads.items():
            few, together = read(1 + case.seed % 2)[path], read(case.batch)[path]
            if few.shape != together.shape or not np.allclose(few, together, 1e-4, 1e-5):
                return f"{name}: few rows at a time they are {few.tolist()}\n    together {together.tolist()}"
        return ""

    def by_layer(self) -> tuple[mg.Tensor, list[list[mg.Tensor]]]:
        case = self.case
        x = self.vectors = self.embedding(self.ids) if case.vocabulary else self.x
        states = [tuple(state) if len(state) > 1 else state[0] for state in self.states]
        state: Any = (states if len(states) > 1 else states[0]) if case.state else None
        real: dict[str, Any] = {}
        if self.mask is not None:
            real = {"lengths": self.mask.sum(axis=1)} if case.mask == "lengths" else {"mask": self.mask}
            if case.mask != "lengths" and case.seed % 4 == 0:  # numbers count as True where they are not 0
                real = {"mask": self.mask * np.array([-1, 2])[np.arange(case.steps) % 2]}
        result = self.layer(x, state, **real)
        if not case.return_state:
            return result, []
        output, final = result
        finals = final if isinstance(final, list) else [final]
        return output, [list(one) if isinstance(one, tuple) else [one] for one in finals]

    def by_hand(self) -> tuple[mg.Tensor, list[list[mg.Tensor]]]:
        case = self.case
        x = self.vectors = self.embedding.table[self.ids.copy()] if case.vocabulary else self.x
        real = np.ones((case.batch, case.steps), bool) if self.mask is None else self.mask.copy()
        finals: list[list[mg.Tensor]] = []
        sides: list[mg.Tensor] = []
        for (name, cell), first in zip(self.layer.cells().items(), self.states, strict=True):
            backward = name.startswith("backward")
            if sides and not backward:
                x, sides = mg.concatenate(sides, axis=2), []
            if not case.state:
                first = [mg.Tensor(np.zeros(part.shape, case.dtype)) for part in first]
            rows = [
                self.one_sequence(cell, x[b], [part[b] for part in first], real[b], backward) for b in range(case.batch)
            ]
            sides.append(mg.stack([outputs for outputs, _ in rows]))
            finals.append([mg.stack(parts) for parts in zip(*(final for _, final in rows), strict=True)])
        sequence = mg.concatenate(sides, axis=2)
        if case.return_sequences:
            return sequence, finals
        if case.pooling == "last":
            return mg.concatenate([final[0] for final in finals[-len(sides) :]], axis=1), finals
        chosen = [sequence[b][np.flatnonzero(real[b])] for b in range(case.batch)]
        return mg.stack([one.mean(axis=0) if case.pooling == "mean" else one.max(axis=0) for one in chosen]), finals

    def one_sequence(
        self, cell: Any, x: mg.Tensor, state: list[mg.Tensor], real: Array, backward: bool
    ) -> tuple[mg.Tensor, list[mg.Tensor]]:
        """The outputs (T, H) of one sequence (T, D), and the last state."""
        outputs: dict[int, mg.Tensor] = {}
        left = int(real.sum())
        for t in reversed(range(len(real))) if backward else range(len(real)):
            if real[t]:
                if left == self.case.truncate and left < real.sum():
                    state = [mg.cut(part) for part in state]
                state = one_step(self.case.cell, cell, x[t], state)
                left -= 1
            outputs[t] = state[0]
        return mg.stack([outputs[t] for t in range(len(real))]), state


def one_step(kind: str, cell: Any, x: mg.Tensor, state: list[mg.Tensor]) -> list[mg.Tensor]:
    """The equations: Elman's network, the gated recurrent unit with either reset, long short-term memory."""
    h, H = state[0], cell.hidden

    def block(array: mg.Tensor, k: int) -> mg.Tensor:
        return array[..., k * H : (k + 1) * H]

    def sigma(s: mg.Tensor) -> mg.Tensor:
        return 1.0 / (1.0 + mg.exp(-s))

    if kind.startswith("RNN"):
        s = x @ cell.W_xh + h @ cell.W_hh + cell.b_h
        return [mg.maximum(s, 0.0) if kind == "RNN relu" else mg.tanh(s)]
    if kind == "LSTM":
        s = x @ cell.W_xh + h @ cell.W_hh + cell.b
        c = sigma(block(s, 1)) * state[1] + sigma(block(s, 0)) * mg.tanh(block(s, 2))
        return [sigma(block(s, 3)) * mg.tanh(c), c]
    a = x @ cell.W_xh + cell.b_xh
    s = h @ cell.W_hh + cell.b_hh if kind == "GRU" else h @ cell.W_hh
    z, r = sigma(block(a, 0) + block(s, 0)), sigma(block(a, 1) + block(s, 1))
    reset = r * block(s, 2) if kind == "GRU" else (r * h) @ block(cell.W_hh, 2)
    return [(1.0 - z) * mg.tanh(block(a, 2) + reset) + z * h]
