"""Run a script unmodified, then draw, explore or check the graph of its last backward().

    minigrad draw first.py                    draws the graph: first.png
    minigrad explore first.py -o page.html    makes a page that steps through the graph
    minigrad check first.py                   checks gradients and gates with finite differences

`--name loss` selects another tensor by the name of its variable or by its own name. The script's
output appears as usual. Pass arguments to the script after `--`:

    minigrad draw train.py -- --epochs 1
"""

import argparse
import os
import re
import runpy
import shlex
import shutil
import sys
import sysconfig
import traceback
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from .. import drawing, explorer, gradient_checker
from ..context import ON_BACKWARD, SCOPE, enable_grad, setting, watching
from ..debug.anomaly import trace_lines
from ..drawing.facts import gates_and_leaves
from ..errors import OptionError
from ..gates.fused.unfuse import unfuse
from ..graph import Leaf, Node, ancestors
from ..tensor import Tensor, cut, from_node


def program() -> str:
    """Return the command that starts this `minigrad` in a terminal, as a name or a path."""
    own = shutil.which("minigrad", path=sysconfig.get_path("scripts"))
    if own is None:
        return shlex.join([sys.executable, "-m", "minigrad"])
    return "minigrad" if shutil.which("minigrad") == own else shlex.quote(own)


def to_type(text: str) -> str:
    """Return `text` with its `minigrad` commands written as the user must type them."""
    return re.sub(
        r"\bminigrad (?=course|draw|explore|check|compare|diagnose|record)",
        lambda _: f"{program()} ",
        text,
    )


def add_commands(commands: Any) -> None:
    """Add the three commands to argparse's subparsers."""
    for name, action, ending, summary in (
        ("draw", _draw, ".png", "draw the graph of a script: .png, .svg, .pdf or .dot"),
        ("explore", _explore, ".html", "make a page that steps through the graph of a script"),
        ("check", _check, "", "check a script's gradients and gates with finite differences"),
    ):
        parser = commands.add_parser(name, help=summary, description=to_type(__doc__))
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.set_defaults(run=run_and_show, action=action, ending=ending, out=None)
        parser.add_argument("script", type=Path, metavar="SCRIPT.py", help="the script to run")
        parser.add_argument(
            "--name",
            help="a variable's or a tensor's name (default: the tensor of the last backward())",
        )
        if ending:
            parser.add_argument(
                "-o",
                "--out",
                metavar="FILE",
                type=Path,
                help=f"the file to write (default: SCRIPT{ending})",
            )
        if name == "draw":
            parser.add_argument(
                "--values",
                action="store_true",
                help="show the arrays' values in the boxes",
            )


def run_and_show(options: argparse.Namespace) -> int:
    """Run the script, then draw, explore or check its graph."""
    variables, last = run_script(options.script, options.arguments)
    options.out = options.out or Path(options.script.stem + options.ending)
    name, tensor = find_tensor(options.name, variables, last, options.script)
    return int(options.action(name, tensor, options))


def run_script(script: Path, arguments: Sequence[str] = ()) -> tuple[dict[str, Any], Tensor | None]:
    """Run a script as `python script arguments` would. Return the script's variables, and the last
    tensor on which the script called `backward()`, or None if it never did.

    The tensor's leaves have the values that they had during this call. If the script raises an
    exception, the exception is printed and the program exits.

    Errors: OptionError MG901 if the script does not exist.
    """
    check_exists(script)
    last: Tensor | None = None
    values: list[Any] = []

    def on_backward(tensor: Tensor) -> None:
        nonlocal last
        last = tensor
        leaves = [node for node in ancestors([tensor.node]) if isinstance(node, Leaf)]
        leaves = [leaf for leaf in leaves if leaf.requires_grad]
        values[:] = [(leaf, leaf.output.copy(), leaf.updated) for leaf in leaves]

    variables: dict[str, Any] = {}
    try:
        with watching(ON_BACKWARD, on_backward), trace_lines():
            variables = running(script, arguments)
    except SystemExit as end:
        if end.code:
            raise
    except Exception:
        traceback.print_exc()
        raise SystemExit(1) from None
    # An optimizer may have changed the parameters in place after this call. A graph with changed
    # parameters cannot be drawn with its gradients, so restore the values.
    for leaf, value, updated in values:
        from_node(leaf).update(partial(np.copyto, src=value))
        leaf.updated = updated
    return variables, last


