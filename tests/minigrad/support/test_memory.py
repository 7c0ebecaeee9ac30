import ctypes
import sys

import pytest

from minigrad.support import memory


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's own way of keeping memory")
def test_keep_freed_sets_the_limits_of_glibc(monkeypatch):
    calls = []

    class Glibc:
        @staticmethod
        def mallopt(*given):
            calls.append(given)
            return 1

    monkeypatch.setattr(ctypes, "CDLL", lambda name: Glibc)
    memory.keep_freed()
    kept = dict(calls)
    # malloc.h: M_TRIM_THRESHOLD, M_MMAP_THRESHOLD
    assert kept[-1] == 256 << 20 and kept[-3] == 64 << 20
