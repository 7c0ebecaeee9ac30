"""The page of `explore` in headless Chromium, and the tests of its scripts under node."""

from collections import Counter
from operator import attrgetter

import numpy as np
import pytest

import minigrad as mg
from layers import LSTM, RNN, Dense, Sequential
from minigrad.backward import sweep
from minigrad.gradients import dense
from minigrad.graph import Leaf, Node, ancestors
from tests.blocks import blocks, parameter
from tests.needs import NO_AXE, NO_ESLINT, NODE, needs_node

from .conftest import (
    AXE,
    BACKSPACE,
    CONTRAST,
    DOWN,
    END,
    ENTER,
    ESCAPE,
    HERE,
    HOME,
    LEFT,
    PACKAGE,
    RIGHT,
    SHIFT,
    TAB,
    UP,
    run_node,
)
from .explored_graphs import KERNEL, attention, convolution, convolved, hand_written
from .test_wrong_gates import squashed

WALK = (HERE / "walk.js").read_text("utf-8")

IN_VIEW = """
const at = document.activeElement;
if (!at.closest("#picture")) return null;
const part = at.matches(".frame-title") ? at.querySelector("text") : at;
const [stage, bar] = ["#stage", ".transport"].map((one) => document.querySelector(one).getBoundingClientRect());
const box = part.getBoundingClientRect();
const inside = box.top >= Math.max(0, stage.top) - 1 && box.bottom <= Math.min(bar.top, stage.bottom) + 1
    && box.left >= stage.left - 1 && box.right <= stage.right + 1;
return [inside, at.textContent, box.toJSON(), stage.toJSON()];
"""
"""Whether the box or the frame's title that has the focus is in view, or null if none has it."""


@needs_node
def test_modules():
    tap = run_node(NODE, "--test", "--test-reporter=tap", "page.test.mjs")
    assert "# fail 0" in tap


@needs_node
@pytest.mark.parametrize("folder", ["minigrad/explorer", "docs/site"])
def test_lint(folder):
    linter = PACKAGE / "node_modules/.bin/eslint"
    if not linter.exists():
        pytest.skip(NO_ESLINT)
    root = PACKAGE.parents[1]
    run_node(str(linter), "--max-warnings", "0", ".", where=root / folder)


# ---- gradients ----


def assert_shows(page, shown, array):
    """Every element is exact where the page lists them; else the range and the norm are right."""
    cells = shown["cells"]
    if cells:
        titles, texts = zip(*cells, strict=True)
        full = [page.number(title.split(" = ")[1]) for title in titles]
        exact = np.array(full, array.dtype)
        np.testing.assert_array_equal(exact, array.ravel())
        rounded = list(map(page.number, texts))
        np.testing.assert_allclose(rounded, exact, rtol=6e-3)
    elif array.size:
        facts = shown["facts"]
        figures = [*facts["range"].split(" to "), facts["norm"]]
        norm = np.linalg.norm(array.astype(float))
        expected = array.min(), array.max(), norm
        np.testing.assert_allclose(list(map(page.number, figures)), expected, 6e-3)


def swept_gradients(output, nodes):
    upstream = output.node.upstream
    if upstream is None:
        upstream = np.ones(output.shape, output.dtype)
    swept = sweep(output.node, upstream, keep=set(nodes))
    return {node: dense(gradient) for node, gradient in swept.items()}


def assert_walk(page, output):
    """Each step shows the engine's gradients, and the leaves' sums are complete at the end."""
    nodes = ancestors([output.node], attrgetter("predecessors"))[::-1]
    gradients = swept_gradients(output, nodes)
    steps = [node for node in reversed(nodes) if node.gate and node in gradients]
    reports: Counter[Node] = Counter()
    finished = set()
    for step, node in zip(page.run(WALK), steps, strict=True):
        assert step["gate"].startswith(node.gate.name)
        assert_shows(page, step["upstream"], gradients[node])
        for parent, shown in zip(node.inputs, step["deliveries"], strict=True):
            if shown["parent"] is None:
                assert parent not in gradients or not parent.requires_grad
                continue
            assert nodes[int(shown["parent"])] is parent
            reports[parent] += 1
            report = shown["report"].strip()
            assert report.startswith(f"{reports[parent]} of ")
            if "complete" in report:
                finished.add(parent)
                assert_shows(page, shown["after"], gradients[parent])
    leaves = {node for node in gradients if isinstance(node, Leaf)}
    assert leaves
    assert leaves <= finished
    for leaf in leaves:
        if leaf.grad is not None:  # what was shown is tensor.grad
            np.testing.assert_array_equal(dense(leaf.grad), gradients[leaf])


