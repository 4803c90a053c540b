"""A grid's expansion: which cells share a phase, and what changes a key."""

import dataclasses
from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.engine.phase import EngineConfig, ScheduleConfig, TaskUse
from dstilts.sweep.graph import Graph
from dstilts.sweep.grid import RECIPES, Intermediate, Pretraining, load_grid, scaled
from tests.sweep.graphs import GRID, NLI, evaluation_of, expand


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
    # A model is evaluated once, on all that its cells ask of it.
    assert cells["nli", "xquad"].evaluation == cells["nli", "mlqa"].evaluation
    assert len(graph.evaluations) == 3 * 3
    asked = evaluation_of(graph, "nli", "xquad").asked
    assert [each.task for each in asked] == ["tydiqa", "xquad"]


def test_seeds_come_one_after_another_and_share_what_needs_none() -> None:
    graph = expand(dataclasses.replace(GRID, seeds=(1, 2)))
    first = {node.key for node in expand(GRID).nodes}
    assert {node.key for node in graph.nodes[: len(first)]} == first
    none = [cell.evaluation for cell in graph.cells if cell.model == "default"]
    assert len(none) == 2
    assert len(set(none)) == 1


def test_every_phase_comes_after_the_one_it_needs() -> None:
    graph = expand(dataclasses.replace(GRID, seeds=(1, 2)))
    seen: set[str] = set()
    for node in graph.nodes:
        assert node.needs is None or node.needs in seen
        seen.add(node.key)
    assert len(seen) == 2 * (8 + 9) - 1


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


def test_what_changes_an_evaluation() -> None:
    base = {node.key for node in expand(GRID).evaluations}
    of_xnli = {cell.evaluation for cell in expand(GRID).cells if cell.target == "xnli"}
    now = {node.key for node in expand(GRID, xnli="new").evaluations}
    assert base - now == of_xnli
    assert not base & {node.key for node in expand(GRID, encoder_key="f").evaluations}
    limited = dataclasses.replace(GRID.targets[0], limit=5)
    grid = dataclasses.replace(GRID, targets=(limited, *GRID.targets[1:]))
    assert base - {node.key for node in expand(grid).evaluations} == of_xnli


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


def test_pretraining_comes_once_before_everything() -> None:
    first = Pretraining((TaskUse("mlm", examples=10),))
    grid = dataclasses.replace(GRID, seeds=(1, 2), pretraining=first)
    graph = expand(grid)
    root, *others = graph.phases
    assert root.title == "pretraining, seed 0"
    assert root.phase.from_scratch
    assert root.needs is None
    assert not any(node.phase.from_scratch for node in others)
    # Rows start from it, and so do targets without an intermediate phase.
    starts = {node.title for node in others if node.needs == root.key}
    assert starts == {
        f"{name}, seed {s}" for s in (1, 2) for name in ("nli", "nli+qa", "xnli", "xquad")
    }
    assert len(graph.phases) == 1 + 2 * 8
    none = {c.evaluation for c in graph.cells if (c.intermediate, c.target) == ("none", "tatoeba")}
    assert [graph.by_key[key].needs for key in none] == [root.key]
    other = dataclasses.replace(grid, pretraining=dataclasses.replace(first, seed=7))
    assert not {n.key for n in expand(other).nodes} & {n.key for n in graph.nodes}
