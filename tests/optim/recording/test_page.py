"""The page of a run: one file, what it says at a step, the keyboard, and accessibility."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

import minigrad as mg
import optim
from layers import RNN, Conv2d, Dense, Embedding, Flatten, Sequential, TransformerBlock
from layers.init import uniform
from optim.recording.page import page as page_of
from optim.recording.recorder import Recorder
from tests.minigrad.explorer.conftest import (
    AXE,
    CONTRAST,
    END,
    ENTER,
    HOME,
    LEFT,
    PACKAGE,
    RIGHT,
    Explorer,
    chromium,  # noqa: F401
    run_node,
)
from tests.needs import NO_AXE, NO_ESLINT, needs_node

from .helpers import IDS, X, Y, mean, network, reader, train

FINDING = {
    "what": "The rate is <too> large",
    "effect": "steps are long",
    "remedy": "divide it",
    "certainty": "proved",
    "step": 3,
    "where": "train.py:7",
    "text": "optimizer = SGD()",
    "run": [2.0, 4, 8],
    "trial": [2.0, 1, 0.5],
    "curve": "your run",
    "changed": "with a tenth of the rate",
}


class Tags(HTMLParser):
    """The elements of a page."""

    def __init__(self):
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def data_of(html):
    """The data of a page, without what is packed."""
    text = re.search(r'<script type="application/json" id="data">(.*?)</script>', html)
    assert text
    return json.loads(text[1])


def recorder_of(model, *arguments, **options):
    with Recorder() as recorder:
        train(model, *arguments, **options)
    return recorder


def test_page_has_one_file_and_escapes_what_users_write():
    html = page_of(recorder_of(network()), "</script><b>", [FINDING])
    reader = Tags()
    reader.feed(html)
    tags = reader.found
    assert "b" not in dict(tags)
    assert not [attributes for _, attributes in tags if "src" in attributes]
    assert "default-src 'none'" in html
    assert data_of(html)["title"] == "</script><b>"


def test_losses_of_many_steps_are_ranges():
    with Recorder() as recorder:
        w = mg.Tensor(1.0, requires_grad=True)
        for _ in range(3000):
            (w * w).backward()
    (run,) = data_of(page_of(recorder, "t"))["runs"]
    assert run["count"] == 3000
    assert run["losses"]["shape"] == [3, 1000]
    assert len(run["steps"]) < 60


def test_size_of_an_embedding_is_that_of_the_table():
    (run,) = data_of(page_of(recorder_of(reader(), 3, IDS), "t"))["runs"]
    assert run["parts"][0] == ["sequential.embedding", ["look-up"], 12 * 4]


def test_history_with_values_that_json_lacks():
    recorder = recorder_of(network())
    recorder.runs[0].history = [{"epoch": 1, "step": 4, "train_loss": float("nan")}]
    (run,) = data_of(page_of(recorder, "t"))["runs"]
    assert run["history"] == [{"epoch": 1, "step": 4}]


# ---- in a browser ----


@pytest.fixture(autouse=True)
def seeded():
    mg.seed(0)


@pytest.fixture
def show(chromium, tmp_path):  # noqa: F811
    """Open the page of a Recorder."""
    explorer = Explorer(chromium, tmp_path)

    def opened(recorder, findings=(), **options):
        path = tmp_path / "run.html"
        path.write_text(page_of(recorder, "train.py", findings), "utf-8")
        explorer.open(path, **options)
        return explorer

    yield opened
    assert explorer.problems() == []


def unrolled():
    return Sequential(Embedding(12, 4), RNN(4, 3, fused=False), Dense(3, 2))


def test_slider_moves_with_the_keyboard(show):
    page = show(recorder_of(network(), 6))
    page.focus("#slider")
    page.press(HOME)
    assert page.text("#readout").startswith("Step 1, loss ")
    page.press(RIGHT, RIGHT)
    assert page.text("#readout").startswith("Step 3, loss ")
    page.press(LEFT)
    value = page.run("return document.activeElement.getAttribute('aria-valuetext')")
    assert value.startswith("step 2, loss ")
    page.press(END)
    assert page.text("#readout").startswith("After the last step, 6, loss ")


def test_page_says_what_was_recorded(show):
    recorder = recorder_of(network(), 6)
    (run,) = recorder.runs
    page = show(recorder)
    page.focus("#slider")
    page.press(HOME, RIGHT)
    record = run.records[2]
    assert f"loss {page.number(f'{run.losses[1]:.3g}')}" in page.text("#readout")
    ratios = page.numbers(".update > span:first-child")
    expected = [record["ratio", f"sequential.{name}"] for name in ("dense", "dense_2")]
    np.testing.assert_allclose(ratios, expected, rtol=0.06)
    assert page.texts(".name") == ["dense", "dense_2", "loss"]
    dead = record["dead", "sequential.dense"]
    assert page.texts("td.idle")[0].endswith(f"{dead:.0%} dead")
    labels = page.texts(".examples tbody td:nth-child(2)")
    assert labels == [str(label) for label in Y[:6]]


def test_edges_get_thicker_with_the_gradient(show):
    batches = [X] * 6
    batches[3] = 1000 * X
    recorder = recorder_of(network(), 6, batches, lr=0.0)
    page = show(recorder)
    widths = "return [...document.querySelectorAll('.edge')].map((one) => Number(one.getAttribute('stroke-width')))"
    page.focus("#slider")
    page.press(HOME)
    before = page.run(widths)
    page.press(RIGHT, RIGHT, RIGHT)
    after = page.run(widths)
    edges = [key for key in recorder.runs[0].records[1] if key[0] == "edge"]
    for key, one, other in zip(edges, before, after, strict=True):
        norms = [recorder.runs[0].records[step][key] for step in (1, 4)]
        assert (one < other) == (norms[0] < norms[1])


def test_findings_are_marked_where_they_begin(show):
    page = show(recorder_of(network(), 6), [FINDING])
    assert page.text("#readout").startswith("Step 3, ")
    (flag,) = page.all(".flag")
    assert flag.get_attribute("aria-label") == (
        "Finding 1 begins at step 3: The rate is <too> large"
    )
    words = "Your run ends at 8; repeated with a tenth of the rate, it ends at 0.5."
    assert words in page.text("figcaption")
    page.press(HOME)
    page.focus(".flag")
    page.press("\ue007")
    assert page.text("#readout").startswith("Step 3, ")


def test_network_can_be_chosen(show):
    with Recorder() as recorder:
        train(network(), 3)
        train(unrolled(), 5, IDS)
    page = show(recorder)
    assert page.text("#facts") == "2 networks"
    page.focus("#run")
    page.press("\ue015")
    assert page.texts(".name") == ["embedding", "rnn", "dense", "loss"]


def test_run_that_was_not_recorded(show):
    page = show(Recorder(), [FINDING])
    assert page.text("#facts") == "no step was recorded"
    assert page.texts("h3") == ["1 The rate is <too> large"]


def convolution():
    return Sequential(Conv2d(1, 2, 2), mg.relu, Flatten(), Dense(8, 2))


def attention():
    return Sequential(Embedding(12, 4), TransformerBlock(4, 2), mean, Dense(4, 2))


IMAGES = np.random.default_rng(0).random((8, 1, 3, 3)).astype("float32")
KINDS = [(network, X), (unrolled, IDS), (attention, IDS), (convolution, IMAGES)]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
@pytest.mark.parametrize(("make", "x"), KINDS)
def test_page_is_accessible(show, make, x, scheme, width):
    if not AXE.exists():
        pytest.skip(NO_AXE)
    recorder = recorder_of(make(), 6, x, rule=optim.Adam)
    page = show(recorder, [FINDING], width=width, scheme=scheme)
    assert page.violations() == []
    assert page.run(CONTRAST) == []
    pictures = page.all("[role=img]")
    assert pictures
    assert all(picture.get_attribute("aria-label") for picture in pictures)
    assert page.all("svg[aria-hidden=true]:not(.lines)") == []


def test_curve_of_an_example_is_described(show):
    recorder = recorder_of(network(), 6)
    page = show(recorder)
    page.focus("#slider")
    page.press(HOME)
    steps = int(page.run("return document.getElementById('slider').max")) + 1
    shares = []
    for _ in range(steps):
        shares.append(page.text(".examples tbody td:nth-child(4)"))
        page.press(RIGHT)
    least, *_, most = sorted(shares, key=lambda share: int(share.rstrip("%")))
    curve = page.all(".examples .spark")[0]
    assert curve.accessible_name == (
        f"from {shares[0]} at the first recorded step to {shares[-1]} at the last, between {least} and {most}"
    )


@needs_node
def test_lint():
    linter = PACKAGE / "node_modules/.bin/eslint"
    if not linter.exists():
        pytest.skip(NO_ESLINT)
    folder = PACKAGE.parents[1] / "optim/recording"
    run_node(str(linter), "--max-warnings", "0", ".", where=folder)


def test_page_says_what_is_unusual_in_the_whole_run(show):
    model = network()
    model[0].b.array = np.full(4, -100, np.float32)
    page = show(recorder_of(model, 4))
    assert page.texts("#told li") == [
        "In all recorded steps: more than half of the units dead in dense.",
        "In all recorded steps: no updates in dense, dense_2.",
    ]


def test_step_that_explodes_is_named(show):
    batches = [X] * 6
    batches[3] = 1e5 * X
    page = show(recorder_of(network(), 6, batches))
    assert page.texts("#told li")[0].startswith("At step 4: huge updates in dense")
    page.focus("#jump")
    page.press(ENTER)
    assert page.text("#readout").endswith(", the largest jump")
    assert page.text(".title") == "loss, logarithmic scale"


def test_gradients_that_shrink_are_named(show):
    init = uniform(0.03, 0.04)
    layers = [Dense(3, 3, mg.sigmoid, init=init) for _ in range(3)]
    model = Sequential(*layers, Dense(3, 2))
    mg.softmax_cross_entropy(model(X), Y).backward()
    slopes = [[np.ravel(one.grad) for one in model[i].parameters()] for i in (0, 3)]
    first, last = (np.median(np.log10(abs(np.concatenate(one)))) for one in slopes)
    page = show(recorder_of(model, 4, lr=0.0))
    (words,) = [one for one in page.texts("#told li") if "gradients" in one]
    factor, ends = words.removeprefix("Over the run: gradients shrink by a factor of ").split(
        " ", 1
    )
    assert float(factor.replace(",", "")) == pytest.approx(10 ** (last - first), rel=0.06)
    assert ends == "from dense_4 back to dense."


def test_healthy_run_has_no_warning_and_opens_at_the_last_step(show):
    page = show(recorder_of(network(), 6))
    assert page.texts("#told li") == []
    assert page.text("#readout").startswith("Step 6, ")
    assert not page.all("#jump")[0].is_displayed()


def test_numbers_that_are_not_finite(show):
    """tanh(inf) is 1, so the loss is finite. The gradient inf · 0 of the weight is not."""
    model = Sequential(Dense(1, 1, mg.tanh), Dense(1, 2))
    x = np.array([[np.inf]] + [[1.0]] * 7, np.float32)
    with np.errstate(invalid="ignore"):
        recorder = recorder_of(model, 1, x)
    page = show(recorder)
    assert page.texts(".examples td:first-child")[:2] == ["inf", "1"]
    assert "gradients that are not finite in dense." in page.text("#told")


def test_settings_are_named(show):
    with Recorder() as recorder:
        model = network()
        optimizer = optim.SGD(model.named_parameters(), lr=0.2)
        for lr in (0.2, 0.1):
            optimizer.lr = lr
            mg.softmax_cross_entropy(model(X), Y).backward()
            optim.clip_gradients(model.named_parameters(), 5.0)
            optimizer.step()
    page = show(recorder)
    assert page.text("#settings") == (
        "SGD · learning rate 0.2 to 0.1 · gradients clipped to 5 · batch size 8 · "
        "softmax cross entropy loss"
    )


def test_parts_that_run_only_in_later_steps_have_rows():
    class Critic(Sequential):
        """Judges what a network makes."""

    maker, critic = Sequential(Dense(3, 3)), Critic(Dense(3, 2))
    with Recorder() as recorder:
        for fixed in (True, False):
            made = maker(X)
            score = critic(made.detach() if fixed else made)
            mg.softmax_cross_entropy(score, Y).backward()
    (run,) = data_of(page_of(recorder, "t"))["runs"]
    names = [name for name, _, _ in run["parts"]]
    assert names == ["critic.dense", "sequential.dense", "loss"]
