"""The page in headless Chromium, used as people use it: keyboard, quiz, what-if, paper; and no request leaves it."""

import re
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.backward import sweep
from minigrad.explorer.collect import _All
from minigrad.fast.kernels import dense
from minigrad.graph import ancestors

pytest.importorskip("selenium", reason="selenium is not installed: the explorer goes undriven")
from selenium.webdriver.common.keys import Keys

CONTRAST = (Path(__file__).parent / "contrast.js").read_text("utf-8")


def test_by_keyboard_alone(page: Any, made: Callable[..., Any]) -> None:
    page.open(made("rnn")[0])
    assert page.text("#count") == "1 / 18"
    page.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert page.text("#count") == "3 / 18"
    page.press(Keys.ARROW_LEFT)
    assert page.text("#count") == "2 / 18"
    page.press(Keys.END)
    assert page.text("#count") == "18 / 18"
    page.press(Keys.HOME, "f")
    assert page.run("return document.getElementById('tab-forward').getAttribute('aria-selected')") == "true"
    assert "Forward through" in page.text("#panel")
    page.press("b", "/")
    page.press(*"b_h", Keys.ENTER)
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
    tanh = next(b for b in page.driver.find_elements("css selector", ".box") if "Tanh" in b.accessible_name)
    tanh.click()
    assert page.text("#panel h2").startswith("Tanh")
    assert "in sequential/rnn/t37" in page.text("#panel .place")


def test_the_strip_of_time_has_a_bar_and_a_word_for_each_step(page: Any, made: Callable[..., Any]) -> None:
    path, output = made("imdb")
    page.open(path)
    bars = page.driver.find_elements("css selector", ".bars button")
    assert len(bars) == 40
    states = [n for n in ancestors([output.node])[::-1] if n.gate and n.name == "h"]
    gradients = sweep(output.node, output.node.upstream, keep=_All())
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
    page.focus("#new-value")
    page.run("document.activeElement.select()")
    page.press(*"1.75")
    a, b, c = mg.Tensor(1.75, requires_grad=True), mg.Tensor(-3.0, requires_grad=True), mg.Tensor(6.5)
    z = mg.tanh(a * b + c)
    z.backward()
    assert a.grad is not None and b.grad is not None
    assert page.number(page.text("#loss-before dd")) == pytest.approx(np.tanh(0.5), rel=1e-6)
    assert page.number(page.text("#loss-now dd")) == pytest.approx(z.item(), rel=1e-5)
    assert page.number(page.text("#by-backward dd")) == pytest.approx(float(a.grad), rel=1e-5)
    assert page.number(page.text("#by-difference dd")) == pytest.approx(float(a.grad), rel=1e-4)
    assert "less than" in page.text("#error dd")
    page.press(Keys.ESCAPE, Keys.END)  # the steps show the edited run as well
    assert page.number(page.text("#panel .delivery:nth-of-type(2) [data-role=after] td")) == pytest.approx(
        float(b.grad), rel=1e-3
    )
    page.focus("#reset")
    page.press(Keys.ENTER)
    assert page.text("#loss-now dd") == page.text("#loss-before dd")


@pytest.mark.parametrize("name", ["network", "rnn"])
def test_what_if_agrees_with_its_finite_difference_everywhere(name: str, page: Any, made: Callable[..., Any]) -> None:
    path, output = made(name)
    page.open(path)
    page.press("w")
    script = """
    const picked = [];
    const select = document.getElementById("leaf");
    for (const option of [...select.options]) {
      const chooser = document.getElementById("leaf");
      chooser.value = option.value;
      chooser.dispatchEvent(new Event("change"));
      const gradient = document.querySelector("#by-backward dd").textContent;
      picked.push([Number(option.value), gradient, document.querySelector("#by-difference dd").textContent]);
    }
    return picked;
    """
    nodes = ancestors([output.node], attrgetter("predecessors"))[::-1]
    found = page.run(script)
    assert len(found) >= 4
    for number_of_node, gradient, difference in found:
        node = nodes[number_of_node]
        if node.requires_grad and node.grad is not None:
            stored = dense(node.grad).reshape(-1)[0]
            assert page.number(gradient) == pytest.approx(stored, rel=1e-4, abs=1e-6)
            assert page.number(gradient) == pytest.approx(page.number(difference), rel=1e-4, abs=1e-6)


