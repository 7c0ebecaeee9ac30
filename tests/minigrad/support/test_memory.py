"""`keep_freed` sets the limits of glibc's allocator."""

import ctypes
import sys

import pytest

from minigrad.support import memory


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
def test_keep_freed_sets_limits_of_glibc(monkeypatch):
    limits = {}

    class Glibc:
        @staticmethod
        def mallopt(option, value):
            limits[option] = value
            return 1

    monkeypatch.setattr(ctypes, "CDLL", lambda name: Glibc)
    memory.keep_freed()
    trim_threshold, mmap_threshold = -1, -3  # malloc.h
    assert limits[trim_threshold] == 256 << 20
    assert limits[mmap_threshold] == 64 << 20