def check_exists(script: Path) -> None:
    """Raise OptionError MG901 if the script does not exist."""
    if not script.is_file():
        raise OptionError(
            "MG901",
            f"the script {os.fspath(script)!r} does not exist",
            cause="a relative path starts at the current folder",
            remedy="pass the path of an existing script",
        )


def running(script: Path, arguments: Sequence[str] = ()) -> dict[str, Any]:
    """Run a script as `python script arguments` would, and return its variables."""
    name, folder = os.fspath(script), os.fspath(script.resolve().parent)
    with (
        patch.object(sys, "argv", [name, *arguments]),
        patch.object(sys, "path", [folder, *sys.path[1:]]),
    ):
        return runpy.run_path(name, run_name="__main__")


def find_tensor(
    name: str | None, variables: Mapping[str, Any], last: Tensor | None, script: Path
) -> tuple[str, Tensor]:
    """Return the name of the tensor to show, and the tensor.

    If `name` is None, select the tensor of the last `backward()` call.

    Errors: OptionError MG902 if there is no such tensor.
    """
    tensors = {key: value for key, value in variables.items() if isinstance(value, Tensor)}
    if name is None and last is not None:
        names = (key for key, tensor in tensors.items() if tensor.node is last.node)
        return next(names, "the last backward()"), last
    if name in tensors:
        return name, tensors[name]
    graph = [] if last is None else ancestors([last.node])
    nodes = {node.name: node for node in graph if node.name}
    if name in nodes:
        return name, from_node(nodes[name])
    known = ", ".join(dict.fromkeys([*tensors, *nodes]))
    what = f"{script.name} did not call backward()"
    cause = "without --name, the tensor of the last backward() is used"
    if name is not None:
        what = f"{script.name} has no tensor called {name!r}"
        cause = (
            "--name accepts the name of a variable that exists when the script ends, or the name= of "
            "a tensor in the last graph"
        )
    remedy = (
        f"use --name with one of these names: {known}" if known else "call backward() on the loss"
    )
    raise OptionError("MG902", what, cause=cause, remedy=remedy)


def _draw(name: str, tensor: Tensor, options: argparse.Namespace) -> int:
    shown = unfuse(tensor)
    picture = drawing.draw(shown, options.out, grads=True, values=options.values)
    print(f"{picture.path}: {_described(name, shown)}. {picture.caption}".rstrip())
    return 0


def _explore(name: str, tensor: Tensor, options: argparse.Namespace) -> int:
    shown = unfuse(tensor)
    page = explorer.explore(shown, options.out)
    print(f"{page.path}: {_described(name, shown)}. Open it in a browser.")
    return 0


def _described(name: str, shown: Tensor) -> str:
    """Count the gates that the picture or page shows, in which fused gates are split."""
    return f"the graph of {name}, {gates_and_leaves(drawing.Graph(shown).nodes)}"


def _check(name: str, tensor: Tensor, options: argparse.Namespace) -> int:
    nodes = ancestors([tensor.node])[::-1]
    leaves = [node for node in nodes if node.gate is None and node.requires_grad]

    def again(*inputs: Tensor) -> Tensor:
        made = dict(zip(leaves, inputs, strict=True))
        for node in nodes:
            if node not in made:
                made[node] = _recorded_again(node, made)
        return made[tensor.node]

    report = gradient_checker.gradcheck(again, *map(from_node, leaves), sample=50)
    print(report)
    return 0 if report else 1


def _recorded_again(node: Node, made: Mapping[Node, Tensor]) -> Tensor:
    """Record a node again, in float64. `made` contains its inputs, which were recorded before."""
    if node.gate is None:
        array = node.output
        if array.dtype.kind == "f":
            array = array.astype(np.float64)
        leaf = Tensor(array, name=node.name)
        return cut(leaf) if isinstance(node, Leaf) and node.cut_from else leaf
    with setting(SCOPE, node.scope), enable_grad():
        result: Tensor = node.gate(*(made[parent] for parent in node.inputs))
    result.name = node.name
    result.node.source = node.source
    return result
