"""What the page is told equals what the engine computed; refusals have their codes; nothing is half-written."""

import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import minigrad as mg
from layers import GRU, LSTM, RNN, Dense, Embedding, Sequential
from minigrad.drawing.boxes import leaf_kind
from minigrad.errors import DtypeError, GradientError, MinigradError, OptionError
from minigrad.explorer import Page
from minigrad.explorer import collect as collecting
from minigrad.explorer.arrays import numbers, summary, whole
from minigrad.explorer.collect import collect_graph
from minigrad.explorer.page import MODULES, script
from minigrad.graph import Leaf, ancestors


def data_of(page: Page) -> dict[str, Any]:
    found = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page.html, re.S)
    data: dict[str, Any] = json.loads(found[0])
    return data


def explored(output: mg.Tensor) -> dict[str, Any]:
    return data_of(mg.explore(output))


def array_at(data: dict[str, Any], number: int) -> np.ndarray:
    entry = data["arrays"][number]
    return np.array([float(x) for x in entry["values"]], entry["dtype"]).reshape(entry["shape"])


def expression() -> tuple[mg.Tensor, list[mg.Tensor]]:
    a, b, c = (mg.Tensor(x, requires_grad=True, name=name) for x, name in [(2.0, "a"), (-3.0, "b"), (6.5, "c")])
    return mg.tanh(a * b + c), [a, b, c]


def test_an_expression_by_hand() -> None:
    data = explored(expression()[0])
    slope = 1 - np.tanh(0.5) ** 2
    names = [node.get("gate", node.get("name")) for node in data["nodes"]]
    assert names == ["a", "b", "c", "Hadamard", "AddGate", "Tanh"]
    found = [array_at(data, node["grad"]).item() for node in data["nodes"]]
    assert found == pytest.approx([-3 * slope, 2 * slope, slope, slope, slope, 1], rel=1e-6)
    values = [array_at(data, node["value"]).item() for node in data["nodes"]]
    assert values[3:] == pytest.approx([-6, 0.5, np.tanh(0.5)])


@pytest.mark.parametrize("layer", [RNN, GRU, LSTM])
def test_every_leaf_gradient_is_the_engine_s(layer: type) -> None:
    mg.seed(1)
    model = Sequential(Embedding(6, 3), layer(3, 2), Dense(2, 2))
    loss = mg.softmax_cross_entropy(model(np.array([[0, 5, 2, 2], [1, 1, 4, 0]])), [0, 1])
    loss.backward()
    data = explored(loss)
    leaves = {node["name"]: node for node in data["nodes"] if node["kind"] == "parameter"}
    assert set(leaves) == set(model.named_parameters())
    for name, tensor in model.named_parameters().items():
        np.testing.assert_array_equal(array_at(data, leaves[name]["grad"]), tensor.grad)
        assert "stored" not in leaves[name]


def test_parts_add_up_to_the_gradient_and_arrive_in_order() -> None:
    mg.seed(2)
    W = mg.Tensor(mg.generator().normal(size=(2, 2)), requires_grad=True, name="W")
    b = mg.Tensor(np.zeros(2), requires_grad=True, name="b")
    h = mg.Tensor(np.ones((3, 2)))
    for t in range(4):
        with mg.scope(f"t{t:02d}"):
            h = mg.tanh(h @ W + b)
    loss = h.sum()
    loss.backward()
    data = explored(loss)
    for name, tensor in (("W", W), ("b", b)):
        leaf = next(number for number, node in enumerate(data["nodes"]) if node.get("name") == name)
        parts, sums = [], []
        for node in reversed(data["nodes"]):
            for parent, sent in zip(node.get("inputs", ()), node.get("sends", ()), strict=True):
                if parent == leaf:
                    parts.append(array_at(data, sent["part"]))
                    sums.append(array_at(data, sent["sum"]))
        assert len(parts) == 4
        assert all(part.shape == tensor.shape for part in parts)
        np.testing.assert_allclose(np.cumsum(parts, axis=0), sums, rtol=1e-12)
        assert tensor.grad is not None
        np.testing.assert_allclose(sums[-1], tensor.grad, rtol=1e-12)


