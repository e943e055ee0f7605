import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("phonenumbers", reason="the extra `train` is not installed")

from zhanggui.corpus.document import Document
from zhanggui.corpus.mask import mask, masked_fields

_MARK = re.compile(r"\{([A-Z]+):([^{}]*)\}")


def _labelled() -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
    """(sentence, sentence as it should be, its (kind, text)) of each labelled sentence."""
    for line in (Path(__file__).parent / "personal_data.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield _MARK.sub(r"\2", line), _MARK.sub(r"[\1]", line), _MARK.findall(line)


def test_labelled_personal_data_is_masked_and_other_numbers_stay() -> None:
    hits, said, there = Counter[str](), Counter[str](), Counter[str]()
    wrong = []
    for sentence, wanted, marks in _labelled():
        masked, counts = mask(sentence)
        said.update(counts)
        there.update(kind for kind, _ in marks)
        hits.update(kind for kind, text in marks if text not in masked and counts[kind])
        if masked != wanted:
            wrong.append((wanted, masked))
    for kind in sorted(there):
        print(
            f"{kind}: precision {hits[kind] / max(1, said[kind]):.3f}, recall {hits[kind] / there[kind]:.3f} of {there[kind]}"
        )
    print(
        f"all: precision {hits.total() / said.total():.3f}, recall {hits.total() / there.total():.3f} of {there.total()}"
    )
    assert wrong == []


def test_the_labelled_set_is_large_and_in_both_languages() -> None:
    sentences = [sentence for sentence, _, _ in _labelled()]
    plain = [sentence for sentence, _, marks in _labelled() if not marks]
    assert len(sentences) >= 100
    assert len([one for one in sentences if one.isascii()]) >= 40
    assert len([one for one in sentences if not one.isascii()]) >= 40
    assert len([one for one in plain if re.search(r"\d", one)]) >= 40


def test_masking_again_changes_nothing() -> None:
    for sentence, _, _ in _labelled():
        masked, _ = mask(sentence)
        assert mask(masked) == (masked, Counter())


def test_attributes_and_kept_columns_are_masked_with_their_names_in_view() -> None:
    attributes = (
        ("客服电话", "13812345678"), ("货号", "13812345678"), ("条形码", "6901234567892"), ("微信", "tea_shop88"),
        ("价格", "1,299.00元"), ("尺码", "220 225 230 2350"), ("ＢＯＸ", "１０㎡"), ("发货地", "杭州市西湖区文一路12号"),
    )  # fmt: skip
    kept = (("prompt", "Reply to ｗａｎｇ＠163．com today"), ("order_id", "4155550199"), ("product_sku", "4155550199"))
    found, counts = masked_fields(
        Document(document_id="1", text="13812345678", group="g", attributes=attributes, kept=kept)
    )
    assert dict(found.attributes) == dict(attributes) | {
        "客服电话": "[PHONE]",
        "微信": "[ACCOUNT]",
        "发货地": "[ADDRESS]",
    }
    assert dict(found.kept) == {
        "prompt": "Reply to [EMAIL] today",
        "order_id": "[ORDER]",
        "product_sku": "4155550199",
    }
    assert counts == {"PHONE": 1, "ACCOUNT": 1, "ADDRESS": 1, "EMAIL": 1, "ORDER": 1}
    assert found.text == "13812345678"


@pytest.mark.parametrize(
    "text", ["市区县" * 4_000, "文一路" * 4_000, "1 " * 8_000, "order " + "A-" * 8_000, "a@" * 8_000]
)
def test_a_text_that_is_nothing_but_the_rules_words_is_read_at_once(text: str) -> None:
    start = time.process_time()
    mask(text)
    assert time.process_time() - start < 10
