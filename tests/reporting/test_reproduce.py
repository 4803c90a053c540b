"""The commands that compute a cell again."""

import shlex
from pathlib import Path

from dstilts.cli import evaluate
from dstilts.cli.parser import Parser
from dstilts.reporting.collect import collect_records
from dstilts.reporting.phases import collect_phases
from dstilts.reporting.reproduce import commands
from tests.reporting.record_builder import record, write_phase, write_record


def test_the_whole_chain_of_phases_then_the_evaluation(tmp_path: Path) -> None:
    write_phase(tmp_path, ["nli"], {"mnli": 400}, [])
    write_phase(tmp_path, ["nli", "xn li"], {"mnli": 400}, [])
    (tmp_path / "phases").mkdir()
    for name in ("nli", "nli--xn li"):
        (tmp_path / "phases" / f"{name}.toml").touch()
    options = {"precision": "bf16", "limit": 40, "max_length": 128, "layer": -1}
    value = record("xnli", "en", 80, intermediate="nli", target="xn li", key="xn li")
    write_record(
        tmp_path, {**value, "options": options, "source": {"name": "local", "folder": "d"}}
    )
    phases = {phase.key: phase for phase in collect_phases(tmp_path)}
    assert commands(collect_records(tmp_path), phases) == [
        'dstilts train "$RUNS"/phases/nli.toml',
        "dstilts train \"$RUNS\"/'phases/nli--xn li.toml'",
        "dstilts evaluate \"$RUNS\"/'models/nli--xn li' --tasks xnli --split test --limit=40 "
        '--precision=bf16 --layer=-1 --data "$DATA" --output "$RUNS"/again',
    ]


def test_an_encoder_as_it_is_needs_no_training(tmp_path: Path) -> None:
    write_record(tmp_path, record("tatoeba", "de", 80))
    (line,) = commands(collect_records(tmp_path), {})
    assert line.startswith("dstilts evaluate default --tasks tatoeba --split test --precision=fp32")
    assert "--data" not in line


def test_a_model_that_is_elsewhere_has_no_path(tmp_path: Path) -> None:
    write_record(tmp_path, record("xnli", "de", 80))
    (line,) = commands(collect_records(tmp_path), {})
    assert line.startswith('dstilts evaluate "$MODEL" --tasks xnli')


def test_the_command_is_one_that_exists(tmp_path: Path) -> None:
    value = record("tatoeba", "de", 80)
    write_record(tmp_path, {**value, "options": {"precision": "fp32", "layer": -1, "limit": 3}})
    (line,) = commands(collect_records(tmp_path), {})
    parser = Parser()
    evaluate.add(parser.add_subparsers())
    given = vars(parser.parse_args(shlex.split(line)[1:]))
    assert (given["tasks"], given["layer"], given["limit"]) == (("tatoeba",), -1, 3)
