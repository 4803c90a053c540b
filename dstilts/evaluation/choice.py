"""What to evaluate as a user names it: tasks and benchmarks, languages or all of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from dstilts.core.errors import UserError
from dstilts.core.registry import unknown
from dstilts.evaluation.models import EvaluatedModel
from dstilts.evaluation.plan import EvaluationRequest, splits_of
from dstilts.tasks.benchmarks import BENCHMARKS, Benchmark
from dstilts.tasks.catalog import TASKS
from dstilts.tasks.source import Source

ALL = "all"


@dataclass(frozen=True)
class Choice:
    """Tasks in languages.

    A benchmark stands for those of its tasks that the source and the model can serve, in its own
    languages; a task that is named has to be served.

    Attributes:
        tasks: names of the catalog and of benchmarks.
        languages: None: of a benchmark its own, of a task all that the source has; ("all",): all
            that the source has.
        is_lenient: leave out what cannot be served even where it is named.
    """

    tasks: tuple[str, ...]
    languages: tuple[str, ...] | None = None
    limit: int | None = None
    split: str | None = None
    is_lenient: bool = False

    def __post_init__(self) -> None:
        for name in self.tasks:
            if name not in TASKS and name not in BENCHMARKS:
                raise unknown("task", name, [*TASKS, *BENCHMARKS])

    @property
    def benchmark(self) -> Benchmark | None:
        """The first benchmark that is named."""
        return next((BENCHMARKS[name] for name in self.tasks if name in BENCHMARKS), None)

    def check(self, source: Source) -> None:
        """Looks for mistakes before any model is there.

        Raises:
            UserError: a language that no chosen task has in the source.
        """
        known = {code for name in self._all() for code in splits_of(source, name, self.split)}
        for code in self._named_languages() or ():
            if code not in known:
                raise unknown(f"language in the source {source.name!r}", code, known)

    def requests(
        self, model: EvaluatedModel, source: Source
    ) -> tuple[list[EvaluationRequest], dict[str, list[str]]]:
        """What is asked of a model, and by reason the tasks that are left out.

        Raises:
            UserError: a task or language that is named and cannot be served.
        """
        found: list[EvaluationRequest] = []
        left_out: dict[str, list[str]] = {}
        for name, own in self._all().items():
            languages = self._named_languages()
            if name not in self.tasks or self.is_lenient:
                there = splits_of(source, name, self.split)
                wanted = languages or (own if self.languages is None else None) or tuple(there)
                languages = tuple(code for code in wanted if code in there)
                reason = _reason(name, model, source, bool(there), bool(languages))
                if reason is not None:
                    left_out.setdefault(reason, []).append(name)
                    continue
            found.append(
                EvaluationRequest(model.location, (name,), languages, self.limit, self.split)
            )
        return found, left_out

    def _named_languages(self) -> tuple[str, ...] | None:
        if self.languages is None or ALL in self.languages:
            return None
        return self.languages

    def _all(self) -> Mapping[str, tuple[str, ...] | None]:
        """The tasks, with the languages of the benchmark they are of."""
        found: dict[str, tuple[str, ...] | None] = {}
        for name in self.tasks:
            if name in BENCHMARKS:
                for task_name, languages in BENCHMARKS[name].languages.items():
                    found.setdefault(task_name, languages)
            else:
                found[name] = None
        return found


def _reason(
    name: str, model: EvaluatedModel, source: Source, is_there: bool, has_languages: bool
) -> str | None:
    """Why a task is left out, if it is."""
    if not is_there:
        return f"not in the source {source.name!r}"
    if not has_languages:
        return "in none of the languages"
    try:
        model.check_serves(TASKS[name])
    except UserError:
        return "the model has no head for it"
    return None
