"""Heads: their losses against hand-written ones, and their first weights."""

import pytest
import torch
from torch.nn import functional as F

from dstilts.models.heads import HeadSpec, build_head, initialise


def made(spec: HeadSpec, name: str = "head", seed: int = 1) -> torch.nn.Module:
    head = build_head(spec, 8, dropout=0.0)
    initialise(head, name, seed)
    return head


def test_pair_loss_is_a_sum_over_labelled_rows() -> None:
    head = made(HeadSpec("pair", ("a", "b", "c")))
    hidden = torch.randn(4, 5, 8)
    batch = {"label": torch.tensor([0, 2, -100, 1])}
    logits = head(hidden, batch)
    assert logits.shape == (4, 3)
    first = hidden[:, 0]
    by_hand = head.output(torch.tanh(head.dense(first)))
    torch.testing.assert_close(logits, by_hand)
    expected = -sum(by_hand[row].log_softmax(-1)[label] for row, label in ((0, 0), (1, 2), (3, 1)))
    torch.testing.assert_close(head.loss_sum(logits, batch), expected)


def test_choices_of_an_example_compete_with_each_other_only() -> None:
    head = made(HeadSpec("choice"))
    hidden = torch.randn(6, 5, 8)
    batch = {"label": torch.tensor([2, 0])}
    logits = head(hidden, batch)
    assert logits.shape == (2, 3)
    scores = head.output(torch.tanh(head.dense(hidden[:, 0]))).squeeze(-1)
    expected = -(scores[:3].log_softmax(0)[2] + scores[3:].log_softmax(0)[0])
    torch.testing.assert_close(head.loss_sum(logits, batch), expected)


def test_span_loss_halves_start_and_end_and_skips_windows_without_the_answer() -> None:
    head = made(HeadSpec("span"))
    hidden = torch.randn(3, 7, 8)
    batch = {"start": torch.tensor([1, -100, 6]), "end": torch.tensor([4, -100, 6])}
    batch["attention_mask"] = (torch.arange(7) < torch.tensor([[5], [7], [7]])).long()
    logits = head(hidden, batch)
    assert logits.shape == (3, 7, 2)
    # The first row ends with two places of padding, which no answer competes with.
    log_start, log_end = logits[0, :5].log_softmax(0).unbind(-1)
    expected = -(log_start[1] + log_end[4]) / 2
    log_start, log_end = logits[2].log_softmax(0).unbind(-1)
    expected -= (log_start[6] + log_end[6]) / 2
    torch.testing.assert_close(head.loss_sum(logits, batch), expected)


def test_tagging_loss_is_a_sum_over_labelled_tokens() -> None:
    head = made(HeadSpec("tagging", ("X", "Y")))
    hidden = torch.randn(2, 3, 8)
    labels = torch.tensor([[-100, 1, -100], [0, -100, 1]])
    logits = head(hidden, {"labels": labels})
    assert logits.shape == (2, 3, 2)
    expected = F.cross_entropy(logits[labels != -100], labels[labels != -100], reduction="sum")
    torch.testing.assert_close(head.loss_sum(logits, {"labels": labels}), expected)


def test_loss_is_taken_in_fp32() -> None:
    head = made(HeadSpec("span")).bfloat16()
    batch = {"start": torch.tensor([1]), "end": torch.tensor([2])}
    batch["attention_mask"] = torch.ones(1, 4)
    loss = head.loss_sum(head(torch.randn(1, 4, 8).bfloat16(), batch), batch)
    assert loss.dtype == torch.float32


def test_first_weights_depend_on_seed_and_name_alone() -> None:
    spec = HeadSpec("pair", ("a", "b"))
    one = made(spec, "nli", 1).state_dict()
    torch.manual_seed(99)
    for name, weight in made(spec, "nli", 1).state_dict().items():
        assert torch.equal(one[name], weight)
    for other in (made(spec, "nli", 2), made(spec, "paraphrase", 1)):
        assert not torch.equal(one["dense.weight"], other.state_dict()["dense.weight"])
    assert one["dense.bias"].abs().sum() == 0
    assert 0.01 < float(one["dense.weight"].std()) < 0.03


@pytest.mark.parametrize("similarity", ["dot", "cosine"])
def test_a_question_is_compared_with_the_candidates_of_the_micro_batch(similarity: str) -> None:
    head = made(HeadSpec("retrieval", similarity=similarity))
    hidden = torch.randn(8, 3, 8)
    batch = {"candidate": torch.tensor([5, 6, 5, 7])}
    scores = head(hidden, batch)
    questions, candidates = hidden[0::2, 0], hidden[1::2, 0]
    if similarity == "cosine":
        expected = 20 * F.cosine_similarity(questions[:, None], candidates[None], dim=-1)
    else:
        expected = questions @ candidates.T
    torch.testing.assert_close(scores, expected)
    # Rows 0 and 2 have the same candidate: it is no negative of the other row.
    rows = {0: [0, 1, 3], 1: [0, 1, 2, 3], 2: [1, 2, 3], 3: [0, 1, 2, 3]}
    losses = [-scores[row, seen].log_softmax(0)[seen.index(row)] for row, seen in rows.items()]
    torch.testing.assert_close(head.loss_sum(scores, batch), torch.stack(losses).sum())


def test_masked_tokens_are_predicted_with_the_word_embeddings() -> None:
    embeddings = torch.nn.Embedding(11, 6)  # of another size than the hidden states, as RemBERT's
    head = build_head(HeadSpec("mlm"), 8, 0.0, embeddings)
    initialise(head, "mlm", 1)
    hidden = torch.randn(2, 3, 8)
    batch = {
        "masked": torch.tensor([1, 5]),
        "targets": torch.tensor([4, 9]),
        "word_embeddings": embeddings.weight,
    }
    logits = head(hidden, batch)
    states = F.gelu(head.dense(torch.stack([hidden[0, 1], hidden[1, 2]])))
    expected = F.layer_norm(states, (6,)) @ embeddings.weight.T
    torch.testing.assert_close(logits, expected)
    loss = -(logits[0].log_softmax(0)[4] + logits[1].log_softmax(0)[9])
    torch.testing.assert_close(head.loss_sum(logits, batch), loss)
