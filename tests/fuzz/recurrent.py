"""Random recurrent layers, computed in four ways that must agree: fused, unrolled, opened, and by hand.

By hand means: one sequence at a time, one step at a time, with the equations of the textbooks written out here. It
shares nothing with `layers` but the parameters.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

import minigrad as mg
import optim
from layers import GRU, LSTM, RNN, Carried, Embedding, Layer, Sequential, TruncatedBPTT, gradients, outputs
from layers.fused import can_fuse
from layers.inspect import gradient_flow
from minigrad.errors import GradientError

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
    use: str = "all"  # what the gradient comes from: "all", "one" of the results, "some" numbers, "steps", or "none"
    frozen: bool = False  # whether some of the parameters and inputs require no gradient
    changed: str = ""  # what happens to the table, or the ids, between the look-up and the layer
    constant: bool = False  # whether the look-up is not recorded
    inside: bool = False  # whether the values inside are read too, with their gradients

    def options(self) -> dict[str, Any]:
        names = ("layers", "bidirectional", "pooling", "return_sequences", "return_state", "truncate")
        return {name: getattr(self, name) for name in names}


class Recurrent(Fuzzer):
    """Outputs, states and gradients of one configuration, in all the ways there are."""

    name = "recurrent"
    share = 2.0

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
            return_state=yes(0.5),
            truncate=number(1, steps + 1) if yes() else None,
            mask=str(rng.choice(["", "left", "right", "anywhere", "lengths"], p=[0.4, 0.15, 0.15, 0.15, 0.15])),
            state=yes(0.3),
            vocabulary=number(2, 7) if yes(0.3) else 0,
            dtype="float64" if yes(0.8) else "float32",
            layout=layouts.draw(rng),
            garbage=float(rng.choice([0.0, np.nan, np.inf, -1e30], p=[0.5, 0.2, 0.2, 0.1])),
            twice=yes(0.3),
            use=str(rng.choice(["all", "one", "some", "steps", "none"], p=[0.4, 0.2, 0.2, 0.15, 0.05])),
            frozen=yes(0.2),
            changed=str(rng.choice(["update", "assign", "step", "ids"])) if yes(0.4) else "",
            constant=yes(0.25),
            inside=yes(0.15),
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
                if name not in expected:  # which was refused
                    if name.startswith("the gradient") and not array.any():
                        continue  # a cut keeps it from all that is trained: unrolled, nothing is recorded
                    return f"refused: {name}, {way}, is not"
                there = expected[name]
                if array.dtype != case.dtype or array.shape != there.shape:
                    return f"form: {name}, {way}, is {array.dtype} {array.shape} instead of {there.shape}"
                if not np.abs(array - there).max(initial=0) <= tolerance * (1 + np.abs(there).max(initial=0)):
                    return f"{way}: {name} is {array.tolist()}\n    by hand: {there.tolist()}"
        whole = replace(case, frozen=False, constant=False)
        if case.inside and case.batch and (problem := Run(whole).inside()):
            return problem
        return Run(whole).in_batches() if case.batch and not case.mask else ""

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


class Scaled(Layer):
    """Stands for the dropout between stacked layers, which cannot be drawn twice: it multiplies by fixed numbers."""

    def __init__(self, factors: Array) -> None:
        super().__init__()
        self._factors = factors

    def forward(self, x: mg.Tensor) -> mg.Tensor:
        return x * self._factors


class Whole(Layer):
    """The embedding, if there is one, and the recurrent layer as a model; all that is returned side by side."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.rnn, self._case = run.layer, run.case
        if run.case.vocabulary:
            self.embedding = run.embedding

    def forward(self, x: Any, mask: Any, *parts: Any) -> mg.Tensor:
        cells = list(self.rnn.cells().values())
        count = len(cells[0].state_names)
        states = [tuple(map(mg.Tensor, parts[k * count : (k + 1) * count])) for k in range(len(cells))]
        given = [state if count > 1 else state[0] for state in states] if parts else None
        output = self.rnn(
            self.embedding(x) if self._case.vocabulary else x,
            given[0] if given and len(given) == 1 else given,
            mask=mask if self._case.mask else None,
        )
        return side_by_side(*flat(output)) if self._case.return_state else side_by_side(output)


def flat(result: Any) -> list[mg.Tensor]:
    """The tensors in nested tuples and lists."""
    return [result] if isinstance(result, mg.Tensor) else [one for part in result for one in flat(part)]


