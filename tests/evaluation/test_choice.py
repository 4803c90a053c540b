"""Benchmarks, tasks and languages as a user names them."""

import pytest

from dstilts.core.errors import UserError
from dstilts.evaluation.choice import Choice
from dstilts.evaluation.models import EvaluatedModel, ModelShelf
from tests.evaluation.tiny_farm import MemorySource, publish_tiny

SOURCE = MemorySource()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> EvaluatedModel:
    folder = publish_tiny(tmp_path_factory.mktemp("models") / "model")
    return ModelShelf().model(str(folder))


def chosen(choice: Choice, model: EvaluatedModel) -> dict[str, tuple[str, ...] | None]:
    requests, _ = choice.requests(model, SOURCE)
    assert {request.model for request in requests} == {model.location}
    return {name: request.languages for request in requests for name in request.tasks}


def test_a_benchmark_is_what_can_be_served(model: EvaluatedModel) -> None:
    choice = Choice(("xtreme",))
    choice.check(SOURCE)
    requests, left_out = choice.requests(model, SOURCE)
    assert {request.tasks[0]: request.languages for request in requests} == {
        "xnli": ("de", "en", "hi", "th"),
        "udpos": ("en", "ru"),
        "xquad": ("de", "en"),
        "bucc2018": ("de",),
        "tatoeba": ("de", "ru"),
    }
    assert left_out == {"not in the source 'memory'": ["pawsx", "panx", "mlqa", "tydiqa"]}


def test_languages_that_a_task_lacks_leave_a_benchmark(model: EvaluatedModel) -> None:
    choice = Choice(("xtreme", "lareqa"), languages=("ru", "de"))
    assert chosen(choice, model) == {
        "xnli": ("de",),
        "udpos": ("ru",),
        "xquad": ("de",),
        "bucc2018": ("de",),
        "tatoeba": ("ru", "de"),
        "lareqa": ("ru", "de"),
    }
    assert choice.requests(model, SOURCE)[1].keys() == {"not in the source 'memory'"}
    none = Choice(("xtreme",), languages=("th",)).requests(model, SOURCE)
    assert [request.tasks for request in none[0]] == [("xnli",)]
    assert "udpos" in none[1]["in none of the languages"]


def test_all_languages_are_all_of_the_source(model: EvaluatedModel) -> None:
    # BUCC has no Thai, whatever the benchmark says.
    found = chosen(Choice(("xtreme-r", "mlm"), languages=("all",)), model)
    assert found["lareqa"] == ("de", "ru")
    assert found["mlm"] is None


def test_heads_decide(model: EvaluatedModel) -> None:
    encoder = ModelShelf().model(f"{model.location}-encoder")
    requests, left_out = Choice(("xtreme",)).requests(encoder, SOURCE)
    assert [request.tasks[0] for request in requests] == ["bucc2018", "tatoeba"]
    assert left_out["the model has no head for it"] == ["xnli", "udpos", "xquad"]
    lenient = Choice(("xnli", "tatoeba"), is_lenient=True)
    assert list(chosen(lenient, encoder)) == ["tatoeba"]
    # A task that is named is asked for, and refused by the evaluation.
    assert list(chosen(Choice(("xnli", "xtreme")), encoder)) == ["xnli", "bucc2018", "tatoeba"]


def test_mistakes() -> None:
    with pytest.raises(UserError, match="unknown task 'xtrem'; did you mean 'xtreme'"):
        Choice(("xtrem",))
    with pytest.raises(UserError, match="unknown language in the source 'memory' 'sw'"):
        Choice(("xnli",), languages=("de", "sw")).check(SOURCE)
