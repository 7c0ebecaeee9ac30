"""Layers and optimizers with all options that PyTorch has too, against PyTorch in float64.

Programs of operations and losses are compared with it in programs.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

import layers
import minigrad as mg
import optim
from layers import Dense, Dropout, Embedding, LayerNorm, Sequential, from_layout, to_layout

from .fuzzer import Fuzzer, Generator

try:
    import torch as torch
except ImportError:
    torch = None

Array = np.ndarray[Any, Any]
ACTIVATIONS = {
    "": None,
    "tanh": mg.tanh,
    "relu": mg.relu,
    "sigmoid": mg.sigmoid,
    "softplus": mg.softplus,
}


@dataclass(frozen=True)
class Twin:
    """A layer, or an optimizer on a small network. The defaults are what a case is shrunk to."""

    kind: str = "dense"
    seed: int = 0
    batch: int = 2
    steps: int = 3
    inputs: int = 2
    hidden: int = 2
    layers: int = 1
    bidirectional: bool = False
    lengths: bool = False
    state: bool = False
    bias: bool = True
    activation: str = ""
    rule: str = "SGD"
    options: tuple[tuple[str, Any], ...] = ()
    decay: float = 0.0
    clip: float = 0.0
    schedule: str = ""


class PyTorch(Fuzzer):
    """Outputs, states, gradients, weights after some steps, and weights carried over and back."""

    name = "pytorch"

    def missing(self) -> str:
        return "" if torch else "PyTorch is not installed here"

    def case(self, rng: Generator) -> Twin:
        def pick(*values: Any) -> Any:
            return values[int(rng.integers(len(values)))]

        kind = pick(
            "dense", "embedding", "norm", "RNN", "RNN relu", "GRU", "LSTM", "optimizer", "optimizer"
        )
        rule = pick("SGD", "momentum", "nesterov", "Adam", "AdamW", "Adagrad", "RMSprop")
        options: dict[str, Any] = {
            "SGD": {}, "momentum": {"momentum": pick(0.5, 0.9)}, "nesterov": {"momentum": pick(0.5, 0.9)},
            "RMSprop": {"decay": pick(0.5, 0.9)}, "Adagrad": {},
        }.get(rule, {"betas": (pick(0.0, 0.5, 0.9), pick(0.5, 0.9, 0.999))})  # fmt: skip
        if "SGD" not in rule and not rule.endswith(("momentum", "nesterov")):
            options["eps"] = pick(1e-7, 1e-3)
        return Twin(
            kind,
            int(rng.integers(10**6)),
            int(rng.integers(1, 5)),
            int(rng.integers(1, 7)),
            int(rng.integers(1, 5)),
            int(rng.integers(1, 5)),
            pick(1, 1, 2, 3),
            pick(False, True),
            pick(False, True),
            pick(False, True),
            pick(True, True, False),
            pick(*ACTIVATIONS),
            rule,
            tuple(options.items()),
            pick(0.0, 0.0, 0.05),
            pick(0.0, 0.0, 0.3),
            pick("", "", "step", "cosine", "warm-up"),
        )

    def fault(self, case: Twin) -> str:
        if case.kind == "optimizer":
            return optimizers(case)
        ours, theirs = pair(case)
        rng = np.random.default_rng(case.seed)
        for tensor in ours.named_parameters().values():
            tensor.array = rng.normal(size=tensor.shape)
        arrays = {name: torch.tensor(array) for name, array in to_layout(ours, "pytorch").items()}
        theirs.load_state_dict(arrays)
        for name, bias in theirs.state_dict().items():
            # PyTorch adds two biases where we have one
            if "bias_hh" in name and "GRU" not in case.kind:
                bias += (part := torch.tensor(rng.normal(size=bias.shape)))
                theirs.state_dict()[name.replace("hh", "ih")].sub_(part)
        again, _ = pair(case)
        for tensor in again.named_parameters().values():
            tensor.array = np.zeros(tensor.shape)
        from_layout(
            again, {name: tensor.numpy() for name, tensor in theirs.state_dict().items()}, "pytorch"
        )
        for name, tensor in again.named_parameters().items():
            if not np.allclose(tensor.array, ours.named_parameters()[name].array, 1e-12, 1e-12):
                return f"weights: {name} comes back as {tensor.array.tolist()}"
        found, expected, x, y = outputs(case, ours, theirs, rng)
        for k, (here, there) in enumerate(zip(found, expected, strict=True)):
            if problem := apart(f"value: output {k}", here.array, there):
                return problem
        weights = [rng.normal(size=one.shape) for one in found]
        total: Any = sum((one * w).sum() for one, w in zip(found, weights, strict=True))
        total.backward()
        sum(
            (one * torch.tensor(w)).sum() for one, w in zip(expected, weights, strict=True)
        ).backward()
        for k, (here, there) in enumerate(zip(x, y, strict=True)):
            grad = np.zeros(here.shape) if here.grad is None else here.grad
            if problem := apart(f"gradient: that of input {k}", grad, there.grad):
                return problem
        # now it holds gradients, to be named as PyTorch's
        for name, tensor in again.named_parameters().items():
            grad = ours.named_parameters()[name].grad
            tensor.array = np.zeros(tensor.shape) if grad is None else grad
        slopes = {name: parameter.grad for name, parameter in theirs.named_parameters()}
        for name, array in to_layout(again, "pytorch").items():
            # we have one bias where PyTorch adds two
            half = "bias_hh" in name and "GRU" not in case.kind
            if not half and (problem := apart(f"gradient: that of {name}", array, slopes[name])):
                return problem
        return ""

    def smaller(self, case: Twin) -> Iterator[Twin]:
        for one in fields(Twin):
            if (
                one.name not in ("seed", "kind", "rule", "options")
                and getattr(case, one.name) != one.default
            ):
                changed: Any = {one.name: one.default}
                yield replace(case, **changed)

    def as_test(self, case: Twin) -> str:
        changed = [
            f"{f.name}={getattr(case, f.name)!r}"
            for f in fields(case)
            if getattr(case, f.name) != f.default
        ]
        return (
            "from tests.fuzz.pytorch import PyTorch, Twin\n\n\ndef test_a_twin():\n"
            f"    assert PyTorch().fault(Twin({', '.join(changed)})) == ''\n"
        )


def pair(case: Twin) -> tuple[Any, Any]:
    """Our layer and PyTorch's, in evaluation mode."""
    nn, D, H = torch.nn, case.inputs, case.hidden
    if case.kind == "dense":
        ours: Any = Dense(D, H, ACTIVATIONS[case.activation], bias=case.bias)
        theirs: Any = nn.Linear(D, H, bias=case.bias)
    elif case.kind == "embedding":
        ours, theirs = Embedding(6, D), nn.Embedding(6, D)
    elif case.kind == "norm":
        ours, theirs = LayerNorm(1 + D), nn.LayerNorm(1 + D)
    else:
        options = {"bidirectional": case.bidirectional}
        kind = case.kind.split()[0]
        special: Any = {"activation": mg.relu} if case.kind.endswith("relu") else {}
        ours = getattr(layers, kind)(
            D, H, layers=case.layers, return_sequences=True, return_state=True, **options, **special
        )
        special = {"nonlinearity": "relu"} if special else {}
        theirs = getattr(nn, kind)(
            D, H, num_layers=case.layers, batch_first=True, **options, **special
        )
    return ours.eval(), theirs.double().eval()


