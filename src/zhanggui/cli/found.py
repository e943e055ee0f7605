"""What a search found, as a terminal shows it: products, what there is to choose from, what was given up."""

from datetime import datetime

from zhanggui.catalog.ontology import Ontology
from zhanggui.catalog.search import FacetValue, Relaxation
from zhanggui.cli.output import either, say, show, spoken
from zhanggui.engine.catalog import Found

_MOST_VALUES = 8


def show_found(found: Found, ontology: Ontology, *, now: datetime) -> None:
    """Print it."""
    from rich.table import Table
    from rich.text import Text

    results = found.results
    if results.corrected:
        say(f"searched for: {results.corrected}", f"已按“{results.corrected}”搜索")
    for given_up in results.relaxed:
        say(f"given up: {_given_up(given_up)}", f"放宽了条件：{_given_up(given_up)}", style="yellow")
    if not found.products:
        say("nothing matches", "没有找到商品")
        return
    products = Table(box=None)
    for column in (either("id", "编号"), either("product", "商品"), either("price", "价格"), either("stock", "库存")):
        products.add_column(column)
    for product in found.as_asked():
        stock = either("sold out", "售罄") if product.sold_out else "—" if product.stock is None else str(product.stock)
        products.add_row(
            Text(product.product_id), Text(product.title(spoken())), str(product.price_at(now)), Text(stock)
        )
    show(products)
    say(f"{results.total} products match", f"共 {results.total} 件商品符合")
    facets = Table(show_header=False, box=None)
    for name, values in results.facets.items():
        facets.add_row(
            Text(_title(name, ontology)), Text("  ".join(_shown(name, one, ontology) for one in values[:_MOST_VALUES]))
        )
    show(facets)


def _given_up(relaxation: Relaxation) -> str:
    names = {
        "price_min": either("lowest price", "最低价"),
        "price_max": either("highest price", "最高价"),
        "category": either("category", "分类"),
        "in_stock": either("in stock", "有货"),
        "words": either("words", "词语"),
    }
    return f"{names.get(relaxation.constraint, relaxation.constraint)} {relaxation.value}".strip()


def _title(name: str, ontology: Ontology) -> str:
    aspect = ontology.aspect(name)
    return either("category", "分类") if name == "category" else aspect.title(spoken()) if aspect else name


def _shown(name: str, facet: FacetValue, ontology: Ontology) -> str:
    aspect = ontology.aspect(name)
    label = aspect.label(facet.value, spoken()) if aspect and name != "category" else facet.value
    return f"{'✓ ' if facet.selected else ''}{label} {facet.count}"
