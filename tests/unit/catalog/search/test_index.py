from datetime import timedelta
from pathlib import Path

import pytest

from search_shop import NOW, Shop, cny
from zhanggui.catalog.search import Relaxation, read_query
from zhanggui.errors import InputError
from zhanggui.money import Money
from zhanggui.storage import Database


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Shop:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "shop.db").write_bytes(migrated_file.read_bytes())
    return Shop(folder, Database(f"sqlite:///{folder / 'shop.db'}"))


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("navy linen shirt", "shirt-blue"),
        ("blue shirt", "shirt-blue"),  # the ontology knows that navy is blue
        ("蓝色衬衫", "shirt-blue"),
        ("lnen shirt navy", "shirt-blue"),
        ("longjing", "tea"),
        ("lvcha", "tea"),
        ("保温悲", "flask"),
        ("flask 500ML", "flask"),
        ("青瓷 cup", "cup"),
        ("龙井 tea", "tea"),
    ],
)
def test_words_of_either_language_find_what_was_meant(shop: Shop, text: str, first: str) -> None:
    assert shop.search(text).product_ids[0] == first


def test_a_mended_spelling_is_said(shop: Shop) -> None:
    assert shop.search("lnen shirt").corrected == "linen shirt"
    assert shop.search("linen shirt").corrected == ""


def test_products_that_have_fewer_of_the_words_follow_and_are_not_counted(shop: Shop) -> None:
    results = shop.search("white cotton shirt")
    assert (results.product_ids[0], results.total) == ("shirt-white", 1)
    assert set(results.product_ids[1:]) <= {"shirt-blue", "shirt-red"}


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ({"category": "Clothing"}, {"shirt-blue", "shirt-white", "shirt-red", "scarf"}),
        ({"category": "Clothing > Shirts", "wanted": {"material": ("linen",)}}, {"shirt-blue", "shirt-red"}),
        ({"category": "Clothing > Shirts", "unwanted": {"colour": ("red", "white")}}, {"shirt-blue"}),
        ({"wanted": {"颜色": ("蓝色",)}}, {"shirt-blue", "flask"}),
        ({"wanted": {"colour": ("red", "white")}}, {"shirt-red", "shirt-white"}),
        ({"wanted": {"material": ("linen",)}, "in_stock": True}, {"shirt-blue"}),
        ({"price_min": cny(88), "price_max": cny(99)}, {"oolong", "flask", "scarf"}),
        ({"price_max": Money(currency="USD", minor=99_900), "category": "Tea"}, {"tea", "oolong"}),
    ],
)
def test_filters_hold(shop: Shop, asked: dict[str, object], ids: set[str]) -> None:
    assert set(shop.search(**asked).product_ids) == ids


def test_a_sale_price_counts_until_it_ends(shop: Shop) -> None:
    assert "scarf" in shop.search(price_max=cny(99)).product_ids
    later = NOW + timedelta(hours=2)
    assert "scarf" not in shop.search(price_max=cny(99), now=later).product_ids
    assert shop.search(sort="price", limit=3).product_ids == ("cup", "oolong", "scarf")
    assert shop.search(sort="-price", limit=1, now=later).product_ids == ("scarf",)


def test_pages_follow_each_other(shop: Shop) -> None:
    whole = shop.search(sort="price", limit=8).product_ids
    pages = [shop.search(sort="price", offset=offset, limit=3).product_ids for offset in (0, 3, 6)]
    assert tuple(one for page in pages for one in page) == whole
    assert len(whole) == 8


@pytest.mark.parametrize("bounds", [{"limit": 10**9}, {"offset": 10**9}, {"offset": -5, "limit": -5}, {"limit": 0}])
def test_any_page_may_be_asked_for(shop: Shop, bounds: dict[str, int]) -> None:
    for sort in ("relevance", "price", "-price"):
        assert len(shop.search(sort=sort, **bounds).product_ids) in (0, 8)
    huge = Money(currency="CNY", minor=10**30)
    assert shop.search(price_max=huge, limit=20).total == 8
    assert [one.constraint for one in shop.search(price_min=huge).relaxed] == ["price_min"]


