import pytest

pytest.importorskip("rjieba", reason="the extra `train` is not installed")

from zhanggui.corpus.attributes import attributes_covered
from zhanggui.corpus.document import Document
from zhanggui.corpus.language_model import annotate_with_model
from zhanggui.corpus.read import pairs
from zhanggui.corpus.selling_points import selling_points
from zhanggui.corpus.sentiment import emotion, sentiment
from zhanggui.corpus.words import candidates, clauses
from zhanggui.errors import CorpusError
from zhanggui.testing import FakeLLM


@pytest.mark.parametrize(
    ("text", "language", "value"),
    [
        ("质量很好，物流也快，很满意", "zh", "positive"), ("一点都不好，太失望了", "zh", "negative"), ("不错，没有异味", "zh", "positive"), ("外观漂亮，但是用了两天就坏了，客服还不理人", "zh", "negative"),
        ("一直在等退款，垃圾", "zh", "negative"), ("The fabric is soft and it fits perfectly", "en", "positive"), ("It is not good, it broke in a week", "en", "negative"),
        ("Looks nice, but it stopped working and support was rude", "en", "negative"), ("I don't love it", "en", "negative"),
    ],
)  # fmt: skip
def test_sentiment_by_rule(text: str, language: str, value: str) -> None:
    found = sentiment(clauses(text, language), language)
    assert found is not None
    assert found.value == value
    assert 0 < found.confidence <= 1


@pytest.mark.parametrize(
    ("text", "language"), [("昨天下午买的杯子", "zh"), ("I bought this on Monday", "en"), ("", "zh")]
)
def test_a_rule_that_cannot_tell_says_nothing(text: str, language: str) -> None:
    read = clauses(text, language)
    assert sentiment(read, language) is None
    assert emotion(read, language) is None
    assert selling_points(read, language) == []


@pytest.mark.parametrize(("text", "language", "value"), [("气死我了，骗子", "zh", "anger"), ("房间有蟑螂，恶心", "zh", "disgust"), ("so happy, thank you", "en", "joy"), ("I was worried it is unsafe", "en", "fear")])  # fmt: skip
def test_emotion_by_rule(text: str, language: str, value: str) -> None:
    found = emotion(clauses(text, language), language)
    assert found is not None
    assert found.value == value


def test_selling_points_are_clauses_of_the_text_with_their_aspect() -> None:
    text = "面料很柔软，价格也实惠，但是物流太慢，电池不好用"
    found = selling_points(clauses(text, "zh"), "zh")
    assert {(one.value, one.aspect) for one in found} == {("面料很柔软", "material"), ("价格也实惠", "price")}
    text = "The battery lasts and charging is fast. Shipping was slow, the screen is not bright."
    found = selling_points(clauses(text, "en"), "en")
    assert [(one.value, one.aspect) for one in found] == [("The battery lasts and charging is fast", "battery")]


def test_attributes_are_found_as_they_stand_or_in_part() -> None:
    facts = pairs("类型#裤*版型#宽松*裤型#阔腿裤*图案#碎花")
    found = attributes_covered("宽松的版型，阔腿的裤子", facts)
    assert [(one.aspect, one.value, one.confidence) for one in found] == [
        ("类型", "裤", 1.0),
        ("版型", "宽松", 1.0),
        ("裤型", "阔腿裤", 0.6),
    ]
    found = attributes_covered(
        "Soft merino wool, 250 g", (("material", "Merino Wool"), ("weight", "25 g"), ("size", "XL"))
    )
    assert [one.aspect for one in found] == ["material"]


@pytest.mark.parametrize("value", ["宽松", "a#b*c", [1, 2], '{"a"', 7])
def test_attributes_that_are_none_are_refused(value: object) -> None:
    with pytest.raises(CorpusError, match="attributes"):
        pairs(value)


def test_keyword_candidates_carry_meaning() -> None:
    words = candidates(clauses("物流很快，但是包装盒破损", "zh"), "zh")
    assert {"物流", "破损"} <= set(words)
    assert not {"很", "但是"} & set(words)
    assert "fast\x1fdelivery" in candidates(clauses("a fast delivery, the box", "en"), "en")


def test_a_language_model_is_believed_only_where_it_can_be_checked() -> None:
    document = Document(document_id="1", text="Soft cotton, arrived late.", group="1", language="en")
    answers = [
        "sentiment: positive\nemotion: joy\nselling points: Soft cotton | free returns",
        "sentiment: negative\nemotion: bliss\nselling points: none",
        "Sentiment: Positive.\nI like tea",
    ]
    found = annotate_with_model([document], FakeLLM(answers), seed=1)[0]
    assert [(one.kind, one.value, one.confidence) for one in found] == [
        ("sentiment", "positive", 0.667),
        ("emotion", "joy", 0.333),
        ("selling_point", "Soft cotton", 0.333),
    ]
    assert {(one.source, one.by) for one in found} == {("language_model", "fake")}