def outputs(
    case: Twin, ours: Any, theirs: Any, rng: Generator
) -> tuple[list[Any], list[Any], list[Any], list[Any]]:
    """Our outputs, PyTorch's, and the inputs of both whose gradients can be compared."""
    if case.kind == "embedding":
        ids = rng.integers(0, 6, (case.batch, case.steps))
        return [ours(ids)], [theirs(torch.tensor(ids))], [], []

    def input(*shape: int) -> tuple[Any, Any]:
        array = rng.normal(size=shape)
        return mg.Tensor(array, requires_grad=True), torch.tensor(array, requires_grad=True)

    if case.kind in ("dense", "norm"):
        x, y = input(
            *(case.batch, case.steps)[: case.layers - 1], case.inputs + (case.kind == "norm")
        )
        output = theirs(y)
        if case.kind == "dense" and case.activation:
            output = getattr(torch.nn.functional, case.activation)(output)
        return [ours(x)], [output], [x], [y]
    x, y = input(case.batch, case.steps, case.inputs)
    inner, outer, hidden = [x], [y], case.layers * (1 + case.bidirectional)
    state: Any = None
    start: Any = None
    count = 2 if case.kind == "LSTM" else 1
    if case.state:
        pairs = [[input(case.batch, case.hidden) for _ in range(count)] for _ in range(hidden)]
        inner += [one for row in pairs for one, _ in row]
        outer += [one for row in pairs for _, one in row]
        tuples = [tuple(one for one, _ in row) if count == 2 else row[0][0] for row in pairs]
        state = tuples if hidden > 1 else tuples[0]
        stacked = [torch.stack([row[k][1] for row in pairs]) for k in range(count)]
        start = tuple(stacked) if count == 2 else stacked[0]
    lengths = (
        rng.integers(1, case.steps + 1, case.batch)
        if case.lengths
        else np.full(case.batch, case.steps)
    )
    ours.fused = None if case.kind == "RNN relu" else bool(case.seed % 2)
    output, final = ours(x, state, **({"lengths": lengths} if case.lengths else {}))
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        y, torch.tensor(lengths), batch_first=True, enforce_sorted=False
    )
    result, last = theirs(packed, start)
    result = torch.nn.utils.rnn.pad_packed_sequence(
        result, batch_first=True, total_length=case.steps
    )[0]
    # where PyTorch has zeros, ours repeat the state
    real = (np.arange(case.steps) < lengths[:, None])[..., None]
    found, expected = [mg.where(real, output, 0.0)], [result]
    finals = final if isinstance(final, list) else [final]
    lasts = last if count == 2 else (last,)
    for k, one in enumerate(finals):
        for n, part in enumerate(one if isinstance(one, tuple) else (one,)):
            found.append(part)
            expected.append(lasts[n][k])
    return found, expected, inner, outer


