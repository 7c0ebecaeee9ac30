"""The page's scripts: their own tests under node, and the page in headless Chromium, used as people
use it.

Walked from the first backward step to the last, it shows the engine's own gradients; and no request
leaves it.
"""

from collections import Counter
from operator import attrgetter

import numpy as np
import pytest

import minigrad as mg
from minigrad.backward import sweep
from minigrad.gradients import dense
from minigrad.graph import Leaf, Node, ancestors
from tests.blocks import blocks

from .conftest import HERE, NODE, PACKAGE, Keys, needs_node, run_node
from .test_wrong_gates import squashed

WALK = (HERE / "walk.js").read_text("utf-8")
CONTRAST = (HERE / "contrast.js").read_text("utf-8")


@needs_node
def test_modules():
    assert "# fail 0" in run_node(
        NODE, "--test", "--test-reporter=tap", "page.test.mjs"
    )


@needs_node
@pytest.mark.parametrize("folder", ["minigrad/explorer", "docs/site"])
def test_lint(folder):
    linter = PACKAGE / "node_modules/.bin/eslint"
    if not linter.exists():
        pytest.skip(
            "eslint is not installed; `npm ci --prefix minigrad/explorer` installs it"
        )
    run_node(str(linter), "--max-warnings", "0", ".", where=PACKAGE.parents[1] / folder)


def assert_shows(page, shown, array):
    """What a block shows is this array: every element to the last digit where they stand there,
    else range and norm.
    """
    if shown["cells"]:
        exact = np.array(
            [page.number(title.split(" = ")[1]) for title, _ in shown["cells"]]
        )
        np.testing.assert_array_equal(exact.astype(array.dtype), array.reshape(-1))
        rounded = [page.number(text) for _, text in shown["cells"]]
        np.testing.assert_allclose(rounded, exact, rtol=6e-3, atol=0)
    elif array.size:
        low, high = shown["facts"]["range"].split(" to ")
        figures = [page.number(text) for text in (low, high, shown["facts"]["norm"])]
        wanted = array.min(), array.max(), np.linalg.norm(array.astype(np.float64))
        assert figures == pytest.approx(wanted, rel=6e-3)


def assert_walk(page, output):
    """Every step in its order, every gradient in its place, every consumer counted, every leaf
    complete.
    """
    nodes = ancestors([output.node], attrgetter("predecessors"))[::-1]
    upstream = output.node.upstream
    if upstream is None:
        upstream = np.ones(output.shape, output.dtype)
    swept = sweep(output.node, upstream, keep=set(nodes))
    gradients = {node: dense(gradient) for node, gradient in swept.items()}
    expected = [node for node in reversed(nodes) if node.gate and node in gradients]
    reports: Counter[Node] = Counter()
    finished: set[Node] = set()
    for step, node in zip(page.run(WALK), expected, strict=True):
        assert step["gate"].startswith(node.gate.name)
        assert_shows(page, step["upstream"], gradients[node])
        for parent, shown in zip(node.inputs, step["deliveries"], strict=True):
            if shown["parent"] is None:
                assert parent not in gradients or not parent.requires_grad
                continue
            assert nodes[int(shown["parent"])] is parent
            reports[parent] += 1
            assert shown["report"].strip().startswith(f"{reports[parent]} of ")
            if "complete" in shown["report"]:
                finished.add(parent)
                assert_shows(page, shown["after"], gradients[parent])
    leaves = {node for node in nodes if isinstance(node, Leaf) and node in gradients}
    assert leaves and leaves <= finished
    for leaf in leaves:
        if leaf.grad is not None:  # what was shown is tensor.grad
            np.testing.assert_array_equal(dense(leaf.grad), gradients[leaf])


@pytest.mark.parametrize("name", ["expression", "network", "rnn", "imdb"])
def test_every_gradient_shown_is_the_engine_s(name, page, made):
    path, output = made(name)
    # the example has called backward: its leaves have a .grad to compare with
    assert output.node.upstream is not None
    page.open(path)
    assert_walk(page, output)


def test_what_is_not_a_number_and_what_is_empty(page):
    x = mg.Tensor([2.0, np.inf, np.nan], requires_grad=True, name="x")
    empty = mg.Tensor(np.zeros((0, 3)), requires_grad=True, name="empty")
    with np.errstate(all="ignore"):
        output = (x * x).sum() + empty.sum()
        page.explore(output)
        assert_walk(page, output)


