"""Questions about a learner's own code. Each answer is computed again in another way: by a file with
more lines, which note what the question asks for, or by a full check of the changed file.
"""

import ast
import contextlib
import copy
import gc
import json
import re
import sys
import warnings
from pathlib import Path
from random import Random

import numpy as np
import pytest

import minigrad as mg
from minigrad.course.checking import child
from minigrad.course.checking.explain import make
from minigrad.course.checking.grade import judge
from minigrad.course.checking.key import time_limit
from minigrad.course.checking.kinds import FAILS, PASSES
from minigrad.course.checking.lesson import module
from minigrad.course.checking.registry import lessons
from minigrad.course.checking.sandbox import collected
from minigrad.course.checking.source import bound
from minigrad.course.checking.trace import Trace

from .test_lesson import right_answers

NAMES = [f"student {number}" for number in range(20)]


def asks(one):
    """Ask a version of a file in this process what the child would ask it."""

    def ask(text, only=None, traced=False):
        lines, source, tracing = [], Path("course") / one.file, sys.gettrace()

        def write(line):
            if line.get("raised", {}).get("type") == "TimeoutError":
                raise TimeoutError  # as if the process were ended
            lines.append(line)

        with warnings.catch_warnings(action="ignore"):
            if traced:
                trace = Trace(source, text)
                sys.settrace(trace)
                child.run_traced(one, source, text, write, only, trace)
                sys.settrace(tracing)
            else:
                gc.disable()  # an error that the limit raises in a callback would be lost
                with contextlib.suppress(TimeoutError), time_limit(0.5):
                    child.run(one, source, text, write, only)
                    write({"done": True})
                gc.enable()
        sys.modules.pop(one.name, None)
        return collected(json.loads(json.dumps(lines)))

    return ask


def merged(base, code):
    """A file in which the definitions of `code` replace those of `base`, also within a class that
    extends the class with its own name.
    """
    tree, mine = ast.parse(base), ast.parse(code)
    for node in mine.body:
        names = bound(node)
        owners = [one for one in tree.body if bound(one) & names]
        if isinstance(node, ast.ClassDef) and node.name in map(ast.unparse, node.bases):
            (owner,) = owners
            parts = {name for part in node.body for name in bound(part)}
            kept = [part for part in owner.body if not bound(part) & parts]
            owner.body = kept + node.body
            continue
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            tree.body = [one for one in tree.body if not bound(one) <= names or not bound(one)]
        last = isinstance(tree.body[-1], ast.If)
        tree.body.insert(len(tree.body) - last, node)
    return ast.unparse(tree)


def answers(one):
    """The solution and the lesson's other right answers, as whole files."""
    others = right_answers(one).items()
    return {"solution": one.solution, **{n: merged(one.solution, c) for n, c in others}}


def found(pattern, text):
    """The first group of a pattern, which must be in the text."""
    match = re.search(pattern, text)
    assert match
    return match[1]


def answered(one, question, tree, name, function):
    """Run a changed file, which can call `function` by this name, as the question does. Returns the
    answer to the question, and whatever `function` returned since it was asked.
    """
    calls: list[object] = []
    answer = None

    def called(*values):
        calls.append(function(len(calls), *values))
        return calls[-1]

    file = module(one.name, "")
    file.__dict__[name] = called
    code = compile(ast.fix_missing_locations(tree), "changed", "exec")
    exec(code, file.__dict__)
    if question.index >= 0:
        asked = one.questions[question.index]
        given = asked.given(file)
        calls.clear()
        answer = one.ask(asked.call, file, given)
    return answer, calls


def noted(one, question, tree):
    """What the lines of a changed file have noted."""
    return answered(one, question, tree, "note", lambda _, *v: copy.deepcopy(v))[1]


def tensors(answer):
    """The Tensors in an answer."""
    if isinstance(answer, mg.Tensor):
        return [answer]
    parts = answer if isinstance(answer, (list, tuple)) else []
    return [one for part in parts for one in tensors(part)]


def measured(one, question, tree, nth, index):
    """The central difference of the sum of the answer for an element of what `bump` gets."""

    def total(h):
        def bump(calls, value):
            step = np.zeros(value.shape)
            step[index] = h
            return value + step if calls == nth - 1 else value

        answer = answered(one, question, copy.deepcopy(tree), "bump", bump)[0]
        return sum(float(one.array.sum()) for one in tensors(answer))

    return (total(1e-5) - total(-1e-5)) / 2e-5


def consumers(node, wanted, seen):
    """The number of inputs of gates in the graph of a node that are the wanted node."""
    if node in seen:
        return 0
    seen.add(node)
    inside = sum(consumers(source, wanted, seen) for source in node.inputs)
    return inside + list(node.inputs).count(wanted)


def changed(text, lines, code):
    """The file with the code after the statements in these lines, or before a return. In the code,
    LINE is the statement's line.
    """
    tree = ast.parse(text)
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if not isinstance(block, list):
                continue
            found = [one for one in block if one.lineno in lines]
            for one in found:
                if isinstance(one, ast.FunctionDef):  # its body may be in the same line
                    continue
                place = block.index(one)
                note = ast.parse(code.replace("LINE", str(one.lineno))).body
                if isinstance(one, ast.Return):
                    block[place:place] = [
                        ast.Assign(
                            [ast.Name("result", ast.Store())],
                            one.value or ast.Constant(None),
                        ),
                        *note,
                    ]
                    one.value = ast.Name("result", ast.Load())
                elif isinstance(one, ast.For):
                    one.body[:0] = note
                elif isinstance(one, (ast.Continue, ast.Break)):
                    block[place:place] = note
                else:
                    block[place + 1 : place + 1] = note
    return tree


