"""Recurrent layers: fused, unfused, unrolled and unrecorded, against the textbooks' equations."""

from functools import partial
from typing import Any

import numpy as np

import layers
import minigrad as mg
from layers.fused import can_fuse

from .draw import (
    Draw,
    gradient,
    random_cases,
    relaid,
    same,
)

KINDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "RNN": (layers.RNN, {}),
    "RNN relu": (
        layers.RNN,
        {"activation": mg.relu},
    ),
    "GRU": (layers.GRU, {}),
    "GRU before": (
        layers.GRU,
        {"reset_after": False},
    ),
    "LSTM": (layers.LSTM, {}),
}

# ---- by hand: one sequence and one step at a time ----


def sigma(s):
    return 1.0 / (1.0 + mg.exp(-s))


def one_step(kind, cell, x, state):
    """The next state."""
    h, H = state[0], cell.hidden

    def blocks(array):
        starts = range(0, array.shape[-1], H)
        return [array[..., start : start + H] for start in starts]

    a = x @ cell.W_xh
    s = h @ cell.W_hh
    if kind.startswith("RNN"):
        z = a + s + cell.b_h
        return [mg.maximum(z, 0.0) if kind == "RNN relu" else mg.tanh(z)]
    if kind == "LSTM":
        i, f, g, o = blocks(a + s + cell.b)
        c = sigma(f) * state[1] + sigma(i) * mg.tanh(g)
        return [sigma(o) * mg.tanh(c), c]
    az, ar, an = blocks(a + cell.b_xh)
    sz, sr, sn = blocks(s + cell.b_hh if kind == "GRU" else s)
    z, r = sigma(az + sz), sigma(ar + sr)
    reset = r * sn if kind == "GRU" else (r * h) @ blocks(cell.W_hh)[2]
    return [(1.0 - z) * mg.tanh(an + reset) + z * h]


def one_sequence(step, x, state, real, backward, truncate):
    """The outputs (T, H) of one sequence (T, D), and its last state."""
    outputs = {}
    left = count = real.sum()
    for t in range(len(real))[:: -1 if backward else 1]:
        if real[t]:
            if left == truncate and left < count:
                state = [mg.cut(part) for part in state]
            state = step(x[t], state)
            left -= 1
        outputs[t] = state[0]
    return mg.stack([outputs[t] for t in range(len(real))]), state


# ---- cases ----


class Scaled(layers.Layer):
    """Fixed factors in the place of the dropout between layers, which cannot be drawn twice."""

    def __init__(self, factors):
        super().__init__()
        self._factors = factors

    def forward(self, x):
        return x * self._factors


def flat(result) -> list[Any]:
    """The tensors in nested tuples and lists."""
    if isinstance(result, mg.Tensor):
        return [result]
    return [one for part in result for one in flat(part)]


def one_or_all(parts):
    return parts[0] if len(parts) == 1 else parts


