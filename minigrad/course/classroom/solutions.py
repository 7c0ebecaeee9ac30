"""Find out whether a file reads a lesson's solution."""

import ast
import re

from ..checking.source import parse

SECRET = {"solution", "slips", "right"}
"""The modules of a lesson that contain right answers, or typical wrong ones."""
READS = re.compile(r"\b(solution|slips|right)\.py\b|\bkey\.json\b|\bcourse solution\b")
"""A text with which a file can open or print a solution."""
COURSE = re.compile(r"\bcourse\b|\blessons\b")
"""A part of the folder with the solutions. Only a file with such a text can mean one of them when it
says "solution"."""


def reads_solution(text: str) -> list[int]:
    """Return the lines in which a file imports a lesson's solution, or names its file in a text.

    >>> reads_solution("from minigrad.course.lessons.lesson_03_gates.solution import *")
    [1]
    """
    try:
        nodes = list(ast.walk(parse(text)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    docs = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    texts = [
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
    ]
    near = any(map(COURSE.search, texts))
    lines = set[int]()
    for node in nodes:
        match node:
            case ast.Import(names):
                found = any(_secret(alias.name) for alias in names)
            case ast.ImportFrom(module, names):
                found = any(_secret(f"{module}.{alias.name}") for alias in names)
            case ast.Constant(str(value)) if id(node) not in docs:
                found = bool(READS.search(value)) or (near and value == "solution")
            case _:
                continue
        if found:
            lines.add(node.lineno)
    return sorted(lines)


def _secret(module: str) -> bool:
    """Return whether a module contains solutions, or functions that return them."""
    parts = module.split(".")
    if parts[:2] != ["minigrad", "course"]:
        return False
    return "checking" in parts or not SECRET.isdisjoint(parts)