@pytest.mark.parametrize("name", ["expression", "network", "rnn", "imdb"])
def test_steps_show_gradients_of_examples(name, page, made):
    path, output = made(name)
    # the example has called backward: its leaves have a .grad to compare with
    assert output.node.upstream is not None
    page.open(path)
    assert_walk(page, output)


def not_finite():
    x = parameter([2.0, np.inf, np.nan], "x")
    empty = parameter(np.zeros((0, 3)), "empty")
    return (x * x).sum() + empty.sum()


@pytest.mark.parametrize("make", [not_finite, convolved, blocks])
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_steps_show_gradients(make, page):
    output = make()
    page.explore(output)
    assert_walk(page, output)


def test_starved_gates_behind_cut_are_pale(page, made):
    page.open(made("rnn")[0])
    for selector, number in {
        ".bars .starved": 2,
        ".edge.cut": 1,
        ".box.gate.starved": 10,
    }.items():
        assert len(page.all(selector)) == number


def test_report_opens_page_at_wrong_gate(page):
    x = parameter([0.5, 0.0, 1.5], "x")
    page.explore(squashed(x), report=mg.gradcheck(squashed, x))
    assert page.text("#panel h2") == "Squash"
    assert "disagrees with finite differences" in page.text("#panel .wrong")
    slopes = 2 / np.cosh(x.array) ** 2
    np.testing.assert_allclose(page.numbers("[data-role=measured] tbody td"), slopes, 1e-3)
    differs = page.all("[data-role=recorded] .differs")
    assert len(differs) == 2  # at 0 the rule is right
    assert len(page.all(".box.wrong-gate")) == 1


def test_attention_shows_its_weights(page):
    q = parameter(np.zeros((2, 1)), "q")
    z = mg.scaled_dot_product_attention(q, q, q, causal=True)
    page.explore(z.sum())
    for key in (RIGHT, "f"):
        page.press(key)
        assert page.numbers("[data-role=saved] tbody td") == [1, 0, 0.5, 0.5]


@pytest.mark.parametrize("fused", [True, False])
def test_attention_has_heat_map(fused, page):
    z, weights = attention(fused, causal=fused)
    page.explore(z, scheme="dark")
    click(page, "ScaledDotProductAttention" if fused else "Softmax")
    assert "with a heat map" in current(page)
    small = page.run("return document.querySelector('.box .pixels').innerHTML")
    heads = [f"example {b}, head {h}" for b in range(2) for h in range(3)]
    assert page.texts("[data-role=heat] option") == heads
    page.focus("[data-role=heat] select")
    page.press(*[DOWN] * 4)  # example 1, head 1
    assert page.run("return document.querySelector('.box .pixels').innerHTML") != small
    page.focus("[data-role=heat] .pixels")
    page.press(DOWN, LEFT)  # from the middle, 2, 2
    text = page.text("[data-role=heat] [role=status]")
    assert text.startswith("A[" if fused else "z[")
    assert "[1, 1, 3, 1] = " in text
    value = page.number(text.split(" = ")[1].split(":")[0])
    assert value == pytest.approx(weights[1, 1, 3, 1], rel=1e-3)
    page.focus("[data-role=heat] summary")
    page.press(ENTER)
    assert page.all("[data-role=heat] li")[0].is_displayed()
    largest = weights[1, 1].argmax(axis=1)
    rows = [text.split(",")[0] for text in page.texts("[data-role=heat] li")]
    assert rows == [f"row {row}: column {column}" for row, column in enumerate(largest)]


def test_softmax_over_classes_has_no_heat_map(page):
    page.explore(mg.softmax(parameter(np.ones((3, 4)), "x")).sum())
    page.press(RIGHT)
    assert page.text("#panel h2") == "Softmax"
    assert page.all(".pixels") == []


# ---- convolutions and windows ----


def lit(page):
    """The outlines in each image: (height) x (width) at (row), (column)."""
    return page.run("""
        const outline = (rect) => {
            const get = (name) => rect.getAttribute(name);
            return `${get("height")}x${get("width")} at ${get("y")},${get("x")}`;
        };
        return [...document.querySelectorAll(".windows .pixels")].map((image) =>
            [...image.querySelectorAll(".lit rect")].map(outline).join(" and "));
    """)


def words(page):
    return page.text(".windows [role=status]")


def result(page):
    return page.number(words(page).split(" = ")[-1])


