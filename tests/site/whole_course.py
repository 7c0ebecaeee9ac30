"""The whole course in the pages alone, and what `course report` says of its export: once by mouse, and once
through the accessibility tree and by keyboard. This takes a few minutes, so `make test` leaves it out:
`python -m pytest tests/site/whole_course.py`. With SLOWED=4 in the environment, the pages run four times
slower, as on an old computer. It prints how many seconds each check took.
"""

import json
import os
import sys
import time

import pytest

from minigrad.__main__ import main
from minigrad.course.checking.registry import lessons

from .listener import Listener
from .slow import slowed
from .test_course import Learner
from .test_course import learner as learner


def take(learner, chosen):
    """Pass these lessons. Yields each with the seconds that its check took."""
    for one in chosen:
        learner.open(one)
        learner.write(one.read("solution.py"))
        start = time.perf_counter()
        said = learner.check()
        assert "passed. All" in said, said
        seconds = time.perf_counter() - start
        assert learner.drawn(), one.name
        yield one, seconds


def hand_in(learner, folder):
    """Export the files on the course's page. Returns the path of the zip file."""
    learner.reader.visit("course.html")
    learner.reader.command(
        "Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder)
    )
    learner.press("Export")
    learner.wait(lambda: (folder / "my-course.zip").exists())
    return folder / "my-course.zip"


@pytest.mark.parametrize("person", [Learner, Listener])
def test_the_whole_course_is_taken_in_the_pages_alone(
    learner, person, tmp_path, capsys, monkeypatch
):
    times = float(os.environ.get("SLOWED", "1"))
    reader = learner.reader
    reader.patience = 300 * times  # a check may train a network
    with slowed(reader.driver.service.process.pid, times):
        for one, seconds in take(person(reader), lessons()):
            with capsys.disabled():
                print(f"{one.name}: {seconds:.1f} s", flush=True)
    path = hand_in(person(reader), tmp_path)
    count = len(lessons())  # the site has one more lesson, a teacher's own
    assert f"{count} of {count + 1} lessons passed" in reader.text("body")
    report = ["minigrad", "course", "report", str(path), "--json"]
    monkeypatch.setattr(sys, "argv", report)
    assert main() == 0
    (row,) = json.loads(capsys.readouterr().out)["submissions"]
    assert (row["points"], row["of"]) == (count, count)
