"""Sentences: only known facts are named, every act has words in both languages, and a seed chooses among them."""

import re
import tomllib
from importlib.resources import files
from typing import Any, get_args

import pytest

from zhanggui.conversation.act import ActName, DialogueAct
from zhanggui.conversation.respond import Sentences

SHIPPED = {
    language: tomllib.loads((files("zhanggui.conversation") / "sentences" / f"{language}.toml").read_text("utf-8"))
    for language in ("en", "zh")
}


def said(name: Any, about: str = "", language: Any = "en", seed: str = "1", **facts: Any) -> str:
    return Sentences().words([DialogueAct(name=name, about=about, facts=facts)], language, seed=seed)


def test_both_languages_have_the_same_acts_with_as_many_fields() -> None:
    assert list(SHIPPED["en"]) == list(SHIPPED["zh"])

    def fields(texts: list[str]) -> set[str]:
        return set(re.findall(r"{{ (\w+)", " ".join(texts)))

    for key in SHIPPED["en"]:
        assert fields(SHIPPED["en"][key]) == fields(SHIPPED["zh"][key]), key


@pytest.mark.parametrize("name", get_args(ActName))
@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_act_without_facts_is_put_into_words_that_leave_no_hole(name: str, language: str) -> None:
    words = said(name, language=language)
    assert words
    assert "{" not in words
    assert "  " not in words


def test_a_sentence_is_a_candidate_only_if_every_field_it_names_is_known() -> None:
    assert "¥" not in said("decline", "bargain")
    assert "¥199" in said("decline", "bargain", title="Linen shirt", price="¥199")
    assert "code" not in said("answer", "offer", offer="10% off tea")
    assert "TEA10" in said("answer", "offer", offer="10% off tea", coupon="TEA10")


def test_the_same_seed_says_the_same_and_others_say_it_in_other_words() -> None:
    facts = {"title": "Linen shirt", "price": "¥199"}
    assert said("answer", "price", **facts) == said("answer", "price", **facts)
    assert len({said("answer", "price", seed=str(seed), **facts) for seed in range(20)}) > 1


def test_values_are_filled_in_and_never_read_as_a_template() -> None:
    assert "{{ shop }}" in said("answer", "price", title="{{ shop }}", price="¥1")


def test_there_is_one_sentence_left_where_nothing_else_fits() -> None:
    words = Sentences(extra={"en": {"greet": ["Hello {{ nobody }}"]}}).words([DialogueAct(name="greet")], "en", seed="")
    assert words == SHIPPED["en"]["fixed"][0]


def test_nothing_is_said_where_a_person_speaks() -> None:
    assert said("wait", "silent") == ""
