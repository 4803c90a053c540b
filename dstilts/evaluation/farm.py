"""One model's missing predictions: planned as shards, and merged when all shards are there."""

import contextlib
import copy
import itertools
import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dstilts.core.digest import short_key
from dstilts.core.errors import UserError
from dstilts.core.files import atomic_folder, read_json, write_json
from dstilts.core.logs import log
from dstilts.evaluation.costs import CostMemory
from dstilts.evaluation.layer_sweep import LayerSweep, best_layer
from dstilts.evaluation.merge import PlannedSet, join_outputs
from dstilts.evaluation.models import Reader
from dstilts.evaluation.plan import EVALUATION_VERSION
from dstilts.evaluation.planned import needed_units, own_units, planned_sets, table_ref
from dstilts.evaluation.records import Item, RecordFolder
from dstilts.evaluation.shard_file import FORMAT, BrokenShard, ShardOutputs, Timing, read_shard
from dstilts.evaluation.shards import Shard, Units, cut_into_shards, num_shards, runs
from dstilts.sampling.batches import micro_batches
from dstilts.tasks.metrics.score import Prediction

CUT_FILE = "cut.json"


class LostShards(Exception):
    """Outputs that were there are not there any more, or are broken.

    Attributes:
        reasons: by shard.
    """

    def __init__(self, reasons: Sequence[tuple[Shard, str]]) -> None:
        self.reasons = reasons
        super().__init__("; ".join(f"{shard.name}: {reason}" for shard, reason in reasons))


