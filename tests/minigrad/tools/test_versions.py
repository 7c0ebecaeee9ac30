"""`show_versions` lists the versions that a bug report needs, and no user's name."""

import getpass
from importlib import metadata

import numpy as np

import minigrad as mg


def test_show_versions(capsys):
    mg.show_versions()
    lines = capsys.readouterr().out.splitlines()
    versions = dict(line.split(maxsplit=1) for line in lines)
    assert versions["minigrad"] == mg.__version__
    assert versions["numpy"].startswith(np.__version__)
    assert versions["safetensors"] == metadata.version("safetensors")
    for name in ("Python", "system", "graphviz", "tqdm", "matplotlib", "dot"):
        assert name in versions
    assert "pytest" not in versions
    for value in versions.values():
        assert getpass.getuser() not in value.split()