def again(one, text, question):
    """The answer, computed in another way."""
    asked = question.text.splitlines()[-1]
    nth = int((re.findall(r"the (\d+)\w\w time", asked) or ["1"])[0])
    if question.kind == "change":
        lines = text.split("\n")
        edit = re.search("were `(.*)`,", asked)
        old = lines[question.line - 1]
        indent = old[: len(old) - len(old.lstrip())]
        lines[question.line - 1] = indent + edit[1] if edit else ""
        text = "\n".join(lines)
        problem = judge(one, text, asks(one)(text), asks(one)).problem
        assert not (problem and problem.blames)
        return f"{problem.function or 'the file'} {FAILS[problem.kind]}" if problem else PASSES
    if question.kind == "count":
        tree = changed(text, [question.line], "note(0)")
        return str(len(noted(one, question, tree)))
    if question.kind == "gradient":
        place = found(r"gradient of (.*), which line", asked)
        name, numbers = found(r"^(\w+)", place), found(r"^\w+(.*)", place)
        tree = changed(text, [question.line], f"{name} = bump({name})")
        index = tuple(map(int, re.findall(r"\d+", numbers)))
        return f"{measured(one, question, tree, nth, index):.4g}"
    if question.kind == "uses":
        name = found(r"that of (\w+), which line", asked)
        tree = changed(text, [question.line], f"note({name})")
        function = lambda _, value: value.node  # noqa: E731
        answer, nodes = answered(one, question, tree, "note", function)
        total, seen = tensors(answer), set[object]()
        own = sum(consumers(part.node, nodes[nth - 1], seen) for part in total)
        return str(own + [part.node for part in total].count(nodes[nth - 1]))
    if question.kind == "which":
        name = found("changes (.*) for", asked)
        whole = ast.parse(text)
        for node in ast.walk(whole):  # the last one around the line is the innermost
            if isinstance(node, ast.FunctionDef) and node.lineno <= question.line <= (
                node.end_lineno or 0
            ):
                whole = node
        lines = {
            n.lineno
            for n in ast.walk(whole)
            if isinstance(n, ast.Assign | ast.AugAssign | ast.For | ast.Expr)
        }
        expression = f"__import__('copy').deepcopy(locals().get({name!r}))"
        changes, before = [], None
        tree = changed(text, lines, f"note(LINE, {expression})")
        for line, value in noted(one, question, tree):
            if value is not None and repr(value) != repr(before):
                changes.append(line)
                before = value
        named = f"line {changes[nth - 1]}: "
        return next(c for c in question.choices if c.startswith(named))
    place = found("What is (?:the shape of )?(.*?)(?: after|, where) ", asked)
    name = found(r"^(\w+)", place)
    tree = changed(text, [question.line], f"note({name})")
    (value,) = noted(one, question, tree)[nth - 1]
    value = eval(place, {name: getattr(value, "array", value)})
    value = getattr(value, "array", value)
    return str(np.shape(value)) if question.kind == "shape" else f"{float(value):.4g}"


@pytest.mark.parametrize("one", lessons(), ids=lambda one: one.name)
def test_answers_are_those_of_the_changed_file(one):
    rng = Random(one.name)
    name, text = rng.choice(sorted(answers(one).items()))
    questions = make(one, text, "ada", asks(one))
    assert len(questions) >= 3, name
    for question in questions:
        if question.kind == "gradient":  # measured, so the last digit may differ
            measured = float(again(one, text, question))
            assert measured == pytest.approx(float(question.right), rel=2e-3), question
        elif question.kind != "change" or not one.training:
            assert again(one, text, question) == question.right, question
        assert len({*question.choices}) == len(question.choices) != 2
        assert not question.choices or question.right in question.choices
        code = text.splitlines()[question.line - 1].strip()
        assert code not in map(str.strip, one.exercise.splitlines())


@pytest.mark.parametrize("number", [12, 16, 18, 19])
def test_gradient_is_asked_for_if_the_answer_has_a_graph(number):
    one = lessons()[number - 1]
    kinds = [
        question.kind for name in NAMES[:4] for question in make(one, one.solution, name, asks(one))
    ]
    assert "gradient" in kinds


def test_choices_of_a_changed_line_contain_other_results_of_its_function():
    one = lessons()[4]
    for name in NAMES[:6]:
        for question in make(one, one.solution, name, asks(one)):
            if question.kind == "change" and question.right != PASSES:
                function = question.right.split()[0]
                same = [one for one in question.choices if one.split()[0] == function]
                assert len(same) == 2
                assert PASSES in question.choices


@pytest.mark.parametrize("number", [4, 12, 13, 16, 17, 18])
def test_inputs_are_shown_with_their_numbers_and_each_line_once(number):
    one = lessons()[number - 1]
    hidden = "random weights|generator|trained network|always have|what backward"
    # the check's own functions are no inputs
    garbled = r"= Return|= the |gradients: the|\.\.$"
    for name in NAMES[:6]:
        questions = make(one, one.solution, name, asks(one))
        for question in questions:
            about = question.text.partition("\n")[0]
            assert question.kind == "change" or not re.search(hidden, about), about
            assert not re.search(garbled, about), about
        assert len(questions) <= 3 or len({one.line for one in questions}) == 4