def test_by_keyboard_alone(page, made):
    page.open(made("rnn")[0])
    keys = {Keys.ARROW_RIGHT: 2, Keys.ARROW_LEFT: 1, Keys.END: 18, Keys.HOME: 1}
    for key, count in keys.items():
        page.press(key)
        assert page.text("#count") == f"{count} / 18"
    page.press("f")
    assert "Forward through" in page.text("#panel")
    page.press("b", "/", *"b_h", Keys.ENTER)
    assert page.text("#panel h2") == "rnn.cell.b_h"
    page.press(Keys.ESCAPE, " ")
    at = page.text("#count")
    page.wait(lambda: page.text("#count") != at)
    page.press(" ", "?")
    assert not page.run("return document.getElementById('help').hidden")
    for selector in ".box #slider #everything #fold #quiz-toggle #fit".split():
        page.focus(selector)


def titles(page):
    return [frame.accessible_name.split(",")[0] for frame in page.all(".frame-title")]


def focused(page):
    return page.driver.switch_to.active_element.accessible_name


def test_a_network_of_blocks_opens_folded_and_a_box_opens_and_folds(page):
    page.explore(blocks())
    # the table, the six scopes in net, and the three boxes after it
    assert len(page.all(".box")) == 1 + 6 + 3 and titles(page) == ["net"]
    next(
        box for box in page.all(".box") if "block[1] folded" in box.accessible_name
    ).click()
    assert titles(page) == ["net", "block[1]"]
    assert len(page.all(".box")) == 10 - 1 + 6
    assert focused(page) == "block[1], open, 30 gates. Activate to fold."
    for name in (
        "block[1] folded, 30 gates. Activate to open.",
        "block[1], open, 30 gates.",
    ):
        page.press(Keys.ENTER)
        assert focused(page).startswith(name)
    page.press("e")
    assert len(page.all(".box.gate")) == 125 and len(titles(page)) == 1 + 2 + 4 + 4 * 4
    page.press("c")
    assert len(page.all(".box")) == 10
    page.focus(".box.fold")  # Tab reaches a box that is not the current one
    page.press("/", *"block[2]", Keys.ENTER)  # what is found is shown
    assert titles(page)[:2] == ["net", "block[2]"]


def test_attention_shows_its_weights(page):
    q = mg.Tensor(np.zeros((2, 1)), requires_grad=True, name="q")
    page.explore(mg.scaled_dot_product_attention(q, q, q, causal=True).sum())
    page.press(Keys.ARROW_RIGHT)
    cells = "[data-role=saved] td"
    assert [page.number(cell.text) for cell in page.all(cells)] == [1, 0, 0.5, 0.5]
    page.press("f")
    assert [page.number(cell.text) for cell in page.all(cells)] == [1, 0, 0.5, 0.5]


X = np.arange(36.0).reshape(2, 1, 3, 6)
KERNEL = np.array([[[[1.0, -2.0], [3.0, 0.5]]], [[[0.0, 1.0], [2.0, -1.0]]]])


def convolved(wants_grad=True):
    """The sum of squares of X * KERNEL: two images of 3 x 6, two filters of 2 x 2."""
    x = mg.Tensor(X, requires_grad=wants_grad, name="x")
    return (mg.conv(x, mg.Tensor(KERNEL, requires_grad=True, name="W")) ** 2).sum()


def lit(page):
    """The outlines in each image: (row, column, height, width)."""
    return page.run(
        "return [...document.querySelectorAll('.windows .pixels')].map((image) =>"
        "[...image.querySelectorAll('.lit rect')].map((rect) =>"
        "['y', 'x', 'height', 'width'].map((name) => Number(rect.getAttribute(name)))))"
    )


def words(page):
    return page.text(".windows [role=status]")


def filtered(image, number):
    """z[image, number] by its definition."""
    at = np.ndindex(2, 5)
    z = [np.sum(X[image, 0, p : p + 2, q : q + 2] * KERNEL[number, 0]) for p, q in at]
    return np.reshape(z, (2, 5))


def test_an_output_lights_up_its_window(page):
    page.explore(convolved())
    page.press("f", Keys.HOME)
    assert lit(page) == [[[1, 2, 2, 2]], [[0, 0, 2, 2]], [[1, 2, 1, 1]]]
    # rows 1 and 2 of X[0], columns 2 and 3
    written = "8 · 1 + 9 · (−2) + 14 · 3 + 15 · 0.5 = 39.5"
    assert words(page) == f"z[0, 0, 1, 2] = Σ x · W = {written}"
    page.focus(".pixels[tabindex]")
    page.press(
        Keys.ARROW_RIGHT, Keys.ARROW_UP, Keys.ARROW_UP
    )  # the picture's border stops it
    assert lit(page) == [[[0, 3, 2, 2]], [[0, 0, 2, 2]], [[0, 3, 1, 1]]]
    assert page.number(words(page).split(" = ")[-1]) == filtered(0, 0)[0, 3]
    assert page.text("#count").startswith("1 /")  # still at the same step
    for name in ("image", "filter"):
        page.focus(f"select[name={name}]")
        page.press(Keys.ARROW_DOWN)
    assert words(page).startswith("z[1, 1, 1, 2]")
    assert page.number(words(page).split(" = ")[-1]) == filtered(1, 1)[1, 2]
    page.press(Keys.ESCAPE, "b")  # the choice stays
    titles = [title.text for title in page.all(".windows .array-title")]
    assert titles == ["dz[1, 1]", "W[1, 0]", "dx[1, 0]"]