def test_a_seed_given_to_backward_is_the_page_s() -> None:
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    y = x * x
    y.backward([1.0, -1.0])
    data = explored(y)
    np.testing.assert_array_equal(array_at(data, data["nodes"][0]["grad"]), [2.0, -4.0])


def test_exploring_touches_no_gradient() -> None:
    z, leaves = expression()
    mg.explore(z)
    assert [leaf.grad for leaf in leaves] == [None] * 3
    assert z.node.upstream is None


def test_a_gradient_of_several_passes_is_said_to_be_another() -> None:
    z, (a, _, _) = expression()
    z.backward()
    z.backward()
    data = explored(z)
    np.testing.assert_array_equal(array_at(data, data["nodes"][0]["stored"]), a.grad)
    assert a.grad is not None
    assert array_at(data, data["nodes"][0]["grad"]) == pytest.approx(a.grad / 2)


def test_behind_a_cut_nothing_has_a_gradient() -> None:
    x = mg.Tensor(0.3, requires_grad=True, name="x")
    before = mg.tanh(x)
    loss = mg.cut(before) * mg.Tensor(2.0, requires_grad=True, name="w")
    data = explored(loss)
    by_name = {node.get("name", node.get("gate", node["kind"])): node for node in data["nodes"]}
    cut = next(node for node in data["nodes"] if node["kind"] == "cut")
    assert data["nodes"][cut["cut"]]["gate"] == "Tanh"
    assert by_name["x"]["starved"] and by_name["Tanh"]["starved"]
    assert "grad" in by_name["w"] and "grad" not in by_name["x"]


def test_sums_too_large_to_keep_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "MOST_SUMS", 10)
    W = mg.Tensor(np.ones((2, 3)), requires_grad=True, name="W")
    data = explored((W * W).sum())
    assert data["nodes"][1]["sends"] == [{}, {}]
    np.testing.assert_array_equal(array_at(data, data["nodes"][0]["grad"]), 2 * np.ones((2, 3)))


def test_a_leaf_is_called_what_drawings_call_it() -> None:
    a = mg.Tensor([1.0, 2.0], requires_grad=True)
    with mg.no_grad():
        computed = a * 3.0
    computed.name = "computed"
    leaves = {
        "parameter": [a],
        "input": [mg.Tensor(np.ones(2)), mg.Tensor(2.0, name="rate")],  # an array needs no name to be an input
        "constant": [mg.Tensor(2.0), computed, a.detach(), mg.Tensor([1.0, 2.0]) * 2.0],
    }
    z = a
    for leaf in [leaf for kind in ("input", "constant") for leaf in leaves[kind]]:
        z = z * leaf
    data = explored(z.sum())
    nodes = ancestors([z.node])[::-1]
    for kind, tensors in leaves.items():
        for leaf in tensors:
            assert data["nodes"][nodes.index(leaf.node)]["kind"] == kind
            assert isinstance(leaf.node, Leaf) and leaf_kind(leaf.node) == kind


def test_a_large_graph_is_told_more_briefly() -> None:
    z = x = mg.Tensor(np.linspace(0.1, 0.9, 9), requires_grad=True, name="x")
    few = mg.Tensor(np.linspace(0.1, 0.8, 8), requires_grad=True, name="few")
    for _ in range(1999):
        z = mg.tanh(z)
    small = explored(z.sum() + few.sum())
    assert small["gates"] == 2002 and "range, mean and norm" in small["notes"][0]
    entries = [small["arrays"][node["value"]] for node in small["nodes"]]
    by_name = {node.get("name"): entry for node, entry in zip(small["nodes"], entries, strict=True)}
    assert by_name["few"]["values"] == few.array.tolist()
    assert "values" not in by_name["x"] and "heat" not in by_name["x"]
    assert by_name["x"]["norm"] == pytest.approx(np.linalg.norm(x.array), rel=1e-6)
    smaller = explored(mg.tanh(x).sum())
    assert smaller["notes"] == [] and "values" in smaller["arrays"][smaller["nodes"][0]["value"]]


