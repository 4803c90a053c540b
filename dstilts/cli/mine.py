"""`dstilts mine`: pairs of translations in two files of sentences, or of sentence vectors."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dstilts.cli.parser import add_command, count, layer_number
from dstilts.core.errors import UserError

if TYPE_CHECKING:
    from dstilts.retrieval.crew import Crew
    from dstilts.retrieval.job import MiningOptions, MiningResult
    from dstilts.tasks.metrics.mining import Pair

_NOTES = """
input, one of:
  SOURCE TARGET            a sentence a line; blank lines are left out. Ids are the numbers of the
                           lines from 1, or those of --source-ids and --target-ids
  --source-ids, --target-ids alone, with `id<TAB>text` lines
  --source-embeddings, --target-embeddings: .npy matrices of float16, float32 or float64 (read as
                           float32), a vector a row; ids are the numbers of the rows from 0, or
                           those of the id files, whose lines may have texts
  Files whose names end in .gz are unpacked. A side without sentences gives no pairs.

what is written to --out: score, source id, target id, and both texts where they are known, with
tabs between them, best first. All pairs of the strategy (max: those above 0); with --threshold or
--gold only those at or above the threshold, which with --gold alone is the one of the best F1.
Where texts are known, equal ones of a side count once as neighbours, with the vector of the last
of them, and are in no pair (the rules of BUCC 2018).

--gold prints precision, recall, F1 and the best threshold, as BUCC's script finds it. With
--threshold the scores are those at that threshold, as on a test set. --layer all takes the layer of
the best F1 on --gold, of equal ones the highest.

A job that was killed goes on where it was when the same command is run again; what is unfinished
stands in OUT.work until then.

Started by mpiexec, torchrun, deepspeed or srun, the ranks share the work, each on its own GPU if
there are any. Rank 0 alone reads and writes these files, and the pairs are the same.
"""


def add(commands: Any) -> None:
    """Adds the command."""
    parser = add_command(
        commands,
        "mine",
        "mine pairs of translations from two files of sentences, or of their vectors",
        "dstilts mine source.txt target.txt --encoder default --out pairs.tsv\n"
        "  dstilts mine --source-ids zh.tsv --target-ids en.tsv --gold zh-en.gold --layer all\n"
        "  dstilts mine --source-embeddings a.npy --target-embeddings b.npy --threshold 1.06\n"
        "  mpiexec -n 8 dstilts mine source.txt target.txt --out pairs.tsv",
        mine,
    )
    parser.description = f"{parser.description}\n{_NOTES}"
    parser.add_argument("source", nargs="?", type=Path, metavar="SOURCE")
    parser.add_argument("target", nargs="?", type=Path, metavar="TARGET")
    for side in ("source", "target"):
        parser.add_argument(f"--{side}-ids", type=Path, metavar="FILE", help="id, or id<TAB>text")
        parser.add_argument(f"--{side}-embeddings", type=Path, metavar="FILE.npy")
    parser.add_argument(
        "--encoder", metavar="NAME", help="default, a folder, a published model, a name on the hub"
    )
    parser.add_argument(
        "--layer",
        "--layers",
        type=layer_number,
        metavar="N|all",
        help="0: the embeddings (default: -1)",
    )
    parser.add_argument("--pooling", choices=("mean", "first"), help="default: mean")
    parser.add_argument("--k", type=count, default=4, metavar="N", help="neighbours (default: 4)")
    parser.add_argument(
        "--margin", choices=("ratio", "distance", "absolute"), default="ratio",
        help="cosine over, or less, its neighbours' mean; or alone (default: ratio)",
    )  # fmt: skip
    parser.add_argument(
        "--strategy", choices=("max", "intersect", "forward", "backward"), default="max",
        help="best pairs first; mutually best ones; each source's; each target's (default: max)",
    )  # fmt: skip
    parser.add_argument("--threshold", type=float, metavar="T", help="the least score of a pair")
    parser.add_argument("--gold", type=Path, metavar="FILE", help="source id<TAB>target id")
    parser.add_argument("--backend", metavar="NAME", help="of the search (default: the fastest)")
    parser.add_argument("--out", type=Path, default=Path("pairs.tsv"), metavar="PAIRS")
    parser.add_argument(
        "--json", type=Path, metavar="OUT", dest="json_file", help="pairs, threshold and scores"
    )


def mine(**options: Any) -> int:
    """Mines on the ranks that a launcher has started, or in this process alone."""
    from dstilts.core.process_group import launched_ranks
    from dstilts.retrieval.crew import Crew
    from dstilts.retrieval.exchange import connected

    group = launched_ranks()
    crew = Crew(group)
    with connected(group):
        if not crew.leads:
            return crew.follow()
        with crew.leading():
            _lead(crew, **options)
    return 0


def _lead(
    crew: "Crew",
    source: Path | None,
    target: Path | None,
    source_ids: Path | None,
    target_ids: Path | None,
    source_embeddings: Path | None,
    target_embeddings: Path | None,
    encoder: str | None,
    layer: int | Literal["all"] | None,
    pooling: str | None,
    k: int,
    margin: str,
    strategy: str,
    threshold: float | None,
    gold: Path | None,
    backend: str | None,
    out: Path,
    json_file: Path | None,
) -> None:
    """Mines, writes the pairs, and prints what was found: all that rank 0 does."""
    from dstilts.core.files import write_json
    from dstilts.retrieval.job import MiningOptions, write_pairs
    from dstilts.retrieval.search import SearchOptions

    texts, ids = (source, target), (source_ids, target_ids)
    embeddings = (source_embeddings, target_embeddings)
    _check_choice(texts, ids, embeddings, (encoder, layer, pooling))
    if layer == "all" and gold is None:
        raise UserError("--layer all needs --gold", remedy="give --gold, or a number of a layer")
    for file in filter(None, (out, json_file)):
        _check_writable(file)
    options = MiningOptions(k, margin, strategy, threshold, SearchOptions(backend))
    sides = _Sides(texts, ids, embeddings, gold)
    work = out.with_name(f"{out.name}.work")
    if source_embeddings is not None:
        result = sides.mine_vectors(options, work, crew)
    else:
        result = sides.mine_sentences((encoder, layer, pooling), options, work, crew)
    write_pairs(out, result.pairs, sides.source, sides.target)
    if json_file is not None:
        write_json(json_file, result.table())
    _print(result, out)


class _Sides:
    """Both sides as read, and the gold pairs.

    Raises:
        UserError: a file is missing or broken, or they do not fit together.
    """

    def __init__(
        self,
        texts: tuple[Path | None, Path | None],
        ids: tuple[Path | None, Path | None],
        embeddings: tuple[Path | None, Path | None],
        gold: Path | None,
    ) -> None:
        from dstilts.core.logs import log
        from dstilts.retrieval.sides import (
            read_gold_pairs,
            read_numbered,
            read_sentences,
            read_vectors,
        )

        found = []
        self._matrices = []
        for text, numbered, vectors in zip(texts, ids, embeddings, strict=True):
            if vectors is not None:
                side, matrix = read_vectors(vectors, numbered)
                self._matrices.append(matrix)
            elif text is not None:
                side = read_sentences(text, numbered)
            else:
                assert numbered is not None
                side = read_numbered(numbered)
            found.append(side)
        self.source, self.target = found
        self._gold: set[Pair] | None = None
        if gold is not None:
            self._gold = read_gold_pairs(gold, self.source, self.target)
        for name, side in (("source", self.source), ("target", self.target)):
            if not len(side):
                log(f"{side.file}: the {name} has no sentences, so there are no pairs")

    def mine_vectors(self, options: "MiningOptions", work: Path, crew: "Crew") -> "MiningResult":
        """Mines by the vectors that are given."""
        from dstilts.retrieval.mine_files import mine_vectors

        source, target = self._matrices
        sides = ((self.source, source), (self.target, target))
        return mine_vectors(*sides, options, self._gold, work, crew)

    def mine_sentences(
        self,
        encoding: tuple[str | None, int | Literal["all"] | None, str | None],
        options: "MiningOptions",
        work: Path,
        crew: "Crew",
    ) -> "MiningResult":
        """Mines by an encoder's vectors; of several layers by those of the best."""
        from dstilts.retrieval.mine_files import mine_sentences

        encoder, layer, pooling = encoding
        number = None if layer == "all" else -1 if layer is None else layer
        loaded = crew.load(encoder or "default", number, pooling or "mean")
        results = mine_sentences(self.source, self.target, loaded, options, self._gold, work, crew)
        if len(results) == 1:
            return next(iter(results.values()))
        f1 = {layer: found.scores["f1"] for layer, found in results.items() if found.scores}
        best = max(f1, key=lambda number: (f1[number], number))
        for number, value in f1.items():
            chosen = "  (taken)" if number == best else ""
            print(
                f"layer {number:2d}  F1 {value:.2f}  threshold {results[number].threshold}{chosen}"
            )
        return results[best]