def test_a_pixel_lights_up_the_outputs_that_overlap_on_it(page):
    from selenium.webdriver.common.action_chains import ActionChains

    page.explore(convolved())
    page.press("b", Keys.END)
    image = page.all(".pixels[tabindex]")[0]
    side = image.size["width"] / 6
    # the pointer counts from the middle of the picture
    ActionChains(page.driver).move_to_element_with_offset(
        image, -2.5 * side, 0
    ).perform()
    assert lit(page) == [[[0, 0, 2, 1]], [[0, 0, 2, 1]], [[1, 0, 1, 1]]]
    dz = [2 * filtered(0, number) for number in (0, 1)]
    sums = [
        dz[n][0, 0] * KERNEL[n, 0, 1, 0] + dz[n][1, 0] * KERNEL[n, 0, 0, 0]
        for n in (0, 1)
    ]
    assert words(page).startswith("2 windows contain x[0, 0, 1, 0]. dx[0, 0, 1, 0] = ")
    assert page.number(words(page).split(" = ")[-1]) == pytest.approx(sums[0], rel=1e-3)
    total = words(page).split("dx[0, 0, 1, 0] = ")[1].split(",")[0]
    assert page.number(total) == pytest.approx(sum(sums), rel=1e-3)


def test_an_image_without_a_gradient_shows_its_overlaps_too(page):
    page.explore(convolved(wants_grad=False))
    page.press("b", Keys.END)
    assert page.all(".windows .array-title")[-1].text == "x[0, 0]"
    assert words(page).startswith("4 windows contain x[0, 0, 1, 3]. Σ dz · W = ")


def test_strides_maxima_and_windows(page):
    x = mg.Tensor([[4.0, 1.0, 4.0, 0.0, 5.0]], requires_grad=True, name="x")
    page.explore((mg.max_pool(x, 3, stride=2) * [[2.0, 3.0]]).sum())
    page.press("f", Keys.HOME)
    assert words(page) == "z[0, 1] = the maximum of the window = x[0, 4] = 5"
    assert lit(page) == [[[0, 2, 1, 3], [0, 4, 1, 1]], [[0, 1, 1, 1]]]
    page.press("b")
    shown = (
        "2 windows contain x[0, 2], which is the maximum of none. dx[0, 2] = Σ dz = 0"
    )
    assert words(page) == shown and lit(page)[0] == [[0, 0, 1, 2]]
    page.focus(".pixels[tabindex]")
    page.press(Keys.ARROW_LEFT, Keys.ARROW_LEFT)  # of two equal maxima, the first
    assert (
        words(page)
        == "1 window contains x[0, 0], which is the maximum of 1. dx[0, 0] = Σ dz = 2"
    )
    page.explore(
        (mg.windows(x, 3, stride=2) * [[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]).sum()
    )
    page.press("b", Keys.END)
    # places 2 and 3 of the windows in a row: x[2] is the last of one and the first of the next
    assert words(page) == "2 windows contain x[0, 2]. dx[0, 2] = Σ dz = 3 + 4 = 7"
    assert lit(page)[0] == [[0, 2, 1, 2]]


def test_larger_arrays_of_a_convolution_are_images(page):
    x = mg.Tensor(np.arange(3 * 64.0).reshape(3, 1, 8, 8) / 8, name="x")
    page.explore(mg.conv(x, mg.Tensor(np.ones((1, 1, 6, 6)), requires_grad=True)).sum())
    page.press("f", Keys.HOME)
    names = [image.accessible_name for image in page.all(".array [role=img]")]
    assert names == ["image [0, 0]", "image [1, 0]", "image [2, 0]"]
    page.press("w")
    page.edit("2")  # what-if keeps the images
    assert len(page.all(".array [role=img]")) == 3
    assert words(page).count("·") > 0
    huge = mg.Tensor(np.ones((1, 1, 65, 65)), name="huge")
    page.explore(
        mg.conv(huge, mg.Tensor(np.ones((1, 1, 2, 2)), requires_grad=True)).sum()
    )
    page.press("f", Keys.HOME)
    assert "stores only the first numbers" in page.text(".windows")
    assert page.all(".windows .pixels") == []


def test_the_quiz_hides_the_picture_that_shows_its_answer(page):
    page.explore(convolved())
    page.press("b", Keys.END, "q")
    assert "Hidden" in page.text("#panel .delivery") and page.all(".windows") == []
    page.press("q")
    assert len(page.all(".windows")) == 1


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (400, "light")])
def test_windows_in_all_widths_and_schemes(width, scheme, page):
    loss = convolved()
    mg.explore(loss, page.folder / "page.html")
    page.open(page.folder / "page.html", width=width, scheme=scheme)
    page.press("b", Keys.END)
    assert page.run("return document.documentElement.scrollWidth <= innerWidth")
    assert page.run(CONTRAST) == []
    assert_walk(page, loss)


