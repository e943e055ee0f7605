"""The conversations that end the demo: a search, a rule of the shop, a change of mind, and the same words again."""

import pytest

from zhanggui.cli.demo_talks import CHINESE, ENGLISH, hold
from zhanggui.engine import Engine


@pytest.mark.parametrize("script", [CHINESE, ENGLISH])
def test_a_second_run_says_the_same(shop: Engine, script: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    hold(shop, script)
    first = capsys.readouterr().out
    hold(shop, script)
    assert capsys.readouterr().out == first
    assert first.count("> ") == len(script)


def test_the_chinese_one_searches_asks_and_changes_its_mind(shop: Engine) -> None:
    talk = shop.conversations.start(seed="demo").conversation_id
    answers = [shop.conversations.turn(talk, text) for text in CHINESE]
    assert [one["product_id"] for one in answers[0].products] == ["clothing-03"]
    assert answers[1].sources[0].startswith("shipping#")
    assert [one["product_id"] for one in answers[2].products] == ["clothing-08"]
    assert "clothing-08" in answers[3].answer
    assert answers[4].acts == ("close",)
