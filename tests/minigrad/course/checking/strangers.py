"""Hostile submissions, and a process that grades them: `python strangers.py FENCES FOLDER PORT`.
Used by test_sandbox.py.
"""
# ruff: noqa: E501  # short programs, a few calls on a line

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import tempfile
from pathlib import Path

import pytest

from minigrad.course.checking import sandbox, wall
from minigrad.course.checking.registry import lesson
from minigrad.course.classroom import marks
from minigrad.course.classroom.marks import graded
from minigrad.course.classroom.submissions import submissions

# What a hostile file begins with. `tried` notes what worked and should not have.
BEGIN = """
import os, sys, pathlib
HARM = []
def tried(what, act):
    try:
        found = act()
    except BaseException:
        return
    HARM.append(f"{what} gave {found!r}"[:150])
"""
END = '\nif HARM: raise RuntimeError("HARM " + "; ".join(HARM))\n'

# The code, which may use OUTSIDE, a folder; FOLDER, the lessons'; SECONDS; PORT.
HOSTILE = {
    "deletes": """
import shutil
for path in (OUTSIDE + "/notes.txt", OUTSIDE + "/lesson_01_by_hand.py"): tried("deleting", lambda: os.remove(path))
tried("rmtree", lambda: shutil.rmtree(OUTSIDE)); tried("rmdir", lambda: os.rmdir(OUTSIDE + "/empty"))""",
    "overwrites": """
tried("overwriting", lambda: open(OUTSIDE + "/notes.txt", "w").write("gone"))
tried("a new file", lambda: open(OUTSIDE + "/new", "w")); tried("os.open", lambda: os.open(OUTSIDE + "/n", os.O_CREAT))
tried("a new folder", lambda: os.makedirs(OUTSIDE + "/folder"))""",
    "writes through dir_fd": """
def write():
    folder = os.open(OUTSIDE, os.O_RDONLY)
    os.write(os.open("notes.txt", os.O_WRONLY | os.O_TRUNC, dir_fd=folder), b"gone")
tried("dir_fd", write)
def remove(): os.remove("notes.txt", dir_fd=os.open(OUTSIDE, os.O_PATH))
tried("O_PATH", remove)
def rename(): os.rename("notes.txt", "x", src_dir_fd=os.open(OUTSIDE, os.O_RDONLY), dst_dir_fd=os.open(".", os.O_RDONLY))
tried("rename", rename)""",
    "reads the solution through dir_fd": """
def read(): return os.read(os.open("solution.py", os.O_RDONLY, dir_fd=os.open(FOLDER + "/lesson_01_by_hand", 0)), 99)
tried("dir_fd", read)""",
    "writes through its descriptors and its memory": """
tried("fd", lambda: open("/proc/self/fd/1", "r+").name); tried("mem", lambda: open("/proc/self/mem", "r+b").name)
tried("root", lambda: open("/proc/self/root" + OUTSIDE + "/notes.txt", "w"))
tried("cwd", lambda: open("/proc/self/cwd/../../" + OUTSIDE + "/notes.txt", "w"))
tried("shared memory", lambda: open("/dev/shm/minigrad", "w")); tried("disk", lambda: open("/dev/vda", "r+b"))""",
    "writes a database": """
def write():
    import sqlite3
    sqlite3.connect(OUTSIDE + "/new.db").execute("create table t (x)")
tried("sqlite3", write)
def write():
    import dbm
    dbm.open(OUTSIDE + "/new", "c")
tried("dbm", write)""",
    "writes its history": """
def write():
    import readline
    readline.add_history("x"); readline.write_history_file(OUTSIDE + "/notes.txt")
tried("write_history_file", write)
def read():
    import readline
    readline.read_history_file(FOLDER + "/lesson_01_by_hand/solution.py"); return readline.get_history_item(1)
tried("read_history_file", read)""",
    "writes with C code": """
def write():
    import numpy, safetensors.numpy
    safetensors.numpy.save_file({"x": numpy.zeros(3)}, OUTSIDE + "/notes.txt")
tried("safetensors", write)
def write():
    import tkinter
    return tkinter.Tcl().eval("set f [open {" + OUTSIDE + "/notes.txt} w]")
tried("Tcl", write)""",
    "loads its own C code": """
def load():
    import _statistics, shutil, importlib.machinery as m, importlib.util as u
    shutil.copyfile(_statistics.__file__, "_own.so")
    loader = m.ExtensionFileLoader("_statistics", os.path.abspath("_own.so"))
    return u.module_from_spec(u.spec_from_loader("_statistics", loader))
tried("its own C code", load)""",
    "maps a file": """
def write():
    import mmap
    mmap.mmap(os.open(OUTSIDE + "/notes.txt", os.O_RDWR), 0)[0] = 120
tried("mmap", write)""",
    "links": """
def link(): os.link(OUTSIDE + "/notes.txt", "hard"); open("hard", "w").write("gone")
tried("a hard link", link)
def link(): os.symlink(OUTSIDE + "/notes.txt", "soft"); open("soft", "w").write("gone")
tried("a link", link)
def link(): os.symlink(OUTSIDE, "folder"); open("folder/notes.txt", "w").write("gone")
tried("a link to a folder", link)
tried("a link outside", lambda: os.symlink("/etc/passwd", OUTSIDE + "/link"))
tried("moving", lambda: os.rename(OUTSIDE + "/notes.txt", "notes")); tried("out", lambda: os.rename("source", OUTSIDE + "/s"))""",
    "makes pipes and devices": """
tried("mkfifo", lambda: os.mkfifo(OUTSIDE + "/pipe")); tried("mknod", lambda: os.mknod(OUTSIDE + "/node", 0o600 | 0o10000))
tried("a device", lambda: os.mknod("disk", 0o600 | 0o60000, os.makedev(8, 0)))""",
    "changes permissions": """
def change(): os.fchmod(os.open(OUTSIDE + "/notes.txt", os.O_RDONLY), 0)
tried("fchmod", change)
def change(): os.fchown(os.open(OUTSIDE + "/notes.txt", os.O_RDONLY), 1, 1)
tried("fchown", change)
def change(): os.utime(os.open(OUTSIDE + "/notes.txt", os.O_RDONLY), (0, 0))
tried("futime", change)
path = OUTSIDE + "/notes.txt"
tried("chmod", lambda: os.chmod(path, 0)); tried("chown", lambda: os.chown(path, 1, 1))
tried("utime", lambda: os.utime(path, (0, 0))); tried("truncate", lambda: os.truncate(path, 0))
tried("setxattr", lambda: os.setxattr(path, "user.x", b"x"))""",
    "reads the solution": """
for name in ("solution", "slips", "right"):
    path = f"{FOLDER}/lesson_01_by_hand/{name}.py"
    tried(name, lambda: open(path).read(30))
    def link(): os.symlink(path, name + "-link"); return open(name + "-link").read(30)
    tried("a link to " + name, link)
    def link(): os.link(path, name + "-hard"); return open(name + "-hard").read(30)
    tried("a hard link to " + name, link)""",
    "imports the solution": """
import importlib, runpy, pkgutil
for name in ("solution", "slips", "right"):
    module = "minigrad.course.lessons.lesson_01_by_hand." + name
    tried(module, lambda: importlib.import_module(module)); tried("runpy", lambda: runpy.run_module(module))
for path in pathlib.Path(FOLDER).rglob("*.pyc"):
    if path.name.startswith(("solution", "slips", "right")): tried(path.name, lambda: path.read_bytes()[:20])""",
    "asks the grader for the answers": """
import minigrad.course.checking.registry as l
one = l.lesson(1)
def key(): import minigrad.course.checking.key as k; return k.load(one).right
tried("right answers", key); tried("slips", lambda: one.slips); tried("solved", lambda: one.solved)
tried("key", lambda: (one.folder / "key.json.gz").read_bytes())
tried("read", lambda: one.read("solution.py"))""",
    "searches its memory for the answers": """
import gc, types
tried("modules", lambda: [n for n in sys.modules if n.endswith((".solution", ".slips", ".right", ".grade"))][0])
tried("objects", lambda: [o for o in gc.get_objects() if type(o).__name__ in ("Slip", "Verdict")][0])
tried("closures", lambda: [o for o in gc.get_objects() if isinstance(o, types.ModuleType) and hasattr(o, "dy_ds")][1])
def frames():
    frame = sys._getframe()
    while frame:
        if "right" in frame.f_locals: return frame.f_locals["right"]
        frame = frame.f_back
    raise LookupError
tried("frames", frames)""",
    "reads files": """
tried("another's notes", lambda: open(OUTSIDE + "/notes.txt").read()); tried("users", lambda: open("/etc/passwd").read())
tried("another's lesson", lambda: open(OUTSIDE + "/lesson_01_by_hand.py").read())
tried("a home", lambda: open(os.path.join("/", "root", ".profile")).read()); tried("homes", lambda: os.listdir("/home")); tried("its folder", lambda: os.listdir(OUTSIDE))
tried("a key", lambda: [*pathlib.Path("/etc/ssh").iterdir()][0]); tried("/tmp", lambda: [n for n in os.listdir("/tmp") if "minigrad" in n][0])""",
    "reads the grader's process": """
for pid in ("self", "1", os.getppid()):
    for name in ("environ", "mem", "maps", "cmdline"): tried(f"{name} of {pid}", lambda: open(f"/proc/{pid}/{name}", "rb").read(9))
tried("variables", lambda: [v for v in os.environ.values() if "outside-token" in v][0])""",
    "starts programs": """
import subprocess
for command in (["/bin/sh", "-c", "echo HARM"], [sys.executable, "-c", ""]):
    tried(command[0], lambda: subprocess.run(command)); tried("a shell", lambda: subprocess.run(" ".join(command), shell=True))
    tried("posix_spawn", lambda: os.posix_spawn(command[0], command, {})); tried("spawn", lambda: os.spawnv(os.P_WAIT, command[0], command))
def popen(): assert os.popen("echo HARM").read()
tried("popen", popen)
def system(): assert os.system("echo HARM") == 0
tried("system", system)
def pty():
    import pty
    pty.spawn([sys.executable, "-c", ""])
tried("pty", pty)""",
    "imports what starts programs again": """
def fresh(name):
    sys.modules.pop(name, None)
    return __import__(name)
def start():
    return fresh("_posixsubprocess").fork_exec([b"/bin/sh", b"-c", b"echo HARM"], [b"/bin/sh"], True, (), None, None, -1, -1, -1, -1, -1, -1,
        *os.pipe(), False, False, 0, None, None, None, -1, None, False)
tried("fork_exec", start)
def start():
    import importlib.machinery as m, importlib.util as u
    posix = u.module_from_spec(m.BuiltinImporter.find_spec("posix"))
    pid = posix.fork()
    if not pid: posix._exit(0)
    return pid
tried("a fresh posix", start)
def pipe(): fresh("posix").mkfifo(OUTSIDE + "/pipe")
tried("mkfifo", pipe)""",
    "becomes a program": """
tried("execv", lambda: os.execv("/bin/sh", ["sh", "-c", "echo HARM"])); tried("execv", lambda: os.execv(sys.executable, ["python", "-c", "0"]))
tried("execve", lambda: os.execve(os.open(sys.executable, os.O_RDONLY), ["python", "-c", "0"], {}))""",
    "forks": """
for i in range(20):
    def fork():
        pid = os.fork()
        if not pid: os._exit(0)
        return pid
    tried("fork", fork)
tried("forkpty", os.forkpty)
def start():
    import multiprocessing
    multiprocessing.get_context("fork").Process(target=print).start()
tried("multiprocessing", start)""",
    "calls the C library": """
def c():
    import ctypes
    return ctypes.CDLL(None, use_errno=True)
def worked(result):
    if result == -1: raise OSError
    return result
tried("system", lambda: worked(-1 if c().system(b"echo HARM") else 0)); tried("fork", lambda: worked(c().fork()))
tried("vfork", lambda: worked(c().syscall(58))); tried("clone", lambda: worked(c().syscall(56, 17, 0, 0, 0, 0)))
tried("clone3", lambda: worked(c().syscall(435, 0, 0))); tried("kill", lambda: worked(c().kill(os.getppid(), 10)))
tried("ptrace", lambda: worked(c().ptrace(16, os.getppid(), 0, 0))); tried("socket", lambda: worked(c().socket(2, 1, 0)))
tried("unshare", lambda: worked(c().unshare(0x10000000))); tried("io_uring", lambda: worked(c().syscall(425, 1, 0)))
tried("mount", lambda: worked(c().mount(b"x", b"/learner", b"tmpfs", 0, 0))); tried("chroot", lambda: worked(c().chroot(b"/")))
tried("open", lambda: worked(c().open((OUTSIDE + "/notes.txt").encode(), 1)))
tried("chmod", lambda: worked(c().chmod((OUTSIDE + "/notes.txt").encode(), 0)))""",
    "signals": """
import signal
parent = os.getppid()
tried("kill", lambda: os.kill(parent, signal.SIGUSR1)); tried("killpg", lambda: os.killpg(os.getpgid(parent), signal.SIGUSR1))
tried("pidfd", lambda: signal.pidfd_send_signal(os.pidfd_open(parent), signal.SIGUSR1))
tried("fcntl", lambda: __import__("fcntl").fcntl(os.pidfd_open(parent), 8, parent))
tried("pthread_kill", lambda: signal.pthread_kill(__import__("threading").main_thread().ident, signal.SIGUSR1))""",
    "makes the grader a pipe's owner": """
import fcntl, signal, struct
def owned(command, owner):
    reading, writing = os.pipe()
    fcntl.fcntl(reading, command, owner); fcntl.fcntl(reading, 10, signal.SIGUSR1); fcntl.fcntl(reading, fcntl.F_SETFL, 0o20000)
    os.write(writing, b"x")
tried("F_SETOWN", lambda: owned(8, os.getppid())); tried("F_SETOWN_EX", lambda: owned(15, struct.pack("ii", 1, os.getppid() or 1)))""",
    "uses root's rights": """
import time
tried("the clock", lambda: time.clock_settime(time.CLOCK_REALTIME, time.time())); tried("nice", lambda: os.nice(-1))
tried("groups", lambda: os.setgroups([1])); tried("user", lambda: os.setresuid(12, 12, 12))""",
    "takes memory that no limit counts": """
tried("memfd", lambda: os.memfd_create("x"))
def share():
    import _posixshmem
    return _posixshmem.shm_open("/strangers", os.O_CREAT | os.O_RDWR, mode=0o600)
tried("shared memory", share)
def count():
    import _multiprocessing
    return _multiprocessing.SemLock(1, 1, 1, "/strangers", False)
tried("a semaphore", count)""",
    "opens devices": """
for name in ("tty", "pts/0", "ptmx", "kmsg", "random", "zero", "vda"): tried(name, lambda: os.open("/dev/" + name, os.O_RDONLY | os.O_NONBLOCK))""",
    "edits the hook's variables": """
def edit():
    try: os.remove(OUTSIDE + "/notes.txt")
    except PermissionError as error: trace = error.__traceback__
    while trace:
        for value in trace.tb_frame.f_locals.values():
            if hasattr(value, "clear") and not isinstance(value, list): value.clear()
        trace = trace.tb_next
    os.remove(OUTSIDE + "/notes.txt")
tried("tracebacks", edit)""",
    "starts a second interpreter": """
code = f"import os; os.mkdir({OUTSIDE + '/folder'!r})"
def second():
    import _xxsubinterpreters as m
    m.run_string(m.create(), code); return os.stat(OUTSIDE + "/folder")
tried("subinterpreters", second)
def second():
    import _testcapi
    _testcapi.run_in_subinterp(code); return os.stat(OUTSIDE + "/folder")
tried("_testcapi", second)""",
    "writes the keys of connections": """
def write():
    import ssl
    ssl.create_default_context().keylog_filename = OUTSIDE + "/keys"
tried("keylog_filename", write)""",
    "limits the grader": """
import resource
tried("prlimit", lambda: resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (9, 9)))
tried("its own", lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 40, 1 << 40)))
tried("setpriority", lambda: os.setpriority(os.PRIO_PROCESS, os.getppid(), 19))
tried("sched_setaffinity", lambda: os.sched_setaffinity(os.getppid(), [0]))""",
    "calls the network": """
import socket, urllib.request, asyncio
tried("TCP", lambda: socket.create_connection(("127.0.0.1", PORT))); tried("UDP", lambda: socket.socket(2, 2).sendto(b"x", ("127.0.0.1", PORT)))
tried("Unix", lambda: socket.socket(1, 1)); tried("a pair", lambda: socket.socketpair()); tried("names", lambda: socket.getaddrinfo("localhost", 80))
tried("HTTP", lambda: urllib.request.urlopen(f"http://127.0.0.1:{PORT}", timeout=1))""",
    "blinds the hook": """
import builtins, posixpath, genericpath
real = builtins.isinstance
builtins.isinstance = lambda *_: True
posixpath._joinrealpath = lambda *_: (os.getcwd() + "/x", True)
posixpath.realpath = posixpath.abspath = lambda *_, **__: os.getcwd() + "/x"
tried("writing", lambda: open(OUTSIDE + "/notes.txt", "w")); tried("reading", lambda: open(FOLDER + "/lesson_01_by_hand/solution.py").read(9))
tried("deleting", lambda: os.remove(OUTSIDE + "/notes.txt"))
builtins.isinstance = real""",
    "loops": "while True: pass",
    "sleeps": "import time; time.sleep(1000)",
    "prints without end": "while True: print('x' * 10_000)",
    "takes all memory": "x = []\nwhile True: x.append(bytearray(1 << 26))",
    "makes many files": """
for i in range(3000): open(f"file{i}", "w").write("x")""",
    "makes deep folders": """
for i in range(300): os.mkdir("a" * 100); os.chdir("a" * 100)""",
    "puts other things where files were": """
for name in ("answers", "output", "source", "page.html"):
    for put in (os.mkfifo, lambda name: os.symlink("/dev/zero", name), lambda name: os.symlink(name, name), os.mkdir):
        try: put(name); break
        except Exception: pass
    os.mkdir(name + "-locked"); os.mkdir(name + "-locked/x")""",
    "answers at length": """
for fd in range(3, 20):
    for i in range(20):
        try: os.write(fd, b'{"answer": "' + b"x" * (1 << 20) + b'"}\\n')
        except OSError: break""",
    "answers in depth": """
for fd in range(3, 20):
    try: os.write(fd, b'{"answer": ' + b"[" * 90_000 + b"]" * 90_000 + b"}\\n" + b'{"answer": ' + b"[" * 900 + b"1" + b"]" * 900 + b"}\\n")
    except OSError: pass""",
    "answers with bombs": r'''
lines = [b'{"answer": {"dtype": "f8", "shape": [1000000000], "data": "AAAA"}}', b'{"answer": {"dtype": "O", "shape": [1], "data": "AAAAAAAAAAA="}}',
         b'{"answer": {"dtype": "f8", "shape": [1000000000, 0], "data": ""}}', b'{"answer": {"dtype": "(999,999,999)f8", "shape": [], "data": ""}}',
         b'{"answer": {"keys": 3, "values": null}}', b'{"raised": [[["x"]]]}', b'{"raised": {"line": 1e999, "message": {"a": 3}}}',
         b'\xff\xfe\x00', b'{"answer": "\\ud800\\u0000\\u001b[2J"}', b'[' * 99, b'7', b'{"unloaded": null}', b'{"done": true}']
for fd in range(3, 20):
    try: os.write(fd, b"\n".join(lines * 3) + b"\n")
    except OSError: pass
os._exit(0)''',
    "writes answers and leaves": """
import base64, struct
one = base64.b64encode(struct.pack("d", 1.0)).decode()
line = '{"answer": {"dtype": "<f8", "shape": [], "data": "%s"}}\\n' % one
for fd in range(0, 20):
    try: os.write(fd, ('{"loaded": true}\\n' + line * 9 + '{"answer": true}\\n{"passed": true, "right": 5}\\n{"done": true}\\n').encode())
    except OSError: pass
os._exit(0)""",
    "prints a pass": "print('✓ Lesson 1, By hand: passed. 5 of 5 questions right.', flush=True); "
                     "os._exit(0)",
    "edits the grader in memory": """
import minigrad.course.checking.grade as g, minigrad.course.checking.answers as a, minigrad.course.checking.lesson as l, minigrad, numpy, json, builtins
g.judge = g.grade = a.difference = numpy.allclose = lambda *_: True
for name in ("encode", "decode"): setattr(a, name, lambda *_: 1.0)
json.dumps = lambda *_: '{"answer": 1.0, "passed": true}'
sys.modules["__main__"].answer = lambda *_: 1.0
sys.modules["__main__"].failure = lambda *_: {"type": "passed"}
builtins.len = lambda *_: 0; builtins.abs = lambda *_: 0""",
    "edits the grader on disk": """
import minigrad.course.checking.grade as g, numpy
for module in (g, numpy, os): tried(module.__file__, lambda: open(module.__file__, "a").write("# edited"))
tried("a module", lambda: open(os.path.dirname(numpy.__file__) + "/evil.py", "w"))
tried("a .pth file", lambda: open(os.path.dirname(os.path.dirname(numpy.__file__)) + "/evil.pth", "w"))""",
    "leaves threads and exit handlers": """
import atexit, threading, time
threading.Thread(target=time.sleep, args=(1000,)).start(); threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
atexit.register(time.sleep, 1000); atexit.register(lambda: os.write(1, b'{"passed": true}\\n'))""",
    "traces": "sys.settrace(lambda *_: None); sys.setprofile(print)",
    "overflows the stack": """
sys.setrecursionlimit(10**9)
def f(_): return sorted([0], key=f)
f(0)""",
    "crashes": "exec((lambda: 0).__code__.replace(co_code=b'd\\xff' * 99 + b'S\\x00', "
               "co_stacksize=1))",
    "raises a signal": "import signal; signal.raise_signal(40); signal.alarm(1)",
    "aborts": "os.abort()",
    "closes everything": "os.closerange(0, 1000)",
    "leaves": "raise SystemExit(0)",
    "nests too deeply to be read": f"x = {'-' * 50_000}1",
    "lies about itself": """
class Evil(Exception):
    def __str__(self): return "\\x1b[2J\\u202e" + "x" * 10**6
    __repr__ = __class__ = property(lambda self: 1 / 0)
raise Evil""",
}  # fmt: skip
NEED_A_WALL = (
    "reads files",
    "blinds the hook",
    "imports what starts programs again",
    "calls the C library",
)
"""Only a wall hides files, and shows no other process."""
NEED_THE_HOOK = ("loads its own C code",)
"""Behind a wall, this harms nothing."""
SLOW = ("loops", "sleeps", "takes all memory")

