"""Takes the pictures of docs/explorer.md, and measures what it promises: the size of a page, and how long it takes.

python -m tests.minigrad.explorer.measure_explorer --pages runs/explore --pictures docs/images

The pages are those of examples/explore_graph.py. Figures are of the browser that is installed here, on this machine; a
step is timed from the click on "next" until the page is laid out again.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

from selenium.webdriver.common.keys import Keys

from .conftest import Explorer, start_chromium

TIME_STEPS = """
const next = document.getElementById("next");
const times = [];
while (!next.disabled && times.length < 250) {
  const start = performance.now();
  next.click();
  document.body.getBoundingClientRect();
  times.push(performance.now() - start);
}
return times;
"""


def measure(explorer: Explorer, page: Path) -> None:
    """Print a page's size, the time until it can be used, and the time of its steps."""
    ready = []
    for _ in range(5):
        explorer.open(page)
        ready.append(float(explorer.run("return document.documentElement.dataset.ready")))
    times = sorted(explorer.run(TIME_STEPS))
    slow = times[int(0.95 * len(times))]
    print(
        f"{page.name:<16} {page.stat().st_size / 1e6:6.2f} MB   usable after {statistics.median(ready):5.0f} ms   "
        f"{len(times)} steps: median {statistics.median(times):5.1f} ms, 95 of 100 below {slow:5.1f} ms"
    )


def pictures(explorer: Explorer, pages: Path, folder: Path) -> None:
    """Take the pictures of the docs."""

    def take(picture: str, page: str, *keys: str, **how: Any) -> None:
        explorer.open(pages / f"{page}.html", **how)
        explorer.press(*keys)
        explorer.driver.save_screenshot(str(folder / f"explorer-{picture}.png"))

    take("expression", "expression", Keys.ARROW_RIGHT)
    take("accumulate", "rnn", *[Keys.ARROW_RIGHT] * 9)
    take("folded", "imdb")
    take("dark", "imdb", *[Keys.ARROW_RIGHT] * 12, scheme="dark")
    take("phone", "rnn", *[Keys.ARROW_RIGHT] * 9, width=400, height=860)
    explorer.open(pages / "network.html")
    explorer.press(*[Keys.ARROW_RIGHT] * 3, "q")
    explorer.focus("#answer")
    explorer.press(
        *explorer.run(
            "return document.querySelector('[data-role=upstream] tr:nth-child(3) td:nth-child(2)').textContent"
        )
    )
    explorer.press(Keys.ENTER)
    explorer.driver.save_screenshot(str(folder / "explorer-quiz.png"))
    explorer.open(pages / "network.html")
    explorer.press("w")
    explorer.focus("#new-value")
    explorer.run("document.activeElement.select()")
    explorer.press(*"1.5")
    explorer.driver.save_screenshot(str(folder / "explorer-whatif.png"))


def main() -> None:
    """Read the options, do what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=Path, default=Path("runs/explore"), help="folder of the pages (%(default)s)")
    parser.add_argument("--pictures", type=Path, help="folder for the pictures; none are taken without it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as profile, start_chromium(profile) as driver:
        explorer = Explorer(driver)
        for page in sorted(options.pages.resolve().glob("*.html")):
            measure(explorer, page)
        if options.pictures:
            pictures(explorer, options.pages.resolve(), options.pictures)


if __name__ == "__main__":
    main()
