import random
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from zhanggui.profiles.closure import ends

START = datetime(2026, 1, 1, tzinfo=UTC)


def direct(*links: tuple[str, str, int]) -> dict[str, tuple[str, datetime]]:
    return {one: (other, START + timedelta(days=day)) for one, other, day in links}


def test_a_chain_is_followed_to_its_end() -> None:
    assert ends(direct(("a", "b", 1), ("b", "c", 2), ("x", "y", 1))) == {"a": "c", "b": "c", "x": "y"}


def test_in_a_circle_the_oldest_statement_gives_way() -> None:
    assert ends(direct(("a", "b", 2), ("b", "a", 1))) == {"a": "b"}
    assert ends(direct(("a", "b", 1), ("b", "a", 2))) == {"b": "a"}
    assert ends(direct(("a", "b", 1), ("b", "a", 1))) == {"b": "a"}
    assert ends(direct(("t", "a", 9), ("a", "b", 3), ("b", "c", 1), ("c", "a", 2))) == {"t": "b", "a": "b", "c": "b"}


@given(st.dictionaries(st.sampled_from("abcdef"), st.tuples(st.sampled_from("abcdef"), st.integers(0, 3)), max_size=6))
def test_the_order_in_which_aliases_are_learned_does_not_matter(links: dict[str, tuple[str, int]]) -> None:
    told = [(one, other, day) for one, (other, day) in links.items() if one != other]
    expected = ends(direct(*told))
    for seed in range(4):
        shuffled = random.Random(seed).sample(told, len(told))
        assert ends(direct(*shuffled)) == expected
    assert not set(expected.values()) & set(expected)  # who stands for others is nobody else
    for one, other, _ in told:
        assert expected.get(one, one) == expected.get(other, other)
