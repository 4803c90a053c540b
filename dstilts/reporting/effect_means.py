"""The numbers behind a mean of differences over targets: their blocks averaged seed by seed.

Seeds are paired across targets too: those of one seed come from one model of the intermediate
task, so what that model does to all of them stays in the spread over seeds.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from dstilts.reporting.effect_samples import Block, ColumnSamples, Sample


def mean_samples(
    columns: Sequence[ColumnSamples], languages: Collection[str] | None = None
) -> dict[str, Sample]:
    """By row the mean over its languages, then over targets; by the seeds that all of them have.

    A row is left out where a target or a language is missing: a mean over fewer is another number.

    Args:
        languages: of a group: targets without any of them are left out. None: every language that
            can be compared, of every target.
    """
    parts = [
        (column, None if languages is None else [c for c in column.languages if c in languages])
        for column in columns
    ]
    parts = [(column, codes) for column, codes in parts if codes is None or codes]
    groups: dict[tuple[int, ...], tuple[list[Block], list[str]]] = {}
    for row in dict.fromkeys(row for column, _ in parts for row in column.blocks):
        blocks = [column.blocks.get(row) for column, _ in parts]
        found = [
            block
            for block, (_, codes) in zip(blocks, parts, strict=True)
            if block and set(codes or ()) <= set(block.languages)
        ]
        if len(found) == len(parts):
            groups.setdefault(tuple(map(id, found)), (found, []))[1].append(row)
    samples: dict[str, Sample] = {}
    for found, mine in groups.values():
        joined = _joined(found, [codes for _, codes in parts])
        cells: Mapping[str, Sample] = joined.cells() if joined else {}
        samples.update({row: cells[row] for row in mine if row in cells})
    return samples


def _joined(blocks: Sequence[Block], languages: Sequence[Sequence[str] | None]) -> Block | None:
    """One block whose only language is the mean; None where the blocks share no seed."""
    rows = [row for row in blocks[0].rows if all(row in block.rows for block in blocks)]
    seeds = [seed for seed in blocks[0].seeds if all(seed in block.seeds for block in blocks)]
    if not seeds:
        return None
    deltas, drawn, sizes = [], [], []
    for block, codes in zip(blocks, languages, strict=True):
        row_at, seed_at, language_at = np.ix_(
            [block.rows.index(row) for row in rows],
            [block.seeds.index(seed) for seed in seeds],
            [block.languages.index(code) for code in codes or block.languages],
        )
        deltas.append(block.deltas_CSL[row_at, seed_at, language_at].mean(axis=-1))
        drawn.append(block.drawn_BCSL[:, row_at, seed_at, language_at].mean(axis=-1))
        sizes.append(block.sizes_L[language_at.ravel()].min())
    return Block(
        rows=tuple(rows),
        seeds=tuple(seeds),
        languages=("mean",),
        deltas_CSL=np.mean(deltas, axis=0)[..., None],
        drawn_BCSL=np.mean(drawn, axis=0)[..., None],
        # Where an untrained baseline meets trained ones, the spread is taken as if all were
        # trained: too large rather than too small.
        seeded=any(block.seeded for block in blocks),
        sizes_L=np.array([min(sizes)]),
    )
