"""What minigrad asks of itself, as ratios within one run. Knows the rows, and no way to measure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from report import LABELS, Part, ratio
from roster import NOT_PEERS
from turns import Result

Target = tuple[str, float, float]  # what is asked, at most how much, what came out


def targets(parts: Sequence[Part]) -> list[Target]:
    """Every target that this run can speak of."""
    return [target for part in parts for target in FROM[part.workload.LETTER](Results(part.results))]


class Results(dict[tuple[str, str], Result]):
    """Results that came out, by (contender, case)."""

    def __init__(self, results: Sequence[Result]) -> None:
        super().__init__({(result.contender, result.case): result for result in results if result.rounds})

    def compare(
        self, text: str, limit: float, one: str, other: str, case: str, other_case: str = ""
    ) -> Iterator[Target]:
        """The ratio of one contender to another, or of one case to another, where both are there."""
        first, second = self.get((one, case)), self.get((other, other_case or case))
        if first is not None and second is not None:
            yield text, limit, ratio(first, second)

    def fastest_peer(self, case: str) -> str:
        """The peer with the least time; "" where there is none."""
        peers = {
            name: median(round[result.clock] for round in result.rounds)
            for (name, of_case), result in self.items()
            if of_case == case and name not in NOT_PEERS
        }
        return min(peers, key=peers.__getitem__) if peers else ""


def of_unrolled(results: Results) -> Iterator[Target]:
    yield from results.compare("(a) minigrad to NumPy by hand", 1.5, "minigrad", "numpy", "")
    yield from results.compare("(a) minigrad to PyTorch", 0.72, "minigrad", "torch", "")


def of_training(results: Results) -> Iterator[Target]:
    for case, limit in (("rnn", 0.7), ("gru", 0.8), ("lstm", 0.75)):
        peer = results.fastest_peer(case)
        text = f"(b) {case.upper()}, fused, to the fastest peer ({LABELS.get(peer)})"
        yield from results.compare(text, limit, "minigrad-fused", peer, case)
    for case in ("rnn", "gru", "lstm"):
        text = f"(b) {case.upper()}, gate by gate, to Keras on TensorFlow"
        yield from results.compare(text, 1, "minigrad", "keras-tf", case)


def of_inference(results: Results) -> Iterator[Target]:
    for case in ("rnn", "gru", "lstm"):
        peer = results.fastest_peer(case)
        text = f"(c) {case.upper()}, fused, to the fastest peer ({LABELS.get(peer)})"
        yield from results.compare(text, 1, "minigrad-fused", peer, case)


def of_growth(results: Results) -> Iterator[Target]:
    """Time per gate from one size to the next, ten times larger: no cliff."""
    for small, large in ((1_000, 10_000), (10_000, 100_000), (100_000, 1_000_000)):
        text = f"(d) {large:,} gates to {small:,}"
        yield from results.compare(text, 13, "minigrad", "minigrad", f"gates={large}", f"gates={small}")


def of_start(results: Results) -> Iterator[Target]:
    yield from results.compare("(e) import minigrad to import numpy", 1.3, "minigrad", "numpy", "import")


def of_adam(results: Results) -> Iterator[Target]:
    yield from results.compare("(f) minigrad to dense NumPy, 10,000 rows", 0.35, "minigrad", "numpy", "10,000 rows")
    text = "(f) minigrad, 200,000 rows to 10,000"
    yield from results.compare(text, 2, "minigrad", "minigrad", "200,000 rows", "10,000 rows")


def of_trainer(results: Results) -> Iterator[Target]:
    yield from results.compare("(g) a Trainer to a bare loop", 1.03, "trainer", "bare-loop", "rnn")


def of_language(results: Results) -> Iterator[Target]:
    for case, limit in (("char", 0.95), ("word", 1.0), ("char, two threads", 1.1)):
        peer = results.fastest_peer(case)
        text = f"(h) {case}, fused, to {LABELS.get(peer)}"
        yield from results.compare(text, limit, "minigrad-fused", peer, case)


FROM = {
    "a": of_unrolled, "b": of_training, "c": of_inference, "d": of_growth, "e": of_start, "f": of_adam, "g": of_trainer,
    "h": of_language,
}  # fmt: skip
