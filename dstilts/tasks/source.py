"""The one interface of all sources of examples."""

from typing import Protocol

from dstilts.tasks.examples import ExampleSet

SPLITS = ("train", "dev", "test")


class Source(Protocol):
    """Gives the examples of a task: from a local folder, the embedded phrasebook or a hub."""

    name: str

    def tasks(self) -> tuple[str, ...]:
        """The catalog names of the tasks for which this source has at least one split."""
        ...

    def languages(self, task: str, split: str) -> tuple[str, ...]:
        """The languages (catalog order) for which this source has that split; may be empty."""
        ...

    def load(self, task: str, split: str, language: str) -> ExampleSet:
        """The examples of one task, split and language.

        Raises:
            UserError: there is no such task, split or language here, or a file is broken.
        """
        ...

    def identity(self) -> dict[str, object]:
        """What a record says of this source: name, folder or edition, in canonical-JSON form."""
        ...
