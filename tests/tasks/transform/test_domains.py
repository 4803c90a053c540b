"""Splits by domain."""

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks.examples import ExampleSet, PairExample, TextExample
from dstilts.tasks.transform.domains import Domains, domains, select_domains
from tests.tasks.transform.conftest import MakeSet


@pytest.fixture
def mnli(make_set: MakeSet) -> ExampleSet:
    genres = ("fiction", "travel", "travel", "", "slate")
    return make_set("mnli", [PairExample(str(n), "a", "b", "x", g) for n, g in enumerate(genres)])


def test_domains_are_counted(mnli: ExampleSet) -> None:
    assert domains(mnli) == {"fiction": 1, "travel": 2, "slate": 1}


def test_keep_and_hold_out(mnli: ExampleSet) -> None:
    kept = select_domains(mnli, Domains(keep=("travel", "slate")))
    assert [example.id for example in kept.examples] == ["1", "2", "4"]
    assert kept.subset == "3 of 5, of the domains travel, slate"
    rest = select_domains(mnli, Domains(hold_out=("travel", "slate")))
    assert [example.id for example in rest.examples] == ["0", "3"]
    assert rest.subset == "2 of 5, without the domains travel, slate"


def test_mistakes(mnli: ExampleSet, make_set: MakeSet) -> None:
    with pytest.raises(UserError, match="unknown domain of mnli 'travle'; did you mean 'travel'"):
        select_domains(mnli, Domains(keep=("travle",)))
    with pytest.raises(UserError, match="do not say which domain"):
        select_domains(make_set("mlm", [TextExample("1", "a")]), Domains(keep=("x",)))
    only = make_set("mnli", mnli.examples[:1])
    with pytest.raises(UserError, match="no example of mnli is left"):
        select_domains(only, Domains(hold_out=("fiction",)))
    for both in ({}, {"keep": ("a",), "hold_out": ("b",)}):
        with pytest.raises(ValueError, match="keep or hold_out must be given"):
            Domains(**both)