def test_convolution_lights_up_window_of_output(page):
    page.explore(convolved())
    page.press("f", HOME)
    assert lit(page) == ["2x2 at 1,2", "2x2 at 0,0", "1x1 at 1,2"]
    # rows 1 and 2 of X[0], columns 2 and 3
    sum_of_products = "8 · 1 + 9 · (−2) + 14 · 3 + 15 · 0.5 = 39.5"
    assert words(page) == f"z[0, 0, 1, 2] = Σ x · W = {sum_of_products}"
    page.focus(".pixels[tabindex]")
    up_to_border = [UP, UP]
    page.press(RIGHT, *up_to_border)
    assert lit(page) == ["2x2 at 0,3", "2x2 at 0,0", "1x1 at 0,3"]
    assert result(page) == convolution(0, 0)[0, 3]
    assert page.text("#count").startswith("1 /")  # still at the same step
    for name in ("image", "filter"):
        page.focus(f"select[name={name}]")
        page.press(DOWN)
    assert words(page).startswith("z[1, 1, 1, 2]")
    assert result(page) == convolution(1, 1)[1, 2]
    page.press(ESCAPE, "b")  # the choice stays
    titles = page.texts(".windows .array-title")
    assert titles == ["dz[1, 1]", "W[1, 0]", "dx[1, 0]"]


def test_convolution_lights_up_outputs_that_use_pixel(page):
    page.explore(convolved())
    page.press("b", END)
    image = page.all(".pixels[tabindex]")[0]
    page.hover(image, right=-2.5 * image.size["width"] / 6)
    assert lit(page) == ["2x1 at 0,0", "2x1 at 0,0", "1x1 at 1,0"]
    text = "2 windows contain x[0, 0, 1, 0]. dx[0, 0, 1, 0] = "
    assert words(page).startswith(text)
    dz = 2 * convolution(0, 0)[:, 0]
    first = dz @ KERNEL[0, 0, ::-1, 0]
    assert result(page) == pytest.approx(first, rel=1e-3)
    dz = 2 * convolution(0, 1)[:, 0]
    second = dz @ KERNEL[1, 0, ::-1, 0]
    total, _ = words(page).removeprefix(text).split(",", 1)
    assert page.number(total) == pytest.approx(first + second, rel=1e-3)


def test_convolution_of_image_without_gradient(page):
    page.explore(convolved(requires_grad=False))
    page.press("b", END)
    assert page.texts(".windows .array-title")[-1] == "x[0, 0]"
    assert words(page).startswith("4 windows contain x[0, 0, 1, 3]. Σ dz · W = ")


@pytest.fixture
def row():
    return parameter([[4.0, 1.0, 4.0, 0.0, 5.0]], "x")


def test_max_pool_lights_up_maximum_of_window(page, row):
    z = mg.max_pool(row, 3, stride=2)
    page.explore((z * [[2.0, 3.0]]).sum())
    page.press("f", HOME)
    assert words(page) == "z[0, 1] = the maximum of the window = x[0, 4] = 5"
    assert lit(page) == ["1x3 at 0,2 and 1x1 at 0,4", "1x1 at 0,1"]
    page.press("b")
    none = "2 windows contain x[0, 2], which is the maximum of none."
    assert words(page) == f"{none} dx[0, 2] = Σ dz = 0"
    assert lit(page)[0] == "1x2 at 0,0"
    page.focus(".pixels[tabindex]")
    page.press(LEFT, LEFT)  # of two equal maxima, the first
    one = "1 window contains x[0, 0], which is the maximum of 1."
    assert words(page) == f"{one} dx[0, 0] = Σ dz = 2"


def test_windows_light_up_outputs_that_use_element(page, row):
    z = mg.windows(row, 3, stride=2)
    page.explore((z * np.arange(1.0, 7.0).reshape(1, 2, 3)).sum())
    page.press("b", END)
    # places 2 and 3 of the windows in a row: x[2] is the last of one and the first of the next
    assert words(page) == "2 windows contain x[0, 2]. dx[0, 2] = Σ dz = 3 + 4 = 7"
    assert lit(page)[0] == "1x2 at 0,2"


def ones(*shape):
    return parameter(np.ones(shape), "ones")


def test_convolution_shows_large_arrays_as_images(page):
    x = mg.Tensor(np.arange(192.0).reshape(3, 1, 8, 8), name="x")
    z = mg.conv(x, ones(1, 1, 6, 6))
    page.explore(z.sum())
    page.press("f", HOME)
    names = [image.accessible_name for image in page.all(".array [role=img]")]
    assert names == ["image [0, 0]", "image [1, 0]", "image [2, 0]"]
    page.press("w")
    page.edit("2")  # what-if keeps the images
    assert len(page.all(".array [role=img]")) == 3
    assert "·" in words(page)


