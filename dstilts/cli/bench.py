"""`dstilts bench`: measurements beside the peers, each in one run."""

import argparse
from pathlib import Path
from typing import Any

from dstilts.cli.parser import Parser, add_command, count, names

TRAIN_EXAMPLE = (
    "dstilts bench train --data ../shared/data --out train.json\n"
    "  dstilts bench train --sides dstilts,trainer-grouped --ranks 1,2 engine.zero_stage=2\n"
    "  dstilts bench train --encoder-shape large --precision bf16 --made-up"
    " --tasks mnli,squad_v1 --examples 8192 --batch-size 64"
)

_SHAPE = "an XLM-R of that shape with random weights, and the tokenizer of --encoder"
_WORK = "keeps jobs and logs (default: removed at the end)"


def add(commands: Any) -> None:
    """Adds the command and its verbs."""
    parser: Parser = commands.add_parser("bench", help="measure dstilts beside its peers")
    verbs = parser.add_subparsers(required=True, metavar="train|memory|search|farm|sweep")
    _add_train(verbs)
    _add_memory(verbs)
    _add_search(verbs)
    _add_farm(verbs)
    _add_sweep(verbs)


def _add_train(verbs: Any) -> None:
    verb = add_command(
        verbs,
        "train",
        "train the same model on the same examples with dstilts, Hugging Face's Trainer and torch",
        TRAIN_EXAMPLE,
        train,
    )
    verb.add_argument(
        "words",
        nargs="*",
        metavar="key=value",
        help="keys of the phase of dstilts to set otherwise, as in a phase file",
    )
    verb.add_argument(
        "--data", type=Path, metavar="DIR", help="a folder of data sets (default: the phrasebook)"
    )
    verb.add_argument(
        "--made-up",
        action="store_true",
        help="random words with the lengths of the tasks, where no data are at hand",
    )
    verb.add_argument("--tasks", type=names, metavar="NAME,...", help="default: mnli,qqp")
    verb.add_argument("--sides", type=names, metavar="NAME,...", help="default: all")
    verb.add_argument("--encoder", default="default", metavar="NAME", help="a folder or a name")
    verb.add_argument(
        "--encoder-shape",
        dest="shape",
        metavar="base|large",
        help=_SHAPE,
    )
    verb.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    _add_sizes(verb)
    verb.add_argument("--out", type=Path, default=Path("bench-train.json"), metavar="FILE")
    verb.add_argument("--work", type=Path, metavar="DIR", help=_WORK)


def _add_sizes(verb: Any) -> None:
    """The options that say how much is run, and with which numbers."""
    for option, metavar, text in (
        ("--examples", "N", "that each side trains on, once (default: 1600)"),
        ("--held-out", "N", "on which the loss is compared at the end (default: 256)"),
        ("--batch-size", "N", "examples of a step, over all ranks (default: 32)"),
        ("--rounds", "N", "how often each side is run; figures are medians (default: 1)"),
        ("--threads", "N", "of all ranks of a side together (default: the cores)"),
    ):
        verb.add_argument(option, type=count, metavar=metavar, help=text)
    verb.add_argument(
        "--ranks",
        type=counts,
        metavar="N,...",
        help="processes of a side; of several numbers its fastest is reported (default: 1)",
    )
    verb.add_argument("--learning-rate", type=float, metavar="RATE", help="default: 5e-5")
    verb.add_argument("--seed", type=int, metavar="N")


def _add_memory(verbs: Any) -> None:
    verb = add_command(
        verbs,
        "memory",
        "measure the memory of a rank under the stages of ZeRO, beside the formula",
        "dstilts bench memory --out memory.json\n"
        "  dstilts bench memory --precision bf16 --stages 3 --ranks 2 --offload optimizer",
        memory,
    )
    verb.add_argument("--stages", type=_stages, metavar="N,...", help="default: 1,2,3")
    verb.add_argument("--ranks", type=counts, metavar="N,...", help="default: 2,4")
    verb.add_argument("--encoder", metavar="NAME", help="a folder or a name (default: default)")
    verb.add_argument("--encoder-shape", dest="shape", metavar="base|large", help=_SHAPE)
    verb.add_argument("--precision", choices=("fp32", "bf16"), help="default: fp32")
    verb.add_argument(
        "--offload", choices=("none", "optimizer", "parameters"), help="default: none"
    )
    verb.add_argument("--seed", type=int, metavar="N")
    verb.add_argument("--out", type=Path, default=Path("bench-memory.json"), metavar="FILE")
    verb.add_argument("--work", type=Path, metavar="DIR", help=_WORK)


def _add_search(verbs: Any) -> None:
    verb = add_command(
        verbs,
        "search",
        "find neighbours of both directions with dstilts, FAISS and torch, interleaved in one run",
        "dstilts bench search --out search.json\n"
        "  dstilts bench search --sizes 16000 --dims 384 --rounds 5 --threads 2",
        search,
    )
    verb.add_argument(
        "--sizes", type=counts, metavar="N,...", help="of each side (default: 16000,50000)"
    )
    verb.add_argument("--dims", type=counts, metavar="D,...", help="default: 384,1024")
    for option, metavar, text in (
        ("--k", "K", "neighbours (default: 4)"),
        ("--rounds", "N", "figures are medians of so many (default: 3)"),
        ("--threads", "N", "default: the cores"),
    ):
        verb.add_argument(option, type=count, metavar=metavar, help=text)
    verb.add_argument("--seed", type=int, metavar="N")
    verb.add_argument("--out", type=Path, default=Path("bench-search.json"), metavar="FILE")


