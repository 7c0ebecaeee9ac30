"""Every number in a picture is the tensor's own, and where there is none the picture says so."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.drawing.colour import STYLES, Scale, on_scale
from minigrad.drawing.facts import Gradients, Stats
from minigrad.errors import GradientError
from minigrad.tensor import from_node

from .drawn_graphs import Read, dense, rnn


def read(tensor, **options):
    return Read(mg.Graph(tensor).dot(**options))


def numbers(line):
    return [
        float(number.replace("−", "-").replace(",", "")) for number in re.findall(r"−?[\d.,]*\d(?:e[+−]\d+)?", line)
    ]


def leaves(loss):
    return {node.name: node for node in mg.Graph(loss) if node.gate is None and node.name}


def test_small_arrays_are_shown_whole():
    picture = read(dense(), values=True)
    assert picture.text(picture.find("hidden.W"))[2:] == ["[0.1  −0.2  0.3]", "[0.4  0.5  −0.6]"]
    x, W1 = np.array([[1.0, -2.0], [0.5, 3.0]]), np.array([[0.1, -0.2, 0.3], [0.4, 0.5, -0.6]])
    h = np.tanh(x @ W1 + [0.1, 0.2, 0.3])
    shown = [numbers(line) for line in picture.text(picture.find("Tanh"))[2:]]
    assert np.allclose(shown, h, rtol=1e-3)
    y = h @ [[1.0], [-1.0], [0.5]]
    (loss,) = [line for line in picture.text(picture.find("loss")) if line.startswith("=")]
    assert numbers(loss)[0] == pytest.approx(np.mean(y**2), rel=1e-3)


def test_large_arrays_are_shown_as_range_mean_and_norm():
    values = np.random.default_rng(2).normal(3, 10, (40, 30))
    x = mg.Tensor(values, requires_grad=True, name="x")
    picture = read(mg.tanh(x), values=True)
    low, high = numbers(picture.text(picture.find("x"))[2])
    mean, norm = numbers(picture.text(picture.find("x"))[3])
    assert (low, high) == pytest.approx((values.min(), values.max()), rel=1e-3)
    assert (mean, norm) == pytest.approx((values.mean(), np.sqrt((values**2).sum())), rel=1e-3)


def test_gradients_of_leaves_are_those_of_backward():
    loss = dense()
    loss.backward()
    picture = read(loss, grads=True)
    for name in ("hidden.W", "hidden.b", "head.W"):
        (line,) = [line for line in picture.text(picture.find(name)) if line.startswith("‖grad‖")]
        assert numbers(line)[0] == pytest.approx(np.linalg.norm(leaves(loss)[name].grad), rel=1e-3)
    assert not any("grad" in line for line in picture.text(picture.find("x")))  # it wants none


def test_gradients_of_gates_by_hand():
    # loss = mean(y^2), y = h W2: dL/dy = 2 y / 2, dL/dh = dy W2', dL/da = dh (1 - h^2).
    loss = dense()
    loss.backward()
    picture = read(loss, grads=True)
    x, W1 = np.array([[1.0, -2.0], [0.5, 3.0]]), np.array([[0.1, -0.2, 0.3], [0.4, 0.5, -0.6]])
    W2 = np.array([[1.0], [-1.0], [0.5]])
    h = np.tanh(x @ W1 + [0.1, 0.2, 0.3])
    dy = h @ W2
    dh = dy @ W2.T

    def norm_in(*words):
        (line,) = [line for line in picture.text(picture.find(*words)) if line.startswith("‖dz‖")]
        return numbers(line)[0]

    assert norm_in("Tanh") == pytest.approx(np.linalg.norm(dh), rel=1e-3)
    assert norm_in("+ AddGate") == pytest.approx(np.linalg.norm(dh * (1 - h**2)), rel=1e-3)
    assert norm_in("loss") == 1


def test_what_an_edge_carries_is_its_own_share():
    # z = x * 3 + x * 4: x gets 7 in all, 3 along the one way and 4 along the other.
    x = mg.Tensor(1.0, requires_grad=True, name="x")
    z = x * 3.0 + x * 4.0
    z.backward()
    gradients = Gradients(mg.Graph(z).nodes)
    products = [node for node in mg.Graph(z) if node.gate and node.gate.name == "Hadamard"]
    assert [gradients.along(node, 0) for node in products] == [3.0, 4.0]
    total = gradients.of(x.node)
    assert total is not None and total.norm == 7.0


def test_arrows_are_thicker_and_darker_with_larger_gradients():
    x = mg.Tensor(1.0, requires_grad=True, name="x")
    (x * 100.0 + x * 2.0 + x * 30.0).backward()
    z = x * 100.0 + x * 2.0 + x * 30.0
    z.backward()
    picture = read(z, grads=True)
    arrows = [style for tail, _, style in picture.edges if picture.text(tail)[0] == "x"]
    order = sorted(arrows, key=lambda style: float(style["penwidth"]))
    assert len({style["penwidth"] for style in order}) == 3
    darkness = [int(style["color"][1:3], 16) for style in order]
    assert darkness == sorted(darkness, reverse=True)
    constants = [style for tail, _, style in picture.edges if picture.text(tail)[0] in ("100", "2", "30")]
    assert {style["style"] for style in constants} == {"dotted"}


def test_two_backward_calls_add_up_everywhere():
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    h = mg.tanh(x)
    one, two = (h * 2.0).sum(), (h * 3.0).sum()
    one.backward()
    two.backward()
    gradients = Gradients(mg.Graph([one, two]).nodes)
    of_h, of_x = gradients.of(h.node), gradients.of(x.node)
    assert of_h is not None and of_h.small == pytest.approx([5.0, 5.0])
    assert of_x is not None and of_x.norm == pytest.approx(np.linalg.norm(5 * (1 - np.tanh([1.0, 2.0]) ** 2)))


def test_before_backward_there_is_no_gradient_and_no_zero():
    picture = read(dense(), grads=True)
    for words in ("hidden.W", "Tanh", "loss"):
        assert picture.text(picture.find(words))[-1] == "no gradient yet: call backward()"
    assert not any("‖" in line for node in picture.nodes for line in picture.text(node))


def test_behind_a_cut_there_is_no_gradient():
    loss = rnn(4, truncate=2)
    loss.backward()
    picture = read(loss, mode="unrolled", grads=True)
    tanhs = [picture.text(node) for node in picture.nodes if "Tanh" in picture.text(node)]
    assert ["no gradient" in lines for lines in tanhs] == [True, True, False, False]
    assert sum("‖dz‖" in line for lines in tanhs for line in lines) == 2


def test_after_an_update_inner_gradients_are_refused_not_guessed():
    loss = dense()
    loss.backward()
    W = from_node(leaves(loss)["head.W"])
    W.update(lambda array: array.__imul__(2.0))
    with pytest.raises(GradientError, match="MG605") as caught:
        mg.draw(loss, grads=True)
    assert "before the optimizer's step" in caught.value.remedy
    mg.draw(loss, values=True)  # values are still those of the tensors


def test_numbers_that_are_not_finite_are_counted_not_averaged():
    x = mg.Tensor(np.array([[1.0, np.nan, np.inf] + [2.0] * 20]), name="x")
    lines = (picture := read(x, values=True)).text(picture.find("x"))
    assert "2 not finite" in lines
    assert numbers(lines[2]) == [1.0, 2.0]


def test_stats_of_nothing():
    assert Stats.of(np.zeros((0, 3))).norm == 0.0
    assert np.isnan(Stats.of(np.zeros((0, 3))).low)


@pytest.mark.parametrize(
    "array", [np.full((4, 6), np.nan), np.full((4, 6), -np.inf), np.zeros((0, 6)), np.zeros((6, 0))]
)
def test_no_number_is_made_up_for_an_array_without_any(array):
    z = mg.Tensor(array, requires_grad=True, name="x") * np.ones(array.shape)
    z.backward(array)
    picture = read(z, values=True, grads=True, legend=True)
    lines = picture.text(picture.find("x"))[2:]
    if array.size:
        assert lines == ["24 not finite"] * 2
    else:
        assert lines == ["‖grad‖ 0"]
    tooltip = picture.style("x")["tooltip"]
    assert f"value: {'no finite number, 24 not finite' if array.size else 'empty'}" in tooltip
    for by in ("grad", "value", "bytes"):
        read(z, color_by=by)


def test_a_gradient_that_is_partly_infinite_says_so():
    x = mg.Tensor([1.0, 2.0, 3.0], requires_grad=True, name="x")
    z = x * 2.0
    z.backward([1.0, np.inf, np.nan])
    picture = read(z, grads=True)
    assert picture.text(picture.find("x"))[2:] == ["‖grad‖ 2", "2 not finite"]


def test_a_measure_that_is_not_a_number_colours_nothing():
    class Odd:
        title = "<b>odd</b> \x1b " + "y" * 200

        def of(self, node):
            return {"Tanh": np.nan, "Sum": np.inf}.get(node.gate.name, 1.0) if node.gate else 2.0

    loss = mg.tanh(mg.Tensor([1.0], requires_grad=True, name="x") * 2.0).sum()
    picture = read(loss, color_by=Odd())
    assert picture.style("Tanh")["fillcolor"] == "#FFFFFF"
    assert "&lt;b&gt;odd&lt;/b&gt; &#92;&#92;x1b y" in mg.Graph(loss).dot(color_by=Odd())  # and its title is a text
    assert "y" * 80 not in mg.Graph(loss).dot(color_by=Odd())


def test_tooltips_have_it_all():
    loss = dense()
    loss.backward()
    tooltip = read(loss, grads=True).style("hidden.W")["tooltip"]
    W = leaves(loss)["hidden.W"]
    assert "parameter hidden.W" in tooltip
    assert f"norm {np.linalg.norm(W.output):.6g}" in tooltip
    assert f"norm {np.linalg.norm(W.grad):.6g}" in tooltip
    assert "24 bytes" in tooltip


def test_tooltips_name_the_source_line_where_it_was_recorded():
    with mg.trace_lines():
        loss = dense()
    assert re.search(r"recorded at \S*drawn_graphs\.py:\d+", read(loss).style("Tanh")["tooltip"])


def test_rolled_gates_give_the_range_over_the_steps():
    loss = rnn(40)
    loss.backward()
    picture = read(loss, mode="rolled", values=True, grads=True)
    hidden = [node for node in mg.Graph(loss) if node.gate and node.gate.name == "Tanh"]
    lines = picture.text(picture.find("Tanh"))
    norms = [np.linalg.norm(node.output) for node in hidden]
    (line,) = [line for line in lines if line.startswith("norm")]
    assert numbers(line) == pytest.approx([min(norms), max(norms)], rel=1e-3)


@pytest.mark.parametrize("by", ["grad", "value", "bytes", "time"])
def test_colours_follow_the_numbers(by):
    loss = rnn(6)
    loss.backward()
    picture = read(loss, mode="unrolled", color_by=by)
    gates = [node for node in mg.Graph(loss) if node.gate and node.gate.name == "Tanh"]
    fills = [
        style["fillcolor"] for style in (picture.nodes[node] for node in picture.nodes if "Tanh" in picture.text(node))
    ]
    gradients = Gradients(mg.Graph(loss).nodes)
    numbers_by: dict[str, list[Any]] = {
        "grad": [stats.norm for node in gates if (stats := gradients.of(node)) is not None],
        "value": [np.linalg.norm(node.output) for node in gates],
        "bytes": [node.output.nbytes for node in gates],
        "time": list(range(6)),
    }
    values = numbers_by[by]

    def light(fill):
        return sum(weight * int(fill[at : at + 2], 16) for weight, at in ((0.3, 1), (0.59, 3), (0.11, 5)))

    order = sorted(range(6), key=lambda number: values[number])
    lights = [light(fills[number]) for number in order]
    assert lights == sorted(lights, reverse=True)
    assert len(set(fills)) == len({round(value, 9) for value in values}) or by in ("grad", "value")


def test_the_scale_says_its_ends_and_whether_it_is_logarithmic():
    x = mg.Tensor(np.ones(10_000), requires_grad=True, name="x")
    dot = mg.Graph(x.sum()).dot(color_by="bytes")
    assert "bytes of the output, by its logarithm" in dot
    assert ">8<" in dot
    assert ">80,000<" in dot


def test_scale_in_numbers():
    plain = Scale([2.0, 4.0, 10.0])
    assert [plain(value) for value in (2.0, 4.0, 10.0)] == [0.0, 0.25, 1.0]
    decades = Scale([1e-4, 1e-2, 1.0])
    assert [decades(value) for value in (1e-4, 1e-2, 1.0, 0.0)] == pytest.approx([0.0, 0.5, 1.0, 0.0])
    assert Scale([3.0, 3.0])(3.0) == 1.0


def test_kinds_differ_by_more_than_hue():
    """Black ink reads well on every fill (a contrast of 7, WCAG's AAA), and no two kinds share shape and border."""

    def luminance(fill):
        parts = [int(fill[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for kind, style in STYLES.items():
        assert (luminance(style["fillcolor"]) + 0.05) / 0.05 >= 7, kind
    outlines = [(s["shape"], s["style"], s.get("peripheries"), s.get("penwidth")) for s in STYLES.values()]
    assert len(set(outlines)) == len(outlines)
    for step in range(11):
        fill, ink = on_scale(step / 10)
        bright, dark = sorted((luminance(fill), luminance(ink)), reverse=True)
        assert (bright + 0.05) / (dark + 0.05) >= 4.5, step
