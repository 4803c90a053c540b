"""The catalog's target tasks: XTREME's and XTREME-R's, evaluated in many languages.

Languages and sizes are those of the reports and scripts of XTREME and XTREME-R; where the two
differ, the larger set of languages (XTREME-R's), of which a source gives what it has. Which
languages count for which average, `benchmarks` says.
"""

from dstilts.tasks.intermediate_tasks import NLI_LABELS
from dstilts.tasks.task_spec import TaskSpec

UPOS = tuple(
    "ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X".split()
)
ENTITIES = tuple("B-LOC B-ORG B-PER I-LOC I-ORG I-PER O".split())


def _codes(text: str) -> tuple[str, ...]:
    return tuple(text.split())


TARGET_TASKS = (
    TaskSpec(
        name="xnli",
        title="XNLI: cross-lingual natural language inference",
        kind="pair",
        roles=("target",),
        metrics=("accuracy",),
        main_metric="accuracy",
        licence="CC BY-NC 4.0",
        train_task="mnli",
        head="nli",
        languages=_codes("ar bg de el en es fr hi ru sw th tr ur vi zh"),
        labels=NLI_LABELS,
        eval_split="test",
        published_sizes={"dev": 2_490, "test": 5_010},
    ),
    TaskSpec(
        name="pawsx",
        title="PAWS-X: cross-lingual paraphrase",
        kind="pair",
        roles=("target",),
        metrics=("accuracy",),
        main_metric="accuracy",
        licence="free, with attribution to Google",
        train_task="pawsx",
        head="pawsx",
        languages=_codes("de en es fr ja ko zh"),
        labels=("0", "1"),
        eval_split="test",
        published_sizes={"train": 49_401, "dev": 2_000, "test": 2_000},
    ),
    TaskSpec(
        name="xcopa",
        title="XCOPA: the likelier cause or effect, in many languages",
        kind="choice",
        roles=("target",),
        metrics=("accuracy",),
        main_metric="accuracy",
        licence="CC BY 4.0",
        train_task="copa",
        head="choice",
        languages=_codes("et ht id it qu sw ta th tr vi zh"),
        num_choices=2,
        eval_split="test",
        published_sizes={"dev": 100, "test": 500},
    ),
    TaskSpec(
        name="udpos",
        title="UD POS: part of speech",
        kind="tagging",
        roles=("target",),
        metrics=("f1", "precision", "recall", "token_accuracy"),
        main_metric="f1",
        licence="by treebank, several non-commercial",
        train_task="udpos",
        head="udpos",
        languages=_codes(
            "af ar bg de el en es et eu fa fi fr he hi hu id it ja kk ko lt mr nl pl pt ro ru "
            "ta te th tl tr uk ur vi wo yo zh"
        ),
        labels=UPOS,
        eval_split="test",
        published_sizes={"train": 21_253, "dev": 3_974, "test": 5_440},
    ),
    TaskSpec(
        name="panx",
        title="PAN-X (WikiANN): named entities",
        kind="tagging",
        roles=("target",),
        metrics=("f1", "precision", "recall", "token_accuracy"),
        main_metric="f1",
        licence="not stated in the data set",
        train_task="panx",
        head="panx",
        languages=_codes(
            "af ar az bg bn de el en es et eu fa fi fr gu he hi hu id it ja jv ka kk ko lt ml "
            "mr ms my nl pa pl pt qu ro ru sw ta te th tl tr uk ur vi yo zh"
        ),
        labels=ENTITIES,
        eval_split="test",
        published_sizes={"train": 20_000, "dev": 10_000, "test": 10_000},
    ),
    TaskSpec(
        name="xquad",
        title="XQuAD: cross-lingual span question answering",
        kind="span",
        roles=("target",),
        metrics=("f1", "exact_match"),
        main_metric="f1",
        licence="CC BY-SA 4.0",
        train_task="squad_v1",
        head="span",
        languages=_codes("ar de el en es hi ro ru th tr vi zh"),
        eval_split="test",
        published_sizes={"test": 1_190},
    ),
    TaskSpec(
        name="mlqa",
        title="MLQA: multilingual span question answering",
        kind="span",
        roles=("target",),
        metrics=("f1", "exact_match"),
        main_metric="f1",
        licence="CC BY-SA 3.0",
        train_task="squad_v1",
        head="span",
        languages=_codes("ar de en es hi vi zh"),
        normalizer="mlqa",
        eval_split="test",
        published_sizes={"dev": 1_148, "test": 11_590},
    ),
    TaskSpec(
        name="tydiqa",
        title="TyDiQA-GoldP: span question answering written in each language",
        kind="span",
        roles=("target",),
        metrics=("f1", "exact_match"),
        main_metric="f1",
        licence="Apache-2.0",
        train_task="tydiqa",
        head="span",
        languages=_codes("ar bn en fi id ko ru sw te"),
        eval_split="dev",
        published_sizes={"train": 3_696, "dev": 440},
    ),
    TaskSpec(
        name="bucc2018",
        title="BUCC 2018: mining translations from comparable text",
        kind="retrieval",
        roles=("target",),
        metrics=("f1", "precision", "recall"),
        main_metric="f1",
        licence="not stated in the data set",
        train_task=None,
        head=None,
        languages=_codes("de fr ru zh"),
        protocol="mining",
        eval_split="test",
    ),
    TaskSpec(
        name="tatoeba",
        title="Tatoeba: sentence retrieval between a language and English",
        kind="retrieval",
        roles=("target",),
        metrics=("accuracy", "accuracy_xx_en"),
        main_metric="accuracy",
        licence="CC BY 2.0 FR",
        train_task=None,
        head=None,
        languages=_codes(
            "af ar az bg bn de el es et eu fa fi fr he hi hu id it ja jv ka kk ko lt ml mr nl "
            "pl pt ro ru sw ta te th tl tr uk ur vi zh"
        ),
        protocol="nearest",
        eval_split="test",
        published_sizes={"test": 1_000},
    ),
    TaskSpec(
        name="lareqa",
        title="LAReQA (XQuAD-R): answers retrieved from a pool of all languages",
        kind="retrieval",
        roles=("target",),
        metrics=("map_at_20",),
        main_metric="map_at_20",
        licence="CC BY-SA 4.0",
        train_task="lareqa",
        head="lareqa",
        languages=_codes("ar de el en es hi ru th tr vi zh"),
        protocol="ranking",
        pooling="first",
        similarity="dot",
        eval_split="test",
        published_sizes={"train": 87_599, "test": 1_190},
    ),
    TaskSpec(
        name="mewslix",
        title="Mewsli-X: entities retrieved for mentions, in many languages",
        kind="retrieval",
        roles=("target",),
        metrics=("map_at_20",),
        main_metric="map_at_20",
        licence="CC BY-SA 3.0 and CC BY 2.5",
        train_task="mewslix",
        head="mewslix",
        languages=_codes("ar de en es fa ja pl ro ta tr uk"),
        protocol="ranking",
        pooling="first",
        similarity="cosine",
        eval_split="test",
    ),
)
