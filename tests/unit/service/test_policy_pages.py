"""Policy pages: headings become sections that can be cited, and a page that changes on disk is read again."""

import os
from pathlib import Path

import pytest

from zhanggui.errors import PageError
from zhanggui.service.policy_file import read_page
from zhanggui.service.policy_pages import PolicyPages
from zhanggui.shops.policy_pages import write_policy_pages


def page(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_headings_become_sections_with_anchors(tmp_path: Path) -> None:
    text = "before\n\n# Shipping\nWe ship.\n## Costs & fees\nNone.\n## Costs & fees\nStill none.\n## Empty\n### 运费\n免费。\n"
    sections = read_page(page(tmp_path, "shipping.md", text), language="en")
    assert [(one.heading, one.anchor, one.text) for one in sections] == [
        ("", "top", "before"),
        ("Shipping", "shipping", "We ship."),
        ("Costs & fees", "costs--fees", "None."),
        ("Costs & fees", "costs--fees-1", "Still none."),
        ("运费", "运费", "免费。"),
    ]
    assert sections[1].citation == "shipping#shipping"


def test_what_looks_like_a_heading_in_code_is_none(tmp_path: Path) -> None:
    sections = read_page(page(tmp_path, "a.md", "# One\n```\n# two\n```\n#three\n"), language="en")
    assert [one.heading for one in sections] == ["One"]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("shipping.md", "# A\nb", ("shipping", "en")),
        ("shipping.zh.md", "# A\nb", ("shipping", "zh")),
        ("shipping.zh.md", "---\nlanguage: en\n---\n# A\nb", ("shipping", "en")),
        ("shipping.v2.md", "---\ntitle: x\nLanguage: 'zh'\n---\n# A\nb", ("shipping.v2", "zh")),
        ("shipping.md", "\ufeff---\r\nlanguage: zh\r\n---\r\n# A\r\nb", ("shipping", "zh")),
    ],
)
def test_the_language_is_that_of_the_front_matter_or_the_name_or_the_shop(
    tmp_path: Path, name: str, text: str, expected: tuple[str, str]
) -> None:
    (section,) = read_page(page(tmp_path, name, text), language="en")
    assert (section.page, section.language) == expected
    assert (section.heading, section.text) == ("A", "b")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"# A\n\xff\xfe", r"a\.md:2: it is not UTF-8"),
        (b"x" * 300_000, r"a\.md: it has more than"),
        (b"---\nlanguage: fr\n---\n# A\nb", "'fr' is no language"),
        (b"---\nlanguage zh\n---\n# A\nb", r"a\.md:2: it is no NAME: VALUE"),
    ],
)
def test_a_page_that_cannot_be_read_says_where_and_the_others_are_there(
    tmp_path: Path, text: bytes, problem: str
) -> None:
    with pytest.raises(PageError, match=problem):
        read_page(page(tmp_path, "a.md", text), language="en")
    page(tmp_path, "b.md", "# B\nb")
    pages = PolicyPages(folder=tmp_path, language="en")
    assert [one.page for one in pages.sections()] == ["b"]
    assert len(pages.problems()) == 1


def test_a_page_that_changes_is_read_again(tmp_path: Path) -> None:
    path = page(tmp_path, "returns.md", "# Returns\n\nWithin 7 days.")
    pages = PolicyPages(folder=tmp_path, language="en")
    (before,) = pages.search("returns", "en")
    path.write_text("# Returns\n\nWithin 9 days.", encoding="utf-8")
    os.utime(path, ns=(1, 1))
    (after,) = pages.search("returns", "en")
    assert (before.text, after.text) == ("Within 7 days.", "Within 9 days.")
    assert before.digest != after.digest
    path.unlink()
    assert pages.search("returns", "en") == []
    assert pages.cited("returns#returns", "en") is None


def test_a_shop_without_pages_promises_nothing(tmp_path: Path) -> None:
    pages = PolicyPages(folder=tmp_path / "none", language="zh")
    assert (pages.sections(), pages.problems(), pages.search("退货", "zh")) == ((), (), [])


def test_where_there_is_no_page_in_a_language_the_other_answers(tmp_path: Path) -> None:
    page(tmp_path, "returns.zh.md", "# 退货期限\n7 天内可以退货。\n## 付款\n支付宝。")
    pages = PolicyPages(folder=tmp_path, language="zh")
    assert pages.search("how long can I return it", "en", limit=1)[0].heading == "退货期限"


def test_a_cited_section_is_given_in_the_language_of_the_reader(tmp_path: Path) -> None:
    page(tmp_path, "a.en.md", "# X\nenglish")
    page(tmp_path, "a.zh.md", "# X\n中文")
    pages = PolicyPages(folder=tmp_path, language="zh")
    assert [pages.cited("a#x", language).text for language in ("en", "zh")] == ["english", "中文"]  # type: ignore[union-attr]


def test_the_sample_pages_say_the_same_in_both_languages_and_overwrite_nothing(tmp_path: Path) -> None:
    page(tmp_path, "returns.en.md", "# Ours\nours")
    written = write_policy_pages(tmp_path)
    pages = PolicyPages(folder=tmp_path, language="zh")
    counts = {(one.page, one.language): 0 for one in pages.sections()}
    for section in pages.sections():
        counts[section.page, section.language] += 1
    assert tmp_path / "returns.en.md" not in written
    assert counts.pop(("returns", "en")) == 1
    for name in ("shipping", "payment", "warranty", "privacy", "contact"):
        assert counts[name, "en"] == counts[name, "zh"] > 3, name
