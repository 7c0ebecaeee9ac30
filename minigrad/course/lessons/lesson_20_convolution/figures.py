"""Draw edges.svg and filters.svg for lesson 20.

python -m minigrad.course.lessons.lesson_20_convolution.figures
"""

from pathlib import Path

import numpy as np

from minigrad.course.lessons.lesson_20_convolution import check, shading, solution, trained

if __name__ == "__main__":
    image, edge = trained.digits()[1][0][check.EXAMPLE], np.array([[1.0, 0, -1]] * 3)
    edges = {"a digit": image, "kernel": edge, "result": solution.convolve(image, edge, 1)}
    network, before, *_ = trained.train(solution)
    pictures = {
        "edges": edges,
        "filters": dict(list(trained.panels(network, before).items())[4:]),
    }
    for name, panels in pictures.items():
        Path(__file__).with_name(f"{name}.svg").write_text(
            shading.picture(panels, shared=name == "filters"), "utf-8"
        )
