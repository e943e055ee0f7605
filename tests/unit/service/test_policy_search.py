"""Everyday questions find the section that answers them, in both languages, over the sample pages."""

import pytest

from zhanggui.catalog.product import Language
from zhanggui.service.policy_pages import PolicyPages
from zhanggui.shops.policy_pages import write_policy_pages

QUESTIONS: tuple[tuple[Language, str, str], ...] = (
    ("en", "how long does delivery to London take?", "shipping#delivery-times"),
    ("en", "what does shipping cost", "shipping#shipping-costs"),
    ("en", "do you ship abroad?", "shipping#international-delivery-and-customs"),
    ("en", "my parcel is lost", "shipping#parcel-lost-or-damaged"),
    ("en", "how many days do I have to send it back", "returns#return-period"),
    ("en", "who pays for the return", "returns#who-pays-for-the-return"),
    ("en", "when do I get my refund", "returns#refunds"),
    ("en", "can I swap it for another size", "returns#exchanges"),
    ("en", "can I return opened tea", "returns#what-cannot-be-returned"),
    ("en", "Can I pay with PayPal?", "payment#ways-to-pay"),
    ("en", "I need an invoice for my company", "payment#invoices"),
    ("en", "can I pay in instalments", "payment#instalments"),
    ("en", "how long is the guarantee on a kettle", "warranty#how-long-the-warranty-lasts"),
    ("en", "is the cup dishwasher safe", "warranty#care-of-your-goods"),
    ("en", "when are you open", "contact#opening-hours"),
    ("en", "which details do you keep about me", "privacy#what-we-keep"),
    ("zh", "几天能到货？", "shipping#送达时间"),
    ("zh", "运费多少钱", "shipping#运费"),
    ("zh", "能寄到国外吗", "shipping#国际配送与关税"),
    ("zh", "包裹丢了怎么办，一直没收到", "shipping#包裹丢失或破损"),
    ("zh", "多久之内可以无理由退货", "returns#退货期限"),
    ("zh", "退货运费谁出", "returns#退货运费谁承担"),
    ("zh", "退款多久到账", "returns#退款时间"),
    ("zh", "想换个尺码", "returns#换货"),
    ("zh", "拆封的茶叶能退吗", "returns#不能退的商品"),
    ("zh", "可以用微信支付吗", "payment#付款方式"),
    ("zh", "怎么开发票", "payment#发票"),
    ("zh", "支持花呗分期吗", "payment#分期付款"),
    ("zh", "锅的保修期多长", "warranty#保修期"),
    ("zh", "这个杯子能进洗碗机吗", "warranty#保养方法"),
    ("zh", "客服几点上班", "contact#营业时间"),
    ("zh", "我的个人信息怎么删除", "privacy#查询和删除个人信息"),
)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> PolicyPages:
    folder = tmp_path_factory.mktemp("policies")
    write_policy_pages(folder)
    return PolicyPages(folder=folder, language="zh")


@pytest.mark.parametrize(("language", "question", "citation"), QUESTIONS)
def test_an_everyday_question_finds_its_section(
    pages: PolicyPages, language: Language, question: str, citation: str
) -> None:
    assert [section.citation for section in pages.search(question, language, limit=1)] == [citation]


def test_a_question_about_something_else_finds_nothing(pages: PolicyPages) -> None:
    assert pages.search("xyzzy plugh", "en") == []
    assert pages.search("", "zh") == []


def test_long_and_hostile_questions_are_cut_and_answered(pages: PolicyPages) -> None:
    assert pages.search("return " * 100_000, "en", limit=1)[0].page == "returns"
    assert pages.search("\0\ud800退货\u202e" + "][(" * 1000, "zh", limit=1)[0].page == "returns"
