"""All transformations of a training set as one configuration, applied in a fixed order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dstilts.tasks.catalog import TASKS, task
from dstilts.tasks.examples import ExampleSet
from dstilts.tasks.source import Source
from dstilts.tasks.transform.code_switch import CodeSwitch, code_switch
from dstilts.tasks.transform.domains import Domains, select_domains
from dstilts.tasks.transform.few_shot import FewShot, chosen_sets, with_few_shot
from dstilts.tasks.transform.notes import require
from dstilts.tasks.transform.size import Size, resized
from dstilts.tasks.transform.translation_files import load_translations
from dstilts.tasks.transform.translations import Translations, with_translations


@dataclass(frozen=True)
class TransformConfig:
    """What is done to a training set, in this order; what is not given is not done."""

    domains: Domains | None = None
    size: Size | None = None  # of what the domains leave
    code_switch: CodeSwitch | None = None  # of the English examples, before others are added
    translations: Translations | None = None
    few_shot: FewShot | None = None

    def __post_init__(self) -> None:
        # Translations do not say their domain, and training goes on without what is replaced.
        require(
            self.domains is None or self.translations is None,
            "domains and translations must not be given together",
        )
        alone = self.translations is not None and not self.translations.with_english
        require(
            not alone or (self.size is None and self.code_switch is None),
            "size and code_switch must not be given with translations.with_english = false: "
            "they change the English examples",
        )


def apply(config: TransformConfig, training: ExampleSet, source: Source) -> ExampleSet:
    """The training set after the domains, the size, code-switching, translations, few-shot.

    Translations whose text stands in an evaluation set of the source are left out, as
    `training_set` does for English. Few-shot examples are evaluation examples: what they cost the
    evaluation is told by `few_shot.held_out`.

    Args:
        training: English, without what it is evaluated on.
        source: of the evaluation sets.

    Raises:
        UserError: what the transformations raise.
    """
    if config.domains is not None:
        training = select_domains(training, config.domains)
    if config.size is not None:
        training = resized(training, config.size)
    if config.code_switch is not None:
        training = code_switch(training, config.code_switch)
    if config.translations is not None:
        options = config.translations
        sets = load_translations(options.folder, training.task, options.languages)
        codes = [examples.language for examples in sets]
        evaluated = _evaluated_by(training.task, codes, source)
        training = with_translations(training, sets, options, evaluated)
    if config.few_shot is not None:
        chosen = chosen_sets(config.few_shot, source)
        training = with_few_shot(training, chosen, config.few_shot)
    return training


def _evaluated_by(name: str, languages: Sequence[str], source: Source) -> Iterator[ExampleSet]:
    """The evaluation sets, in some languages, of the tasks that a training set trains."""
    names = {name, *task(name).parts}
    for spec in TASKS.values():
        if not spec.parts and names & {spec.name, spec.train_task}:
            for split in ("dev", "test"):
                for language in source.languages(spec.name, split):
                    if language in languages:
                        yield source.load(spec.name, split, language)
