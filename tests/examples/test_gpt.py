"""examples/gpt.py: its losses and weights against nanoGPT's, its pieces, and short runs."""

import re
from itertools import islice

import numpy as np
import pytest

import minigrad as mg
from gpt import EPOCH, GPT, Pieces, build, make_optimizer, schedule
from minigrad.data import Characters, load_shakespeare
from optim import clip_gradients
from tests.examples.conftest import LINE, is_png

PYTORCH = [
    4.236173162,
    4.204495491,
    4.186681098,
    4.131064853,
    4.094282227,
    4.034456124,
    3.974980558,
    3.914487056,
    3.852607596,
    3.831101601,
]
"""nanoGPT's first losses, from the script that docs/results.md names, with equal weights and batches."""


@pytest.fixture(scope="module")
def short_run(train_on_text):
    return train_on_text("gpt.py", 200)


def test_loss_is_a_mean_over_the_validation_text(short_run):
    out, printed = short_run
    checkpoint = mg.load(out / "weights.safetensors")
    config = checkpoint.info["config"]
    characters = Characters(config["alphabet"])
    ids = characters.encode(LINE * 20)  # a tenth of the text
    model = build(config, len(characters))
    model.load_state_dict(checkpoint)
    end = (len(ids) - 1) // 96 * 96  # full batches of 8 pieces of 12 characters
    x, y = ids[:end].reshape(-1, 12), ids[1 : end + 1].reshape(-1, 12)
    loss = mg.softmax_cross_entropy(model.eval()(x), y).item()
    (found,) = re.findall(r"whole validation text: (\S+) nats", printed)
    assert float(found) == pytest.approx(loss, abs=6e-4)
    assert loss < 0.5  # only the beginning of a piece is uncertain
    assert "1.88" in printed
    assert f"--- after {EPOCH} steps ---" in printed
    assert is_png(out / "attention.png")
    assert is_png(out / "learning_curves.png")


def test_gpt_continues_a_prompt(run, short_run):
    arguments = ("--prompt", "the film", "--length", 60, "--temperature", 0)
    written = run("gpt.py", *arguments, "--from", short_run[0]).stdout
    assert written.startswith(f"{LINE}the film")


def test_pieces_are_random_and_y_is_one_ahead():
    pieces = Pieces(np.arange(1000), 5, 4)
    (first, ahead), *others = pieces
    assert first.shape == (5, 4)
    assert len(others) == len(pieces) - 1 == EPOCH - 1
    np.testing.assert_array_equal(ahead, first + 1)
    starts = {int(x[0]) for xs, _ in others for x in xs}
    assert len(starts) > 600
    assert max(starts) > 950
    another_epoch, _ = next(iter(pieces))
    assert not np.array_equal(another_epoch, first)


def test_first_losses_equal_nanogpts():
    mg.seed(0)
    model = GPT(66, 64, 128, 4, 4)
    for parameter in model.named_parameters().values():
        parameter.array = parameter.array.astype(np.float64)
    text = load_shakespeare()
    ids = Characters.build(text).encode(text)
    pieces = Pieces(
        ids[: len(ids) * 9 // 10],
        12,
        64,
    )
    optimizer, rates, losses = make_optimizer(model, 1e-3), schedule(2000), []
    for step, (x, y) in enumerate(islice(pieces, len(PYTORCH))):
        optimizer.scale = rates(step)
        loss = mg.softmax_cross_entropy(model(x), y)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(optimizer.parameters(), 1.0)
        optimizer.step()
    np.testing.assert_allclose(losses, PYTORCH, atol=1e-8)


def test_initial_weights_are_nanogpts():
    mg.seed(0)
    weights = GPT(65, 64, 128, 4, 4).state_dict()
    count = (65 + 64) * 128 + 4 * (2 * 128 + 12 * 128**2) + 128
    assert sum(array.size for array in weights.values()) == count
    for path, array in weights.items():
        if path.endswith("gain"):
            np.testing.assert_array_equal(array, 1)
            continue
        added = path.endswith(("out_proj.W", "linear2.W"))
        expected = 0.02 / np.sqrt(8) if added else 0.02
        assert array.std() == pytest.approx(expected, rel=0.03), path
