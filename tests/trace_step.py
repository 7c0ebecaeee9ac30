"""Count the files and functions that one training step enters: a network of two layers, squared error, SGD.

    python tests/trace_step.py [-v]

A function that is written inside another (a lambda, a comprehension) counts as part of it.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import minigrad as mg  # noqa: E402
from optim import SGD  # noqa: E402

PACKAGES = tuple(str(ROOT / name) for name in ("minigrad", "layers", "optim"))


def entered() -> Counter[tuple[str, str]]:
    """How often each (file, function) is entered in the second of two training steps."""
    rng = np.random.default_rng(0)
    shapes = {"W1": (4, 8), "b1": (8,), "W2": (8, 1), "b2": (1,)}
    W1, b1, W2, b2 = parameters = [mg.Tensor(rng.normal(size=shape), requires_grad=True) for shape in shapes.values()]
    x, y = mg.Tensor(rng.normal(size=(5, 4))), mg.Tensor(rng.normal(size=(5, 1)))
    optimizer = SGD(dict(zip(shapes, parameters, strict=True)), lr=0.1)

    def step() -> None:
        loss = mg.mean_squared_error(mg.tanh(x @ W1 + b1) @ W2 + b2, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    calls: Counter[tuple[str, str]] = Counter()

    def count(frame: FrameType, event: str, argument: object) -> None:
        code: CodeType = frame.f_code
        if event == "call" and code.co_filename.startswith(PACKAGES):
            function = code.co_qualname.partition(".<locals>")[0]
            calls[str(Path(code.co_filename).relative_to(ROOT)), function] += code.co_qualname == function

    step()
    sys.setprofile(count)
    try:
        step()
    finally:
        sys.setprofile(None)
    return calls


def main() -> None:
    calls = entered()
    if "-v" in sys.argv[1:]:
        for (file, function), times in calls.items():
            print(f"{times:4}  {file}  {function}")
    print(f"{len({file for file, _ in calls})} files, {len(calls)} functions, {sum(calls.values())} calls of them")


if __name__ == "__main__":
    main()
