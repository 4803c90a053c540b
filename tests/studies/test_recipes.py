"""Every recipe is read, and its grids are what the study needs."""

import dataclasses

import pytest

from dstilts.core.errors import UserError
from dstilts.studies.diversity import DiversitySettings, task_sets
from dstilts.studies.registry import STUDIES, study
from dstilts.studies.settings import RECIPES, Scale, load_settings
from dstilts.studies.specialised import SpecialisedSettings
from dstilts.sweep.grid import Grid


def grids(name: str, scale: Scale) -> list[Grid]:
    found = study(name)
    settings = load_settings(found.settings, name, scale, None, [])
    if isinstance(settings, SpecialisedSettings):
        # Encoders of the hub are not here, and made ones take a while.
        settings = dataclasses.replace(settings, others=())
    return list(found.grids(settings))


@pytest.mark.parametrize("scale", ["small", "full"])
@pytest.mark.parametrize("name", STUDIES)
def test_every_study_has_a_recipe_of_each_scale(name: str, scale: Scale) -> None:
    found = grids(name, scale)
    assert found
    assert all(grid.intermediates and grid.targets for grid in found)
    # The small ones need no network and no files.
    assert (found[0].data.source == "phrasebook") == (scale == "small")
    assert (found[0].encoder == "default") == (scale == "small")


def test_there_is_no_recipe_of_no_study() -> None:
    there = {path.stem for path in RECIPES.glob("*.toml")}
    assert there == {f"{name}_{scale}" for name in STUDIES for scale in ("small", "full")}


def test_an_unknown_study_is_answered_with_the_nearest() -> None:
    with pytest.raises(UserError, match="unknown study 'scalling'; did you mean 'scaling'"):
        study("scalling")


def test_settings_can_be_set_otherwise_and_are_checked() -> None:
    kind = study("scaling").settings
    settings = load_settings(
        kind, "scaling", "small", None, ["sizes=[10, 20, 40, 80]", "seeds=[7]"]
    )
    assert settings.seeds == (7,)
    with pytest.raises(UserError, match="sizes times seeds must be four at least"):
        load_settings(kind, "scaling", "small", None, ["sizes=[10, 20, 40]", "seeds=[7]"])
    with pytest.raises(UserError, match="did you mean 'sizes'"):
        load_settings(kind, "scaling", "small", None, ["size=3"])


def test_task_sets_are_balanced_and_cost_the_same() -> None:
    settings = load_settings(DiversitySettings, "diversity", "full", None, [])
    sets = task_sets(settings)
    assert len(set(sets)) == len(sets)
    assert {len(names) for names in sets} == set(settings.numbers)
    singles = [names[0] for names in sets if len(names) == 1]
    assert sorted(singles) == sorted(settings.tasks)
    for number in (2, 3, 5):
        uses = [name for names in sets if len(names) == number for name in names]
        counts = [uses.count(name) for name in settings.tasks]
        assert max(counts) - min(counts) <= 2, (number, counts)
    (grid,) = grids("diversity", "full")
    budgets = {sum(use.examples or 0 for use in row.tasks) for row in grid.intermediates}
    assert budgets == set(settings.budgets)


def test_rates_and_languages_of_code_switching_reach_every_task() -> None:
    (grid,) = grids("codeswitch", "small")
    english, *switched = grid.intermediates
    assert all(use.transform.code_switch is None for use in english.tasks)
    for row in switched:
        for use in row.tasks:
            assert use.transform.code_switch is not None
            assert f"{use.transform.code_switch.rate:g}" == row.name.rpartition("-")[2]
