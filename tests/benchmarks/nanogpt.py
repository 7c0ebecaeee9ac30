"""Compare the losses of examples/gpt.py with those of nanoGPT's model in PyTorch, in float64.

    python tests/benchmarks/nanogpt.py [STEPS]

Run it in an environment that has torch and minigrad. Both models begin with the same weights, read
the same batches, and follow nanoGPT's schedule for 2,000 steps. Sections (i) and (j) of run.py
compare the speed. Source of the model and its training: github.com/karpathy/nanoGPT, MIT licence,
Copyright (c) 2022 Andrej Karpathy.
"""

import os
import sys
from itertools import islice
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))

import numpy as np
from contenders import minigrad_, torch_
from workloads import GPT_RULE

import minigrad as mg
from gpt import GPT, Pieces, schedule
from layers import to_layout
from minigrad.data import Characters, load_shakespeare

CONTEXT, BATCH = 64, 12


def main() -> None:
    """Print some losses, and the largest difference so far."""
    text = load_shakespeare()
    characters = Characters.build(text)
    shape = len(characters), CONTEXT, 128, 4, 4
    mg.seed(0)
    weights = to_layout(GPT(*shape), "pytorch")
    weights = {name: array.astype(np.float64) for name, array in weights.items()}
    models = [one.SmallGPT(shape, weights, "", GPT_RULE) for one in (minigrad_, torch_)]
    ids = characters.encode(text).astype(np.int64)
    pieces = Pieces(ids[: len(ids) * 9 // 10], BATCH, CONTEXT)
    batches = (batch for _ in iter(int, 1) for batch in pieces)
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    scale, worst = schedule(2000), 0.0
    for step, (x, y) in enumerate(islice(batches, steps), 1):
        window = np.concatenate([x, y[:, -1:]], axis=1)
        ours, theirs = (
            one.step(window, GPT_RULE["lr"] * scale(step - 1)) for one in models
        )
        worst = max(worst, abs(ours - theirs))
        if step in (1, 10, 50) or step % 100 == 0:
            print(
                f"step {step:5}: {ours:.10f} {theirs:.10f}; largest difference {worst:.1e}",
                flush=True,
            )


if __name__ == "__main__":
    main()
