"""Damaged files: bytes changed, put in, taken out, cut off. A load gives what was stored, or a
MinigradError.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

import minigrad as mg
from layers import Dense, Embedding, Sequential, export_weights, import_weights
from minigrad.data import Batches, Vocabulary
from optim import SGD, Snapshots, Trainer
from optim.training.snapshot import restore

from .fuzzer import Fuzzer, Generator

WORDS = ["film", "naïve", "the", "名前", "x" * 40, "isn't"]
BATCHES = Batches(np.arange(8) % 5, np.arange(8) % 2, batch_size=2)
CHECKSUMS = "checkpoint", "snapshot", "words"
Edit = tuple[int, int, bytes]
"""A place in the file, how many bytes are taken out there, and what is put in."""


@dataclass(frozen=True)
class Damaged:
    """A kind of file, and what is done to it."""

    kind: str
    edits: tuple[Edit, ...]


class Damage(Fuzzer):
    """All kinds of files that minigrad reads and a user may have."""

    name = "damage"
    share = 0.5

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name, "file")

    def close(self) -> None:
        self.folder.cleanup()

    def case(self, rng: Generator) -> Damaged:
        kind = str(rng.choice(list(self.files)))
        edits = []
        for _ in range(int(rng.choice([1, 1, 1, 2, 5]))):
            place = int(rng.integers(min(len(self.files[kind]), rng.choice([400, 10**6]))))
            removed, added = (int(length) for length in rng.choice([0, 1, 1, 8, 100, 10**6], 2))
            filling = rng.choice([b"\0", b"\n", b"9", b'"', rng.bytes(1)])
            edits.append((place, removed, bytes(filling) * min(added, 100)))
        return Damaged(kind, tuple(edits))

    def fault(self, case: Damaged) -> str:
        content = self.files[case.kind]
        for place, removed, added in case.edits:
            content = content[:place] + added + content[place + removed :]
        try:
            found = self.load(case.kind, content)
        except mg.MinigradError as error:
            return "" if error.code and error.cause and error.remedy else f"bare: {error!r}"
        expected = self.load(case.kind, self.files[case.kind])
        # now one without checksum
        is_list = case.kind == "words" and not content.startswith(self.files["words"][:8])
        if case.kind in CHECKSUMS and not is_list:
            return "" if same(found, expected) else f"other content: {found!r}"
        return "" if type(found) is type(expected) else f"form: {found!r}"

    def smaller(self, case: Damaged) -> Iterator[Damaged]:
        for number, (place, removed, added) in enumerate(case.edits):
            before, after = case.edits[:number], case.edits[number + 1 :]
            if before or after:
                yield replace(case, edits=before + after)
            for shorter in (
                (place, removed // 2, added),
                (place, removed, added[: len(added) // 2]),
            ):
                if shorter != (place, removed, added):
                    yield replace(case, edits=(*before, shorter, *after))

    def as_test(self, case: Damaged) -> str:
        return (
            "from tests.fuzz.damage import Damage, Damaged\n\n\ndef test_a_damaged_file():\n"
            f"    assert Damage().fault({case!r}) == ''\n"
        )

    @cached_property
    def files(self) -> dict[str, bytes]:
        """Each kind of file as it should be."""
        folder = Path(self.folder.name, "run")
        trainer([Snapshots(folder, every_steps=1)]).fit(BATCHES, 1)
        newest = Snapshots.latest(folder)
        assert newest is not None
        files = {"snapshot": newest.read_bytes()}
        arrays = {
            "W": np.ones((3, 4), "f4"),
            "steps": np.array(7),
            "empty": np.zeros((0, 2)),
            "größe": np.ones(5) < 0,
        }
        mg.save(self.path, arrays, {"epoch": 3, "history": [{"loss": 0.1}], "name": "naïve"})
        files["checkpoint"] = self.path.read_bytes()
        export_weights(model(), self.path, "pytorch")
        files["weights"] = self.path.read_bytes()
        Vocabulary(WORDS).save(self.path)
        files["words"] = self.path.read_bytes()
        files["list"] = "".join(word + "\n" for word in WORDS).encode()
        return files

    def load(self, kind: str, content: bytes) -> Any:
        """What a file holds. AssertionError if a file that is refused has changed the model."""
        self.path.write_bytes(content)
        if kind == "checkpoint":
            found = mg.load(self.path)
            return dict(found), found.info
        if kind in ("words", "list"):
            return Vocabulary.load(self.path).words
        resuming: Any = trainer([])
        before = weights(resuming.model)
        try:
            if kind == "snapshot":
                restore(resuming, self.path)
            else:
                import_weights(resuming.model, self.path, "pytorch")
        except mg.MinigradError:
            if not same(weights(resuming.model), before):
                raise AssertionError("a file that was refused has changed the model") from None
            raise
        return (
            weights(resuming.model),
            resuming.optimizer.state_dict(),
            resuming.epoch,
            resuming.history.rows,
        )


def model() -> Sequential:
    mg.seed(1)
    return Sequential(Embedding(5, 2), Dense(2, 2))


def trainer(callbacks: list[Any]) -> Trainer:
    trained = model()
    rule = SGD(trained.named_parameters(), lr=0.5, momentum=0.9)
    return Trainer(trained, mg.softmax_cross_entropy, rule, callbacks=callbacks, seed=1)


def same(found: Any, expected: Any) -> bool:
    """Whether two structures of arrays and plain values are equal, dtypes included."""
    if isinstance(expected, np.ndarray):
        forms = (found.dtype, found.shape), (expected.dtype, expected.shape)
        return forms[0] == forms[1] and bool(found.tobytes() == expected.tobytes())
    if isinstance(expected, dict):
        return found.keys() == expected.keys() and all(
            same(found[key], expected[key]) for key in expected
        )
    if isinstance(expected, (list, tuple)):
        return len(found) == len(expected) and all(map(same, found, expected))
    return type(found) is type(expected) and bool(found == expected)


def weights(model: Any) -> dict[str, Any]:
    return {name: tensor.array.copy() for name, tensor in model.named_parameters().items()}


@contextlib.contextmanager
def replaced(module: Any, name: str, value: Any) -> Iterator[None]:
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)