def side_by_side(*parts: mg.Tensor) -> mg.Tensor:
    return mg.concatenate([part.reshape(part.shape[0], -1) for part in parts], axis=1)


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
        self.between = rng.uniform(0.5, 1.5, case.hidden * (1 + case.bidirectional)).astype(case.dtype)
        if case.layers > 1:
            self.layer.dropout = Scaled(self.between)
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
        if case.frozen:
            chance = np.random.default_rng([case.seed, 2])
            for leaf in [self.x, *self.parameters.values(), *(part for state in self.states for part in state)]:
                leaf.requires_grad = bool(chance.random() < 0.5)
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
        total: Any = sum((part * weights).sum() for part, weights in self.used(parts))
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
        if not total.requires_grad:
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
        updated = not case.constant and case.changed in ("update", "step") and case.vocabulary
        if updated and self.embedding.table.requires_grad:  # no gradient goes through what was written over
            try:
                total.backward()
            except GradientError:
                return found
            return found | {"a gradient through a table that was written over": np.zeros((), case.dtype)}
        if case.twice and case.vocabulary and way != "opened" and self.vectors.requires_grad:
            (gradient,) = mg.grad(total, [self.vectors])
            found["the gradient of the vectors"] = gradient.array
        total.backward()
        return found | {
            f"the gradient of {name}": np.zeros_like(leaf.array) if leaf.grad is None else leaf.grad
            for name, leaf in leaves.items()
        }

    def used(self, parts: list[mg.Tensor]) -> list[tuple[mg.Tensor, Array]]:
        """The parts of the result that the gradient comes from, with its numbers."""
        case, chance = self.case, np.random.default_rng([self.case.seed, 1])
        if case.use == "one":
            parts = [parts[int(chance.integers(len(parts)))]]
        if case.use == "steps" and case.return_sequences:
            parts = [
                parts[0][:, int(chance.integers(case.steps))],
                *(one for one in parts[1:] if chance.random() < 0.5),
            ]
        result = []
        for part in parts:
            weights = self.upstream.normal(size=part.shape)
            if case.use == "some":
                weights *= chance.random([size if chance.random() < 0.5 else 1 for size in part.shape]) < 0.4
            result.append((part, weights.astype(case.dtype) * (case.use != "none")))
        return result

    def looked_up(self, look: Any) -> mg.Tensor:
        """The vectors of the ids. What then happens to the table, or to the ids, must not change them."""
        case, table = self.case, self.embedding.table
        steps = case.changed == "step" and table.requires_grad
        optimizer = optim.SGD({"table": table}, lr=0.5, momentum=0.9) if steps else None

        def step() -> None:
            assert optimizer is not None
            with mg.enable_grad():
                mg.lookup(table, [0, 1, 1]).sum().backward()
            optimizer.step()
            optimizer.zero_grad()

        def change(array: Array) -> None:
            array *= -1.5

        if optimizer:
            step()
        with mg.no_grad() if case.constant else nullcontext():
            x: mg.Tensor = look(self.ids)
        if optimizer:
            step()
        elif case.changed in ("update", "step"):
            table.update(change)
        elif case.changed == "assign":
            table.array = -1.5 * table.array
        elif case.changed == "ids":
            self.ids[...] = 0
        return x

    def inside(self) -> str:
        """The states and gates at each step, and the gradients that reach them, as `layers.inspect` finds them."""
        case = self.case
        given: list[Any] = [self.ids.copy() if case.vocabulary else self.x.array]
        given.append(np.ones((case.batch, case.steps), bool) if self.mask is None else self.mask)
        given += [part.array for state in self.states for part in state] if case.state else []
        self.case = replace(case, changed="")
        output, finals = self.by_hand()
        output = side_by_side(output, *(flat(finals) if case.return_state else []))
        weights = self.upstream.normal(size=output.shape).astype(case.dtype)
        total, noted = (output * weights).sum() / case.batch, self.noted
        if case.vocabulary:
            noted["embedding"] = {(b, t): self.vectors for b in range(case.batch) for t in range(case.steps)}
        self.layer.fused = None
        model, y = Whole(self), np.arange(case.batch)

        def loss(output: mg.Tensor, rows: Array) -> mg.Tensor:
            return (output * weights[rows]).sum() / len(rows)

        few = 1 + case.seed % 3
        with mg.fused() if case.seed % 2 else nullcontext():
            values = outputs(model, tuple(given), list(noted), batch_size=few)
            slopes = gradients(model, tuple(given), y, list(noted), loss=loss, batch_size=few)
            flows = gradient_flow(model, (*given, y), loss=loss)
        tolerance = 1e-9 if case.dtype == "float64" else 2e-3
        wanted = {id(tensor): tensor for tensors in noted.values() for tensor in tensors.values()}
        reached = dict(zip(wanted, mg.grad(total, list(wanted.values())), strict=True))
        for path, tensors in noted.items():
            expected, slope = (np.full((case.batch, case.steps, case.hidden), np.nan) for _ in range(2))
            if path == "embedding":
                expected, slope = self.vectors.array, reached[id(self.vectors)].array
            else:
                for place, tensor in tensors.items():
                    expected[place], slope[place] = tensor.array, reached[id(tensor)].array
            pairs = {"outputs": (values[path], expected), "gradients": (slopes[path], slope)}
            if path in flows:
                pairs["flow"] = (flows[path], np.sqrt((slope**2).sum(axis=(0, 2))))
            for name, (here, there) in pairs.items():
                known = np.isfinite(there)
                if here.shape != there.shape or not np.allclose(here[known], there[known], tolerance, tolerance):
                    return f"{name}: at {path} they are {here.tolist()}\n    by hand {there.tolist()}"
        return ""

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
        x = self.vectors = self.looked_up(self.embedding) if case.vocabulary else self.x
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
        x = self.vectors = self.looked_up(lambda ids: self.embedding.table[ids.copy()]) if case.vocabulary else self.x
        self.noted: dict[str, dict[tuple[int, int], mg.Tensor]] = {}
        real = np.ones((case.batch, case.steps), bool) if self.mask is None else self.mask.copy()
        finals: list[list[mg.Tensor]] = []
        sides: list[mg.Tensor] = []
        for (name, cell), first in zip(self.layer.cells().items(), self.states, strict=True):
            backward = name.startswith("backward")
            if sides and not backward:
                x, sides = mg.concatenate(sides, axis=2) * self.between, []
            if not case.state:
                first = [mg.Tensor(np.zeros(part.shape, case.dtype), requires_grad=case.inside) for part in first]
            rows = []
            for b in range(case.batch):
                start = [part[b] for part in first]
                steps, last = one_sequence(case.cell, cell, x[b], start, real[b], backward, case.truncate)
                rows.append((mg.stack([steps[t]["h"] for t in range(case.steps)]), last))
                for t, named in steps.items():
                    for part, tensor in named.items():
                        self.noted.setdefault(f"rnn.{name}.{part}", {})[b, t] = tensor
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
    kind: str, cell: Any, x: mg.Tensor, state: list[mg.Tensor], real: Array, backward: bool, truncate: int | None
) -> tuple[dict[int, dict[str, mg.Tensor]], list[mg.Tensor]]:
    """The states and gates at each step of one sequence (T, D), {t: {name: (H,)}}, and the last state."""
    steps: dict[int, dict[str, mg.Tensor]] = {}
    left = int(real.sum())
    for t in reversed(range(len(real))) if backward else range(len(real)):
        gates: dict[str, mg.Tensor] = {}
        if real[t]:
            if left == truncate and left < real.sum():
                state = [mg.cut(part) for part in state]
            state, gates = one_step(kind, cell, x[t], state)
            left -= 1
        else:
            state = [1.0 * part for part in state]  # a tensor of this step, with a gradient of its own
        steps[t] = gates | dict(zip("hc", state, strict=False))
    return steps, state


