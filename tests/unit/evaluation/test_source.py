from typing import Any

import pytest

from zhanggui.errors import EvaluationError
from zhanggui.evaluation.source import Source, from_row, vocabulary


def source(**row: Any) -> Source:
    found = from_row(row)
    assert found is not None
    return found


def test_a_condition_of_advertisegen_keeps_every_value_of_a_name() -> None:
    found = source(content="类型#裙*图案#条纹*图案#线条")
    assert found.attributes == (("类型", "裙"), ("图案", "条纹"), ("图案", "线条"))
    assert found.brief.evidence == {"类型": "裙", "图案": "条纹、线条"}
    assert found.brief.language == "zh"
    assert found.text == "类型：裙；图案：条纹；图案：线条"


def test_a_brief_gives_its_facts_as_attributes_and_all_of_it_as_evidence() -> None:
    found = source(about="Linen Shirt", facts={"colour": "sage", "description": "Made for the slow side of summer."}, offer="10% off linen", copy="x")  # fmt: skip
    assert found.attributes == (("colour", "sage"),)
    assert set(found.brief.evidence) == {"about", "offer", "colour", "description"}
    assert found.brief.language == "en"
    assert "Linen Shirt" in found.text
    assert "colour: sage" in found.text


def test_attributes_may_have_several_values_and_numbers() -> None:
    found = source(attributes={"颜色": ["白色", "蓝色"], "件数": 3})
    assert found.attributes == (("颜色", "白色"), ("颜色", "蓝色"), ("件数", "3"))


def test_free_text_is_evidence_without_attributes() -> None:
    found = source(source="A mug of 350 ml, made in Portugal.")
    assert found.attributes == ()
    assert "350 ml" in found.brief.evidence["source"]


def test_a_row_without_a_source_has_none() -> None:
    assert from_row({"text": "A mug."}) is None


def test_the_vocabulary_is_every_value_that_can_be_said() -> None:
    rows = [source(content="类型#裙*颜色#白色"), source(attributes={"note": "x" * 41, "colour": "sage"})]
    assert vocabulary(rows) == {"裙", "白色", "sage"}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"content": "类型裙*颜色#白"}, "content: '类型裙' is no name#value"),
        ({"content": 3}, "content: it is not a text"),
        ({"about": "Mug", "facts": ["sage"]}, "facts: it does not map names to values"),
        ({"attributes": {"colour": {"of": "sage"}}}, "attributes.colour: it is no text or number"),
        ({"source": None}, "source: it is not a text"),
    ],
)
def test_a_bad_source_is_named_with_its_field(row: dict[str, Any], message: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        from_row(row)
    assert str(caught.value).startswith(message)
