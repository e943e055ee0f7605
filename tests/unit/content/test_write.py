from collections.abc import Sequence

from zhanggui.content.brief import Brief
from zhanggui.content.settings import ContentSettings
from zhanggui.content.write import write
from zhanggui.testing import FakeLLM

SMS, EMAIL = (
    Brief(language="en", channel=channel, tone="warm", about="green tea", offer_title=offer)
    for channel, offer in (("sms", "10% off tea"), ("email", ""))
)
ANSWERS = ("Green tea, for the quiet hour after lunch with a good book.",)


def asked(style: str, briefs: Sequence[Brief]) -> tuple[FakeLLM, int]:
    model = FakeLLM(ANSWERS)
    model.prompt_style = style  # type: ignore[attr-defined]
    written = write(briefs, model, languages=["en"], settings=ContentSettings(candidates=2))
    assert {copy.pitch for copy in written.copies.values()} == set(ANSWERS)
    assert set(written.copies) == {one.brief_id for one in briefs}
    assert written.candidates == 2 * len(briefs)
    return model, written.prompt_tokens


def test_briefs_that_a_model_is_asked_for_in_the_same_words_are_answered_once() -> None:
    model, tokens = asked("product", [SMS, EMAIL])
    assert (len(model.requests), tokens) == (1, 1)


def test_briefs_that_differ_in_what_the_model_is_told_are_answered_each() -> None:
    model, tokens = asked("brief", [SMS, EMAIL])
    assert (len(model.requests), tokens) == (2, 2)
