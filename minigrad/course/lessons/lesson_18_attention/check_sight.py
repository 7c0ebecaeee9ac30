"""Find who sees whom in lesson 18's functions."""

import numpy as np

import minigrad as mg
from minigrad.course.lessons.lesson_18_attention.check_inputs import MATRICES, random, tensor


def sees(f, *inputs):
    """Returns who sees whom: 1 where output position i (row) depends on input position j (column)."""
    found = 0
    for place, x in enumerate(inputs):

        def changed(x, place=place):
            return f(*inputs[:place], x, *inputs[place + 1 :])

        found = found | mg.depends(changed, x, x.ndim - 2, x.ndim - 2).seen
    return found.astype(int)


def who_sees_whom(yours, right):
    """Say which position sees one that it must not see."""
    yours, right = np.asarray(yours), np.asarray(right)
    for i, j in np.argwhere(yours != right):
        if yours[i, j]:
            return f"position {i} sees position {j}, which comes later"
        return f"position {i} does not see position {j}, and it should"
    return None


def seen_in_attention(file):
    def f(k, v):
        """attention(q, k, v, True)"""
        return file.attention(q, k, v, True)

    q, k, v = (tensor(array) for array in random(3, q=(6, 3), k=(6, 3), v=(6, 2)).values())
    return {"sees": sees, "f": f, "k": k, "v": v, "q": q}


def seen_in_multi_head(file):
    def f(x):
        """multi_head(x, W_q, W_k, W_v, W_out, 2, True) with random matrices"""
        return file.multi_head(x, *matrices, 2, True)

    numbers = random(4, x=(1, 6, 4), **dict.fromkeys(MATRICES, (4, 4)))
    x, *matrices = map(tensor, numbers.values())
    return {"sees": sees, "f": f, "x": x}
