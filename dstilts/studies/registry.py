"""All studies by name."""

from dstilts.core.registry import lookup
from dstilts.studies import codeswitch, diversity, domainshift, scaling, specialised
from dstilts.studies.study import Study

STUDIES: dict[str, Study] = {
    module.STUDY.name: module.STUDY
    for module in (specialised, diversity, scaling, codeswitch, domainshift)
}


def study(name: str) -> Study:
    """The study of that name.

    Raises:
        UserError: there is no such study; the message carries the nearest known name.
    """
    return lookup("study", name, STUDIES)
