"""Draws docs/images/writing.png from runs of examples/write_reviews.py: the learning curve, and k2 against bits.

    python docs/make_writing.py RUN K2_RUN...

RUN is the folder of the run whose curve is drawn, each K2_RUN one of a run with another k2. Knows the files that the
example leaves, and nothing of how it trains.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import minigrad as mg


def main(run: Path, others: list[Path]) -> None:
    """Draw the two panels, and print the figures of the second."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.5, 3.6), layout="constrained")
    curve, reach = figure.subplots(1, 2)
    rows = list(csv.DictReader((run / "history.csv").read_text().splitlines()))
    config = mg.load(run / "weights.safetensors").info["config"]
    read = [int(row["step"]) * config["batch_size"] * config["k1"] / 1e6 for row in rows]
    for column, label, style in (("train_loss", "while learning", "--"), ("validation_loss", "held back", "-")):
        curve.plot(read, [float(row[column]) for row in rows], style, marker=".", label=label)
    curve.set(xlabel="million characters read", ylabel="bits per character", title="The learning curve")
    curve.legend()
    found = {}
    for folder in others:
        info = mg.load(folder / "weights.safetensors").info
        found[info["config"]["k2"]] = info["validation_loss"]
        print(f"k2 = {info['config']['k2']}: {info['validation_loss']:.3f} bits per held-back character")
    ks = sorted(found)
    reach.semilogx(ks, [found[k] for k in ks], "o-")
    reach.set_xticks(ks, map(str, ks))
    reach.minorticks_off()
    reach.set(xlabel="k2: characters that the gradient reaches back", title="How far back it pays to reach")
    for axes in (curve, reach):
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(Path(__file__).parent / "images" / "writing.png", dpi=110)


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(folder) for folder in sys.argv[2:]])