def test_the_values_of_a_chosen_facet_stay_visible(shop: Shop) -> None:
    results = shop.search(category="Clothing > Shirts", wanted={"colour": ("red",)})
    assert results.total == 1
    colours = {one.value: (one.count, one.selected) for one in results.facets["colour"]}
    assert colours["red"] == (1, True)
    assert colours["white"] == (1, False)
    assert {one.value for one in results.facets["material"]} == {"linen"}
    assert {one.value for one in results.facets["category"]} >= {"Tea", "Ceramics", "Clothing > Shirts"} - {
        "Tea",
        "Ceramics",
    }


def test_the_one_constraint_is_given_up_that_stands_in_the_way(shop: Shop) -> None:
    results = shop.search("shirt", wanted={"colour": ("blue",)}, price_max=cny(100))
    assert results.relaxed == (Relaxation(constraint="price_max", value="¥100.00"),)
    assert results.product_ids == ("shirt-blue",)
    results = shop.search("shirt", wanted={"material": ("linen",), "colour": ("white",)}, price_max=cny(160))
    assert results.relaxed == (Relaxation(constraint="colour", value="white"),)  # named last, given up first
    results = shop.search("shirt", wanted={"colour": ("green",)}, price_max=cny(100))
    assert [one.constraint for one in results.relaxed] == ["price_max", "colour"]


def test_what_is_refused_is_never_given_up(shop: Shop) -> None:
    results = shop.search("oolong", unwanted={"origin": ("Anxi",)}, price_max=cny(500))
    assert results.product_ids == ()


def test_words_that_nothing_matches_are_said(shop: Shop) -> None:
    results = shop.search("purple shirt")
    assert results.relaxed == (Relaxation(constraint="words", value="purple"),)
    assert set(results.product_ids) == {"shirt-blue", "shirt-white", "shirt-red"}
    nothing = shop.search("zeppelin")
    assert (nothing.product_ids, nothing.relaxed) == ((), (Relaxation(constraint="words", value="zeppelin"),))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\x00\x01\u202e\ud800",
        '"; DROP TABLE products; --',
        'title:(a AND b OR NOT "c)^2~*?[x TO y]{}\\/+-!&|',
        "🎉👨‍👩‍👧" * 50,
        "а́бв ქართული ไทย かな 한국어 绿茶 tea",
        "茶" * 20_000,
        "tea " * 20_000,
        "a" * 100_000,
        "a'" * 5_000,
        "1 2 3 4 5 g ml 毫升 " * 500,
        "\x1f",
        "𝕥𝕖𝕒 ﷺ ½ ① ㎏",
    ],
)
def test_no_text_is_refused(shop: Shop, text: str) -> None:
    for language in ("en", "zh", None):
        assert len(shop.search(text, language=language).product_ids) <= 10
    wild = {text[:300]: (text[:300],)}
    shop.search("tea", category=text[:300], wanted=wild, unwanted=wild)


def test_a_wrong_constraint_says_which_and_what_to_write() -> None:
    for wrong, field in [
        ({"where": ["blue"]}, "where"),
        ({"price_max": "cheap"}, "price_max"),
        ({"price_min": "-3"}, "price_min"),
        ({"sort": "best"}, "sort"),
        ({"limit": 1_000}, "limit"),
        ({"offset": -1}, "offset"),
    ]:
        with pytest.raises(InputError) as caught:
            read_query("tea", currency="CNY", **wrong)  # type: ignore[arg-type]
        assert caught.value.field == field
        assert caught.value.hint
    asked = read_query("tea", currency="CNY", where=["colour=red", "colour=blue"], price_max="3 USD")
    assert asked.wanted == {"colour": ("red", "blue")}
    assert asked.price_max == Money(currency="USD", minor=300)