def test_steps_go_through_a_folded_box_or_over_it(page):
    page.explore(blocks())
    page.press(*[Keys.ARROW_RIGHT] * 4)  # the loss, the reshape, two gates of the head
    current = ".box[aria-current]"
    assert (
        page.text("#count") == "5 / 125"
        and page.text(f"{current} .title") == "block[3]"
    )
    page.press(Keys.ARROW_RIGHT)
    assert page.text("#count") == "6 / 125"
    assert "2/30" in [badge.text for badge in page.all(".badge")]
    assert page.text("#panel .place") == "in net/block[3]/second"
    page.press("o", Keys.ARROW_RIGHT)
    assert (
        page.text("#count") == "35 / 125"
        and page.text(f"{current} .title") == "block[2]"
    )
    page.press(Keys.ARROW_RIGHT, Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    assert (
        page.text("#count") == "5 / 125"
        and page.text(f"{current} .title") == "block[3]"
    )
    page.press(Keys.ARROW_LEFT)
    assert page.text("#count") == "3 / 125" and page.text(f"{current} .title") == "head"
    page.press("o", Keys.ARROW_RIGHT)
    assert page.text("#count") == "4 / 125" and page.text(f"{current} .title") == "head"


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (400, "light")])
def test_blocks_in_all_widths_and_schemes(width, scheme, page):
    loss = blocks()
    mg.explore(loss, page.folder / "page.html")
    page.open(page.folder / "page.html", width=width, scheme=scheme)
    page.press("e", *[Keys.ARROW_RIGHT] * 6)
    assert page.run("return document.documentElement.scrollWidth <= innerWidth")
    assert page.run(CONTRAST) == []
    assert_walk(page, loss)


def test_a_click_on_a_box_goes_to_its_step_and_a_fold_opens(page, made):
    page.open(made("imdb")[0])
    assert len(page.all(".box")) < 20
    for word in ("folded", "Tanh"):
        next(box for box in page.all(".box") if word in box.accessible_name).click()
    assert [label.text for label in page.all(".column-label")] == ["t37", "t38", "t39"]
    assert page.text("#panel h2").startswith("Tanh")
    assert "in sequential/rnn/t37" in page.text("#panel .place")


def test_what_a_cut_starves_is_pale(page, made):
    page.open(made("rnn")[0])
    counted = [
        len(page.all(one))
        for one in (".bars .starved", ".edge.cut", ".box.gate.starved")
    ]
    assert counted == [2, 1, 10]


def test_the_quiz_knows_right_from_wrong(page, made):
    page.open(made("expression")[0])
    page.press("q")
    assert "Hidden" in page.text("#panel") and "0.7864" not in page.text("#panel")
    page.focus("#answer")
    page.press("1", Keys.ENTER)
    assert "1 − z² of tanh is missing" in page.text(".verdict")
    page.press(Keys.BACKSPACE, *"0.7864", Keys.ENTER)
    assert page.text(".verdict").startswith("Right") and "0.7864" in page.text("#panel")
    page.press(Keys.ESCAPE, Keys.ARROW_RIGHT)
    page.focus("#reveal")
    page.press(Keys.ENTER)
    assert "It is 0.786448" in page.text(".verdict")


