"""Rows of pretraining: packed documents, sentence pairs, streams. No torch."""

import numpy as np

from zhanggui.training.packing import IGNORED, pack
from zhanggui.training.sentence_pairs import Marks, clauses, sentence_pair
from zhanggui.training.streams import Stream

MARKS = Marks(cls=0, sep=1, mask=2, pad=3, ordinary=np.arange(4, 50))


def test_each_token_but_a_first_one_is_foretold_once() -> None:
    documents = [[4] * 3, [5] * 5, [6] * 8, [7] * 2, [8] * 11, [9]]
    packed = pack(documents, length=8, pad=3)
    assert len(packed.input_ids) == 4  # 5+3, 8, 8 of 11, the other 3 behind the token before them + 2
    for token, count in ((4, 3), (5, 5), (6, 8), (7, 2), (8, 11), (9, 0)):
        assert (packed.input_ids == token).sum() == count + (token == 8)
        assert (packed.labels == token).sum() == max(count - 1, 0)
    starts = packed.position_ids == 0
    assert (packed.labels[starts] == IGNORED).all()
    assert (packed.labels[packed.input_ids == 3] == IGNORED).all()


def test_a_document_one_token_longer_than_a_row_keeps_its_end() -> None:
    packed = pack([[1, 4, 5, 6, 7, 8, 9, 10, 2]], length=8, pad=3)
    assert packed.input_ids.tolist() == [[1, 4, 5, 6, 7, 8, 9, 10], [10, 2, *[3] * 6]]
    assert packed.labels[1].tolist() == [IGNORED, 2, *[IGNORED] * 6]


def test_the_second_sentence_follows_the_first_or_is_of_another_document() -> None:
    documents = [[[10, 11], [12, 13]], [[20, 21], [22, 23]], [[30, 31], [32, 33]]]
    follows = 0
    for number in range(200):
        rng = np.random.default_rng(number)
        row = sentence_pair(documents, number % 3, length=16, share=0.25, marks=MARKS, rng=rng)
        whole = np.where(row.labels == IGNORED, row.input_ids, row.labels)
        first, second = whole[1:3], whole[4:6]
        assert whole.tolist()[::3] == [0, 1, 1][: len(whole[::3])]
        assert (second[0] // 10 == first[0] // 10) == (row.next_sentence_label == 0)
        assert row.token_type_ids.tolist() == [0, 0, 0, 0, 1, 1, 1]
        assert (row.labels != IGNORED).sum() == 1
        follows += row.next_sentence_label == 0
    assert 70 < follows < 130


def test_a_long_pair_is_cut_where_the_two_do_not_meet() -> None:
    documents = [[list(range(10, 30)), list(range(30, 50))], [[4, 5], [6, 7]]]
    for number in range(20):
        row = sentence_pair(documents, 0, length=13, share=0.1, marks=MARKS, rng=np.random.default_rng(number))
        whole = np.where(row.labels == IGNORED, row.input_ids, row.labels)
        assert len(whole) <= 13
        if row.next_sentence_label == 0:
            assert whole.tolist() == [0, *range(25, 30), 1, *range(30, 35), 1]


def test_clauses_lose_nothing() -> None:
    text = "很好，下次还来！质量不错。Fast delivery, good tea"
    assert "".join(clauses(text)) == text
    assert len(clauses(text)) == 5


def test_a_stream_is_a_function_of_seed_and_place() -> None:
    def stream() -> Stream:
        sizes = [one % 7 for one in range(103)]
        return Stream(
            row=lambda place, rng: {"at": place, "dice": rng.random()},
            count=103,
            length=300,
            seed=3,
            sizes=sizes,
            batch=4,
        )

    whole = [stream()[number] for number in range(300)]
    again = stream()
    assert [again[number] for number in range(299, -1, -1)] == whole[::-1]
    # 26 whole batches of four an epoch: one row comes twice.
    for epoch in (whole[:104], whole[104:208]):
        assert sorted({row["at"] for row in epoch}) == list(range(103))
        assert sum(epoch[4 * n]["at"] % 7 == epoch[4 * n + 3]["at"] % 7 for n in range(26)) > 15
    assert [row["at"] for row in whole[:104]] != [row["at"] for row in whole[104:208]]
