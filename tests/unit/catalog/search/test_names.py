from zhanggui.catalog import Product
from zhanggui.catalog.search.names import learn_names, named_in, span
from zhanggui.catalog.search.words import words
from zhanggui.money import Money


def product(number: int, category: str, en: str, zh: str) -> Product:
    price = Money(currency="CNY", minor=100)
    return Product(product_id=str(number), titles={"en": en, "zh": zh}, category=category, price=price)


PRODUCTS = [
    *(product(n, "Phones", f"Lumio smart phone, {colour}", "双卡手机 黑色") for n, colour in enumerate("abcde")),
    *(product(n, "Cases", "Magnetic phone case for Lumio phone", "磁吸手机壳") for n in range(10, 18)),
    *(product(n, "Electronics", "Bestseller phone case", "网红手机壳") for n in range(20, 22)),
]


def test_the_end_of_a_phrase_names_the_thing() -> None:
    names = learn_names(PRODUCTS)
    assert names["phone", "case"] == "Cases"
    assert names["手机", "壳"] == "Cases"
    assert names["手机",] == "Phones"
    assert ("phone",) not in names  # half of the cases are for a phone, and say so


def test_of_several_names_the_longest_counts() -> None:
    names = learn_names(PRODUCTS)
    assert named_in("New 手机壳 for phone", names) == "Cases"
    assert span(words("红色手机壳"), names) == (1, 3, "Cases")
    assert span(words("红色"), names) is None
