"""The page walked from the first backward step to the last: every gradient that it shows is the engine's own."""

from collections.abc import Callable
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from layers import GRU, RNN, Dense, Embedding, Sequential
from minigrad.backward import sweep
from minigrad.explorer.collect import _All
from minigrad.fast.kernels import dense
from minigrad.graph import Leaf, ancestors

WALK = (Path(__file__).parent / "walk.js").read_text("utf-8")


def assert_shows(page: Any, shown: dict[str, Any], array: np.ndarray, rtol: float) -> None:
    """What a block shows is this array: every element to the last digit where they stand there, else range and norm."""
    if shown["cells"]:
        exact = np.array([page.number(title.split(" = ")[1]) for title, _ in shown["cells"]])
        np.testing.assert_allclose(exact.astype(array.dtype), array.reshape(-1), rtol=rtol, atol=rtol)
        rounded = [page.number(text) for _, text in shown["cells"]]
        np.testing.assert_allclose(rounded, exact, rtol=6e-3, atol=0)
    elif array.size:
        wide = array.astype(np.float64)
        assert page.number(shown["facts"]["norm"]) == pytest.approx(np.linalg.norm(wide), rel=1e-3)
        assert page.number(shown["facts"]["mean"]) == pytest.approx(wide.mean(), rel=6e-3, abs=max(1e-12, rtol))
        low, high = map(page.number, shown["facts"]["range"].split(" to "))
        assert (low, high) == pytest.approx((wide.min(), wide.max()), rel=6e-3)


def assert_walk(page: Any, output: mg.Tensor, rtol: float = 0.0) -> None:
    """Every step in its order, every gradient in its place, every consumer counted, every leaf complete."""
    nodes = ancestors([output.node], attrgetter("predecessors"))[::-1]
    upstream = np.ones(output.shape, output.dtype) if output.node.upstream is None else output.node.upstream
    gradients = {node: dense(gradient) for node, gradient in sweep(output.node, upstream, keep=_All()).items()}
    steps = page.run(WALK)
    expected = [node for node in reversed(nodes) if node.gate and node in gradients]
    assert len(steps) == len(expected)
    reports: dict[int, int] = {}
    finished: set[int] = set()
    for step, node in zip(steps, expected, strict=True):
        assert step["gate"].startswith(node.gate.name)
        assert_shows(page, step["upstream"], gradients[node], rtol)
        for parent, shown in zip(node.inputs, step["deliveries"], strict=True):
            if shown["parent"] is None:
                assert parent not in gradients or not parent.requires_grad
                continue
            assert nodes[int(shown["parent"])] is parent
            reports[parent.serial] = reports.get(parent.serial, 0) + 1
            assert shown["report"].strip().startswith(f"{reports[parent.serial]} of ")
            if "complete" in shown["report"]:
                finished.add(parent.serial)
                assert_shows(page, shown["after"], gradients[parent], rtol)
    leaves = [node for node in nodes if isinstance(node, Leaf) and node in gradients]
    assert leaves
    for leaf in leaves:
        assert leaf.serial in finished
        if leaf.grad is not None:  # what was shown is tensor.grad
            stored = dense(leaf.grad)
            np.testing.assert_array_equal(stored, gradients[leaf])


@pytest.mark.parametrize("name", ["expression", "network", "rnn", "imdb"])
def test_every_gradient_shown_is_the_engine_s(name: str, page: Any, made: Callable[..., Any]) -> None:
    path, output = made(name)
    assert output.node.upstream is not None  # the example has called backward: its leaves have a .grad to compare with
    page.open(path)
    assert_walk(page, output)


@pytest.mark.parametrize("name", ["expression", "network", "rnn"])
def test_what_the_page_recomputes_is_what_the_engine_computed(name: str, page: Any, made: Callable[..., Any]) -> None:
    path, output = made(name)
    page.open(path)
    page.press("w")
    page.focus("#new-value")
    value = page.run("return document.activeElement.value")
    page.run("document.activeElement.select()")
    page.press(*value)  # the same number again: everything is computed anew, in double precision, from float32 leaves
    assert_walk(page, output, rtol=2e-6)


def test_before_plus_part_is_after(page: Any, made: Callable[..., Any]) -> None:
    page.open(made("rnn")[0])
    sums = 0
    for step in page.run(WALK):
        for shown in step["deliveries"]:
            if shown.get("before") and shown["after"]["cells"]:
                before, part, after = (
                    np.array([page.number(title.split(" = ")[1]) for title, _ in shown[role]["cells"]])
                    for role in ("before", "part", "after")
                )
                np.testing.assert_allclose(before + part, after, rtol=1e-5, atol=1e-6)
                sums += 1
    assert sums == 6  # three weights, each used at three steps that the gradient reaches: two additions each


def masked_both_ways() -> mg.Tensor:
    mask = np.ones((2, 4), bool)
    mask[0, 2:] = False
    rnn = GRU(3, 2, bidirectional=True, layers=2)
    h = rnn(Embedding(5, 3)(np.array([[1, 2, 0, 0], [3, 4, 1, 2]])), mask=mask)
    return mg.softmax_cross_entropy(Dense(4, 2)(h), [0, 1])


def second_derivative() -> mg.Tensor:
    a = mg.Tensor([0.5, 1.0], requires_grad=True, name="a")
    (first,) = mg.grad((mg.tanh(a) * a).sum(), [a], create_graph=True)
    return (first * first).sum()


def attention() -> mg.Tensor:
    q, k = (mg.Tensor(mg.generator().normal(size=(2, 3, 4)), requires_grad=True, name=name) for name in "qk")
    return (mg.softmax(q @ k.swapaxes(1, 2) / 2.0) @ k).max(axis=-1).mean()


def fused() -> mg.Tensor:
    output: mg.Tensor = Sequential(RNN(3, 2, fused=True), Dense(2, 1))(mg.Tensor(np.ones((2, 4, 3), np.float32)))
    return output.sum()


def not_a_number() -> mg.Tensor:
    x = mg.Tensor([2.0, np.inf, np.nan], requires_grad=True, name="x")
    return (x * x).sum()


def of_nothing() -> mg.Tensor:
    return mg.Tensor(np.zeros((0, 3)), requires_grad=True, name="x").sum()


OTHERS = [masked_both_ways, second_derivative, attention, fused, not_a_number, of_nothing]


@pytest.mark.parametrize("build", OTHERS, ids=lambda build: build.__name__)
def test_other_graphs(build: Callable[[], mg.Tensor], page: Any, tmp_path: Path) -> None:
    mg.seed(4)
    with np.errstate(all="ignore"):
        output = build()
        mg.explore(output, tmp_path / "page.html")
        page.open(tmp_path / "page.html")
        page.press("w")
        assert_walk(page, output)
