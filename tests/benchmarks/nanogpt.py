"""Compare the model of examples/gpt.py with nanoGPT's model in PyTorch.

    python tests/benchmarks/nanogpt.py parity 200     # losses of so many steps, in float64
    python tests/benchmarks/nanogpt.py speed          # times of a training step, and of writing text

Run it in an environment that has torch and minigrad. Both models begin with the same weights and
read the same batches. In speed, their steps alternate in one process, with one thread.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))

import numpy as np
import torch
from torch.nn import functional as F

import minigrad as mg
from gpt import GPT, Pieces, make_optimizer, schedule
from layers import sample, to_layout
from minigrad.data import Characters, load_shakespeare
from optim import clip_gradients

nn = torch.nn
WIDTH, HEADS, BLOCKS, BATCH, SIZE = 128, 4, 4, 12, 66
RATE, BETAS, EPS, DECAY = 1e-3, (0.9, 0.99), 1e-8, 0.1


class Block(nn.Module):  # type: ignore[misc, name-defined]
    """The block of nanoGPT's model.py with bias=False. The children have minigrad's names."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(WIDTH, bias=False)
        self.self_attn = nn.Module()
        self.self_attn.in_proj_weight = nn.Parameter(torch.empty(3 * WIDTH, WIDTH))
        self.self_attn.out_proj = nn.Linear(WIDTH, WIDTH, bias=False)
        self.norm2 = nn.LayerNorm(WIDTH, bias=False)
        self.linear1 = nn.Linear(WIDTH, 4 * WIDTH, bias=False)
        self.linear2 = nn.Linear(4 * WIDTH, WIDTH, bias=False)

    def forward(self, x: Any) -> Any:
        B, T, C = x.size()
        q, k, v = F.linear(self.norm1(x), self.self_attn.in_proj_weight).split(C, dim=2)
        k = k.view(B, T, HEADS, C // HEADS).transpose(1, 2)
        q = q.view(B, T, HEADS, C // HEADS).transpose(1, 2)
        v = v.view(B, T, HEADS, C // HEADS).transpose(1, 2)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.self_attn.out_proj(y.transpose(1, 2).contiguous().view(B, T, C))
        return x + self.linear2(F.gelu(self.linear1(self.norm2(x)), approximate="tanh"))


class NanoGPT(nn.Module):  # type: ignore[misc, name-defined]
    def __init__(self, context: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(SIZE, WIDTH)
        self.positions = nn.Embedding(context, WIDTH)
        self.blocks = nn.ModuleDict(
            {f"block_{i + 1}" if i else "block": Block() for i in range(BLOCKS)}
        )
        self.norm = nn.LayerNorm(WIDTH, bias=False)

    def forward(self, ids: Any) -> Any:
        x = self.embedding(ids) + self.positions(torch.arange(ids.size(1)))
        for block in self.blocks.values():
            x = block(x)
        return F.linear(self.norm(x), self.embedding.weight)  # tied


class Contest:
    """Both models with equal weights, their optimizers, and batches."""

    def __init__(self, context: int, dtype: str, steps: int = 2000) -> None:
        mg.seed(0)
        self.ours = GPT(SIZE, context, WIDTH, HEADS, BLOCKS)
        for parameter in self.ours.named_parameters().values():
            parameter.array = parameter.array.astype(dtype)
        self.theirs = NanoGPT(context).to(getattr(torch, dtype))
        weights = {
            name: torch.tensor(array) for name, array in to_layout(self.ours, "pytorch").items()
        }
        self.theirs.load_state_dict(weights)
        self.adam = make_optimizer(self.ours, RATE)
        parameters = list(self.theirs.parameters())
        self.torch_adam = torch.optim.AdamW(
            [
                {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
                {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": DECAY},
            ],
            lr=RATE, betas=BETAS, eps=EPS,
        )  # fmt: skip
        self.schedule = schedule(steps)
        text = load_shakespeare()
        ids = Characters.build(text).encode(text).astype(np.int64)
        pieces = Pieces(ids[: len(ids) * 9 // 10], BATCH, context)
        self.batches = (batch for _ in iter(int, 1) for batch in pieces)

    def our_step(self, x: Any, y: Any, step: int) -> float:
        self.adam.scale = self.schedule(step)
        with mg.fused():
            loss = mg.softmax_cross_entropy(self.ours(x), y)
        self.adam.zero_grad()
        loss.backward()
        clip_gradients(self.adam.parameters(), 1.0)
        self.adam.step()
        return float(loss.item())

    def their_step(self, x: Any, y: Any, step: int) -> float:
        for group in self.torch_adam.param_groups:
            group["lr"] = RATE * self.schedule(step)
        logits = self.theirs(torch.from_numpy(x))
        loss = F.cross_entropy(logits.view(-1, SIZE), torch.from_numpy(y).view(-1))
        self.torch_adam.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.theirs.parameters(), 1.0)
        self.torch_adam.step()
        return float(loss.item())


def parity(steps: int) -> None:
    """Print the largest difference of the losses."""
    contest, worst = Contest(64, "float64"), 0.0
    for step, (x, y) in enumerate(islice(contest.batches, steps), 1):
        ours, theirs = contest.our_step(x, y, step - 1), contest.their_step(x, y, step - 1)
        worst = max(worst, abs(ours - theirs))
        if step in (1, 10, 50) or step % 100 == 0:
            print(
                f"step {step:5}: {ours:.10f} {theirs:.10f}; largest difference {worst:.1e}",
                flush=True,
            )


def speed(steps: int) -> None:
    """Print median times, and the median ratio of neighbouring steps."""
    for context in (64, 256):
        contest, times = Contest(context, "float32"), []
        for step, (x, y) in enumerate(islice(contest.batches, steps)):
            pair = [timed(one, x, y, step) for one in (contest.our_step, contest.their_step)]
            times.append(pair)
        ours, theirs = np.array(times[3:]).T
        print(
            f"context {context:3}: {np.median(ours) * 1e3:6.1f} ms, PyTorch {np.median(theirs) * 1e3:6.1f} "
            f"ms, ratio {np.median(ours / theirs):.2f}",
            flush=True,
        )
    model, ids = contest.ours, np.zeros((1, 256), int)
    with model.evaluating(), mg.no_grad():
        _, state = model(ids[:, :-1], model.initial_state(1))
        pairs = [(timed(model, ids), timed(model, ids[:, -1:], state)) for _ in range(steps)]
    report("the character after 255", pairs)
    pairs = [(timed(without_state, model, 256), timed(with_state, model, 256)) for _ in range(3)]
    report("256 characters", pairs)


def report(title: str, pairs: list[tuple[float, float]]) -> None:
    without, cached = np.median(pairs, axis=0) * 1e3
    print(
        f"{title}: {cached:.2f} ms with a state, {without:.2f} ms without, {without / cached:.1f} times"
    )


def timed(function: Callable[..., Any], *arguments: Any) -> float:
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def with_state(model: GPT, count: int) -> list[int]:
    return sample(model, [0], count, temperature=0, context=256)


def without_state(model: GPT, count: int) -> list[int]:
    ids = [0]
    with model.evaluating(), mg.no_grad():
        for _ in range(count):
            ids.append(int(model(np.array([ids])).array[0, -1].argmax()))
    return ids[1:]


if __name__ == "__main__":
    torch.set_num_threads(1)
    mode, *count = sys.argv[1:]
    {"parity": parity, "speed": speed}[mode](int(*count or ["40"]))