def one_step(
    kind: str, cell: Any, x: mg.Tensor, state: list[mg.Tensor]
) -> tuple[list[mg.Tensor], dict[str, mg.Tensor]]:
    """The equations: Elman's network, the gated recurrent unit with either reset, long short-term memory.

    They give the next state, and the gates by name.
    """
    h, H = state[0], cell.hidden

    def block(array: mg.Tensor, k: int) -> mg.Tensor:
        return array[..., k * H : (k + 1) * H]

    def sigma(s: mg.Tensor) -> mg.Tensor:
        return 1.0 / (1.0 + mg.exp(-s))

    if kind.startswith("RNN"):
        s = x @ cell.W_xh + h @ cell.W_hh + cell.b_h
        return [mg.maximum(s, 0.0) if kind == "RNN relu" else mg.tanh(s)], {}
    if kind == "LSTM":
        s = x @ cell.W_xh + h @ cell.W_hh + cell.b
        i, f, g, o = sigma(block(s, 0)), sigma(block(s, 1)), mg.tanh(block(s, 2)), sigma(block(s, 3))
        c = f * state[1] + i * g
        return [o * mg.tanh(c), c], {"i": i, "f": f, "g": g, "o": o}
    a = x @ cell.W_xh + cell.b_xh
    s = h @ cell.W_hh + cell.b_hh if kind == "GRU" else h @ cell.W_hh
    z, r = sigma(block(a, 0) + block(s, 0)), sigma(block(a, 1) + block(s, 1))
    reset = r * block(s, 2) if kind == "GRU" else (r * h) @ block(cell.W_hh, 2)
    n = mg.tanh(block(a, 2) + reset)
    return [(1.0 - z) * n + z * h], {"z": z, "r": r, "n": n}