def _add_farm(verbs: Any) -> None:
    verb = add_command(
        verbs,
        "farm",
        "evaluate with one worker and several, beside the padded loop of the benchmark's scripts",
        "dstilts bench farm --data ../shared/data --out farm.json\n"
        "  dstilts bench farm --data DIR --one-in 50 --workers 1,2,4,8 --threads 4 --no-loop",
        farm,
    )
    verb.add_argument(
        "--data", type=Path, metavar="DIR", help="a folder of data sets (default: the phrasebook)"
    )
    verb.add_argument("--tasks", type=names, metavar="NAME,...", help="default: XTREME's")
    verb.add_argument(
        "--languages", type=names, metavar="CODE,...", help="default: XTREME's that are there"
    )
    verb.add_argument("--encoder", metavar="NAME", help="a folder or a name (default: default)")
    verb.add_argument("--workers", type=counts, metavar="N,...", help="default: 1,2,4")
    verb.add_argument(
        "--no-loop",
        dest="loop",
        action="store_false",
        help="workers alone: in the same time on more examples",
    )
    verb.add_argument("--precision", choices=("fp32", "bf16"), help="default: fp32")
    for option, metavar, text in (
        ("--one-in", "N", "the examples of each set of which one is taken (default: 300)"),
        ("--threads", "N", "of a worker, and of the loop (default: half of the cores)"),
        ("--rounds", "N", "figures are medians of so many (default: 2)"),
    ):
        verb.add_argument(option, type=count, metavar=metavar, help=text)
    verb.add_argument("--seed", type=int, metavar="N")
    verb.add_argument("--out", type=Path, default=Path("bench-farm.json"), metavar="FILE")
    verb.add_argument("--work", type=Path, metavar="DIR", help=_WORK)


def _add_sweep(verbs: Any) -> None:
    verb = add_command(
        verbs,
        "sweep",
        "plan and look through a grid of thousands of nodes, and let drivers share one",
        "dstilts bench sweep --out sweep.json\n  dstilts bench sweep --nodes 100000 --drivers 8",
        sweep,
    )
    for option, text in (
        ("--nodes", "of the planned grid (default: 11180)"),
        ("--claimed", "nodes that the drivers share (default: 2000)"),
        ("--drivers", "at once (default: 4)"),
        ("--rounds", "of planning; figures are medians (default: 5)"),
    ):
        verb.add_argument(option, type=count, metavar="N", help=text)
    verb.add_argument("--out", type=Path, default=Path("bench-sweep.json"), metavar="FILE")


def counts(text: str) -> tuple[int, ...]:
    """The numbers of an option, each 1 or more, separated by commas."""
    return tuple(count(part) for part in names(text))


def _stages(text: str) -> tuple[int, ...]:
    if not all(part in ("0", "1", "2", "3") for part in names(text)):
        raise argparse.ArgumentTypeError(f"{text!r} are no stages of ZeRO, which are 0, 1, 2 and 3")
    return tuple(int(part) for part in names(text))


def train(out: Path, work: Path | None, **options: Any) -> None:
    """Runs the comparison, writes its JSON and prints its tables."""
    from dstilts.bench.comparison import Comparison
    from dstilts.bench.report import table_lines
    from dstilts.bench.train import compare

    renamed = {"words": "overrides", "examples": "num_examples", "held_out": "num_held_out"}
    given = {renamed.get(name, name): value for name, value in options.items()}
    # What is not given is left to the defaults of the comparison.
    given["overrides"] = tuple(given["overrides"])
    comparison = Comparison(**{name: value for name, value in given.items() if value is not None})
    result = compare(comparison, out, work)
    print(*table_lines(result), f"\nwritten to {out}", sep="\n")


def memory(out: Path, work: Path | None, **options: Any) -> None:
    """Runs the launches, writes the JSON and prints the table."""
    from dstilts.bench.memory import MemoryPlan, measure_memory, table_lines

    plan = MemoryPlan(**{name: value for name, value in options.items() if value is not None})
    result = measure_memory(plan, out, work)
    print(*table_lines(result), f"\nwritten to {out}", sep="\n")


def search(out: Path, **options: Any) -> None:
    """Runs all sides, writes the JSON and prints the tables."""
    from dstilts.bench.search import SearchPlan, measure_search, table_lines

    plan = SearchPlan(**{name: value for name, value in options.items() if value is not None})
    result = measure_search(plan, out)
    print(*table_lines(result), f"\nwritten to {out}", sep="\n")


def farm(out: Path, work: Path | None, **options: Any) -> None:
    """Runs all sides, writes the JSON and prints the table."""
    from dstilts.bench.farm import FarmPlan, measure_farm
    from dstilts.bench.farm_report import table_lines

    plan = FarmPlan(**{name: value for name, value in options.items() if value is not None})
    result = measure_farm(plan, out, work)
    print(*table_lines(result), f"\nwritten to {out}", sep="\n")


def sweep(out: Path, **options: Any) -> None:
    """Measures, writes the JSON and prints the figures."""
    from dstilts.bench.sweep import SweepPlan, measure_sweep, table_lines

    plan = SweepPlan(**{name: value for name, value in options.items() if value is not None})
    result = measure_sweep(plan, out)
    print(*table_lines(result), f"\nwritten to {out}", sep="\n")