def optimizers(case: Twin) -> str:
    """Some steps of a small network with a table, with clipping and a schedule."""
    rng = np.random.default_rng(case.seed)
    start = {
        "table": rng.normal(size=(5, 3)),
        "W": rng.normal(size=(3, 2)),
        "b": rng.normal(size=2),
    }
    model = Sequential(Embedding(5, 3), Dropout(0.5), Dense(3, 2)).eval()
    for tensor, array in zip(model.named_parameters().values(), start.values(), strict=True):
        tensor.array = array
    theirs = {name: torch.tensor(array, requires_grad=True) for name, array in start.items()}
    options, lr, nn = dict(case.options), 0.1, torch.optim
    kind = {"momentum": "SGD", "nesterov": "SGD"}.get(case.rule, case.rule)
    extra: Any = {"nesterov": True} if case.rule == "nesterov" else {}
    ours = getattr(optim, kind)(
        model.named_parameters(), lr=lr, weight_decay=case.decay, **options, **extra
    )
    renamed = {{"decay": "alpha"}.get(name, name): value for name, value in options.items()}
    twin = getattr(nn, kind)(
        list(theirs.values()), lr=lr, weight_decay=case.decay, **renamed, **extra
    )
    schedule: Any = {
        "": lambda step: 1.0, "step": optim.StepSchedule(3, 0.5), "cosine": optim.CosineSchedule(8, 0.1),
        "warm-up": optim.WarmUp(4),
    }[case.schedule]  # fmt: skip
    formula: Any = {
        "": lambda step: 1.0, "step": lambda step: 0.5 ** (step // 3),
        "cosine": lambda step: 0.1 + 0.45 * (1 + math.cos(math.pi * min(step, 8) / 8)),
        "warm-up": lambda step: min(1.0, (step + 1) / 4),
    }[case.schedule]  # fmt: skip
    for step in range(2 * case.steps + 1):
        ids, y = rng.integers(0, 4, 3), rng.integers(0, 2, 3)
        ours.zero_grad()
        mg.softmax_cross_entropy(model(ids), y).backward()
        twin.zero_grad()
        logits = theirs["table"][torch.tensor(ids)] @ theirs["W"] + theirs["b"]
        torch.nn.functional.cross_entropy(logits, torch.tensor(y)).backward()
        if case.clip:
            here = optim.clip_gradients(model.named_parameters(), case.clip)
            # Scaled here, because PyTorch divides by the norm + 1e-6, which a small norm shows.
            norm = float(torch.nn.utils.clip_grad_norm_(list(theirs.values()), math.inf))
            for parameter in theirs.values():
                parameter.grad *= min(1.0, case.clip / norm)
            if not math.isclose(here, norm, rel_tol=1e-4, abs_tol=1e-6):
                return f"norm: {here}, PyTorch: {norm}"
        ours.scale = schedule(step)
        for group in twin.param_groups:
            group["lr"] = lr * formula(step)
        ours.step()
        twin.step()
    loose = 1e-4 if "Adam" in case.rule else 1e-9  # lazy updates are not exact
    for tensor, (name, there) in zip(
        model.named_parameters().values(), theirs.items(), strict=True
    ):
        if problem := apart(f"{case.rule}: {name}", tensor.array, there, loose):
            return problem
    return ""


def apart(what: str, found: Array, expected: Any, tolerance: float = 1e-9) -> str:
    there = np.zeros(found.shape) if expected is None else expected.numpy(force=True)
    if found.shape == there.shape and np.abs(found - there).max(initial=0) <= tolerance * (
        1 + np.abs(there).max(initial=0)
    ):
        return ""
    return f"{what} is {found.tolist()}\n    PyTorch: {there.tolist()}"