def test_a_graph_too_large_for_a_page_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(collecting, "LARGEST", 20)
    monkeypatch.setattr(collecting, "sweep", lambda *_, **__: pytest.fail("it was computed all the same"))
    z = mg.Tensor(1.0, requires_grad=True)
    for _ in range(10):
        z = mg.tanh(z)
    error = refused("MG807", OptionError, z, tmp_path / "page.html")
    assert "11 nodes and 10 lines" in error.what and "20 in all" in error.what
    assert not list(tmp_path.iterdir())
    x = mg.Tensor(1.0, requires_grad=True)
    refused("MG807", OptionError, mg.stack([x] * 19).sum())  # few nodes, but many lines


def test_equal_programs_give_equal_pages() -> None:
    assert mg.explore(expression()[0]).html == mg.explore(expression()[0]).html


def test_a_learner_s_own_gate_is_shown_and_its_missing_formula_named() -> None:
    class Cube(mg.Gate):
        """z = x³. dx = 3 x² dz.

        >>> 1 + 1
        2
        """

        symbol = "x³"

        def forward(self, x: Any) -> Any:
            return x * x * x

        def backward(self, dz: Any, z: Any, x: Any) -> tuple[Any]:
            return (3 * x * x * dz,)

    try:
        data = explored(Cube()(mg.Tensor(2.0, requires_grad=True)))
    finally:
        del mg.GATES["Cube"]
    assert data["rules"][data["nodes"][1]["rule"]] == {"symbol": "x³", "text": "z = x³. dx = 3 x² dz."}
    assert "Cube" in data["replay"]["why_not"]
    assert array_at(data, data["nodes"][0]["grad"]) == 12


def test_more_gates_or_numbers_than_the_page_can_recompute() -> None:
    x = z = mg.Tensor(1.0, requires_grad=True)
    for _ in range(201):
        z = z + x
    assert "201 gates" in explored(z)["replay"]["why_not"]
    assert "numbers" in explored(mg.Tensor(np.ones((400, 400)), requires_grad=True).sum())["replay"]["why_not"]


# ---- arrays ----


@given(arrays(np.float32, array_shapes(max_dims=3, max_side=4), elements=st.floats(width=32)))
def test_whole_arrays_lose_no_bit(array: np.ndarray) -> None:
    words = json.loads(json.dumps(whole(array), allow_nan=False))["values"]
    np.testing.assert_array_equal(np.array([float(word) for word in words], np.float32).reshape(array.shape), array)


LARGE = st.sampled_from([(65,), (200,), (9, 9), (70, 1), (1, 70), (3, 30), (5, 4, 7)])


def test_rounding_does_not_make_the_largest_numbers_infinite() -> None:
    entry = summary(np.full((8, 9), 1.7976e308))
    assert json.dumps(entry, allow_nan=False)
    assert entry["heat"]["values"][0] == 1.7976e308


@given(arrays(np.float64, LARGE, elements=st.floats()))
def test_summaries_are_those_of_the_finite_elements(array: np.ndarray) -> None:
    entry = json.loads(json.dumps(summary(array), allow_nan=False))
    finite = array[np.isfinite(array)]
    assert entry.get("unfinite", 0) == array.size - finite.size
    if finite.size:
        assert (float(entry["low"]), float(entry["high"])) == pytest.approx((finite.min(), finite.max()), rel=1e-6)
    assert len(entry["heat"]["values"]) <= 64


def test_a_heat_map_of_a_matrix_by_hand() -> None:
    blocks = np.arange(64.0).reshape(8, 8)
    array = np.kron(blocks, np.ones((4, 2)))
    assert summary(array)["heat"] == {"rows": 8, "values": blocks.reshape(-1).tolist()}
    assert summary(array)["norm"] == pytest.approx(np.linalg.norm(array), rel=1e-6)