class Case:
    """A layer with its parameters and input, to be computed in several ways."""

    def __init__(self, draw: Draw):
        self.draw = draw
        self.kind = draw.pick(*KINDS, "GRU", "LSTM")
        self.batch = 0 if draw.yes(5) else draw.between(1, 4)
        self.steps = draw.pick(2, 3, 4, 5, 8, 1)
        self.hidden = draw.between(1, 4)
        self.truncate = draw.pick(
            None,
            draw.between(1, self.steps + 1),
        )
        self.sequences = draw.yes(30)
        self.pooling = "last" if self.sequences else draw.pick("last", "mean", "max")
        self.return_state = draw.yes()
        self.sides = draw.pick(1, 2)
        self.make_layer(draw.pick(1, 1, 2, 3))
        self.draw_mask(draw.pick("", "right", "left", "anywhere", "lengths"))
        self.draw_input(
            draw.pick(
                0.0,
                0.0,
                np.nan,
                np.inf,
                -1e30,
            )
        )
        self.draw_states()
        self.twice = draw.yes(30)  # whether something else uses the vectors too
        self.sparse = draw.yes()  # whether some results have no gradient
        self.seed = draw.between(0, 1000)  # of upstream gradients
        if draw.yes(20):
            for leaf in self.leaves.values():
                leaf.requires_grad = draw.yes()

    def make_layer(self, depth):
        draw = self.draw
        self.reads = draw.pick("", "", "Embedding", "OneHot")
        self.vocabulary = draw.between(3, 8)
        one_hot = self.reads == "OneHot"
        self.inputs = self.vocabulary if one_hot else draw.between(1, 4)
        make, options = KINDS[self.kind]
        self.layer = make(
            self.inputs,
            self.hidden,
            layers=depth,
            bidirectional=self.sides == 2,
            truncate=self.truncate,
            return_sequences=self.sequences,
            pooling=self.pooling,
            return_state=self.return_state,
            dropout=0.5 if depth > 1 else 0.0,
            **options,
        ).eval()
        factors = draw.rng.uniform(0.5, 1.5, self.hidden * self.sides)
        self.factors = factors.astype(draw.dtype)
        if depth > 1:
            self.layer.dropout = Scaled(self.factors)
        draw.parameters(self.layer)
        self.leaves = dict(self.layer.named_parameters())

    def draw_mask(self, where):
        steps = np.arange(self.steps)
        lengths = self.draw.rng.integers(1, self.steps + 1, (self.batch, 1))
        masks = {
            "": steps < self.steps + 0 * lengths,
            "left": steps >= self.steps - lengths,
            "anywhere": self.draw.real_steps(self.batch, self.steps),
        }
        self.real = masks.get(where, steps < lengths)
        self.given = {}
        if where == "lengths":
            self.given["lengths"] = self.real.sum(axis=1)
        elif where:  # numbers count as True where they are not 0
            self.given["mask"] = self.real * self.draw.pick(True, 2, -1.0)

    def draw_input(self, garbage):
        """Vectors or ids, with garbage at padded steps."""
        draw = self.draw
        # No id is 0: at the end of a sequence it would be taken for padding, with a warning.
        ids = draw.rng.integers(
            1,
            self.vocabulary - 1,
            self.real.shape,
        )
        ids[~self.real] = self.vocabulary - 1  # which nothing else reads
        self.ids = ids
        x = draw.normal(*ids.shape, self.inputs)
        x[~self.real] += garbage
        self.x = draw.tensor(x)
        if self.reads == "Embedding":
            embedding = layers.Embedding(self.vocabulary, self.inputs)
            table = draw.normal(self.vocabulary, self.inputs)
            table[-1] += garbage
            embedding.table.array = draw.array(table)
            self.embedding: Any = embedding
            self.leaves["table"] = embedding.table
        elif self.reads:
            self.embedding = layers.OneHot(self.vocabulary)
        else:
            self.leaves["x"] = self.x

    def draw_states(self):
        with_state = self.draw.yes(30)
        shape = self.batch, self.hidden
        self.states = []
        for number, cell in enumerate(self.layer.cells().values()):
            numbers = (
                self.draw.normal(
                    len(cell.state_names),
                    *shape,
                )
                * with_state
            )
            parts = [self.draw.tensor(one) for one in numbers]
            self.states.append(tuple(parts))
            for part in parts if with_state else ():
                self.leaves[f"state {number}.{part is parts[0]}"] = part
        self.first = one_or_all([one_or_all(parts) for parts in self.states])
        self.first = self.first if with_state else None

    # ---- ways to compute it ----

    def results(self, way):
        """The output, states and gradients by name."""
        self.layer.fused = {
            "fused": True,
            "unfused": True,
            "unrolled": False,
        }.get(way)
        for leaf in self.leaves.values():
            leaf.grad = None
        given = {"ids": self.ids.copy()}
        given |= {name: array.copy() for name, array in self.given.items()}
        with mg.no_grad() if way == "unrecorded" else mg.enable_grad():
            compute = self.by_hand if way == "by hand" else self.by_layer
            parts = compute(**given)
        found = {f"result {n}": part.array for n, part in enumerate(parts)}
        for array in given.values():
            array[...] = 0  # the caller's arrays may change once the layer has run
        total = self.total(parts)
        if total.requires_grad and way != "unrecorded":
            total = mg.unfuse(total) if way == "unfused" else total
            total.backward()
            for (
                name,
                leaf,
            ) in self.leaves.items():
                found[f"gradient of {name}"] = np.array(gradient(leaf))
        return found

    def by_layer(self, ids, **given):
        """The output, and the final states if they are asked for."""
        self.vectors = self.embedding(ids) if self.reads else self.x
        return flat(
            self.layer(
                self.vectors,
                self.first,
                **given,
            )
        )

    def by_hand(self, ids, **given):
        if self.reads == "Embedding":
            x = self.embedding.table[ids.copy()]
        elif self.reads:
            x = mg.Tensor(
                np.eye(
                    self.vocabulary,
                    dtype=self.draw.dtype,
                )[ids]
            )
        else:
            x = self.x
        self.vectors = x
        finals: list[Any] = []
        sides: list[Any] = []
        cells = self.layer.cells().items()
        for (name, cell), first in zip(cells, self.states, strict=True):
            if len(sides) == self.sides:
                x = mg.concatenate(sides, axis=2) * self.factors
                sides = []
            output, final = self.one_cell(name, cell, x, first)
            sides.append(output)
            finals.append(final)
        output = mg.concatenate(sides, axis=2)
        if not self.sequences and self.pooling == "last":
            output = mg.concatenate(
                [h for h, *_ in finals[-self.sides :]],
                axis=1,
            )
        elif not self.sequences:
            rows = zip(output, self.real, strict=True)
            chosen = [row[np.flatnonzero(real)] for row, real in rows]
            output = mg.stack([getattr(row, self.pooling)(axis=0) for row in chosen])
        if not self.return_state:
            return [output]
        if len(finals) > 1:
            finals = [[mg.stack(parts) for parts in zip(*finals, strict=True)]]
        return [output, *finals[0]]

    def one_cell(self, name, cell, x, first):
        """The outputs (B, T, H) and the parts of the last state (B, H)."""
        outputs = []
        lasts = []
        step = partial(one_step, self.kind, cell)
        backward = name.startswith("backward")
        for b, real in enumerate(self.real):
            start = [part[b] for part in first]
            rows, last = one_sequence(
                step,
                x[b],
                start,
                real,
                backward,
                self.truncate,
            )
            outputs.append(rows)
            lasts.append(last)
        finals = [mg.stack(parts) for parts in zip(*lasts, strict=True)]
        return mg.stack(outputs), finals

    def total(self, parts):
        """One number that depends on the results, in a way without a pattern."""
        rng = np.random.default_rng(self.seed)
        dtype = self.draw.dtype
        total = mg.Tensor(np.zeros((), dtype))
        for part in parts:
            weights = rng.normal(size=part.shape)
            if self.sparse:
                weights *= rng.random((*part.shape[:-1], 1)) < rng.choice([0.0, 0.5])
            part = relaid(part, "C", self.draw.layout)
            total = total + (part * weights.astype(dtype)).sum()
        if self.twice:  # what else uses the vectors skips the padding as well
            vectors = mg.where(
                self.real[..., None],
                self.vectors,
                0.0,
            )
            weights = rng.normal(size=vectors.shape).astype(dtype)
            total = total + (vectors * weights).sum()
        return total


@random_cases
def test_recurrent_layers(draw):
    """With a mask, truncated, pooled, with states, and with ids as input."""
    case = Case(draw)
    ways = ["unrolled", "unrecorded"]
    if all(
        map(
            can_fuse,
            case.layer.cells().values(),
        )
    ):
        ways += ["fused", "unfused"]
    expected = case.results("by hand" if case.batch else "unrolled")
    for way in ways:
        for name, array in case.results(way).items():
            # a cut may keep a result from all that is trained
            same(
                array,
                expected.get(name, 0 * array),
                f"{name}, {way}",
            )
            assert array.dtype == draw.dtype, f"{name}, {way}"
