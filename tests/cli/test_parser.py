"""The command line's mistakes: one line, exit code 2, the nearest name; help with an example."""

import subprocess
import sys

import pytest

from dstilts.cli.main import main, without_local_rank

COMMANDS = [
    ["quickstart"],
    ["train"],
    ["evaluate"],
    ["mine"],
    ["sweep", "plan"],
    ["sweep", "run"],
    ["report"],
    ["tasks", "ls"],
    ["tasks", "show"],
    ["tasks", "validate"],
    ["tasks", "leakage"],
    ["score"],
    ["top"],
    ["doctor"],
    ["bench", "train"],
    ["bench", "memory"],
    ["bench", "search"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*command, "--help"])
    assert caught.value.code == 0
    assert f"dstilts {' '.join(command)}" in capsys.readouterr().out.split("example:")[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["quikstart"], "did you mean 'quickstart'?"),
        (["tasks", "sho"], "did you mean 'show'?"),
        (["tasks", "show", "xnl"], "unknown task 'xnl'; did you mean 'xnli'?"),
        (["quickstart", "--dat", "x"], "did you mean '--data'?"),
        (["report"], "RUNS_DIR"),
        ([], "COMMAND"),
        (["train", "none.toml"], "none.toml: no such file"),
        (["train", "seed=1"], "no phase file"),
        (["sweep", "plan", "quikstart"], "no recipe 'quikstart'; known: "),
        (["quickstart", "--data", "no/such/folder"], "no/such/folder"),
    ],
)
def test_mistakes_are_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("dstilts: ")
    assert error.count("\n") == 1


def test_the_launchers_rank_is_taken_out() -> None:
    assert without_local_rank(["--local_rank=1", "train", "a.toml"]) == ["train", "a.toml"]


def test_a_closed_pipe_is_no_traceback() -> None:
    command = f"{sys.executable} -m dstilts tasks ls | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
