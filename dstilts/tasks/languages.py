"""The languages of XTREME and XTREME-R: name, family, script and the code other data sets use."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Language:
    """One language.

    Attributes:
        code: the XTREME code, ISO 639-1.
        script: the ISO 15924 code of the script that the benchmarks' text is in.
        iso3: the ISO 639-3 code that Tatoeba's file names use.
    """

    code: str
    name: str
    family: str
    script: str
    iso3: str


_ROWS = (
    # The 40 languages of XTREME (arXiv 2003.11080, table 8), with families and branches.
    ("af", "Afrikaans", "Indo-European: Germanic", "Latn", "afr"),
    ("ar", "Arabic", "Afro-Asiatic", "Arab", "ara"),
    ("bg", "Bulgarian", "Indo-European: Slavic", "Cyrl", "bul"),
    ("bn", "Bengali", "Indo-European: Indo-Aryan", "Beng", "ben"),
    ("de", "German", "Indo-European: Germanic", "Latn", "deu"),
    ("el", "Greek", "Indo-European: Hellenic", "Grek", "ell"),
    ("en", "English", "Indo-European: Germanic", "Latn", "eng"),
    ("es", "Spanish", "Indo-European: Romance", "Latn", "spa"),
    ("et", "Estonian", "Uralic", "Latn", "est"),
    ("eu", "Basque", "Basque", "Latn", "eus"),
    ("fa", "Persian", "Indo-European: Iranian", "Arab", "pes"),
    ("fi", "Finnish", "Uralic", "Latn", "fin"),
    ("fr", "French", "Indo-European: Romance", "Latn", "fra"),
    ("he", "Hebrew", "Afro-Asiatic", "Hebr", "heb"),
    ("hi", "Hindi", "Indo-European: Indo-Aryan", "Deva", "hin"),
    ("hu", "Hungarian", "Uralic", "Latn", "hun"),
    ("id", "Indonesian", "Austronesian", "Latn", "ind"),
    ("it", "Italian", "Indo-European: Romance", "Latn", "ita"),
    ("ja", "Japanese", "Japonic", "Jpan", "jpn"),
    ("jv", "Javanese", "Austronesian", "Latn", "jav"),
    ("ka", "Georgian", "Kartvelian", "Geor", "kat"),
    ("kk", "Kazakh", "Turkic", "Cyrl", "kaz"),
    ("ko", "Korean", "Koreanic", "Kore", "kor"),
    ("ml", "Malayalam", "Dravidian", "Mlym", "mal"),
    ("mr", "Marathi", "Indo-European: Indo-Aryan", "Deva", "mar"),
    ("ms", "Malay", "Austronesian", "Latn", "zsm"),
    ("my", "Burmese", "Sino-Tibetan", "Mymr", "mya"),
    ("nl", "Dutch", "Indo-European: Germanic", "Latn", "nld"),
    ("pt", "Portuguese", "Indo-European: Romance", "Latn", "por"),
    ("ru", "Russian", "Indo-European: Slavic", "Cyrl", "rus"),
    ("sw", "Swahili", "Niger-Congo", "Latn", "swh"),
    ("ta", "Tamil", "Dravidian", "Taml", "tam"),
    ("te", "Telugu", "Dravidian", "Telu", "tel"),
    ("th", "Thai", "Kra-Dai", "Thai", "tha"),
    ("tl", "Tagalog", "Austronesian", "Latn", "tgl"),
    ("tr", "Turkish", "Turkic", "Latn", "tur"),
    ("ur", "Urdu", "Indo-European: Indo-Aryan", "Arab", "urd"),
    ("vi", "Vietnamese", "Austro-Asiatic", "Latn", "vie"),
    ("yo", "Yoruba", "Niger-Congo", "Latn", "yor"),
    ("zh", "Mandarin Chinese", "Sino-Tibetan", "Hans", "cmn"),
    # The ten that XTREME-R adds (arXiv 2104.07412).
    ("az", "Azerbaijani", "Turkic", "Latn", "aze"),
    ("gu", "Gujarati", "Indo-European: Indo-Aryan", "Gujr", "guj"),
    ("ht", "Haitian Creole", "French Creole", "Latn", "hat"),
    ("lt", "Lithuanian", "Indo-European: Baltic", "Latn", "lit"),
    ("pa", "Punjabi", "Indo-European: Indo-Aryan", "Guru", "pan"),
    ("pl", "Polish", "Indo-European: Slavic", "Latn", "pol"),
    ("qu", "Quechua", "Quechuan", "Latn", "que"),
    ("ro", "Romanian", "Indo-European: Romance", "Latn", "ron"),
    ("uk", "Ukrainian", "Indo-European: Slavic", "Cyrl", "ukr"),
    ("wo", "Wolof", "Niger-Congo", "Latn", "wol"),
)

LANGUAGES: dict[str, Language] = {row[0]: Language(*row) for row in _ROWS}
