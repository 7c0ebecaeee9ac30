"""The system's filter of calls, without the hook that refuses the same in Python."""

import subprocess
import sys

import pytest

CODE = """
import os, socket, threading
from minigrad.course.checking.seccomp import refuse_calls
refuse_calls()
for call in (os.fork, socket.socket, lambda: os.kill(os.getppid(), 0), lambda: os.memfd_create("x")):
    try:
        call()
    except PermissionError:
        print("refused")
thread = threading.Thread(target=print, args=("a thread",))
thread.start(); thread.join()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
def test_refuse_calls_of_the_sandbox_allows_threads():
    printed = subprocess.check_output([sys.executable, "-c", CODE], text=True)
    assert printed == "refused\n" * 4 + "a thread\n"
