"""Ranks whose disk is full at times: `... full_disk_worker PHASE.toml [save] [publish]`.

With `save` rank 1 cannot save at step `STEP`, with `publish` rank 0 cannot publish.
"""

import contextlib
import resource
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from dstilts.core.config import load_config
from dstilts.core.errors import RunError
from dstilts.core.process_group import launched_ranks
from dstilts.engine import saving, trainer
from dstilts.engine.phase import PhaseConfig
from dstilts.engine.train import train_on
from tests.distributed.phases import made_up

STEP = 10
LONGEST = 20_000  # bytes of a file; shards and weights have more


def main(file: Path, where: list[str]) -> None:
    """Trains a phase."""
    group = launched_ranks()
    if "save" in where and group.rank == 1:
        saving.save_resume = limited(saving.save_resume, lambda state: state.step == STEP)
    if "publish" in where and group.rank == 0:
        trainer.publish = limited(trainer.publish, lambda _: True)
    config = load_config(PhaseConfig, file)
    try:
        train_on(config, group, [made_up(use.task) for use in config.tasks], {})
    except RunError as error:
        print(f"dstilts failed: {error}", file=sys.stderr, flush=True)
        sys.exit(1)


def limited(function: Callable[..., Any], applies: Callable[[Any], bool]) -> Callable[..., Any]:
    """A function that meets a full disk where `applies` says so of its second argument."""

    def run(first: object, second: object, *others: object, **options: object) -> Any:
        with short_files() if applies(second) else contextlib.nullcontext():
            return function(first, second, *others, **options)

    return run


@contextlib.contextmanager
def short_files() -> Iterator[None]:
    """No file of this process may become longer than `LONGEST`."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LONGEST, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if not word.startswith("--local_rank")]
    main(Path(words[0]), words[1:])
