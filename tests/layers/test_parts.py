"""The paths of a model's parts. What becomes a part is tested in test_layer.py."""

import pickle

import pytest

from layers import BatchNorm, Dense, Sequential
from layers.parts import describe


def test_paths_are_not_unpacked_into_a_path_and_a_part():
    model = Sequential(Dense(3, 4), BatchNorm(4))
    for paths in (
        model.named_parameters(),
        model.named_buffers(),
        model.named_layers(),
    ):
        with pytest.raises(TypeError, match=r"(?s)MG253.*\.items\(\)"):
            for _, _ in paths:  # type: ignore[str-unpack]
                pass
        with pytest.raises(TypeError, match="MG253"):
            _ = {path: part for path, part in paths}  # type: ignore[str-unpack]  # noqa: C416
        assert list(paths) == [path for path, _ in paths.items()] == list(paths.keys())
        assert [[*path] for path in paths] == [list(path) for path, _ in paths.items()]
        copy = pickle.loads(pickle.dumps(dict(paths)))
        assert [type(path) for path in copy] == [str] * len(paths)


def test_a_part_is_described_by_its_call_or_its_shape():
    model = Sequential(Dense(3, 4), BatchNorm(4))
    model.dense.W.requires_grad = False
    assert describe(model.dense) == "Dense(3, 4)"
    assert describe(model.dense.W) == "(3, 4), frozen"
    assert describe(model.dense.b) == "(4,)"
    assert describe(model.batchnorm.mean) == "(4,), buffer"
