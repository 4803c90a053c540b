"""ZeRO 0 to 3 on one and two ranks against plain torch: the same losses and weights."""

from pathlib import Path

import pytest

from dstilts.checkpoints.manifest import read_manifest
from dstilts.core.logs import read_events
from dstilts.core.process_group import ProcessGroup
from dstilts.engine.phase import PhaseConfig
from dstilts.engine.train import train_on
from tests.distributed.launch import launch
from tests.distributed.phases import made_up, phase
from tests.distributed.reference import published_weights, train_plainly
from tests.tiny import tiny_encoder

pytestmark = pytest.mark.distributed

SINGLE = ("mnli",)
MIXTURE = ("mnli", "udpos", "squad_v1", "mlm", "lareqa")
STAGES = (0, 1, 2, 3)

LOSS_TOLERANCE = {"fp32": 1e-5, "bf16": 0.05}
WEIGHT_TOLERANCE = 1e-5  # fp32


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DSTILTS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def encoder(runs: Path) -> Path:
    return tiny_encoder(runs / "encoder")


@pytest.fixture(scope="module")
def expected(runs: Path, encoder: Path) -> dict:
    return {
        tasks: train_plainly(phase(runs / "plain", encoder, *tasks)) for tasks in (SINGLE, MIXTURE)
    }


def cases(runs: Path, encoder: Path, ranks: int) -> list[PhaseConfig]:
    return [
        phase(
            runs / f"{ranks}-ranks-zero{stage}-{precision}-{len(tasks)}",
            encoder,
            *tasks,
            zero_stage=stage,
            precision=precision,
        )
        for tasks in (SINGLE, MIXTURE)
        for stage in STAGES
        for precision in ("fp32", "bf16")
        if precision == "fp32" or tasks == SINGLE
    ]


def check(config: PhaseConfig, expected: dict) -> None:
    losses, weights = expected[tuple(use.task for use in config.tasks)]
    events = read_events(config.run_folder / "events.jsonl")
    seen = [event for event in events if event["event"] == "train"]
    assert [event["step"] for event in seen] == list(range(20))
    worst = max(abs(event["loss"] - loss) for event, loss in zip(seen, losses, strict=True))
    assert worst <= LOSS_TOLERANCE[config.engine.precision], config.name
    assert all(event["gradient_norm"] > 0 for event in seen), config.name
    published = published_weights(config.output)
    assert set(published) == set(weights)
    if config.engine.precision == "fp32":
        for name, weight in weights.items():
            difference = float((published[name] - weight).abs().max())
            assert difference <= WEIGHT_TOLERANCE, (config.name, name)


def test_one_rank(runs: Path, encoder: Path, expected: dict) -> None:
    # Sixteen phases in one process, too: each must leave nothing behind for the next.
    for config in cases(runs, encoder, 1):
        train_on(config, ProcessGroup(), [made_up(use.task) for use in config.tasks], {})
        check(config, expected)


def test_two_ranks(runs: Path, encoder: Path, expected: dict) -> None:
    phases = cases(runs, encoder, 2)
    launched = launch(phases, runs / "launch")
    assert launched.wait(timeout=300) == 0, (runs / "launch" / "log.txt").read_text()
    for config in phases:
        check(config, expected)
        assert read_manifest(config.output).settings["num_steps"] == 20


def test_the_losses_move(expected: dict) -> None:
    """Otherwise equal losses would prove nothing."""
    for losses, _ in expected.values():
        assert min(losses) < losses[0] - 0.1
