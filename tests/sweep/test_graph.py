"""A grid's expansion: which cells share a phase, and what changes a key."""

import dataclasses
from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.engine.phase import EngineConfig, ScheduleConfig, TaskUse
from dstilts.sweep.graph import Graph, GraphBuilder
from dstilts.sweep.grid import RECIPES, Grid, Intermediate, Target, load_grid, scaled

NLI = TaskUse("mnli", examples=100)
QA = TaskUse("squad_v1", examples=50)

GRID = Grid(
    name="test",
    intermediates=(Intermediate("nli", (NLI,)), Intermediate("nli+qa", (NLI, QA))),
    targets=(
        Target("xnli", evaluate=("xnli",), tasks=(NLI,)),
        Target("xquad", evaluate=("xquad",), tasks=(QA,)),
        Target("mlqa", evaluate=("tydiqa",), tasks=(QA,)),
        Target("tatoeba", evaluate=("tatoeba",)),
    ),
)


def expand(grid: Grid, *, encoder_key: str = "e", mnli: str = "m") -> Graph:
    digests = {
        (use, seed): (mnli if use.task == "mnli" else "q")
        for use in grid.uses()
        for seed in grid.seeds
    }
    return GraphBuilder(
        grid, encoder="default", encoder_key=encoder_key, data_digests=digests, models=Path("m")
    ).build()


def keys(graph: Graph) -> dict[str, str]:
    return {node.phase.output.name.rpartition("-s")[0]: node.key for node in graph.phases}


def test_cells_share_phases() -> None:
    graph = expand(GRID)
    # 2 intermediate phases; 3 rows x (xnli, and one phase for the two targets trained on SQuAD).
    assert len(graph.phases) == 2 + 3 * 2
    assert len(graph.cells) == 3 * 4
    cells = {(cell.intermediate, cell.target): cell for cell in graph.cells}
    assert cells["nli", "xquad"].needs == cells["nli", "mlqa"].needs
    assert cells["nli", "tatoeba"].needs == keys(graph)["nli"]
    assert cells["none", "tatoeba"].model == "default"


def test_every_phase_comes_after_the_one_it_needs() -> None:
    graph = expand(dataclasses.replace(GRID, seeds=(1, 2)))
    seen: set[str] = set()
    for node in graph.phases:
        assert node.needs is None or node.needs in seen
        seen.add(node.key)
    assert len(seen) == 16


def test_what_changes_a_key() -> None:
    base = keys(expand(GRID))
    assert keys(expand(GRID)) == base
    assert not set(base.values()) & set(keys(expand(GRID, encoder_key="f")).values())
    hotter = dataclasses.replace(GRID, schedule=ScheduleConfig(learning_rate=2e-5))
    assert not set(base.values()) & set(keys(expand(hotter)).values())
    # New MNLI data touch the phases trained on it and their children, and no others.
    changed = {name for name, key in keys(expand(GRID, mnli="new")).items() if key != base[name]}
    assert changed == {"nli", "nli+qa", "xnli", "nli--xnli", "nli--xquad", "nli+qa--xnli"} | {
        "nli+qa--xquad"
    }


def test_what_does_not_change_a_key() -> None:
    logging = dataclasses.replace(GRID, engine=EngineConfig(log_every=3, save_every=5))
    assert keys(expand(logging)) == keys(expand(GRID))
    renamed = dataclasses.replace(
        GRID, intermediates=(Intermediate("mnli", (NLI,)), GRID.intermediates[1])
    )
    assert set(keys(expand(renamed)).values()) == set(keys(expand(GRID)).values())


def test_scaling_multiplies_examples_and_limits() -> None:
    grid = dataclasses.replace(
        GRID, targets=(dataclasses.replace(GRID.targets[0], limit=30), GRID.targets[3])
    )
    twice = scaled(grid, 2)
    assert twice.intermediates[1].tasks[1].examples == 100
    assert [target.limit for target in twice.targets] == [60, None]
    assert scaled(grid, 1) == grid


@pytest.mark.parametrize("recipe", sorted(path.stem for path in RECIPES.glob("*.toml")))
def test_every_recipe_loads(recipe: str) -> None:
    assert load_grid(recipe, ["data.folder=x"] if recipe.endswith("data") else []).targets


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('name="x"\nintermediates=[]\n[[targets]]\nname="a"\nevaluate=["xnl"]\n', "'xnli'"),
        ('name="x"\nintermediates=[]\ntargets=[]\n', "must not be empty"),
        (
            'name="x"\n[[intermediates]]\nname="none"\ntasks=[]\n'
            '[[targets]]\nname="a"\nevaluate=["xnli"]\n',
            "must not name 'none'",
        ),
    ],
)
def test_mistakes_in_a_grid(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "grid.toml").write_text(text)
    with pytest.raises(UserError, match=message):
        load_grid(str(tmp_path / "grid.toml"))
