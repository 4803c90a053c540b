"""Where raw text is: one or more folders below `mlm`, joined by language.

| source | files |
|---|---|
| any | `mlm/XX.txt`, `mlm/*/XX.txt`, `mlm/*/XX-*.txt` (zh-TW) |
| Universal Declaration of Human Rights | `mlm/udhr/III.txt`, `mlm/udhr/III_*.txt` |
| parallel Bible corpus | `mlm/bible/NAME-*.xml` |
| sentences of UD treebanks | `mlm/ud_text/UD_NAME-*.txt` |
| Masakhane | `mlm/masakhane/name_*.txt` |

A line or verse is an example; exact repetitions within a language are dropped, and 2 % of what is
left, by hash of the text, is the dev split.
"""

from dstilts.tasks.layouts.files import Files, Group, Others, Part, Splits
from dstilts.tasks.readers.texts import distinct, read_bible, read_text_lines

_DEV_SHARE = 0.02

_GROUPS = (
    *(
        Group(pattern, read_text_lines)
        for pattern in (
            "mlm/{lang}.txt",
            "mlm/*/{lang}.txt",
            "mlm/*/{lang}-*.txt",
            "mlm/udhr/{single}.txt",
            "mlm/udhr/{single}_*.txt",
            "mlm/ud_text/UD_{ud}-*.txt",
            "mlm/masakhane/{lower}_*.txt",
        )
    ),
    Group("mlm/bible/{bible}-*.xml", read_bible),
)

TEXTS: dict[str, Splits] = {
    "mlm": {
        split: (
            Files(
                _GROUPS,
                distinct,
                Part(low, high),
                note=f"own split: {share} of the texts at hand, by hash of the text",
                some=True,
            ),
        )
        for split, low, high, share in (
            ("train", _DEV_SHARE, 1.0, "98 %"),
            ("dev", 0.0, _DEV_SHARE, "2 %"),
        )
    },
}

OTHER_TEXTS: dict[str, tuple[Others, ...]] = {}
