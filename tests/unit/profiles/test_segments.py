import re

import pytest

from zhanggui.errors import PredicateError
from zhanggui.profiles.profile import SNAPSHOT_SCHEMA
from zhanggui.profiles.segments import Predicate
from zhanggui.profiles.words import COLUMNS


@pytest.mark.parametrize(
    ("text", "part", "allowed"),
    [
        ("oders >= 2", "oders", "orders"),
        ("last_order_at > 3", "last_order_at", "recency_days"),
        ("category_affinity > 1", "category_affinity", 'category_affinity("name")'),
        ("orders == False", "False", "orders >= 2"),
        ('orders == "3"', "'3' is not", "orders >= 2"),
        ('orders > -"x"', "-'x'", "orders >= 2"),
        ("orders in ((1, 2), 3)", "(1, 2)", "in (1, 2)"),
        ("orders is 1", "orders is a number", "<="),
        ("orders > 1e400", "too large", "9223372036854775807"),
        ("orders > 9223372036854775808", "too large", "9223372036854775807"),
        ("orders < 5 < 10", "two comparisons", "and"),
        ('city > "a"', "city is a text", "=="),
        ('lifecycle_stage in ("activ",)', "'activ' is no lifecycle_stage", "active"),
        ('language == "de"', "'de' is no language", "en, zh"),
        ("not " * 990 + "orders > 1", "nested", "flat"),
        ("orders " + "+ 1" * 1_200 + " > 1", "nested", "flat"),
    ],
)
def test_what_could_not_be_run_is_refused_with_what_is_allowed(text: str, part: str, allowed: str) -> None:
    with pytest.raises(PredicateError) as caught:
        Predicate.parse(text)
    assert part in str(caught.value)
    assert allowed in caught.value.hint


def test_a_predicate_in_chinese_has_no_english_in_it() -> None:
    told = Predicate.parse('lifecycle_stage in ("at_risk", "lapsed") and not messages_opened > 3').explain("zh")
    assert "有流失风险、已流失" in told
    assert not re.search("[a-z]", told)
    assert set(COLUMNS) == set(SNAPSHOT_SCHEMA.names)
