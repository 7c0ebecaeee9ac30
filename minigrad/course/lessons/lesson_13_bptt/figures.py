"""Draw strip.svg: the norms of dL/dh_t over twelve steps, computed with the solution.

python -m minigrad.course.lessons.lesson_13_bptt.figures
"""

from pathlib import Path

import numpy as np

from minigrad.course.lessons.lesson_13_bptt.solution import rnn_forward, state_gradients

T, B, D, H = 12, 1, 3, 8


def norms():
    """Return {title: the norms of dL/dh_1 .. dL/dh_T} for the network and sequence in the learner's
    file.
    """
    rng = np.random.default_rng(1)
    W_xh, W_hh = rng.normal(size=(D, H)) * 0.3, np.linalg.qr(rng.normal(size=(H, H)))[0]
    hs = rnn_forward(rng.normal(size=(T, B, D)), np.zeros((B, H)), W_xh, W_hh, np.zeros(H))
    every = rng.normal(size=(T + 1, B, H))
    every /= np.linalg.norm(every, axis=2, keepdims=True)
    every[0] = 0
    last = every.copy()
    last[:-1] = 0
    sent = {"a loss at every step": every, "one loss, at the end": last}
    return {
        what: np.linalg.norm(state_gradients(g, hs, W_hh), axis=(1, 2))[1:]
        for what, g in sent.items()
    }


def svg():
    """Draw the two strips one above the other, on the same scale."""
    rows = norms()
    largest = max(row.max() for row in rows.values())
    parts = ['<rect width="700" height="350" fill="white"/>']
    for number, (what, row) in enumerate(rows.items()):
        base = 140 + 170 * number
        parts.append(
            f'<text x="20" y="{base - 116}"><tspan font-weight="bold">{what}</tspan>: the norm of '
            "dL/dh at step</text>"
        )
        parts.append(f'<line x1="20" x2="680" y1="{base}" y2="{base}" stroke="#888"/>')
        for t, norm in enumerate(row):
            x, height = 20 + 55 * t, 85 * norm / largest
            parts.append(
                f'<rect x="{x + 8}" y="{base - height:.1f}" width="39" '
                f'height="{height:.1f}" fill="#d9730d"/>'
            )
            parts.append(
                f'<text x="{x + 27}" y="{base - height - 5:.1f}" '
                f'text-anchor="middle">{norm:.2f}</text>'
            )
            parts.append(f'<text x="{x + 27}" y="{base + 17}" text-anchor="middle">{t + 1}</text>')
    style = 'font-family="sans-serif" font-size="14" fill="#222"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 700 350" width="700" {style}>{"".join(parts)}</svg>\n'


if __name__ == "__main__":
    (Path(__file__).parent / "strip.svg").write_text(svg(), encoding="utf-8")
