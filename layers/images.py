"""Show images, filters and outputs of convolutions in a notebook."""

from itertools import islice

import numpy as np

from minigrad.tensor import TensorLike, as_tensors

__all__ = ["Images"]

MOST = 64  # images that are shown
LEVELS = 20  # shades of a colour


class Images:
    """Images (..., height, width), which a notebook displays if they are the result of a cell.

    Pass a Tensor or an array, such as a batch of images, the filters of a Conv2d, or an array from
    `layers.outputs`. Arrays without negative numbers are shown in grey. Otherwise, positive numbers
    are orange and negative numbers are blue. A colour of the same strength represents the same
    number in all images. NaN and infinity are left blank. At most 64 images are shown.

    >>> from layers import Conv2d
    >>> Images(Conv2d(3, 16, 5).W)
    Images of shape (16, 3, 5, 5)

    Errors: DtypeError for anything but real numbers (MG110).

    Since: 0.2.
    """

    def __init__(self, images: TensorLike) -> None:
        self.array = np.atleast_2d(as_tensors([images])[0].array)

    def __repr__(self) -> str:
        return f"Images of shape {self.array.shape}"

    def _repr_html_(self) -> str:
        *lead, height, width = self.array.shape
        finite = np.nan_to_num(self.array.astype(float), posinf=0, neginf=0)
        levels = np.rint(LEVELS / (abs(finite).max(initial=0) or 1) * finite)
        above = "#e8861a" if (finite < 0).any() else "currentColor"
        side = max(1, round(60 / max(height, width, 1)))
        pictures = []
        for index in islice(np.ndindex(*lead), MOST):
            paths = ""
            for level in set(levels[index].flat) - {0}:
                d = "".join(f"M{x} {y}h1v1h-1z" for y, x in np.argwhere(levels[index] == level))
                fill = above if level > 0 else "#2f7fd6"
                paths += f'<path d="{d}" fill="{fill}" opacity="{abs(level) / LEVELS}"/>'
            pictures.append(
                f'<svg role="img" viewBox="0 0 {width} {height}" width="{width * side}" '
                'shape-rendering="crispEdges" style="margin:3px;outline:1px solid #777777">'
                f"<title>{list(index)}</title>{paths}</svg>"
            )
        return f"<div>{''.join(pictures)}</div><small>{self}</small>"
