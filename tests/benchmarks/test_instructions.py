"""The processor's name, from /proc/cpuinfo as Linux writes it, and on systems without this file."""

import platform
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

from instructions import processor

CORE = "processor\t: 0\ncpu family\t: {}\nmodel\t\t: {}\nmodel name\t: {}\npower management:\n\n"


@pytest.mark.parametrize(
    ("family", "model", "brand", "expected"),
    [
        (25, 17, "AMD EPYC", "AMD EPYC (family 25, model 17)"),
        (
            25,
            17,
            "AMD EPYC 9B14 96-Core Processor",
            "AMD EPYC 9B14 (family 25, model 17)",
        ),
        (6, 143, "Intel(R) Xeon(R) CPU @ 2.20GHz", "Intel Xeon (family 6, model 143)"),
    ],
)
def test_processor_has_its_family_and_model(tmp_path, family, model, brand, expected):
    info = tmp_path / "cpuinfo"
    info.write_text(CORE.format(family, model, brand) * 2)
    assert processor(info) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("arm", "arm (model not recorded)"),
        (
            "Intel64 Family 6 Model 142 Stepping 12, GenuineIntel",
            "Intel64 Family 6 Model 142 Stepping 12, GenuineIntel",
        ),
    ],
)
def test_other_systems(monkeypatch, tmp_path, name, expected):
    monkeypatch.setattr(platform, "processor", lambda: name)
    assert processor(tmp_path / "missing") == expected