HOOKLESS = """
import sys
del sys.argv[1:5]
from minigrad.course.checking import child
child.guard = lambda *folders: None
child.main()
"""


def main(fences, place, port):
    """Grade all submissions in `place`, in a process of its own, and print what became of it as
    JSON.
    """
    import resource

    patch = pytest.MonkeyPatch()
    patch.setattr(sandbox, "SECONDS", 1.0)
    patch.setattr(sandbox, "START", 4.0)
    if fences == "hook":
        patch.setattr(marks, "find_wall", lambda: sandbox.NO_WALL)
    if fences == "wall":
        wall.find().require()  # without a wall, the files would harm this machine
        before, hookless = wall.Wall.before, [sys.executable, "-c", HOOKLESS]
        patch.setattr(
            wall.Wall,
            "before",
            lambda self, one=None: [*before(self, one), *(hookless if one else [])],
        )
    received: list[int] = []
    for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda number, _: received.append(number))
    server = socket.create_server(("127.0.0.1", port))
    server.setblocking(False)

    def limits():
        return (
            [resource.getrlimit(which) for which in range(10)],
            os.getpriority(0, 0),
            os.sched_getaffinity(0),
        )

    before_all = limits()
    rows = graded(submissions([place / "class"]), [lesson(1)], 6)
    try:
        server.accept()
        received.append(-1)
    except BlockingIOError:
        pass
    # Not getrusage, which would count what the process held before it became this program.
    peak = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
    print(json.dumps({
        "marks": {row.name: [row.marks[0].passed, row.marks[0].right, row.marks[0].said] for row in rows},
        "received": received, "left": os.listdir(tempfile.gettempdir()),
        "limits": limits() == before_all,
        "megabytes": peak >> 10,
    }))  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
