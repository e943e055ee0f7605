from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from zhanggui.conversation.understand.tags import allowed, likeliest, spans_of, tag_names, tags_of

TEXT = "two blue cups please"
TOKENS = [(0, 3), (3, 8), (8, 13), (13, 20)]  # each with the blank before it, as metaspace tokenizers say


def test_spans_come_back_from_their_tags_without_blanks() -> None:
    spans = [("quantity", 0, 3), ("colour", 4, 8), ("category", 9, 13)]
    tags = tags_of(TOKENS, spans)
    assert tags == ["B-quantity", "B-colour", "B-category", "O"]
    assert spans_of(tags, TOKENS, TEXT) == spans


def test_an_inner_tag_without_its_beginning_begins_a_span() -> None:
    assert spans_of(["O", "I-colour", "I-colour", "O"], TOKENS, TEXT) == [("colour", 4, 13)]


def test_an_inner_tag_follows_its_own_slot_alone() -> None:
    names = tag_names(("a", "b"))
    assert names == ("O", "B-a", "I-a", "B-b", "I-b")
    assert allowed(names)[:, 2].tolist() == [False, True, True, False, False]
    assert allowed(names)[:, 0].all()


@given(st.integers(1, 4), st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_the_likeliest_tags_are_those_that_trying_all_finds(tokens: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    scores, steps, start, end = (draw.normal(size=shape).astype(np.float32) for shape in ((tokens, 3), (3, 3), 3, 3))

    def total(path: tuple[int, ...]) -> float:
        inside = sum(scores[place, tag] for place, tag in enumerate(path))
        return float(start[path[0]] + inside + sum(steps[path[:-1], path[1:]]) + end[path[-1]])

    best = max(product(range(3), repeat=tokens), key=total)
    assert np.isclose(total(tuple(likeliest(scores, steps, start, end))), total(best), atol=1e-4)
