"""Columns follow time, and rows the step, counted against what the program did."""

from __future__ import annotations

import numpy as np

from .drawn_graphs import read, rnn


def test_each_step_is_a_column_and_the_same_gates_share_a_row():
    picture = read(rnn(8), mode="unrolled")
    for name in ("[ ]", "Tanh", "b_h"):
        places = sorted(
            picture.place(node) for node in picture.nodes if name in picture.text(node)
        )
        xs, ys = zip(*places, strict=True)
        assert len(xs) == 8 and len(set(ys)) == 1, name
        assert np.allclose(
            np.diff(xs), xs[1] - xs[0], atol=0.02
        )  # columns of one width
    loops = [edge for edge in picture.edges if "#00558A" in edge[2].get("color", "")]
    assert len(loops) == 7  # one state from each step to the next