class ModelPlan:
    """The rows of all items of one model as shards.

    Micro-batches are a function of the items alone. How they are cut into shards depends on what
    was measured before, so the first start keeps its cut beside the shards, for the next ones.

    Args:
        items: of one model and the same options.
        reader: the tokenizer that the model reads with.
        threads: of a worker.
    """

    def __init__(
        self, items: Sequence[Item], reader: Reader, folder: RecordFolder, threads: int
    ) -> None:
        self.items = tuple(items)
        model, options = items[0].model, items[0].options
        self._sets = planned_sets(items, reader)
        self._pad_id = int(reader.tokenizer.pad_token_id)
        self._costs = CostMemory(reader.shape, options.precision, threads)
        self._tables = tuple(map(table_ref, self._sets))
        keys = [(Path(table.file).parent.name, table.head, table.stream) for table in self._tables]
        run = [options.precision, options.retrieval_layer, options.tokens]
        key = short_key([EVALUATION_VERSION, FORMAT, model.digest, keys, run])
        self._folder = folder.shards(model) / key
        self._keeps_outputs = False
        # Before `shards` makes the folder.
        self.is_begun = self._folder.is_dir()
        self.shards: list[Shard] = []

    def cut(self) -> None:
        """Cuts the shards, or takes the cut of an earlier start over."""
        batches, lengths, seconds = self._batches()
        model, options = self.items[0].model, self.items[0].options
        self.shards = [
            Shard(
                file=self._folder / f"{number:05d}.safetensors",
                model=model.location,
                published=model.published,
                digest=model.digest,
                pad_id=self._pad_id,
                precision=options.precision,
                layer=options.retrieval_layer,
                tables=self._tables,
                batches=tuple(batches[part]),
                lengths=tuple(lengths[part]),
                seconds=float(seconds[part].sum()),
            )
            for number, part in enumerate(runs(self._borders(seconds)))
        ]

    def missing(self) -> list[Shard]:
        """The shards whose outputs are not there yet or broken, those that take longest first, so
        that workers end together."""
        found = []
        for shard in self.shards:
            try:
                read_shard(shard)
            except BrokenShard as error:
                if shard.file.exists():
                    log(f"shard {shard.name}: {error}; it is done again")
                found.append(shard)
        return sorted(found, key=lambda shard: -shard.seconds)

    def merged(self) -> list[tuple[dict[str, Prediction], LayerSweep | None]]:
        """The predictions of each item, once all shards are there, and how its layers compare.

        Raises:
            LostShards: a shard's outputs are not there, or broken.
            MergeError: the shards' outputs are not those of the plan.
        """
        outputs: list[ShardOutputs] = []
        lost: list[tuple[Shard, str]] = []
        for shard in self.shards:
            try:
                outputs.append(read_shard(shard))
            except BrokenShard as error:
                lost.append((shard, str(error)))
        if lost:
            raise LostShards(lost)
        units = np.concatenate([units for shard in self.shards for units in shard.batches])
        found = join_outputs([each.tables for each in outputs], units)
        merged = [best_layer(planned, found) for planned in self._sets]
        self._learn(outputs)
        return merged

    def only(self, items: Collection[Item]) -> "ModelPlan":
        """The part of the plan that some of its items need."""
        titles = {item.title for item in items}
        chosen = [item.title in titles for item in self.items]
        part = copy.copy(self)
        part.items = tuple(itertools.compress(self.items, chosen))
        part._sets = list(itertools.compress(self._sets, chosen))
        needed = _numbers(np.concatenate([needed_units(planned) for planned in part._sets]))
        part.shards = [
            shard
            for shard in self.shards
            if np.isin(_numbers(np.concatenate(shard.batches)), needed).any()
        ]
        return part

    def without(self, shards: Sequence[Shard]) -> "ModelPlan | None":
        """The part whose items need none of some shards; None where that is none.

        The outputs stay for the next start, which does the rest.
        """
        lost = np.concatenate([_numbers(units) for shard in shards for units in shard.batches])
        items = [
            item
            for item, planned in zip(self.items, self._sets, strict=True)
            if not np.isin(_numbers(needed_units(planned)), lost).any()
        ]
        if not items:
            return None
        part = self.only(items)
        part._keeps_outputs = True
        return part

    def items_of(self, shard: Shard) -> list[Item]:
        """The items that a shard has units of."""
        tables = {int(number) for units in shard.batches for number in units[:, 0]}
        pairs = zip(self.items, self._sets, strict=True)
        return [item for item, planned in pairs if planned.number in tables]

    def clean(self) -> None:
        """Removes the outputs of the shards: the predictions are written."""
        if self._keeps_outputs:
            return
        shutil.rmtree(self._folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            self._folder.parent.rmdir()  # stays as long as another evaluation has shards here

    def _batches(self) -> tuple[list[Units], list[int], npt.NDArray[np.float64]]:
        """All micro-batches, the lengths they are padded to, and their expected seconds."""
        batches: list[Units] = []
        lengths: list[int] = []
        seconds = [np.empty(0)]
        tokens = self.items[0].options.tokens
        for stream, sets in self._streams().items():
            found = [own_units(planned) for planned in sets]
            units = np.concatenate([units for units, _ in found])
            each = np.concatenate([lengths for _, lengths in found])
            cut = micro_batches(each, tokens)
            longest = [int(each[rows[0]]) for rows in cut]
            batches += [units[rows] for rows in cut]
            lengths += longest
            model = self._costs.model(stream)
            seconds.append(model.seconds([len(rows) for rows in cut], longest))
        return batches, lengths, np.concatenate(seconds)

    def _streams(self) -> Mapping[str, list[PlannedSet]]:
        streams: dict[str, list[PlannedSet]] = {}
        for planned in self._sets:
            streams.setdefault(table_ref(planned).stream, []).append(planned)
        return streams

    def _borders(self, seconds: npt.NDArray[np.float64]) -> list[int]:
        """Where shards begin: as they were cut first, whatever was measured since."""
        file = self._folder / CUT_FILE
        if not self._folder.is_dir():
            borders = cut_into_shards(seconds, num_shards(float(seconds.sum())))
            # Of two evaluations that begin at the same time both take the cut of the first.
            with atomic_folder(self._folder) as temporary:
                write_json(temporary / CUT_FILE, borders)
        found = _read_borders(file, len(seconds))
        if found is None:
            # Outputs of another cut are of other units: they are found out and done again.
            found = cut_into_shards(seconds, num_shards(float(seconds.sum())))
            write_json(file, found)
        return found

    def _learn(self, outputs: Sequence[ShardOutputs]) -> None:
        measured: dict[str, list[Timing]] = {}
        for shard, each in zip(self.shards, outputs, strict=True):
            for units, timing in zip(shard.batches, each.timings, strict=True):
                stream = self._tables[int(units[0, 0])].stream
                measured.setdefault(stream, []).append(timing)
        for stream, timings in measured.items():
            self._costs.learn(stream, timings)


def _read_borders(file: Path, num_batches: int) -> list[int] | None:
    """A cut that was kept; None if it is broken."""
    try:
        borders = read_json(file)
    except UserError:
        return None
    is_cut = (
        isinstance(borders, list)
        and all(isinstance(border, int) for border in borders)
        and borders == sorted(set(borders))
        and bool(borders)
        and (borders[0], borders[-1]) == (0, num_batches)
    )
    return borders if is_cut else None


def _numbers(units: Units) -> npt.NDArray[np.int64]:
    """Units as one number each."""
    table, row, choice = units.astype(np.int64).T
    return (table << 43) | (row << 12) | choice
