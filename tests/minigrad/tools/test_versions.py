"""`mg.show_versions()` names what the package's own metadata and NumPy say, and nobody's name."""

import getpass
from importlib import metadata

import numpy as np

import minigrad as mg


def lines(capsys):
    mg.show_versions()
    return dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())


def test_it_names_what_a_report_needs(capsys):
    facts = lines(capsys)
    assert facts["minigrad"] == mg.__version__ and facts["numpy"].startswith(
        np.__version__
    )
    assert facts["safetensors"] == metadata.version("safetensors")
    assert {"Python", "system", "graphviz", "tqdm", "matplotlib", "dot"} <= facts.keys()
    assert "pytest" not in facts
    assert not any(getpass.getuser() in value.split() for value in facts.values())
