"""Damaged files: bytes changed, put in, taken out, cut off. A load gives what was stored, or a
MinigradError.
"""

from __future__ import annotations

import functools
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import minigrad as mg
from layers import export_weights, import_weights
from minigrad.data import Vocabulary
from optim import Snapshots

from .fuzzer import Fuzzer, Generator
from .training import Settings, Training, exact

WORDS = ["film", "naïve", "the", "名前", "x" * 40, "isn't"]
SETTINGS = Settings(model="words", rule="momentum", trainer_seed=1)
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

    def case(self, rng: Generator) -> Damaged:
        kind = str(rng.choice(list(files())))
        edits = []
        for _ in range(rng.choice([1, 1, 1, 2, 5])):
            place = int(rng.integers(min(len(files()[kind]), rng.choice([400, 10**6]))))
            removed, added = rng.choice([0, 1, 1, 8, 100, 10**6], 2).tolist()
            filling = bytes(rng.choice([b"\0", b"\n", b"9", b'"', rng.bytes(1)]))
            edits.append((place, removed, filling * min(added, 100)))
        return Damaged(kind, tuple(edits))

    def fault(self, case: Damaged) -> str:
        whole = files()[case.kind]
        content = whole
        for place, removed, added in case.edits:
            content = content[:place] + added + content[place + removed :]
        try:
            found = load(case.kind, content)
        except mg.MinigradError as error:
            return (
                ""
                if error.code and error.cause and error.remedy
                else f"bare: {error!r}"
            )
        expected = load(case.kind, whole)
        # a list of words without its first bytes is one without a checksum
        if case.kind in CHECKSUMS and (
            case.kind != "words" or content[:8] == whole[:8]
        ):
            return (
                "" if exact(found) == exact(expected) else f"other content: {found!r}"
            )
        return "" if type(found) is type(expected) else f"form: {found!r}"


@functools.cache
def files() -> dict[str, bytes]:
    """Each kind of file as it should be."""
    run = Training(SETTINGS)
    arrays = {
        "W": np.ones((3, 4), "f4"),
        "steps": np.array(7),
        "empty": np.zeros((0, 2)),
        "größe": np.ones(5) < 0,
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run.run(Snapshots(folder, every_epochs=1))
        (folder / "snapshot").write_bytes(next(folder.iterdir()).read_bytes())
        info = {"epoch": 3, "history": [{"loss": 0.1}], "name": "naïve"}
        mg.save(folder / "checkpoint", arrays, info)
        export_weights(run.model, folder / "weights", "pytorch")
        Vocabulary(WORDS).save(folder / "words")
        (folder / "list").write_text("".join(f"{word}\n" for word in WORDS), "utf-8")
        kinds = "snapshot", "checkpoint", "weights", "words", "list"
        return {kind: (folder / kind).read_bytes() for kind in kinds}


def load(kind: str, content: bytes) -> Any:
    """What a file holds. AssertionError if a file that is refused has changed the model."""
    run = Training(SETTINGS)
    before = run.model.state_dict()
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "file")
        path.write_bytes(content)
        try:
            match kind:
                case "checkpoint":
                    checkpoint = mg.load(path)
                    return dict(checkpoint), checkpoint.info
                case "words" | "list":
                    return Vocabulary.load(path).words
                case "snapshot":
                    return run.run(resume=path)
            import_weights(run.model, path, "pytorch")
        except mg.MinigradError:
            unchanged = exact(run.model.state_dict()) == exact(before)
            assert unchanged, "a file that was refused has changed the model"
            raise
    return run.model.state_dict()
