"""Thirty files that stop, flood or damage Python, checked in lesson 1's page one after the other:
`python -m tests.site.accidents SITE`, where SITE is the folder of the built site.

After each one, the page must still check the right file. It takes some minutes, because an endless
loop is stopped after 10 seconds.
"""

import functools
import http.server
import sys
import tempfile
import threading
import time
from pathlib import Path

from minigrad.course.checking.registry import lesson
from tests.minigrad.explorer.conftest import start_chromium

from .conftest import Handler
from .reader import Reader
from .test_course import Learner

ACCIDENTS = [
    "while True: pass",
    "import os; os._exit(3)",
    "raise SystemExit",
    "raise KeyboardInterrupt",
    "def f(): f()\nf()",
    "x = []\nfor _ in range(10**6): x = [x]\nrepr(x)",
    "while True: print('x' * 1000)",
    "x = []\nwhile True: x.append(bytearray(10**8))",
    "import builtins\nbuiltins.len = builtins.print = None",
    "import builtins\nfor name in list(vars(builtins)):\n    if name[0] != '_': setattr(builtins, name, None)",
    "import numpy as np\nnp.tanh = np.sin",
    "import math\nmath.pi = 3.0",
    "import sys\nsys.modules.clear()",
    "import sys\nsys.modules['minigrad.course.checking.grade'] = None",
    "import sys\nsys.stdout = sys.stderr = None",
    "import sys\nsys.settrace(lambda *_: 1 / 0)",
    "import sys\nsys.setrecursionlimit(10**6)\ndef f(): f()\nf()",
    "import sys\nsys.path.clear()",
    "import js\njs.postMessage('hello')",
    "import js\njs.self.close()",
    "import numpy as np\nnp.seterr(all='raise')",
    "import os\nos.chdir('/')",
    "import shutil\nshutil.rmtree('/course', True); shutil.rmtree('/lib', True)",
    "input()",
    "import threading\nthreading.Thread(target=print).start()",
    "import subprocess\nsubprocess.run(['ls'])",
    "import minigrad as mg\nmg.Tensor.__add__ = None",
    "import minigrad as mg\nmg.no_grad().__enter__()",
    "import os, signal\nos.kill(os.getpid(), 9)",
    "import gc\nfor one in gc.get_objects():\n    if isinstance(one, dict) and 'judge' in one: one['judge'] = None",
]


def run(site: Path) -> int:
    """Check all files, print a line for each, and return how many times the right file was not
    accepted afterwards.
    """
    one, wrong = lesson(1), 0
    right = one.read("solution.py")
    Handler.asked = []
    handler = functools.partial(Handler, directory=str(site))
    with (
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server,
        tempfile.TemporaryDirectory() as profile,
        start_chromium(Path(profile)) as driver,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://localhost:{server.server_port}/minigrad/"
        learner = Learner(Reader(driver, address, Handler.asked))
        learner.open(one)
        for code in ACCIDENTS:
            learner.write(f"{code}\n{right}")
            start = time.perf_counter()
            learner.check()
            middle = time.perf_counter()
            learner.write(right)
            fine = "passed. All" in learner.check()
            wrong += not fine
            times = (
                f"{middle - start:5.1f} s, then {time.perf_counter() - middle:4.1f} s"
            )
            print(f"{'right' if fine else 'WRONG'}  {times}  {code[:50]!r}", flush=True)
        server.shutdown()
    print(f"{len(ACCIDENTS) - wrong} of {len(ACCIDENTS)}")
    return wrong


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1])))
