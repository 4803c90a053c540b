"""`dstilts doctor`: its lines, its JSON, its exit code, and this machine as it is."""

import json
import sys
from pathlib import Path

import pytest

from dstilts.cli import doctor
from dstilts.cli.parser import Parser
from dstilts.engine.checks import CHECKS, run_checks
from dstilts.engine.finding import Check, Finding, Subject, worst
from tests.engine.findings import plain_environment as plain_environment


@pytest.mark.distributed
def test_this_machine_can_run_the_tests(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    code = doctor.run(json=True, data=None, runs=tmp_path / "runs", ranks=2)
    found = json.loads(capsys.readouterr().out)
    errors = [check for check in found["checks"] if check["level"] == "error"]
    assert (code, found["ok"]) == (0, True), errors
    assert [check["check"] for check in found["checks"]] == list(CHECKS)
    assert list(tmp_path.iterdir()) == []


def table(monkeypatch: pytest.MonkeyPatch, **checks: Check) -> None:
    """Puts other checks in the place of all."""
    monkeypatch.setattr(sys.modules[run_checks.__module__], "CHECKS", checks)


def test_lines_and_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def noisy(subject: Subject) -> Finding:
        print("a library says something")
        return Finding("ok", f"{subject.ranks} ranks")

    def broken(subject: Subject) -> Finding:
        raise ImportError("two\nlines")

    table(monkeypatch, noisy=noisy)
    parser = Parser()
    doctor.add(parser.add_subparsers())
    options = vars(parser.parse_args(["doctor", "--ranks", "3"]))
    assert options.pop("handler")(**options) == 0
    assert capsys.readouterr().out == (
        "ok       noisy          3 ranks\n1 checks: 0 errors, 0 warnings\n"
    )
    table(monkeypatch, noisy=noisy, broken=broken)
    assert doctor.run(json=False, data=None, runs=Path("runs"), ranks=1) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:] == [
        "error    broken         ImportError: two lines",
        "2 checks: 1 errors, 0 warnings",
    ]


def test_several_problems_are_one_line() -> None:
    problems = [Finding("warning", "a", "do x"), Finding("error", "b", "do x")]
    assert worst(problems, "fine") == Finding("error", "a; b", "do x")
    assert worst(problems[:1], "fine").level == "warning"
    assert worst([], "fine") == Finding("ok", "fine")
