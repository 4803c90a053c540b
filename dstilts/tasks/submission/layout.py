"""Names and formats of the files."""

from pathlib import Path

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TaskSpec
from dstilts.tasks.readers.files import read_lines

JSON_PROTOCOLS = ("ranking",)


def file_name(spec: TaskSpec, language: str) -> str:
    """`test-<language>.json` for answers and ranked candidates, `.tsv` for the rest."""
    is_json = spec.kind == "span" or spec.protocol in JSON_PROTOCOLS
    return f"test-{language}.{'json' if is_json else 'tsv'}"


def languages_in(folder: Path, spec: TaskSpec) -> dict[str, Path]:
    """The files of a task by language, in alphabetical order.

    Raises:
        UserError: a file is not named as the layout says.
    """
    found = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        language = path.name.partition(".")[0].removeprefix("test-")
        if path.name != file_name(spec, language) or not language:
            expected = file_name(spec, "LANGUAGE")
            raise UserError("not a file of the layout", file=path, remedy=f"name it {expected}")
        found[language] = path
    return found


def read_blocks(path: Path) -> list[list[str]]:
    """The tags of each sentence: a tag a line, an empty line between sentences.

    Raises:
        UserError: see `read_lines`.
    """
    blocks: list[list[str]] = [[]]
    for _, line in read_lines(path):
        tag = line.strip()
        if tag:
            # Files may have the words beside the tags, which stand last.
            blocks[-1].append(tag.split("\t")[-1])
        elif blocks[-1]:
            blocks.append([])
    return [block for block in blocks if block]


def read_values(path: Path) -> list[str]:
    """One value a line.

    Raises:
        UserError: see `read_lines`; an empty line before the last one.
    """
    values: list[str] = []
    empty = 0
    for number, line in read_lines(path):
        value = line.strip()
        if value and empty:
            raise UserError("an empty line", file=path, line=empty)
        if value:
            values.append(value)
        elif not empty:
            empty = number
    return values


def read_pairs(path: Path) -> set[tuple[str, str]]:
    """Pairs of ids, separated by a tab.

    Raises:
        UserError: see `read_lines`; a line with another number of columns.
    """
    pairs = set()
    for number, line in read_lines(path):
        if not line.strip():
            continue
        fields = line.strip().split("\t")
        if len(fields) != 2:
            raise UserError(f"{len(fields)} columns where 2 are expected", file=path, line=number)
        pairs.add((fields[0], fields[1]))
    return pairs