def test_convolution_shows_no_images_of_huge_arrays(page):
    z = mg.conv(ones(1, 1, 65, 65), ones(1, 1, 2, 2))
    page.explore(z.sum())
    page.press("f", HOME)
    assert "stores only the first numbers" in page.text(".windows")
    assert page.all(".windows .pixels") == []


# ---- folded boxes ----


def titles(page):
    frames = page.all(".frame-title")
    return [frame.accessible_name.split(",")[0] for frame in frames]


def focused(page):
    return page.driver.switch_to.active_element.accessible_name


def click(page, name):
    """Click the first box whose name starts with this."""
    boxes = page.all(".box")
    next(box for box in boxes if box.accessible_name.startswith(name)).click()


def current(page):
    (box,) = page.all(".box[aria-current]")
    return box.accessible_name


def test_scope_opens_and_folds(page):
    page.explore(blocks())
    # the table, the six scopes in net, and the three boxes after it
    assert len(page.all(".box")) == 1 + 6 + 3
    assert titles(page) == ["net"]
    click(page, "block[1] folded")
    assert titles(page) == ["net", "block[1]"]
    assert len(page.all(".box")) == 10 - 1 + 6
    assert focused(page) == "block[1], open, 30 gates. Activate to fold."
    page.press(ENTER)
    assert focused(page) == "block[1] folded, 30 gates. Activate to open."
    page.press(ENTER)
    assert focused(page).startswith("block[1], open, 30 gates.")
    page.press("e")
    assert len(page.all(".box.gate")) == 125
    assert len(titles(page)) == 1 + 2 + 4 + 4 * 4
    page.press("c")
    assert len(page.all(".box")) == 10
    page.focus(".box.fold")  # Tab reaches a box that is not the current one
    page.press("/", *"block[2]", ENTER)  # what is found is shown
    assert titles(page)[:2] == ["net", "block[2]"]


def test_steps_go_through_folded_box_or_over_it(page):
    page.explore(blocks())

    def at(step, box=None):
        current = page.text(".box[aria-current] .title")
        return page.text("#count") == f"{step} / 125" and box in (None, current)

    page.press(*[RIGHT] * 4)  # the loss, the reshape, two gates of the head
    assert at(5, "block[3]")
    page.press(RIGHT)
    assert at(6)
    assert "2/30" in page.texts(".badge")
    assert page.text("#panel .place") == "in net/block[3]/second"
    page.press("o", RIGHT)
    assert at(35, "block[2]")
    page.press(RIGHT, LEFT, LEFT)
    assert at(5, "block[3]")
    page.press(LEFT)
    assert at(3, "head")
    page.press("o", RIGHT)
    assert at(4, "head")


def test_click_goes_to_step_and_opens_fold(page, made):
    page.open(made("imdb")[0])
    assert len(page.all(".box")) < 20
    click(page, "rnn, 40 steps folded")
    click(page, "h: Tanh")
    assert page.texts(".column-label") == ["t37", "t38", "t39"]
    assert page.text("#panel h2").startswith("Tanh")
    assert "in sequential/rnn/t37" in page.text("#panel .place")


def test_hand_written_loop_has_column_for_each_step(page):
    page.explore(hand_written(), words=[f"word{t}" for t in range(40)])
    assert page.texts(".box.fold .title") == ["loop ×40"]
    assert all(box.size["width"] > 40 for box in page.all(".box"))  # in pixels
    assert len(page.all(".bars .step")) == 40
    page.press(RIGHT, RIGHT)  # the last tanh
    assert page.texts(".column-label") == ["t38", "t39"]
    assert len(page.all(".box.gate")) == 2 + 2 * 5
    assert page.text("#panel .place") == "in loop/t39"
    assert "word39" in page.text(".bars .current")


@pytest.mark.parametrize(
    "layer, states",
    [
        (RNN(3, 4, layers=2), ["h of rnn/cell", "h of rnn/cell_2"]),
        (
            LSTM(3, 2, bidirectional=True),
            [f"{state} of lstm/{cell}" for cell in ("cell", "backward_cell") for state in "hc"],
        ),
    ],
)
def test_strip_shows_states_of_every_step(layer, states, page):
    x = parameter(np.ones((2, 5, 3)), "x")
    page.explore(Sequential(layer, Dense(4, 1))(x).sum())
    assert page.texts("#strip option") == states
    for number, state in enumerate(states):
        page.all("#strip option")[number].click()
        page.all(".bars .step")[0].click()
        name = page.text("#panel h2").split()[-1]
        assert name == state[0]
        page.focus(".bars")
        for t in range(5):
            if t:
                page.press(RIGHT)
            strip = page.run("return document.activeElement.ariaValueText")
            assert strip.startswith(f"t0{t}: ")
            assert f"/t0{t}" in page.text("#panel .place")


