"""The table of languages is complete and without slips."""

from dstilts.tasks.languages import LANGUAGES

SCRIPTS = (
    "Latn Cyrl Arab Deva Beng Taml Telu Mlym Thai Mymr Grek Hebr Geor Kore Jpan Hans Gujr Guru"
).split()

# XTREME's 40 and the ten of XTREME-R, as their scripts list them.
XTREME = (
    "af ar bg bn de el en es et eu fa fi fr he hi hu id it ja jv ka kk ko ml mr ms my nl pt ru sw "
    "ta te th tl tr ur vi yo zh"
).split()
XTREME_R_ADDS = "az gu ht lt pa pl qu ro uk wo".split()


def test_the_fifty_languages() -> None:
    assert set(LANGUAGES) == {*XTREME, *XTREME_R_ADDS}
    assert all(code == language.code for code, language in LANGUAGES.items())


def test_codes_and_names_are_unique() -> None:
    for field in ("name", "iso3"):
        assert len({getattr(language, field) for language in LANGUAGES.values()}) == 50
    assert all(len(language.iso3) == 3 for language in LANGUAGES.values())


def test_scripts_are_iso_15924() -> None:
    assert {language.script for language in LANGUAGES.values()} == set(SCRIPTS)
