"""What is said before memory runs out, and after it has: the figures fit the phase."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from dstilts.core.errors import RunError, UserError
from dstilts.core.process_group import ProcessGroup
from dstilts.engine import memory_advice
from dstilts.engine.memory_advice import (
    check_fits,
    free_for_rank,
    is_out_of_memory,
    out_of_memory_message,
    remedies,
)
from dstilts.engine.memory_estimate import ModelSize, Need, state_bytes
from dstilts.engine.phase import BatchConfig, EngineConfig, PhaseConfig, TaskUse

GIB = 1 << 30
CPU = torch.device("cpu")
EIGHT = ProcessGroup(world_size=8)
# XLM-R large.
LARGE = ModelSize(
    parameters=558_840_832,
    trained=558_840_832,
    largest=256_002_048,
    layers=24,
    hidden_size=1024,
    inner_size=4096,
    heads=16,
    vocabulary=250_002,
)


def config(*tasks: str, **engine: object) -> PhaseConfig:
    return PhaseConfig(
        name="nli",
        role="intermediate",
        output=Path("out"),
        tasks=tuple(TaskUse(name) for name in tasks or ("mnli",)),
        batch=BatchConfig(tokens=1024, micro_batches=4, max_length=256, max_length_span=384),
        engine=EngineConfig(**{"zero_stage": 0, **engine}),
    )


def free(monkeypatch: pytest.MonkeyPatch, device: float, host: float) -> None:
    need = Need(int(device * GIB), int(host * GIB))
    monkeypatch.setattr(memory_advice, "free_for_rank", lambda group, device: need)


def refused(engine: dict[str, object]) -> str:
    with pytest.raises(UserError) as raised:
        check_fits(config(**engine), LARGE, EIGHT, torch.device("cuda"))
    return str(raised.value)


def test_the_first_stage_that_fits_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, 7.0, 100)
    said = refused({})
    assert said == (
        "weights, gradients and AdamW's state alone need 8.3 GiB a rank, 7.0 GiB are free; "
        "use engine.zero_stage = 1 (5.0 GiB)"
    )
    free(monkeypatch, 4.9, 100)
    assert "use engine.zero_stage = 2 (" in refused({})


def test_offload_is_named_where_no_stage_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    # In bf16 stage 3 keeps the gathered weights beside its shards.
    free(monkeypatch, 1.5, 100)
    assert "use engine.zero_stage = 3 and engine.offload = 'optimizer' (" in refused(
        {"precision": "bf16"}
    )
    free(monkeypatch, 1.25, 100)
    assert "engine.offload = 'parameters' (" in refused({"precision": "bf16"})
    # Neither the device nor the host has room.
    free(monkeypatch, 1.5, 0.1)
    assert "no other stage or offload fits either" in refused({"precision": "bf16"})


def test_what_compile_excludes_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, 1.5, 100)
    assert "zero_stage = 3" not in refused({"compile": True})


def test_enough_memory_is_not_mentioned(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    free(monkeypatch, 100, 100)
    check_fits(config(), LARGE, EIGHT, torch.device("cuda"))
    monkeypatch.setattr(memory_advice, "free_for_rank", lambda group, device: None)
    check_fits(config(), LARGE, EIGHT, torch.device("cuda"))
    assert capsys.readouterr().err == ""


def test_a_warning_where_a_pass_may_not_fit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    free(monkeypatch, 8.5, 100)
    check_fits(config(), LARGE, EIGHT, torch.device("cuda"))
    (line,) = capsys.readouterr().err.splitlines()
    assert "nli: memory may run out: a rank needs about 10." in line
    assert "8.5 GiB are free; if it does, set batch.tokens = 512 with batch.micro_batches" in line


def test_on_a_cpu_host_and_device_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, 6.0, 0.0)
    # 8.3 GiB, of which the weights that are loaded are 2.1.
    with pytest.raises(UserError, match=r"alone need 8\.3 GiB a rank, 6\.0 GiB are free; "):
        check_fits(config(), LARGE, EIGHT, CPU)
    free(monkeypatch, 6.5, 0.0)
    check_fits(config(), LARGE, EIGHT, CPU)


class _Shared(ProcessGroup):
    """Two ranks on this host and one on another."""

    def gather(self, value: object) -> list:  # type: ignore[override]
        return [value, value, ("elsewhere", GIB, 5 * GIB)]


def test_ranks_of_one_host_share_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, size in (("free_host_bytes", 4 * GIB), ("free_device_bytes", 4 * GIB)):
        monkeypatch.setattr(memory_advice, name, lambda *_, size=size: size)
    assert free_for_rank(_Shared(), CPU) == Need(GIB)
    monkeypatch.setattr(memory_advice, "free_device_bytes", lambda _: 3 * GIB // 4)
    assert free_for_rank(_Shared(), torch.device("cuda")) == Need(3 * GIB // 4, 2 * GIB)


def test_remedies_keep_the_step() -> None:
    assert remedies(config(), 1, on_cuda=False) == [
        "batch.tokens = 512 with batch.micro_batches = 8 (the same step in smaller parts)",
        "engine.activation_checkpointing = true (a third more computing)",
    ]
    assert remedies(config(), 1, on_cuda=False, fuse=6)[0] == "engine.fuse = 3"
    assert remedies(config(), 2, on_cuda=False)[-1] == "engine.zero_stage = 1"
    on_cuda = remedies(config(zero_stage=2), 2, on_cuda=True)
    assert on_cuda[-2:] == ["engine.zero_stage = 3", "engine.offload = 'optimizer'"]
    alone = remedies(config(zero_stage=0), 1, on_cuda=True)
    assert alone[-1] == "engine.zero_stage = 1 and engine.offload = 'optimizer'"
    last = config(zero_stage=3, offload="optimizer", activation_checkpointing=True)
    assert remedies(last, 2, on_cuda=True)[1:] == ["engine.offload = 'parameters'"]


@pytest.mark.parametrize(
    ("task", "halved"),
    [("mnli", True), ("squad_v1", True), ("socialiqa", False), ("lareqa", True), ("mlm", True)],
)
def test_tokens_are_not_halved_below_the_longest_row(task: str, halved: bool) -> None:
    # Three choices of 256 tokens stand together and are more than 512.
    found = remedies(config(task), 1, on_cuda=False)
    assert any("batch.tokens" in each for each in found) == halved


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 512.00 MiB. GPU 0 has"),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:114] err == 0. DefaultCPUAllocator: can't allocate "
            "memory: you tried to allocate 536870912 bytes. Error code 12 (Cannot allocate memory)"
        ),
        RuntimeError(
            "DefaultCPUAllocator: not enough memory: you tried to allocate 536870912 bytes"
        ),
    ],
)
def test_errors_of_torch_are_recognised(error: Exception) -> None:
    said = out_of_memory_message(error, config(), ProcessGroup(rank=1, world_size=2), CPU)
    assert said is not None
    assert said.startswith("nli: no memory left on rank 1 (512.0 MiB more were asked for, ")
    assert ": set batch.tokens = 512 with batch.micro_batches = 8 (" in said
    assert "\n" not in said


def test_other_shortages_are_recognised() -> None:
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(RuntimeError("std::bad_alloc"))
    assert is_out_of_memory(OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)))


@pytest.mark.parametrize(
    "error",
    [RuntimeError("shape"), RunError("out of memory"), OSError(errno.ENOSPC, ""), ValueError()],
)
def test_other_errors_are_left_alone(error: Exception) -> None:
    if isinstance(error, RunError):
        assert not is_out_of_memory(error)
    assert out_of_memory_message(error, config(), ProcessGroup(), CPU) is None


PROGRAM = """
import resource, sys
from pathlib import Path
import torch
from dstilts.core.process_group import ProcessGroup
from dstilts.engine.memory_advice import out_of_memory_message
from dstilts.models.encoder import load_encoder
from tests.engine.test_memory_advice import CPU, config

encoder = load_encoder(sys.argv[1]).model.train()
ids = torch.full((4096, 128), 5)
encoder(ids[:2]).last_hidden_state.sum().backward()
now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + (256 << 20), -1))
try:
    encoder(ids).last_hidden_state.sum().backward()
except Exception as error:
    print(out_of_memory_message(error, config(), ProcessGroup(), CPU))
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="sizes of processes: Linux only")
def test_memory_that_really_runs_out(encoder: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(encoder)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert process.stdout.startswith("nli: no memory left on rank 0 (")
    assert " more were asked for, " in process.stdout
    assert "engine.activation_checkpointing = true" in process.stdout


def test_states_are_what_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    need = state_bytes(LARGE, EngineConfig(zero_stage=0), 8).device / GIB
    for extra, fits in ((-0.001, False), (0.001, True)):
        free(monkeypatch, need + extra, 0)
        if fits:
            check_fits(config(), LARGE, EIGHT, torch.device("cuda"))
        else:
            assert refused({})
