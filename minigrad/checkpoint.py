"""Save and load named arrays as files in the safetensors format.

The format is a JSON header followed by the arrays' bytes. Any tool that reads safetensors can read the weights, and
because there is no pickle in it, a malicious file cannot run code. The header holds a checksum of the whole file, so a
damaged file raises an error instead of loading as a different model. Files are written whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from .arrays import Array
from .errors import CheckpointError, DtypeError
from .files import write_whole
from .tensor import Tensor

_KEY = "minigrad"  # our entry in the header's metadata; only one, because the format leaves the order of entries open
_BLANK = "0" * 64  # stands where the checksum will be, while it is computed
_DTYPES = {
    "BOOL": "bool",
    **{f"F{bits}": f"float{bits}" for bits in (16, 32, 64)},
    **{f"I{bits}": f"int{bits}" for bits in (8, 16, 32, 64)},
    **{f"U{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)},
}  # the format's names, and NumPy's


class Checkpoint(dict[str, Array]):
    """What `load` returns: a dict of arrays by name, with the info that was saved as `.info`."""

    def __init__(self, arrays: Mapping[str, Array], info: dict[str, Any]) -> None:
        super().__init__(arrays)
        self.info = info


def save(path: str | os.PathLike[str], arrays: Mapping[str, Any], info: Mapping[str, Any] | None = None) -> None:
    """Write named arrays, and `info` (anything that JSON can hold), to one file, whole or not at all.

    The same arrays and info always give the same bytes. A Tensor is saved as its array.

    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/model.safetensors"
    >>> save(path, {"dense.W": np.ones((2, 3), "float32")}, {"hidden": 3})
    >>> checkpoint = load(path)
    >>> checkpoint["dense.W"].shape, checkpoint.info
    ((2, 3), {'hidden': 3})

    Errors: CheckpointError MG506 if the file cannot be written (no space, no permission, no folder), and the old file
    stays; DtypeError MG507 for arrays or info that cannot be stored.
    Source: the format, https://github.com/huggingface/safetensors.
    """
    from safetensors.numpy import save as serialize

    path = Path(path)
    ready = {name: _storable(name, array) for name, array in arrays.items()}
    try:
        text = json.dumps({"sha256": _BLANK, "info": dict(info or {})})
    except (TypeError, ValueError, RecursionError) as error:
        raise DtypeError(
            "MG507",
            f"the info for {path.name} cannot be stored: {error}",
            cause="it is kept as JSON: dicts with text keys, lists, text, numbers, booleans, None",
            remedy="turn other values into these, and pass arrays among the arrays",
        ) from None
    content = serialize(ready, metadata={_KEY: text})
    # Only the header is copied to put the digest in, not the arrays.
    split = 8 + int.from_bytes(content[:8], "little")
    header = content[:split].replace(_BLANK.encode(), hashlib.sha256(content).hexdigest().encode(), 1)
    replace_file(path, lambda file: file.writelines([header, memoryview(content)[split:]]))


def load(path: str | os.PathLike[str]) -> Checkpoint:
    """Read what `save` wrote: {name: array}, with the info as `.info`. The arrays are writable copies.

    Errors: CheckpointError MG501 (no file there, or it cannot be read), MG502 (not safetensors, or cut short), MG503
    (no checksum: another program wrote it), MG504 (the checksum does not fit: damaged since it was written).
    """
    from safetensors import SafetensorError, deserialize

    path = Path(path)
    try:
        if not path.is_file():  # a device or a pipe might never end
            raise FileNotFoundError("it is a folder or a device" if path.exists() else "there is no such file")
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(
            "MG501",
            f"cannot read {path}",
            cause=error.strerror or str(error),
            remedy="check the path and its permissions",
        ) from error
    try:
        parts: Any = deserialize(content)  # type: ignore[no-untyped-call]  # checks that the header is whole, and covers the file exactly
        split = 8 + int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8:split]).get("__metadata__") or {}
        arrays = {name: _array(part) for name, part in sorted(parts, key=lambda part: part[0])}
    except (SafetensorError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise CheckpointError(
            "MG502",
            f"{path} ({len(content):,} bytes) is not a checkpoint: {error}",
            cause="it was cut short or damaged, or is a file of another kind",
            remedy="go back to an earlier snapshot, or copy the file again from where it came",
        ) from None
    if _KEY not in metadata:
        raise CheckpointError(
            "MG503",
            f"{path} has no checksum, so that nobody can tell whether it is whole",
            cause="minigrad did not write it, or its header is damaged",
            remedy="safetensors.numpy.load_file reads it unchecked; mg.save what it gives",
        )
    try:
        ours = json.loads(metadata[_KEY])
        digest, info = ours["sha256"], ours["info"]
        blank = content[:split].replace(digest.encode(), _BLANK.encode(), 1)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        digest, info, blank = "", {}, b""
    actual = hashlib.sha256(blank)
    actual.update(memoryview(content)[split:])
    if len(digest) != len(_BLANK) or digest != actual.hexdigest() or not isinstance(info, dict):
        raise CheckpointError(
            "MG504",
            f"{path} is damaged: its content does not fit its checksum",
            cause="bytes changed after it was written, on a disk or on the way",
            remedy="go back to an earlier snapshot, or copy the file again from where it came",
        )
    return Checkpoint(arrays, info)


def check_match(found: Mapping[str, Array], expected: Mapping[str, Array], what: str) -> None:
    """Compare names, shapes and dtypes of `found` with `expected`; a CheckpointError MG505 lists all differences."""
    problems = [f"missing: {name} {a.shape} {a.dtype}" for name, a in expected.items() if name not in found]
    problems += [f"unknown: {name} {np.shape(a)}" for name, a in found.items() if name not in expected]
    for name, here in expected.items():
        if name in found:
            there = np.asarray(found[name])
            if there.shape != here.shape:
                problems.append(f"another shape: {name} is {there.shape}, and {here.shape} is needed")
            elif there.dtype != here.dtype:
                problems.append(f"another dtype: {name} is {there.dtype}, and {here.dtype} is needed")
    if problems:
        raise CheckpointError(
            "MG505",
            f"the arrays do not fit {what}, in {len(problems)} places:\n    " + "\n    ".join(problems),
            cause="they were saved from another architecture, or under other names",
            remedy="build the model with the configuration that it was saved with (load(path).info may hold it)",
        )


def replace_file(path: str | os.PathLike[str], write: Callable[[IO[bytes]], object]) -> None:
    """`write_whole`, with a CheckpointError MG506 if the file cannot be written."""
    try:
        write_whole(path, write)
    except OSError as error:
        raise CheckpointError(
            "MG506",
            f"cannot write {path}",
            cause=error.strerror or str(error),
            remedy="free some space, or choose a folder that exists and can be written to; "
            + ("the old file is unchanged" if os.path.exists(path) else "nothing was left there"),
        ) from error


def _storable(name: str, value: Any) -> Array:
    array: Array = np.asarray(value.array if isinstance(value, Tensor) else value, order="C")
    if array.dtype.name not in _DTYPES.values():
        raise DtypeError(
            "MG507",
            f"array {name!r} of dtype {array.dtype} cannot be stored",
            cause="the format holds booleans, integers and floats of up to 64 bits",
            remedy="convert it, or put it in the info if it is text",
        )
    return array


def _array(part: Any) -> Array:
    if part["dtype"] not in _DTYPES:
        raise TypeError(f"NumPy has no dtype {part['dtype']}")
    return np.frombuffer(part["data"], np.dtype(_DTYPES[part["dtype"]])).reshape(part["shape"])
