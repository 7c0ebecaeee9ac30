"""Opens every page of the site in every way, and measures what the README says of it.

    make site
    python -m tests.site.measure_site [--picture docs/images/site.png]

Each page is opened 1280 and 400 pixels wide, light and dark: what axe-core finds, what the console says, and what is
asked for from elsewhere is printed, and makes the exit code 1. Printed last: the slowest page, by the time until its
text is painted, and the size of the site.
"""

from __future__ import annotations

import argparse
import base64
import sys
import tempfile
from pathlib import Path

from tests.minigrad.explorer.conftest import start_chromium

from .conftest import ROOT, served
from .reader import Reader

SITE = ROOT / "build/site"
WAYS = [(1280, "light"), (400, "dark"), (1280, "dark"), (400, "light")]
PAINTED = "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"


def size(*patterns: str) -> float:
    """Megabytes of the site's files whose paths match one of the patterns."""
    return sum(path.stat().st_size for pattern in patterns for path in SITE.glob(pattern) if path.is_file()) / 1e6


def main() -> int:
    """Read the options, open the pages, print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--picture", type=Path, help="write a picture of the start page, and open nothing else")
    options = parser.parse_args()
    pages = sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html"))
    wrong: list[str] = []
    times: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as profile, served(SITE) as address, start_chromium(profile) as driver:
        reader = Reader(driver, address)
        if options.picture:
            reader.open("index.html", 1280)
            options.picture.write_bytes(base64.b64decode(driver.get_screenshot_as_base64()))
            return 0
        for page in pages:
            for width, scheme in WAYS:
                reader.open(page, width, scheme)
                times[page] = max(times.get(page, 0), reader.run(PAINTED))
                found = [f"{page} at {width} pixels, {scheme}: {it}" for it in reader.violations() + reader.problems()]
                print(*found, sep="\n", end="\n" if found else "", flush=True)
                wrong += found
    slowest = max(times, key=times.__getitem__)
    middle = sorted(times.values())[len(times) // 2]
    print(f"{len(pages)} pages in {len(WAYS)} ways each: {len(wrong)} objections")
    print(f"text painted after {middle:.0f} ms (median), at most {times[slowest]:.0f} ms ({slowest})")
    print(f"{size('**/*'):.1f} MB, of which {size('_static/cells/**/*'):.1f} MB are Python, loaded at the first Run")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
