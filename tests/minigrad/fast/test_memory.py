import ctypes
import sys

import pytest

from minigrad.fast import memory

pytestmark = pytest.mark.fast


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's own way of keeping memory")
def test_freed_memory_is_kept_and_given_back(monkeypatch):
    calls = []

    class Glibc:
        @staticmethod
        def mallopt(*given):
            calls.append(given)
            return 1

    monkeypatch.setattr(ctypes, "CDLL", lambda name: Glibc)
    memory.keep_freed(True)
    kept = dict(calls)
    calls.clear()
    memory.keep_freed(False)
    # malloc.h: M_TRIM_THRESHOLD, M_MMAP_THRESHOLD
    assert kept[-1] == 256 << 20 and kept[-3] == 64 << 20
    assert dict(calls)[-1] == 128 << 10 == dict(calls)[-3]  # what mallopt(3) gives as the defaults
