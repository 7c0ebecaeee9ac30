"""The GPT in short forms: its loss is that of a forward pass in plain NumPy, and it can be broken
off.
"""

import re
from itertools import islice

import numpy as np
import pytest
from safetensors.numpy import load_file

import minigrad as mg
from gpt import EPOCH, GPT, Pieces, make_optimizer, schedule
from minigrad.data import Characters, load_shakespeare
from optim import clip_gradients

LINE = "the film is good, the end is bad.\n"
PYTORCH = [
    4.236173162, 4.204495491, 4.186681098, 4.131064853, 4.094282227, 4.034456124, 3.974980558, 3.914487056,
    3.852607596, 3.831101601,
]  # fmt: skip
SHORT = (
    "--blocks 2 --heads 2 --width 16 --context 12 --batch-size 8 --epochs 1 --lr 0.01 --length 60"
).split()


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "film.txt"
    path.write_text(LINE * 200)
    return path


@pytest.fixture(scope="module")
def short_run(run, text, tmp_path_factory):
    """(folder, what was printed) of one short run."""
    out = tmp_path_factory.mktemp("run")
    return out, run("gpt.py", "--data", text, *SHORT, "--out", out).stdout


def loss_by_hand(weights, x, y):
    """The mean of -log p(next character), from the weights alone."""
    w = {name: array.astype(np.float64) for name, array in weights.items()}
    table = w["embedding.table"]

    def norm(h, name):
        centred = h - h.mean(axis=-1, keepdims=True)
        return (
            centred
            / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)
            * w[f"{name}.gain"]
        )

    def softmax(s):
        odds = np.exp(s - s.max(axis=-1, keepdims=True))
        return odds / odds.sum(axis=-1, keepdims=True)

    h = table[x] + w["positions.table"]
    for block in ("blocks.block", "blocks.block_2"):
        a = norm(h, f"{block}.norm1") @ w[f"{block}.self_attn.W_qkv"]
        heads = []
        for head in (slice(0, 8), slice(8, 16)):
            q, k, v = (part[..., head] for part in np.split(a, 3, axis=-1))
            scores = q @ k.swapaxes(1, 2) / np.sqrt(8)
            heads.append(softmax(np.where(np.tri(12) > 0, scores, -1e9)) @ v)
        h = h + np.concatenate(heads, axis=-1) @ w[f"{block}.self_attn.out_proj.W"]
        a = norm(h, f"{block}.norm2") @ w[f"{block}.linear1.W"]
        a = a / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (a + 0.044715 * a**3)))
        h = h + a @ w[f"{block}.linear2.W"]
    p = softmax(norm(h, "norm") @ table.T)
    return -np.log(np.take_along_axis(p, y[..., None], axis=-1)).mean()


def test_its_loss_is_nats_per_character_of_the_validation_text(short_run):
    out, printed = short_run
    checkpoint = mg.load(out / "weights.safetensors")
    ids = Characters(checkpoint.info["config"]["alphabet"]).encode(LINE * 20)  # a tenth
    used = (len(ids) - 1) // 96 * 96
    x, y = ids[:used].reshape(-1, 12), ids[1 : used + 1].reshape(-1, 12)
    loss = loss_by_hand(load_file(out / "weights.safetensors"), x, y)
    (found,) = re.findall(r"whole validation text: (\S+) nats", printed)
    assert float(found) == pytest.approx(loss, abs=6e-4)
    assert loss < 0.5  # only the beginning of a piece is in doubt
    assert "1.88" in printed and f"--- after {EPOCH} steps ---" in printed
    for name in ("attention.png", "learning_curves.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")


def test_it_writes_on_after_a_prompt(run, short_run):
    arguments = ("--prompt", "the film", "--length", 60, "--temperature", 0)
    written = run("gpt.py", *arguments, "--from", short_run[0]).stdout
    assert written.startswith("the film is good, the end is bad.\nthe film")


def test_ctrl_c_and_resume_give_what_an_unbroken_run_gives(resumed, text):
    broken, whole = resumed("gpt.py", "--data", text, *SHORT)
    assert broken == whole


def test_pieces_are_random_and_y_is_one_ahead():
    pieces = Pieces(np.arange(1000), 5, 4)
    (first, ahead), *others = pieces
    assert first.shape == (5, 4) and len(others) == len(pieces) - 1 == EPOCH - 1
    np.testing.assert_array_equal(ahead, first + 1)
    starts = {int(x[0]) for xs, _ in others for x in xs}
    assert len(starts) > 600 and max(starts) > 950
    assert not np.array_equal(next(iter(pieces))[0], first)  # another epoch


def test_its_first_losses_are_those_of_nanogpt_in_pytorch():
    """`tests/benchmarks/nanogpt.py parity` computed these losses, from equal weights and batches."""
    mg.seed(0)
    model = GPT(66, 64, 128, 4, 4)
    for parameter in model.named_parameters().values():
        parameter.array = parameter.array.astype(np.float64)
    text = load_shakespeare()
    pieces = Pieces(Characters.build(text).encode(text)[: len(text) * 9 // 10], 12, 64)
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
        residual = path.endswith(("out_proj.W", "linear2.W"))
        expected = 1 if "gain" in path else 0.02 / np.sqrt(8) if residual else 0.02
        found = array.mean() if "gain" in path else array.std()
        assert found == pytest.approx(expected, rel=0.03), path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--data none.txt", "No such file"),
        ("--data short.txt", "MG417"),
        ("--heads 3", "MG245"),
        ("--from nowhere", "weights.safetensors"),
        ("--from .", "was not trained by gpt.py"),
        ("--resume .", "there is no snapshot to resume from"),
    ],
)
def test_a_users_mistake_ends_in_a_message(
    run, arguments, message, tmp_path, monkeypatch
):
    (tmp_path / "short.txt").write_text("too short, " * 10)
    mg.save(
        tmp_path / "weights.safetensors", {"dense.W": np.ones((2, 2))}, {"config": {}}
    )
    monkeypatch.chdir(tmp_path)
    assert message in run("gpt.py", *arguments.split(), code=2).stderr