def test_what_if_is_what_the_engine_computes(page, made):
    page.open(made("expression")[0])
    page.press("w")
    page.edit("1.75")
    slope = 1 - np.tanh(1.25) ** 2  # a is 1.75, b −3, c 6.5
    names = ("loss-before", "loss-now", "by-backward", "by-difference")
    shown = [page.number(page.text(f"#{name} dd")) for name in names]
    assert shown == pytest.approx(
        [np.tanh(0.5), np.tanh(1.25), -3 * slope, -3 * slope], rel=1e-4
    )
    page.press(Keys.ESCAPE, Keys.END)  # the steps show the edited run as well
    after = page.number(
        page.text("#panel .delivery:nth-of-type(2) [data-role=after] td")
    )
    assert after == pytest.approx(1.75 * slope, rel=1e-3)
    page.focus("#reset")
    page.press(Keys.ENTER)
    assert page.text("#loss-now dd") == page.text("#loss-before dd")


def test_twenty_thousand_gates_open_folded(page):
    z = x = mg.Tensor(0.001, requires_grad=True, name="x")
    for _ in range(20_000):
        z = z + x
    page.explore(z)
    assert len(page.all(".box")) == 2
    page.press(Keys.ARROW_RIGHT, Keys.END)
    assert page.text("#count") == "20000 / 20000"
    assert len(page.all(".box.gate")) == 50  # the last part alone
    assert (
        "arrays of more than 8 elements are shown as a range, mean and norm"
        in page.text("#notes")
    )


def test_hostile_names_are_text(page):
    script = "</script><script>window.ran = 1</script>"
    names = [
        script,
        "\"'><img src=x onerror='window.ran = 2'>",
        "\u202egnitirw",
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
    page.explore(z, words=[names[1]], width=400)
    page.press("e", "f", Keys.HOME, "b", "q")
    page.press(*[Keys.ARROW_RIGHT] * 12, "w", "/", *"script", Keys.ENTER)
    assert page.run("return window.ran === undefined && document.scripts.length === 2")
    assert page.all("img, b") == []
    assert page.run("return document.body.innerText.includes(arguments[0])", script)
    assert page.run("return document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(
    ("width", "scheme"), [(1280, "light"), (400, "dark"), (400, "light")]
)
def test_widths_and_schemes(width, scheme, page, made):
    page.open(made("imdb")[0], width=width, scheme=scheme)
    page.press(*[Keys.ARROW_RIGHT] * 6)
    assert page.run("return document.documentElement.scrollWidth <= innerWidth")
    assert page.run("return document.getElementById('picture').clientHeight") >= 250
    assert page.run(CONTRAST) == []


def test_everything_has_a_name_for_a_screen_reader(page, made):
    page.open(made("rnn")[0])
    page.press("q", "w", "?")
    roles = (
        "button textbox slider combobox spinbutton checkbox tab searchbox image".split()
    )
    nodes = page.command("Accessibility.getFullAXTree")["nodes"]
    names = [
        node.get("name", {}).get("value", "").strip()
        for node in nodes
        if not node["ignored"] and node["role"]["value"] in roles
    ]
    assert len(names) > 60 and all(names)
    page.press("q", Keys.ARROW_RIGHT)
    assert page.text("#live").startswith(
        "backward step 2 of 18: AddGate in sequential/dense, gradient norm "
    )


def test_in_a_notebook_s_frame(page, tmp_path):
    z = mg.tanh(mg.Tensor(0.5, requires_grad=True))
    cell = f"<!doctype html><html data-ready=1><meta charset=utf-8>{mg.explore(z)._repr_html_()}"
    (tmp_path / "cell.html").write_text(cell, "utf-8")
    page.open(tmp_path / "cell.html")
    page.driver.switch_to.frame(0)
    try:
        page.wait(lambda: page.run("return document.documentElement.dataset.ready"))
        assert page.text("#panel h2") == "Tanh"
    finally:
        page.driver.switch_to.default_content()


def test_the_page_s_policy_forbids_every_request(page, made):
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
    assert set(blocked[0]) == {
        "connect-src",
        "img-src",
        "script-src-attr",
        "script-src-elem",
    }
    assert blocked[1] is None
    assert page.problems() != []  # the console names each; that is this test's doing


def test_a_page_with_a_report_opens_at_the_wrong_gate(page):
    x = mg.Tensor([0.5, 0.0, 1.5], requires_grad=True, name="x")
    page.explore(squashed(x), report=mg.gradcheck(squashed, x))
    assert page.text("#panel h2") == "Squash"
    assert "disagrees with finite differences" in page.text("#panel .wrong")
    cells = [page.number(cell.text) for cell in page.all("[data-role=measured] td")]
    assert cells == pytest.approx(2 / np.cosh(x.array) ** 2, rel=1e-3)
    assert len(page.all("[data-role=recorded] .differs")) == 2  # at 0 the rule is right
    assert len(page.all(".box.wrong-gate")) == 1
