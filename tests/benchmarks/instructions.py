"""Print the instruction set that each installed library uses on this processor, as lines of JSON.

page.py runs this file as a process with the contenders' environment variables.
"""

import ctypes
import json
import platform
import re
from contextlib import suppress
from pathlib import Path

import numpy as np


def processor(info=Path("/proc/cpuinfo")):
    """Return the processor's name without marks, with its family and model: "AMD EPYC 9B14 (family
    25, model 17)". A brand is not enough: two processors called AMD EPYC have different ratios.
    """
    text = info.read_text() if info.exists() else ""
    fields = dict(re.findall(r"^(.*?)\s*: (.*)", text, re.M))
    name = fields.get("model name") or platform.processor() or platform.machine()
    name = re.sub(r"\(\w+\)|\d+-Core|Processor|CPU|@.*", " ", name)
    name = " ".join(name.split())
    family, model = fields.get("cpu family"), fields.get("model")
    if family and model:
        return f"{name} (family {family}, model {model})"
    # Windows's names contain the model; those of macOS and of Linux on ARM do not
    return name if "Model" in name else f"{name} (model not recorded)"


def numpy_set():
    return np.show_config("dicts")["SIMD Extensions"]["found"][-1]


def openblas_core():
    """Return the processor for which NumPy's OpenBLAS selected its kernels."""
    np.ones((2, 2)) @ np.ones((2, 2))
    maps = Path("/proc/self/maps").read_text()
    library = ctypes.CDLL(re.findall(r"/\S*openblas\S*", maps)[0])
    for name in ("scipy_openblas_get_corename64_", "scipy_openblas_get_corename"):
        with suppress(AttributeError):
            function = getattr(library, name)
            function.restype = ctypes.c_char_p
            return f"kernels for {function().decode()}"
    raise LookupError


def torch_set():
    import torch

    return torch.backends.cpu.get_cpu_capability()


def xla_set():
    """Return the widest vectors of the processor, for which XLA compiles its code."""
    import jax  # noqa: F401

    flags = Path("/proc/cpuinfo").read_text().split()
    name = next(name for name in ("avx512f", "avx2", "avx", "asimd") if name in flags)
    return f"compiles for this processor, which has {name.upper()}"


LIBRARIES = {
    "NumPy": numpy_set,
    "OpenBLAS, in NumPy": openblas_core,
    "PyTorch": torch_set,
    "XLA, in JAX and Keras": xla_set,
}

if __name__ == "__main__":
    for library, read in LIBRARIES.items():
        # a library that is not installed, or a system that does not show it
        with suppress(ImportError, OSError, LookupError, StopIteration):
            print(json.dumps([library, read()]))