def test_large_graph_opens_folded(page):
    z = x = parameter(0.001, "x")
    for often in np.random.default_rng(0).integers(0, 2, 5_000):
        z = z + x if often else x - z
    page.explore(z)
    assert len(page.all(".box")) == 2
    page.press(RIGHT, END)
    assert page.text("#count") == "5000 / 5000"
    assert len(page.all(".box.gate")) == 50  # the last part alone
    note = "arrays of more than 8 elements are shown as a range, mean and norm"
    assert note in page.text("#notes")


# ---- boxes and their names ----


def test_box_of_one_gate(page):
    x = parameter(np.ones((3, 4)), "x")
    with mg.scope("first"), mg.scope("inner"):
        z = mg.tanh(x)
    with mg.scope("second"):
        z = z.sum()
    page.explore(z)
    assert page.text("#facts").startswith("2 gates · ")
    page.press("c")
    for name in ("first", "second"):
        click(page, f"{name} folded, 1 gate. Activate to open.")
        assert focused(page) == f"{name}, open, 1 gate. Activate to fold."
    assert page.texts(".box.fold .subtitle") == ["1 gate"]
    page.press("/", *"x", ENTER, ESCAPE)
    assert "0 of 1 consumer has reported" in page.text("#panel")
    page.explore(mg.tanh(parameter(0.5, "x")))
    assert page.text("#facts").startswith("1 gate · ")


def test_name_of_box_has_shape_and_inputs(page):
    x = mg.Tensor(np.ones((3, 2)), name="x")
    z = x @ parameter(np.ones((2, 4)), "W")
    z.name = "z1"
    page.explore(mg.tanh(z).sum())
    names = [box.accessible_name for box in page.all(".box")]
    assert names == [
        "x, input, shape 3 by 2",
        "W, parameter, shape 2 by 4",
        "z1: MultiplyGate, shape 3 by 4, inputs: x, W",
        "Tanh, shape 3 by 4, inputs: z1",
        "Sum = 11.57, scalar, inputs: Tanh",  # 12 tanh 2
    ]
    many = [parameter(1.0, f"x{n}") for n in range(9)]
    page.explore(mg.stack(many).sum())
    inputs = "inputs: x0, x1, x2, x3, x4, x5 and 3 more"
    assert any(inputs in box.accessible_name for box in page.all(".box"))


def test_labels_stay_in_their_boxes(page):
    x = parameter(np.ones((128, 64, 5, 12), np.float32), "WWWWWWWWWWWWWWWWWWWW")
    y = mg.tanh(x)
    y.name = "the_hidden_representation_after_tanh"
    with mg.scope("a scope with a very long name of many words"):
        z = (y.reshape(128, 320, 12) * 1e-12).transpose(1, 0, 2).mean()
    page.explore(z)
    for key in "ec":
        page.press(key)
        outside = page.run("""
            const texts = [...document.querySelectorAll(".box text:not(.badge)")];
            return texts.filter((text) => {
                const frame = text.closest(".box").querySelector(".shape:not(.behind)");
                const [a, b] = [text, frame].map((one) => one.getBoundingClientRect());
                return a.left < b.left + 1 || a.right > b.right - 1;
            }).map((text) => text.textContent);
        """)
        assert outside == []
    assert "(128, 64, 5, 12)" in page.texts(".subtitle")  # small, but whole
    assert any(title.endswith("…") for title in page.texts(".title"))


@pytest.mark.parametrize("width", [1280, 390])
def test_minimap_covers_no_current_box(width, page, made):
    page.open(made("imdb")[0], width=width)
    page.press("e" if width == 1280 else "c")
    for key in (HOME, RIGHT, RIGHT, END, HOME):
        page.press(key)
        covered = page.run("""
            const map = document.getElementById("minimap");
            const box = document.querySelector(".box[aria-current]");
            const [a, b] = [map, box].map((one) => one.getBoundingClientRect());
            return getComputedStyle(map).visibility === "visible"
                && a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
        """)
        assert not covered


# ---- the list ----


def rows(page):
    return [
        [cell.text for cell in row.find_elements("css selector", "td")]
        for row in page.all("#list tbody tr")
    ]


