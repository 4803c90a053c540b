"""How far languages are from English, by each measure there is."""

from collections.abc import Callable, Mapping, Sequence

from dstilts.tasks.typology import TYPOLOGY, script_distance, typological_distance

MEASURES: Mapping[str, Callable[[str], float]] = {
    "script": script_distance,
    "typological": typological_distance,
}


def distances(measure: str, languages: Sequence[str]) -> dict[str, float]:
    """The distance, 0 to 1, of each language of which something is known.

    Args:
        measure: of `MEASURES`.
    """
    return {code: MEASURES[measure](code) for code in languages if code in TYPOLOGY}
