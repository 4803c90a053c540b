"""The matmul peak: measured once for what it depends on, and the same on every rank."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from dstilts.core.cache import cache_folder
from dstilts.core.files import read_json
from dstilts.core.process_group import ProcessGroup
from dstilts.engine import peak
from dstilts.engine.peak import matmul_peak, measured_peak

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DSTILTS_CACHE", str(tmp_path))
    monkeypatch.setattr(peak, "_SIZES", {"cpu": (16, 32)})
    monkeypatch.setattr(peak, "_SECONDS", 0.01)


@dataclasses.dataclass(frozen=True)
class TwoRanks(ProcessGroup):
    """Rank 0 beside a rank on `other_host` whose rate is `other_rate`."""

    world_size: int = 2
    other_host: str = ""
    other_rate: float = 0.0

    def gather(self, value: Any) -> list[Any]:
        match value:
            case str():
                return [value, self.other_host or value]
            case (str() as host, float()):
                return [value, (self.other_host or host, self.other_rate)]
            case float():
                return [value, self.other_rate if self.other_host else value]
            case _:
                return [value, value]

    def barrier(self) -> None:
        pass


def rates(monkeypatch: pytest.MonkeyPatch, *values: float) -> list[str]:
    """Measurements give these values in turn; what was measured is returned."""
    left, asked = list(values), []

    def measure(device: torch.device, precision: str) -> float:
        asked.append(precision)
        return left.pop(0)

    monkeypatch.setattr(peak, "measured_peak", measure)
    return asked


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_rate_is_measured(precision: str) -> None:
    assert 1e5 < measured_peak(CPU, precision) < 1e15


def test_it_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = rates(monkeypatch, 1e9, 2e9, 3e9, 4e9)
    assert [matmul_peak(ProcessGroup(), CPU, "fp32") for _ in range(3)] == [1e9] * 3
    assert matmul_peak(ProcessGroup(), CPU, "bf16") == 2e9
    threads = torch.get_num_threads()
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads + 1)
    assert matmul_peak(ProcessGroup(), CPU, "fp32") == 3e9
    assert asked == ["fp32", "bf16", "fp32"]
    files = list(cache_folder("peak").iterdir())
    assert sorted(read_json(file)["flops_per_second"] for file in files) == [1e9, 2e9, 3e9]
    assert {read_json(file)["torch"] for file in files} == {torch.__version__}


def test_a_broken_file_is_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    rates(monkeypatch, 1e9, 2e9)
    matmul_peak(ProcessGroup(), CPU, "fp32")
    (file,) = cache_folder("peak").iterdir()
    file.write_text('{"flops_per_sec')
    assert matmul_peak(ProcessGroup(), CPU, "fp32") == 2e9
    assert read_json(file)["flops_per_second"] == 2e9


def test_ranks_of_a_machine_measure_beside_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = rates(monkeypatch, 1e9, 3e9)
    assert matmul_peak(TwoRanks(other_rate=2e9), CPU, "fp32") == 1.5e9
    assert matmul_peak(TwoRanks(other_rate=2e9), CPU, "fp32") == 1.5e9
    # Alone on its machine a rank has another peak; the mean is over the machines.
    assert matmul_peak(TwoRanks(other_host="elsewhere", other_rate=5e9), CPU, "fp32") == 4e9
    assert asked == ["fp32", "fp32"]
    files = cache_folder("peak").iterdir()
    assert {(read_json(f)["ranks"], read_json(f)["flops_per_second"]) for f in files} == {
        (2, 1.5e9),
        (1, 3e9),
    }
