"""What docs/design.md says of the core's size and of the way through it, counted by the scripts beside this file."""

import ast
import inspect
import warnings

from minigrad import backward

from . import count_code_lines, trace_step


def test_the_core_is_small():
    assert sum(count_code_lines.code_lines(path.read_text(encoding="utf-8")) for path in count_code_lines.CORE) <= 330


def test_the_counter_counts_code_alone():
    source = '"""Doc.\n\nMore."""\n\nimport os  # why\n\nclass A:\n    """Doc."""\n    x = (1,\n         2)\n    # no\n'
    assert count_code_lines.code_lines(source) == 1 + 1 + 2


def test_the_sweep_is_on_one_screen():
    source = inspect.getsource(backward.sweep)
    loop = next(node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.For))
    assert loop.end_lineno is not None
    assert loop.end_lineno - loop.lineno + 1 <= 45


def test_one_training_step_enters_few_files_and_functions():
    with warnings.catch_warnings():
        warnings.resetwarnings()  # where they are errors, as in these tests, an optimizer copies what it changes
        calls = trace_step.entered()
    assert len({file for file, _ in calls}) <= 8
    assert len(calls) <= 28