def _check_choice(
    texts: tuple[Path | None, Path | None],
    ids: tuple[Path | None, Path | None],
    embeddings: tuple[Path | None, Path | None],
    encoding: tuple[object, ...],
) -> None:
    """Raises a UserError where the options do not say what to read."""
    remedy = "see dstilts mine --help"
    for name, pair in (("SOURCE and TARGET", texts), ("embeddings", embeddings)):
        if (pair[0] is None) != (pair[1] is None):
            raise UserError(f"{name} of one side alone", remedy=remedy)
    if texts[0] is not None and embeddings[0] is not None:
        raise UserError("sentences and embeddings exclude each other", remedy=remedy)
    if embeddings[0] is not None and any(value is not None for value in encoding):
        problem = "--encoder, --layer and --pooling are of no use with embeddings"
        raise UserError(problem, remedy="leave them out")
    if texts[0] is None and embeddings[0] is None and None in ids:
        raise UserError("nothing to mine: no SOURCE and TARGET, nor embeddings", remedy=remedy)


def _check_writable(file: Path) -> None:
    """Raises a UserError at once where a result could not be written hours later."""
    import os

    if file.is_dir():
        raise UserError("is a folder, not a file", file=file, remedy="give the name of a file")
    folder = next(parent for parent in file.absolute().parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise UserError("cannot be written", file=file, remedy="give a file in a folder of yours")


def _print(result: "MiningResult", out: Path) -> None:
    above = "" if result.threshold is None else f" at or above {result.threshold}"
    print(f"{len(result.pairs.scores_P)} pairs{above} in {out}")
    if result.scores is not None:
        print(
            "  ".join(f"{name} {result.scores[name]:.2f}" for name in ("precision", "recall", "f1"))
        )
        print(f"best threshold {result.best_threshold}")
