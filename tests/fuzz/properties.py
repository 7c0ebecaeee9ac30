"""Runs the properties of Hypothesis in this folder for `make fuzz`, in turns with random seeds.

`make test` runs the same functions briefly, always with the same examples.
"""

from __future__ import annotations

import functools
import importlib
import traceback
import warnings
from typing import Any

import numpy as np
from hypothesis import is_hypothesis_test, seed, settings

import tests.conftest  # noqa: F401 (registers the profile)

MODULES = [
    "test_integers",
    "test_settings",
    "test_rosters",
    "test_files",
    "test_updates",
]
HEADER = "from numpy import *\nfrom minigrad import *\nfrom "
"""Imports with which a failing example can be pasted into a file of tests."""


@functools.cache
def properties() -> dict[str, Any]:
    """The properties by name. They keep the profile with which they are imported."""
    settings.load_profile("fuzz")
    modules = [importlib.import_module(f"tests.fuzz.{name}") for name in MODULES]
    return {
        name.removeprefix("test_"): function
        for module in modules
        for name, function in vars(module).items()
        if name.startswith("test_") and is_hypothesis_test(function)
    }


def take_turn(name: str, number: int) -> tuple[int, str]:
    """Try examples of a property from a seed. Return how many, and what failed, ready to be printed."""
    test = seed(number)(properties()[name])
    inner = test.hypothesis.inner_test
    tried = 0

    @functools.wraps(inner)
    def counted(*given: Any, **options: Any) -> None:
        nonlocal tried
        tried += 1
        inner(*given, **options)

    test.hypothesis.inner_test = counted
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
            test()
    except Exception as error:
        errors = error.exceptions if isinstance(error, ExceptionGroup) else [error]
        texts = ["".join(traceback.format_exception_only(one)) for one in errors]
        call = f"test_{name}.hypothesis.inner_test("
        text = "\n".join(texts).replace(f"test_{name}(", call)
        return (
            tried,
            f"{name}, seed {number}\n{text}\n{HEADER}{inner.__module__} import *",
        )
    finally:
        test.hypothesis.inner_test = inner
    return tried, ""
