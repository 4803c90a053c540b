"""What a side's process runs: `python -m dstilts.bench.side JOB.json`, on every rank.

It writes `rank-<number>.json` into the job's output folder.
"""

import dataclasses
import sys
from pathlib import Path

import torch

from dstilts.bench.job import Job, RankResult, read_examples, read_job
from dstilts.bench.ours import train_with_dstilts
from dstilts.bench.peer import Peer
from dstilts.bench.plain import PlainModel, held_out_loss
from dstilts.core.errors import RunError, UserError
from dstilts.core.process_group import ProcessGroup, launched_ranks
from dstilts.engine.data import heads_of, token_rows
from dstilts.engine.flops import ModelFlops
from dstilts.engine.phase import BatchConfig
from dstilts.engine.plan import TaskRows
from dstilts.models.encoder import EncoderBundle, load_encoder
from dstilts.models.heads import HeadSpec
from dstilts.models.multitask import MultiTaskModel
from dstilts.tasks.examples import ExampleSet


def main(arguments: list[str]) -> int:
    """Runs the job in the last argument; launchers put theirs before it."""
    job, group = read_job(Path(arguments[-1])), launched_ranks()
    try:
        run_side(job, group).write(job.output, group.rank)
    except (UserError, RunError) as error:
        print(f"dstilts: {error}", file=sys.stderr)
        return 2 if isinstance(error, UserError) else 1
    return 0


def run_side(job: Job, group: ProcessGroup) -> RankResult:
    """Trains as the job says; rank 0 computes the loss on the held-out examples (collectives).

    Raises:
        UserError: a mistake of the user; RunError: the side failed.
    """
    examples = read_examples(job.examples)
    if job.side == "dstilts":
        trained = train_with_dstilts(job, group, examples)
        # The engine has read encoder and rows by itself; here they are for counting only.
        work = _Work.of(job, examples)
        result = trained.result(work.rows, work.flops, job.ranks)
        model = _published_model(job) if group.is_main else None
    else:
        work = _Work.of(job, examples)
        trained_model = work.model(job)
        result = _train_peer(Peer(job, group, trained_model, work.rows, work.pad_id, work.flops))
        # The Trainer leaves a model that computes in its precision: this one has the same weights.
        model = work.model(job)
        model.head.load_state_dict(trained_model.head.state_dict())
    if not group.is_main or model is None:
        return result
    model = model.to("cuda" if torch.cuda.is_available() else "cpu")
    [held_out] = _rows(job, [read_examples(job.held_out)], work.bundle)
    return dataclasses.replace(result, held_out_loss=held_out_loss(model, held_out, work.pad_id))


@dataclasses.dataclass(frozen=True)
class _Work:
    bundle: EncoderBundle
    spec: HeadSpec
    rows: TaskRows
    flops: ModelFlops

    @classmethod
    def of(cls, job: Job, examples: ExampleSet) -> "_Work":
        bundle = load_encoder(job.encoder)
        [rows] = _rows(job, [examples], bundle)
        heads = heads_of([examples])
        flops = ModelFlops.of(MultiTaskModel(bundle.model, heads))
        return cls(bundle, heads[rows.head], rows, flops)

    def model(self, job: Job) -> PlainModel:
        """A model around the one encoder, with a new head."""
        return PlainModel(self.bundle.model, self.spec, self.rows.head, job.seed)

    @property
    def pad_id(self) -> int:
        return int(self.bundle.tokenizer.pad_token_id)


def _rows(job: Job, sets: list[ExampleSet], bundle: EncoderBundle) -> list[TaskRows]:
    """From the cache, which was filled before any side was started; each rank for itself."""
    batch = BatchConfig(max_length=job.max_length, max_length_span=job.max_length)
    return token_rows(sets, bundle.tokenizer, batch, ProcessGroup())


def _train_peer(peer: Peer) -> RankResult:
    if peer.job.side == "torch":
        from dstilts.bench.torch_loop import train_with_torch

        return train_with_torch(peer)
    from dstilts.bench.trainer import train_with_trainer

    return train_with_trainer(peer)


def _published_model(job: Job) -> PlainModel:
    """What dstilts published, in the peers' model: that is what its user gets."""
    from dstilts.checkpoints.publish import load_published

    published = load_published(job.output / "model")
    [(name, spec)] = published.manifest.heads.items()
    model = PlainModel(published.encoder, spec, name, job.seed)
    model.head.load_state_dict(published.model().bank.heads[name].state_dict())
    return model


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