def test_what_cannot_be_recomputed_says_why(page: Any, made: Callable[..., Any]) -> None:
    page.open(made("imdb")[0])
    page.press("w")
    assert "244 gates" in page.text("#whatif")


def test_twenty_thousand_gates_open_folded(page: Any, tmp_path: Path) -> None:
    z = x = mg.Tensor(0.001, requires_grad=True, name="x")
    for _ in range(20_000):
        z = z + x
    mg.explore(z, tmp_path / "long.html")
    page.open(tmp_path / "long.html")
    assert len(page.driver.find_elements("css selector", ".box")) == 2
    page.press(Keys.ARROW_RIGHT, Keys.END)
    assert page.text("#count") == "20000 / 20000"
    assert len(page.driver.find_elements("css selector", ".box.gate")) == 50  # the last part alone
    page.press("e")
    assert "20001 boxes" in page.text("#note")
    assert "arrays of more than 8 elements are shown as range, mean and norm" in page.text("#notes")


def test_a_page_says_which_way_to_read_it(page: Any, made: Callable[..., Any]) -> None:
    page.open(made("rnn")[0])
    assert page.run("return document.querySelector('.hint').checkVisibility()")
    assert page.text(".hint").strip() == "Data flow from left to right, and down each column; gradients come back."


def test_of_thousands_of_inputs_a_step_shows_some(page: Any, tmp_path: Path) -> None:
    leaves = [mg.Tensor(float(n), requires_grad=True, name=f"x{n}") for n in range(3000)]
    mg.explore(mg.stack(leaves).sum(), tmp_path / "wide.html")
    page.open(tmp_path / "wide.html")
    page.press(Keys.ARROW_RIGHT)
    assert page.text("#panel h2") == "Stack"
    assert page.run("return document.querySelectorAll('.delivery').length") == 50
    assert page.text("#panel .more") == "and 2950 more inputs, which are not shown"
    page.press("f", Keys.HOME)
    assert page.run("return document.querySelectorAll('#panel .array').length") == 51
    page.press("/", *"x2999", Keys.ENTER)  # but each of them can be found
    assert page.text("#panel h2") == "x2999"


def test_of_thousands_of_steps_the_last_have_bars(page: Any, tmp_path: Path) -> None:
    w = mg.Tensor(0.9, requires_grad=True, name="w")
    h = mg.Tensor(1.0, name="h0")
    for t in range(3000):
        with mg.scope("rnn"), mg.scope(f"t{t:04d}"):
            h = mg.tanh(h * w)
    mg.explore(h, tmp_path / "long.html", words=[f"word{t}" for t in range(3000)])
    page.open(tmp_path / "long.html")
    labels = page.run("return [...document.querySelectorAll('.bars button')].map((bar) => bar.ariaLabel.split(':')[0])")
    assert labels == [f"t{t} “word{t}”" for t in range(2000, 3000)]
    assert "the last 1000 of 3000 steps" in page.text("#strip figcaption")


def test_each_bar_has_the_word_of_its_own_step(page: Any, tmp_path: Path) -> None:
    w = mg.Tensor(0.9, requires_grad=True, name="w")
    h, s = mg.Tensor(1.0, name="h0"), mg.Tensor(0.5, name="s0")
    for t in range(4):
        with mg.scope("encoder"), mg.scope(f"t{t:02d}"):
            h = mg.tanh(h * w)
        if t >= 2:
            with mg.scope("decoder"), mg.scope(f"t{t:02d}"):
                s = mg.tanh(s * h)
    mg.explore(s, tmp_path / "late.html", words=["a", "b", "c", "d"])
    page.open(tmp_path / "late.html")
    page.run("const s = document.querySelector('#strip select'); s.value = 1; s.dispatchEvent(new Event('change'))")
    labels = page.run("return [...document.querySelectorAll('.bars button')].map((bar) => bar.ariaLabel.split(':')[0])")
    assert labels == ["t02 “c”", "t03 “d”"]