def test_list_has_inputs_values_and_gradients(page):
    x, w, b = mg.Tensor(2.0, name="x"), parameter(-3.0, "w"), parameter([1.0, 2.0], "b")
    with mg.scope("line"):
        z = x * w + b
    page.explore(z.sum())
    page.press("l")
    assert not page.all("#stage")[0].is_displayed()
    assert rows(page) == [
        ["1", "x input", "", "2", "none"],
        ["2", "w parameter", "", "−3", "4"],
        ["3", "b parameter", "", "(2,) 1, 2", "(2,) 1, 1"],
        ["4", "Hadamard in line", "x (1), w (2)", "−6", "2"],
        ["5", "AddGate in line", "Hadamard (4), b (3)", "(2,) −5, −4", "(2,) 1, 1"],
        ["6", "Sum", "AddGate (5)", "−9", "1"],
    ]
    page.press("q")
    assert {row[-1] for row in rows(page)} == {"none", "hidden by the quiz"}
    page.press("q", "l")
    assert page.all("#stage")[0].is_displayed()
    assert not page.all("#list")[0].is_displayed()


def test_list_stays_in_step_and_follows_keys(page):
    page.explore(hand_written())
    page.focus("#list-toggle")
    page.press(ENTER)

    def at():
        (row,) = page.all("#list [aria-current]")
        return row.find_element("css selector", "td").text

    nodes = 40 * 6 + 4 + 2  # with the slices of x, the four parameters, and the end
    assert at() == str(nodes + 1)  # and h0
    assert page.text("#list caption").startswith(f"201 to {nodes + 1} of {nodes + 1}")
    page.press(RIGHT)
    assert at() == str(nodes)
    page.focus("#list td button")
    page.press(UP)
    assert page.text("#panel h2") == "V"
    page.press(UP)
    assert page.text("#panel .place") == "in loop/t39"
    page.press("/", *"t00", ENTER, ESCAPE)
    assert page.text("#list caption").startswith("1 to 100 of ")
    assert page.text("#panel .place") == "in loop/t00"
    assert page.text("#list [aria-current] button") == page.text("#panel h2")
    page.press("l")
    assert current(page).startswith(page.text("#panel h2"))


# ---- keyboard, quiz and what-if ----


def test_keyboard_reaches_everything(page, made):
    page.open(made("rnn")[0])
    keys = {RIGHT: 2, LEFT: 1, END: 18, HOME: 1}
    for key, count in keys.items():
        page.press(key)
        assert page.text("#count") == f"{count} / 18"
    page.press("f")
    assert "Forward through" in page.text("#panel")
    page.press("b", "/", *"b_h", ENTER)
    assert page.text("#panel h2") == "rnn.cell.b_h"
    page.press(ESCAPE, " ")
    at = page.text("#count")
    page.wait(lambda: page.text("#count") != at)
    page.press(" ", "?")
    assert not page.run("return document.getElementById('help').hidden")
    for selector in ".box #slider #everything #fold #quiz-toggle #fit".split():
        page.focus(selector)


def test_directions_are_reached_without_character_keys(page, made):
    page.open(made("rnn")[0])
    page.run("document.getElementById('characters').click()")
    page.press("f")
    assert "Backward through" in page.text("#panel")
    page.focus("#forward")
    page.press(ENTER)
    assert "Forward through" in page.text("#panel")
    page.focus("#backward")
    page.press(" ")
    assert "Backward through" in page.text("#panel")


@pytest.mark.parametrize("size, opened", [((1280, 800), "e"), ((960, 540), "e"), ((320, 256), "c")])
def test_focus_in_picture_is_in_view(size, opened, page):
    page.explore(attention(fused=True)[0] + blocks())
    page.open(page.folder / "page.html", *size)
    page.press(opened, *["+"] * 4)
    hidden, seen = [], 0
    for keys in (TAB,) * 60, (SHIFT + TAB,) * 60:
        for key in keys:
            page.press(key)
            place = page.run(IN_VIEW)
            if place:
                seen += 1
                hidden += [] if place[0] else [place]
    assert seen > 10
    assert hidden == []


