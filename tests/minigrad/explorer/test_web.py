"""The page's scripts: their own tests under node, and the page in headless Chromium, used as people use it.

Walked from the first backward step to the last, it shows the engine's own gradients; and no request leaves it.
"""

import json
import re
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from layers import GRU, Dense, Embedding
from minigrad.backward import sweep
from minigrad.explorer.arrays import summary, whole
from minigrad.graph import Leaf, ancestors, dense

from .conftest import HERE, NODE, PACKAGE, Keys, needs_node, run_node
from .test_arrays import SHAPES

WALK = (HERE / "walk.js").read_text("utf-8")
CONTRAST = (HERE / "contrast.js").read_text("utf-8")


@needs_node
def test_modules() -> None:
    assert "# fail 0" in run_node(NODE, "--test", "--test-reporter=tap", "page.test.mjs")


@needs_node
@pytest.mark.parametrize("folder", ["minigrad/explorer", "docs/site"])
def test_lint(folder: str) -> None:
    linter = PACKAGE / "node_modules/.bin/eslint"
    if not linter.exists():
        pytest.skip("eslint is not installed; `npm ci --prefix minigrad/explorer` installs it")
    run_node(str(linter), "--max-warnings", "0", ".", where=PACKAGE.parents[1] / folder)


@needs_node
def test_heat_maps_made_in_the_page_are_those_made_in_python(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    arrays = [rng.normal(size=shape) for shape in [*SHAPES, (11, 12)]]
    arrays[-1][3, 7], arrays[-1][9, 2] = np.nan, np.inf
    path = tmp_path / "arrays.json"
    path.write_text(json.dumps([whole(array) for array in arrays]))
    for array, found in zip(arrays, json.loads(run_node(NODE, "check_heat.mjs", str(path))), strict=True):
        wanted = summary(array)["heat"]
        assert found["rows"] == wanted["rows"]
        values, expected = (np.array(heat["values"], float) for heat in (found, wanted))
        np.testing.assert_allclose(values, expected, rtol=5.1e-3, err_msg=str(array.shape))  # Python sends three digits


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
    gradients = {node: dense(gradient) for node, gradient in sweep(output.node, upstream, keep=set(nodes)).items()}
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


@pytest.mark.parametrize("name", ["network", "rnn"])
def test_what_the_page_recomputes_is_what_the_engine_computed(name: str, page: Any, made: Callable[..., Any]) -> None:
    path, output = made(name)
    page.open(path)
    page.press("w")
    # The same number again: everything is computed again, in double precision, from float32 leaves.
    page.edit(page.run("return document.getElementById('new-value').value"))
    assert_walk(page, output, rtol=2e-6)


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


def not_a_number() -> mg.Tensor:
    x = mg.Tensor([2.0, np.inf, np.nan], requires_grad=True, name="x")
    return (x * x).sum()


def of_nothing() -> mg.Tensor:
    return mg.Tensor(np.zeros((0, 3)), requires_grad=True, name="x").sum()


@pytest.mark.parametrize("build", [masked_both_ways, second_derivative, not_a_number, of_nothing])
def test_other_graphs(build: Callable[[], mg.Tensor], page: Any) -> None:
    mg.seed(4)
    with np.errstate(all="ignore"):
        output = build()
        page.explore(output)
        page.press("w")
        assert_walk(page, output)


def test_by_keyboard_alone(page: Any, made: Callable[..., Any]) -> None:
    page.open(made("rnn")[0])
    hint = page.text(".hint").strip()
    assert hint == "Data flow from left to right, and down each column; gradients come back."
    for key, count in (
        (Keys.ARROW_RIGHT, 2),
        (Keys.ARROW_RIGHT, 3),
        (Keys.ARROW_LEFT, 2),
        (Keys.END, 18),
        (Keys.HOME, 1),
    ):
        page.press(key)
        assert page.text("#count") == f"{count} / 18"
    page.press("f")
    assert page.run("return document.getElementById('tab-forward').getAttribute('aria-selected')") == "true"
    assert "Forward through" in page.text("#panel")
    page.press("b", "/", *"b_h", Keys.ENTER)
    assert page.text("#panel h2") == "rnn.cell.b_h"
    page.press(Keys.ESCAPE, " ")
    assert page.run("return document.getElementById('play').getAttribute('aria-label')") == "Pause"
    at = page.text("#count")
    page.wait(lambda: page.text("#count") != at)
    page.press(" ")
    assert page.run("return document.getElementById('play').getAttribute('aria-label')") == "Play"
    page.focus(".box")
    assert page.run("return document.activeElement.getAttribute('aria-current')") == "step"
    page.press("?")
    assert not page.run("return document.getElementById('help').hidden")
    for selector in ("#slider", "#everything", "#fold", "#scopes summary", "#quiz-toggle", "#fit"):
        page.focus(selector)
    page.press(Keys.ENTER)


def test_a_click_on_a_box_goes_to_its_step_and_a_fold_opens(page: Any, made: Callable[..., Any]) -> None:
    page.open(made("imdb")[0])
    boxes = page.driver.find_elements("css selector", ".box")
    assert len(boxes) < 20
    next(box for box in boxes if "folded" in box.accessible_name).click()
    labels = page.run("return [...document.querySelectorAll('.column-label')].map((label) => label.textContent)")
    assert labels == ["t37", "t38", "t39"]
    next(b for b in page.driver.find_elements("css selector", ".box") if "Tanh" in b.accessible_name).click()
    assert page.text("#panel h2").startswith("Tanh")
    assert "in sequential/rnn/t37" in page.text("#panel .place")
    page.press("w")  # which cannot be recomputed, and says why
    assert "244 gates" in page.text("#whatif")


def test_the_strip_of_time_has_a_bar_and_a_word_for_each_step(page: Any, made: Callable[..., Any]) -> None:
    path, output = made("imdb")
    page.open(path)
    bars = page.driver.find_elements("css selector", ".bars button")
    assert len(bars) == 40
    states = [n for n in ancestors([output.node])[::-1] if n.gate and n.name == "h"]
    gradients = sweep(output.node, output.node.upstream, keep=set(ancestors([output.node])))
    for bar, state in zip(bars, states, strict=True):
        grad, value = re.findall(r"norm of \S+ ([\d.e−]+)", bar.get_attribute("aria-label"))
        assert page.number(grad) == pytest.approx(np.linalg.norm(gradients[state]), rel=1e-3)
        assert page.number(value) == pytest.approx(np.linalg.norm(state.output), rel=1e-3)
        assert "“" in bar.get_attribute("aria-label")
    bars[7].click()
    assert "in sequential/rnn/t07" in page.text("#panel .place")


def test_the_strip_shows_what_a_cut_starves(page: Any, made: Callable[..., Any]) -> None:
    page.open(made("rnn")[0])
    starved = page.run(
        "return [...document.querySelectorAll('.bars button')].map((bar) => bar.className.includes('starved'))"
    )
    assert starved == [True, True, False, False, False]
    assert page.run("return document.querySelectorAll('.edge.cut').length") == 1
    assert page.run("return document.querySelectorAll('.box.gate.starved').length") == 10


def test_the_quiz_knows_right_from_wrong(page: Any, made: Callable[..., Any]) -> None:
    page.open(made("expression")[0])
    page.press("q")
    assert "Hidden" in page.text("#panel")
    assert "0.7864" not in page.text("#panel")
    page.focus("#answer")
    page.press("1", Keys.ENTER)
    assert "1 − z² of tanh is missing" in page.text(".verdict")
    page.press(Keys.BACKSPACE, *"0.7864", Keys.ENTER)
    assert page.text(".verdict").startswith("Right")
    assert "0.7864" in page.text("#panel")
    page.press(Keys.ESCAPE, Keys.ARROW_RIGHT)
    assert "AddGate" in page.text("#panel h2") and "Hidden" in page.text("#panel")
    page.focus("#reveal")
    page.press(Keys.ENTER)
    assert "It is 0.786448" in page.text(".verdict")


def test_what_if_is_what_the_engine_computes(page: Any, made: Callable[..., Any]) -> None:
    page.open(made("expression")[0])
    page.press("w")
    page.edit("1.75")
    a, b, c = mg.Tensor(1.75, requires_grad=True), mg.Tensor(-3.0, requires_grad=True), mg.Tensor(6.5)
    z = mg.tanh(a * b + c)
    z.backward()
    assert a.grad is not None and b.grad is not None
    names = ("loss-before", "loss-now", "by-backward", "by-difference")
    shown = [page.number(page.text(f"#{name} dd")) for name in names]
    assert shown == pytest.approx([np.tanh(0.5), z.item(), a.grad.item(), a.grad.item()], rel=1e-4)
    assert "less than" in page.text("#error dd")
    page.press(Keys.ESCAPE, Keys.END)  # the steps show the edited run as well
    after = page.number(page.text("#panel .delivery:nth-of-type(2) [data-role=after] td"))
    assert after == pytest.approx(b.grad.item(), rel=1e-3)
    page.focus("#reset")
    page.press(Keys.ENTER)
    assert page.text("#loss-now dd") == page.text("#loss-before dd")


def test_twenty_thousand_gates_open_folded(page: Any) -> None:
    z = x = mg.Tensor(0.001, requires_grad=True, name="x")
    for _ in range(20_000):
        z = z + x
    page.explore(z)
    assert len(page.driver.find_elements("css selector", ".box")) == 2
    page.press(Keys.ARROW_RIGHT, Keys.END)
    assert page.text("#count") == "20000 / 20000"
    assert len(page.driver.find_elements("css selector", ".box.gate")) == 50  # the last part alone
    page.press("e")
    assert "20001 boxes" in page.text("#note")
    assert "arrays of more than 8 elements are shown as range, mean and norm" in page.text("#notes")


def test_of_thousands_of_inputs_a_step_shows_some(page: Any) -> None:
    leaves = [mg.Tensor(float(n), requires_grad=True, name=f"x{n}") for n in range(3000)]
    page.explore(mg.stack(leaves).sum())
    page.press(Keys.ARROW_RIGHT)
    assert page.run("return document.querySelectorAll('.delivery').length") == 50
    assert page.text("#panel .more") == "and 2950 more inputs, which are not shown"
    page.press("f", Keys.HOME)
    assert page.run("return document.querySelectorAll('#panel .array').length") == 51
    page.press("/", *"x2999", Keys.ENTER)  # but each of them can be found
    assert page.text("#panel h2") == "x2999"


def test_the_last_thousand_steps_have_bars_each_with_its_own_word(page: Any) -> None:
    w = mg.Tensor(0.9, requires_grad=True, name="w")
    h, s = mg.Tensor(1.0, name="h0"), mg.Tensor(0.5, name="s0")
    for t in range(2000):
        with mg.scope("encoder"), mg.scope(f"t{t:04d}"):
            h = mg.tanh(h * w)
        if t >= 1998:
            with mg.scope("decoder"), mg.scope(f"t{t:04d}"):
                s = mg.tanh(s * h)
    page.explore(s, words=[f"word{t}" for t in range(2000)])
    labels = "return [...document.querySelectorAll('.bars button')].map((bar) => bar.ariaLabel.split(':')[0])"
    assert page.run(labels) == [f"t{t} “word{t}”" for t in range(1000, 2000)]
    assert "the last 1000 of 2000 steps" in page.text("#strip figcaption")
    page.run("const s = document.querySelector('#strip select'); s.value = 1; s.dispatchEvent(new Event('change'))")
    assert page.run(labels) == ["t1998 “word1998”", "t1999 “word1999”"]


@pytest.mark.parametrize("name", ["constructor", "__proto__"])
def test_names_that_every_javascript_object_has(name: str, page: Any) -> None:
    gate = type(name, (mg.Gate,), {"forward": lambda _, x: x * 2.0, "backward": lambda _, dz, z, x: (2.0 * dz,)})
    mg.GATES.pop(name, None)
    z = mg.Tensor(np.ones((2, 3)), requires_grad=True, name=name)
    for step in ("t00", "t01"):
        with mg.scope(name), mg.scope(step):
            z = gate()(z)
    page.explore(z.sum())
    page.press(Keys.ARROW_RIGHT)
    assert page.text("#panel h2").startswith(name)
    page.press("f", Keys.HOME, *[Keys.ARROW_RIGHT] * 3, "b", Keys.HOME, "q", Keys.ARROW_RIGHT)
    page.focus("#answer")
    page.press("7", Keys.ENTER, Keys.ESCAPE)
    assert "Not yet" in page.text(".verdict")
    page.press("w", "/", *name, Keys.ENTER)
    assert page.text("#found").startswith("1 of ")


def test_hostile_names_are_text(page: Any) -> None:
    script = "</script><script>window.ran = 1</script>"
    names = [script, "\"'><img src=x onerror='window.ran = 2'>", "\u202egnitirw", "x" * 10_000, "a\nb\u2028c", "\ud800"]

    class Evil(mg.Tanh):
        """<b>z</b> = </style></script><script>window.ran = 3</script>"""

        symbol = script

    try:
        z = mg.Tensor(1.0, requires_grad=True, name=script)
        for name in names:
            with mg.scope(name), mg.scope("t00"):
                z = Evil()(z * mg.Tensor(0.5, requires_grad=True, name=name))
                z.name = name
    finally:
        del mg.GATES["Evil"]
    for width in (1280, 400):
        page.explore(z, words=[names[1]], width=width)
        page.press("e", "f", Keys.HOME, "b", "q")
        page.press(*[Keys.ARROW_RIGHT] * 12, "w", "/", *"script", Keys.ENTER)
        assert page.run(
            "return window.ran === undefined && document.scripts.length === 2 && !document.querySelector('img, b')"
        )
        assert page.run("return document.body.innerText.includes(arguments[0])", script)
        assert page.run("return document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_widths_and_schemes(width: int, scheme: str, page: Any, made: Callable[..., Any]) -> None:
    page.open(made("imdb")[0], width=width, scheme=scheme)
    page.press(*[Keys.ARROW_RIGHT] * 6)
    assert page.run("return document.documentElement.scrollWidth <= innerWidth")
    assert page.run("return document.getElementById('picture').clientHeight") >= 250
    assert page.run(CONTRAST) == []


def test_everything_has_a_name_for_a_screen_reader(page: Any, made: Callable[..., Any]) -> None:
    page.open(made("rnn")[0])
    page.press("q", "w", "?")
    tree = page.command("Accessibility.getFullAXTree")["nodes"]
    roles = set("button textbox slider combobox spinbutton checkbox tab searchbox image tabpanel".split())
    named = [node for node in tree if node.get("role", {}).get("value") in roles and not node.get("ignored")]
    assert len(named) > 60
    unnamed = [node["role"]["value"] for node in named if not node.get("name", {}).get("value", "").strip()]
    assert unnamed == []
    page.press("q", Keys.ARROW_RIGHT)
    assert page.text("#live").startswith("backward step 2 of 18: AddGate in sequential/dense, gradient norm ")


def test_on_paper_the_graph_and_the_step_remain(page: Any, made: Callable[..., Any]) -> None:
    page.open(made("network")[0])
    page.command("Emulation.setEmulatedMedia", media="print")
    visible = "return arguments[0].map((id) => document.getElementById(id).checkVisibility())"
    try:
        assert page.run(visible, ["picture", "panel", "title"]) == [True] * 3
        assert page.run(visible, ["slider", "search", "quiz-toggle"]) == [False] * 3
    finally:
        page.command("Emulation.setEmulatedMedia", media="")
    assert len(page.command("Page.printToPDF")["data"]) > 10_000


def test_in_a_notebook_s_frame(page: Any, tmp_path: Path) -> None:
    a = mg.Tensor(0.5, requires_grad=True, name="a")
    (tmp_path / "cell.html").write_text(
        f"<!doctype html><html data-ready=1><meta charset=utf-8><p>In [1]:</p>{mg.explore(mg.tanh(a))._repr_html_()}",
        "utf-8",
    )
    page.open(tmp_path / "cell.html")
    page.driver.switch_to.frame(0)
    try:
        page.wait(lambda: page.run("return document.documentElement.dataset.ready"))
        assert page.text("#panel h2") == "Tanh"
    finally:
        page.driver.switch_to.default_content()


def test_the_page_s_policy_forbids_every_request(page: Any, made: Callable[..., Any]) -> None:
    page.open(made("expression")[0])
    blocked = page.driver.execute_async_script(
        """
        const done = arguments[0];
        const blocked = [];
        document.addEventListener("securitypolicyviolation", (event) => blocked.push(event.effectiveDirective));
        new Image().src = "http://127.0.0.1:9/a.png";
        fetch("http://127.0.0.1:9/b").catch(() => {});
        const script = document.createElement("script");
        script.textContent = "window.injected = 1";
        document.body.append(script);
        document.body.insertAdjacentHTML("beforeend", "<p onclick='window.injected = 2'>x</p>");
        document.body.lastChild.click();
        setTimeout(() => done([blocked.sort(), window.injected ?? null]), 300);
        """
    )
    assert set(blocked[0]) == {"connect-src", "img-src", "script-src-attr", "script-src-elem"}
    assert blocked[1] is None
    assert page.problems() != []  # the console names each; that is this test's doing


class Wrong(mg.Gate):
    """z = x², with a rule that forgets the 2."""

    def forward(self, x: Any) -> Any:
        return x * x

    def backward(self, dz: Any, z: Any, x: Any) -> tuple[Any]:
        return (dz * x,)


def test_a_page_with_a_report_opens_at_the_wrong_gate(page: Any) -> None:
    def f(x: Any) -> Any:
        return mg.tanh(Wrong()(x)).sum()

    x = mg.Tensor([0.5, 0.0, 1.5], requires_grad=True, name="x")
    page.explore(f(x), report=mg.gradcheck(f, x))
    assert page.text("#panel h2") == "Wrong"
    assert "gives something else than finite differences" in page.text("#panel .wrong")
    cells = "return [...document.querySelectorAll('[data-role=%s] td')].map((td) => [td.textContent, td.className])"
    recorded, measured = page.run(cells % "recorded"), page.run(cells % "measured")
    assert [outlined for _, outlined in recorded] == ["differs", "", "differs"]  # at 0 both are 0
    for (mine, _), (right, _) in zip(recorded, measured, strict=True):
        assert page.number(right) == pytest.approx(2 * page.number(mine), rel=1e-3, abs=1e-9)
    assert page.run("return document.querySelectorAll('.box.convicted').length") == 1
