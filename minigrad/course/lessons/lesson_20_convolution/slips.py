"""Typical wrong answers to lesson 20: a part of the solution, and what became of it."""

from minigrad.course.checking.lesson import Slip
from minigrad.course.checking.registry import lesson

SOLUTION = lesson(20).read("solution.py")
SIZE = "(n + 2 * padding - size) // stride + 1"
PADDED = "    z[..., padding : padding + height, padding : padding + width] = x\n"
START = "            i, j = p * stride, q * stride\n            "
WINDOW = f"{START}z[..., p, q, :, :] = x[..., i : i + h, j : j + w]\n"
P_Q = "P, Q = output_size(height, h, stride, 0), output_size(width, w, stride, 0)"
SUM = "(windows(x, kernel.shape, stride) * kernel).sum(axis=(-2, -1))"
PARTS, TOTAL = "windows(x, size, stride)\n    return", "parts.reshape(-1, *size).sum(axis=0)"
FILLED = "            z[..., p, q, :, :] = x[..., i : i + h, j : j + w]\n"
ADDED = f"{START}dx[..., i : i + h, j : j + w] += dz[..., p, q, None, None] * kernel\n"
POOL = "windows(x, (size, size), size).max(axis=(-2, -1))"
FIRST = "            first = window.reshape(*window.shape[:-2], -1).argmax(axis=-1)\n"
CHOSEN = f"{FIRST}            chosen = np.eye(size * size)[first].reshape(window.shape)\n"
MAXIMUM = "window == window.max(axis=(-2, -1), keepdims=True)"
LAST = FIRST.replace("-1).argmax", "size * size)[..., ::-1].argmax").replace(
    "first = ", "first = size * size - 1 - "
)
DOWN = FIRST.replace("window.reshape", "window.swapaxes(-1, -2).reshape")
DOWN += "            chosen = np.eye(size * size)[first].reshape(window.shape).swapaxes(-1, -2)\n"
INTEGERS = "Your result contains only integers, so decimals are cut off. np.zeros makes floats if no type is given."
BACK = "dz[..., p, q, None, None] * chosen"
SLIPS = tuple(Slip(name, SOLUTION.replace(old, new), kind) for name, old, new, kind in (
    ("one window too few", SIZE, "(n + 2 * padding - size) // stride",
     "Your number is one too small. The first window needs no step, so there is one more window than steps."),
    ("one window too many", SIZE, "(n + 2 * padding - size) // stride + 2",
     "Your number is one too large, so the last window leaves the row."),
    ("padding at one end only", SIZE, "(n + padding - size) // stride + 1",
     "You count the padding once. There are `padding` zeros at each end."),
    ("padding forgotten", SIZE, "(n - size) // stride + 1", "You ignore the padding."),
    ("padding forgotten", SIZE, "(n - padding - size) // stride + 1", "The padding makes the row longer, not shorter."),
    ("stride ignored", SIZE, "n + 2 * padding - size + 1",
     "You count the windows of stride 1. A larger stride skips some of them."),
    ("rounded up", SIZE, "-(-(n + 2 * padding - size) // stride) + 1",
     "You round up, so the last window leaves the row if the stride does not fit. Only complete windows count."),
    ("rounded", SIZE, "round((n + 2 * padding - size) / stride) + 1",
     "You round to the nearest integer. Sometimes this counts a window that leaves the row."),
    ("the last start left out", SIZE, "len(range(0, n + 2 * padding - size, stride))",
     "You leave out the last start if the window fits exactly there. A window may end at the last pixel."),
    ("the size forgotten", SIZE, "(n + 2 * padding) // stride",
     "You divide the row by the stride. The last windows then leave the row, because a window has a size."),
    ("parentheses", SIZE, "(n + 2 * padding) // stride - size + 1",
     "You divide only the length of the row by the stride. Count the steps from the first start to the last one."),
    ("windows that do not overlap", SIZE, "(n + 2 * padding) // size",
     "You divide the row into windows side by side. A window moves by the stride, not by its own size."),
    ("1 added before the division", SIZE, "(n + 2 * padding - size + 1) // stride",
     "You add 1 before you divide by the stride. The quotient is the number of steps, and the first window comes on "
     "top of it."),
    ("a float", SIZE, "(n + 2 * padding - size) / stride + 1",
     "You do not round down. A part of a window does not count, and `/` returns a float."),
    ("a float", SIZE, "np.floor((n + 2 * padding - size) / stride + 1)",
     "The number is right, but it is a float. A shape needs an integer."),
    ("zeros on two sides only", "height + 2 * padding, width + 2 * padding))", "height + padding, width + padding))",
     "You add zeros at the top and at the left only. They are needed on all four sides."),
    ("zeros on two sides only", PADDED, "    z[..., :height, :width] = x\n",
     "All your zeros are at the bottom and at the right. The image belongs in the middle."),
    ("zeros on two sides only", PADDED, "    z[..., 2 * padding :, 2 * padding :] = x\n",
     "All your zeros are at the top and at the left. The image belongs in the middle."),
    ("zeros on two sides only", "    z = np.zeros((*front, height + 2 * padding, width + 2 * padding))\n" + PADDED,
     "    z = np.zeros((*front, height + padding, width + padding))\n    z[..., :height, :width] = x\n",
     "You add zeros at the bottom and at the right only. They are needed on all four sides."),
    ("cut to integers", "z = np.zeros((*front, height + 2 * padding, width + 2 * padding))",
     "z = np.zeros((*front, height + 2 * padding, width + 2 * padding), int)", INTEGERS),
    ("cut to integers", "z = np.zeros((*front, P, Q, h, w))", "z = np.zeros((*front, P, Q, h, w), int)", INTEGERS),
    ("cut to integers", POOL, f"{POOL}.astype(int)", INTEGERS),
    ("padding doubled", "    *front, height, width = x.shape\n    z = np.zeros((*front, height + 2",
     "    *front, height, width = x.shape\n    padding *= 2\n    z = np.zeros((*front, height + 2",
     "You add twice as many zeros as `padding` says. It is the number on each side."),
    ("padding of 1 always", PADDED, PADDED.replace("padding", "1"),
     "Your image always starts in row 1. It should start in row `padding`."),
    ("off by one", PADDED, PADDED.replace("padding :", "padding - 1 :").replace("padding +", "padding - 1 +"),
     "Your image starts one row and one column too early. With one row of zeros, it starts in row 1."),
    ("columns only", "height + 2 * padding, width + 2 * padding))\n" + PADDED,
     "height, width + 2 * padding))\n    z[..., padding : padding + width] = x\n",
     "You add zeros at the left and at the right only. Rows of zeros are needed at the top and at the bottom too."),
    ("ones in place of zeros", "z = np.zeros((*front, height + 2", "z = np.ones((*front, height + 2",
     "Your padding contains ones. It should contain zeros."),
    ("the image repeated", "    z = np.zeros((*front, height + 2 * padding, width + 2 * padding))\n" + PADDED,
     "    z = np.pad(x, [(0, 0)] * len(front) + [(padding, padding)] * 2, mode='edge')\n",
     "Your padding repeats the pixels at the edge. It should contain zeros."),
    ("axes in front padded too", "    z = np.zeros((*front, height + 2 * padding, width + 2 * padding))\n" + PADDED,
     "    z = np.pad(x, padding)\n",
     "You add zeros along all axes, so there are additional images. Only height and width get zeros."),
    ("stride ignored", WINDOW, WINDOW.replace("p * stride, q * stride", "p, q"),
     "Your windows always move by one pixel. Window p starts in row p · stride."),
    ("stride ignored", P_Q, f"{P_Q.replace('stride', '1')}\n    stride = 1", "You ignore the stride."),
    ("windows transposed", "z[..., p, q, :, :] = x[..., i : i + h, j : j + w]",
     "z[..., p, q, :, :] = x[..., i : i + h, j : j + w].swapaxes(-1, -2)",
     "Each of your windows is transposed: its rows have become columns."),
    ("windows transposed", "            z[..., p, q, :, :] = x[..., i : i + h, j : j + w]\n    return z\n",
     "            z[..., p, q, :, :] = x[..., i : i + h, j : j + w]\n    return z.swapaxes(-1, -2)\n",
     "Each of your windows is transposed: its rows have become columns."),
    ("rows and columns of windows exchanged", "            z[..., p, q, :, :] = x[..., i : i + h, j : j + w]\n"
     "    return z\n", "            z[..., p, q, :, :] = x[..., i : i + h, j : j + w]\n    return z.swapaxes(-3, -4)\n",
     "p counts the windows across in your result. p counts them down, and q across."),
    ("p and q exchanged", FILLED, FILLED.replace("p, q, :", "q, p, :"),
     "You exchange p and q in the index of the result: p counts the windows down, and q across."),
    ("row and column exchanged", WINDOW, WINDOW.replace("i : i + h, j : j + w", "j : j + h, i : i + w"),
     "You exchange the start of the rows and the start of the columns: p counts the windows down, and q across."),
    *(("stride in one direction only", WINDOW, WINDOW.replace("p * stride, q * stride", moved),
       "You use the stride in one direction only. The window moves by the stride down and across.")
      for moved in ("p * stride, q", "p, q * stride")),
    ("height and width exchanged", "    h, w = size\n", "    w, h = size\n",
     "`size` is (height, width). You take the first number for the width."),
    ("window and position exchanged", "            z[..., p, q, :, :] = x[..., i : i + h, j : j + w]\n    return z\n",
     "            z[..., p, q, :, :] = x[..., i : i + h, j : j + w]\n"
     "    return np.moveaxis(z, (-2, -1), (-4, -3))\n",
     "The axes inside the window come first in your result. P and Q come first, then h and w."),
    ("one window too few", P_Q, "P, Q = (height - h) // stride, (width - w) // stride",
     "Your last windows are missing. There is one more window than steps."),
    ("height and width exchanged", P_Q, P_Q.replace("height, h", "width, h").replace("width, w", "height, w"),
     "You count the windows down with the width, and the windows across with the height."),
    *(("the wrong side of the window", P_Q, P_Q.replace(right, wrong),
       f"You count the windows {where}. Use its {side}.")
      for right, wrong, where, side in (
        ("height, h", "height, w", "down with the width of a window", "height"),
        ("width, w", "width, h", "across with the height of a window", "width"))),
    ("images in the middle", FILLED, FILLED +
     "    return np.moveaxis(z, range(len(front)), range(2, 2 + len(front)))\n",
     "The axes in front of x come after P and Q in your result. They belong in front."),
    ("kernel flipped", SUM, SUM.replace("* kernel)", "* kernel[::-1, ::-1])"),
     "You flip the kernel. This is the convolution of mathematics. Neural networks do not flip it."),
    ("kernel transposed", SUM, SUM.replace("* kernel)", "* kernel.T)"),
     "You transpose the kernel. Its rows belong to the rows of the window."),
    ("square kernels only", SUM, SUM.replace("kernel.shape", "(len(kernel), len(kernel))"),
     "You use the height of the kernel also as its width. Only square kernels allow this."),
    ("not summed", SUM, SUM.removesuffix(".sum(axis=(-2, -1))"),
     "You return the products. Each window gives one number: their sum."),
    ("summed over everything", SUM, SUM.replace("axis=(-2, -1)", ""),
     "You add up everything. Each window has a sum of its own."),
    ("a sum over one axis only", SUM, SUM.replace("(-2, -1)", "-1"),
     "You sum over the columns of the window, but not over its rows."),
    ("axes counted from the left", SUM, SUM.replace("(-2, -1)", "(2, 3)"),
     "You sum over axes 2 and 3. With axes in front, these are not the last two. Count from the end: -2 and -1."),
    ("a mean in place of a sum", SUM, SUM.replace(".sum(", ".mean("),
     "You compute the mean of the products. Their sum is needed."),
    ("a matrix product", SUM, "(windows(x, kernel.shape, stride) @ kernel.T).sum(axis=(-2, -1))",
     "You multiply matrices with @. Each pixel of a window must be multiplied by the weight at the same place."),
    ("stride ignored", SUM, SUM.replace("(windows(x, kernel.shape, stride) *", "(windows(x, kernel.shape, 1)[..., "
     ": (x.shape[-2] - kernel.shape[0]) // stride + 1, : (x.shape[-1] - kernel.shape[1]) // stride + 1, :, :] *"),
     "You ignore the stride: these are the results of the first windows of stride 1."),
    ("the kernel added", SUM, SUM.replace("* kernel", "+ kernel"), "You add the kernel. Multiply by it."),
    ("stride ignored", SUM, SUM.replace("stride", "1"), "You ignore the stride."),
    ("stride ignored", PARTS, "windows(x, size, 1)[..., : dz.shape[-2], : dz.shape[-1], :, :]\n    return",
     "You ignore the stride: these are the first windows of stride 1. dz belongs to the windows that `convolve` used."),
    ("a mean in place of a sum", TOTAL, TOTAL.replace(".sum(", ".mean("),
     "You take the mean over the windows. The kernel acts on all of them, so the contributions add up."),
    ("not summed over the images", TOTAL, "parts.sum(axis=(-4, -3))",
     "You sum over the positions, but not over the images. All images share the same kernel."),
    ("axes counted from the left", TOTAL, "parts.sum(axis=(0, 1))",
     "You sum over axes 0 and 1. With axes in front, these are not all axes but the last two."),
    ("stride ignored", TOTAL, "convolve(x, dz, 1)",
     "Your dz meets neighbouring pixels, as for stride 1. With a larger stride, they are `stride` pixels apart."),
    ("dz moved by the stride", TOTAL, "convolve(x, dz, stride)",
     "You move dz over x in steps of `stride`. The next weight of a kernel meets the next pixel, but the pixels that "
     "one weight meets are `stride` apart."),
    ("only zeros", TOTAL, "np.zeros(size)", "Your gradient contains only zeros, so the kernel would never learn."),
    ("a mean over the images", TOTAL, f"{TOTAL} / max(1, dz[..., 0, 0].size)",
     "You divide by the number of images. If the loss is a mean, then dz already contains this factor."),
    ("a mean over the positions", TOTAL, f"{TOTAL} / dz[0].size if dz.ndim > 2 else {TOTAL} / dz.size",
     "You divide by the number of positions. The contributions add up."),
    ("not summed over positions", TOTAL, "parts",
     "You return one gradient for each window. All of them share the same kernel, so their contributions add up."),
    ("only one window", TOTAL, "parts.reshape(-1, *size)[-1]",
     "You keep the contribution of the last window only. All windows contribute to the same kernel."),
    ("only the first image", TOTAL, "parts.reshape(-1, *dz.shape[-2:], *size)[0].sum(axis=(0, 1))",
     "You use the first image only. All images contribute to the kernel."),
    ("only the last image", TOTAL, "parts.reshape(-1, *dz.shape[-2:], *size)[-1].sum(axis=(0, 1))",
     "You use the last image only. All images contribute to the kernel."),
    ("dz forgotten", "parts = dz[..., None, None] * windows", "parts = windows",
     "You add up the windows, without dz. Each window counts as much as its result matters for the loss."),
    ("two sums", TOTAL, "dz.sum() * windows(x, size, stride).reshape(-1, *size).sum(axis=0)",
     "You multiply the sum of dz by the sum of the windows. Each window has its own dz, so multiply first, then add."),
    ("kernel gradient flipped", TOTAL, f"{TOTAL}[::-1, ::-1]", "Your gradient is flipped. Nothing is flipped here."),
    ("kernel gradient transposed", TOTAL, f"{TOTAL}.T", "Your gradient is transposed."),
    ("overlaps overwritten", ADDED, ADDED.replace("+=", "="),
     "Where windows overlap, the last one overwrites the others. A pixel in several windows acts on several results, "
     "and gets a gradient from each of them."),
    ("kernel flipped", ADDED, ADDED.replace("* kernel", "* kernel[::-1, ::-1]"),
     "You flip the kernel. If you add windows to dx, nothing is flipped: pixel [i, j] of a window was multiplied by "
     "kernel[i, j]."),
    ("kernel transposed", ADDED, ADDED.replace("* kernel", "* kernel.T"), "You transpose the kernel."),
    ("stride ignored", ADDED, ADDED.replace("p * stride, q * stride", "p, q"),
     "You ignore the stride. The window of dz[p, q] starts in row p · stride."),
    ("row and column exchanged", ADDED, ADDED.replace("i : i + h, j : j + w", "j : j + h, i : i + w"),
     "You exchange the start of the rows and the start of the columns: p counts the windows down, and q across."),
    *(("stride in one direction only", ADDED, ADDED.replace("p * stride, q * stride", moved),
       "You use the stride in one direction only. The window moves by the stride down and across.")
      for moved in ("p * stride, q", "p, q * stride")),
    ("dz forgotten", ADDED, ADDED.replace("dz[..., p, q, None, None] * kernel", "kernel"),
     "You add the kernel itself. Each window gets the kernel times its own dz[p, q]."),
    ("the stride at the wrong place", ADDED, ADDED.replace(
        "i : i + h, j : j + w", "p : p + (h - 1) * stride + 1 : stride, q : q + (w - 1) * stride + 1 : stride"),
     "You multiply the place inside the window by the stride. The window moves by the stride. Its pixels are "
     "neighbours."),
    ("divided by the overlaps", "    dx = np.zeros(shape)\n    for p in range(dz.shape[-2]):\n"
     f"        for q in range(dz.shape[-1]):\n{ADDED}    return dx\n",
     "    dx, count = np.zeros(shape), np.zeros(shape)\n    for p in range(dz.shape[-2]):\n"
     f"        for q in range(dz.shape[-1]):\n{ADDED}            count[..., i : i + h, j : j + w] += 1\n"
     "    return dx / np.maximum(count, 1)\n",
     "You divide each pixel by the number of windows that contain it. The contributions add up, and a pixel in many "
     "windows really matters more."),
    ("two axes missing", ADDED, ADDED.replace(", None, None]", "]"),
     "dz[..., p, q] has one number for each image. NumPy lines it up with the columns of the kernel. Give it two more "
     "axes."),
    ("images added", ADDED, ADDED.replace("dz[..., p, q, None, None]", "dz[..., p, q].sum()"),
     "You add up dz over the images. Each image has a gradient of its own."),
    ("a mean in place of the largest", POOL, POOL.replace(".max(", ".mean("),
     "You take the mean of each window. Its largest pixel is needed."),
    ("a place in place of the largest", POOL,
     "windows(x, (size, size), size).reshape(*x.shape[:-2], x.shape[-2] // size, x.shape[-1] // size, -1).argmax(-1)",
     "You return where the largest pixel is. Return the pixel itself."),
    ("axes counted from the left", POOL, POOL.replace("(-2, -1)", "(2, 3)"),
     "You use axes 2 and 3. With axes in front, these are not the last two. Count from the end: -2 and -1."),
    ("windows that overlap", POOL, "windows(x, (size, size), 1).max(axis=(-2, -1))",
     "Your windows move by one pixel. They should stand side by side."),
    ("windows of 2 x 2 always", POOL, "windows(x, (2, 2), 2).max(axis=(-2, -1))",
     "Your windows always have 2 x 2 pixels. `size` says how many rows and columns they have."),
    ("incomplete windows kept", POOL, "windows(np.pad(x, [(0, 0)] * (x.ndim - 2)"
     " + [(0, -n % size) for n in x.shape[-2:]], constant_values=-np.inf), (size, size), size).max(axis=(-2, -1))",
     "You also use the rows and columns that are left over at the end. Only complete windows count."),
    ("sizes compared without sign", POOL, "np.abs(windows(x, (size, size), size)).max(axis=(-2, -1))",
     "You take the largest absolute value. -1 is larger than -5."),
    ("zeros to start with", POOL, POOL + ".clip(0)",
     "Your maximum is never below 0. Did you start with zeros? All pixels of a window may be negative."),
    ("pixels that are far apart", POOL, "x[..., : x.shape[-2] // size * size, : x.shape[-1] // size * size].reshape("
     "*x.shape[:-2], size, x.shape[-2] // size, size, x.shape[-1] // size).max(axis=(-4, -2))",
     "Your windows contain pixels that are far apart. If reshape splits the height, the first of the two new axes "
     "counts windows, and the second one counts the rows inside a window. The same is true of the width."),
    ("windows that are not squares", POOL, "x[..., : x.shape[-2] // size * size, : x.shape[-1] // size * size].reshape("
     "*x.shape[:-2], x.shape[-2] // size, x.shape[-1] // size, size, size).max(axis=(-2, -1))",
     "reshape keeps the order of the numbers, so your windows contain neighbours in a row, not squares. Split the "
     "height and the width separately."),
    ("the largest over everything", POOL, "windows(x, (size, size), size).max()",
     "You return the largest of all pixels. Each window has a maximum of its own."),
    ("the largest over the images", POOL, f"{POOL}.reshape(-1, x.shape[-2] // size, x.shape[-1] // size).max(axis=0)"
     " if x.ndim > 2 else windows(x, (size, size), size).max(axis=(-2, -1))",
     "You take the maximum over the images too. Each image has results of its own."),
    ("no place for pixels that are left over", "dx = np.zeros(x.shape)",
     "dx = np.zeros((*x.shape[:-2], dz.shape[-2] * size, dz.shape[-1] * size))",
     "Your result contains the windows only. It should have the shape of x: pixels that are left over at the end get "
     "0."),
    ("gradient to all largest pixels", CHOSEN, f"            chosen = {MAXIMUM}\n",
     "If several pixels are equally large, all of yours get the gradient. Only the first one should."),
    ("gradient divided among largest pixels", CHOSEN, f"            chosen = {MAXIMUM}\n"
     "            chosen = chosen / chosen.sum(axis=(-2, -1), keepdims=True)\n",
     "If several pixels are equally large, you divide the gradient among them. The first one should get all of it."),
    ("gradient to the last largest pixel", FIRST, LAST,
     "If several pixels are equally large, your last one gets the gradient. The first one should."),
    ("read column by column", CHOSEN, DOWN,
     "If several pixels are equally large, you find the first one column by column. Read row by row."),
    ("gradient to every pixel", BACK, "dz[..., p, q, None, None] + 0 * chosen",
     "Every pixel of your windows gets the gradient. A small change of a pixel below the maximum changes nothing."),
    ("gradient divided among all pixels", BACK, "dz[..., p, q, None, None] / size**2 + 0 * chosen",
     "You divide the gradient among all pixels. This is the gradient of a mean."),
    ("dz forgotten", BACK, "chosen", "You return where the maxima are, without dz."),
    ("multiplied by the pixel", BACK, f"{BACK} * window",
     "You multiply the gradient by the pixel. The slope of a maximum for its largest pixel is 1."),
    ("gradient to the smallest pixel", FIRST, FIRST.replace("argmax", "argmin"),
     "The smallest pixel gets the gradient. The largest one should."),
    ("row and column exchanged", CHOSEN, CHOSEN.replace("(window.shape)", "(window.shape).swapaxes(-1, -2)"),
     "You exchange the row and the column of the largest pixel. In the order of reading, the place is row · size + "
     "column."),
    ("zeros to start with", FIRST, FIRST.replace("window.reshape", "window.clip(0).reshape"),
     "In windows where no pixel is above 0, your first pixel gets the gradient. Did you start with 0?"),
    ("a place for all images", FIRST, "            first = np.full(x.shape[:-2], window.argmax() % size**2)\n",
     "You look for one largest pixel in all images together. Each image has its own."),
    ("largest absolute value", FIRST, FIRST.replace("window.reshape", "np.abs(window).reshape"),
     "You compare absolute values. -1 is larger than -5."),
    ("a sum in place of a mean", "np.full((size, size), 1 / size**2)", "np.ones((size, size))",
     "You compute the sum of each window. Divide by the number of its pixels."),
    ("divided by the side", "1 / size**2", "1 / size", "You divide by the size. A window has size · size pixels."),
    ("windows that overlap", "1 / size**2), size)", "1 / size**2), 1)",
     "Your windows move by one pixel. They should stand side by side."),
    ("matrix transposed", "reshape(len(images), -1).T", "reshape(len(images), -1)",
     "Your matrix is transposed. Its rows belong to the results, and its columns to the pixels."),
))  # fmt: skip