def test_focus_is_never_lost(page):
    """What was pressed may go away: the focus is then near it, not at the start of the page."""

    def at(selector):
        found = "const at = document.activeElement; return [at.matches(arguments[0]), at.outerHTML.slice(0, 200)]"
        matches, html = page.run(found, selector)
        assert matches, html

    page.explore(hand_written())
    for end, button in {END: "next", HOME: "previous"}.items():
        page.press(end)
        page.focus(f"#{button}")
        page.press(ENTER)
        at(f"#{button}")
    page.focus("#panel button.link")
    page.press(ENTER)
    at("#panel")
    page.press(RIGHT)  # still at a step
    assert page.text("#count").startswith("3 / ")
    page.press("q")
    page.focus("#quiz form button:last-of-type")
    page.press(ENTER)
    at("#answer")
    page.press(ESCAPE, "q", "c")
    page.focus(".box.fold[tabindex='0']")
    page.press(ENTER)  # opens it
    at(".box[aria-current]")
    page.press("l")
    at("#list [aria-current] button")
    page.press("l")
    at(".box[aria-current]")
    page.press("l")
    page.run("document.querySelector('#list [data-id]').scrollIntoView()")
    page.press(*"/W", ENTER, ESCAPE)  # the first hundred nodes
    page.focus("#list caption button:last-of-type")
    page.press(ENTER)
    assert page.text("#list caption").startswith("101 to 200 ")
    at("#list caption button:last-of-type")
    page.press(ENTER)  # the end
    at("#list tbody button")
    page.explore(convolved())
    page.press("w")
    page.focus("#leaf")
    page.press(DOWN)
    at("#leaf")


def test_quiz_judges_answers(page, made):
    page.open(made("expression")[0])
    page.press("q")
    assert "0.7864" not in page.text("#panel")
    page.focus("#answer")
    page.press("1", ENTER)
    assert "1 − z² of tanh is missing" in page.text(".verdict")
    page.press(BACKSPACE, *"0.7864", ENTER)
    assert page.text(".verdict").startswith("Right")
    assert "0.7864" in page.text("#panel")
    page.press(ESCAPE, RIGHT)
    page.focus("#reveal")
    page.press(ENTER)
    assert "It is 0.786448" in page.text(".verdict")


def test_quiz_hides_windows(page):
    page.explore(convolved())
    page.press("b", END, "q")
    assert "Hidden" in page.text("#panel .delivery")
    assert page.all(".windows") == []
    page.press("q")
    assert len(page.all(".windows")) == 1


def test_what_if_computes_edited_run(page, made):
    page.open(made("expression")[0])
    page.press("w")
    page.edit("1.75")
    slope = 1 - np.tanh(1.25) ** 2  # a is 1.75, b −3, c 6.5
    for name, value in {
        "loss-before": np.tanh(0.5),
        "loss-now": np.tanh(1.25),
        "by-backward": -3 * slope,
        "by-difference": -3 * slope,
    }.items():
        shown = page.number(page.text(f"#{name} dd"))
        assert shown == pytest.approx(value, rel=1e-4)
    page.press(ESCAPE, END)  # the steps show the edited run as well
    after = page.text("#panel .delivery:nth-of-type(2) [data-role=after] tbody td")
    assert page.number(after) == pytest.approx(1.75 * slope, rel=1e-3)
    page.focus("#reset")
    page.press(ENTER)
    assert page.text("#loss-now dd") == page.text("#loss-before dd")


def test_what_if_names_element_that_does_not_exist(page):
    page.explore(parameter(np.ones((2, 3)), "W").sum())
    page.press("w")
    page.focus("#leaf-index")
    page.run("document.activeElement.select()")
    page.press(*"9, 9")
    fault = page.run("return document.activeElement.ariaDescribedByElements[0]")
    assert "no element “9, 9”" in fault.text
    assert "from 0, 0 to 1, 2" in fault.text
    assert fault.aria_role == "status"
    page.run("document.activeElement.select()")
    page.press(*"1, 2")
    assert fault.text == ""


# ---- for everybody, everywhere ----


def assert_readable(page):
    assert page.run("return document.documentElement.scrollWidth <= innerWidth")
    assert page.run(CONTRAST) == []


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_fits_widths_and_schemes(width, scheme, page, made):
    page.open(made("imdb")[0], width=width, scheme=scheme)
    page.press(*[RIGHT] * 6)
    assert page.run("return document.getElementById('picture').clientHeight") >= 250
    assert_readable(page)


def truncated():
    """Forty steps of a recurrent network, of which the first ten have no gradient."""
    x = mg.Tensor(np.linspace(-1, 1, 240).reshape(2, 40, 3), name="x")
    model = Sequential(RNN(3, 4, truncate=30), Dense(4, 1))
    return mg.mean_squared_error(model(x), np.ones((2, 1)))


@pytest.mark.parametrize("width", [1280, 390, 320])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("make", [lambda: attention(fused=True)[0], truncated, blocks])
def test_axe_finds_nothing(width, scheme, make, page):
    if not AXE.is_file():
        pytest.skip(NO_AXE)
    page.explore(make(), width=width, scheme=scheme)
    details = "document.querySelectorAll('details').forEach((one) => (one.open = true))"
    for keys in [RIGHT], ["q", RIGHT], ["w"], ["f", "?", "l"]:
        page.press(*keys)
        page.run(details)
        assert page.violations() == []
        assert page.run(CONTRAST) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_of_steps_without_gradient(scheme, page):
    page.explore(truncated(), scheme=scheme)
    page.run("""
        for (const [id, step] of [["from", 8], ["to", 12]])
            document.getElementById(id).value = step;
        document.getElementById("open").click();
    """)
    assert len(page.all(".box.gate.starved")) > 9
    for key in HOME, END:
        page.press(key)
        page.press("-")  # the picture stays as it is
        assert page.run(CONTRAST) == []


