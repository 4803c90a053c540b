"""Answers in an edited text: at every place they stand where they say."""

from hypothesis import given
from hypothesis import strategies as st

from dstilts.tasks.examples import Answer
from dstilts.tasks.transform.edits import Edit, cuts, edited, moved


@st.composite
def _cases(draw: st.DrawFn) -> tuple[str, list[Edit], list[Answer]]:
    text = draw(st.text(max_size=40))
    edges = sorted(draw(st.lists(st.integers(0, len(text)), unique=True, max_size=10)))
    edits = [
        Edit(start, stop, draw(st.text(max_size=6)))
        for start, stop in zip(edges[::2], edges[1::2], strict=False)
    ]
    answers = []
    for _ in range(draw(st.integers(0, 5))):
        start = draw(st.integers(0, len(text)))
        answers.append(Answer(text[start : draw(st.integers(start, len(text)))], start))
    return text, edits, answers


@given(_cases())
def test_answers_move_with_their_text(case: tuple[str, list[Edit], list[Answer]]) -> None:
    text, edits, answers = case
    edits = [edit for edit in edits if not cuts(answers, edit.start, edit.stop)]
    new = edited(text, edits)
    for old, answer in zip(answers, moved(answers, text, edits), strict=True):
        assert new[answer.start : answer.start + len(answer.text)] == answer.text
        # What was replaced inside the answer is replaced in it, and nothing else.
        inside = [
            Edit(edit.start - old.start, edit.stop - old.start, edit.text)
            for edit in edits
            if edit.start >= old.start and edit.stop <= old.start + len(old.text)
        ]
        assert answer.text == edited(old.text, inside)


def test_by_hand() -> None:
    text = "the cat sat"
    edits = [Edit(0, 3, "die"), Edit(4, 7, "Katze")]
    assert edited(text, edits) == "die Katze sat"
    answers = [Answer("cat", 4), Answer("cat sat", 4), Answer("", 8)]
    expected = (Answer("Katze", 4), Answer("Katze sat", 4), Answer("", 10))
    assert moved(answers, text, edits) == expected
    assert cuts([Answer("at", 5)], 4, 7)
    assert cuts([Answer("the c", 0)], 4, 7)
    assert not cuts([Answer("cat", 4), Answer("the ", 0)], 4, 7)
