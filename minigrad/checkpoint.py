"""Save and load named arrays as files in the safetensors format.

A file consists of a JSON header and the bytes of the arrays. Any tool that reads safetensors can
read the weights. The format does not use pickle, so a malicious file cannot run code. The header
contains a checksum of the whole file, so loading a damaged file raises an error. Files are written
atomically.

>>> import tempfile
>>> path = tempfile.mkdtemp() + "/model.safetensors"
>>> save(path, {"dense.W": np.ones((2, 3), "float32")}, {"hidden": 3})
>>> checkpoint = load(path)
>>> checkpoint["dense.W"].shape, checkpoint.info
((2, 3), {'hidden': 3})
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import IO, Any

import numpy as np

from .errors import CheckpointError, DtypeError, pip_install, reason, shown
from .graph import Array
from .support.files import AnyPath, open_file, write_whole
from .support.text import to_json
from .tensor import Tensor

# All of minigrad's metadata is under one key, because the order of several keys is undefined.
_KEY = "minigrad"
_BLANK = "0" * 64  # a placeholder while the checksum is computed
_DTYPES = {
    "BOOL": "bool",
    **{f"F{bits}": f"float{bits}" for bits in (16, 32, 64)},
    **{f"I{bits}": f"int{bits}" for bits in (8, 16, 32, 64)},
    **{f"U{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)},
}  # maps the format's dtype names to NumPy's


class Checkpoint(dict[str, Array]):
    """A dict of the arrays in a file. `.info` is the `info` that was saved with the arrays."""

    def __init__(self, arrays: Mapping[str, Array], info: dict[str, Any]) -> None:
        super().__init__(arrays)
        self.info = info


def save(path: AnyPath, arrays: Mapping[str, Any], info: Mapping[str, Any] | None = None) -> None:
    """Write named arrays and `info`, a dict of JSON values, to one file.

    The file is written atomically. The same arrays and info always produce the same bytes. A Tensor
    is saved as its array.

    Errors: CheckpointError MG506 if the file cannot be written (no space, no permission, or no such
    folder), in which case an existing file is left unchanged; CheckpointError MG509 if the package
    safetensors is not installed; DtypeError MG507 for arrays or info that cannot be stored.
    Source: https://github.com/huggingface/safetensors, which defines the format.

    Since: 0.1.
    """
    text = to_json({"sha256": _BLANK, "info": as_stored(info, f"the info for {shown(path)}")})
    content = serialized(arrays, {_KEY: text})
    # To insert the checksum, copy only the header, not the arrays.
    split = 8 + int.from_bytes(content[:8], "little")
    header = content[:split].replace(
        _BLANK.encode(), hashlib.sha256(content).hexdigest().encode(), 1
    )
    replace_file(path, lambda file: file.writelines([header, memoryview(content)[split:]]))


def as_stored(info: Mapping[str, Any] | None, what: str) -> dict[str, Any]:
    """Return `info` in the form that it has after `save` and `load`.

    Tuples become lists, and NumPy numbers become Python numbers. Errors: DtypeError MG507.
    """
    try:
        return dict(json.loads(to_json(dict(info or {}))))
    except (TypeError, ValueError, RecursionError) as error:
        raise DtypeError(
            "MG507",
            f"{what} cannot be stored: {error}",
            cause="it is stored as JSON, which supports dicts with string keys, lists, strings, "
            "numbers, booleans and None",
            remedy="convert other values to these types, and pass NumPy arrays in `arrays`",
        ) from None


def load(path: AnyPath) -> Checkpoint:
    """Read a file that `save` wrote, and return {name: array} with the info as `.info`.

    The arrays are writable.

    Errors: CheckpointError MG501 if the file does not exist or cannot be read; MG502 if it is
    truncated or not in the safetensors format; MG503 if it has no checksum, because another program
    wrote it; MG504 if it was damaged and does not match its checksum.

    Since: 0.1.
    """
    try:
        arrays, metadata, header, body = read_safetensors(path)
    except (OSError, MemoryError) as error:
        raise CheckpointError(
            "MG501",
            f"cannot read {shown(path)}",
            cause=reason(error),
            remedy="check the path and its permissions",
        ) from error
    except ValueError as error:
        raise CheckpointError(
            "MG502",
            f"{shown(path)} is not a checkpoint: {error}",
            cause="the file is truncated or damaged, or it is not a checkpoint",
            remedy="use an earlier snapshot, or copy the file again from its source",
        ) from None
    if _KEY not in metadata:
        raise CheckpointError(
            "MG503",
            f"{shown(path)} has no checksum, so it cannot be verified",
            cause="minigrad did not write it, or its header is damaged",
            remedy="load it with safetensors.numpy.load_file, which does not verify it, then save "
            "the arrays with mg.save",
        )
    try:
        stored = json.loads(metadata[_KEY])
        digest, info = stored["sha256"], stored["info"]
        actual = hashlib.sha256(header.replace(digest.encode(), _BLANK.encode(), 1))
        actual.update(body.data)
        whole = digest == actual.hexdigest()
    except Exception:  # metadata from another program can contain anything
        whole = False
    if not whole:
        raise CheckpointError(
            "MG504",
            f"{shown(path)} is damaged: its content does not match its checksum",
            cause="its bytes changed on disk or in transit after it was written",
            remedy="use an earlier snapshot, or copy the file again from its source",
        )
    return Checkpoint(dict(sorted(arrays.items())), info)


def serialized(arrays: Mapping[str, Any], metadata: dict[str, str] | None = None) -> bytes:
    """Return the content of a safetensors file with these arrays. Errors: as for `save`."""
    try:
        from safetensors.numpy import save as serialize
    except ImportError as error:
        raise CheckpointError(
            "MG509",
            f"saving arrays requires safetensors, which cannot be imported: {error}",
            cause="a dependency of minigrad is missing, or Python runs in WebAssembly, where "
            "safetensors is not available",
            remedy=f"install it with `{pip_install('safetensors')}`; without it, you can "
            "load with mg.load, and save model.state_dict() with np.savez",
        ) from None
    if not isinstance(arrays, Mapping):
        raise DtypeError(
            "MG507",
            f"a value of type {type(arrays).__name__} cannot be stored",
            cause="a checkpoint file stores arrays by name",
            remedy="pass the path first, then a dict {name: array}: mg.save(path, model.state_dict())",
        )
    return serialize({name: _storable(name, array) for name, array in arrays.items()}, metadata)


def read_safetensors(
    path: AnyPath,
) -> tuple[dict[str, Array], dict[str, str], bytes, Array]:
    """Return a file's arrays, its metadata, its header and the bytes that follow the header.

    The arrays are views of these bytes. The caller needs the header and the bytes to verify the
    checksum.

    Errors: OSError or MemoryError if the file cannot be read; ValueError if the file is not in the
    safetensors format. Source: as for `save`.
    """
    with open_file(path) as file:
        content = np.fromfile(file, np.uint8)
    length = int.from_bytes(content[:8].tobytes(), "little")
    if length > content.size - 8:
        raise ValueError(
            f"its header should have {length:,} bytes, but the whole file has {content.size:,}"
        )
    header, body = content[: 8 + length].tobytes(), content[8 + length :]
    arrays = {}
    try:
        entries = json.loads(header[8:].decode())
        metadata = dict(entries.pop("__metadata__", {}))
        for name, entry in entries.items():
            first, last = entry["data_offsets"]
            arrays[name] = body[first:last].view(_DTYPES[entry["dtype"]]).reshape(entry["shape"])
    except Exception as error:  # a header from another program can contain anything
        raise ValueError(f"its header is invalid ({type(error).__name__}: {error})") from None
    if sum(array.nbytes for array in arrays.values()) != body.size:
        raise ValueError(f"its arrays do not match its size of {content.size:,} bytes")
    return arrays, metadata, header, body


def check_match(found: Mapping[str, Array], expected: Mapping[str, Array], what: str) -> None:
    """Check that `found` has the names, shapes and dtypes of `expected`.

    Errors: CheckpointError MG505, which lists the differences.
    """
    problems = [
        f"missing: {name} {a.shape} {a.dtype}" for name, a in expected.items() if name not in found
    ]
    problems += [
        f"unknown: {shown(name)} {np.shape(a)}" for name, a in found.items() if name not in expected
    ]
    for name, here in expected.items():
        if name not in found:
            continue
        there = np.asarray(found[name])
        for form in ("shape", "dtype"):
            actual, needed = getattr(there, form), getattr(here, form)
            if actual != needed:
                problems.append(f"wrong {form}: {name} is {actual}, but must be {needed}")
    if problems:
        listed = problems[:100] + [f"and {len(problems) - 100:,} more"] * (len(problems) > 100)
        raise CheckpointError(
            "MG505",
            f"the arrays do not match {what} ({len(problems)} problem{'s' * (len(problems) > 1)}):",
            lines=listed,
            cause="they come from a model with a different architecture or different parameter "
            "names",
            remedy="build the model with the saved configuration, which may be in load(path).info; "
            "to change the dtype of an array, use array.astype('float32')",
        )


def replace_file(path: AnyPath, write: Callable[[IO[bytes]], object]) -> None:
    """Call `write_whole`, but raise CheckpointError MG506 if the file cannot be written."""
    try:
        write_whole(path, write)
    except OSError as error:
        raise CheckpointError(
            "MG506",
            f"cannot write {shown(path)}",
            cause=reason(error),
            remedy="choose a folder that exists and is writable, or free some disk space; if the "
            "file already exists, it is unchanged",
        ) from error


def _storable(name: str, value: Any) -> Array:
    if isinstance(value, Mapping):
        raise DtypeError(
            "MG507",
            f"{name!r} is a {type(value).__name__}, but nested dicts cannot be stored",
            cause="a checkpoint file stores one array under each name",
            remedy=f"join the names: {{f'{name}.{{key}}': array for key, array in state.items()}}, "
            "where state is the nested dict; pass text and other values in `info`",
        )
    array: Array = np.asarray(value.array if isinstance(value, Tensor) else value, order="C")
    if array.dtype.name not in _DTYPES.values():
        raise DtypeError(
            "MG507",
            f"array {name!r} of dtype {array.dtype} cannot be stored",
            cause="the format supports booleans, integers, and floats of up to 64 bits",
            remedy="convert the array to numbers, or pass text in `info` as a list: array.tolist()",
        )
    return array
