import csv
import json
from pathlib import Path

from zhanggui.catalog import Deletion, Product, Variant
from zhanggui.catalog.feed import read_feed
from zhanggui.catalog.row import Siblings
from zhanggui.storage import RejectFile

CUP = {
    "Handle": "cup",
    "Title": "Tea cup",
    "Vendor": "Kiln",
    "Option1 Name": "Colour",
    "Option1 Value": "green",
    "Variant SKU": "'0071",
    "Variant Price": "10.00",
    "Variant Compare At Price": "",
    "Variant Inventory Tracker": "shopify",
    "Variant Inventory Policy": "deny",
    "Variant Inventory Qty": "3",
    "Image Src": "https://a.example/1.png",
    "Variant Image": "",
    "Published": "true",
    "Status": "active",
}
NEXT = dict.fromkeys(CUP, "") | {"Handle": "cup", "Variant Price": "10.00"}
HAT = CUP | {"Handle": "hat", "Title": "Hat", "Option1 Value": "Default Title", "Variant SKU": ""}


def read(folder: Path, *rows: dict[str, str]) -> tuple[dict[str, Product | Deletion], list[dict[str, object]]]:
    path = folder / "products_export.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(CUP))
        writer.writeheader()
        writer.writerows(rows)
    with RejectFile(path=folder / "rejects.jsonl") as rejects:
        found = list(read_feed(path, rejects=rejects, currency="USD", language="en"))
    lines = rejects.path.read_text(encoding="utf-8").splitlines() if rejects.count else []
    products = {one.product_id: one.product if isinstance(one, Siblings) else one for one in found}
    return products, [json.loads(line) for line in lines]


def variants(product: Product | Deletion) -> dict[str, Variant]:
    assert isinstance(product, Product)
    return {variant.variant_id: variant for variant in product.variants}


def test_a_compare_at_price_is_a_former_price_only_above_the_price(tmp_path: Path) -> None:
    wanted = {"1,250.00": (125_000, 1_000), "10.00": (1_000, None), "8.00": (1_000, None), "0.00": (1_000, None)}
    rows = [CUP | {"Variant SKU": before, "Variant Compare At Price": before} for before in wanted]
    found, rejected = read(tmp_path, *rows)
    assert rejected == []
    prices = {
        sku: (one.price.minor, one.sale_price and one.sale_price.minor) for sku, one in variants(found["cup"]).items()
    }
    assert prices == wanted


def test_variants_are_one_product_across_blank_rows_and_other_products(tmp_path: Path) -> None:
    blank = dict.fromkeys(CUP, "")
    found, rejected = read(
        tmp_path,
        CUP,
        blank | {"Title": " ", "Handle": " "},
        HAT,
        NEXT | {"Option1 Value": "blue", "Variant SKU": "b", "Image Src": "https://a.example/2.png"},
        NEXT | {"Variant Price": "", "Image Src": "https://a.example/3.png"},
        NEXT | {"Option1 Value": "red", "Variant Image": "https://a.example/red.png"},
    )
    assert rejected == []
    assert list(found) == ["cup", "hat"]
    cup, hat = found["cup"], variants(found["hat"])
    assert isinstance(cup, Product)
    assert (cup.titles["en"], cup.brand, cup.attributes, cup.image_url) == ("Tea cup", "Kiln", {}, CUP["Image Src"])
    assert cup.image_urls == tuple(f"https://a.example/{name}.png" for name in ("2", "3", "red"))
    assert {sku: one.options for sku, one in variants(cup).items()} == {
        "0071": {"Colour": "green"},
        "b": {"Colour": "blue"},
        "cup-red": {"Colour": "red"},
    }
    pictures = [one.image_url for one in cup.variants]
    assert pictures == ["", "", "https://a.example/red.png"], "a further picture of the product is not the variant's"
    assert {sku: one.options for sku, one in hat.items()} == {"hat": {}}


def test_a_variant_without_a_price_is_refused_and_not_lost(tmp_path: Path) -> None:
    found, rejected = read(tmp_path, CUP, NEXT | {"Option1 Value": "blue", "Variant Price": ""})
    assert list(variants(found["cup"])) == ["0071"]
    assert [(one["line"], one["field"]) for one in rejected] == [(3, "price")]


def test_what_is_not_counted_or_sold_on_is_not_out_of_stock_and_what_is_not_published_goes(tmp_path: Path) -> None:
    none = {"Variant Inventory Qty": "0"}
    found, _ = read(
        tmp_path,
        CUP | none | {"Variant SKU": "gone"},
        CUP | none | {"Variant SKU": "uncounted", "Variant Inventory Tracker": ""},
        CUP | none | {"Variant SKU": "sold on", "Variant Inventory Policy": "continue"},
        HAT | {"Variant SKU": "hidden", "Published": "FALSE"},
    )
    at_hand = {sku: (one.stock, one.availability) for sku, one in variants(found["cup"]).items()}
    assert at_hand == {"gone": (0, "out of stock"), "uncounted": (None, "in stock"), "sold on": (None, "backorder")}
    assert found["hidden"] == Deletion(product_id="hidden")
