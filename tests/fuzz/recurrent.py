"""Random recurrent layers, computed in five ways that must agree: fused, opened, unrolled, unrecorded,
and by hand.

By hand means: one sequence at a time, one step at a time, with the equations of the textbooks
written out here. It shares nothing with `layers` but the parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

import layers
import minigrad as mg
import optim
from layers import Embedding, Layer, OneHot
from layers.fused import can_fuse
from minigrad.errors import GradientError

from . import layouts
from .draw import Array, Draw, gradient, same
from .fuzzer import Fuzzer, Generator
from .layouts import relaid

SPECIAL: dict[str, dict[str, Any]] = {
    "RNN relu": {"activation": mg.relu},
    "GRU before": {"reset_after": False},
}
"""Kinds of layers that an option makes."""
OPTIONS = (
    "layers",
    "bidirectional",
    "pooling",
    "return_sequences",
    "return_state",
    "truncate",
)


@dataclass(frozen=True)
class Configuration:
    """A layer and its input. The defaults are what a case is shrunk to; numbers are drawn from
    `seed`.
    """

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
    mask: str = (
        ""  # "", "left" and "right" (where the padding is), "anywhere", or "lengths"
    )
    state: bool = False  # whether a first state is given
    reads: str = ""  # what looks the input up, "Embedding" or "OneHot", if it is ids
    vocabulary: int = 2  # the largest of the ids, which only padded steps have
    dtype: str = "float64"
    layout: str = "C"  # of all arrays
    garbage: float = 0.0  # what the padded steps of the input hold, if it is not 0
    # whether the input is used by something else too, and its gradient is asked of `mg.grad`
    twice: bool = False
    sparse: bool = False  # whether the gradient comes from some of the results only
    frozen: bool = (
        False  # whether some of the parameters and inputs require no gradient
    )
    changed: str = (
        ""  # what happens to the table, or the ids, between the look-up and the layer
    )
    constant: bool = False  # whether the look-up is not recorded
    inside: bool = False  # whether the values inside are read too, with their gradients


class Recurrent(Fuzzer):
    """Outputs, states and gradients of one configuration, in all the ways there are."""

    name = "recurrent"
    share = 2.0

    def case(self, rng: Generator) -> Configuration:
        draw = Draw(int(rng.integers(10**6)))
        steps = draw.between(1, 8)
        sequences = draw.yes(0.3)
        return Configuration(
            cell=draw.pick(
                "RNN", "RNN relu", "GRU", "GRU", "GRU before", "LSTM", "LSTM"
            ),
            seed=draw.between(0, 10**6),
            batch=draw.between(1, 4) if draw.yes(0.95) else 0,
            steps=steps,
            inputs=draw.between(1, 4),
            hidden=draw.between(1, 4),
            layers=draw.pick(1, 1, 1, 2, 3),
            bidirectional=draw.yes(0.4),
            pooling="last" if sequences else draw.pick("last", "mean", "max"),
            return_sequences=sequences,
            return_state=draw.yes(),
            truncate=draw.pick(None, draw.between(1, steps + 1)),
            mask=draw.pick("", "", "", "left", "right", "anywhere", "lengths"),
            state=draw.yes(0.3),
            reads=draw.pick("", "", "Embedding", "OneHot"),
            vocabulary=draw.between(2, 7),
            dtype=draw.pick("float64", "float64", "float64", "float32"),
            layout=layouts.draw(rng),
            garbage=draw.pick(0.0, 0.0, np.nan, np.inf, -1e30),
            twice=draw.yes(0.3),
            sparse=draw.yes(0.6),
            frozen=draw.yes(0.2),
            changed=draw.pick("", "", "", "update", "assign", "step", "ids"),
            constant=draw.yes(0.25),
            inside=draw.yes(0.2),
        )

    def fault(self, case: Configuration) -> str:
        ways = ["unrolled", "unrecorded"]
        if all(map(can_fuse, Run(case).layer.cells().values())):
            ways += ["fused", "opened"]
        expected = Run(case).results("by hand" if case.batch else "unrolled")
        for way in ways:
            for name, array in Run(case).results(way).items():
                there = expected.get(
                    name, 0 * array
                )  # a cut may keep it from all that is trained
                assert array.dtype == case.dtype, f"{name}, {way}, is {array.dtype}"
                same(f"{name}, {way}", array, there)
        if case.inside and case.batch:
            Run(replace(case, frozen=False, constant=False, changed="")).look_inside()
        return ""


class Scaled(Layer):
    """In the place of the dropout between stacked layers, which cannot be drawn twice: it multiplies
    by fixed numbers.
    """

    def __init__(self, factors: Array) -> None:
        super().__init__()
        self._factors = factors

    def forward(self, x: mg.Tensor) -> mg.Tensor:
        return x * self._factors


class Run:
    """One layer with its parameters and input, made from the seed, to be computed in one of the
    ways.
    """

    def __init__(self, case: Configuration) -> None:
        self.case = case
        self.draw = draw = Draw(case.seed, case.dtype, case.layout)
        kind = getattr(layers, case.cell.split()[0])
        size = case.vocabulary + 1
        inputs = size if case.reads == "OneHot" else case.inputs
        options = {name: getattr(case, name) for name in OPTIONS} | SPECIAL.get(
            case.cell, {}
        )
        # which does nothing in evaluation mode
        options["dropout"] = 0.5 if case.layers > 1 else 0.0
        self.layer = kind(inputs, case.hidden, **options).eval()
        between = draw.rng.uniform(0.5, 1.5, case.hidden * (1 + case.bidirectional))
        self.between = between.astype(case.dtype)
        if case.layers > 1:
            self.layer.dropout = Scaled(self.between)
        embeddings = {"Embedding": Embedding(size, inputs), "OneHot": OneHot(size)}
        self.model = Whole(self.layer, embeddings.get(case.reads))
        self.real = self.real_steps()
        x = draw.normal(case.batch, case.steps, inputs)
        # No id is 0: at the end of a sequence it would be taken for padding, with a warning.
        ids = draw.rng.integers(1, case.vocabulary, x.shape[:2])
        draw.parameters(self.model)
        if case.garbage and case.mask:
            x[~self.real] = case.garbage
            ids[~self.real] = case.vocabulary
            if case.reads == "Embedding":
                table = self.model.embedding.table
                rows = np.array(table.array)
                rows[case.vocabulary] = case.garbage
                table.array = draw.array(rows)
        self.x = draw.tensor(x)
        self.ids = writable(draw.array(ids, "int64"))
        self.given = {}
        if case.mask == "lengths":
            self.given["lengths"] = self.real.sum(axis=1)
        elif case.mask:  # numbers count as True where they are not 0
            mask = self.real * draw.pick(True, True, 2, -1.0)
            self.given["mask"] = writable(draw.array(mask, str(mask.dtype)))
        self.states = [
            [
                draw.tensor(draw.normal(case.batch, case.hidden))
                for _ in cell.state_names
            ]
            for cell in self.layer.cells().values()
        ]
        self.leaves = {"x": self.x, **self.model.named_parameters()}
        for n, state in enumerate(self.states):
            self.leaves |= {f"first {n}.{k}": part for k, part in enumerate(state)}
        if case.frozen:
            for leaf in self.leaves.values():
                leaf.requires_grad = draw.yes()

    def real_steps(self) -> Array:
        case = self.case
        lengths = self.draw.rng.integers(1, case.steps + 1, (case.batch, 1))
        if case.mask == "anywhere":
            return self.draw.real_steps(case.batch, case.steps)
        if case.mask == "left":
            return np.arange(case.steps) >= case.steps - lengths
        return np.arange(case.steps) < (
            lengths if case.mask else case.steps + 0 * lengths
        )

    def results(self, way: str) -> dict[str, Array]:
        """Output, states and gradients by name."""
        case = self.case
        draw = self.draw
        self.layer.fused = {"fused": True, "opened": True, "unrolled": False}.get(way)
        with mg.no_grad() if way == "unrecorded" else mg.enable_grad():
            parts = self.by_hand() if way == "by hand" else self.by_layer()
        found = {f"result {n}": part.array for n, part in enumerate(parts)}
        if way == "unrecorded":
            return found
        # One number that depends on what was returned, in a way without a pattern.
        total = mg.Tensor(np.zeros((), case.dtype))
        for part in parts:
            weights = (
                draw.upstream(part.shape) if case.sparse else draw.normal(*part.shape)
            )
            weights *= not case.sparse or draw.yes(0.6)
            part = relaid(part, "C", case.layout)
            total = total + (part * weights.astype(case.dtype)).sum()
        if case.twice:  # what else uses the vectors skips the padding as well
            vectors = mg.where(self.real[..., None], self.vectors, 0.0)
            total = (
                total + (vectors * draw.normal(*vectors.shape).astype(case.dtype)).sum()
            )
        if not total.requires_grad:
            return found
        if way == "opened":
            total = mg.unfuse(total)
        for array in (self.ids, *self.given.values()):
            array[...] = 0  # the caller's own arrays may change once the layer has run
        written_over = case.changed in ("update", "step") and self.vectors.requires_grad
        if written_over and case.reads == "Embedding":  # no gradient goes through that
            with suppress(GradientError):
                total.backward()
                found["a gradient through a table that was written over"] = np.ones(
                    (), case.dtype
                )
            return found
        if case.twice and case.reads and way != "opened" and self.vectors.requires_grad:
            found["the gradient of the vectors"] = mg.grad(total, [self.vectors])[
                0
            ].array
        total.backward()
        for name, leaf in self.leaves.items():
            found[f"the gradient of {name}"] = gradient(leaf).astype(case.dtype)
        return found

    def looked_up(self, look: Callable[[Array], mg.Tensor]) -> mg.Tensor:
        """The vectors of the ids. What then happens to the table, or to the ids, must not change
        them.
        """
        case = self.case
        if case.reads == "OneHot":
            return look(self.ids)
        table = self.model.embedding.table
        steps = case.changed == "step" and table.requires_grad
        optimizer = optim.SGD({"table": table}, lr=0.5, momentum=0.9) if steps else None

        def step() -> None:
            if optimizer:
                with mg.enable_grad():
                    mg.lookup(table, [0, 1, 1]).sum().backward()
                optimizer.step()
                optimizer.zero_grad()

        def change(array: Array) -> None:
            array *= -1.5

        step()
        with mg.no_grad() if case.constant else nullcontext():
            x = look(self.ids)
        step()
        if case.changed in ("update", "step") and not steps:
            table.update(change)
        elif case.changed == "assign":
            table.array = -1.5 * table.array
        elif case.changed == "ids":
            self.ids[...] = 0
        return x

    def by_layer(self) -> list[mg.Tensor]:
        """The output, and the final states if they are asked for."""
        case = self.case
        embedding = self.model.embedding
        self.vectors = x = self.looked_up(embedding) if embedding else self.x
        return flat(
            self.layer(x, nested(self.states) if case.state else None, **self.given)
        )

    def by_hand(self) -> list[mg.Tensor]:
        case = self.case
        rows = {
            "Embedding": lambda ids: self.model.embedding.table[ids.copy()],
            "OneHot": lambda ids: mg.Tensor(
                np.eye(case.vocabulary + 1, dtype=case.dtype)[ids]
            ),
        }
        x = self.vectors = self.looked_up(rows[case.reads]) if case.reads else self.x
        self.noted: dict[str, dict[Any, mg.Tensor]] = {}
        finals: list[list[mg.Tensor]] = []
        sides: list[mg.Tensor] = []
        for (name, cell), first in zip(
            self.layer.cells().items(), self.states, strict=True
        ):
            backward = name.startswith("backward")
            if sides and not backward:
                x = mg.concatenate(sides, axis=2) * self.between
                sides = []
            if not case.state:
                zeros = np.zeros((case.batch, case.hidden), case.dtype)
                first = [mg.Tensor(zeros, requires_grad=case.inside) for _ in first]
            step = partial(one_step, case.cell, cell)
            outputs = []
            lasts = []
            for b, real in enumerate(self.real):
                start = [part[b] for part in first]
                steps, last = one_sequence(
                    step, x[b], start, real, backward, case.truncate
                )
                outputs.append(mg.stack([steps[t]["h"] for t in range(case.steps)]))
                lasts.append(last)
                for t, named in steps.items():
                    for part, tensor in named.items():
                        self.noted.setdefault(f"rnn.{name}.{part}", {})[b, t] = tensor
            sides.append(mg.stack(outputs))
            finals.append([mg.stack(parts) for parts in zip(*lasts, strict=True)])
        output = mg.concatenate(sides, axis=2)
        if not case.return_sequences and case.pooling == "last":
            output = mg.concatenate(
                [final[0] for final in finals[-len(sides) :]], axis=1
            )
        elif not case.return_sequences:
            chosen = [
                output[b][np.flatnonzero(real)] for b, real in enumerate(self.real)
            ]
            output = mg.stack([getattr(one, case.pooling)(axis=0) for one in chosen])
        if not case.return_state:
            return [output]
        if len(finals) > 1:
            finals = [[mg.stack(parts) for parts in zip(*finals, strict=True)]]
        return [output, *finals[0]]

    def look_inside(self) -> None:
        """The values at each step, and the gradients that reach them, as `layers.inspect` finds
        them.
        """
        case = self.case
        draw = self.draw
        given: list[Any] = [self.ids if case.reads else self.x.array, self.real]
        if case.state:
            given += [part.array for part in flat(self.states)]
        output = side_by_side(self.by_hand(), len(self.layer.cells()))
        weights = draw.normal(*output.shape).astype(case.dtype)
        total = (output * weights).sum() / case.batch
        y = np.arange(case.batch)
        few = draw.between(1, 3)
        if case.reads == "Embedding":
            self.noted["embedding"] = {(): self.vectors}

        def loss(output: mg.Tensor, rows: Array) -> mg.Tensor:
            return (output * weights[rows]).sum() / len(rows)

        self.layer.fused = None
        paths = list(self.noted)
        with mg.fused() if draw.yes() else nullcontext():
            values = layers.outputs(self.model, tuple(given), paths, batch_size=few)
            slopes = layers.gradients(
                self.model, tuple(given), y, paths, loss=loss, batch_size=few
            )
            flows = layers.gradient_flow(self.model, (*given, y), loss=loss)
        noted = [
            (path, place) for path, places in self.noted.items() for place in places
        ]
        tensors = [self.noted[path][place] for path, place in noted]
        reached = mg.grad(total, tensors)
        expected = {path: np.full(values[path].shape, np.nan) for path in paths}
        slope = {path: np.full(values[path].shape, np.nan) for path in paths}
        for (path, place), tensor, by_hand in zip(noted, tensors, reached, strict=True):
            expected[path][place] = tensor.array
            slope[path][place] = by_hand.array
        for path in paths:
            # padded steps have no gates
            known = np.isfinite(expected[path])
            same(f"{path} inside", values[path][known], expected[path][known])
            same(f"{path}'s gradient", slopes[path][known], slope[path][known])
            if path in flows and known.all():
                norms = np.sqrt((slope[path] ** 2).sum(axis=(0, 2)))
                same(f"{path}'s flow", flows[path].astype(case.dtype), norms)


class Whole(Layer):
    """The embedding, if there is one, and the recurrent layer as a model; all that is returned side
    by side.
    """

    def __init__(self, rnn: Any, embedding: Any) -> None:
        super().__init__()
        self.rnn = rnn
        self.embedding = embedding

    def forward(self, x: Any, mask: Any, *parts: Any) -> mg.Tensor:
        cells = self.rnn.cells().values()
        remaining = iter(map(mg.Tensor, parts))
        states = (
            [[next(remaining) for _ in cell.state_names] for cell in cells]
            if parts
            else []
        )
        x = self.embedding(x) if self.embedding else x
        results = flat(self.rnn(x, nested(states) if parts else None, mask=mask))
        return side_by_side(results, len(cells))


def writable(array: Array) -> Array:
    return array if array.flags.writeable else array.copy()


def flat(result: Any) -> list[mg.Tensor]:
    """The tensors in nested tuples and lists."""
    if isinstance(result, mg.Tensor):
        return [result]
    return [one for part in result for one in flat(part)]


def nested(states: list[list[mg.Tensor]]) -> Any:
    """States as a layer takes them: a tuple or a tensor for a cell, and a list for several cells."""
    each = [tuple(state) if len(state) > 1 else state[0] for state in states]
    return each if len(each) > 1 else each[0]


def side_by_side(results: list[mg.Tensor], cells: int) -> mg.Tensor:
    """The output, and the final states of each cell, with a row for each sequence."""
    output, *states = results
    parts = [
        output,
        *(h for state in states for h in (state if cells > 1 else [state])),
    ]
    return mg.concatenate([part.reshape(part.shape[0], -1) for part in parts], axis=1)


Step = Callable[
    [mg.Tensor, list[mg.Tensor]], tuple[list[mg.Tensor], dict[str, mg.Tensor]]
]


def one_sequence(
    step: Step,
    x: mg.Tensor,
    state: list[mg.Tensor],
    real: Array,
    backward: bool,
    truncate: int | None,
) -> tuple[dict[int, dict[str, mg.Tensor]], list[mg.Tensor]]:
    """The states and gates at each step of one sequence (T, D), {t: {name: (H,)}}, and the last
    state.
    """
    steps: dict[int, dict[str, mg.Tensor]] = {}
    left = int(real.sum())
    for t in reversed(range(len(real))) if backward else range(len(real)):
        gates: dict[str, mg.Tensor] = {}
        if real[t]:
            if left == truncate and left < real.sum():
                state = [mg.cut(part) for part in state]
            state, gates = step(x[t], state)
            left -= 1
        else:
            # a tensor of this step, with a gradient of its own
            state = [1.0 * part for part in state]
        steps[t] = gates | dict(zip("hc", state, strict=False))
    return steps, state


def one_step(
    kind: str, cell: Any, x: mg.Tensor, state: list[mg.Tensor]
) -> tuple[list[mg.Tensor], dict[str, mg.Tensor]]:
    """The equations: Elman's network, the gated recurrent unit with either reset, long short-term
    memory.

    They give the next state, and the gates by name.
    """
    h, H = state[0], cell.hidden

    def blocks(array: mg.Tensor) -> list[mg.Tensor]:
        return [array[..., start : start + H] for start in range(0, array.shape[-1], H)]

    def sigma(s: mg.Tensor) -> mg.Tensor:
        return 1.0 / (1.0 + mg.exp(-s))

    if kind.startswith("RNN"):
        s = x @ cell.W_xh + h @ cell.W_hh + cell.b_h
        return [mg.maximum(s, 0.0) if kind == "RNN relu" else mg.tanh(s)], {}
    if kind == "LSTM":
        si, sf, sg, so = blocks(x @ cell.W_xh + h @ cell.W_hh + cell.b)
        i, f, g, o = sigma(si), sigma(sf), mg.tanh(sg), sigma(so)
        c = f * state[1] + i * g
        return [o * mg.tanh(c), c], {"i": i, "f": f, "g": g, "o": o}
    az, ar, an = blocks(x @ cell.W_xh + cell.b_xh)
    sz, sr, sn = blocks(h @ cell.W_hh + cell.b_hh if kind == "GRU" else h @ cell.W_hh)
    z, r = sigma(az + sz), sigma(ar + sr)
    reset = r * sn if kind == "GRU" else (r * h) @ blocks(cell.W_hh)[2]
    n = mg.tanh(an + reset)
    return [(1.0 - z) * n + z * h], {"z": z, "r": r, "n": n}
