"""1d: build a recurrent network from individual gates, with all quirks of the original code.

    python examples/reference/scratch_rnn.py      3 seeds, 30 epochs, published figures next to measured ones
    python examples/reference/scratch_rnn.py --rule sgd --epochs 60

The word vectors are random and not trained. The state is s = tanh(W s + U x), without a bias, and V
maps the last state to two logits. The loss is the cross entropy SUMMED over the batch, and its
gradient flows back only through the last four steps. The reviews are not shuffled. The original
code's Adam divides its means by (1 - β) at every step instead of (1 - βᵗ). After a few hundred
steps, its updates are therefore √0.002 / 0.12 = 0.37 times as large as Adam's. Its other rule is
plain SGD with a learning rate of 0.002.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import common  # import this before NumPy, because it sets the number of BLAS threads
import numpy as np

import minigrad as mg
from minigrad.data import Batches, Reviews, load_imdb
from optim import SGD, Adam, Optimizer

TITLE = "1d. The scratch RNN"
PUBLISHED = {
    "train loss, epoch 1": 0.6628, "train accuracy, epoch 1": 0.6151,
    "test loss, epoch 1": 0.6677, "test accuracy, epoch 1": 0.5893,
    "train loss, epoch 10": 0.6028, "train accuracy, epoch 10": 0.6670,
    "test loss, epoch 10": 0.6594, "test accuracy, epoch 10": 0.6123,
    "train loss, epoch 20": 0.5963, "train accuracy, epoch 20": 0.6724,
    "test loss, epoch 20": 0.6683, "test accuracy, epoch 20": 0.6137,
    "train loss, epoch 30": 0.5950, "train accuracy, epoch 30": 0.6737,
    "test loss, epoch 30": 0.6737, "test accuracy, epoch 30": 0.6120,
}  # fmt: skip
KNOWN = {"published": PUBLISHED}
PRINTED = 1, 10, 20, 30, 60
D, H, CLASSES, STEPS_BACK = 128, 64, 2, 4

multiply, add, tanh = mg.MultiplyGate(), mg.AddGate(), mg.Tanh()


class OddAdam(Adam):
    """Adam that applies the first step's bias corrections at every step."""

    def bias_corrections(self, t: int) -> tuple[float, float]:
        return 1 - self.beta1, 1 - self.beta2


def make_rule(name: str, parameters: Mapping[str, mg.Tensor]) -> Optimizer:
    """Return the original code's optimizer with this name, "adam" or "sgd"."""
    if name == "sgd":
        return SGD(parameters, lr=0.002)
    return OddAdam(parameters, lr=0.00095, betas=(0.88, 0.998), eps=1e-8)


class ScratchRNN:
    """A recurrent network with three matrices. Vectors are columns: x (D, B), s (H, B), logits
    (2, B).
    """

    def __init__(self, seed: int, vocabulary: int) -> None:
        rng = np.random.default_rng(seed)
        self.vectors = rng.uniform(-0.05, 0.05, (vocabulary, D)).astype(np.float32)
        self.U = self.matrix(rng, H, D, "U")
        self.W = self.matrix(rng, H, H, "W")
        self.V = self.matrix(rng, CLASSES, H, "V")

    @staticmethod
    def matrix(rng: np.random.Generator, rows: int, columns: int, name: str) -> mg.Tensor:
        limit = np.sqrt(1 / columns)
        return mg.Tensor(
            rng.uniform(-limit, limit, (rows, columns)).astype(np.float32),
            requires_grad=True,
            name=name,
        )

    def __call__(self, ids: np.ndarray) -> mg.Tensor:
        """ids (B, T) -> logits (B, 2)."""
        steps = ids.shape[1]
        s = mg.Tensor(np.zeros((H, len(ids)), np.float32), name="s")
        for t in range(steps):
            with mg.scope(f"t{t:02d}"):
                if t == steps - STEPS_BACK:
                    s = mg.cut(s)
                x = self.vectors[ids[:, t]].T
                a = add(multiply(self.W, s), multiply(self.U, x))
                s = tanh(a)
        return multiply(self.V, s).T


def run(
    seed: int, limit: int | None = None, epochs: int = 30, rule_name: str = "adam"
) -> common.Figures:
    """Train on the first 7,000 reviews. Measure on these and on the first 3,000 test reviews."""
    imdb = load_imdb()
    train, test = imdb.train[: limit or 7000], imdb.test[: limit or 3000]
    model = ScratchRNN(seed, len(imdb.vocabulary))
    parameters = {"U": model.U, "W": model.W, "V": model.V}
    rule = make_rule(rule_name, parameters)
    figures = {}
    batches = Batches(train.ids, train.labels, batch_size=32, shuffle=False)
    for epoch in range(1, epochs + 1):
        for ids, labels in batches:
            loss = mg.softmax_cross_entropy(model(ids), labels, reduction="sum")
            rule.zero_grad()
            loss.backward()
            rule.step()
        if epoch in PRINTED:
            for name, reviews in (("train", train), ("test", test)):
                mean_loss, accuracy = measure(model, reviews)
                figures[f"{name} loss, epoch {epoch}"] = mean_loss
                figures[f"{name} accuracy, epoch {epoch}"] = accuracy
            print(f"  seed {seed}, epoch {epoch:2d}: test accuracy {accuracy:.4f}", flush=True)
    return figures


@mg.no_grad()
def measure(model: ScratchRNN, reviews: Reviews) -> tuple[float, float]:
    """Return (mean loss, accuracy) on the reviews."""
    logits = model(reviews.ids)
    loss = mg.softmax_cross_entropy(logits, reviews.labels).item()
    return loss, float(np.mean(logits.array.argmax(axis=1) == reviews.labels))


def main() -> None:
    """Parse the command line and print the table."""
    options = common.parser(__doc__)
    options.add_argument(
        "--epochs", type=int, default=30, metavar="N", help="passes over the reviews (30)"
    )
    options.add_argument(
        "--rule",
        choices=("adam", "sgd"),
        default="adam",
        help="the original code's optimizer (adam)",
    )
    arguments = options.parse_args()
    run_seed = partial(
        run, limit=arguments.limit, epochs=arguments.epochs, rule_name=arguments.rule
    )
    known = KNOWN if arguments.rule == "adam" else {}  # nothing was published for SGD
    print("\n" + common.compare(TITLE, known, run_seed, arguments.seeds))


if __name__ == "__main__":
    main()