def test_integers_and_booleans_travel_as_integers() -> None:
    assert numbers(np.array([True, False])) == [1, 0]
    assert numbers(np.array([[2**53], [-1]])) == [2**53, -1]


# ---- the page as text ----


HOSTILE = [
    "</script><script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>", "<!--<script>", "{{data}}", "a\u2028b",
    "\ud800", "\u202egnp.exe", "x" * 20_000, "&lt;",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_stay_inside_the_data(text: str, tmp_path: Path) -> None:
    with mg.scope(text):
        z = mg.Tensor(1.0, requires_grad=True, name=text) * 2.0
    z.name = text
    page = mg.explore(z, tmp_path / "page.html")
    written = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert written.count("<script") == 2 and written.count("</script>") == 2
    assert "<img" not in written
    data = data_of(page)
    shown = data["nodes"][0]["name"]
    assert shown == text if len(text) <= 500 else shown == text[:499] + "…"


def test_modules_are_joined_completely() -> None:
    code = script()
    assert not re.search(r"^(import|export) ", code, re.M)
    folder = Path(collecting.__file__).parent / "web"
    assert {path.name for path in folder.glob("*.js")} == set(MODULES)
    names = re.findall(r"^(?:export )?(?:async )?(?:function|const|let|class) (\w+)", code, re.M)
    assert len(names) == len(set(names)), "joined to one script, two modules would share a name"
    for place, module in enumerate(MODULES):
        for other in re.findall(r'from "\./(.*?)"', (folder / module).read_text(encoding="utf-8")):
            assert other in MODULES[:place], f"{module} needs {other} before it"


def test_in_a_notebook_the_page_is_a_frame_that_may_run_its_script_only() -> None:
    frame = mg.explore(expression()[0])._repr_html_()
    assert frame.startswith("<iframe srcdoc=") and 'sandbox="allow-scripts"' in frame
    assert frame.count("<") == 2  # everything of the page is inside the attribute


# ---- what is refused ----


def refused(code: str, error: type[MinigradError], *arguments: Any, **options: Any) -> MinigradError:
    with pytest.raises(error) as caught:
        mg.explore(*arguments, **options)
    assert caught.value.code == code
    assert caught.value.remedy
    return caught.value


def test_bad_input() -> None:
    z, (a, _, _) = expression()
    assert "ndarray" in refused("MG801", DtypeError, z.array).what
    assert "'a'" in refused("MG802", GradientError, a).what
    refused("MG122", GradientError, mg.Tensor(1.0) * 2.0)
    with mg.no_grad():
        error = refused("MG122", GradientError, mg.Tensor(1.0) * a)
    assert error.cause == "it was computed inside no_grad"
    assert "holds 3" in refused("MG806", GradientError, a * np.ones(3)).cause
    assert "3 words" in refused("MG804", OptionError, z, words=["a", "b", "c"]).what
    with mg.scope("t00"):
        step = mg.tanh(a)
    assert "1 time steps" in refused("MG804", OptionError, step, words=["a", "b"]).what
    assert mg.explore(step, words=["a"]).path is None
    without_steps = refused("MG804", OptionError, z, words=["a"])
    assert "leave words out" in without_steps.remedy
    assert data_of(mg.explore(step, words=[7]))["words"] == ["7"]  # type: ignore[list-item]


def test_a_path_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    z, _ = expression()
    refused("MG805", OptionError, z, tmp_path / "page.png")
    refused("MG803", OptionError, z, tmp_path / "missing" / "page.html")
    (tmp_path / "folder.html").mkdir()
    refused("MG803", OptionError, z, tmp_path / "folder.html")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.html"]


PATHS = {
    "": "", "..": "", "/": "", "\0": "", ".html": "", "folder": "", "a\0b.html": "no file can have that name",
    "\ud800.html": "no file can have that name", "n" * 300 + ".html": "name too long",
    "d/" * 3000 + "a.html": "name too long", "folder.html": "it is a folder", "file/a.html": "Not a directory",
}  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_is_none_is_named_with_its_cause(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "file").touch()
    for name in (path, Path(path)):
        error = refused("MG803" if PATHS[path] else "MG805", OptionError, expression()[0], name)
        assert repr(os.fspath(name)) in error.what
        assert PATHS[path].lower() in error.cause.lower()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["file", "folder", "folder.html"]


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("minigrad.support.files.open", refuse, raising=False)
    assert refused("MG803", OptionError, expression()[0], tmp_path / "a.html").cause == "Permission denied"


def test_a_loss_that_is_not_a_number_can_still_be_explored() -> None:
    z = mg.Tensor(-1.0, requires_grad=True) * mg.Tensor(np.nan)
    assert explored(z)["arrays"][explored(z)["nodes"][-1]["value"]]["values"] == ["NaN"]


def test_a_leaf_updated_since_is_an_error_not_a_wrong_page() -> None:
    a = mg.Tensor(2.0, requires_grad=True, name="a")
    z = a * a
    a.update(lambda array: array.fill(5.0))
    refused("MG123", GradientError, z)


def test_nodes_keep_the_order_of_time() -> None:
    z, _ = expression()
    data = collect_graph(z.node, np.ones((), np.float32), [])
    assert all(parent < number for number, node in enumerate(data["nodes"]) for parent in node.get("inputs", ()))


def test_source_lines_are_shown_where_they_were_recorded() -> None:
    a = mg.Tensor(0.5, requires_grad=True)
    with mg.trace_lines():
        z = mg.tanh(a)
    assert re.search(r"test_explore_collect\.py:\d+$", explored(z)["nodes"][-1]["source"])
    assert "source" not in explored(mg.tanh(a))["nodes"][-1]


class Squash(mg.Gate):
    """z = tanh(x), with a rule that takes x for z."""

    def forward(self, x: Any) -> Any:
        return np.tanh(x)

    def backward(self, dz: Any, z: Any, x: Any) -> tuple[Any]:
        return (dz * (1 - x * x),)


def squashed(x: Any) -> Any:
    return (2.0 * Squash()(x)).sum()


def test_a_convicted_gate_has_the_measured_gradient() -> None:
    values = np.array([0.5, -1.0, 2.0])
    x = mg.Tensor(values, requires_grad=True)
    page = mg.explore(squashed(x), report=mg.gradcheck(squashed, x))
    (wrong,) = [node for node in data_of(page)["nodes"] if "measured" in node]
    assert wrong["gate"] == "Squash"
    assert array_at(data_of(page), wrong["measured"][0]) == pytest.approx(2 / np.cosh(values) ** 2, rel=1e-6)


def test_a_right_report_marks_nothing() -> None:
    x = mg.Tensor([0.5, 1.0], requires_grad=True)
    page = mg.explore(mg.tanh(x).sum(), report=mg.gradcheck(lambda x: mg.tanh(x).sum(), x))
    assert not any("measured" in node for node in data_of(page)["nodes"])


def test_a_gate_of_a_known_name_is_not_taken_for_that_gate() -> None:
    class Tanh(mg.Gate):
        """z = x, called Tanh."""

        def forward(self, x: Any) -> Any:
            return 1.0 * x

        def backward(self, dz: Any, z: Any, x: Any) -> tuple[Any]:
            return (dz,)

    x = mg.Tensor(2.0, requires_grad=True)
    data = explored(mg.tanh(Tanh()(x)))
    own, known = data["nodes"][1], data["nodes"][2]
    assert (own["gate"], known["gate"]) == ("Tanh", "Tanh")
    assert data["rules"][own["rule"]]["text"] == "z = x, called Tanh."
    assert "rule" not in known


@pytest.mark.parametrize("report", ["a report", mg.gradcheck(squashed, np.array([0.5]))])
def test_what_is_no_report_of_this_graph_is_refused(report: Any) -> None:
    x = mg.Tensor([0.5], requires_grad=True)
    with pytest.raises(OptionError, match="MG808"):
        mg.explore(mg.tanh(x).sum(), report=report)
