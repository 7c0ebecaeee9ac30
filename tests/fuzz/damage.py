"""Damaged files: bits flipped, bytes put in, taken out, cut off. A load gives what was stored, or a MinigradError.

And files that are whole: arrays of all dtypes and layouts, saved and loaded again.
"""

from __future__ import annotations

import contextlib
import io
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

import minigrad as mg
from layers import Dense, Embedding, Sequential, export_weights, import_weights
from minigrad.data import Batches, Vocabulary, imdb, prepare
from optim import SGD, Snapshots, Trainer
from optim.training.snapshot import restore

from .fuzzer import Fuzzer, Generator
from .layouts import laid_out

WORDS = ["film", "naïve", "the", "名前", "x" * 40, "isn't"]
Edit = tuple[str, int, bytes]
"""("flip", place, mask), ("insert", place, bytes), ("delete", place, as many bytes) or ("cut", place, b"")."""


@dataclass(frozen=True)
class Damaged:
    """A kind of file, and what is done to it."""

    kind: str
    edits: tuple[Edit, ...] = ()
    seed: int = 0  # of the arrays in a file that is whole


class Damage(Fuzzer):
    """All kinds of files that minigrad reads."""

    name = "damage"
    share = 0.5

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name, "file")
        self.loads: dict[str, Callable[[], Any]] = {
            "checkpoint": self.checkpoint, "snapshot": self.snapshot, "weights": self.weights, "words": self.words,
            "list": self.words, "archive": self.archive, "bundle": self.bundle,
        }  # fmt: skip

    def close(self) -> None:
        self.folder.cleanup()

    def case(self, rng: Generator) -> Damaged:
        if rng.random() < 0.1:
            return Damaged("whole", seed=int(rng.integers(10**6)))
        kind = str(rng.choice(list(self.loads)))
        size = len(self.files[kind])
        edits = []
        for _ in range(int(rng.choice([1, 1, 1, 2, 5]))):
            place = int(rng.integers(0, size if rng.random() < 0.6 else min(size, 400)))
            what = str(rng.choice(["flip", "flip", "insert", "delete", "cut"]))
            length = int(rng.choice([1, 2, 8, 100]))
            given = {"flip": bytes([1 << int(rng.integers(8))]), "cut": b"", "delete": bytes(length)}
            some = rng.choice([b"\0" * length, b"\n" * length, rng.bytes(length), b"9" * length, b'"' * length])
            edits.append((what, place, given.get(what, bytes(some))))
        return Damaged(kind, tuple(edits))

    def fault(self, case: Damaged) -> str:
        if case.kind == "whole":
            return whole(self.path, case.seed)
        content = damaged(self.files[case.kind], case.edits)
        self.path.write_bytes(content)
        load = self.loads[case.kind]
        try:
            found = load()
        except mg.MinigradError as error:
            return "" if error.code and error.cause and error.remedy else f"bare: {error!r}"
        expected = self.contents[case.kind]
        plain = case.kind == "words" and not content.startswith(self.files["words"][:8])  # it is a list of words now
        if plain or case.kind in ("weights", "list"):  # these have no checksum: any numbers and words may be in them
            return "" if type(found) is type(expected) else f"form: {found!r}"
        return "" if same(found, expected) else f"other content: {found!r}"

    def smaller(self, case: Damaged) -> Iterator[Damaged]:
        for place, edit in enumerate(case.edits):
            if len(case.edits) > 1:
                yield replace(case, edits=case.edits[:place] + case.edits[place + 1 :])
            for length in {len(edit[2]) // 2, len(edit[2]) - 1} - {0, -1, len(edit[2])}:
                shorter = (edit[0], edit[1], edit[2][:length])
                yield replace(case, edits=(*case.edits[:place], shorter, *case.edits[place + 1 :]))

    def as_test(self, case: Damaged) -> str:
        return (
            "from tests.fuzz.damage import Damage, Damaged\n\n\ndef test_a_damaged_file():\n"
            f"    assert Damage().fault({case!r}) == ''\n"
        )

    # ---- the files as they should be, and what is in them ----

    @cached_property
    def files(self) -> dict[str, bytes]:
        rng = np.random.default_rng(0)
        files = {}
        arrays = {"rnn.cell.W": rng.normal(size=(3, 4)).astype("f4"), "steps": np.array(7), "empty": np.zeros((0, 2)),
                  "größe": rng.random(5) < 0.5}  # fmt: skip
        mg.save(self.path, arrays, {"epoch": 3, "history": [{"loss": 0.1}], "name": "naïve"})
        files["checkpoint"] = self.path.read_bytes()
        folder = Path(self.folder.name, "run")
        self.trainer([Snapshots(folder, every_steps=1)]).fit(self.batches, 1)
        newest = Snapshots.latest(folder)
        assert newest is not None
        files["snapshot"] = newest.read_bytes()
        export_weights(self.model(), self.path, "pytorch")
        files["weights"] = self.path.read_bytes()
        Vocabulary(WORDS).save(self.path)
        files["words"] = self.path.read_bytes()
        files["list"] = "".join(word + "\n" for word in WORDS).encode()
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            for number, label in enumerate(["neg", "pos", "neg"]):
                review = f"A film, number {number}. Isn't it {label}? ".encode() * (1 + 20 * number)
                member = tarfile.TarInfo(f"aclImdb/train/{label}/{number}_7.txt")
                member.size = len(review)
                archive.addfile(member, io.BytesIO(review))
        files["archive"] = packed.getvalue()
        ids: dict[str, Any] = {f"{split}_ids": rng.integers(0, 9, (4, 6)).astype("u2") for split in ("train", "test")}
        labels: dict[str, Any] = {f"{split}_labels": np.array([0, 1, 1, 0], "u1") for split in ("train", "test")}
        np.savez_compressed(
            packed := io.BytesIO(), words=np.frombuffer("\n".join(WORDS).encode(), "u1"), **ids, **labels
        )
        files["bundle"] = packed.getvalue()
        return files

    @cached_property
    def contents(self) -> dict[str, Any]:
        contents = {}
        for kind, load in self.loads.items():
            self.path.write_bytes(self.files[kind])
            contents[kind] = load()
        return contents

    def model(self) -> Sequential:
        mg.seed(1)
        return Sequential(Embedding(5, 2), Dense(2, 2))

    @cached_property
    def batches(self) -> Batches:
        return Batches(np.arange(8) % 5, np.arange(8) % 2, batch_size=2)

    def trainer(self, callbacks: list[Any]) -> Trainer:
        model = self.model()
        rule = SGD(model.named_parameters(), lr=0.5, momentum=0.9)
        return Trainer(model, mg.softmax_cross_entropy, rule, callbacks=callbacks, seed=1)

    # ---- loading them ----

    def checkpoint(self) -> Any:
        found = mg.load(self.path)
        return dict(found), found.info

    @cached_property
    def resuming(self) -> Trainer:
        trainer = self.trainer([])
        trainer.fit(self.batches, 1)
        return trainer

    def snapshot(self) -> Any:
        trainer = self.resuming
        before = weights(trainer.model)
        try:
            restore(trainer, self.path)
        except mg.MinigradError:
            if not same(weights(trainer.model), before):
                raise AssertionError("a snapshot that was refused has changed the model") from None
            raise
        return weights(trainer.model), trainer.optimizer.state_dict(), trainer.epoch, trainer.step, trainer.history.rows

    def weights(self) -> Any:
        model = self.model()
        before = weights(model)
        try:
            import_weights(model, self.path, "pytorch")
        except mg.MinigradError:
            if not same(weights(model), before):
                raise AssertionError("weights that were refused have changed the model") from None
            raise
        return weights(model)

    def words(self) -> list[str]:
        return Vocabulary.load(self.path).words

    def archive(self) -> Any:
        return [(name, file.read()) for name, file in prepare._reviews(self.path, "train")]

    def bundle(self) -> Any:
        with replaced(imdb, "BUNDLE", self.path):
            data = imdb._bundled(40, 10_000)
        return data.vocabulary.words, data.train.ids, data.train.labels, data.test.ids, data.test.labels


def whole(path: Path, seed: int) -> str:
    """Whether arrays, weights and words come back as they were saved."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for number in range(int(rng.integers(0, 5))):
        array = rng.normal(size=rng.integers(0, 4, int(rng.integers(0, 4)))) * 10
        dtype = str(rng.choice(["f2", "f4", "f8", "i1", "i4", "i8", "u1", "u2", "?"]))
        arrays[f"naïve {number}"] = laid_out(np.abs(array).astype(dtype), rng)
    info = {"list": [1, None, 0.1, "名前"], "seed": seed, "deep": {"true": True, "none": {}}}
    mg.save(path, arrays, info)
    found = mg.load(path)
    plain = {name: np.ascontiguousarray(array).reshape(array.shape) for name, array in arrays.items()}
    if not (same(dict(found), plain) and same(dict(found.info), info)):
        return f"loaded: {dict(found)}, {found.info}\n    saved: {arrays}"
    model, other = Sequential(Embedding(5, 2), Dense(2, 2)), Sequential(Embedding(5, 2), Dense(2, 2))
    for tensor in model.named_parameters().values():
        tensor.array = laid_out(rng.normal(size=tensor.shape).astype("f4"), rng)
    for layout in ("pytorch", "keras"):
        export_weights(model, path, layout)
        import_weights(other, path, layout)
        if not same(weights(other), {name: np.ascontiguousarray(a) for name, a in weights(model).items()}):
            return f"weights: in the layout of {layout} {weights(other)}\n    saved: {weights(model)}"
    words = [word for word in WORDS if rng.random() < 0.7] or WORDS
    Vocabulary(words).save(path)
    return "" if Vocabulary.load(path).words == Vocabulary(words).words else f"words: {words}"


def damaged(content: bytes, edits: tuple[Edit, ...]) -> bytes:
    for what, place, given in edits:
        if what == "cut":
            content = content[:place]
        elif what == "insert":
            content = content[:place] + given + content[place:]
        elif what == "delete":
            content = content[:place] + content[place + len(given) :]
        elif place < len(content):
            content = content[:place] + bytes([content[place] ^ given[0]]) + content[place + 1 :]
    return content


def same(found: Any, expected: Any) -> bool:
    """Whether two structures of arrays and plain values are equal, dtypes included."""
    if isinstance(expected, np.ndarray):
        forms = (found.dtype, found.shape), (expected.dtype, expected.shape)
        return forms[0] == forms[1] and bool(found.tobytes() == expected.tobytes())
    if isinstance(expected, dict):
        return found.keys() == expected.keys() and all(same(found[key], expected[key]) for key in expected)
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
