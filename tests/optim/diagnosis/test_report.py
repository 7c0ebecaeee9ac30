"""What a diagnosis says: order, number and wording of findings, text, JSON and plots."""

import ast
import json
import re
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
import optim
from layers import Dense, Sequential
from optim.diagnosis.evidence import Evidence
from optim.diagnosis.finding import Finding
from optim.diagnosis.reading import Recorded
from optim.diagnosis.report import Diagnosis, ask, examine, plot
from optim.diagnosis.watch import Line, Watch
from tests.optim.diagnosis.helpers import (
    X,
    Y,
    codes,
    crossed,
    network,
    train,
)

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "diagnosis.md").read_text(encoding="utf-8")


def finding(code="no-step", **options):
    texts = "something is wrong", "the gradient is small", "change it"
    return Finding(code, *texts, **options)


# ---- findings ----


def test_at_most_three_findings_the_most_basic_first():
    def make():
        return Sequential(
            Dense(4, 8, init=lambda *shape: np.ones(shape[0], "float32")),
            Dense(8, 2, mg.relu),
        )

    with optim.diagnose(quiet=True) as diagnosis:
        model = make()
        optimizer = optim.SGD(model.named_parameters(), lr=0.1)
        for _ in range(8):
            crossed(model(0 * X), Y).backward()
            optimizer.step()
    assert codes(diagnosis.result) == [
        "gradients-not-cleared",
        "inputs-constant",
        "activation-before-cross-entropy",
    ]


def test_suspects_do_not_repeat_a_code():
    e = Evidence(Watch())
    e.kept = [Recorded(mg.Tensor(1.0).node)]

    def suspect(evidence):
        yield finding("a")
        yield finding("a")

    assert [one.code for one in ask(e, suspect)] == ["a"]
    assert [one.code for one in ask(e, suspect, [finding("b")])] == ["a"]
    assert ask(e, suspect, [finding("a")]) == []


def test_suspects_of_graphs_are_not_asked_without_one():
    assert ask(Evidence(Watch()), lambda e: iter([finding()])) == []


def test_stopped_run_names_the_layer_and_the_line():
    with pytest.raises(mg.MinigradError), Watch() as watch:
        model = network()
        crossed(model(X), Y).backward()
        model(X[:, :3])
    result = examine(watch)
    first = result.findings[0]
    assert first.code == "stopped"
    assert first.line is not None and first.line.text == "model(X[:, :3])"
    assert "(64, 3)" in first.what
    assert codes(result) == ["stopped"]


def test_exception_of_other_programs_is_no_finding():
    with pytest.raises(KeyError), Watch() as watch:
        raise KeyError
    assert not examine(watch)


# ---- text ----


def test_text_of_a_finding():
    line = Line(__file__, 1)
    one = finding(line=line, layer="model.dense")
    lines = str(Diagnosis([one], 5)).splitlines()
    assert lines == [
        "1. something is wrong. (certain)",
        "   where:  tests/optim/diagnosis/test_report.py:1   " + line.text,
        "   layer:  model.dense",
        "   why:    the gradient is small",
        "   change: change it",
        "   more:   docs/diagnosis.md#no-step",
    ]


def test_text_of_several_findings_and_of_none():
    text = str(Diagnosis([finding(), finding("graph-cut")], 5))
    assert "\n\n2. something" in text
    assert str(Diagnosis([], 1234)) == "No fault was found in 1,234 backward passes."


def test_text_is_narrow_and_shows_the_proof():
    text = str(train(lr=300.0))
    assert "proof:  the same steps again, with a rate of" in text
    assert max(map(len, text.splitlines())) <= 100
    assert "x your run:" in text


def test_names_of_layers_cannot_change_the_terminal():
    assert "\x1b" not in str(Diagnosis([finding(layer="a\x1b[2Jb")]))


def test_plot():
    rows = [
        *plot(
            [4.0] * 8,
            [4, 3, 2, 1, 0, 0, 0, 0],
            "run",
            "trial",
        )
    ]
    assert rows[0].split()[0] == "4"
    marks = [row.split("┤")[1] for row in rows[:9]]
    assert marks[0].count("x") + marks[0].count("o") == 56
    assert marks[0].startswith("o" * 7 + "x")
    assert marks[8].endswith("o" * 28)
    assert rows[8].split()[0] == "0"
    assert rows[9].endswith(" 8 steps")
    assert rows[10].split() == ["x", "run:", "4", "o", "trial:", "0"]


@pytest.mark.parametrize(
    ("run", "trial"),
    [
        ([1.0, np.inf], [1.0, 0.5]),
        ([1.0], [1.0, 1.0]),
        ([*range(1000)], [*range(70)]),
        ([np.nan, 3.0], [2.0]),
    ],
)
def test_plot_of_any_losses(run, trial):
    assert len([*plot(run, trial, "a", "b")]) == 11


def test_dictionary_is_json():
    result = Diagnosis([finding(run=[1.0, np.inf], trial=[1.0, np.nan, 0.5])], 2)
    stored = json.loads(json.dumps(result.as_dict(), allow_nan=False))
    assert stored["passes"] == 2
    (one,) = stored["findings"]
    assert one["run"] == [1, None]
    assert one["trial"] == [1, None, 0.5]
    assert (one["file"], one["line"]) == (None, None)
    assert one["certainty"] == "certain"


# ---- the documentation ----


def codes_in_source():
    """The first argument of each Finding(...), where it is a text, or the texts it may be."""
    for path in (ROOT / "optim" / "diagnosis").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "code":
                choice = node.value
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "Finding":
                choice = node.args[0]
            else:
                continue
            if isinstance(choice, ast.IfExp):
                choices = [choice.body, choice.orelse]
            else:
                choices = [choice]
            for one in choices:
                if isinstance(one, ast.Constant):
                    yield one.value
                else:
                    assert isinstance(one, ast.Name) and one.id == "code"


def test_page_has_a_section_for_each_code_and_no_other():
    sections = re.findall(r"^### (\S+)$", PAGE, re.MULTILINE)
    assert len(sections) == len(set(sections))
    assert sorted(sections) == sorted(set(codes_in_source()))


def test_codes_have_a_test():
    tests = Path(__file__).parent.glob("test_*.py")
    text = "".join(path.read_text(encoding="utf-8") for path in tests)
    assert [code for code in codes_in_source() if f'"{code}"' not in text] == []


def test_page_says_which_certainties_there_are():
    before, _, _ = PAGE.partition("## Figures")
    words = re.findall(r"^\| (\w+) \|", before, re.MULTILINE)
    assert words == ["word", "proved", "certain", "likely"]
