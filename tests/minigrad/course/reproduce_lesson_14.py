"""Runs lesson 14's experiments with its solution: `python tests/minigrad/course/reproduce_lesson_14.py`, half a minute.

With each of three seeds the network of docs/results.md, 1a, must be within .01 of Keras's .793, and the truncated one
must fall behind; the network with the leak must fall from above .9 to below .6. Exit code 1 if anything differs.
"""

import sys

from minigrad.course.lessons.lesson_14_imdb import experiment, solution

KERAS = 0.793


def main() -> int:
    """Run, compare, say what differs."""
    leaked, honest = experiment.find_the_leak(solution)
    found = experiment.three_seeds(solution)
    wrong = [f"seed {seed}: {full:.4f} is not within .01 of {KERAS}"
             for seed, full in enumerate(found["full"]) if abs(full - KERAS) > 0.01]  # fmt: skip
    wrong += [f"seed {seed}: truncated {truncated:.4f} is as good as {full:.4f}"
              for seed, (full, truncated) in enumerate(zip(found["full"], found["truncated"], strict=True))
              if truncated > full - 0.01]  # fmt: skip
    if not (leaked > 0.9 and honest < 0.6):
        wrong.append(f"the leak: {leaked:.3f}, without it {honest:.3f}")
    print("\n".join(wrong) or "as it should be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
