"""The whole course in the pages alone, and what `course report` says of its export. This takes a minute or two, so
`make test` leaves it out: `python -m pytest tests/site/whole_course.py`. With SLOWED=4 in the environment, the pages
run four times slower, as on an old computer. It prints how many seconds each check took.
"""

import json
import os
import sys
import time

from minigrad.__main__ import main
from minigrad.course.checking.registry import lessons

from .slow import slowed
from .test_course import learner as learner


def test_the_whole_course_is_taken_in_the_pages_alone(
    learner, tmp_path, capsys, monkeypatch
):
    times = float(os.environ.get("SLOWED", "1"))
    learner.reader.patience *= times
    with slowed(learner.reader.driver.service.process.pid, times):
        for one in lessons():
            learner.open(one)
            learner.write(one.read("solution.py"))
            start = time.perf_counter()
            assert "passed. All" in learner.check(), one.name
            drawn = learner.run(
                "return document.querySelectorAll('.lesson-graph iframe').length"
            )
            assert drawn, one.name
            with capsys.disabled():
                print(f"{one.name}: {time.perf_counter() - start:.1f} s", flush=True)
    learner.reader.visit("course.html")
    count = len(lessons())  # the site has one more lesson, a teacher's own
    passed = f"{count} of {count + 1} lessons passed"
    all_passed = f"return document.body.textContent.includes('{passed}')"
    learner.wait(lambda: learner.run(all_passed))
    learner.reader.command(
        "Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path)
    )
    learner.press("Export")
    learner.wait(lambda: (tmp_path / "my-course.zip").exists())
    report = ["minigrad", "course", "report", str(tmp_path / "my-course.zip"), "--json"]
    monkeypatch.setattr(sys, "argv", report)
    assert main() == 0
    (row,) = json.loads(capsys.readouterr().out)["submissions"]
    assert (row["points"], row["of"]) == (count, count)