def test_list_names_scopes_on_narrow_page(page):
    page.explore(blocks(), width=320)
    page.press("l")
    names = [row[1] for row in rows(page)[:20]]
    assert "AddGate in net/block[2]/norm" in names


def test_title_is_shown_in_full_on_narrow_page(page):
    x = parameter(np.ones((2, 3)), "x")
    page.explore(mg.softmax_cross_entropy(x, [0, 1]), width=320)
    assert page.run("""
        const [box, title] = ["h1", "#title"].map((one) => document.querySelector(one));
        return box.scrollWidth <= box.clientWidth && title.getBoundingClientRect().right <= innerWidth;
    """)


@pytest.mark.parametrize("width, scheme", [(1280, "dark"), (400, "light")])
def test_page_of_windows_fits(width, scheme, page):
    page.explore(convolved(), width=width, scheme=scheme)
    page.press("b", END)
    assert_readable(page)


@pytest.mark.parametrize("width, scheme", [(1280, "dark"), (400, "light")])
def test_page_of_scopes_fits(width, scheme, page):
    page.explore(blocks(), width=width, scheme=scheme)
    page.press("e", *[RIGHT] * 6)
    assert_readable(page)


def test_controls_have_names_for_screen_readers(page, made):
    page.open(made("rnn")[0])
    page.press("q", "w", "?")
    roles = "button textbox slider combobox spinbutton checkbox tab searchbox image"
    names = []
    tree = page.command("Accessibility.getFullAXTree")
    for node in tree["nodes"]:
        if node["ignored"]:
            continue
        if node["role"]["value"] in roles.split():
            name = node.get("name", {})
            names.append(name.get("value", "").strip())
    assert len(names) > 60
    assert all(names)
    page.press("q", RIGHT)
    step = "backward step 2 of 18: AddGate in sequential/dense, gradient norm "
    assert page.text("#live").startswith(step)


def test_page_runs_in_notebook_frame(page):
    z = mg.tanh(parameter(0.5, "x"))
    frame = mg.explore(z)._repr_html_()
    path = page.folder / "cell.html"
    path.write_text(f"<!doctype html><html data-ready=1><meta charset=utf-8>{frame}", "utf-8")
    page.open(path)
    page.driver.switch_to.frame(0)
    try:
        page.wait(lambda: page.run("return document.documentElement.dataset.ready"))
        assert page.text("#panel h2") == "Tanh"
    finally:
        page.driver.switch_to.default_content()


# ---- hostile content ----


def test_hostile_names_are_text(page):
    script = "</script><script>window.ran = 1</script>"
    image = "\"'><img src=x onerror='window.ran = 2'>"
    right_to_left = "\u202egnitirw"
    surrogate = "\ud800"
    names = [script, image, right_to_left, "x" * 10_000, "a\nb\u2028c", surrogate]

    class Evil(mg.Tanh):
        """<b>z</b> = </style></script><script>window.ran = 3</script>"""

        symbol = script

    del mg.GATES["Evil"]
    z = parameter(1.0, script)
    for name in names:
        with mg.scope(name), mg.scope("t00"):
            z = Evil()(z * parameter(0.5, name))
            z.name = name
    page.explore(z, words=[image], width=400)
    page.press("e", "f", HOME, "b", "q")
    page.press(*[RIGHT] * 12, "w", "/", *"script", ENTER, ESCAPE, "l")
    assert page.run("return window.ran") is None
    assert page.run("return document.scripts.length") == 2
    assert page.all("img, b") == []
    assert page.run("return document.body.innerText.includes(arguments[0])", script)
    assert page.run("return document.documentElement.scrollWidth <= innerWidth")


def test_policy_of_page_forbids_every_request(page, made):
    page.open(made("expression")[0])
    blocked, injected = page.driver.execute_async_script("""
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
        setTimeout(() => done([blocked, window.injected ?? null]), 300);
    """)
    kinds = {"connect-src", "img-src", "script-src-attr", "script-src-elem"}
    assert set(blocked) == kinds
    assert injected is None
    assert page.problems() != []  # the console names each; that is this test's doing
