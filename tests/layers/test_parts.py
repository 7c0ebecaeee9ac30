"""The paths of a model's parts."""

import pickle

import pytest

from layers import BatchNorm, Dense, Sequential

from .helpers import raises


@pytest.fixture
def model():
    return Sequential(Dense(3, 4), BatchNorm(4))


@pytest.mark.parametrize("method", ["named_parameters", "named_buffers", "named_layers"])
def test_paths_cannot_be_unpacked(model, method):
    paths = getattr(model, method)()
    with raises("MG253", r"\.items\(\)"):
        for _, _ in paths:
            pass
    with raises("MG253"):
        _ = {path: part for path, part in paths}  # noqa: C416
    plain = [path for path, _ in paths.items()]
    assert list(paths) == plain
    for path in paths:
        assert "".join([*path]) == path
    copy = pickle.loads(pickle.dumps(dict(paths)))
    assert {type(path) for path in copy} == {str}
