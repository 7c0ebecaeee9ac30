#!/usr/bin/env python3
"""Grade a submission on PrairieLearn: this file is the question's entrypoint. minigrad is in the same folder.

The question chooses its lessons with data["params"]["lessons"], for example "3-5".
"""

import json
import os
import subprocess
import sys
from pathlib import Path

GRADE = Path("/grade")
REPORT = "-P -m minigrad course report --prairielearn".split()


def main() -> None:
    """Write results.json, even if the grader itself fails."""
    results = GRADE / "results/results.json"
    results.parent.mkdir(parents=True, exist_ok=True)
    data = json.loads((GRADE / "data/data.json").read_text(encoding="utf-8"))
    lessons = str(data.get("params", {}).get("lessons", "LESSONS"))
    found = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent)}
    # -P keeps Python from importing the student's files
    paths = str(GRADE / "student"), "-o", str(results)
    command = [sys.executable, *REPORT, *paths, "--lesson", lessons]
    done = subprocess.run(command, env=found)
    if done.returncode:
        message = "The grader failed, so this attempt does not count. Tell your teacher."
        failed = {"gradable": False, "message": message, "format_errors": [message]}
        results.write_text(json.dumps(failed), encoding="utf-8")


if __name__ == "__main__":
    main()
