"""Runs stopped on two ranks and finished on one, two and four: the same losses and weights."""

import shutil
from pathlib import Path

import pytest

from dstilts.core.logs import read_events
from dstilts.engine.phase import PhaseConfig
from tests.distributed.launch import launch
from tests.distributed.phases import phase
from tests.distributed.reference import published_weights
from tests.tiny import tiny_encoder

pytestmark = pytest.mark.distributed

TASKS = ("mnli", "udpos", "squad_v1")
STOPPED_AFTER = 7
STEPS = 14
ENGINES = [
    *({"zero_stage": stage} for stage in (0, 1, 2, 3)),
    *({"zero_stage": stage, "precision": "bf16"} for stage in (0, 1, 3)),
    {"zero_stage": 2, "offload": "optimizer"},
    {"zero_stage": 3, "offload": "parameters"},
]


def phases(folder: Path, encoder: Path) -> list[PhaseConfig]:
    names = ["-".join(map(str, engine.values())) for engine in ENGINES]
    return [
        phase(folder / name, encoder, *TASKS, steps=STEPS, **engine)
        for name, engine in zip(names, ENGINES, strict=True)
    ]


def losses(config: PhaseConfig) -> list[tuple[int, float]]:
    events = read_events(config.run_folder / "events.jsonl")
    return [(e["step"], e["loss"]) for e in events if e["event"] == "train"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds `whole`, runs that nothing disturbed, and `stopped`, both on two ranks."""
    folder = tmp_path_factory.mktemp("elastic")
    encoder = tiny_encoder(folder / "encoder")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DSTILTS_CACHE", str(folder / "cache"))
        whole = launch(phases(folder / "whole", encoder), folder / "launch-whole")
        assert whole.wait(timeout=300) == 0, (folder / "launch-whole/log.txt").read_text()
        stop = f"--stop-after={STOPPED_AFTER}"
        stopped = launch(phases(folder / "stopped", encoder), folder / "launch-stopped", stop)
        assert stopped.wait(timeout=300) == 0, (folder / "launch-stopped/log.txt").read_text()
    for config in phases(folder / "stopped", encoder):
        assert not config.output.exists()
        assert len(losses(config)) == STOPPED_AFTER
    return folder


@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_finished_on(ranks: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSTILTS_CACHE", str(folder / "cache"))
    encoder, again = folder / "encoder", folder / f"on-{ranks}"
    shutil.copytree(folder / "stopped", again)
    launched = launch(phases(again, encoder), folder / f"launch-{ranks}", ranks=ranks)
    assert launched.wait(timeout=300) == 0, (folder / f"launch-{ranks}/log.txt").read_text()
    for config, whole in zip(
        phases(again, encoder), phases(folder / "whole", encoder), strict=True
    ):
        seen, expected = losses(config), losses(whole)
        assert [step for step, _ in seen] == list(range(STEPS)), config.name
        weights, wanted = published_weights(config.output), published_weights(whole.output)
        if ranks == 2:
            assert seen == expected, config.name
            assert all(bool((weights[name] == wanted[name]).all()) for name in wanted), config.name
        elif config.engine.precision == "fp32":
            for (_, loss), (_, other) in zip(seen, expected, strict=True):
                assert abs(loss - other) <= 1e-5, config.name
            for name in wanted:
                assert float((weights[name] - wanted[name]).abs().max()) <= 1e-5, (ranks, name)


@pytest.mark.parametrize(("before", "after"), [(0, 3), (3, 1)])
def test_finished_in_another_stage(
    before: int, after: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSTILTS_CACHE", str(folder / "cache"))
    again = folder / f"stage-{before}-{after}"
    again.mkdir()
    shutil.copytree(folder / "stopped" / f"{before}.run", again / f"{before}.run")
    options = {"steps": STEPS, "zero_stage": after}
    config = phase(again / str(before), folder / "encoder", *TASKS, **options)
    launched = launch([config], again / "launch", ranks=1)
    assert launched.wait(timeout=120) == 0, (again / "launch" / "log.txt").read_text()
    expected = losses(phase(folder / "whole" / str(after), folder / "encoder", *TASKS))
    for (step, loss), (number, other) in zip(losses(config), expected, strict=True):
        assert step == number
        assert abs(loss - other) <= 1e-5
