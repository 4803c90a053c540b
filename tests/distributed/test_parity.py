"""ZeRO 0 to 3 on one and two ranks against plain torch: the same losses and weights."""

from itertools import chain
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

# What is trained: one task; many kinds of heads in turn; two tasks in every step.
WORK: dict[str, dict[str, object]] = {
    "single": {"tasks": ("mnli",)},
    "mixture": {"tasks": ("mnli", "udpos", "squad_v1", "mlm", "lareqa")},
    "mixed": {
        "tasks": ("mnli", "udpos", "squad_v1"),
        "tasks_per_step": 2,
        "loss_scales": (1.0, 0.5, 2.0),
    },
}
OFFLOADED = ((1, "optimizer"), (2, "optimizer"), (3, "optimizer"), (3, "parameters"))

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
def expected(runs: Path, encoder: Path) -> dict[str, tuple[list[float], dict]]:
    return {name: train_plainly(make(runs / "plain", encoder, name)) for name in WORK}


def make(output: Path, encoder: Path, work: str, **engine: object) -> PhaseConfig:
    tasks, *others = WORK[work].values()
    assert isinstance(tasks, tuple)
    options = dict(zip(list(WORK[work])[1:], others, strict=True))
    return phase(output, encoder, *tasks, **options, **engine)


def cases(runs: Path, encoder: Path, ranks: int) -> dict[str, list[PhaseConfig]]:
    """Phases by what they train: every stage, and where it may matter offload and bf16."""
    engines = [{"zero_stage": stage} for stage in (0, 1, 2, 3)]
    bf16 = [{**engine, "precision": "bf16"} for engine in engines]
    offload = [{"zero_stage": stage, "offload": what} for stage, what in OFFLOADED]
    checkpointing = {"zero_stage": 3, "activation_checkpointing": True}
    by_work = {"single": [*bf16, checkpointing], "mixture": offload, "mixed": offload}
    return {
        name: [
            make(runs / f"{ranks}-{name}-{'-'.join(map(str, e.values()))}", encoder, name, **e)
            for e in [*engines, *more]
        ]
        for name, more in by_work.items()
    }


def check(config: PhaseConfig, losses: list[float], weights: dict) -> None:
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
    # Many phases in one process, too: each must leave nothing behind for the next.
    for work, phases in cases(runs, encoder, 1).items():
        for config in phases:
            train_on(config, ProcessGroup(), [made_up(use.task) for use in config.tasks], {})
            check(config, *expected[work])


def test_two_ranks(runs: Path, encoder: Path, expected: dict) -> None:
    by_work = cases(runs, encoder, 2)
    launched = launch(list(chain.from_iterable(by_work.values())), runs / "launch")
    assert launched.wait(timeout=400) == 0, (runs / "launch" / "log.txt").read_text()
    for work, phases in by_work.items():
        for config in phases:
            check(config, *expected[work])
            assert read_manifest(config.output).settings["num_steps"] == 20


def test_the_losses_move(expected: dict) -> None:
    """Otherwise equal losses would prove nothing."""
    for losses, _ in expected.values():
        assert min(losses) < losses[0] - 0.1