def test_thousands_of_scopes_share_bands(page: Any, tmp_path: Path) -> None:
    z = mg.Tensor(0.1, requires_grad=True, name="x")
    for number in range(1000):
        with mg.scope(f"block{number // 20}"), mg.scope(f"layer{number}"):
            z = mg.tanh(z)
    mg.explore(z, tmp_path / "scopes.html")
    page.open(tmp_path / "scopes.html")
    assert page.run("return document.querySelectorAll('#scope-list input').length") == 50
    assert page.text("#notes") == "There are too many scopes for a band each: those below depth 1 share one."


@pytest.mark.parametrize("name", ["constructor", "__proto__", "toString"])
def test_names_that_every_javascript_object_has(name: str, page: Any, tmp_path: Path) -> None:
    gate = type(name, (mg.Gate,), {"forward": lambda _, x: x * 2.0, "backward": lambda _, dz, z, x: (2.0 * dz,)})
    mg.GATES.pop(name, None)
    z = mg.Tensor(np.ones((2, 3)), requires_grad=True, name=name)
    for step in ("t00", "t01"):
        with mg.scope(name), mg.scope(step):
            z = gate()(z)
    z.name = name
    mg.explore(z.sum(), tmp_path / "names.html")
    page.open(tmp_path / "names.html")
    page.press(Keys.ARROW_RIGHT)
    assert page.text("#panel h2").startswith(name)
    page.press("f", Keys.HOME, *[Keys.ARROW_RIGHT] * 3, "b", Keys.HOME, "q")
    for _ in range(3):
        page.press(Keys.ARROW_RIGHT)
        if page.run("return document.getElementById('answer') !== null"):
            page.focus("#answer")
            page.press("7", Keys.ENTER, Keys.ESCAPE)
            assert "Not yet" in page.text(".verdict")
    page.press("w", "/", *name, Keys.ENTER)
    assert page.text("#found") == "1 of 3"
    assert page.text("#count") == "3 / 3"


def test_hostile_names_are_text(page: Any, tmp_path: Path) -> None:
    script = "</script><script>window.ran = 1</script>"
    names = [
        script,
        "\"'><img src=x onerror='window.ran = 2'>",
        "\u202egnitirw",
        "مرحبا",
        "x" * 10_000,
        "a\nb\u2028c",
        "\ud800",
    ]

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
    mg.explore(z, tmp_path / "hostile.html", words=[names[1]])
    for width in (1280, 400):
        page.open(tmp_path / "hostile.html", width=width)
        page.press("e", "f", Keys.HOME, "b", "q")
        page.press(*[Keys.ARROW_RIGHT] * 14, "w", "/", *"script", Keys.ENTER)
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


def test_a_page_with_a_report_opens_at_the_wrong_gate(page: Any, tmp_path: Path) -> None:
    def f(x: Any) -> Any:
        return mg.tanh(Wrong()(x)).sum()

    x = mg.Tensor([0.5, 0.0, 1.5], requires_grad=True, name="x")
    path = tmp_path / "wrong.html"
    mg.explore(f(x), path, report=mg.gradcheck(f, x))
    page.open(path)
    assert page.text("#panel h2") == "Wrong"
    assert "gives something else than finite differences" in page.text("#panel .wrong")
    cells = "return [...document.querySelectorAll('[data-role=%s] td')].map((td) => [td.textContent, td.className])"
    recorded, measured = page.run(cells % "recorded"), page.run(cells % "measured")
    assert [outlined for _, outlined in recorded] == ["differs", "", "differs"]  # at 0 both are 0
    for (mine, _), (right, _) in zip(recorded, measured, strict=True):
        assert page.number(right) == pytest.approx(2 * page.number(mine), rel=1e-3, abs=1e-9)
    assert page.run("return document.querySelectorAll('.box.convicted').length") == 1
